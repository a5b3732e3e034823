package discordsim

import (
	"strings"
	"testing"
	"time"
)

// Given a guild, when its widget, welcome screen, onboarding and incidents are changed, then
// they are as was said, and the guild shows it.
func TestWhatGuildsShow(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		guild := "/guilds/" + w.guild.ID.String()
		w.AddVoiceChannels(w.guild, "lounge")
		w.request("GET", guild+"/widget.json", nil).hasStatus(403, 50004)
		w.request("PATCH", guild+"/widget", map[string]any{"enabled": true, "channel_id": w.channel}).hasStatus(200, 0)
		w.listen(w.app, everyIntent)
		shown := w.send(apiRequest{method: "GET", path: "/api/v10" + guild + "/widget.json"}).hasStatus(200, 0).object()
		if shown["name"] != "guild" || len(asList(shown["channels"])) != 1 || len(asList(shown["members"])) != 1 {
			t.Errorf("the widget is %v", shown)
		}
		w.request("PATCH", guild+"/widget", map[string]any{"channel_id": 5}).hasFormError("channel_id", "CHANNEL_INVALID")

		w.request("GET", guild+"/welcome-screen", nil).hasStatus(404, 10069)
		welcome := map[string]any{"enabled": true, "description": "hi", "welcome_channels": []any{map[string]any{"channel_id": w.channel, "description": "talk", "emoji_name": "👋"}}}
		w.request("PATCH", guild+"/welcome-screen", welcome).hasStatus(200, 0)
		if got := w.request("GET", guild+"/welcome-screen", nil).hasStatus(200, 0).object(); got["description"] != "hi" || len(asList(got["welcome_channels"])) != 1 {
			t.Errorf("the welcome screen is %v", got)
		}

		option := map[string]any{"title": "yes", "description": nil, "channel_ids": []ID{w.channel}, "role_ids": []ID{}, "emoji_name": "👍"}
		prompt := map[string]any{"id": "0", "type": 0, "title": "New?", "options": []any{option}, "single_select": true, "required": false, "in_onboarding": true}
		w.request("PUT", guild+"/onboarding", map[string]any{"prompts": []any{prompt}, "default_channel_ids": []ID{w.channel}, "enabled": true, "mode": 0}).hasStatus(400, 350000)
		w.request("PUT", guild+"/onboarding", map[string]any{"prompts": []any{prompt}, "default_channel_ids": []ID{w.channel}, "enabled": false, "mode": 1}).hasStatus(200, 0)
		if got := w.request("GET", guild+"/onboarding", nil).hasStatus(200, 0).object(); got["mode"] != 1.0 || len(asList(got["prompts"])) != 1 {
			t.Errorf("the onboarding is %v", got)
		}

		until := stamp(time.Now().Add(time.Hour))
		w.request("PUT", guild+"/incident-actions", map[string]any{"invites_disabled_until": until}).hasStatus(200, 0)
		w.request("PUT", guild+"/incident-actions", map[string]any{"dms_disabled_until": stamp(time.Now().Add(25 * time.Hour))}).hasFormError("dms_disabled_until", "DATE_TIME_MAX")
		got := w.request("GET", guild, nil).hasStatus(200, 0).object()
		if got["widget_enabled"] != true || asObject(got["incidents_data"])["invites_disabled_until"] != until {
			t.Errorf("the guild is %v", got)
		}
		if got := w.request("GET", guild+"/vanity-url", nil).hasStatus(200, 0).object(); got["code"] != nil {
			t.Errorf("the vanity URL is %v", got)
		}
		features := w.request("PATCH", guild, map[string]any{"features": []string{"COMMUNITY"}, "icon": "data:image/png;base64,iVBORw0KGgo="}).hasStatus(200, 0).object()
		if asList(features["features"])[0] != "COMMUNITY" || len(features["icon"].(string)) != 32 {
			t.Errorf("the guild is %v", features)
		}
		w.request("PATCH", guild, map[string]any{"features": []any{7}}).hasFormError("features.0", "STRING_TYPE_CONVERT")
	})
}

// Given members of whom some have spoken or hold a role, when the guild is pruned, then only
// the others go.
func TestPrune(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		quiet, helper := w.AddUser("quiet"), w.AddUser("helper")
		w.AddMembers(w.guild, quiet, helper)
		role := w.AddRole(w.guild, "helpers", 0)
		w.SetMember(w.guild, helper.ID, func(m *Member) { m.Roles = []ID{role.ID} })
		time.Sleep(8 * 24 * time.Hour)
		w.Say(w.channel, w.person.ID, "hello")
		path := "/guilds/" + w.guild.ID.String() + "/prune"
		count := func(query string) any { return w.request("GET", path+query, nil).hasStatus(200, 0).object()["pruned"] }
		if a, b, c := count(""), count("?days=30"), count("?days=7&include_roles="+role.ID.String()); a != 1.0 || b != 0.0 || c != 2.0 {
			t.Errorf("%v, %v and %v would go", a, b, c)
		}
		w.request("GET", path+"?days=31", nil).hasFormError("days", "NUMBER_TYPE_MAX")
		if got := w.request("POST", path, map[string]any{"days": 7, "compute_prune_count": true}).hasStatus(200, 0).object(); got["pruned"] != 1.0 {
			t.Errorf("%v went", got)
		}
		w.request("GET", "/guilds/"+w.guild.ID.String()+"/members/"+quiet.ID.String(), nil).hasStatus(404, 10007)
	})
}

