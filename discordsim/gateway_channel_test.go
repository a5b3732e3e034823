package discordsim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// shownChannel finds a channel in a GUILD_CREATE; nil if it is not there.
func shownChannel(guild map[string]any, id ID) map[string]any {
	for _, one := range asList(guild["channels"]) {
		if asObject(one)["id"] == id.String() {
			return asObject(one)
		}
	}
	return nil
}

// Given a channel that a bot may not see, then GUILD_CREATE and its events show it as
// configured, and a change of what the bot may see shows all of it again.
func TestHiddenChannelsAreShownAsConfigured(t *testing.T) {
	for mode, want := range map[HiddenMode]string{"": "___hidden___ 131072", HiddenObfuscated: "___hidden___ 131072", HiddenShown: "inside 0", HiddenOmitted: ""} {
		cfg := patient
		cfg.HiddenChannels = mode
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			secret := sc.AddGuild("vault", "door", "inside")
			inside := secret.Channels[1]
			sc.Hide(sc.app, inside.ID, true)
			sc.Join(sc.app, secret)
			c := sc.identified(nil)
			looks := func(object map[string]any) string {
				if object == nil {
					return ""
				}
				return fmt.Sprint(object["name"], " ", object["flags"])
			}
			for _, p := range c.all() {
				if d := p.object(); p.T == "GUILD_CREATE" && d["name"] == "vault" {
					shown := shownChannel(d, inside.ID)
					if got := looks(shown); got != want {
						t.Errorf("%q: GUILD_CREATE shows %q, want %q", mode, got, want)
					}
					if mode == HiddenObfuscated && (shown["position"] != 1.0 || asObject(asList(shown["permission_overwrites"])[0])["deny"] != "1024") {
						t.Errorf("the hidden channel is %v", shown)
					}
				}
			}
			sc.Hide(sc.app, inside.ID, false)
			if got := looks(c.event("CHANNEL_UPDATE").object()); got != "inside 0" {
				t.Errorf("%q: once it may be seen it is %q", mode, got)
			}
			c.all()
			sc.Hide(sc.app, inside.ID, true)
			told := want
			if mode == HiddenOmitted {
				told = "inside 0" // what takes it away is told with the overwrite that does so
			}
			if got := looks(c.event("CHANNEL_UPDATE").object()); got != told {
				t.Errorf("%q: once it may not be seen it is %q", mode, got)
			}
			c.nothingWithin(time.Second)
		})
	}
}

// Given a hidden channel with threads, when a role, an overwrite or a member's roles let the
// bot see it, then THREAD_LIST_SYNC brings the active threads and the bot's memberships.
func TestThreadListSync(t *testing.T) {
	for _, way := range []string{"overwrite", "role", "member"} {
		withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
			few := everyonePermissions
			weak := w.AddApp(AppConfig{Name: "weak", Permissions: &few, Guilds: []*Guild{w.guild}})
			seer := w.AddRole(w.guild, "seer", 0)
			hidden := w.AddChannel(w.guild, "hidden", channelText)
			w.AddChannel(w.guild, "open", channelVoice)
			talk := w.CreateThread(hidden.ID, w.person.ID, "talk", 0)
			w.CreateThread(w.channel, w.person.ID, "elsewhere", 0)
			path := "/channels/" + hidden.ID.String()
			put := func(id ID, kind int, allow, deny uint64) {
				w.request("PUT", path+"/permissions/"+id.String(), map[string]any{"type": kind, "allow": decimal(allow), "deny": decimal(deny)}).hasStatus(204, 0)
			}
			w.send(apiRequest{method: "PUT", path: "/api/v10/channels/" + talk.ID.String() + "/thread-members/@me", token: "Bot " + weak.Token}).hasStatus(204, 0)
			put(w.app.Bot.ID, overwriteMember, permissionView, 0)
			put(w.guild.ID, overwriteRole, 0, permissionView)
			settle()
			events := w.listen(weak, everyIntent)
			if got := events.names("THREAD_LIST_SYNC"); len(got) > 0 {
				t.Fatalf("%s: %q came at first", way, got)
			}
			switch way {
			case "overwrite":
				put(weak.Bot.ID, overwriteMember, permissionView, 0)
			case "role":
				w.SetMember(w.guild, weak.Bot.ID, func(m *Member) { m.Roles = append(slices.Clone(m.Roles), seer.ID) })
				w.request("PATCH", "/guilds/"+w.guild.ID.String()+"/roles/"+seer.ID.String(), map[string]any{"permissions": decimal(permissionAdministrator)}).hasStatus(403, 50013)
				put(seer.ID, overwriteRole, permissionView, 0)
			case "member":
				put(seer.ID, overwriteRole, permissionView, 0)
				w.request("PUT", "/guilds/"+w.guild.ID.String()+"/members/"+weak.Bot.ID.String()+"/roles/"+seer.ID.String(), nil).hasStatus(204, 0)
			}
			settle()
			sync := events.last(t, "THREAD_LIST_SYNC")
			if fmt.Sprint(sync["channel_ids"]) != fmt.Sprintf("[%s]", hidden.ID) || sync["guild_id"] != w.guild.ID.String() {
				t.Errorf("%s: %v came", way, sync)
			}
			if threads := asList(sync["threads"]); len(threads) != 1 || asObject(threads[0])["name"] != "talk" || len(asList(sync["members"])) != 1 {
				t.Errorf("%s: threads %v of members %v", way, threads, sync["members"])
			}
			if got := events.last(t, "CHANNEL_UPDATE"); got["name"] != "hidden" {
				t.Errorf("%s: the channel is %v", way, got["name"])
			}
			if n := len(events.names("THREAD_LIST_SYNC")); n != 1 {
				t.Errorf("%s: %d syncs", way, n)
			}
		})
	}
}

