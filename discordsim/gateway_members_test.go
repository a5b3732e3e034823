package discordsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// addPeople fills the guild of a scene with people called p0, p1 and so on.
func (sc *clientHarness) addPeople(n int) (people []User) {
	for i := range n {
		people = append(people, sc.AddUser(fmt.Sprint("p", i)))
	}
	sc.AddMembers(sc.guild, people...)
	return people
}

// Given a guild of many, when a client asks for all its members, then they come
// in chunks of a thousand, each with its number, the count and the nonce.
//
// Statements: S-078.
func TestAllMembers(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.addPeople(2498) // and ada, and the bot
		c := sc.identified(map[string]any{"intents": 1 << 1})
		c.send(8, map[string]any{"guild_id": sc.guild.ID, "query": "", "limit": 0, "nonce": "mine"})
		names := map[string]bool{}
		for i, size := range []int{1000, 1000, 500} {
			d := c.event("GUILD_MEMBERS_CHUNK").object()
			if len(asList(d["members"])) != size || d["chunk_index"] != float64(i) || d["chunk_count"] != 3.0 || d["nonce"] != "mine" || d["guild_id"] != sc.guild.ID.String() {
				t.Errorf("chunk %d has %d members: %v of %v, nonce %v", i, len(asList(d["members"])), d["chunk_index"], d["chunk_count"], d["nonce"])
			}
			for _, m := range asList(d["members"]) {
				names[asObject(asObject(m)["user"])["username"].(string)] = true
			}
		}
		if len(names) != 2500 {
			t.Errorf("%d different members came", len(names))
		}
		sc.violations()
	})
}

// Given requests for some members, then those whose name begins so come, at most
// a hundred, or those with the ids, and what was not found is named as it was
// asked for.
//
// Statements: S-078.
func TestSomeMembers(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		people := sc.addPeople(300)
		c := sc.identified(map[string]any{"intents": 1 | intentPresences})
		c.all()
		for _, ask := range []struct {
			d       map[string]any
			members int
			missing string
		}{
			{map[string]any{"query": "p1", "limit": 50}, 50, ""}, {map[string]any{"query": "p1", "limit": 500}, 100, ""}, {map[string]any{"query": "p1", "limit": 0}, 1, ""},
			{map[string]any{"query": "nobody", "limit": 5}, 0, ""}, {map[string]any{"query": "", "limit": 7}, 7, ""},
			{map[string]any{"user_ids": []any{people[0].ID, people[1].ID, "77", 12}}, 2, "[77 12]"},
			{map[string]any{"user_ids": people[5].ID, "presences": true}, 1, ""},
		} {
			ask.d["guild_id"], ask.d["nonce"] = sc.guild.ID, strings.Repeat("n", 33)
			c.send(8, ask.d)
			d := c.event("GUILD_MEMBERS_CHUNK").object()
			missing := ""
			if d["not_found"] != nil {
				missing = fmt.Sprint(d["not_found"])
			}
			_, present := d["presences"]
			if len(asList(d["members"])) != ask.members || missing != ask.missing || d["nonce"] != nil || present != (ask.d["presences"] != nil) {
				t.Errorf("%v gave %d members, not found %s, nonce %v", ask.d, len(asList(d["members"])), missing, d["nonce"])
			}
		}
		c.send(8, map[string]any{"guild_id": "123456", "query": "x", "limit": 1})
		c.nothingWithin(time.Second)
	})
}

// Given a session without the member intent, when it asks for all members, then
// that closes with 4001, or is ignored where that is configured.
//
// Statements: S-078.
func TestAllMembersWithoutIntent(t *testing.T) {
	for _, ignored := range []bool{false, true} {
		cfg := patient
		cfg.Limits.IgnoreAllMembers = ignored
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			c.all()
			c.send(8, map[string]any{"guild_id": sc.guild.ID, "query": "", "limit": 0})
			if ignored {
				c.nothingWithin(time.Minute)
			} else {
				c.closedWith(4001)
			}
			sc.violations("S-078")
		})
	}
}

// Given a request for members that names neither a query nor users, as libraries send that
// leave an empty query out, then that closes with 4001, or gets all where that is configured.
//
// Statements: S-018.
func TestMembersWithoutQuery(t *testing.T) {
	for _, d := range []map[string]any{{"limit": 0}, {}, {"user_ids": nil}} {
		for _, optional := range []bool{false, true} {
			cfg := patient
			cfg.Limits.QueryOptional = optional
			withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(map[string]any{"intents": 1 << 1})
				c.all()
				d["guild_id"] = []ID{sc.guild.ID}
				c.send(8, d)
				if !optional {
					c.closedWith(4001)
				} else if got := len(asList(c.event("GUILD_MEMBERS_CHUNK").object()["members"])); got != 2 {
					t.Errorf("%v gave %d members", d, got)
				}
			})
		}
	}
}

// Given a request for all members, when the same comes again within 30 s, then
// RATE_LIMITED says how long to wait and the connection stays; other guilds and
// later requests are served.
//
// Statements: S-079.
func TestMembersTooSoon(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		second := sc.AddGuild("annex")
		sc.Join(sc.app, second)
		c := sc.identified(map[string]any{"intents": 1 << 1})
		ask := func(g *Guild) packet {
			c.send(8, map[string]any{"guild_id": g.ID, "query": "", "limit": 0, "nonce": "n"})
			return c.next()
		}
		if p := ask(sc.guild); p.T != "GUILD_MEMBERS_CHUNK" {
			t.Errorf("%s came", p.raw)
		}
		wait(12500 * time.Millisecond)
		p := ask(sc.guild)
		d := p.object()
		if meta := asObject(d["meta"]); p.T != "RATE_LIMITED" || d["opcode"] != 8.0 || d["retry_after"] != 17.5 || meta["guild_id"] != sc.guild.ID.String() || meta["nonce"] != "n" {
			t.Errorf("%s came", p.raw)
		}
		if p := ask(second); p.T != "GUILD_MEMBERS_CHUNK" {
			t.Errorf("%s came", p.raw)
		}
		wait(17500 * time.Millisecond)
		if p := ask(sc.guild); p.T != "GUILD_MEMBERS_CHUNK" {
			t.Errorf("%s came", p.raw)
		}
	})
}

// Given requests for soundboards and channel information, then one event comes
// for each guild the bot is in; a voice state is taken without an answer.
//
// Statements: S-080.
func TestOtherRequests(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		foreign := sc.AddGuild("elsewhere")
		c := sc.identified(nil)
		c.all()
		c.send(31, map[string]any{"guild_ids": []ID{sc.guild.ID, foreign.ID}})
		if d := c.next().object(); d["guild_id"] != sc.guild.ID.String() || d["soundboard_sounds"] == nil {
			t.Errorf("%v came", d)
		}
		sc.mu.Lock()
		sc.guild.Channels = append(sc.guild.Channels, &Channel{ID: 5, Name: "cellar", Guild: sc.guild, Overwrites: []Overwrite{{ID: sc.app.Bot.ID, Type: overwriteMember, Deny: permissionView}}})
		sc.mu.Unlock()
		c.send(43, map[string]any{"guild_id": sc.guild.ID, "fields": []string{"status"}})
		if p := c.next(); p.T != "CHANNEL_INFO" || len(asList(p.object()["channels"])) != 1 {
			t.Errorf("%s came", p.raw)
		}
		c.send(43, map[string]any{"guild_id": foreign.ID})
		c.send(4, map[string]any{"guild_id": sc.guild.ID, "channel_id": nil, "self_mute": false, "self_deaf": false})
		c.nothingWithin(time.Second)
		sc.violations()
	})
}
