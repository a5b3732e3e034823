package sidecar

import (
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// A bot that comes before Evergreen is connected to Discord waits for READY. Meanwhile its
// heartbeats are answered, and its presence is noted.
func TestBotWaitsForDiscord(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		b := h.connect().identify(map[string]any{"presence": map[string]any{"status": "idle", "afk": false, "activities": []any{}}})
		b.send(4, map[string]any{"guild_id": h.Guilds[0].ID, "channel_id": nil})
		b.send(1, nil)
		h.Advance(30 * time.Second)
		if b.ops(11) != 1 || len(b.types()) != 0 || b.code() != -1 {
			t.Errorf("%d ACKs, events %q, closed with %d", b.ops(11), b.types(), b.code())
		}
		gone := h.connect().identify(map[string]any{"shard": []int{1, 2}})
		h.Advance(time.Second)
		gone.kill()
		if n := h.sidecar.Status().Lines; n != 1 {
			t.Errorf("%d lines are left of a bot that waits and one that has gone", n)
		}
		if p := h.sidecar.Known().Presence; p == nil || p.Status != gateway.StatusIdle {
			t.Errorf("the presence of its IDENTIFY is %v", p)
		}
		h.attach()
		h.Until(20*time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		if want := []string{"READY", "GUILD_CREATE", "GUILD_CREATE", "GUILD_CREATE"}; !slices.Equal(b.types(), want) {
			t.Errorf("it gets %q", b.types())
		}
		h.Advance(time.Second)
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		b.kill()
	})
}

// What Discord refuses Evergreen's own session for is passed on to bots that wait, so that
// their own messages name the cause. Once Discord takes it, bots are served.
func TestRefusalOfDiscordIsPassedOn(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.Sim.SetPrivilegedIntents(h.App, false)
		waiting := h.connect().identify(nil)
		h.Advance(time.Second)
		h.attach()
		for _, b := range []*bot{waiting, h.connect().identify(nil)} {
			h.Until(5*time.Second, "the line is closed", func() bool { return b.code() != -1 })
			if b.code() != int(gateway.CloseDisallowedIntents) {
				t.Errorf("closed with %d", b.code())
			}
		}
		h.hand("READY", map[string]any{"user": map[string]any{"id": "1"}, "guilds": []any{map[string]any{"id": "2", "unavailable": true}}})
		b := h.connect().identify(nil)
		h.Until(5*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
		b.kill()
	})
}

// Before a bot is told of its guilds all of them may come: it waits for each further one for
// two seconds, and for ten in all, because libraries give up after fifteen.
func TestGuildsThatDoNotComeAreWaitedForBriefly(t *testing.T) {
	for name, c := range map[string]struct {
		missing  int           // guilds that Discord names and does not send
		spacing  time.Duration // between those it sends
		least    time.Duration
		most     time.Duration
		expected int
	}{
		"all have come":    {0, 0, 0, time.Second, 3},
		"one never comes":  {1, 0, guildPause, guildPause + time.Second, 2},
		"none comes":       {3, 0, guildPause, guildPause + time.Second, 0},
		"each comes later": {0, 1900 * time.Millisecond, 5 * time.Second, 6 * time.Second, 3},
	} {
		runAlone(t, Options{}, 1, func(h *harness) {
			h.handed()
			b := h.connect().identify(nil)
			h.Advance(time.Second)
			h.handReady(1, 2, 3)
			began := time.Now()
			for id := 1 + c.missing; id <= 3; id++ {
				h.Advance(c.spacing)
				h.handGuild(id)
			}
			h.Until(time.Minute, "READY", func() bool { return len(b.events("READY")) == 1 })
			if took := time.Since(began); took < c.least || took > c.most {
				t.Errorf("%s: READY comes after %s", name, took)
			}
			h.Advance(time.Second)
			if n := len(b.events("GUILD_CREATE")); n != c.expected {
				t.Errorf("%s: %d guilds come", name, n)
			}
			if n := len(b.events("GUILD_DELETE")); n != c.missing {
				t.Errorf("%s: %d guilds are told to have an outage", name, n)
			}
			b.kill()
		})
	}
}

