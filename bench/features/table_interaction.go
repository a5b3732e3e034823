package features

import (
	"errors"
	"fmt"

	"evergreen/discordsim"
)

// interactionFeatures are application commands, components and modals, as people use them.
func interactionFeatures() []Feature {
	ping := command(`{"name":"ping","description":"pong"}`)
	const answersPing = `is ready, answers the command "ping" in guild `
	return in("interactions",
		feature("slash command", "Application Command, CHANNEL_MESSAGE_WITH_SOURCE", answersPing+`with "pong"; data: user (id, of who has used it)`).
			before(ping).people(use("ping", nil)).then(said("user", "$person"), answered("pong", 0)),
		feature("options of every type", "Application Command Option Type", `is ready, answers the command "all" in guild with "got it"; data: s, i, b, n (values), user, channel, role, mentionable (ids), attachment (its file name), of the options of these names`).
			before(command(`{"name":"all","description":"all","options":[{"type":3,"name":"s","description":"d"},{"type":4,"name":"i","description":"d"},{"type":5,"name":"b","description":"d"},{"type":10,"name":"n","description":"d"},{"type":6,"name":"user","description":"d"},{"type":7,"name":"channel","description":"d"},{"type":8,"name":"role","description":"d"},{"type":9,"name":"mentionable","description":"d"},{"type":11,"name":"attachment","description":"d"}]}`)).
			people(func(t *trial) error {
				return use("all", map[string]any{
					"s": "text", "i": 7, "b": true, "n": 1.5, "user": t.id("other"), "channel": t.id("voice"), "role": t.id("role"), "mentionable": t.id("third"),
					"attachment": discordsim.File{Name: "notes.txt", Data: []byte("some notes")},
				})(t)
			}).then(said("s", "text", "i", 7, "b", true, "n", 1.5, "user", "$other", "channel", "$voice", "role", "$role", "mentionable", "$third", "attachment", "notes.txt"), answered("got it", 0)),
		feature("sub-command", "Subcommands", `is ready, answers the command "config set" in guild with "got it"; data: sub (the name of the sub-command), value (of its option "value")`).
			before(command(`{"name":"config","description":"d","options":[{"type":1,"name":"set","description":"d","options":[{"type":3,"name":"value","description":"d"}]},{"type":1,"name":"get","description":"d"}]}`)).
			people(use("config set", map[string]any{"value": "on"})).then(said("sub", "set", "value", "on"), answered("got it", 0)),
		feature("sub-command group", "Subcommand Groups", `is ready, answers the command "config channel set" in guild with "got it"; data: group, sub, value (of its option "value")`).
			before(command(`{"name":"config","description":"d","options":[{"type":2,"name":"channel","description":"d","options":[{"type":1,"name":"set","description":"d","options":[{"type":3,"name":"value","description":"d"}]}]}]}`)).
			people(use("config channel set", map[string]any{"value": "on"})).then(said("group", "channel", "sub", "set", "value", "on"), answered("got it", 0)),
		feature("autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE_RESULT", `is ready, answers the autocomplete of the command "find" in guild with the choices "alpha" (1) and "alps" (2), values as texts; data: name, value (of the focused option)`).
			before(command(`{"name":"find","description":"d","options":[{"type":3,"name":"what","description":"d","autocomplete":true}]}`)).
			people(func(t *trial) error {
				id, err := t.sim.Complete(discordsim.Use{App: t.app, Channel: t.id("channel"), User: t.id("person"), Command: "find", Options: map[string]any{"what": "al"}}, "what")
				t.args["interaction"] = id.String()
				return err
			}).then(said("name", "what", "value", "al"), response(func(r discordsim.Response) error { return equal("choices", len(r.Choices), 2) })),
		feature("user command", "User Commands", `is ready, answers the user command "Wave" in guild with "got it"; data: target (id), name (of the target)`).
			before(command(`{"name":"Wave","type":2}`)).people(func(t *trial) error { return useOn("Wave", t.id("other"))(t) }).then(said("target", "$other", "name", "$other_name"), answered("got it", 0)),
		feature("message command", "Message Commands", `is ready, answers the message command "Save" in guild with "got it"; data: target (id), content (of the message)`).
			before(command(`{"name":"Save","type":3}`), personSays("keep this")).people(func(t *trial) error { return useOn("Save", t.id("message"))(t) }).
			then(said("target", "$message", "content", "keep this"), answered("got it", 0)),
		feature("ephemeral answer", "Message Flags (EPHEMERAL)", answersPing+`with "pong" that only its user sees; data: none`).before(ping).people(use("ping", nil)).then(answered("pong", 64)),
		feature("deferred answer", "DEFERRED_CHANNEL_MESSAGE_WITH_SOURCE", answersPing+`later: defers, then edits the answer to "late"; data: none`).before(ping).people(use("ping", nil)).then(answered("late", 0)),
		feature("deferred ephemeral answer", "DEFERRED_CHANNEL_MESSAGE_WITH_SOURCE (EPHEMERAL)", answersPing+`later, so that only its user sees it: defers, then edits the answer to "late"; data: none`).before(ping).people(use("ping", nil)).then(answered("late", 64)),
		feature("follow-up", "Create Followup Message", answersPing+`with "pong", then with the follow-up "more"; data: id (of the follow-up)`).before(ping).people(use("ping", nil)).then(answered("pong", 0), holds("content", "more")),
		feature("follow-up edit", "Edit Followup Message", answersPing+`with "pong" and the follow-up "more", edits that to "changed"; data: id (of the follow-up)`).before(ping).people(use("ping", nil)).then(holds("content", "changed")),
		feature("follow-up delete", "Delete Followup Message", answersPing+`with "pong" and the follow-up "more", deletes that; data: id (of the follow-up)`).before(ping).people(use("ping", nil)).then(gone),
		feature("answer edit", "Edit Original Interaction Response", answersPing+`with "pong", edits it to "changed"; data: none`).before(ping).people(use("ping", nil)).then(answered("changed", 0)),
		feature("answer fetch", "Get Original Interaction Response", answersPing+`with "pong", fetches the answer; data: id, content`).before(ping).people(use("ping", nil)).then(said("content", "pong"), holds("content", "pong")),
		feature("answer delete", "Delete Original Interaction Response", answersPing+`with "pong", deletes the answer; data: id (of the answer)`).before(ping).people(use("ping", nil)).then(gone),
		feature("answer with a file", "Uploading Files", answersPing+`with the file "notes.txt" with the text "some notes"; data: id (of the answer)`).before(ping).people(use("ping", nil)).
			then(holds("attachments.0.filename", "notes.txt"), downloads("some notes")),
		feature("global command in a direct message", "Interaction Contexts", `registers the global command "alone" for bots' direct messages, is ready, answers it with "pong"; data: channel (id), direct (whether there is no guild)`).
			people(func(t *trial) error {
				t.args["dm"] = t.sim.DM(t.app, t.id("person"), "hello").Channel.ID.String()
				return useIn("dm", "alone", nil, 0)(t)
			}).then(said("channel", "$dm", "direct", true), response(func(r discordsim.Response) error { return equal("state", r.State, discordsim.StateAnswered) })),
		feature("permissions of an interaction", "Interaction (app_permissions)", answersPing+`with "pong"; data: own, member (the permissions of the bot and of the user, as the interaction has them), computed (those of the user, as the library computes them); numbers in texts`).
			before(ping).people(use("ping", nil)).then(func(t *trial) error { return said("member", t.said["computed"])(t) }, answered("pong", 0)),
		feature("button", "Button", `sends a message with a button (custom_id "press"), is ready (data: message), answers the press with "pressed"; data: user (id)`).
			people(press("press")).then(said("user", "$person"), answered("pressed", 0)),
		feature("button update", "UPDATE_MESSAGE", `sends a message with a button (custom_id "press"), is ready (data: message), answers the press by changing the message to "updated"; data: message`).
			people(press("press")).then(shows("/channels/$channel/messages/$message", "content", "updated")),
		feature("button deferred update", "DEFERRED_UPDATE_MESSAGE", `sends a message with a button (custom_id "press"), is ready (data: message), acknowledges the press without an answer (deferred update), then edits the message to "late"; data: message`).
			people(press("press")).then(shows("/channels/$channel/messages/$message", "content", "late")),
		feature("link button", "Button (Link)", "sends a message with a button that leads to https://example.com; data: id").then(holds("components.0.components.0.style", 5, "components.0.components.0.url", "https://example.com")),
		feature("string select", "String Select", `sends a message with a select (custom_id "choose") of the options a, b and c, of which 1 to 2 may be chosen, is ready (data: message), answers with "chosen"; data: values`).
			people(press("choose", "a", "c")).then(said("values.#", 2, "values.0", "a", "values.1", "c"), answered("chosen", 0)),
		chooses("user", "$other"), chooses("role", "$role"), chooses("mentionable", "$other"), chooses("channel", "$voice"),
		feature("modal", "MODAL, Text Input", `is ready, answers the command "ping" in guild with the modal "form" that has a short text input "text", and what is submitted with "thanks"; data: value`).
			before(ping).people(use("ping", nil), submit(map[string]any{"text": "hello"})).then(said("value", "hello"), answered("thanks", 0)),
		feature("modal of a button", "MODAL", `sends a message with a button (custom_id "press"), is ready (data: message), answers the press with the modal "form" that has a paragraph "text", and what is submitted with "thanks"; data: value`).
			people(press("press"), submit(map[string]any{"text": "hello"})).then(said("value", "hello"), answered("thanks", 0)),
		feature("modal with a select", "Label, String Select", `is ready, answers the command "ping" in guild with the modal "form" that has a label with a string select "pick" of a and b, and what is submitted with "thanks"; data: values`).
			before(ping).people(use("ping", nil), submit(map[string]any{"pick": "b"})).then(said("values.#", 1, "values.0", "b"), answered("thanks", 0)),
	)
}

