package discordsim

import (
	"slices"
	"testing"
	"time"
)

// last is the d of the last event of a name.
func (e *eventListener) last(t *testing.T, name string) map[string]any {
	t.Helper()
	all := e.named(name)
	if len(all) == 0 {
		t.Fatalf("no %s came", name)
	}
	return all[len(all)-1].data
}

// Given a guild, when a bot makes, changes, moves and deletes channels, then the answers,
// the events and a later GUILD_CREATE show the same objects.
func TestChannelsAreMadeChangedAndDeleted(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		guild := "/guilds/" + w.guild.ID.String()
		category := w.request("POST", guild+"/channels", map[string]any{"name": "talk", "type": 4}).hasStatus(201, 0)
		made := w.request("POST", guild+"/channels", map[string]any{
			"name": "news", "topic": "what is new", "parent_id": category.id(), "rate_limit_per_user": 5,
			"permission_overwrites": []any{map[string]any{"id": w.guild.ID, "type": 0, "allow": "0", "deny": "2048"}},
		}).hasStatus(201, 0)
		settle()
		same(t, made.object(), events.last(t, "CHANNEL_CREATE"))
		path := "/channels/" + made.id()
		edited := w.request("PATCH", path, map[string]any{"name": "newest", "topic": nil, "nsfw": true, "position": 0}).hasStatus(200, 0).object()
		if edited["topic"] != nil || edited["nsfw"] != true || edited["position"] != 0.0 || edited["parent_id"] != category.id() {
			t.Errorf("the channel is %v", edited)
		}
		settle()
		same(t, edited, events.last(t, "CHANNEL_UPDATE"))
		time.Sleep(6 * time.Second)
		late := w.listen(w.app, everyIntent)
		for _, one := range asList(late.last(t, "GUILD_CREATE")["channels"]) {
			if asObject(one)["id"] == made.id() {
				same(t, edited, asObject(one), "guild_id")
			}
		}
		w.request("PATCH", guild+"/channels", []any{map[string]any{"id": made.id(), "position": 2}}).hasStatus(204, 0)
		list := w.request("GET", guild+"/channels", nil).hasStatus(200, 0).list()
		if last := asObject(list[len(list)-1]); last["id"] != made.id() {
			t.Errorf("the last channel is %v", last)
		}
		w.request("DELETE", "/channels/"+category.id(), nil).hasStatus(200, 0)
		if now := w.request("GET", path, nil).hasStatus(200, 0).object(); now["parent_id"] != nil {
			t.Errorf("the channel is still in %v", now["parent_id"])
		}
		w.request("DELETE", path, nil).hasStatus(200, 0)
		w.request("GET", path, nil).hasStatus(404, 10003)
		settle()
		if gone := events.last(t, "CHANNEL_DELETE"); gone["id"] != made.id() {
			t.Errorf("gone is %v", gone)
		}
		w.request("POST", guild+"/channels", map[string]any{"name": "", "type": 99, "bitrate": 1}).hasFormError("type", "BASE_TYPE_CHOICES")
		w.request("POST", guild+"/channels", map[string]any{"name": "x", "parent_id": "5"}).hasFormError("parent_id", "CHANNEL_PARENT_INVALID")
	})
}