// Of two shards at Discord a bot waits for both, and for the second one a minute at most.
func TestOtherShardsAreWaitedFor(t *testing.T) {
	for _, dead := range []bool{false, true} {
		runAlone(t, Options{}, 2, func(h *harness) {
			if dead {
				second := 1
				h.Inject(discordsim.Fault{Name: "no-ready", Shard: &second})
			}
			b := h.connect().identify(nil)
			began := time.Now()
			h.attach()
			h.Until(2*shardsWait, "READY", func() bool { return len(b.events("READY")) == 1 })
			if took := time.Since(began); dead != (took >= shardsWait) || took > shardsWait+5*time.Second {
				t.Errorf("with a dead shard %t: READY comes after %s", dead, took)
			}
			h.Advance(time.Second)
			if n := len(b.events("GUILD_CREATE")); !dead && n != 3 {
				t.Errorf("%d guilds come", n)
			}
			b.kill()
		})
	}
}

// A library that has asked for members while it starts gets them before it counts as ready,
// however long Discord takes.
func TestMembersAreWaitedFor(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		for library, settled := range map[string]time.Duration{"test": 0, "discord.py": libraryWait} {
			h.started().kill()
			said := h.say(0, 1)
			b := h.connect().identify(map[string]any{"properties": map[string]string{"browser": library}})
			h.Until(time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
			slow := h.Inject(discordsim.Fault{Name: "latency", Delay: 3 * time.Second, Host: "gateway"})
			b.send(8, map[string]any{"guild_id": h.Guilds[0].ID, "query": "", "limit": 0})
			h.Until(10*time.Second, "the members", func() bool { return len(b.events("GUILD_MEMBERS_CHUNK")) == 1 })
			came := b.events("GUILD_MEMBERS_CHUNK")[0].at
			h.Sim.Lift(slow)
			h.Until(10*time.Second, "the message", func() bool { return len(b.messages()) == 1 })
			h.wantMessages(said, b)
			if took := b.heard()[0].at.Sub(came); took < settled || took > settled+100*time.Millisecond {
				t.Errorf("%s: the message comes %s after the members", library, took)
			}
			b.kill()
			h.Advance(time.Minute)
		}
	})
}

// A library that waits for further guilds is not kept waiting if there are none.
func TestLibraryWithoutGuildsIsReadyAtOnce(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		h.Sim.DM(h.App, h.User.ID, "a direct message")
		b := h.connect().identify(map[string]any{"intents": 1 << 12, "properties": map[string]string{"browser": "discord.py"}})
		h.Until(time.Second, "the message", func() bool { return len(b.messages()) == 1 })
		b.kill()
	})
}

// A bot that is so slow that events fall out of the backlog before it has taken them starts
// anew on the same line, with its guilds as they are by then.
func TestBotThatIsOverrunStartsAnew(t *testing.T) {
	run(t, Options{BacklogAge: time.Minute}, func(h *harness) {
		b := h.started()
		goOn := b.hang()
		for range 10 {
			h.emit(20 << 10)
		}
		made := h.Sim.AddChannel(h.Guilds[0], "made-meanwhile", 0)
		h.Advance(3 * time.Minute)
		goOn()
		h.Until(time.Second, "op 9", func() bool { return b.ops(9) == 1 })
		if !h.log.Has("slower than its events are kept") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		b.identify(nil)
		h.Until(5*time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 6 })
		if !slices.ContainsFunc(b.events("GUILD_CREATE")[3:], func(r received) bool { return containsID(r.Data, made.ID) }) {
			t.Error("a channel that was made meanwhile is not in its guild")
		}
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		b.kill()
	})
}

