package discordsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// choices are options of a select: the values as given, each its own label.
func choices(values ...string) (all []any) {
	for _, v := range values {
		all = append(all, map[string]any{"label": v, "value": v})
	}
	return all
}

// numbered are so many different values.
func numbered(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("v", i))
	}
	return all
}

// Given components at each limit and one past it, when a bot sends them, then Discord takes the
// first and refuses the second with a complaint about the field.
//
// Statements: S-090.
func TestComponentLimits(t *testing.T) {
	of := func(n int) string { return strings.Repeat("x", n) }
	plain := func(more ...any) map[string]any { return with(map[string]any{"type": 2, "style": 1}, more...) }
	pick := func(options ...any) any {
		return []any{row(map[string]any{"type": 3, "custom_id": "s", "options": options})}
	}
	buttons := func(n int) any {
		var all []any
		for _, id := range numbered(n) {
			all = append(all, button(id))
		}
		return []any{row(all...)}
	}
	in := "components.0.components.0"
	for _, c := range []struct {
		what       string
		good, bad  any
		path, code string
		v2         bool
	}{
		{"the length of a custom_id", []any{row(button(of(100)))}, []any{row(button(of(101)))}, in + ".custom_id", "BASE_TYPE_BAD_LENGTH", false},
		{"a custom_id twice", []any{row(button("a"), button("b"))}, []any{row(button("a")), row(button("a"))}, "components.1.components.0.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", false},
		{"no custom_id", []any{row(button("a"))}, []any{row(plain("label", "x"))}, in + ".custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", false},
		{"no label", []any{row(plain("custom_id", "a", "emoji", map[string]any{"name": "🔥"}))}, []any{row(plain("custom_id", "a"))}, in + ".label", "BASE_TYPE_REQUIRED", false},
		{"the length of a label", []any{row(button("a", "label", of(80)))}, []any{row(button("a", "label", of(81)))}, in + ".label", "BASE_TYPE_MAX_LENGTH", false},
		{"a link", []any{row(plain("style", 5, "label", "x", "url", "https://example.org"))}, []any{row(plain("style", 5, "label", "x"))}, in + ".url", "BUTTON_COMPONENT_URL_REQUIRED", false},
		{"a link that is none", []any{row(plain("style", 5, "label", "x", "url", "http://a"))}, []any{row(plain("style", 5, "label", "x", "url", "a"))}, in + ".url", "URL_TYPE_INVALID_SCHEME", false},
		{"a link with a custom_id", []any{row(button("a"))}, []any{row(button("a", "url", "https://a"))}, in, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", false},
		{"a premium button", []any{row(plain("style", 6, "sku_id", "1"))}, []any{row(plain("style", 6, "sku_id", "1", "label", "x"))}, in + ".label", "BASE_TYPE_FORBIDDEN", false},
		{"five buttons", buttons(5), buttons(6), "components.0.components", "BASE_TYPE_BAD_LENGTH", false},
		{"an empty row", buttons(1), []any{row()}, "components.0.components", "BASE_TYPE_BAD_LENGTH", false},
		{"a select beside a button", pick(choices("a")...), []any{row(button("a"), map[string]any{"type": 5, "custom_id": "u"})}, "components.0", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", false},
		{"25 options", pick(choices(numbered(25)...)...), pick(choices(numbered(26)...)...), in + ".options", "BASE_TYPE_BAD_LENGTH", false},
		{"no options", pick(choices("a")...), []any{row(map[string]any{"type": 3, "custom_id": "s"})}, in + ".options", "BASE_TYPE_REQUIRED", false},
		{"a value twice", pick(choices("a", "b")...), pick(choices("a", "a")...), in + ".options.1.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", false},
		{"the number of values", []any{row(map[string]any{"type": 6, "custom_id": "r", "max_values": 25})}, []any{row(map[string]any{"type": 6, "custom_id": "r", "max_values": 26})}, in + ".max_values", "NUMBER_TYPE_MAX", false},
		{"a text input in a message", buttons(1), []any{row(map[string]any{"type": 4, "custom_id": "i", "label": "l", "style": 1})}, in, "UNION_TYPE_CHOICES", false},
		{"a button outside of a row", buttons(1), []any{button("a")}, "components.0", "UNION_TYPE_CHOICES", false},
		{"the new kind without its flag", buttons(1), []any{map[string]any{"type": 10, "content": "x"}}, "components.0", "UNION_TYPE_CHOICES", false},
		{"an empty text", []any{map[string]any{"type": 10, "content": "x"}}, []any{map[string]any{"type": 10, "content": ""}}, "components.0.content", "BASE_TYPE_BAD_LENGTH", true},
		{"a section without its accessory", []any{map[string]any{"type": 9, "components": []any{map[string]any{"type": 10, "content": "x"}}, "accessory": button("a")}},
			[]any{map[string]any{"type": 9, "components": []any{map[string]any{"type": 10, "content": "x"}}}}, "components.0.accessory", "BASE_TYPE_REQUIRED", true},
		{"a container in a container", []any{map[string]any{"type": 17, "components": buttons(1)}},
			[]any{map[string]any{"type": 17, "components": []any{map[string]any{"type": 17, "components": buttons(1)}}}}, in, "UNION_TYPE_CHOICES", true},
		{"ten pictures", []any{map[string]any{"type": 12, "items": slices.Repeat([]any{map[string]any{"media": map[string]any{"url": "https://a/b.png"}}}, 10)}},
			[]any{map[string]any{"type": 12, "items": []any{}}}, "components.0.items", "BASE_TYPE_BAD_LENGTH", true},
		{"the space of a separator", []any{map[string]any{"type": 14, "spacing": 2}}, []any{map[string]any{"type": 14, "spacing": 3}}, "components.0.spacing", "NUMBER_TYPE_MAX", true},
	} {
		withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
			body := map[string]any{"components": c.good}
			if c.v2 {
				body["flags"] = flagComponentsV2
			} else {
				body["content"] = "x"
			}
			id := w.request("POST", w.messagesPath(), body).hasStatus(200, 0).id()
			body["components"] = c.bad
			w.request("POST", w.messagesPath(), body).hasFormError(c.path, c.code)
			delete(body, "flags") // an edit keeps what kind of message it is
			body["components"] = c.good
			w.request("PATCH", w.messagesPath()+"/"+id, body).hasStatus(200, 0)
		})
	}
}

