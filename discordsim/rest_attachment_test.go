package discordsim

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

// multipartOf is a body with payload_json and files, and its content type.
func multipartOf(payload any, files ...string) (body, contentType string) {
	var raw bytes.Buffer
	form := multipart.NewWriter(&raw)
	_ = form.WriteField("payload_json", string(marshal(payload)))
	for i := 0; i < len(files); i += 2 {
		part, _ := form.CreateFormFile("files["+decimal(uint64(i/2))+"]", files[i])
		_, _ = part.Write([]byte(files[i+1]))
	}
	_ = form.Close()
	return raw.String(), form.FormDataContentType()
}

// Given files that are uploaded with a message, then the simulator itself serves them at
// the addresses it gave, and an edit keeps those that it names.
func TestAttachmentsCanBeFetched(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		payload := map[string]any{"content": "see", "attachments": []any{map[string]any{"id": "1", "description": "a picture"}}}
		body, kind := multipartOf(payload, "my notes.txt", "hello", "dot.gif", "GIF89a\x02\x00\x03\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
		upload := func(method, path string) apiResponse {
			return w.send(apiRequest{method: method, path: "/api/v10" + path, token: "Bot " + w.app.Token, body: body, header: map[string]string{"Content-Type": kind}})
		}
		made := upload("POST", w.messagesPath()).hasStatus(200, 0).object()
		list := asList(made["attachments"])
		if len(list) != 2 {
			t.Fatalf("the attachments are %v", list)
		}
		notes, picture := asObject(list[0]), asObject(list[1])
		if notes["filename"] != "my_notes.txt" || notes["size"] != 5.0 || !strings.HasPrefix(notes["content_type"].(string), "text/plain") {
			t.Errorf("the notes are %v", notes)
		}
		if picture["description"] != "a picture" || picture["content_type"] != "image/gif" || picture["width"] != 2.0 || picture["height"] != 3.0 {
			t.Errorf("the picture is %v", picture)
		}
		client := &http.Client{Transport: w.Transport()}
		defer client.CloseIdleConnections()
		fetch := func(url string) (int, string) {
			request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			text, _ := io.ReadAll(response.Body)
			return response.StatusCode, string(text)
		}
		if status, text := fetch(notes["url"].(string)); status != 200 || text != "hello" {
			t.Errorf("the notes say %d %q", status, text)
		}
		if status, _ := fetch("http://discord.sim/attachments/1/2/x"); status != 404 {
			t.Errorf("what was never uploaded is %d", status)
		}
		path := w.messagesPath() + "/" + made["id"].(string)
		kept := asList(w.request("PATCH", path, map[string]any{"attachments": []any{map[string]any{"id": picture["id"]}}}).hasStatus(200, 0).object()["attachments"])
		if len(kept) != 1 || asObject(kept[0])["url"] != picture["url"] {
			t.Errorf("kept are %v", kept)
		}
		body, kind = multipartOf(map[string]any{}, "more.txt", "more")
		if all := asList(upload("PATCH", path).hasStatus(200, 0).object()["attachments"]); len(all) != 2 {
			t.Errorf("after the upload there are %v", all)
		}
		w.request("PATCH", path, map[string]any{"attachments": []any{}, "content": "none"}).hasStatus(200, 0)
	})
}

// Given what bots send, then embeds, components, mentions and forwards come back as
// Discord shows them, over REST and in the event alike.
func TestMessagesComeBackAsDiscordShowsThem(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		role := w.AddRole(w.guild, "crew", 0)
		made := w.request("POST", w.messagesPath(), map[string]any{
			"content": "@everyone and <@&" + role.ID.String() + ">", "tts": true,
			"embeds": []any{map[string]any{"title": "t", "provider": map[string]any{"name": "p"}, "image": map[string]any{"url": "https://x.example/i.png"},
				"fields": []any{map[string]any{"name": "a", "value": "b"}}, "footer": map[string]any{"text": "f", "icon_url": "https://x.example/j.png"}}},
			"components": []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "style": 1, "label": "go", "custom_id": "go"}}}},
		}).hasStatus(200, 0)
		settle()
		same(t, made.object(), events.last(t, "MESSAGE_CREATE"), "member", "guild_id")
		got := made.object()
		embed := asObject(asList(got["embeds"])[0])
		row := asObject(asList(got["components"])[0])
		switch {
		case embed["type"] != "rich" || embed["provider"] != nil || asObject(embed["image"])["proxy_url"] == nil || asObject(asList(embed["fields"])[0])["inline"] != false:
			t.Errorf("the embed is %v", embed)
		case row["id"] != 1.0 || asObject(asList(row["components"])[0])["id"] != 2.0:
			t.Errorf("the components are %v", row)
		case got["mention_everyone"] != true || len(asList(got["mention_roles"])) != 1 || got["tts"] != true:
			t.Errorf("the mentions are %v and %v", got["mention_everyone"], got["mention_roles"])
		}
		quiet := w.request("POST", w.messagesPath(), map[string]any{"content": "@everyone", "allowed_mentions": map[string]any{"parse": []string{}}}).hasStatus(200, 0).object()
		if quiet["mention_everyone"] != false {
			t.Error("everyone is pinged against the client's will")
		}
		forward := w.request("POST", w.messagesPath(), map[string]any{"message_reference": map[string]any{"type": 1, "message_id": made.id(), "channel_id": w.channel}}).hasStatus(200, 0).object()
		if forward["flags"] != float64(flagHasSnapshot) || asObject(forward["message_reference"])["guild_id"] != w.guild.ID.String() {
			t.Errorf("the forward is %v", forward)
		}
		ask := w.Interact(w.app, w.channel, w.person.ID, "ping")
		w.callback(ask, `{"type":4,"data":{"content":"pong"}}`).hasStatus(204, 0)
		settle()
		answer := events.last(t, "MESSAGE_CREATE")
		if asObject(answer["interaction_metadata"])["id"] != ask.String() || asObject(answer["interaction"])["name"] != "ping" {
			t.Errorf("the response says %v and %v", answer["interaction_metadata"], answer["interaction"])
		}
		few := permissionView | permissionSend
		plain := w.AddApp(AppConfig{Name: "plain", Permissions: &few, Guilds: []*Guild{w.guild}})
		w.request("PUT", "/channels/"+w.channel.String()+"/permissions/"+w.guild.ID.String(), map[string]any{"type": 0, "deny": decimal(permissionEmbed | permissionHistory)}).hasStatus(204, 0)
		as := func(method, path string, body any) apiResponse {
			return w.send(apiRequest{method: method, path: "/api/v10" + path, token: "Bot " + plain.Token, body: body})
		}
		as("POST", w.messagesPath(), map[string]any{"embeds": []any{embedOf(3)}}).hasStatus(403, 50013)
		if list := as("GET", w.messagesPath(), nil).hasStatus(200, 0).list(); len(list) != 0 {
			t.Errorf("without the right to history it is %v", list)
		}
	})
}