// A bot that answers no pings gets as much as its window allows and no more, until its
// heartbeat confirms.
func TestWindowOfABotThatDoesNotConfirm(t *testing.T) {
	for name, c := range map[string]struct {
		size, count int
		pongless    bool // it has shown for long that it answers none
		most        int
	}{
		"small events":                   {10, windowCount + 200, false, windowCount},
		"large events":                   {100 << 10, 15, false, windowBytes/(100<<10) + 1},
		"large events, and it never was": {400 << 10, 60, true, windowBytesNoPong/(400<<10) + 1},
	} {
		run(t, Options{}, func(h *harness) {
			b := h.connect()
			b.setMute(c.pongless)
			b.identify(nil)
			h.Until(20*time.Second, "READY and three guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
			h.Advance(20 * time.Second)
			b.setMute(true)
			b.send(1, b.last())
			h.Advance(time.Second)
			before := len(b.events("MESSAGE_UPDATE"))
			for range c.count {
				h.emit(c.size)
			}
			h.Advance(time.Second)
			if got := len(b.events("MESSAGE_UPDATE")) - before; got < c.most-1 || got > c.most {
				t.Errorf("%s: it gets %d, want %d", name, got, c.most)
			}
			for range 3 {
				b.send(1, b.last())
				h.Advance(time.Second)
			}
			if got := len(b.events("MESSAGE_UPDATE")) - before; got != c.count {
				t.Errorf("%s: after its heartbeats it has got %d of %d", name, got, c.count)
			}
			b.kill()
		})
	}
}

// A bot that keeps up gets a long backlog without a pause: Evergreen asks it early how far it
// has come.
func TestLongBacklogComesWithoutPause(t *testing.T) {
	for name, c := range map[string]struct{ size, count int }{
		"many small events": {10, 3 * windowCount},
		"large events":      {100 << 10, 40},
	} {
		run(t, Options{}, func(h *harness) {
			h.started().kill()
			for range c.count {
				h.emit(c.size)
			}
			b := h.connect().identify(nil)
			h.Until(5*time.Second, "the first", func() bool { return len(b.events("MESSAGE_UPDATE")) > 0 })
			if took := h.Until(5*time.Second, "all", func() bool { return len(b.events("MESSAGE_UPDATE")) == c.count }); took > 100*time.Millisecond {
				t.Errorf("%s take %s", name, took)
			}
			if n := h.sidecar.Status().Counts.Delivered; n < int64(c.count) {
				t.Errorf("%s: %d are counted", name, n)
			}
			b.kill()
		})
	}
}

// However small the backlog is, a bot that takes every event as it comes loses none.
func TestBotThatKeepsUpLosesNothing(t *testing.T) {
	run(t, Options{BacklogBytes: 2 << 20}, func(h *harness) {
		b := h.started()
		for range 80 {
			h.emit(100 << 10)
			h.Advance(20 * time.Millisecond)
		}
		h.Advance(time.Second)
		if n, lost := len(b.events("MESSAGE_UPDATE")), h.sidecar.Status().Counts.Lost; n != 80 || lost != 0 {
			t.Errorf("it gets %d of 80, and %d are counted as lost", n, lost)
		}
		b.kill()
	})
}

// What is of no use later does not come to a bot that was away when it came, also if another
// shard of the bot was there.
func TestTypingIsForWhoIsThere(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		var shards [2]*bot
		for id := range shards {
			shards[id] = h.connect().identify(map[string]any{"shard": []int{id, 2}})
		}
		h.Advance(5 * time.Second)
		guild := h.Guilds[0]
		here := guild.ID >> 22 % 2
		shards[here].kill()
		typing := func() {
			h.Sim.Emit(h.App, guild, "TYPING_START", map[string]any{"channel_id": guild.Channels[0].ID, "guild_id": guild.ID, "user_id": h.User.ID, "timestamp": 1})
		}
		typing()
		h.Advance(time.Second)
		for _, comes := range []func() *bot{
			func() *bot { return h.resumes(shards[here]) },
			func() *bot { return h.connect().identify(map[string]any{"shard": []int{int(here), 2}}) },
		} {
			b := comes()
			h.Advance(3 * time.Second)
			if n := len(b.events("TYPING_START")); n != 0 {
				t.Errorf("%d come to a bot that was away", n)
			}
			typing()
			h.Advance(time.Second)
			if n := len(b.events("TYPING_START")); n != 1 {
				t.Errorf("%d come to a bot that is there", n)
			}
			b.kill()
		}
		if n := h.sidecar.Status().Consumers[here].Waiting; n != 0 {
			t.Errorf("%d events wait for it", n)
		}
		shards[1-here].kill()
	})
}
