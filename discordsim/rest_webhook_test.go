package discordsim

import (
	"slices"
	"testing"
	"time"
)

// TestWebhook posts through a webhook with nothing but its token: 204 by
// default, the message with wait, and edits of what it said.
//
// Statements: S-096.
func TestWebhook(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<9|intentContent)
		hook := w.AddWebhook(w.channel, "alarm")
		path := "/webhooks/" + hook.ID.String() + "/" + hook.Token
		call := func(method, path string, body any) apiResponse {
			return w.send(apiRequest{method: method, path: "/api/v10" + path, body: body})
		}
		if got := call("GET", path, nil).hasStatus(200, 0).object(); got["name"] != "alarm" || got["channel_id"] != w.channel.String() {
			t.Errorf("the webhook is %v", got)
		}
		if got := call("POST", path, `{"content":"silent"}`).hasStatus(204, 0); got.text != "" {
			t.Errorf("without wait it answers %q", got.text)
		}
		call("POST", path+"?wait=false", `{"content":"silent too"}`).hasStatus(204, 0)
		got := call("POST", path+"?wait=true", `{"content":"hello","username":"Watch"}`).hasStatus(200, 0)
		if m := got.object(); m["webhook_id"] != hook.ID.String() || asObject(m["author"])["username"] != "Watch" || asObject(m["author"])["id"] != hook.ID.String() {
			t.Errorf("the message is %s", got.text)
		}
		call("POST", path+"?wait=perhaps", `{"content":"x"}`).hasFormError("wait", "BOOLEAN_TYPE_CONVERT")
		time.Sleep(2 * time.Second)
		call("POST", path, `{}`).hasStatus(400, 50006)
		message := path + "/messages/" + got.id()
		call("PATCH", message, `{"content":"bye"}`).hasStatus(200, 0)
		if got := call("GET", message, nil).hasStatus(200, 0); got.object()["content"] != "bye" {
			t.Errorf("after the edit it is %s", got.text)
		}
		call("DELETE", message, nil).hasStatus(204, 0)
		time.Sleep(2 * time.Second)
		call("GET", message, nil).hasStatus(404, 10008)
		if got, want := events.names("MESSAGE_"), []string{"MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"}; !slices.Equal(got, want) {
			t.Errorf("heard %v", got)
		}
	})
}

// TestUnknownWebhook calls a webhook that is gone, one that never was and one
// with a wrong token. Calling a deleted one again is a violation.
//
// Statements: S-096.
func TestUnknownWebhook(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		hook := w.AddWebhook(w.channel, "alarm")
		call := func(id ID, token, text string) apiResponse {
			return w.send(apiRequest{method: "POST", path: "/api/v10/webhooks/" + id.String() + "/" + token, body: map[string]any{"content": text}})
		}
		call(hook.ID, "wrong", "x").hasStatus(401, 50027)
		call(999999, "x", "x").hasStatus(404, 10015)
		w.RemoveWebhook(hook.ID)
		call(hook.ID, hook.Token, "one").hasStatus(404, 10015)
		if got := w.violations(); got != nil {
			t.Errorf("violations: %v", got)
		}
		time.Sleep(time.Hour)
		call(hook.ID, hook.Token, "two").hasStatus(404, 10015)
		if got := w.violations(); !slices.Equal(got, []string{"G-140"}) {
			t.Errorf("violations: %v", got)
		}
	})
}
