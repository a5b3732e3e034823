package discordsim

import (
	"fmt"
	"testing"
	"time"
)

// Given people, when they come online, change and go, then their guilds hear of it with
// GUILD_PRESENCES, and GUILD_CREATE and a request for members show it.
func TestPresencesOfPeople(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		stranger := sc.AddUser("stranger")
		c := sc.identified(map[string]any{"intents": 1 | intentMembers | intentPresences})
		c.all()
		if err := sc.SetPresence(sc.ada.ID, "dnd", Activity{Name: "chess", Type: 0, Details: "endgame"}); err != nil {
			t.Fatal(err)
		}
		d := c.event("PRESENCE_UPDATE").object()
		shown := asObject(asList(d["activities"])[0])
		if asObject(d["user"])["id"] != sc.ada.ID.String() || d["status"] != "dnd" || shown["details"] != "endgame" || asObject(d["client_status"])["desktop"] != "dnd" {
			t.Errorf("%v came", d)
		}
		if err := sc.SetPresence(stranger.ID, "online"); err != nil {
			t.Fatal(err)
		}
		c.send(8, map[string]any{"guild_id": sc.guild.ID, "user_ids": []ID{sc.ada.ID}, "presences": true})
		if d := c.event("GUILD_MEMBERS_CHUNK").object(); asObject(asList(d["presences"])[0])["status"] != "dnd" {
			t.Errorf("the presences are %v", d["presences"])
		}
		wait(5 * time.Second)
		late := sc.identified(map[string]any{"intents": 1 | intentPresences})
		if d := late.event("GUILD_CREATE").object(); len(asList(d["presences"])) != 2 || len(asList(d["members"])) != 2 {
			t.Errorf("GUILD_CREATE has presences %v", d["presences"])
		}
		if got := sc.Presence(sc.ada.ID) + sc.Presence(stranger.ID) + sc.Presence(sc.app.Bot.ID); got != "dndonlineonline" {
			t.Errorf("seen are %s", got)
		}
		c.all()
		if err := sc.SetPresence(sc.ada.ID, "offline"); err != nil {
			t.Fatal(err)
		}
		if d := c.event("PRESENCE_UPDATE").object(); d["status"] != "offline" || len(asList(d["activities"])) != 0 || len(asObject(d["client_status"])) != 0 {
			t.Errorf("%v came", d)
		}
		for _, wrong := range []error{sc.SetPresence(5, "online"), sc.SetPresence(sc.app.Bot.ID, "online"), sc.SetPresence(sc.ada.ID, "invisible")} {
			if wrong == nil {
				t.Error("a wrong presence was taken")
			}
		}
	})
}

// Given guilds below and above large_threshold and above the limit of huge ones, then
// GUILD_CREATE lists the members that the intents and the size allow.
func TestMembersInGuildCreate(t *testing.T) {
	for _, row := range []struct {
		name               string
		people, huge       int
		intents            int64
		members, presences int
	}{
		{"without the intent the bot and who is in voice", 10, 0, 1, 2, 0},
		{"a small guild in full", 10, 0, 1 | intentPresences, 12, 2},
		{"of a large one who is online, has a role or a name, or is in voice", 60, 0, 1 | intentPresences, 5, 2},
		{"of a huge one the bot and who is in voice", 60, 50, 1 | intentPresences, 2, 0},
	} {
		cfg := patient
		cfg.Identify.HugeGuild = row.huge
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			people := sc.addPeople(row.people)
			if err := sc.SetPresence(people[0].ID, "online"); err != nil {
				t.Fatal(err)
			}
			role := sc.AddRole(sc.guild, "role", 0)
			sc.SetMember(sc.guild, people[1].ID, func(m *Member) { m.Nick = "called" })
			sc.SetMember(sc.guild, people[2].ID, func(m *Member) { m.Roles = []ID{role.ID} })
			sc.JoinVoice(sc.AddVoiceChannels(sc.guild, "voice")[0].ID, people[3].ID)
			c := sc.identified(map[string]any{"intents": row.intents})
			d := c.event("GUILD_CREATE").object()
			got := fmt.Sprint(len(asList(d["members"])), " ", len(asList(d["presences"])), " ", d["large"], " ", d["member_count"])
			if want := fmt.Sprint(row.members, " ", row.presences, " ", row.people > 48, " ", row.people+2); got != want {
				t.Errorf("%s: %s, want %s", row.name, got, want)
			}
		})
	}
}

// Given a guild of many, when members join and leave, then it knows at once who is one.
func TestManyMembersAreFound(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		people := sc.addPeople(3 * indexedMembers)
		sc.AddMembers(sc.guild, people...) // again
		sc.RemoveMembers(sc.guild, people[0].ID, people[0].ID)
		if sc.guild.hasMember(people[0].ID) || !sc.guild.hasMember(people[1].ID) || len(sc.guild.Members) != 3*indexedMembers+1 {
			t.Errorf("of %d members one left, and %d are there", 3*indexedMembers+2, len(sc.guild.Members))
		}
		sc.guild.Members = append(sc.guild.Members, 7)
		if !sc.guild.hasMember(7) {
			t.Error("a member that a test has put there is not found")
		}
		sc.guild.Members = sc.guild.Members[:len(sc.guild.Members)-1]
		if sc.guild.hasMember(7) {
			t.Error("one that it took away is still found")
		}
	})
}