// Given overwrites of roles and members, then they decide in Discord's order who sees a
// channel, and a bot that loses one learns of it.
//
// Statements: S-071.
func TestOverwritesDecide(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		few := everyonePermissions
		weak := w.AddApp(AppConfig{Name: "weak", Permissions: &few, Guilds: []*Guild{w.guild}})
		events := w.listen(weak, everyIntent)
		path := "/channels/" + w.channel.String()
		put := func(id ID, kind int, allow, deny uint64) {
			w.request("PUT", path+"/permissions/"+id.String(), map[string]any{"type": kind, "allow": decimal(allow), "deny": decimal(deny)}).hasStatus(204, 0)
		}
		status := func() int {
			return w.send(apiRequest{method: "GET", path: "/api/v10" + path, token: "Bot " + weak.Token}).status
		}
		put(w.app.Bot.ID, overwriteMember, permissionView, 0)
		put(w.guild.ID, overwriteRole, 0, permissionView)
		if status() != 403 {
			t.Error("a channel that @everyone may not see is seen")
		}
		put(weak.roleIn(w.guild), overwriteRole, permissionView, 0)
		if status() != 200 {
			t.Error("the role's overwrite does not count")
		}
		put(weak.Bot.ID, overwriteMember, 0, permissionView)
		if status() != 403 {
			t.Error("the member's overwrite does not count")
		}
		w.request("DELETE", path+"/permissions/"+weak.Bot.ID.String(), nil).hasStatus(204, 0)
		w.request("DELETE", path+"/permissions/"+weak.Bot.ID.String(), nil).hasStatus(404, 10009)
		if status() != 200 {
			t.Error("the member's overwrite still counts")
		}
		settle()
		if n := len(events.named("CHANNEL_UPDATE")); n != 5 {
			t.Errorf("%d updates came", n)
		}
	})
}

// Given a guild, when it is changed, then all hear of the same object.
func TestGuildIsChanged(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		path := "/guilds/" + w.guild.ID.String()
		edited := w.request("PATCH", path, map[string]any{"name": "renamed", "verification_level": 2, "afk_channel_id": nil, "system_channel_id": w.channel}).hasStatus(200, 0).object()
		settle()
		same(t, edited, events.last(t, "GUILD_UPDATE"))
		time.Sleep(6 * time.Second)
		same(t, edited, w.listen(w.app, everyIntent).last(t, "GUILD_CREATE"))
		same(t, edited, w.request("GET", path, nil).hasStatus(200, 0).object())
		if edited["name"] != "renamed" || edited["verification_level"] != 2.0 || edited["system_channel_id"] != w.channel.String() {
			t.Errorf("the guild is %v", edited)
		}
		w.request("PATCH", path, map[string]any{"name": "x", "afk_timeout": 7, "rules_channel_id": "7"}).hasFormError("afk_timeout", "BASE_TYPE_CHOICES")
		w.request("GET", path+"/preview", nil).hasStatus(200, 0)
	})
}

// Given messages and forums, when threads are started, written in, archived and opened
// again, then they and their members are told, listed and counted as Discord does.
func TestThreads(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		channel := "/channels/" + w.channel.String()
		m := w.Say(w.channel, w.person.ID, "let us talk")
		made := w.request("POST", w.messagesPath()+"/"+m.ID.String()+"/threads", map[string]any{"name": "talk", "auto_archive_duration": 60}).hasStatus(201, 0)
		if made.id() != m.ID.String() || made.object()["type"] != 11.0 {
			t.Errorf("the thread is %s", made.text)
		}
		w.request("POST", w.messagesPath()+"/"+m.ID.String()+"/threads", map[string]any{"name": "again"}).hasStatus(400, 160004)
		settle()
		same(t, made.object(), events.last(t, "THREAD_CREATE"))
		if shown := events.last(t, "MESSAGE_UPDATE"); asObject(shown["thread"])["id"] != made.id() {
			t.Errorf("the message shows %v", shown)
		}
		thread := "/channels/" + made.id()
		w.Say(m.ID, w.person.ID, "in the thread")
		w.request("POST", thread+"/messages", map[string]any{"content": "yes"}).hasStatus(200, 0)
		now := w.request("GET", thread, nil).hasStatus(200, 0).object()
		if now["message_count"] != 2.0 || now["member_count"] != 2.0 {
			t.Errorf("the thread has %v messages of %v members", now["message_count"], now["member_count"])
		}
		w.Delete(w.Messages(m.ID)[0].ID)
		if now := w.request("GET", thread, nil).hasStatus(200, 0).object(); now["message_count"] != 1.0 || now["total_message_sent"] != 2.0 {
			t.Errorf("after one is gone it has %v messages of %v", now["message_count"], now["total_message_sent"])
		}
		if list := w.request("GET", thread+"/thread-members?with_member=true", nil).hasStatus(200, 0).list(); len(list) != 2 || asObject(list[0])["member"] == nil {
			t.Errorf("the members are %v", list)
		}
		active := w.request("GET", "/guilds/"+w.guild.ID.String()+"/threads/active", nil).hasStatus(200, 0).object()
		if len(asList(active["threads"])) != 1 || len(asList(active["members"])) != 1 {
			t.Errorf("active are %v", active)
		}
		time.Sleep(time.Hour + time.Minute)
		settle()
		if shown := events.last(t, "THREAD_UPDATE"); asObject(shown["thread_metadata"])["archived"] != true {
			t.Errorf("an hour later it is %v", shown)
		}
		archived := w.request("GET", channel+"/threads/archived/public", nil).hasStatus(200, 0).object()
		if len(asList(archived["threads"])) != 1 || archived["has_more"] != false {
			t.Errorf("archived are %v", archived)
		}
		w.request("PATCH", thread, map[string]any{"name": "closed"}).hasStatus(400, 50083)
		w.request("PUT", thread+"/thread-members/@me", nil).hasStatus(400, 50083)
		w.request("PATCH", thread, map[string]any{"archived": false, "name": "open"}).hasStatus(200, 0)
		w.request("DELETE", thread+"/thread-members/"+w.person.ID.String(), nil).hasStatus(204, 0)
		w.request("DELETE", thread, nil).hasStatus(200, 0)
		settle()
		if gone := events.last(t, "THREAD_DELETE"); gone["parent_id"] != w.channel.String() {
			t.Errorf("gone is %v", gone)
		}
		if got := events.names("THREAD_MEMBERS"); len(got) != 2 {
			t.Errorf("the members were told %d times", len(got))
		}
	})
}

