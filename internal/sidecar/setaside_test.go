package sidecar

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/internal/simtest"
)

// A message that ends the bot each time is set aside after the third time, and kept in a
// file; everything after it is delivered. The log does not say what was in it.
func TestEventThatEndsTheBotIsSetAside(t *testing.T) {
	var log simtest.Log
	dir := t.TempDir()
	run(t, Options{Dir: dir, Log: log.Logger()}, func(h *harness) {
		b := h.started()
		h.say(0, 2)
		h.Advance(2 * time.Second)
		h.Post("poison")
		later := h.say(2, 2)
		for deaths := 1; ; deaths++ {
			died := false
			for range 100 {
				h.Advance(50 * time.Millisecond)
				for _, m := range b.messages() {
					died = died || m == "poison"
				}
				if died {
					break
				}
			}
			if !died {
				if deaths != 4 {
					t.Errorf("it was delivered %d times", deaths-1)
				}
				break
			}
			b.kill()
			h.Advance(time.Second)
			b = h.connect().identify(nil)
		}
		h.wantMessages(later, b)
		if n := h.sidecar.Status().Counts.SetAside; n != 1 || !log.Has("ended the bot three times") || log.Has("poison") {
			t.Errorf("%d are set aside; the log says:\n%s", n, log.String())
		}
		files, _ := filepath.Glob(filepath.Join(dir, "set-aside-*.json"))
		if len(files) != 1 {
			t.Fatalf("kept are %q", files)
		}
		if content, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(content), "poison") || !strings.Contains(string(content), "MESSAGE_CREATE") {
			t.Errorf("%s, %v", content, err)
		}
		b.kill()
		h.Advance(time.Second)
		h.crash()
		h.Advance(time.Second)
		b = h.connect().identify(nil)
		h.Advance(5 * time.Second)
		if slices.Contains(b.messages(), "poison") {
			t.Error("it comes again after a crash of Evergreen")
		}
		b.kill()
	})
}

// What came just before a message that ends the bot is not set aside in its place, whatever
// the bot has confirmed of it when it ends.
func TestOnlyTheEventThatEndsTheBotIsSetAside(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		h.Sim.AddChannel(h.Guilds[0], "made-before", 0)
		said := h.say(0, 3)
		h.Post("poison")
		said = append(said, h.say(3, 3)...)
		var heard []string
		deaths, channels := 0, 0
		for range 2000 {
			h.Advance(10 * time.Millisecond)
			if !slices.Contains(b.messages(), "poison") {
				continue
			}
			deaths++
			heard, channels = append(heard, b.messages()...), channels+len(b.events("CHANNEL_CREATE"))
			b.kill()
			h.Advance(time.Second)
			b = h.connect().identify(nil)
		}
		heard = append(heard, b.messages()...)
		for _, text := range said {
			if !slices.Contains(heard, text) {
				t.Errorf("%s was never heard", text)
			}
		}
		if n := h.sidecar.Status().Counts.SetAside; n != 1 || deaths != 3 || channels == 0 {
			t.Errorf("%d events are set aside after %d ends, and the new channel came %d times", n, deaths, channels)
		}
		b.kill()
	})
}

// A bot that ends for other reasons, or long after an event, loses none.
func TestBotThatIsRestartedLosesNoEvent(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		said := h.say(0, 1)
		h.Advance(2 * time.Second)
		h.wantMessages(said, b)
		for range 5 {
			b.kill()
			h.Advance(time.Second)
			b = h.started()
		}
		cut := h.say(1, 1)
		var lines []*bot
		for range 5 { // the link is bad, and the bot goes on
			b.kill()
			lines = append(lines, b)
			b = h.resumes(b)
		}
		h.Advance(5 * time.Second)
		h.wantMessages(cut, append(lines, b)...)
		b.kill()
		waiting := h.connect() // it hangs with what it was given
		waiting.identify(nil)
		goOn := waiting.hang()
		missed := h.say(2, 1)
		h.Advance(20 * time.Second)
		goOn()
		waiting.kill()
		b.kill()
		b = h.started()
		h.wantMessages(missed, b)
		if n := h.sidecar.Status().Counts.SetAside; n != 0 {
			t.Errorf("%d events are set aside", n)
		}
		b.kill()
	})
}
