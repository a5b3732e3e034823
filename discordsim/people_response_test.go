package discordsim

import (
	"testing"
	"time"
)

// Given each way to answer a use of a command, when time passes, then the person sees it wait,
// think, answered or failed, and the verdict counts it so.
//
// Statements: S-094, S-100.
func TestResponse(t *testing.T) {
	type counts struct{ answered, lost, waiting int }
	modal := `{"type":9,"data":{"custom_id":"m","title":"t","components":[{"type":18,"label":"l","component":{"type":4,"custom_id":"i","style":1}}]}}`
	for _, one := range []struct {
		what     string
		callback string
		follow   string // a request to the interaction's webhook afterwards: method and path
		state    string
		want     counts
	}{
		{"nothing", "", "", StateFailed, counts{lost: 1}},
		{"a message", `{"type":4,"data":{"content":"x"}}`, "", StateAnswered, counts{answered: 1}},
		{"an ephemeral message", `{"type":4,"data":{"content":"x","flags":64}}`, "", StateAnswered, counts{answered: 1}},
		{"a message and a follow-up", `{"type":4,"data":{"content":"x"}}`, "POST", StateAnswered, counts{answered: 1}},
		{"a deferral", `{"type":5}`, "", StateThinking, counts{lost: 1}},
		{"a deferral that is filled in", `{"type":5}`, "PATCH /messages/@original", StateAnswered, counts{answered: 1}},
		{"a deferral and a follow-up", `{"type":5}`, "POST", StateAnswered, counts{answered: 1}},
		{"a modal", modal, "", StateAnswered, counts{answered: 1}},
	} {
		withPeople(t, func(t *testing.T, w *peopleHarness) {
			w.register(chat("ping"))
			id := w.must(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "ping"}))
			w.state(id, StateWaiting)
			if one.callback != "" {
				time.Sleep(2 * time.Second)
				w.callback(id, one.callback).hasStatus(204, 0)
				w.callback(id, one.callback).hasStatus(400, 40060)
			}
			time.Sleep(9 * time.Second)
			switch one.follow {
			case "POST":
				w.send(apiRequest{method: "POST", path: "/api/v10" + w.followPath(id), body: `{"content":"more"}`}).hasStatus(200, 0)
			case "PATCH /messages/@original":
				w.send(apiRequest{method: "PATCH", path: "/api/v10" + w.followPath(id) + "/messages/@original", body: `{"content":"more"}`}).hasStatus(200, 0)
			}
			time.Sleep(2 * time.Second)
			w.state(id, one.state)
			v := w.Verdict(w.app)
			if got := (counts{v.Answered, v.Lost, v.Waiting}); got != one.want || v.Twice+v.Unheard != 0 {
				t.Errorf("%s: the verdict is %+v", one.what, v)
			}
			if one.follow != "" && one.callback == `{"type":5}` && v.Slowest != 11*time.Second {
				t.Errorf("%s: the slowest answer took %s", one.what, v.Slowest)
			}
		})
	}
}

