package discordsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func chat(name string) map[string]any {
	return map[string]any{"name": name, "description": "does " + name}
}

// commandNames lists the commands of a scope.
func (w *restHarness) commandNames(path string) (names []string) {
	for _, c := range w.request("GET", path, nil).hasStatus(200, 0).list() {
		names = append(names, asObject(c)["name"].(string))
	}
	slices.Sort(names)
	return names
}

// TestCommandUpsert registers commands one by one, globally and in a guild: a
// new one is 201, one of the same type and name is replaced with 200 and keeps
// its id.
//
// Statements: S-095.
func TestCommandUpsert(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		global := "/applications/" + w.app.ID.String() + "/commands"
		local := "/applications/" + w.app.ID.String() + "/guilds/" + w.guild.ID.String() + "/commands"
		first := w.request("POST", global, chat("ping")).hasStatus(201, 0).object()
		if first["application_id"] != w.app.ID.String() || first["type"] != 1.0 || first["guild_id"] != nil || first["version"] == nil {
			t.Errorf("the command is %v", first)
		}
		again := w.request("POST", global, map[string]any{"name": "ping", "description": "better"}).hasStatus(200, 0).object()
		if again["id"] != first["id"] || again["version"] == first["version"] || again["description"] != "better" {
			t.Errorf("the replaced command is %v", again)
		}
		user := w.request("POST", global, map[string]any{"name": "ping", "type": 2}).hasStatus(201, 0).object()
		if user["id"] == first["id"] {
			t.Error("another type replaced it")
		}
		if got := w.request("POST", local, chat("ping")).hasStatus(201, 0).object(); got["guild_id"] != w.guild.ID.String() {
			t.Errorf("the guild's command is %v", got)
		}
		if got := w.commandNames(global); !slices.Equal(got, []string{"ping", "ping"}) {
			t.Errorf("the global commands are %v", got)
		}
		one := global + "/" + first["id"].(string)
		patched := w.request("PATCH", one, `{"name":"pong"}`).hasStatus(200, 0).object()
		if patched["name"] != "pong" || patched["description"] != "better" || patched["id"] != first["id"] {
			t.Errorf("the renamed command is %v", patched)
		}
		w.request("DELETE", one, nil).hasStatus(204, 0)
		w.request("GET", one, nil).hasStatus(404, 10063)
		if got := w.commandNames(local); !slices.Equal(got, []string{"ping"}) {
			t.Errorf("the guild's commands are %v", got)
		}
	})
}

// TestCommandPut replaces all commands of a scope: those not named are gone, of
// every type; one that carries its id keeps it under a new name; what changes
// no violation is recorded.
//
// Statements: S-095.
func TestCommandPut(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		path := "/applications/" + w.app.ID.String() + "/commands"
		w.request("POST", path, map[string]any{"name": "Inspect", "type": 2}).hasStatus(201, 0)
		first := w.request("PUT", path, []any{chat("a"), chat("b")}).hasStatus(200, 0).list()
		if got := w.commandNames(path); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("the commands are %v", got)
		}
		a := asObject(first[0])
		renamed := chat("c")
		renamed["id"] = a["id"]
		second := w.request("PUT", path, []any{chat("a"), renamed}).hasStatus(200, 0).list()
		if asObject(second[1])["id"] != a["id"] || asObject(second[0])["id"] == a["id"] || len(w.commandNames(path)) != 2 {
			t.Errorf("after a rename the commands are %v", second)
		}
		if got := w.violations(); got != nil {
			t.Errorf("violations: %v", got)
		}
		w.request("PUT", path, []any{chat("a"), chat("c")}).hasStatus(200, 0)
		if got := w.violations(); !slices.Equal(got, []string{"G-142"}) {
			t.Errorf("a PUT that changes nothing has violations: %v", got)
		}
		w.request("PUT", path, []any{chat("a"), chat("a")}).hasFormError("1.name", "APPLICATION_COMMANDS_DUPLICATE_NAME")
		w.request("PUT", path, `{"name":"a"}`).hasFormError("", "LIST_TYPE_CONVERT")
		w.request("PUT", path, `null`).hasFormError("", "LIST_TYPE_CONVERT")
		w.request("PUT", path, nil).hasStatus(400, 50109)
		if got := w.commandNames(path); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("bad requests left %v", got)
		}
		w.request("PUT", path, []any{}).hasStatus(200, 0)
		if got := w.commandNames(path); len(got) != 0 {
			t.Errorf("left are %v", got)
		}
	})
}

// TestCommandCounts fills each type up to its limit and then asks for one more.
//
// Statements: S-095.
func TestCommandCounts(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		path := "/applications/" + w.app.ID.String() + "/commands"
		var all []any
		for kind, n := range map[int]int{1: 100, 2: 15, 3: 15} {
			for i := range n {
				one := map[string]any{"name": fmt.Sprintf("c%d", i), "type": kind}
				if kind == 1 {
					one["description"] = "d"
				}
				all = append(all, one)
			}
		}
		if got := len(w.request("PUT", path, all).hasStatus(200, 0).list()); got != 130 {
			t.Errorf("%d commands stand", got)
		}
		w.request("PUT", path, append(all, map[string]any{"name": "go", "type": 4})).hasFormError("", "BASE_TYPE_MAX_LENGTH")
		for kind := 1; kind <= 3; kind++ {
			w.request("POST", path, map[string]any{"name": "more", "type": kind, "description": strings.Repeat("d", max(0, 2-kind))}).hasStatus(400, 30032)
		}
		w.request("POST", path, chat("c7")).hasStatus(200, 0)
	})
}