// chooses is the row of a select that Discord fills.
func chooses(kind, chosen string) Feature {
	return feature(kind+" select", "Select Menu Component", `sends a message with a `+kind+` select (custom_id "choose"), is ready (data: message), answers with "chosen"; data: values`).
		people(func(t *trial) error { return press("choose", t.expand(chosen))(t) }).then(said("values.#", 1, "values.0", chosen), answered("chosen", 0))
}

// command makes a step that registers a command of guild.
func command(definition string) step {
	return itself("command", "POST", "/applications/$app/guilds/$guild/commands", definition)
}

// use, useOn and useIn make steps in which person uses a command; interaction is the id.
func use(name string, options map[string]any) step { return useIn("channel", name, options, 0) }
func useOn(name string, target discordsim.ID) step { return useIn("channel", name, nil, target) }

func useIn(channel, name string, options map[string]any, target discordsim.ID) step {
	return func(t *trial) error {
		id, err := t.sim.Use(discordsim.Use{App: t.app, Channel: t.id(channel), User: t.id("person"), Command: name, Options: options, Target: target})
		t.args["interaction"] = id.String()
		return err
	}
}

// press makes a step in which person presses a button, or chooses in a select, of the message
// that the program has sent.
func press(customID string, values ...string) step {
	return func(t *trial) error {
		t.args["pressed"] = t.id("message").String()
		id, err := t.sim.Press(t.id("message"), t.id("person"), customID, values...)
		t.args["interaction"] = id.String()
		return err
	}
}