// Given modals at each limit and one past it, when a bot answers with them, then Discord takes
// the first and refuses the second.
//
// Statements: S-094.
func TestModalLimits(t *testing.T) {
	of := func(n int) string { return strings.Repeat("x", n) }
	input := func(more ...any) map[string]any {
		return with(map[string]any{"type": 4, "custom_id": "i", "style": 1}, more...)
	}
	label := func(inner any, more ...any) any {
		return with(map[string]any{"type": 18, "label": "l", "component": inner}, more...)
	}
	modal := func(parts ...any) map[string]any {
		return map[string]any{"custom_id": "m", "title": "t", "components": parts}
	}
	inputs := func(n int) map[string]any {
		var all []any
		for _, id := range numbered(n) {
			all = append(all, label(input("custom_id", id)))
		}
		return modal(all...)
	}
	titled := func(n int) map[string]any { return with(modal(label(input())), "title", of(n)) }
	for _, c := range []struct {
		what       string
		good, bad  map[string]any
		path, code string
	}{
		{"its title", titled(45), titled(46), "title", "BASE_TYPE_BAD_LENGTH"},
		{"its custom_id", modal(label(input())), with(modal(label(input())), "custom_id", of(101)), "custom_id", "BASE_TYPE_BAD_LENGTH"},
		{"five components", inputs(5), inputs(6), "components", "BASE_TYPE_BAD_LENGTH"},
		{"no components", inputs(1), inputs(0), "components", "BASE_TYPE_BAD_LENGTH"},
		{"a button", inputs(1), modal(row(button("a"))), "components.0.components.0", "UNION_TYPE_CHOICES"},
		{"a text input without a label", modal(row(input("label", "l"))), modal(row(input())), "components.0.components.0.label", "BASE_TYPE_REQUIRED"},
		{"the style of a text input", modal(label(input("style", 2))), modal(label(input("style", 3))), "components.0.component.style", "BASE_TYPE_CHOICES"},
		{"the length of a text input", modal(label(input("max_length", 4000))), modal(label(input("max_length", 4001))), "components.0.component.max_length", "NUMBER_TYPE_MAX"},
		{"what is disabled", modal(label(map[string]any{"type": 5, "custom_id": "u"})), modal(label(map[string]any{"type": 5, "custom_id": "u", "disabled": true})), "components.0.component.disabled", "BASE_TYPE_FORBIDDEN"},
		{"a label of 45", modal(label(input(), "label", of(45))), modal(label(input(), "label", of(46))), "components.0.label", "BASE_TYPE_BAD_LENGTH"},
		{"a custom_id twice", inputs(2), modal(label(input()), label(input())), "components.1.component.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"},
		{"two radio buttons", modal(label(map[string]any{"type": 21, "custom_id": "r", "options": choices("a", "b")})), modal(label(map[string]any{"type": 21, "custom_id": "r", "options": choices("a")})), "components.0.component.options", "BASE_TYPE_BAD_LENGTH"},
		{"ten files", modal(label(map[string]any{"type": 19, "custom_id": "f", "max_values": 10})), modal(label(map[string]any{"type": 19, "custom_id": "f", "max_values": 11})), "components.0.component.max_values", "NUMBER_TYPE_MAX"},
		{"a text and checkboxes", modal(map[string]any{"type": 10, "content": "x"}, label(map[string]any{"type": 22, "custom_id": "c", "options": choices("a")}), label(map[string]any{"type": 23, "custom_id": "d"})),
			modal(map[string]any{"type": 10}), "components.0.content", "BASE_TYPE_REQUIRED"},
	} {
		withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
			id := w.Interact(w.app, w.channel, w.person.ID, "form")
			w.callback(id, map[string]any{"type": 9, "data": c.bad}).hasFormError("data."+c.path, c.code)
			w.callback(id, map[string]any{"type": 9, "data": c.good}).hasStatus(204, 0)
		})
	}
}

