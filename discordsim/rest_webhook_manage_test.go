package discordsim

import (
	"slices"
	"testing"
	"time"
)

// Given a bot that manages webhooks, when it makes, moves and deletes them, then each is
// told, and what has only the token can do less.
func TestWebhooksAreManaged(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		other := w.AddChannel(w.guild, "other", channelText)
		path := "/channels/" + w.channel.String() + "/webhooks"
		made := w.request("POST", path, map[string]any{"name": "herald"}).hasStatus(200, 0).object()
		own := "/webhooks/" + made["id"].(string)
		withToken := own + "/" + made["token"].(string)
		anonymous := func(method, path string, body any) apiResponse {
			return w.send(apiRequest{method: method, path: "/api/v10" + path, body: body})
		}
		if moved := w.request("PATCH", own, map[string]any{"name": "crier", "channel_id": other.ID}).hasStatus(200, 0).object(); moved["channel_id"] != other.ID.String() {
			t.Errorf("the webhook is %v", moved)
		}
		if seen := anonymous("GET", withToken, nil).hasStatus(200, 0).object(); seen["name"] != "crier" || seen["user"] != nil {
			t.Errorf("the webhook is %v", seen)
		}
		if list := w.request("GET", "/guilds/"+w.guild.ID.String()+"/webhooks", nil).hasStatus(200, 0).list(); len(list) != 1 {
			t.Errorf("the guild has %v", list)
		}
		if list := w.request("GET", path, nil).hasStatus(200, 0).list(); len(list) != 0 {
			t.Errorf("the old channel has %v", list)
		}
		w.request("POST", path, map[string]any{"name": "Discord news"}).hasFormError("name", "USERNAME_INVALID_CONTAINS")
		anonymous("DELETE", withToken, nil).hasStatus(204, 0)
		w.request("GET", own, nil).hasStatus(404, 10015)
		for range 15 {
			w.request("POST", path, map[string]any{"name": "one of many"}).hasStatus(200, 0)
		}
		w.request("POST", path, map[string]any{"name": "too many"}).hasStatus(400, 30007)
		settle()
		if n := len(events.named("WEBHOOKS_UPDATE")); n != 18 {
			t.Errorf("%d changes were told", n)
		}
	})
}

// Given webhooks of a text channel and of a forum, then they write in threads and posts as
// Discord lets them.
func TestWebhooksWriteInThreads(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		forum := w.AddChannel(w.guild, "help", channelForum)
		text, board := w.AddWebhook(w.channel, "text"), w.AddWebhook(forum.ID, "board")
		thread := w.CreateThread(w.channel, w.person.ID, "talk", 0)
		path := func(hook Webhook, query string) string {
			return "/webhooks/" + hook.ID.String() + "/" + hook.Token + "?wait=true" + query
		}
		hello := map[string]any{"content": "hello"}
		if got := w.request("POST", path(text, "&thread_id="+thread.ID.String()), hello).hasStatus(200, 0).object(); got["channel_id"] != thread.ID.String() {
			t.Errorf("it was said in %v", got["channel_id"])
		}
		w.request("POST", path(text, "&thread_id=5"), hello).hasStatus(404, 10003)
		w.request("POST", path(board, ""), hello).hasStatus(400, 220001)
		named := map[string]any{"content": "hello", "thread_name": "post"}
		w.request("POST", path(text, ""), named).hasStatus(400, 220003)
		w.request("POST", path(board, "&thread_id="+thread.ID.String()), named).hasStatus(400, 220002)
		if got := w.request("POST", path(board, ""), named).hasStatus(200, 0).object(); got["id"] != got["channel_id"] {
			t.Errorf("the post begins with %v in %v", got["id"], got["channel_id"])
		}
	})
}