// submit makes a step in which person fills in the modal that the program answers with.
func submit(fields map[string]any) step {
	return func(t *trial) error {
		if err := t.until("there is a modal", func() bool {
			r, _ := t.sim.Response(t.id("interaction"))
			return r.Modal != nil
		}); err != nil {
			return err
		}
		id, err := t.sim.Submit(t.id("interaction"), t.id("person"), fields)
		t.args["interaction"] = id.String()
		return err
	}
}

// response makes a check of what came of the interaction.
func response(check func(discordsim.Response) error) step {
	return func(t *trial) error {
		r, ok := t.sim.Response(t.id("interaction"))
		if !ok {
			return errors.New("there is no such interaction")
		}
		return check(r)
	}
}

// answered makes a check that the interaction was answered with a text and flags.
func answered(text string, flags int) step {
	return eventually(func(t *trial) error {
		return response(func(r discordsim.Response) error {
			if r.State != discordsim.StateAnswered {
				return fmt.Errorf("the interaction is %s", r.State)
			}
			for _, m := range t.sim.Messages(t.id("channel")) {
				if m.ID == r.Message {
					return equal("the answer", []any{m.Content, m.Flags & 64}, []any{text, flags})
				}
			}
			return errors.New("the answer is not there")
		})(t)
	})
}
