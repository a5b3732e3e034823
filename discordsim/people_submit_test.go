package discordsim

import (
	"fmt"
	"testing"
)

// Given a modal with fields of every kind, when a person fills it in, then the bot gets the
// values where it put the fields.
func TestSubmitAModal(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		w.register(chat("form"))
		id := w.must(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "form"}))
		label := func(inner map[string]any) any {
			return map[string]any{"type": 18, "label": "field", "component": inner}
		}
		w.callback(id, map[string]any{"type": 9, "data": map[string]any{"custom_id": "m", "title": "Form", "components": []any{
			row(map[string]any{"type": 4, "custom_id": "name", "label": "Name", "style": 1, "min_length": 2}),
			label(map[string]any{"type": 4, "custom_id": "about", "style": 2, "required": false, "value": "nothing"}),
			label(map[string]any{"type": 3, "custom_id": "size", "options": []any{map[string]any{"label": "Small", "value": "s"}, map[string]any{"label": "Large", "value": "l"}}}),
			label(map[string]any{"type": 5, "custom_id": "who"}),
			map[string]any{"type": 10, "content": "thank you"},
		}}}).hasStatus(204, 0)
		if r := w.state(id, StateAnswered); r.Type != 9 || r.Modal == nil {
			t.Errorf("the response is %+v", r)
		}
		w.refused("must be filled in")(w.Submit(id, w.person.ID, map[string]any{"size": "s", "who": "ann"}))
		w.refused("at least 2 are needed")(w.Submit(id, w.person.ID, map[string]any{"name": "a", "size": "s", "who": "ann"}))
		w.refused("no field \"nome\"")(w.Submit(id, w.person.ID, map[string]any{"nome": "a"}))
		w.refused("for ann only")(w.Submit(id, w.AddUser("bob").ID, nil))
		sent := w.must(w.Submit(id, w.person.ID, map[string]any{"name": "Ann", "size": "Small", "who": []any{w.person.ID}}))
		d := w.heard()
		data := asObject(d["data"])
		want := "[map[components:[map[custom_id:name id:2 type:4 value:Ann]] id:1 type:1] map[component:map[custom_id:about id:4 type:4 value:nothing] id:3 type:18] " +
			"map[component:map[custom_id:size id:6 type:3 values:[s]] id:5 type:18] map[component:map[custom_id:who id:8 type:5 values:[" + w.person.ID.String() + "]] id:7 type:18] map[id:9 type:10]]"
		if got := fmt.Sprint(data["components"]); d["type"] != 5.0 || data["custom_id"] != "m" || got != want {
			t.Errorf("the components are %s\nwant %s", got, want)
		}
		w.refused("sent already")(w.Submit(id, w.person.ID, map[string]any{"name": "Ann"}))
		w.callback(sent, `{"type":4,"data":{"content":"thanks"}}`).hasStatus(204, 0)
		w.state(sent, StateAnswered)
		if v := w.Verdict(w.app); v.Asked != 2 || v.Answered != 2 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}
