package sidecar

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/simtest"
	"evergreen/internal/testmode"

	"pgregory.net/rapid"
)

// small is a memory for some two hundred messages, of more than a thousand with their data on
// the disk.
const small = 256 << 10

// storeFiles returns the files of events that do not fit into memory.
func (h *harness) storeFiles() []string {
	files, _ := filepath.Glob(filepath.Join(h.opts.Dir, "*.events"))
	return files
}

// moved returns how much of the backlog is in memory, and how much on the disk.
func (h *harness) moved() (memory, disk int64) {
	h.sidecar.mu.Lock()
	defer h.sidecar.mu.Unlock()
	for _, r := range h.sidecar.backlog.Records() {
		disk += int64(r.Moved)
	}
	return h.sidecar.backlog.Bytes() - disk, disk
}

// storm says so many things, from a number on.
func (h *harness) storm(from, count int) (texts []string) {
	for i := range count {
		texts = append(texts, h.say(from+i, 1)...)
		h.Advance(5 * time.Millisecond)
	}
	return texts
}

// What does not fit into memory is delivered from the disk, in order, with what is live
// after it; then the disk is empty again.
func TestWhatDoesNotFitIntoMemoryIsDelivered(t *testing.T) {
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small}, func(h *harness) {
		h.started().kill()
		missed := h.storm(0, 800)
		if memory, disk := h.moved(); memory > small || disk < small {
			t.Errorf("%d bytes are in memory, %d on the disk", memory, disk)
		}
		b := h.connect().identify(nil)
		missed = append(missed, h.storm(800, 50)...)
		h.Until(10*time.Second, "everything", func() bool { return len(b.messages()) == len(missed) })
		h.wantMessages(missed, b)
		if st := h.sidecar.Status(); st.Counts.Lost != 0 {
			t.Errorf("%d are lost", st.Counts.Lost)
		}
		for range 3 {
			h.say(0, 1)
			h.Advance(checkpointEvery + time.Minute)
		}
		if files := h.storeFiles(); len(files) != 0 {
			t.Errorf("there are still %q", files)
		}
		b.kill()
	})
}

// What is on the disk survives Evergreen, with a checkpoint or without one.
func TestWhatIsOnTheDiskSurvivesACrash(t *testing.T) {
	for _, checkpoint := range []bool{false, true} {
		run(t, Options{Dir: t.TempDir(), BacklogBytes: small}, func(h *harness) {
			h.started().kill()
			missed := h.storm(0, 500)
			if checkpoint {
				h.Advance(checkpointEvery)
			}
			missed = append(missed, h.storm(500, 200)...)
			h.crash()
			if memory, disk := h.moved(); memory > small || disk == 0 {
				t.Errorf("%d bytes are in memory, %d on the disk", memory, disk)
			}
			b := h.started()
			h.Until(10*time.Second, "everything", func() bool { return len(b.messages()) >= len(missed) })
			h.wantMessages(missed, b)
			b.kill()
		})
	}
}

// What does not fit on the disk either is lost, the oldest first, and told.
func TestWhatDoesNotFitOnTheDiskIsLost(t *testing.T) {
	var log simtest.Log
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small, BacklogDisk: small / 2, Log: log.Logger()}, func(h *harness) {
		h.started().kill()
		said := h.storm(0, 800)
		h.Advance(2 * time.Second)
		lost := int(h.sidecar.Status().Counts.Lost)
		if _, disk := h.moved(); lost == 0 || disk > small/2 || !log.Has("Events were lost") {
			t.Errorf("%d are lost, %d bytes on the disk; the log says:\n%s", lost, disk, log.String())
		}
		b := h.started()
		h.Advance(5 * time.Second)
		h.wantMessages(said[lost:], b)
		b.kill()
	})
}

// What is on the disk grows old as everything does.
func TestWhatIsOnTheDiskGrowsOld(t *testing.T) {
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small, BacklogAge: time.Minute}, func(h *harness) {
		h.started().kill()
		h.storm(0, 500)
		h.Advance(2 * time.Minute)
		if n := h.sidecar.Status().Counts.Lost; n != 500 {
			t.Errorf("%d are lost, want 500", n)
		}
		said := h.say(500, 1)
		b := h.started()
		h.wantMessages(said, b)
		b.kill()
	})
}

