package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// readyWith is a READY that names guilds.
func readyWith(ids ...uint64) string {
	var list []string
	for _, id := range ids {
		list = append(list, fmt.Sprintf(`{"id":"%d","unavailable":true}`, id))
	}
	return fmt.Sprintf(`{"user":{"id":"%d","username":"research"},"guilds":[%s]}`, selfID, strings.Join(list, ","))
}

// TestGuildsOfReady: the guilds that READY names arrive one by one and are no
// joins; readiness is declared at the last; a guild beyond them is a join.
//
// Statements: G-056, G-057.
func TestGuildsOfReady(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith(1, 2, 3))
		h.deliver("GUILD_CREATE", `{"id":"1","name":"one","member_count":10}`)
		h.deliver("GUILD_CREATE", `{"id":"2","name":"two","unavailable":true}`)
		h.wait(14 * time.Second)
		h.logged(0, "All guilds have arrived")
		h.deliver("GUILD_DELETE", `{"id":"3","unavailable":true}`)
		h.logged(1, "INFO All guilds have arrived guilds=3")
		h.logged(0, "Joined")
		h.deliver("GUILD_CREATE", `{"id":"4","name":"four","member_count":7}`)
		h.wait(changesPause)
		h.logged(1, "INFO Joined a guild guild=4 name=four members=7")
		h.wait(time.Minute)
		h.logged(0, "have not arrived")
		h.deliver("GUILD_CREATE", `{"id":"1"}`)
		h.deliver("GUILD_DELETE", `{"id":"1","unavailable":true}`)
		h.deliver("GUILD_DELETE", `{"id":"9","unavailable":true}`)
		h.deliver("GUILD_DELETE", `{"id":"9"}`)
		h.logged(1, "All guilds have arrived")
		if n := h.bot.guilds.count(); n != 4 {
			t.Errorf("the bot is in %d guilds, want 4", n)
		}
	})
}

// TestGuildsThatNeverArrive: readiness is declared after a time without the
// rest; a late one is still no join and completes the list.
//
// Statements: G-056, G-057.
func TestGuildsThatNeverArrive(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith(1, 2))
		h.wait(10 * time.Second)
		h.deliver("GUILD_CREATE", `{"id":"1"}`)
		h.wait(14 * time.Second)
		h.logged(0, "have not arrived")
		h.wait(time.Second)
		h.logged(1, "WARN Some guilds have not arrived; not waiting for them any longer guilds=2 missing=1")
		h.wait(time.Hour)
		h.logged(1, "have not arrived")
		h.deliver("GUILD_CREATE", `{"id":"2"}`)
		h.logged(1, "INFO All guilds have arrived guilds=2")
		h.logged(0, "Joined")
	})
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith(1, 2))
		h.wait(guildTimeout)
		h.logged(1, "WARN Some guilds have not arrived; not waiting for them any longer guilds=2 missing=2")
		h.deliver("READY", readyWith())
		h.logged(1, "INFO All guilds have arrived guilds=0")
	})
}

// TestGuildArrivesAtTheLastMoment: a guild that arrives in the moment in which the wait is
// over, or a stop in that moment, leads to no line that is untrue.
func TestGuildArrivesAtTheLastMoment(t *testing.T) {
	for range 20 { // the order of what happens in one moment is drawn by lot
		run(t, func(h *harness) {
			h.make()
			h.deliver("READY", readyWith(1))
			time.Sleep(guildTimeout)
			h.deliver("GUILD_CREATE", `{"id":"1"}`)
			h.logged(1, "All guilds have arrived guilds=1")
			h.logged(0, "missing=0")

			h.deliver("READY", readyWith(1))
			time.Sleep(guildTimeout)
			if err := h.bot.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			told := h.log.count("have not arrived")
			h.wait(time.Minute)
			h.logged(told, "have not arrived")
		})
	}
}

// TestGuildsAfterStop: after a stop no guild is waited for, and a change is told at once.
func TestGuildsAfterStop(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith(1))
		h.deliver("GUILD_CREATE", `{"id":"2","name":"two"}`)
		h.deliver("GUILD_DELETE", `{"id":"3"}`)
		if err := h.bot.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		h.logged(1, "INFO Joined a guild guild=2 name=two")
		h.logged(1, "INFO Left a guild guild=3")
		h.deliver("GUILD_CREATE", `{"id":"4","name":"four"}`)
		h.deliver("GUILD_CREATE", `{"id":"5","name":"five"}`)
		h.logged(1, "INFO Joined a guild guild=4 name=four")
		h.logged(1, "INFO Joined a guild guild=5 name=five")
		h.deliver("READY", readyWith(6))
		h.wait(time.Minute)
		h.logged(0, "have not arrived")
	})
}

