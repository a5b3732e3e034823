package sidecar

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// What other shards of the bot were given when an event ended it is not set aside.
func TestOtherShardsOfABotThatEndsLoseNothing(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.Advance(time.Millisecond)
		other := h.Sim.AddGuild("other")
		for other.ID>>22%2 == h.Guilds[0].ID>>22%2 {
			h.Advance(time.Millisecond)
			other = h.Sim.AddGuild("other")
		}
		h.Sim.AddMembers(other, h.User)
		h.Sim.Join(h.App, other)
		connect := func() (bots []*bot) {
			for shard := range 2 {
				bots = append(bots, h.connect().identify(map[string]any{"shard": []int{shard, 2}}))
			}
			return bots
		}
		h.Advance(5 * time.Second)
		bots := connect()
		h.Advance(10 * time.Second)
		said := h.say(0, 2)
		h.Sim.Say(other.Channels[0].ID, h.User.ID, "poison")
		said = append(said, h.say(2, 2)...)
		var heard []string
		deaths := 0
		for range 2000 {
			h.Advance(10 * time.Millisecond)
			if !slices.Contains(slices.Concat(bots[0].messages(), bots[1].messages()), "poison") {
				continue
			}
			deaths++
			for _, b := range bots {
				heard = append(heard, b.messages()...)
				b.kill()
			}
			h.Advance(time.Second)
			bots = connect()
		}
		for _, b := range bots {
			heard = append(heard, b.messages()...)
			b.kill()
		}
		for _, text := range said {
			if !slices.Contains(heard, text) {
				t.Errorf("%s was never heard", text)
			}
		}
		if n := h.sidecar.Status().Counts.SetAside; n != 1 || deaths != 3 {
			t.Errorf("%d events are set aside after %d ends", n, deaths)
		}
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

// dies has a new process of the bot start, get what waits, and be killed after a while.
func (h *harness) dies(after time.Duration, more map[string]any) {
	h.T.Helper()
	b := h.connect().identify(more)
	h.Until(10*time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) > 0 })
	h.Advance(after)
	b.kill()
}

// Only the same event counts, three times in a row: one that the bot has handled in between
// is forgiven, and so is one with which it has lived for long.
func TestEventsAreBlamedForThreeEndsInARowOnly(t *testing.T) {
	const quick = 700 * time.Millisecond // it gets an event after 250 ms or 500 ms, and may have handled it 500 ms later
	for name, c := range map[string]struct {
		story func(h *harness)
		aside int64
	}{
		"three times": {func(h *harness) {
			h.say(0, 1)
			for range 3 {
				h.dies(quick, nil)
			}
		}, 1},
		"twice, and then the next one": {func(h *harness) {
			h.say(0, 1)
			h.dies(quick, nil)
			h.dies(quick, nil)
			h.dies(2*time.Second, nil) // it has handled the first one
			h.say(1, 1)
			h.dies(quick, nil)
			h.dies(quick, nil)
		}, 0},
		"three times, and twice the next one": {func(h *harness) {
			h.say(0, 2)
			for range 5 {
				h.dies(quick, nil)
			}
		}, 1},
		"twice, and once after a while": {func(h *harness) {
			h.say(0, 1)
			h.dies(quick, nil)
			h.dies(quick, nil)
			slow := h.connect()
			slow.setMute(true)
			slow.identify(nil)
			h.Advance(confirmWait + blameWithin + time.Second)
			h.say(1, 1) // it is given more until its end
			h.Advance(quick)
			slow.kill()
			h.dies(quick, nil)
			h.dies(quick, nil)
		}, 0},
		"while it was not ready": {func(h *harness) {
			h.say(0, 1)
			for range 4 {
				h.dies(quick, map[string]any{"properties": map[string]string{"browser": "discord.py"}})
			}
		}, 0},
		"what is of no use later": {func(h *harness) {
			b := h.started()
			for range 3 {
				h.Sim.Emit(h.App, h.Guilds[0], "TYPING_START", map[string]any{"guild_id": h.Guilds[0].ID})
				h.Advance(100 * time.Millisecond)
				b.kill()
				b = h.started()
			}
			b.kill()
		}, 0},
	} {
		run(t, Options{}, func(h *harness) {
			h.started().kill()
			c.story(h)
			if n := h.sidecar.Status().Counts.SetAside; n != c.aside {
				t.Errorf("%s: %d are set aside", name, n)
			}
		})
	}
}

// The event that is blamed is one that the shard of the bot has got. Without a folder it is
// told all the same; a folder that takes no file is told.
func TestWhatIsSetAsideIsToldWithoutAFile(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.handed()
		h.handReady()
		h.handGuild(7)
		h.handGuild(1 << 22)
		second := map[string]any{"shard": []int{1, 2}}
		h.dies(time.Second, second)
		h.hand("MESSAGE_CREATE", map[string]any{"id": "4242", "guild_id": "7", "content": "of the first shard"})
		h.hand("MESSAGE_CREATE", map[string]any{"id": "4343", "guild_id": strconv.Itoa(1 << 22), "content": "of the second shard"})
		for range 3 {
			h.dies(700*time.Millisecond, second)
		}
		if !h.log.Has("id=4343") || !h.log.Has(`file=""`) || h.log.Has("second shard") || h.log.Has("cannot be kept") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		h.Advance(time.Minute)
		b := h.connect().identify(map[string]any{"shard": []int{0, 2}})
		h.Until(5*time.Second, "the event of the first shard", func() bool { return len(b.messages()) == 1 })
		b.kill()
	})
	dir := t.TempDir()
	run(t, Options{Dir: dir}, func(h *harness) {
		h.started().kill()
		h.say(0, 1)
		h.Advance(time.Second)
		for position := range 100 {
			if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("set-aside-%d.json", position)), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			h.dies(700*time.Millisecond, nil)
		}
		if !h.log.Has("An event that was set aside cannot be kept") || !h.log.Has(`file=""`) {
			t.Errorf("the log says:\n%s", h.log.String())
		}
	})
}