// A disk that cannot be written to is told; the memory is used, and the oldest are lost.
func TestDiskThatFailsIsTold(t *testing.T) {
	var log simtest.Log
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small, Log: log.Logger()}, func(h *harness) {
		h.started().kill()
		if err := os.RemoveAll(h.opts.Dir); err != nil {
			t.Fatal(err)
		}
		said := h.storm(0, 500)
		lost := int(h.sidecar.Status().Counts.Lost)
		if memory, disk := h.moved(); lost == 0 || memory > small || disk != 0 || !log.Has("cannot be kept on the disk; the oldest are lost") {
			t.Errorf("%d are lost, %d bytes are in memory, %d on the disk; the log says:\n%s", lost, memory, disk, log.String())
		}
		b := h.started()
		h.Advance(time.Second)
		h.wantMessages(said[lost:], b)
		b.kill()
	})
}

// Without room on the disk the memory is all there is.
func TestNothingIsMovedIfNotWanted(t *testing.T) {
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small, BacklogDisk: -1}, func(h *harness) {
		h.started().kill()
		h.storm(0, 500)
		if memory, disk := h.moved(); memory > small || disk != 0 || h.sidecar.Status().Counts.Lost == 0 || len(h.storeFiles()) != 0 {
			t.Errorf("%d bytes are in memory, %d on the disk, in %q", memory, disk, h.storeFiles())
		}
	})
}

// A damaged file costs the events that it held: they are counted, and the numbers of what
// is delivered have no gap.
func TestDamagedEventsAreLost(t *testing.T) {
	var log simtest.Log
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small, Log: log.Logger()}, func(h *harness) {
		h.started().kill()
		said := h.storm(0, 500)
		files := h.storeFiles()
		info, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], make([]byte, info.Size()), 0o600); err != nil {
			t.Fatal(err)
		}
		b := h.started()
		h.Advance(5 * time.Second)
		lost := int(h.sidecar.Status().Counts.Lost)
		if lost == 0 || !log.Has("kept on the disk is lost") {
			t.Errorf("%d are lost; the log says:\n%s", lost, log.String())
		}
		h.wantMessages(said[lost:], b)
		b.mu.Lock()
		for i, r := range b.got[1:] {
			if r.Op == 0 && r.Seq != int64(i+1) {
				t.Errorf("%s has the number %d, want %d", r.Type, r.Seq, i+1)
			}
		}
		b.mu.Unlock()
		b.kill()
	})
}

// An event that was on the disk and ends the bot each time is set aside with its content.
func TestEventFromTheDiskIsSetAside(t *testing.T) {
	run(t, Options{Dir: t.TempDir(), BacklogBytes: small}, func(h *harness) {
		h.started().kill()
		h.Post("poison")
		h.storm(0, 500)
		for range lossesUntilAside {
			b := h.connect().identify(nil)
			h.Until(5*time.Second, "the event", func() bool { return slices.Contains(b.messages(), "poison") })
			b.kill()
		}
		files, _ := filepath.Glob(filepath.Join(h.opts.Dir, "set-aside-*.json"))
		if len(files) != 1 {
			t.Fatalf("kept are %q", files)
		}
		if content, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(content), "poison") {
			t.Errorf("%s, %v", content, err)
		}
	})
}

// Whatever is killed when: what is on the disk comes in order and is not lost.
func TestNothingOnTheDiskIsLostWhateverCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"storm", "storm", "bot", "away", "evergreen", "both", "checkpoint", "upstream"}), 2, testmode.Count(8, 5)).Draw(rt, "steps")
		run(t, Options{Dir: t.TempDir(), BacklogBytes: small / 4}, func(h *harness) {
			b := h.started()
			var heard, said []string
			known := map[string]bool{}
			take := func() {
				for _, m := range b.messages() {
					if !known[m] {
						known[m] = true
						heard = append(heard, m)
					}
				}
			}
			for _, step := range steps {
				switch step {
				case "storm":
					for range 40 {
						text := "message " + strconv.Itoa(len(said))
						said = append(said, text)
						h.Post(text)
					}
					h.Advance(100 * time.Millisecond)
				case "upstream":
					h.Inject(discordsim.Fault{Name: "cut"})
				case "checkpoint":
					h.sidecar.mu.Lock()
					h.sidecar.checkpoint(time.Now())
					h.sidecar.mu.Unlock()
					h.Advance(10 * time.Millisecond)
				case "away":
					b.kill()
					take()
				case "bot":
					b.kill()
					take()
					b = h.started()
				case "evergreen":
					h.crash()
					take()
					b = h.connect().identify(nil)
				case "both":
					b.kill()
					take()
					h.crash()
					b = h.started()
				}
			}
			b.kill()
			take()
			b = h.started()
			h.Advance(20 * time.Second)
			b.kill()
			take()
			if !slices.Equal(heard, said) {
				rt.Errorf("after %q the bots have heard %d of %d: %q", steps, len(heard), len(said), heard)
			}
			if n := h.sidecar.Status().Counts.Lost; n != 0 {
				rt.Errorf("after %q %d are lost", steps, n)
			}
		})
	})
}
