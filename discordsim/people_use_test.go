package discordsim

import (
	"fmt"
	"testing"
)

// option is an option of a command.
func option(kind int, name string, more ...any) map[string]any {
	return with(map[string]any{"type": kind, "name": name, "description": "is " + name}, more...)
}

// Given a command with an option of every type, when a person fills them in, then the bot gets
// each as the type that it declared, with the objects that belong to the ids.
func TestUseOptionsOfEveryType(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		bob := w.AddUser("bob")
		w.AddMembers(w.guild, bob)
		role := w.request("POST", "/guilds/"+w.guild.ID.String()+"/roles", map[string]any{"name": "crew"}).hasStatus(200, 0).id()
		command := chat("all")
		command["options"] = []any{
			option(3, "text", "required", true, "min_length", 2, "max_length", 5), option(3, "pick", "choices", []any{map[string]any{"name": "Red", "value": "r"}}),
			option(4, "count", "min_value", 1, "max_value", 10), option(5, "loud"), option(6, "who"), option(7, "where", "channel_types", []int{0}), option(8, "role"),
			option(9, "both"), option(10, "much"), option(11, "file"),
		}
		w.register(command)
		id := w.must(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "/all", Options: map[string]any{
			"text": "abc", "pick": "Red", "count": 3.0, "loud": "true", "who": "bob", "where": w.channel, "role": "<@&" + role + ">", "both": "@crew", "much": "1.5",
			"file": File{Name: "a.txt", Data: []byte("hello")},
		}}))
		d := w.heard()
		if d["id"] != id.String() || d["type"] != 2.0 || d["context"] != 0.0 || d["guild_locale"] != "en-US" || asObject(d["authorizing_integration_owners"])["0"] != w.guild.ID.String() {
			t.Errorf("the interaction is %v", d)
		}
		data := asObject(d["data"])
		got := ""
		for _, o := range asList(data["options"]) {
			got += fmt.Sprint(asObject(o)["name"], " ", asObject(o)["type"], " ", asObject(o)["value"], "; ")
		}
		resolved := asObject(data["resolved"])
		file := ""
		for id := range asObject(resolved["attachments"]) {
			file = id
		}
		want := fmt.Sprintf("text 3 abc; pick 3 r; count 4 3; loud 5 true; who 6 %s; where 7 %s; role 8 %s; both 9 %s; much 10 1.5; file 11 %s; ", bob.ID, w.channel, role, role, file)
		if got != want {
			t.Errorf("the options are %s\nwant %s", got, want)
		}
		if asObject(asObject(resolved["users"])[bob.ID.String()])["username"] != "bob" || asObject(resolved["members"])[bob.ID.String()] == nil ||
			asObject(asObject(resolved["roles"])[role])["name"] != "crew" || asObject(asObject(resolved["channels"])[w.channel.String()])["name"] != "general" ||
			asObject(asObject(resolved["attachments"])[file])["filename"] != "a.txt" {
			t.Errorf("the resolved data is %v", resolved)
		}
		w.state(id, StateWaiting)
		w.callback(id, `{"type":4,"data":{"content":"done"}}`).hasStatus(204, 0)
		if r := w.state(id, StateAnswered); r.Type != 4 || r.Message == 0 || r.User != w.person.ID {
			t.Errorf("the response is %+v", r)
		}
	})
}

// Given a command with sub-commands and groups, when a person uses one of them, then the bot
// gets it nested as it is declared.
func TestUseSubCommands(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		command := chat("config")
		command["options"] = []any{
			option(1, "show"),
			option(2, "channel", "options", []any{option(1, "set", "options", []any{option(3, "name", "required", true)})}),
		}
		w.register(command)
		use := Use{App: w.app, Channel: w.channel, User: w.person.ID}
		use.Command = "config show"
		w.must(w.Use(use))
		if got := fmt.Sprint(asObject(w.heard()["data"])["options"]); got != "[map[name:show options:[] type:1]]" {
			t.Errorf("the options are %s", got)
		}
		use.Command, use.Options = "config channel set", map[string]any{"name": "x"}
		id := w.must(w.Use(use))
		if got := fmt.Sprint(asObject(w.heard()["data"])["options"]); got != "[map[name:channel options:[map[name:set options:[map[name:name type:3 value:x]] type:1]] type:2]]" {
			t.Errorf("the options are %s", got)
		}
		w.callback(id, `{"type":4,"data":{"content":"done"}}`).hasStatus(204, 0)
		for command, why := range map[string]string{
			"config": "sub-commands: show, channel", "config set": "no sub-command \"set\"; it has: show, channel", "config channel": "sub-commands: set", "config show now": "no sub-command \"now\"",
		} {
			use.Command = command
			w.refused(why)(w.Use(use))
		}
	})
}

// Given context-menu commands, when they are used on a user and on a message, then the bot gets
// the target and its objects.
func TestUseContextMenus(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		bob := w.AddUser("bob")
		w.AddMembers(w.guild, bob)
		w.register(map[string]any{"name": "Show profile", "type": 2}, map[string]any{"name": "Quote it", "type": 3})
		said := w.Say(w.channel, bob.ID, "hello")
		use := Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "Show profile", Target: bob.ID}
		id := w.must(w.Use(use))
		data := asObject(w.heard()["data"])
		if data["target_id"] != bob.ID.String() || data["type"] != 2.0 || asObject(asObject(data["resolved"])["members"])[bob.ID.String()] == nil {
			t.Errorf("the data is %v", data)
		}
		w.callback(id, `{"type":4,"data":{"content":"done"}}`).hasStatus(204, 0)
		use.Command, use.Target = "Quote it", said.ID
		id = w.must(w.Use(use))
		data = asObject(w.heard()["data"])
		if data["target_id"] != said.ID.String() || data["type"] != 3.0 || asObject(asObject(asObject(data["resolved"])["messages"])[said.ID.String()])["content"] != "hello" {
			t.Errorf("the data is %v", data)
		}
		w.callback(id, `{"type":4,"data":{"content":"done"}}`).hasStatus(204, 0)
		use.Target = bob.ID
		w.refused("no context-menu command \"Quote it\" here; registered are: Show profile")(w.Use(use))
		use.Target = 0
		w.refused("no slash command")(w.Use(use))
	})
}

// Given an option with autocomplete, when a person types in it, then the bot is asked with what
// has been typed, and its choices are the response.
func TestComplete(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		command := chat("find")
		command["options"] = []any{option(4, "number", "required", true, "autocomplete", true), option(3, "other", "required", true)}
		w.register(command)
		use := Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "find", Options: map[string]any{"number": "1a"}}
		id := w.must(w.Complete(use, "number"))
		d := w.heard()
		if got := fmt.Sprint(asObject(d["data"])["options"]); d["type"] != 4.0 || got != "[map[focused:true name:number type:4 value:1a]]" {
			t.Errorf("the interaction is %v", d)
		}
		w.callback(id, `{"type":8,"data":{"choices":[{"name":"One","value":1}]}}`).hasStatus(204, 0)
		if r := w.state(id, StateAnswered); len(r.Choices) != 1 || r.Choices[0].Name != "One" || r.Choices[0].Value != int64(1) {
			t.Errorf("the response is %+v", r)
		}
		w.refused("no autocomplete")(w.Complete(use, "other"))
	})
}