// Given a guild, when a template is made of it, synced, renamed and deleted, then it shows
// the guild with numbers of its own.
func TestTemplates(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		path := "/guilds/" + w.guild.ID.String() + "/templates"
		made := w.request("POST", path, map[string]any{"name": "copy"}).hasStatus(201, 0).object()
		code := made["code"].(string)
		w.request("POST", path, map[string]any{"name": "again"}).hasStatus(400, 30031)
		w.AddChannel(w.guild, "later", channelText)
		channels := func(of map[string]any) int { return len(asList(asObject(of["serialized_source_guild"])["channels"])) }
		if n := channels(w.request("GET", "/guilds/templates/"+code, nil).hasStatus(200, 0).object()); n != 1 {
			t.Errorf("the template has %d channels", n)
		}
		if n := channels(w.request("PUT", path+"/"+code, nil).hasStatus(200, 0).object()); n != 2 {
			t.Errorf("the template that was synced has %d channels", n)
		}
		w.request("PATCH", path+"/"+code, map[string]any{"name": "other", "description": "d"}).hasStatus(200, 0)
		if list := w.request("GET", path, nil).hasStatus(200, 0).list(); len(list) != 1 || asObject(list[0])["name"] != "other" {
			t.Errorf("the templates are %v", list)
		}
		w.request("DELETE", path+"/"+code, nil).hasStatus(200, 0)
		w.request("GET", "/guilds/templates/"+code, nil).hasStatus(404, 10057)
	})
}

// Given apps in a guild, when one is taken out by its integration, then it leaves; and what
// roles can be linked to is kept as the app says.
func TestIntegrations(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		other := w.AddApp(AppConfig{Name: "other", Guilds: []*Guild{w.guild}})
		path := "/guilds/" + w.guild.ID.String() + "/integrations"
		if list := w.request("GET", path, nil).hasStatus(200, 0).list(); len(list) != 2 {
			t.Errorf("the integrations are %v", list)
		}
		w.request("DELETE", path+"/"+other.ID.String(), nil).hasStatus(204, 0)
		w.request("DELETE", path+"/"+other.ID.String(), nil).hasStatus(404, 10005)
		settle()
		for _, typ := range []string{"INTEGRATION_DELETE", "GUILD_INTEGRATIONS_UPDATE", "GUILD_MEMBER_REMOVE"} {
			if len(events.named(typ)) != 1 {
				t.Errorf("%d of %s came", len(events.named(typ)), typ)
			}
		}

		app := "/applications/" + w.app.ID.String()
		field := map[string]any{"type": 2, "key": "wins", "name": "Wins", "description": "games won"}
		w.request("PUT", app+"/role-connections/metadata", []any{field}).hasStatus(200, 0)
		if list := w.request("GET", app+"/role-connections/metadata", nil).hasStatus(200, 0).list(); asObject(list[0])["key"] != "wins" {
			t.Errorf("the metadata is %v", list)
		}
		w.request("PUT", app+"/role-connections/metadata", []any{map[string]any{"type": 9}}).hasStatus(400, 50035)
		command := w.request("POST", app+"/commands", map[string]any{"name": "ping", "description": "pings"}).hasStatus(201, 0).id()
		permissions := app + "/guilds/" + w.guild.ID.String() + "/commands/"
		w.request("GET", permissions+"permissions", nil).hasStatus(200, 0)
		w.request("GET", permissions+command+"/permissions", nil).hasStatus(404, 10066)
		w.request("PUT", permissions+command+"/permissions", map[string]any{"permissions": []any{}}).hasStatus(403, 20001)
	})
}

// Given pictures of a bot and of a webhook, when they are set, then they are named by their
// hash everywhere, and null takes them away.
func TestPictures(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		still, moving := "data:image/png;base64,iVBORw0KGgo=", "data:image/gif;base64,R0lGODlh"
		if me := w.request("PATCH", "/users/@me", map[string]any{"avatar": moving, "banner": still}).hasStatus(200, 0).object(); !strings.HasPrefix(me["avatar"].(string), "a_") || me["banner"] == nil {
			t.Errorf("the bot is %v", me)
		}
		if author := asObject(w.say("hello").object()["author"]); author["avatar"] == nil {
			t.Errorf("the author is %v", author)
		}
		if me := w.request("PATCH", "/users/@me", map[string]any{"avatar": nil}).hasStatus(200, 0).object(); me["avatar"] != nil || me["banner"] == nil {
			t.Errorf("the bot is %v", me)
		}
		w.request("PATCH", "/users/@me", map[string]any{"avatar": "fish"}).hasFormError("avatar", "IMAGE_INVALID")
		hook := w.request("POST", "/channels/"+w.channel.String()+"/webhooks", map[string]any{"name": "herald", "avatar": still}).hasStatus(200, 0).object()
		if hook["avatar"] == nil {
			t.Errorf("the webhook is %v", hook)
		}
	})
}