// Given a component, when the bot updates its message, answers with another or defers both, then
// the message and the response are what Discord makes of them.
//
// Statements: S-094.
func TestResponseToAComponent(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		m := w.post(row(button("go")))
		press := func() ID { return w.must(w.Press(m, w.person.ID, "go")) }
		original := func(id ID) string { return "/api/v10" + w.followPath(id) + "/messages/@original" }
		get := func(id ID) map[string]any {
			return w.send(apiRequest{method: "GET", path: original(id)}).hasStatus(200, 0).object()
		}

		later := press()
		w.callback(later, `{"type":6}`).hasStatus(204, 0)
		w.send(apiRequest{method: "PATCH", path: original(later), body: `{"content":"changed later"}`}).hasStatus(200, 0)
		if got := get(later); got["content"] != "changed later" || got["id"] != m.String() || len(asList(got["components"])) != 1 {
			t.Errorf("the message is %v", got)
		}
		more := w.send(apiRequest{method: "POST", path: "/api/v10" + w.followPath(later), body: `{"content":"only you","flags":64}`}).hasStatus(200, 0).object()
		if r := w.state(later, StateAnswered); r.Message != m || len(r.FollowUps) != 1 || r.FollowUps[0].String() != more["id"] || more["flags"] != 64.0 {
			t.Errorf("the response is %+v, the follow-up %v", r, more)
		}

		now := press()
		w.callback(now, `{"type":7,"data":{"content":"changed now"}}`).hasStatus(204, 0)
		if got := get(now); got["content"] != "changed now" || len(asList(got["components"])) != 1 {
			t.Errorf("the message is %v", got)
		}

		other := press()
		w.callback(other, `{"type":4,"data":{"content":"another","flags":64}}`).hasStatus(204, 0)
		got := get(other)
		if got["type"] != 19.0 || asObject(got["message_reference"])["message_id"] != m.String() || asObject(got["interaction_metadata"])["interacted_message_id"] != m.String() {
			t.Errorf("the response is %v", got)
		}
		w.send(apiRequest{method: "DELETE", path: original(other)}).hasStatus(204, 0)

		thinking := press()
		w.callback(thinking, `{"type":5,"data":{"flags":64}}`).hasStatus(204, 0)
		w.state(thinking, StateThinking)
		time.Sleep(15*time.Minute + time.Second)
		w.state(thinking, StateFailed)
		w.send(apiRequest{method: "PATCH", path: original(thinking), body: `{"content":"x"}`}).hasStatus(401, 50027)
		press() // which forgets the interactions whose tokens are not valid any more
		if _, known := w.Response(thinking); known {
			t.Error("an interaction is known whose token is not valid any more")
		}
	})
}

// Given a modal that a command opened, when the bot answers its submission, then an update fits
// only where there is a message to update; the metadata leads back to the command.
//
// Statements: S-094.
func TestResponseToAModal(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		w.register(chat("form"))
		modal := map[string]any{"type": 9, "data": map[string]any{"custom_id": "m", "title": "t", "components": []any{row(map[string]any{"type": 4, "custom_id": "i", "label": "l", "style": 1})}}}
		id := w.must(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "form"}))
		w.callback(id, modal).hasStatus(204, 0)
		failed := w.must(w.Submit(id, w.person.ID, map[string]any{"i": "x"}))
		time.Sleep(4 * time.Second)
		w.state(failed, StateFailed)
		sent := w.must(w.Submit(id, w.person.ID, map[string]any{"i": "again"})) // the modal is still open
		w.callback(sent, `{"type":7,"data":{"content":"x"}}`).hasFormError("type", "BASE_TYPE_CHOICES")
		w.callback(sent, modal).hasFormError("type", "BASE_TYPE_CHOICES")
		w.callback(sent, `{"type":4,"data":{"content":"x"}}`).hasStatus(204, 0)
		got := w.send(apiRequest{method: "GET", path: "/api/v10" + w.followPath(sent) + "/messages/@original"}).hasStatus(200, 0).object()
		if about := asObject(asObject(got["interaction_metadata"])["triggering_interaction_metadata"]); about["id"] != id.String() || about["type"] != 2.0 {
			t.Errorf("the metadata is %v", got["interaction_metadata"])
		}

		m := w.post(row(button("edit")))
		pressed := w.must(w.Press(m, w.person.ID, "edit"))
		w.callback(pressed, modal).hasStatus(204, 0)
		sent = w.must(w.Submit(pressed, w.person.ID, map[string]any{"i": "new"}))
		if d := w.heard(); asObject(d["message"])["id"] != m.String() {
			t.Errorf("the interaction is %v", d)
		}
		w.callback(sent, `{"type":7,"data":{"content":"new"}}`).hasStatus(204, 0)
		if r := w.state(sent, StateAnswered); r.Message != m {
			t.Errorf("the response is %+v", r)
		}
	})
}
