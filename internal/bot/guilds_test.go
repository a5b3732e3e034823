package bot

import (
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
	story(t, func(w *world) {
		w.make()
		w.deliver("READY", readyWith(1, 2, 3))
		w.deliver("GUILD_CREATE", `{"id":"1","name":"one","member_count":10}`)
		w.deliver("GUILD_CREATE", `{"id":"2","name":"two","unavailable":true}`)
		w.wait(14 * time.Second)
		w.logged(0, "all guilds are there")
		w.deliver("GUILD_DELETE", `{"id":"3","unavailable":true}`)
		w.logged(1, "INFO all guilds are there guilds=3")
		w.logged(0, "joined")
		w.deliver("GUILD_CREATE", `{"id":"4","name":"four","member_count":7}`)
		w.logged(1, "INFO joined a guild guild=4 name=four members=7")
		w.wait(time.Minute)
		w.logged(0, "have not arrived")
		if n := w.bot.guilds.count(); n != 4 {
			t.Errorf("the bot is in %d guilds, want 4", n)
		}
	})
}

// TestGuildsThatNeverArrive: readiness is declared after a time without the
// rest; a late one is still no join and completes the list.
//
// Statements: G-056, G-057.
func TestGuildsThatNeverArrive(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		w.deliver("READY", readyWith(1, 2))
		w.wait(10 * time.Second)
		w.deliver("GUILD_CREATE", `{"id":"1"}`)
		w.wait(14 * time.Second)
		w.logged(0, "have not arrived")
		w.wait(time.Second)
		w.logged(1, "WARN some guilds have not arrived; going on without waiting for them guilds=2 missing=1")
		w.wait(time.Hour)
		w.logged(1, "have not arrived")
		w.deliver("GUILD_CREATE", `{"id":"2"}`)
		w.logged(1, "INFO all guilds are there guilds=2")
		w.logged(0, "joined")
	})
}

// TestGuildOutageAndLeave: a guild that becomes unavailable is not left, and
// its return is no join; a removal without that is a leave, and the next
// arrival a join.
//
// Statements: G-057, G-058.
func TestGuildOutageAndLeave(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		w.deliver("READY", readyWith(1))
		w.deliver("GUILD_CREATE", `{"id":"1"}`)
		w.deliver("GUILD_DELETE", `{"id":"1","unavailable":true}`)
		w.logged(1, "DEBUG a guild is unavailable guild=1")
		w.deliver("GUILD_CREATE", `{"id":"1"}`)
		w.logged(0, "joined")
		w.logged(0, "left")
		if n := w.bot.guilds.count(); n != 1 {
			t.Errorf("the bot is in %d guilds", n)
		}
		w.deliver("GUILD_DELETE", `{"id":"1"}`)
		w.logged(1, "INFO left a guild guild=1")
		if n := w.bot.guilds.count(); n != 0 {
			t.Errorf("the bot is in %d guilds", n)
		}
		w.deliver("GUILD_CREATE", `{"id":"1"}`)
		w.logged(1, "INFO joined a guild guild=1")
	})
}

// TestNewReady: a new session's READY replaces the list, so a guild that was
// left while the bot was away is gone, without a word.
func TestNewReady(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		w.deliver("READY", readyWith(1, 2))
		w.deliver("READY", readyWith(2))
		w.deliver("GUILD_CREATE", `{"id":"2"}`)
		w.logged(1, "INFO all guilds are there guilds=1")
		w.wait(time.Minute)
		w.logged(0, "have not arrived")
	})
}

// TestGuildsAfterResume: a run that begins with a RESUME sees no READY; it
// fetches the list page by page, once, and tells joins from then on.
//
// Statements: G-143.
func TestGuildsAfterResume(t *testing.T) {
	story(t, func(w *world) {
		for id := range uint64(450) {
			w.discord.guilds = append(w.discord.guilds, id+1)
		}
		w.make(func(o *Options) { o.KeepCommands = true })
		w.deliver("GUILD_DELETE", `{"id":"450"}`)
		w.deliver("GUILD_CREATE", `{"id":"451"}`)
		w.logged(0, "joined")
		w.discord.fail(fault{on: "GET /users/@me/guilds", skip: 1, times: 1, status: 502})
		w.deliver("RESUMED", `{"_trace":[]}`)
		w.run()
		w.wait(time.Minute)
		w.deliver("RESUMED", `null`)
		w.wait(time.Minute)
		var pages []string
		for _, r := range w.discord.asked("GET /users/@me/guilds") {
			pages = append(pages, strings.TrimPrefix(r.line, "GET /users/@me/guilds?"))
		}
		want := "after=0&limit=200 after=200&limit=200 after=0&limit=200 after=200&limit=200 after=400&limit=200"
		if got := strings.Join(pages, " "); got != want {
			t.Errorf("the pages %s, want %s", got, want)
		}
		if n := w.bot.guilds.count(); n != 451 {
			t.Errorf("the bot is in %d guilds, want 451", n)
		}
		w.deliver("GUILD_CREATE", `{"id":"452"}`)
		w.logged(1, "INFO joined a guild guild=452")
	})
}

// TestGuildListThatDoesNotAdvance: a list that repeats itself ends in an error
// and not in an endless loop.
func TestGuildListThatDoesNotAdvance(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		page := "[" + strings.Repeat(`{"id":"7"},`, guildsPage-1) + `{"id":"7"}]`
		w.discord.fail(fault{on: "GET /users/@me/guilds", times: -1, status: 200, body: page})
		w.run()
		w.deliver("RESUMED", `null`)
		w.logged(1, "ERROR the list of guilds could not be fetched error=the list of guilds does not advance")
		w.deliver("RESUMED", `null`)
		w.logged(2, "does not advance")
	})
}

// TestGuildsOfManyShards: each shard's READY speaks for its own guilds; a shard
// that began with a RESUME learns its own from REST, which does not overrule a
// READY.
func TestGuildsOfManyShards(t *testing.T) {
	zero, one := gateway.ShardID{ID: 0, Count: 2}, gateway.ShardID{ID: 1, Count: 2}
	of := func(pair gateway.ShardID, n uint64) uint64 { return (n*2 + uint64(pair.ID)) << 22 }
	story(t, func(w *world) {
		w.make(func(o *Options) { o.KeepCommands = true })
		w.run()
		send := func(pair gateway.ShardID, kind, data string) {
			w.bot.HandleEvent(w.Context(), gateway.Event{Type: kind, Data: []byte(data), Shard: pair})
			w.wait(0)
		}
		send(zero, "READY", readyWith(of(zero, 1), of(zero, 2)))
		send(one, "GUILD_CREATE", fmt.Sprintf(`{"id":"%d"}`, of(one, 1)))
		w.logged(0, "joined")
		w.discord.guilds = []uint64{of(one, 1), of(zero, 2), of(one, 2), of(zero, 3)}
		send(zero, "RESUMED", "null")
		if n := len(w.discord.asked("GET /users/@me/guilds")); n != 0 {
			t.Error("the list was fetched for a shard that has it from READY")
		}
		send(one, "RESUMED", "null")
		if n := w.bot.guilds.count(); n != 4 {
			t.Errorf("the bot is in %d guilds, want 4", n)
		}
		send(zero, "READY", readyWith(of(zero, 1)))
		if n := w.bot.guilds.count(); n != 3 {
			t.Errorf("the bot is in %d guilds, want 3", n)
		}
		send(one, "GUILD_CREATE", fmt.Sprintf(`{"id":"%d"}`, of(one, 9)))
		w.logged(1, "joined a guild")
	})
}
