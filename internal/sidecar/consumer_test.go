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

// startedShards returns a bot of so many shards, all of which have their guilds.
func (h *harness) startedShards(count int) (bots []*bot) {
	h.T.Helper()
	for id := range count {
		bots = append(bots, h.connect().identify(map[string]any{"shard": []int{id, count}}))
	}
	h.Advance(5 * time.Second)
	return bots
}

// sayEverywhere says a text in each guild.
func (h *harness) sayEverywhere(text string) {
	for _, g := range h.Guilds {
		h.Sim.Say(g.Channels[0].ID, h.User.ID, text)
	}
}

// heardOf returns how often bots have heard a text.
func heardOf(text string, bots ...*bot) (n int) {
	for _, b := range bots {
		for _, m := range b.messages() {
			if m == text {
				n++
			}
		}
	}
	return n
}

// A shard of the bot that comes long after the others has lost nothing.
func TestShardThatComesLaterLosesNothing(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		h.sayEverywhere("before")
		first := h.connect().identify(map[string]any{"shard": []int{0, 2}})
		h.Advance(20 * time.Second)
		h.sayEverywhere("between")
		h.Advance(20 * time.Second)
		second := h.connect().identify(map[string]any{"shard": []int{1, 2}})
		h.Advance(5 * time.Second)
		for _, text := range []string{"before", "between"} {
			if n := heardOf(text, first, second); n != len(h.Guilds) {
				t.Errorf("%q is heard %d times in %d guilds", text, n, len(h.Guilds))
			}
		}
		first.kill()
		second.kill()
	})
}

// A bot that goes back to an earlier number of shards does not get again what it has had
// meanwhile.
func TestEarlierNumberOfShardsRepeatsNothing(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		shards := h.startedShards(2)
		h.sayEverywhere("to two")
		h.Advance(2 * time.Second)
		for _, b := range shards {
			b.kill()
		}
		h.sayEverywhere("to nobody")
		b := h.started()
		if heardOf("to two", shards...) != 3 || heardOf("to two", b) != 0 || heardOf("to nobody", b) != 3 {
			t.Errorf("the two shards have heard %q and %q, the one %q", shards[0].messages(), shards[1].messages(), b.messages())
		}
		b.kill()
	})
}

// Ten minutes after a bot has come back with another number of shards nothing is kept for the
// earlier number any more. A shard of the present number is waited for.
func TestEarlierNumberOfShardsIsForgotten(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		one := h.started()
		one.kill()
		shards := h.startedShards(2)
		shards[1].kill()
		h.Advance(consumerLife - 10*time.Second)
		if n := len(h.sidecar.Status().Consumers); n != 3 {
			t.Errorf("after less than ten minutes there are %d", n)
		}
		h.sayEverywhere("meanwhile")
		h.Advance(20 * time.Second)
		var left [][2]int
		for _, c := range h.sidecar.Status().Consumers {
			left = append(left, c.Shard)
		}
		if want := [][2]int{{0, 2}, {1, 2}}; !slices.Equal(left, want) {
			t.Errorf("after ten minutes there are %v", left)
		}
		late := h.resumes(one)
		h.Until(time.Second, "op 9 for the session of the earlier number", func() bool { return late.ops(9) == 1 })
		late.kill()
		again := h.connect().identify(map[string]any{"shard": []int{1, 2}})
		h.Advance(5 * time.Second)
		if n := heardOf("meanwhile", shards[0], again); n != 3 {
			t.Errorf("the message was heard %d times in three guilds", n)
		}
		shards[0].kill()
		again.kill()
	})
}

// While no bot is there at all, none is forgotten.
func TestBotThatIsAwayForLongIsNotForgotten(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		for _, b := range h.startedShards(2) {
			b.kill()
		}
		missed := h.say(0, 1)
		h.Advance(3 * consumerLife)
		if n := len(h.sidecar.Status().Consumers); n != 3 {
			t.Errorf("there are %d", n)
		}
		b := h.started()
		h.wantMessages(missed, b)
		b.kill()
	})
}

// What all shards of the present number have had is not lost because those of an earlier
// number are gone.
func TestWhatTheNewShardsHadIsNotLost(t *testing.T) {
	run(t, Options{BacklogAge: time.Minute}, func(h *harness) {
		h.started().kill()
		h.Advance(time.Second)
		var bots []*bot
		for shard := range 2 {
			bots = append(bots, h.connect().identify(map[string]any{"shard": []int{shard, 2}}))
		}
		h.Advance(2 * time.Second)
		said := h.say(0, 2)
		h.Advance(2 * time.Second)
		h.wantMessages(said, bots...)
		for _, b := range bots {
			b.kill()
		}
		h.Advance(2 * time.Minute)
		if n := h.sidecar.Status().Counts.Lost; n != 0 {
			t.Errorf("%d events are told as lost", n)
		}
	})
}
