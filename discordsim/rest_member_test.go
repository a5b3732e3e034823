package discordsim

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// settle lets the events that follow an answer arrive.
func settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// same fails the test unless an event shows the same object as an answer, beyond the
// fields that only one of the two has.
func same(t *testing.T, answer, event map[string]any, only ...string) {
	t.Helper()
	for name, want := range answer {
		if got := event[name]; !slices.Contains(only, name) && string(marshal(got)) != string(marshal(want)) {
			t.Errorf("%s is %s in the answer and %s in the event", name, marshal(want), marshal(got))
		}
	}
}

const everyIntent = 1<<25 | 1<<24 | 1<<21 | 1<<20 | 1<<17 - 1

// Given a member, when a bot names, times out and gives it a role, then the answers and
// the events show one object, and the audit log says why.
func TestMemberIsEdited(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		guild := "/guilds/" + w.guild.ID.String()
		path := guild + "/members/" + w.person.ID.String()
		role := w.request("POST", guild+"/roles", map[string]any{"name": "helper", "permissions": "8192", "color": 255, "hoist": true}).hasStatus(200, 0)
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		why := map[string]string{"X-Audit-Log-Reason": "too%20loud", "Content-Type": "application/json"}
		edited := w.send(apiRequest{method: "PATCH", path: "/api/v10" + path, token: "Bot " + w.app.Token, header: why, body: map[string]any{"nick": "Annie", "communication_disabled_until": until}}).hasStatus(200, 0).object()
		if edited["nick"] != "Annie" || edited["communication_disabled_until"] == nil {
			t.Errorf("the member is %v", edited)
		}
		w.request("PUT", path+"/roles/"+role.id(), nil).hasStatus(204, 0)
		settle()
		updates := events.named("GUILD_MEMBER_UPDATE")
		if len(updates) != 2 || updates[0].data["guild_id"] != w.guild.ID.String() {
			t.Fatalf("%d updates came", len(updates))
		}
		same(t, edited, updates[0].data)
		same(t, w.request("GET", path, nil).hasStatus(200, 0).object(), updates[1].data)
		if got := asList(updates[1].data["roles"]); len(got) != 1 || got[0] != role.id() {
			t.Errorf("the roles are %v", got)
		}
		made := events.named("GUILD_ROLE_CREATE")
		same(t, role.object(), asObject(made[len(made)-1].data["role"]))
		log := asList(w.request("GET", guild+"/audit-logs?limit=10", nil).hasStatus(200, 0).object()["audit_log_entries"])
		if len(log) != 3 || asObject(log[1])["reason"] != "too loud" || asObject(log[1])["action_type"] != 24.0 || asObject(log[0])["action_type"] != 25.0 {
			t.Errorf("the audit log says %v", log)
		}
		if told := events.named("GUILD_AUDIT_LOG_ENTRY_CREATE"); len(told) != 3 {
			t.Errorf("%d lines of it were told", len(told))
		}
		w.request("DELETE", path+"/roles/"+role.id(), nil).hasStatus(204, 0)
		w.request("PUT", path+"/roles/999", nil).hasStatus(404, 10011)
		w.request("PATCH", path, map[string]any{"nick": string(make([]byte, 33))}).hasFormError("nick", "BASE_TYPE_MAX_LENGTH")
		w.request("PATCH", path, map[string]any{"communication_disabled_until": time.Now().Add(29 * 24 * time.Hour)}).hasFormError("communication_disabled_until", "DATE_TIME_MAX")
		if me := w.request("PATCH", guild+"/members/@me", map[string]any{"nick": "Bot"}).hasStatus(200, 0).object(); me["nick"] != "Bot" {
			t.Errorf("the bot is %v", me)
		}
	})
}

