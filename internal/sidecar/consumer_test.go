package sidecar

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"evergreen/fleet"
)

// Of two processes of one bot the newer gets the events. When it ends, the older one
// starts anew with what is missing; no event comes to both.
func TestOlderLineIsOnStandby(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		said := h.say(0, 2)
		h.Advance(2 * time.Second)
		newer := h.started()
		toNewer := h.say(2, 2)
		h.Advance(2 * time.Second)
		h.wantMessages(said, older)
		h.wantMessages(toNewer, newer)
		older.send(1, nil)
		h.Until(2*time.Second, "the heartbeat on standby is answered", func() bool { return older.ops(11) == 1 })

		newer.kill()
		h.Until(time.Second, "op 9 for the older line", func() bool { return older.ops(9) == 1 })
		missed := h.say(4, 2)
		older.identify(nil)
		h.Until(10*time.Second, "what was missed", func() bool { return len(older.messages()) == 4 })
		h.wantMessages(append(said, missed...), older)
		h.WantIdentifies(1)
		older.kill()
	})
}

// What the older process has read and not confirmed yet, when the newer one comes, goes to
// the older one alone: it is alive, and handles it.
func TestNewerProcessGetsNothingThatTheOlderOneHasRead(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		said := h.say(0, 3)
		h.Until(time.Second, "the messages reach the older process", func() bool { return len(older.messages()) == 3 })
		newer := h.started()
		said = append(said, h.say(3, 2)...)
		h.Advance(2 * time.Second)
		h.wantMessages(said, older, newer)
		older.kill()
		newer.kill()
	})
}

// What is said between the first READY of Discord and the last one reaches the bot that waits
// for all its guilds, and what changed meanwhile is in its guilds and not told again.
func TestFirstBotHearsWhatIsSaidWhileItsGuildsCome(t *testing.T) {
	runShards(t, Options{}, 2, func(h *harness) {
		b := h.connect().identify(nil)
		h.Until(time.Second, "the first session", func() bool { return h.Sim.AttachedSessions(h.App) == 1 })
		h.Advance(time.Second)
		if n := len(b.events("READY")); n != 0 {
			t.Fatal("the bot does not wait for the second session")
		}
		var said []string
		for i, g := range h.Guilds { // some of them on the shard that is there
			h.Sim.AddChannel(g, "made early", 0)
			text := fmt.Sprint("early ", i)
			h.Sim.Say(g.Channels[0].ID, h.User.ID, text)
			if uint64(g.ID)>>22%2 == 0 {
				said = append(said, text)
			}
		}
		h.Until(20*time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		h.Advance(2 * time.Second)
		h.wantMessages(said, b)
		if len(said) == 0 || len(b.events("CHANNEL_CREATE")) != 0 || len(b.events("GUILD_CREATE")) != 3 {
			t.Errorf("%d messages were said; the bot was told of %d channels and %d guilds", len(said), len(b.events("CHANNEL_CREATE")), len(b.events("GUILD_CREATE")))
		}
		b.kill()
	})
}

// An older process that is stuck does not keep the newer one waiting; what it has not read
// goes to the newer one.
func TestNewerProcessTakesOverFromOneThatHangs(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		goOn := older.hang()
		h.Post("to wake it") // it reads this one, and then nothing
		h.Until(time.Second, "the older process hangs", func() bool { return len(older.messages()) == 1 })
		said := h.say(0, 2)
		began := time.Now()
		newer := h.connect().identify(nil)
		h.Until(20*time.Second, "READY", func() bool { return len(newer.events("READY")) == 1 })
		if took := time.Since(began); took > olderWait+100*time.Millisecond {
			t.Errorf("READY comes after %v", took)
		}
		h.Advance(2 * time.Second)
		if heard := newer.messages(); len(heard) < 2 || !slices.Equal(heard[len(heard)-2:], said) {
			t.Errorf("the newer process has heard %q, want %q at the end", heard, said)
		}
		goOn()
		older.kill()
		newer.kill()
	})
}

// An older process that is killed while the newer one waits for it may have handled less
// than it has read: that comes again.
func TestOlderProcessThatIsKilledWhileItIsWaitedForLosesNothing(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		goOn := older.hang()
		said := h.say(0, 3)
		newer := h.connect().identify(nil)
		h.Advance(olderWait / 2)
		goOn()
		older.kill()
		h.Until(20*time.Second, "the newer process has heard all", func() bool { return len(newer.messages()) >= 3 })
		h.wantMessages(said, newer)
		newer.kill()
	})
}

// A session that is resumed on another line leaves its old one, which is closed so that
// its library does not come back with it.
func TestResumeReplacesTheOldLine(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		newer := h.resumes(older)
		h.Until(time.Second, "RESUMED", func() bool { return len(newer.events("RESUMED")) == 1 })
		h.Advance(2 * time.Second)
		if code := older.code(); code != 4000 {
			t.Errorf("the old line is closed with %d", code)
		}
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, newer)
		newer.kill()
	})
}

// A bot that comes back with another number of shards loses nothing: 1, then 4, then 3.
func TestNumberOfShardsOfTheBotMayChange(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		first.kill()
		var said []string
		for _, count := range []int{4, 3} {
			said = nil
			for i, g := range h.Guilds {
				text := "to shard " + string(rune('0'+fleet.ShardOf(uint64(g.ID), count))) + " of guild " + string(rune('0'+i))
				h.Sim.Say(g.Channels[0].ID, h.User.ID, text)
				said = append(said, text)
			}
			var bots []*bot
			guilds := 0
			for id := range count {
				bots = append(bots, h.connect().identify(map[string]any{"shard": []int{id, count}}))
			}
			h.Advance(5 * time.Second)
			heard := map[string]int{}
			for id, b := range bots {
				guilds += len(b.events("GUILD_CREATE"))
				for _, text := range b.messages() {
					heard[text]++
					if want := byte('0' + id); text[len("to shard ")] != want {
						t.Errorf("of %d shards the shard %d hears %q", count, id, text)
					}
				}
			}
			if guilds != len(h.Guilds) {
				t.Errorf("%d shards get %d guilds", count, guilds)
			}
			for _, text := range said {
				if heard[text] != 1 {
					t.Errorf("of %d shards %q was heard %d times", count, text, heard[text])
				}
			}
			for _, b := range bots {
				b.kill()
			}
		}
		h.WantIdentifies(1)
	})
}

// A bot of one shard on two shards at Discord, and its guilds of both.
func TestBotOfOneShardOnTwoShards(t *testing.T) {
	runShards(t, Options{}, 2, func(h *harness) {
		b := h.started()
		var said []string
		for _, g := range h.Guilds {
			h.Sim.Say(g.Channels[0].ID, h.User.ID, g.Name)
			h.Advance(time.Second)
			said = append(said, g.Name)
		}
		h.wantMessages(said, b)
		h.WantIdentifies(2)
		b.kill()
	})
}