// Given the result of an autocomplete, then it has at most 25 choices, whose values are of the
// type of the option.
//
// Statements: S-094.
func TestChoiceLimits(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		command := chat("find")
		command["options"] = []any{option(3, "text", "autocomplete", true), option(4, "count", "autocomplete", true), option(10, "much", "autocomplete", true)}
		w.register(command)
		many := func(n int) (all []any) {
			for _, v := range numbered(n) {
				all = append(all, map[string]any{"name": v, "value": v})
			}
			return all
		}
		one := func(value any) []any { return []any{map[string]any{"name": "n", "value": value}} }
		for _, c := range []struct {
			focused    string
			good, bad  []any
			path, code string
		}{
			{"text", many(25), many(26), "choices", "BASE_TYPE_MAX_LENGTH"},
			{"text", one(strings.Repeat("x", 100)), one(strings.Repeat("x", 101)), "choices.0.value", "BASE_TYPE_MAX_LENGTH"},
			{"count", one(7), one("seven"), "choices.0.value", "NUMBER_TYPE_COERCE"},
			{"much", one(1.5), one("x"), "choices.0.value", "FLOAT_TYPE_COERCE"},
			{"much", []any{}, []any{map[string]any{"name": "n"}}, "choices.0.value", "BASE_TYPE_REQUIRED"},
			{"much", []any{}, []any{map[string]any{"value": 1}}, "choices.0.name", "BASE_TYPE_REQUIRED"},
		} {
			id := w.must(w.Complete(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "find"}, c.focused))
			w.callback(id, map[string]any{"type": 8, "data": map[string]any{"choices": c.bad}}).hasFormError("data."+c.path, c.code)
			w.callback(id, map[string]any{"type": 8, "data": map[string]any{"choices": c.good}}).hasStatus(204, 0)
			if got := w.state(id, StateAnswered); len(got.Choices) != len(c.good) {
				t.Errorf("the choices are %v", got.Choices)
			}
		}
	})
}