// Given members above and below a bot and a bot with few permissions, then Discord
// refuses what is not for it, whatever is asked first.
//
// Statements: S-081.
func TestModerationKeepsTheOrderOfRoles(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		few := uint64(permissionView)
		weak := w.AddApp(AppConfig{Name: "weak", Permissions: &few, Guilds: []*Guild{w.guild}})
		guild := "/api/v10/guilds/" + w.guild.ID.String()
		person, chief := guild+"/members/"+w.person.ID.String(), guild+"/members/"+weak.Bot.ID.String()
		as := func(app *App, method, path string, body any) apiResponse {
			return w.send(apiRequest{method: method, path: path, token: "Bot " + app.Token, body: body})
		}
		for _, c := range []struct {
			app          *App
			method, path string
			body         any
		}{
			{weak, "DELETE", person, nil},
			{weak, "PATCH", person, `{"nick":"x"}`},
			{weak, "PUT", guild + "/bans/" + w.person.ID.String(), nil},
			{weak, "POST", guild + "/roles", `{}`},
			{weak, "GET", guild + "/audit-logs", nil},
			{w.app, "DELETE", chief, nil}, // its role is the newer and the higher one
			{w.app, "PATCH", chief, `{"nick":"x"}`},
			{w.app, "DELETE", guild + "/roles/" + weak.roleIn(w.guild).String(), nil},
			{w.app, "POST", guild + "/roles", `{"permissions":"8"}`},
		} {
			got := as(c.app, c.method, c.path, c.body)
			if code := got.object()["code"]; code != 50013.0 && code != 50028.0 {
				t.Errorf("%s %s as %s: %d %s", c.method, c.path, c.app.Name, got.status, got.text)
			}
		}
		w.SetFlags(w.app, 0)
		as(w.app, "GET", guild+"/members", nil).hasStatus(403, 50001)
	})
}

// Given a guild of many, when its members are listed and searched, then they come in
// pages by id, and by the beginning of a name in any case.
func TestMembersAreListedAndSearched(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		for n := range 30 {
			w.AddMembers(w.guild, w.AddUser("Guest"+strconv.Itoa(n)))
		}
		path, after, seen := "/guilds/"+w.guild.ID.String()+"/members", "0", 0
		for {
			page := w.request("GET", path+"?limit=10&after="+after, nil).hasStatus(200, 0).list()
			if seen += len(page); len(page) < 10 {
				break
			}
			after = asObject(asObject(page[9])["user"])["id"].(string)
		}
		if seen != 32 {
			t.Errorf("%d members came", seen)
		}
		if found := w.request("GET", path+"/search?query=guest2&limit=1000", nil).hasStatus(200, 0).list(); len(found) != 11 {
			t.Errorf("%d were found", len(found))
		}
		w.request("GET", path+"/search", nil).hasFormError("query", "BASE_TYPE_REQUIRED")
		w.request("GET", path+"?limit=1001", nil).hasFormError("limit", "NUMBER_TYPE_MAX")
		w.request("GET", path+"/999", nil).hasStatus(404, 10007)
	})
}

// Given members, when they are kicked and banned, then they are gone with their newest
// messages, each is told once, and a ban can be read and lifted.
func TestKickAndBan(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		guild := "/guilds/" + w.guild.ID.String()
		loud, other := w.AddUser("loud"), w.AddUser("other")
		w.AddMembers(w.guild, loud, other)
		said := w.Say(w.channel, loud.ID, "spam")
		w.request("DELETE", guild+"/members/"+w.person.ID.String(), nil).hasStatus(204, 0)
		w.request("GET", guild+"/members/"+w.person.ID.String(), nil).hasStatus(404, 10007)
		ban := guild + "/bans/" + loud.ID.String()
		w.request("PUT", ban, map[string]any{"delete_message_seconds": 3600}).hasStatus(204, 0)
		if got := w.request("GET", ban, nil).hasStatus(200, 0).object(); asObject(got["user"])["username"] != "loud" || got["reason"] != nil {
			t.Errorf("the ban is %v", got)
		}
		bulk := w.request("POST", guild+"/bulk-ban", map[string]any{"user_ids": []ID{other.ID, loud.ID, w.app.Bot.ID}}).hasStatus(200, 0).object()
		if len(asList(bulk["banned_users"])) != 1 || len(asList(bulk["failed_users"])) != 2 {
			t.Errorf("the bulk ban says %v", bulk)
		}
		w.request("POST", guild+"/bulk-ban", map[string]any{"user_ids": []ID{loud.ID}}).hasStatus(400, 500000)
		if page := w.request("GET", guild+"/bans?limit=1&after="+loud.ID.String(), nil).hasStatus(200, 0).list(); len(page) != 1 {
			t.Errorf("the second page of bans is %v", page)
		}
		w.request("DELETE", ban, nil).hasStatus(204, 0)
		w.request("DELETE", ban, nil).hasStatus(404, 10026)
		w.request("PUT", ban, map[string]any{"delete_message_seconds": 604801}).hasFormError("delete_message_seconds", "NUMBER_TYPE_MAX")
		settle()
		want := []string{"GUILD_MEMBER_ADD", "GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_REMOVE"}
		if got := events.names("GUILD_MEMBER_"); !slices.Equal(got, want) {
			t.Errorf("heard %v", got)
		}
		if got := events.names("GUILD_BAN_"); !slices.Equal(got, []string{"GUILD_BAN_ADD", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE"}) {
			t.Errorf("heard %v", got)
		}
		if gone := events.named("MESSAGE_DELETE_BULK"); len(gone) != 1 || asList(gone[0].data["ids"])[0] != said.ID.String() {
			t.Errorf("deleted was %v", gone)
		}
	})
}

