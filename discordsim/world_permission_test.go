package discordsim

import (
	"slices"
	"testing"
	"time"
)

// Given a bot that loses a permission, then Discord refuses what needs it in its own
// words, and tells of the change when it begins and when it ends.
//
// Statements: S-071, S-081.
func TestPermissionsOfABot(t *testing.T) {
	for _, test := range []struct {
		fault        Fault
		status, code int
		event        string
	}{
		{Fault{Name: "no-send", Text: "general"}, 403, 50013, "CHANNEL_UPDATE"},
		{Fault{Name: "no-view"}, 403, 50001, "CHANNEL_UPDATE"},
		{Fault{Name: "no-history"}, 403, 160002, "CHANNEL_UPDATE"},
		{Fault{Name: "timed-out"}, 403, 50013, "GUILD_MEMBER_UPDATE"},
		{Fault{Name: "no-send", Text: "elsewhere"}, 200, 0, ""},
		{Fault{Name: "no-dm"}, 200, 0, ""},
	} {
		t.Run(test.fault.Name, func(t *testing.T) {
			withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(nil)
				wait(time.Second)
				w := &restHarness{Sim: sc.Sim, t: t, app: sc.app}
				channel := sc.app.Guilds[0].Channels[0]
				asked := sc.Say(channel.ID, sc.AddUser("ann").ID, "!ping")
				body := map[string]any{"content": "pong", "message_reference": map[string]any{"message_id": asked.ID}}
				path := "/channels/" + channel.ID.String() + "/messages"
				w.request("POST", path, body).hasStatus(200, 0)
				fault, err := sc.Inject(test.fault)
				if err != nil {
					t.Fatal(err)
				}
				wait(time.Second)
				w.request("POST", path, body).hasStatus(test.status, test.code)
				sc.Lift(fault)
				wait(time.Second)
				w.request("POST", path, body).hasStatus(200, 0)
				events := 0
				for _, e := range c.events() {
					if e == "CHANNEL_UPDATE" || e == "GUILD_MEMBER_UPDATE" {
						events++
						if e != test.event {
							t.Errorf("got %s", e)
						}
					}
				}
				if want := map[bool]int{true: 2}[test.event != ""]; events != want {
					t.Errorf("%d events, want %d", events, want)
				}
			})
		})
	}
}

// Given a person who takes no direct messages, then those of a bot are refused; a member
// and the bot's own role are told as Discord does.
//
// Statements: S-081.
func TestDirectMessagesRolesAndMembers(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		dm := w.request("POST", "/users/@me/channels", map[string]any{"recipient_id": w.person.ID}).hasStatus(200, 0).object()
		path := "/channels/" + dm["id"].(string) + "/messages"
		w.CloseDMs(w.person.ID, true)
		w.request("POST", path, map[string]any{"content": "hello"}).hasStatus(403, 50007)
		w.CloseDMs(w.person.ID, false)
		w.request("POST", path, map[string]any{"content": "hello"}).hasStatus(200, 0)

		guild := "/guilds/" + w.guild.ID.String()
		roles := w.request("GET", guild, nil).hasStatus(200, 0).object()["roles"].([]any)
		if len(roles) != 2 || asObject(asObject(roles[1])["tags"])["bot_id"] != w.app.Bot.ID.String() {
			t.Errorf("roles %v", roles)
		}
		me := guild + "/members/" + w.app.Bot.ID.String()
		if m := w.request("GET", me, nil).hasStatus(200, 0).object(); m["communication_disabled_until"] != nil {
			t.Errorf("the bot is timed out: %v", m)
		}
		w.TimeOut(w.app, w.guild, time.Now().Add(time.Hour))
		if m := w.request("GET", me, nil).hasStatus(200, 0).object(); m["communication_disabled_until"] == nil {
			t.Errorf("the bot is not timed out: %v", m)
		}
		w.request("GET", guild+"/members/5", nil).hasStatus(404, 10007)

		w.Mute(w.app, w.channel, true)
		over := w.request("GET", "/channels/"+w.channel.String(), nil).hasStatus(200, 0).object()["permission_overwrites"].([]any)
		if len(over) != 1 || asObject(over[0])["deny"] != "2048" || slices.Contains(w.Channels(w.app), w.channel) {
			t.Errorf("overwrites %v", over)
		}
	})
}
