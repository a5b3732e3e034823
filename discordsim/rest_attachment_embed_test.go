package discordsim

import (
	"strings"
	"testing"
)

// Given a file that an embed or a component of its message shows, then its address stands
// there, and it is no longer listed as an attachment.
func TestEmbedsShowFiles(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		send := func(method, path string, payload any, files ...string) map[string]any {
			t.Helper()
			body, kind := multipartOf(payload, files...)
			return w.send(apiRequest{method: method, path: "/api/v10" + path, token: "Bot " + w.app.Token, body: body, header: map[string]string{"Content-Type": kind}}).hasStatus(200, 0).object()
		}
		embed := map[string]any{"title": "t", "image": map[string]any{"url": "attachment://a.png"}, "author": map[string]any{"name": "n", "icon_url": "attachment://b.png"}}
		made := send("POST", w.messagesPath(), map[string]any{"embeds": []any{embed}}, "a.png", "1", "b.png", "2", "c.txt", "3")
		shown := asObject(asList(made["embeds"])[0])
		for _, address := range []any{asObject(shown["image"])["url"], asObject(shown["image"])["proxy_url"], asObject(shown["author"])["icon_url"], asObject(shown["author"])["proxy_icon_url"]} {
			if text, _ := address.(string); !strings.HasPrefix(text, "http") {
				t.Errorf("an address is %v", address)
			}
		}
		if list := asList(made["attachments"]); len(list) != 1 || asObject(list[0])["filename"] != "c.txt" {
			t.Errorf("the attachments are %v", list)
		}
		path := w.messagesPath() + "/" + made["id"].(string)
		if plain := w.request("PATCH", path, map[string]any{"embeds": []any{}}).hasStatus(200, 0).object(); len(asList(plain["attachments"])) != 3 {
			t.Errorf("without the embed the attachments are %v", plain["attachments"])
		}
		gallery := map[string]any{"type": 12, "items": []any{map[string]any{"media": map[string]any{"url": "attachment://d.png"}}}}
		made = send("POST", w.messagesPath(), map[string]any{"flags": 1 << 15, "components": []any{gallery}}, "d.png", "4")
		media := asObject(asObject(asList(asObject(asList(made["components"])[0])["items"])[0])["media"])
		if text, _ := media["url"].(string); !strings.HasPrefix(text, "http") || len(asList(made["attachments"])) != 0 {
			t.Errorf("the message is %v", made)
		}
	})
}

// Given a thread that was started from a message, then it begins with a message that points
// back at it.
func TestThreadBeginsWithItsMessage(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		said := w.Say(w.channel, w.person.ID, "topic")
		thread := w.request("POST", w.messagesPath()+"/"+said.ID.String()+"/threads", map[string]any{"name": "talk"}).hasStatus(201, 0).id()
		first := asObject(w.request("GET", "/channels/"+thread+"/messages", nil).hasStatus(200, 0).list()[0])
		if first["type"] != 21.0 || asObject(first["referenced_message"])["content"] != "topic" || asObject(first["message_reference"])["channel_id"] != w.channel.String() {
			t.Errorf("the first message is %v", first)
		}
		w.request("POST", "/channels/"+thread+"/thread-members/@me", nil).hasStatus(204, 0)
		settle()
		if got := events.names("MESSAGE_"); len(got) != 3 || got[2] != "MESSAGE_CREATE" {
			t.Errorf("told were %v", got)
		}
	})
}
