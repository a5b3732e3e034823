package discordsim

import (
	"fmt"
	"testing"
	"time"
)

// Given a message with a button, when a person presses it, then the bot gets the message and
// the custom_id, and can update the message.
func TestPressAButton(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		m := w.post(row(button("yes"), button("no", "disabled", true), map[string]any{"type": 2, "style": 5, "label": "site", "url": "https://example.org"}))
		id := w.must(w.Press(m, w.person.ID, "yes"))
		d := w.heard()
		if data := asObject(d["data"]); d["type"] != 3.0 || data["custom_id"] != "yes" || data["component_type"] != 2.0 || asObject(d["message"])["id"] != m.String() {
			t.Errorf("the interaction is %v", d)
		}
		w.callback(id, `{"type":7,"data":{"components":[]}}`).hasStatus(204, 0)
		if r := w.state(id, StateAnswered); r.Type != 7 || r.Message != m {
			t.Errorf("the response is %+v", r)
		}
		if got := w.request("GET", w.messagesPath()+"/"+m.String(), nil).hasStatus(200, 0).object(); got["content"] != "choose" || len(asList(got["components"])) != 0 {
			t.Errorf("the message is %v", got)
		}
		m = w.post(row(button("yes"), button("no", "disabled", true), map[string]any{"type": 2, "style": 5, "label": "site", "url": "https://example.org"}))
		w.refused("\"no\" is disabled")(w.Press(m, w.person.ID, "no"))
		w.refused("opens https://example.org")(w.Press(m, w.person.ID, "site"))
		w.refused("no component \"maybe\"; it has: \"yes\", \"no\"")(w.Press(m, w.person.ID, "maybe"))
		w.refused("takes no values")(w.Press(m, w.person.ID, "yes", "x"))
		w.refused("no member of the guild")(w.Press(m, w.AddUser("stranger").ID, "yes"))
	})
}

// Given selects of all five types, when a person chooses, then the bot gets the values and the
// objects that belong to them.
func TestPressSelects(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		role := w.request("POST", "/guilds/"+w.guild.ID.String()+"/roles", map[string]any{"name": "crew"}).hasStatus(200, 0).id()
		pick := func(kind int, id string, more ...any) any {
			return row(with(map[string]any{"type": kind, "custom_id": id}, more...))
		}
		m := w.post(
			pick(3, "string", "max_values", 2, "options", []any{map[string]any{"label": "A", "value": "a"}, map[string]any{"label": "B", "value": "b"}, map[string]any{"label": "C", "value": "c"}}),
			pick(5, "user"), pick(6, "role"), pick(7, "mentionable", "max_values", 2), pick(8, "channel"),
		)
		for _, c := range []struct {
			id       string
			kind     float64
			values   []string
			want     []string
			resolved string
		}{
			{"string", 3, []string{"b", "A"}, []string{"b", "a"}, ""},
			{"user", 5, []string{"ann"}, []string{w.person.ID.String()}, "members"},
			{"role", 6, []string{"crew"}, []string{role}, "roles"},
			{"mentionable", 7, []string{role, "<@" + w.person.ID.String() + ">"}, []string{role, w.person.ID.String()}, "users"},
			{"channel", 8, []string{"#general"}, []string{w.channel.String()}, "channels"},
		} {
			id := w.must(w.Press(m, w.person.ID, c.id, c.values...))
			data := asObject(w.heard()["data"])
			if data["component_type"] != c.kind || fmt.Sprint(data["values"]) != fmt.Sprint(c.want) || c.resolved != "" && asObject(data["resolved"])[c.resolved] == nil {
				t.Errorf("%s: the data is %v", c.id, data)
			}
			w.callback(id, `{"type":6}`).hasStatus(204, 0)
			w.state(id, StateAnswered)
		}
		w.refused("at least 1 values")(w.Press(m, w.person.ID, "string"))
		w.refused("at most 2 values")(w.Press(m, w.person.ID, "string", "a", "b", "c"))
		w.refused("none of the options")(w.Press(m, w.person.ID, "string", "d"))
		w.refused("chosen twice")(w.Press(m, w.person.ID, "string", "a", "A"))
	})
}

// Given an ephemeral answer with a button, when somebody else presses it, then that is not
// possible; the person it is for can.
func TestPressEphemeral(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		bob := w.AddUser("bob")
		w.AddMembers(w.guild, bob)
		w.register(chat("menu"))
		id := w.must(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "menu"}))
		w.callback(id, map[string]any{"type": 4, "data": map[string]any{"content": "x", "flags": 64, "components": []any{row(button("yes"))}}}).hasStatus(204, 0)
		answer := w.state(id, StateAnswered).Message
		w.refused("ephemeral, for ann only")(w.Press(answer, bob.ID, "yes"))
		pressed := w.must(w.Press(answer, w.person.ID, "yes"))
		time.Sleep(4 * time.Second)
		w.state(pressed, StateFailed)
	})
}
