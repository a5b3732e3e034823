package discordsim

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// peopleHarness is a bot that listens, with registered commands, and people who use them.
type peopleHarness struct {
	*restHarness
	events *eventListener
}

// withPeople runs a test with a listening bot in virtual time.
func withPeople(t *testing.T, test func(*testing.T, *peopleHarness)) {
	t.Helper()
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		test(t, &peopleHarness{w, w.listen(w.app, intentGuilds|1<<9|1<<11|1<<12|1<<14)})
	})
}

// register registers global commands.
func (w *peopleHarness) register(commands ...any) {
	w.t.Helper()
	w.request("PUT", "/applications/"+w.app.ID.String()+"/commands", commands).hasStatus(200, 0)
}

// heard is the last interaction that the bot heard of.
func (w *peopleHarness) heard() map[string]any {
	w.t.Helper()
	synctest.Wait()
	all := w.events.named("INTERACTION_CREATE")
	if len(all) == 0 {
		w.t.Fatal("no interaction came")
	}
	return all[len(all)-1].data
}

// must is the id of an interaction that a person could make.
func (w *peopleHarness) must(id ID, err error) ID {
	w.t.Helper()
	if err != nil || id == 0 {
		w.t.Fatalf("a person could not: %v", err)
	}
	return id
}

// refused fails the test unless the person could not, for a reason with this text, and the bot
// heard nothing.
func (w *peopleHarness) refused(why string) func(ID, error) {
	w.t.Helper()
	synctest.Wait()
	before := len(w.events.named("INTERACTION_CREATE"))
	return func(id ID, err error) {
		w.t.Helper()
		synctest.Wait()
		if err == nil || id != 0 || !strings.Contains(err.Error(), why) {
			w.t.Errorf("the error is %v, want one with %q", err, why)
		}
		if len(w.events.named("INTERACTION_CREATE")) != before {
			w.t.Errorf("an interaction was sent although %v", err)
		}
	}
}

// post sends a message of the bot with components and gives its id.
func (w *peopleHarness) post(components ...any) ID {
	w.t.Helper()
	var id ID
	raw := w.request("POST", w.messagesPath(), map[string]any{"content": "choose", "components": components}).hasStatus(200, 0).id()
	if err := id.UnmarshalJSON([]byte(raw)); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// state fails the test unless an interaction has come so far.
func (w *peopleHarness) state(id ID, want string) Response {
	w.t.Helper()
	got, known := w.Response(id)
	if !known || got.State != want {
		w.t.Errorf("the interaction is %+v, %v, want %s", got, known, want)
	}
	return got
}

// row is an action row.
func row(parts ...any) map[string]any { return map[string]any{"type": 1, "components": parts} }

// button is a button with a custom_id.
func button(customID string, more ...any) map[string]any {
	return with(map[string]any{"type": 2, "style": 1, "label": "press", "custom_id": customID}, more...)
}

// with adds pairs of a name and a value to an object.
func with(object map[string]any, pairs ...any) map[string]any {
	for i := 0; i+1 < len(pairs); i += 2 {
		object[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return object
}
