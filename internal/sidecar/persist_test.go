package sidecar

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/simtest"

	"pgregory.net/rapid"
)

// When Evergreen is restarted, a bot resumes and misses nothing, and so does Discord's
// session.
func TestRestartCostsABotAResume(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		said := h.say(0, 3)
		h.Advance(time.Second)
		h.restart()
		if code := b.code(); code != 1001 {
			t.Errorf("the line is closed with %d", code)
		}
		missed := h.say(3, 3)
		h.Advance(2 * time.Second)
		again := h.resumes(b)
		h.Until(2*time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
		h.wantMessages(append(said, missed...), b, again)
		h.WantIdentifies(1)
		if r := h.Sim.Verdict(h.App).Resumes; r != 1 {
			t.Errorf("%d RESUMEs at Discord", r)
		}
		h.NoViolations()
		again.kill()
	})
}

// When the last that came before a crash was of no use later, and so not kept, the next
// event is delivered all the same.
func TestCrashAfterTypingLosesNothing(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		h.typing()
		h.Advance(time.Second)
		h.crash()
		b = h.resumes(b)
		h.Advance(2 * time.Second)
		said := h.say(0, 2)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		b.kill()
	})
}

// When bot and Evergreen are killed together, a new process of the bot gets its guilds as
// they were at its cursor, and then what happened since.
func TestCrashOfBotAndEvergreenLosesNothing(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		said := h.say(0, 3)
		h.Advance(2 * time.Second)
		b.kill()
		missed := h.say(3, 2)
		made := h.Sim.AddChannel(h.Guilds[0], "made-meanwhile", 0)
		h.Advance(time.Minute)
		h.crash()
		missed = append(missed, h.say(5, 2)...)
		h.Advance(2 * time.Second)
		b = h.started()
		h.Until(5*time.Second, "everything", func() bool { return len(b.messages()) >= len(missed) })
		h.wantMessages(missed, b)
		if n := len(b.events("CHANNEL_CREATE")); n != 1 {
			t.Errorf("the channel came %d times", n)
		}
		for _, r := range b.events("GUILD_CREATE") {
			if containsID(r.Data, made.ID) {
				t.Error("a channel is in its guild before it is made")
			}
		}
		_ = said
		h.WantIdentifies(1)
		b.kill()
	})
}

// However busy it is: what bots have confirmed is on the disk soon, so that after a crash no
// more comes twice than what was said in the last second.
func TestCrashInBusyTimesRepeatsLittle(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		for i := range 200 {
			h.say(i, 1)
			h.Advance(50 * time.Millisecond)
		}
		b.kill()
		h.crash()
		again := h.started()
		h.Advance(5 * time.Second)
		if n := len(again.messages()); n > 20 {
			t.Errorf("%d of 200 messages come again", n)
		}
		again.kill()
	})
}