// Given a thread, when a bot joins it or it is opened again, then the bot is told of the
// thread, of its own membership, and with GUILD_MEMBERS of those of others.
func TestOwnThreadMembership(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		w := &restHarness{Sim: sc.Sim, t: t, app: sc.app, guild: sc.guild, channel: sc.channel, person: sc.ada}
		plain := sc.identified(map[string]any{"intents": 1, "shard": []int{0, 1}})
		thread := sc.CreateThread(sc.channel, sc.ada.ID, "talk", 0)
		plain.all()
		path := "/channels/" + thread.ID.String()
		w.request("PUT", path+"/thread-members/@me", nil).hasStatus(204, 0)
		wait(time.Second)
		if got := plain.events(); !slices.Equal(got, []string{"THREAD_CREATE", "THREAD_MEMBER_UPDATE", "THREAD_MEMBERS_UPDATE"}) {
			t.Errorf("after joining came %q", got)
		}
		bob := sc.AddUser("bob")
		sc.AddMembers(sc.guild, bob)
		w.request("PUT", path+"/thread-members/"+bob.ID.String(), nil).hasStatus(204, 0)
		wait(time.Second)
		if got := plain.events(); len(got) > 0 {
			t.Errorf("of another member came %q without GUILD_MEMBERS", got)
		}
		w.request("PATCH", path, map[string]any{"archived": true}).hasStatus(200, 0)
		w.request("PATCH", path, map[string]any{"archived": false}).hasStatus(200, 0)
		wait(time.Second)
		if got := plain.events(); !slices.Equal(got, []string{"THREAD_UPDATE", "THREAD_UPDATE", "THREAD_MEMBER_UPDATE"}) {
			t.Errorf("after closing and opening came %q", got)
		}
	})
}

// Given channels and roles, when one is deleted or moved, then the others keep their
// positions, or with CloseGaps move up and are told.
func TestPositionsOfOthers(t *testing.T) {
	for _, closes := range []bool{false, true} {
		cfg := withoutLimits()
		cfg.REST.CloseGaps = closes
		withREST(t, cfg, func(t *testing.T, w *restHarness) {
			second, third := w.AddChannel(w.guild, "second", channelText), w.AddChannel(w.guild, "third", channelText)
			low := w.AddRole(w.guild, "low", 0)
			events := w.listen(w.app, everyIntent)
			guild := "/guilds/" + w.guild.ID.String()
			w.request("DELETE", "/channels/"+second.ID.String(), nil).hasStatus(200, 0)
			w.request("DELETE", guild+"/roles/"+low.ID.String(), nil).hasStatus(204, 0)
			settle()
			want := map[bool]string{false: "2 [] []", true: "1 [CHANNEL_UPDATE] [GUILD_ROLE_UPDATE]"}[closes]
			shown := w.request("GET", "/channels/"+third.ID.String(), nil).object()["position"]
			if got := fmt.Sprint(shown, " ", events.names("CHANNEL_UPDATE"), " ", events.names("GUILD_ROLE_UPDATE")); got != want {
				t.Errorf("closing gaps %t: %s, want %s", closes, got, want)
			}
			w.request("PATCH", guild+"/channels", []any{map[string]any{"id": third.ID, "position": 0}}).hasStatus(204, 0)
			settle()
			list := w.request("GET", guild+"/channels", nil).list()
			if first := asObject(list[0]); first["position"] != 0.0 || asObject(list[1])["position"] != 0.0 || first["id"] != w.channel.String() {
				t.Errorf("on one position the older one is first: %v", list)
			}
		})
	}
}