// TestGuildOutageAndLeave: a guild that becomes unavailable is not left, and
// its return is no join; a removal without that is a leave, and the next
// arrival a join.
//
// Statements: G-057, G-058.
func TestGuildOutageAndLeave(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith(1))
		h.deliver("GUILD_CREATE", `{"id":"1"}`)
		h.deliver("GUILD_DELETE", `{"id":"1","unavailable":true}`)
		h.logged(1, "DEBUG Guild is unavailable guild=1")
		h.deliver("GUILD_CREATE", `{"id":"1"}`)
		h.logged(0, "Joined")
		h.logged(0, "Left")
		if n := h.bot.guilds.count(); n != 1 {
			t.Errorf("the bot is in %d guilds", n)
		}
		h.deliver("GUILD_DELETE", `{"id":"1"}`)
		h.wait(changesPause)
		h.logged(1, "INFO Left a guild guild=1")
		if n := h.bot.guilds.count(); n != 0 {
			t.Errorf("the bot is in %d guilds", n)
		}
		h.deliver("GUILD_CREATE", `{"id":"1"}`)
		h.wait(changesPause)
		h.logged(1, "INFO Joined a guild guild=1")
		h.deliver("GUILD_CREATE", `{"id":"2"}`)
		h.wait(changesPause - time.Millisecond)
		h.logged(0, "guild=2")
		h.wait(time.Millisecond)
		h.logged(1, "INFO Joined a guild guild=2")
	})
}

// TestNewReady: a new session's READY replaces the list, so a guild that was
// left while the bot was away is gone, without a word.
func TestNewReady(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith(1, 2))
		h.deliver("READY", readyWith(2))
		h.deliver("GUILD_CREATE", `{"id":"2"}`)
		h.logged(1, "INFO All guilds have arrived guilds=1")
		h.wait(time.Minute)
		h.logged(0, "have not arrived")
	})
}

// TestGuildsAfterResume: a run that begins with a RESUME sees no READY; it
// fetches the list page by page, once, and tells joins from then on.
//
// Statements: G-143.
func TestGuildsAfterResume(t *testing.T) {
	run(t, func(h *harness) {
		for id := range uint64(450) {
			h.discord.guilds = append(h.discord.guilds, id+1)
		}
		h.make(func(o *Options) { o.KeepCommands = true })
		h.deliver("GUILD_DELETE", `{"id":"450"}`)
		h.deliver("GUILD_CREATE", `{"id":"451"}`)
		h.logged(0, "Joined")
		h.discord.fail(fault{on: "GET /users/@me/guilds", skip: 1, times: 1, status: 502})
		h.deliver("RESUMED", `{"_trace":[]}`)
		h.run()
		h.wait(time.Minute)
		if n := h.bot.Guilds(); n != 451 {
			t.Errorf("a minute later the bot is in %d guilds, want 451", n)
		}
		h.deliver("RESUMED", `null`)
		h.wait(time.Minute)
		var pages []string
		for _, r := range h.discord.asked("GET /users/@me/guilds") {
			pages = append(pages, strings.TrimPrefix(r.line, "GET /users/@me/guilds?"))
		}
		want := "after=0&limit=200 after=200&limit=200 after=0&limit=200 after=200&limit=200 after=400&limit=200"
		if got := strings.Join(pages, " "); got != want {
			t.Errorf("the pages %s, want %s", got, want)
		}
		if n := h.bot.guilds.count(); n != 451 {
			t.Errorf("the bot is in %d guilds, want 451", n)
		}
		h.deliver("GUILD_CREATE", `{"id":"452"}`)
		h.wait(changesPause)
		h.wait(changesPause)
		h.logged(1, "INFO Joined a guild guild=452")
	})
}