// Whatever is killed when, in whatever order: every message comes to the bots in order, and
// none that the bot was seen to answer comes to a later process of it.
func TestNothingIsLostWhateverCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"say", "say", "wait", "answer", "bot", "evergreen", "both", "restart", "upstream"}), 3, 12).Draw(rt, "steps")
		run(t, Options{Dir: t.TempDir()}, func(h *harness) {
			b := h.started()
			var heard, said []string
			answered := map[string]bool{} // messages whose answer an earlier process has seen
			take := func() {
				for _, m := range b.messages() {
					if answered[m] {
						rt.Errorf("after %q %q comes again, and was answered", steps, m)
					}
					if !slices.Contains(heard, m) {
						heard = append(heard, m)
					}
				}
			}
			restart := func() {
				for _, m := range heard {
					if to, ok := strings.CutPrefix(m, "to "); ok {
						answered[to] = true
					}
				}
				b = h.started()
			}
			for _, step := range steps {
				switch step {
				case "say":
					said = append(said, h.say(len(said), 1)...)
				case "wait":
					h.Advance(700 * time.Millisecond)
				case "upstream":
					h.Inject(discordsim.Fault{Name: "cut"})
				case "answer":
					asked := h.Post("message " + strconv.Itoa(len(said)))
					h.Advance(50 * time.Millisecond)
					said = append(said, asked.Content)
					if slices.Contains(b.messages(), asked.Content) {
						said = append(said, "to "+asked.Content)
						h.reply(asked, "to "+asked.Content)
						h.Advance(100 * time.Millisecond) // until Discord tells of it
					}
				case "bot":
					b.kill()
					take()
					restart()
				case "both":
					b.kill()
					take()
					h.crash()
					restart()
				case "evergreen", "restart":
					if step == "restart" {
						h.restart()
					} else {
						h.crash()
					}
					h.Advance(time.Second)
					take()
					b = h.resumes(b)
					h.Advance(time.Second)
					if b.ops(9) > 0 {
						rt.Errorf("after %q a bot cannot resume", steps)
					}
				}
			}
			h.Advance(20 * time.Second)
			b.kill()
			take()
			if !slices.Equal(heard, said) {
				rt.Errorf("after %q the bots have heard %q of %q", steps, heard, said)
			}
			h.WantIdentifies(1)
		})
	})
}

// A checkpoint holds everything: what came before it is not needed.
func TestCheckpointHoldsEverything(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		h.say(0, 2)
		h.Advance(checkpointEvery)
		b.kill()
		missed := h.say(2, 3)
		h.sidecar.mu.Lock()
		h.sidecar.checkpoint(time.Now())
		h.sidecar.mu.Unlock()
		h.Advance(time.Second)
		files, _ := filepath.Glob(filepath.Join(h.opts.Dir, "*"))
		if len(files) > 2 {
			t.Errorf("the folder has %q", files)
		}
		h.crash()
		h.Advance(2 * time.Second)
		b = h.started()
		h.wantMessages(missed, b)
		h.WantIdentifies(1)
		b.kill()
	})
}

// Files that are not what was kept cost a new session at Discord and nothing else.
func TestDamagedFilesCostOneSession(t *testing.T) {
	dir := t.TempDir()
	run(t, Options{Dir: dir}, func(h *harness) {
		b := h.started()
		b.kill()
		h.stop()
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, path := range files {
			if err := os.WriteFile(path, []byte("not what was kept, and longer than a checksum"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		h.Advance(10 * time.Second)
		h.start()
		if h.sidecar.Restored() {
			t.Error("something was restored")
		}
		b = h.started()
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		h.WantIdentifies(2)
		b.kill()
	})
}

// A disk that is in the way costs what would survive, and the bot is served.
func TestFolderThatCannotBeMadeIsTold(t *testing.T) {
	var log simtest.Log
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, Options{Dir: filepath.Join(file, "below"), Log: log.Logger()}, func(h *harness) {
		b := h.started()
		if !log.Has("cannot be read; they begin anew") {
			t.Errorf("the log says:\n%s", log.String())
		}
		b.kill()
	})
}

// Positions are packed as steps, and what cannot be unpacked ends the list.
func TestPackedCursors(t *testing.T) {
	for _, cursors := range [][]int64{nil, {0}, {7}, {1, 2, 3, 3, 900, 1 << 60}} {
		if got := unpackCursors(packCursors(cursors)); !slices.Equal(got, cursors) {
			t.Errorf("%v are %v", cursors, got)
		}
	}
	torn := append(packCursors([]int64{1, 2}), 0xff)
	if got := unpackCursors(torn); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("a torn list is %v", got)
	}
	beyond := append(packCursors([]int64{1 << 62}), packCursors([]int64{math.MaxInt64})...)
	if got := unpackCursors(beyond); !slices.Equal(got, []int64{1 << 62}) {
		t.Errorf("a list that grows beyond all bounds is %v", got)
	}
}
