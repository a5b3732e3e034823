package discordsim

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// asked is the interaction of an id, with its token.
func (w *restHarness) asked(id ID) *interaction {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.rest.interactions[id]
	if a == nil {
		w.t.Fatalf("there is no interaction %d", id)
	}
	return a
}

// callback sends the first answer of an interaction, without a token of the bot.
func (w *restHarness) callback(id ID, body any) apiResponse {
	w.t.Helper()
	return w.send(apiRequest{method: "POST", path: "/api/v10/interactions/" + id.String() + "/" + w.asked(id).token + "/callback", body: body})
}

// followPath is the webhook of an interaction.
func (w *restHarness) followPath(id ID) string {
	w.t.Helper()
	return "/webhooks/" + w.app.ID.String() + "/" + w.asked(id).token
}

// TestInteractionAnswer answers a slash command at once: 204, or 200 with the
// message when asked for it; a second answer is refused.
//
// Statements: S-094.
func TestInteractionAnswer(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		ask := w.Interact(w.app, w.channel, w.person.ID, "ping")
		if got := w.callback(ask, `{"type":4,"data":{"content":"pong"}}`).hasStatus(204, 0); got.text != "" {
			t.Errorf("the 204 has a body: %q", got.text)
		}
		w.callback(ask, `{"type":4,"data":{"content":"pong"}}`).hasStatus(400, 40060)
		if all := w.Answers(ask); len(all) != 1 || all[0].Content != "pong" {
			t.Errorf("the answers are %v", all)
		}

		second := w.Interact(w.app, w.channel, w.person.ID, "ping")
		path := "/api/v10/interactions/" + second.String() + "/" + w.asked(second).token + "/callback?with_response=true"
		got := w.send(apiRequest{method: "POST", path: path, body: `{"type":4,"data":{"content":"pong","flags":64}}`}).hasStatus(200, 0).object()
		about, resource := asObject(got["interaction"]), asObject(got["resource"])
		message := asObject(resource["message"])
		if about["id"] != second.String() || about["type"] != 2.0 || about["response_message_id"] != message["id"] || about["response_message_ephemeral"] != true ||
			resource["type"] != 4.0 || message["content"] != "pong" || message["type"] != 20.0 || asObject(message["interaction_metadata"])["id"] != second.String() {
			t.Errorf("the response is %v", got)
		}
	})
}

// TestInteractionTooLate answers after three seconds, with a wrong token and
// with callbacks that do not fit.
//
// Statements: S-094.
func TestInteractionTooLate(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		late := w.Interact(w.app, w.channel, w.person.ID, "ping")
		time.Sleep(3*time.Second + time.Millisecond)
		w.callback(late, `{"type":4,"data":{"content":"pong"}}`).hasStatus(404, 10062)
		if got := w.violations(); !slices.Equal(got, []string{"G-141"}) {
			t.Errorf("violations: %v", got)
		}
		ask := w.Interact(w.app, w.channel, w.person.ID, "ping")
		w.send(apiRequest{method: "POST", path: "/api/v10/interactions/" + ask.String() + "/wrong/callback", body: `{"type":4}`}).hasStatus(404, 10062)
		w.callback(ask, `{}`).hasFormError("type", "BASE_TYPE_REQUIRED")
		w.callback(ask, `{"type":1}`).hasFormError("type", "BASE_TYPE_CHOICES")
		w.callback(ask, `{"type":8,"data":{"choices":[]}}`).hasFormError("type", "BASE_TYPE_CHOICES")
		w.callback(ask, `{"type":4,"data":{}}`).hasStatus(400, 50006)
		time.Sleep(3 * time.Second)
		w.callback(ask, `{"type":9,"data":{"custom_id":"c","title":"t","components":[{"type":1,"components":[{"type":4,"custom_id":"i","label":"l","style":1}]}]}}`).hasStatus(204, 0)
	})
}