// Given roles, when they are made, moved and deleted, then all hear of each change, and
// members and channels lose what is gone.
func TestRolesAreMovedAndDeleted(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds)
		path := "/guilds/" + w.guild.ID.String() + "/roles"
		low, high := w.AddRole(w.guild, "low", 0), w.AddRole(w.guild, "new", 0)
		w.SetMember(w.guild, w.person.ID, func(m *Member) { m.Roles = []ID{low.ID} })
		names := func(list []any) (out []string) {
			for _, one := range list {
				out = append(out, asObject(one)["name"].(string))
			}
			return out
		}
		if got := names(w.request("GET", path, nil).hasStatus(200, 0).list()); !slices.Equal(got, []string{"@everyone", "new", "low", "crier"}) {
			t.Errorf("the roles are %v", got)
		}
		if got := names(w.request("PATCH", path, []any{map[string]any{"id": high.ID, "position": 2}}).hasStatus(200, 0).list()); !slices.Equal(got, []string{"@everyone", "low", "new", "crier"}) {
			t.Errorf("the moved roles are %v", got)
		}
		if got := w.request("GET", path+"/member-counts", nil).hasStatus(200, 0).object(); got[low.ID.String()] != 1.0 || got[high.ID.String()] != 0.0 {
			t.Errorf("the counts are %v", got)
		}
		edited := w.request("PATCH", path+"/"+low.ID.String(), map[string]any{"name": "lower", "mentionable": true}).hasStatus(200, 0).object()
		settle()
		updates := events.named("GUILD_ROLE_UPDATE")
		same(t, edited, asObject(updates[len(updates)-1].data["role"]))
		w.request("DELETE", path+"/"+low.ID.String(), nil).hasStatus(204, 0)
		w.request("DELETE", path+"/"+w.guild.ID.String(), nil).hasStatus(400, 50028)
		w.request("GET", path+"/"+low.ID.String(), nil).hasStatus(404, 10011)
		member := w.request("GET", "/guilds/"+w.guild.ID.String()+"/members/"+w.person.ID.String(), nil).hasStatus(200, 0).object()
		if len(asList(member["roles"])) != 0 {
			t.Errorf("the member still has %v", member["roles"])
		}
	})
}

// Given a ban that says in its query whose messages it deletes, as discord.py has it, then
// they are deleted.
func TestBanReadsItsQuery(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		w.Say(w.channel, w.person.ID, "spam")
		ban := "/guilds/" + w.guild.ID.String() + "/bans/" + w.person.ID.String()
		w.request("PUT", ban+"?delete_message_seconds=604801", nil).hasFormError("delete_message_seconds", "NUMBER_TYPE_MAX")
		w.request("PUT", ban+"?delete_message_seconds=3600", nil).hasStatus(204, 0)
		if left := w.Messages(w.channel); len(left) != 0 {
			t.Errorf("%d messages are left", len(left))
		}
	})
}