// Given a thread without a message, a private one and a post of a forum, then each begins
// as Discord says and is seen by those it is for.
func TestThreadsWithoutAMessage(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		few := everyonePermissions
		weak := w.AddApp(AppConfig{Name: "weak", Permissions: &few, Guilds: []*Guild{w.guild}})
		channel := "/channels/" + w.channel.String()
		w.request("POST", channel+"/threads", map[string]any{"name": "open", "type": 11}).hasStatus(201, 0)
		if said := w.Messages(w.channel); len(said) != 1 || said[0].Type != typeThreadCreated || said[0].Content != "open" {
			t.Errorf("the channel says %v", said)
		}
		secret := w.request("POST", channel+"/threads", map[string]any{"name": "secret"}).hasStatus(201, 0)
		look := apiRequest{method: "GET", path: "/api/v10/channels/" + secret.id(), token: "Bot " + weak.Token}
		w.send(look).hasStatus(403, 50001)
		w.request("PUT", "/channels/"+secret.id()+"/thread-members/"+weak.Bot.ID.String(), nil).hasStatus(204, 0)
		w.send(look).hasStatus(200, 0)

		forum := w.request("POST", "/guilds/"+w.guild.ID.String()+"/channels", map[string]any{
			"name": "help", "type": 15, "flags": requireTag, "available_tags": []any{map[string]any{"name": "bug"}},
		}).hasStatus(201, 0)
		path := "/channels/" + forum.id()
		w.request("POST", path+"/messages", map[string]any{"content": "x"}).hasStatus(400, 50008)
		w.request("POST", path+"/threads", map[string]any{"name": "it breaks"}).hasFormError("message", "BASE_TYPE_REQUIRED")
		post := map[string]any{"name": "it breaks", "message": map[string]any{"content": "see above"}}
		w.request("POST", path+"/threads", post).hasStatus(400, 40067)
		post["applied_tags"] = []any{asObject(asList(forum.object()["available_tags"])[0])["id"]}
		made := w.request("POST", path+"/threads", post).hasStatus(201, 0).object()
		if asObject(made["message"])["id"] != made["id"] || !slices.Equal(asList(made["applied_tags"]), asList(marshalled(post["applied_tags"]))) {
			t.Errorf("the post is %v", made)
		}
	})
}