// TestDeferredInteraction thinks for a while: the answer does not stand until it
// is filled in, and lives as long as the token.
//
// Statements: S-094.
func TestDeferredInteraction(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		ask := w.Interact(w.app, w.channel, w.person.ID, "think")
		original := w.followPath(ask) + "/messages/@original"
		call := func(method, path string, body any) apiResponse {
			return w.send(apiRequest{method: method, path: "/api/v10" + path, body: body})
		}
		call("PATCH", original, `{"content":"early"}`).hasStatus(404, 10015)
		w.callback(ask, `{"type":5}`).hasStatus(204, 0)
		if all := w.Answers(ask); len(all) != 0 {
			t.Errorf("an answer stands while the bot thinks: %v", all)
		}
		time.Sleep(10 * time.Minute)
		got := call("PATCH", original, `{"content":"42"}`).hasStatus(200, 0)
		if flags := got.object()["flags"]; flags != 0.0 {
			t.Errorf("the flags are %v", flags)
		}
		if all := w.Answers(ask); len(all) != 1 || all[0].Content != "42" {
			t.Errorf("the answers are %v", all)
		}
		if got := call("GET", original, nil).hasStatus(200, 0); got.object()["content"] != "42" {
			t.Errorf("@original is %s", got.text)
		}
		more := call("POST", w.followPath(ask), `{"content":"and more"}`).hasStatus(200, 0)
		call("PATCH", w.followPath(ask)+"/messages/"+more.id(), `{"content":"and less"}`).hasStatus(200, 0)
		time.Sleep(2 * time.Second) // the bucket is empty
		call("DELETE", w.followPath(ask)+"/messages/"+more.id(), nil).hasStatus(204, 0)
		call("DELETE", original, nil).hasStatus(204, 0)
		call("GET", original, nil).hasStatus(404, 10008)
		time.Sleep(5*time.Minute + time.Second)
		call("POST", w.followPath(ask), `{"content":"too late"}`).hasStatus(401, 50027)
		call("GET", original, nil).hasStatus(401, 50027)
	})
}

// TestFollowUpAfterDefer fills in the deferred answer with a follow-up, as
// Discord still lets bots do; ephemeral answers are nobody else's to read.
//
// Statements: S-094.
func TestFollowUpAfterDefer(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		ask := w.Interact(w.app, w.channel, w.person.ID, "think")
		w.callback(ask, `{"type":5,"data":{"flags":64}}`).hasStatus(204, 0)
		first := w.send(apiRequest{method: "POST", path: "/api/v10" + w.followPath(ask), body: `{"content":"secret"}`}).hasStatus(200, 0)
		if all := w.Answers(ask); len(all) != 1 || all[0].ID.String() != first.id() || all[0].Flags&flagEphemeral == 0 {
			t.Errorf("the answers are %v", all)
		}
		w.request("GET", w.messagesPath()+"/"+first.id(), nil).hasStatus(404, 10008)
		if list := w.request("GET", w.messagesPath(), nil).hasStatus(200, 0).list(); len(list) != 0 {
			t.Errorf("the channel shows %v", list)
		}
		w.send(apiRequest{method: "POST", path: "/api/v10" + w.followPath(ask), body: `{"content":"x","username":"me"}`}).hasFormError("username", "BASE_TYPE_FORBIDDEN")
	})
}

// TestInteractionEvents answers and edits over REST and hears of both on the
// gateway.
//
// Statements: S-069.
func TestInteractionEvents(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<9)
		ask := w.Interact(w.app, w.channel, w.person.ID, "think")
		synctest.Wait()
		heard := events.named("INTERACTION_CREATE")
		if len(heard) != 1 || heard[0].data["id"] != ask.String() || heard[0].data["token"] != w.asked(ask).token {
			t.Fatalf("the interaction arrived as %v", heard)
		}
		w.callback(ask, `{"type":5}`).hasStatus(204, 0)
		w.send(apiRequest{method: "PATCH", path: "/api/v10" + w.followPath(ask) + "/messages/@original", body: `{"content":"42"}`}).hasStatus(200, 0)
		time.Sleep(time.Second)
		if got := events.names("MESSAGE_"); !slices.Equal(got, []string{"MESSAGE_CREATE", "MESSAGE_UPDATE"}) {
			t.Errorf("heard %v", got)
		}
		if update := events.named("MESSAGE_UPDATE"); len(update) == 1 && update[0].data["content"] != "42" {
			t.Errorf("the update is %v", update[0].data)
		}
	})
}
