package discordsim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Given a bot in many guilds, one of them in an outage, when it identifies, then
// after READY one GUILD_CREATE follows for each, in consecutive numbers and with
// pauses up to the configured one, and GUILD_DELETE with unavailable for the one
// in an outage; without the intent none follows.
//
// Statements: S-029.
func TestGuildsFollowReady(t *testing.T) {
	for _, spacing := range []time.Duration{0, 200 * time.Millisecond, -1} {
		inSimBubble(t, Config{Identify: IdentifyConfig{GuildSpacing: spacing}, Seed: 3}, func(t *testing.T, s *Sim) {
			var guilds []*Guild
			for range 30 {
				guilds = append(guilds, s.AddGuild("one of many"))
			}
			sc := newClientHarness(t, s, AppConfig{Guilds: guilds})
			sc.SetUnavailable(guilds[7], true)
			c := sc.identified(nil)
			last, longest, seen := time.Now(), time.Duration(0), map[string]string{}
			for i := range 31 {
				p := c.next()
				if p.S != int64(i)+2 {
					t.Errorf("after %d comes %d", i+1, p.S)
				}
				d := p.object()
				seen[d["id"].(string)] = p.T
				if (p.T == "GUILD_DELETE") != (d["unavailable"] == true) {
					t.Errorf("%s has %v", p.T, d["unavailable"])
				}
				longest, last = max(longest, p.at.Sub(last)), p.at
			}
			most := max(0, spacing)
			if spacing == 0 {
				most = 50 * time.Millisecond
			}
			if len(seen) != 31 || seen[guilds[7].ID.String()] != "GUILD_DELETE" || longest > most || longest < most/2 {
				t.Errorf("spacing %s: %d guilds, the longest pause was %s", spacing, len(seen), longest)
			}
			wait(5 * time.Second)
			plain := sc.identified(map[string]any{"intents": 1 << 9})
			plain.nothingWithin(time.Minute / 2)
		})
	}
}

// Given the burst of guilds after READY, when the connection drops in the middle
// of it, then the rest of it comes with the resume, and a guild the bot has left
// meanwhile does not.
//
// Statements: S-029, S-042.
func TestBurstGoesOnWithoutConnection(t *testing.T) {
	inSimBubble(t, Config{Identify: IdentifyConfig{GuildSpacing: time.Second}}, func(t *testing.T, s *Sim) {
		var guilds []*Guild
		for range 10 {
			guilds = append(guilds, s.AddGuild("one of many"))
		}
		sc := newClientHarness(t, s, AppConfig{Guilds: guilds})
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		c.drop()
		sc.Leave(sc.app, guilds[9])
		wait(20 * time.Second)
		_, types := numbers(c.reconnectAndResume().all())
		want := append([]string{"GUILD_DELETE"}, slices.Repeat([]string{"GUILD_CREATE"}, 9)...)
		if !slices.Equal(types, append(want, "RESUMED")) {
			t.Errorf("%q came", types)
		}
	})
}

// Given guilds small, large and huge, when their GUILD_CREATE comes, then it
// lists the members and presences that the intents, the threshold and the size
// allow.
//
// Statements: S-030.
func TestGuildMembersInCreate(t *testing.T) {
	const presences = 1 | intentPresences
	for _, guild := range []struct {
		people, intents, threshold int
		members, presences         int
		large                      bool
	}{
		{40, 1, 0, 1, 0, false},                   // without the intent: the bot alone
		{40, presences, 0, 42, 2, false},          // all, and those online
		{60, presences, 0, 2, 2, true},            // more than 50: only those online
		{60, presences, 100, 62, 2, false},        // unless the threshold is higher
		{300, presences, 1000, 2, 2, true},        // up to 250
		{40, presences, 1, 42, 2, false},          // and from 50
		{500, presences, 0, 1, 0, true},           // huge: the bot alone
		{500, 1<<9 | presences, 250, 1, 0, true},  // whatever the threshold
		{40, presences | 1<<15, 50, 42, 2, false}, // other intents change nothing
	} {
		cfg := patient
		cfg.Identify.HugeGuild = 400
		inSimBubble(t, cfg, func(t *testing.T, s *Sim) {
			g := s.AddGuild("hall")
			for i := range guild.people {
				s.AddMembers(g, s.AddUser(fmt.Sprint("p", i)))
			}
			sc := &clientHarness{Sim: s, t: t, guild: g, app: s.AddApp(AppConfig{Guilds: []*Guild{g}})}
			other := s.AddApp(AppConfig{Name: "other", Guilds: []*Guild{g}})
			sc.identified(map[string]any{"token": other.Token, "presence": map[string]any{"status": "dnd", "activities": []any{}}})
			c := sc.identified(map[string]any{"intents": guild.intents, "large_threshold": guild.threshold})
			d := c.event("GUILD_CREATE").object()
			members, shown := asList(d["members"]), asList(d["presences"])
			if len(members) != guild.members || len(shown) != guild.presences || d["large"] != guild.large || d["member_count"] != float64(guild.people+2) {
				t.Errorf("%+v: %d members, %d presences, large %v", guild, len(members), len(shown), d["large"])
			}
			for _, p := range shown {
				one := asObject(p)
				want := "online"
				if asObject(one["user"])["id"] == other.Bot.ID.String() {
					want = "dnd"
				}
				if one["status"] != want || asObject(one["client_status"])["web"] != want {
					t.Errorf("a presence is %v", one)
				}
			}
		})
	}
}

// Given a live bot, when it joins and leaves a guild, then it gets GUILD_CREATE
// and GUILD_DELETE without unavailable; when a guild has an outage it gets one
// with it, and GUILD_CREATE when the guild is back.
//
// Statements: S-072.
func TestGuildsComeAndGo(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.all()
		g := sc.AddGuild("late")
		sc.Join(sc.app, g)
		sc.Join(sc.app, g) // again changes nothing
		sc.SetUnavailable(g, true)
		sc.SetUnavailable(g, true)
		sc.SetUnavailable(g, false)
		sc.Leave(sc.app, g)
		sc.Leave(sc.app, g)
		want := []struct {
			typ         string
			unavailable any
		}{{"GUILD_CREATE", nil}, {"GUILD_DELETE", true}, {"GUILD_CREATE", false}, {"GUILD_DELETE", nil}}
		got := c.all()
		for i, p := range got {
			if d := p.object(); p.T != want[i].typ || d["unavailable"] != want[i].unavailable || d["id"] != g.ID.String() {
				t.Errorf("event %d is %s", i, p.raw)
			}
		}
		if len(got) != 4 {
			t.Errorf("%d events came", len(got))
		}
	})
}

// Given a bot with the member intent, when people join, then GUILD_MEMBER_ADD
// comes for each once.
//
// Statements: S-067.
func TestMembersJoin(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(map[string]any{"intents": 1 << 1})
		bob := sc.AddUser("bob")
		sc.AddMembers(sc.guild, bob, bob)
		sc.Say(sc.channel, bob.ID, "hi")
		sc.Say(sc.channel, 4711, "a stranger")
		var joined []any
		for _, p := range c.all() {
			joined = append(joined, asObject(p.object()["user"])["id"])
		}
		if fmt.Sprint(joined) != fmt.Sprintf("[%s 4711]", bob.ID) {
			t.Errorf("%v joined", joined)
		}
	})
}