// Given invites, when they are made, used, looked at and deleted, then they count and end
// as they say.
func TestInvites(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		path := "/channels/" + w.channel.String() + "/invites"
		made := w.request("POST", path, map[string]any{"max_age": 3600, "max_uses": 1}).hasStatus(200, 0).object()
		code := made["code"].(string)
		if again := w.request("POST", path, map[string]any{"max_age": 3600, "max_uses": 1}).hasStatus(200, 0).object(); again["code"] != code {
			t.Errorf("the same wishes gave %v", again["code"])
		}
		second := w.request("POST", path, map[string]any{"max_age": 60}).hasStatus(200, 0).object()["code"].(string)
		guest := w.AddUser("guest")
		if !w.UseInvite(code, guest.ID) || w.UseInvite(code, guest.ID) {
			t.Error("an invite for one could not be used exactly once")
		}
		w.request("GET", "/invites/"+code, nil).hasStatus(404, 10006)
		w.request("GET", "/invites/"+second+"?with_counts=true", nil).hasStatus(200, 0)
		if list := w.request("GET", "/guilds/"+w.guild.ID.String()+"/invites", nil).hasStatus(200, 0).list(); len(list) != 1 {
			t.Errorf("the good invites are %v", list)
		}
		time.Sleep(time.Minute)
		w.request("DELETE", "/invites/"+second, nil).hasStatus(404, 10006)
		third := w.request("POST", path, map[string]any{"unique": true, "max_age": 0}).hasStatus(200, 0).object()["code"].(string)
		w.request("DELETE", "/invites/"+third, nil).hasStatus(200, 0)
		w.request("POST", path, map[string]any{"max_age": 604801}).hasFormError("max_age", "NUMBER_TYPE_MAX")
		settle()
		if got := events.names("INVITE_"); !slices.Equal(got, []string{"INVITE_CREATE", "INVITE_CREATE", "INVITE_CREATE", "INVITE_DELETE"}) {
			t.Errorf("heard %v", got)
		}
	})
}

// Given emojis and stickers of a guild and emojis of an app, when they are made, changed
// and deleted, then the guild, its event and the lists show the same.
func TestEmojisAndStickers(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		guild := "/guilds/" + w.guild.ID.String()
		const image = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
		made := w.request("POST", guild+"/emojis", map[string]any{"name": "party", "image": image}).hasStatus(201, 0)
		if made.object()["animated"] != true {
			t.Errorf("the emoji is %s", made.text)
		}
		w.request("PATCH", guild+"/emojis/"+made.id(), map[string]any{"name": "feast"}).hasStatus(200, 0)
		settle()
		list := w.request("GET", guild+"/emojis", nil).hasStatus(200, 0).list()
		same(t, asObject(list[0]), asObject(asList(events.last(t, "GUILD_EMOJIS_UPDATE")["emojis"])[0]))
		same(t, asObject(list[0]), asObject(asList(w.request("GET", guild, nil).hasStatus(200, 0).object()["emojis"])[0]))
		w.request("POST", guild+"/emojis", map[string]any{"name": "x", "image": "nothing"}).hasFormError("image", "IMAGE_INVALID")
		w.request("DELETE", guild+"/emojis/"+made.id(), nil).hasStatus(204, 0)
		w.request("GET", guild+"/emojis/"+made.id(), nil).hasStatus(404, 10014)

		app := "/applications/" + w.app.ID.String() + "/emojis"
		mine := w.request("POST", app, map[string]any{"name": "mine", "image": image}).hasStatus(201, 0)
		if items := asList(w.request("GET", app, nil).hasStatus(200, 0).object()["items"]); len(items) != 1 {
			t.Errorf("the app has %v", items)
		}
		w.request("DELETE", app+"/"+mine.id(), nil).hasStatus(204, 0)

		body, kind := multipartOf(map[string]any{"name": "wave", "tags": "hand", "description": "hello"}, "wave.png", "\x89PNG\r\n\x1a\n")
		sticker := w.send(apiRequest{method: "POST", path: "/api/v10" + guild + "/stickers", token: "Bot " + w.app.Token, body: body, header: map[string]string{"Content-Type": kind}}).hasStatus(201, 0)
		w.request("PATCH", guild+"/stickers/"+sticker.id(), map[string]any{"name": "waves"}).hasStatus(200, 0)
		said := w.request("POST", w.messagesPath(), map[string]any{"sticker_ids": []string{sticker.id()}}).hasStatus(200, 0).object()
		if item := asObject(asList(said["sticker_items"])[0]); item["name"] != "waves" {
			t.Errorf("the message shows %v", item)
		}
		w.request("GET", "/stickers/"+sticker.id(), nil).hasStatus(200, 0)
		w.request("DELETE", guild+"/stickers/"+sticker.id(), nil).hasStatus(204, 0)
		w.request("GET", guild+"/stickers/"+sticker.id(), nil).hasStatus(404, 10060)
		settle()
		if n := len(events.named("GUILD_STICKERS_UPDATE")); n != 3 {
			t.Errorf("%d changes of the stickers were told", n)
		}
	})
}