// TestGuildWithoutAnID: what is not a guild in Discord's list is not counted.
func TestGuildWithoutAnID(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.discord.fail(fault{on: "GET /users/@me/guilds", times: -1, status: 200, body: `[{"id":"7"},{},{"id":"x"},{"id":"8"}]`})
		h.run()
		h.deliver("RESUMED", `null`)
		if n := h.bot.Guilds(); n != 2 {
			t.Errorf("the bot is in %d guilds, want 2", n)
		}
	})
}

// TestGuildListThatDoesNotAdvance: a list that repeats itself ends in an error
// and not in an endless loop.
func TestGuildListThatDoesNotAdvance(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		page := "[" + strings.Repeat(`{"id":"7"},`, guildsPage-1) + `{"id":"7"}]`
		h.discord.fail(fault{on: "GET /users/@me/guilds", times: -1, status: 200, body: page})
		h.run()
		h.deliver("RESUMED", `null`)
		h.logged(1, "ERROR List of guilds could not be fetched error=the list of guilds does not advance")
		h.deliver("RESUMED", `null`)
		h.logged(2, "does not advance")
	})
}

// TestGuildsOfManyShards: each shard's READY speaks for its own guilds; a shard
// that began with a RESUME learns its own from REST, which does not overrule a
// READY.
func TestGuildsOfManyShards(t *testing.T) {
	zero, one := gateway.ShardID{ID: 0, Count: 2}, gateway.ShardID{ID: 1, Count: 2}
	of := func(pair gateway.ShardID, n uint64) uint64 { return (n*2 + uint64(pair.ID)) << 22 }
	run(t, func(h *harness) {
		h.make(func(o *Options) { o.KeepCommands = true })
		h.run()
		send := func(pair gateway.ShardID, kind, data string) {
			h.bot.HandleEvent(h.Context(), gateway.Event{Type: kind, Data: []byte(data), Shard: pair})
			h.wait(0)
		}
		send(zero, "READY", readyWith(of(zero, 1), of(zero, 2)))
		send(one, "GUILD_CREATE", fmt.Sprintf(`{"id":"%d"}`, of(one, 1)))
		h.logged(0, "Joined")
		h.discord.guilds = []uint64{of(one, 1), of(zero, 2), of(one, 2), of(zero, 3)}
		send(zero, "RESUMED", "null")
		if n := len(h.discord.asked("GET /users/@me/guilds")); n != 0 {
			t.Error("the list was fetched for a shard that has it from READY")
		}
		send(one, "RESUMED", "null")
		if n := h.bot.guilds.count(); n != 4 {
			t.Errorf("the bot is in %d guilds, want 4", n)
		}
		send(zero, "READY", readyWith(of(zero, 1)))
		if n := h.bot.guilds.count(); n != 3 {
			t.Errorf("the bot is in %d guilds, want 3", n)
		}
		send(one, "GUILD_CREATE", fmt.Sprintf(`{"id":"%d"}`, of(one, 9)))
		h.wait(changesPause)
		h.logged(1, "Joined a guild")
		send(one, "READY", readyWith(of(one, 5)))
		send(one, "GUILD_CREATE", fmt.Sprintf(`{"id":"%d"}`, of(one, 5)))
		h.logged(1, "All guilds have arrived guilds=1") // of its own; that of the other is pending
	})
}

// TestStormOfGuildsIsOneLine: however many guilds are joined or left in a row, the log
// has a line; what is not told yet is told at a stop.
func TestStormOfGuildsIsOneLine(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith())
		const guilds = 5000
		for id := range guilds {
			h.deliver("GUILD_CREATE", fmt.Sprintf(`{"id":"%d","name":"guild"}`, id+1))
		}
		h.wait(changesPause)
		for id := range guilds {
			h.deliver("GUILD_DELETE", fmt.Sprintf(`{"id":"%d"}`, id+1))
		}
		if err := h.bot.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		h.logged(1, "INFO Joined guilds guilds=5000 within=1s")
		h.logged(1, "INFO Left guilds guilds=5000 within=0s")
		h.logged(0, "a guild")
	})
}

// TestSlowStormOfGuildsIsTold: guilds that are joined one after another without a pause
// are told every ten seconds.
func TestSlowStormOfGuildsIsTold(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", readyWith())
		for id := range 40 {
			h.deliver("GUILD_CREATE", fmt.Sprintf(`{"id":"%d"}`, id+1))
			h.wait(500 * time.Millisecond)
		}
		h.wait(changesPause)
		h.logged(2, "INFO Joined guilds guilds=")
	})
}