// TestCommandCreatesADay registers new commands all day: after 200 in one scope
// it is enough until the next day, while replacing goes on.
//
// Statements: S-095.
func TestCommandCreatesADay(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		global := "/applications/" + w.app.ID.String() + "/commands"
		local := "/applications/" + w.app.ID.String() + "/guilds/" + w.guild.ID.String() + "/commands"
		for n := range 199 {
			made := w.request("POST", global, chat(fmt.Sprintf("c%d", n))).hasStatus(201, 0)
			w.request("DELETE", global+"/"+made.id(), nil).hasStatus(204, 0)
		}
		w.request("PUT", global, []any{chat("x"), chat("y")}).hasStatus(400, 30034)
		w.request("PUT", global, []any{chat("x")}).hasStatus(200, 0)
		w.request("POST", global, chat("y")).hasStatus(400, 30034)
		w.request("POST", global, map[string]any{"name": "x", "description": "changed"}).hasStatus(200, 0)
		w.request("POST", local, chat("y")).hasStatus(201, 0)
		time.Sleep(24 * time.Hour)
		w.request("POST", global, chat("y")).hasStatus(201, 0)
	})
}

// TestCommandForm registers commands that are not well formed; each mistake is
// named under its path.
func TestCommandForm(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		path := "/applications/" + w.app.ID.String() + "/commands"
		option := func(name string, required bool) map[string]any {
			return map[string]any{"name": name, "description": "d", "type": 3, "required": required}
		}
		big := chat("big")
		var options []any
		for n := range 25 {
			o := option(fmt.Sprintf("o%d", n), false)
			o["choices"] = slices.Repeat([]any{map[string]any{"name": "n", "value": strings.Repeat("v", 20)}}, 25)
			options = append(options, o)
		}
		big["options"] = options
		for _, c := range []struct {
			body       map[string]any
			path, code string
		}{
			{map[string]any{"description": "d"}, "name", "BASE_TYPE_REQUIRED"},
			{map[string]any{"name": "x"}, "description", "BASE_TYPE_REQUIRED"},
			{chat("Upper"), "name", "APPLICATION_COMMAND_INVALID_NAME"},
			{chat("two words"), "name", "APPLICATION_COMMAND_INVALID_NAME"},
			{chat(strings.Repeat("x", 33)), "name", "BASE_TYPE_BAD_LENGTH"},
			{map[string]any{"name": "x", "type": 9, "description": "d"}, "type", "BASE_TYPE_CHOICES"},
			{map[string]any{"name": "x", "type": 2, "description": "d"}, "description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY"},
			{map[string]any{"name": "x", "description": "d", "options": []any{option("a", false), option("b", true)}}, "options.1.required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"},
			{map[string]any{"name": "x", "description": "d", "options": []any{option("a", false), option("a", false)}}, "options.1.name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"},
			{big, "", "APPLICATION_COMMAND_TOO_LARGE"},
		} {
			w.request("POST", path, c.body).hasFormError(c.path, c.code)
		}
		for _, name := range []string{"ปิง", "naïve", "a-b_c", "o'clock"} {
			w.request("POST", path, chat(name)).hasStatus(201, 0)
		}
		w.request("POST", "/applications/"+w.app.ID.String()+"/guilds/"+w.guild.ID.String()+"/commands", map[string]any{"name": "go", "type": 4}).hasFormError("type", "APPLICATION_COMMAND_INVALID_TYPE")
	})
}

// TestEntryPointCommand: a list without the Entry Point command that stands is refused;
// sent along as it was fetched it stays what it was; deleted by itself it is gone.
//
// Statements: S-095.
func TestEntryPointCommand(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		w.app = w.AddApp(AppConfig{Name: "activity", EntryPoint: true})
		path := "/applications/" + w.app.ID.String() + "/commands"
		list := w.request("GET", path+"?with_localizations=true", nil).hasStatus(200, 0).list()
		entry := asObject(list[0])
		if len(list) != 1 || entry["type"] != 4.0 || entry["handler"] != 2.0 {
			t.Fatalf("the commands are %v", list)
		}
		if _, there := entry["name_localizations"]; !there {
			t.Error("translations were asked for and are not there")
		}
		if _, there := asObject(w.request("GET", path, nil).hasStatus(200, 0).list()[0])["name_localizations"]; there {
			t.Error("translations are there and were not asked for")
		}
		w.request("PUT", path, []any{chat("ping")}).hasStatus(400, 50240)
		if got := w.commandNames(path); !slices.Equal(got, []string{"launch"}) {
			t.Errorf("after the refusal the commands are %v", got)
		}
		w.request("PUT", path, []any{chat("ping"), entry}).hasStatus(200, 0)
		for _, c := range w.request("GET", path, nil).hasStatus(200, 0).list() {
			if c := asObject(c); c["name"] == "launch" && (c["id"] != entry["id"] || c["handler"] != 2.0) {
				t.Errorf("the Entry Point command became %v", c)
			}
		}
		w.request("DELETE", path+"/"+entry["id"].(string), nil).hasStatus(204, 0)
		w.request("PUT", path, []any{chat("pong")}).hasStatus(200, 0)
	})
}
