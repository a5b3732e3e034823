package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRegistersWhatDiffers: the list of slash commands is put when it differs
// from Discord's, once, and says what it removed; the next start puts nothing.
//
// Statements: G-142.
func TestRegistersWhatDiffers(t *testing.T) {
	run(t, func(h *harness) {
		h.discord.commands = `[{"id":"1","type":1,"name":"obsolete","description":"Old","version":"9"},{"id":"2","type":1,"name":"ping","description":"Another text"}]`
		h.start()
		h.run()
		puts := h.discord.asked("PUT")
		if len(puts) != 1 || puts[0].line != fmt.Sprintf("PUT /applications/%d/commands", appID) {
			t.Fatalf("registered %d times", len(puts))
		}
		var list []map[string]any
		if err := json.Unmarshal([]byte(puts[0].body), &list); err != nil || len(list) != len(Builtin()) {
			t.Fatalf("registered %s", puts[0].body)
		}
		if !strings.Contains(puts[0].body, `{"type":1,"name":"help","description":"Lists what I can do, or explains one command","options":[{"type":3,"name":"command","description":"The command to explain"}]}`) {
			t.Errorf("registered %s", puts[0].body)
		}
		h.logged(1, "INFO Slash commands registered commands=6 removed=[obsolete]")

		// Discord adds fields of its own, leaves some out and keeps its own order.
		for i := range list {
			list[i]["id"], list[i]["nsfw"], list[i]["default_member_permissions"] = fmt.Sprint(i), false, nil
			delete(list[i], "type")
		}
		list[0], list[4] = list[4], list[0]
		kept, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		h.discord.commands = string(kept)
		h.stopRun()
		h.crash()
		h.run()
		if n := len(h.discord.asked("PUT")); n != 1 {
			t.Errorf("the same commands were registered %d times", n)
		}
		h.logged(1, "DEBUG Slash commands are up to date commands=6")

		// Every part of a definition counts.
		h.stopRun()
		h.crash(func(o *Options) {
			o.Commands = Builtin()
			o.Commands[0].Parameters = []Parameter{{Name: "command", Summary: "The command to explain", Required: true}}
		})
		h.run()
		if n := len(h.discord.asked("PUT")); n != 2 {
			t.Error("a changed parameter was not registered")
		}
	})
}

// TestKeepCommands: the operator may leave the commands at Discord as they are.
func TestKeepCommands(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.KeepCommands = true })
		h.run()
		h.wait(time.Hour)
		if n := len(h.discord.asked("GET /applications/1")) + len(h.discord.asked("PUT")); n != 0 {
			t.Errorf("%d requests for commands", n)
		}
	})
}

// TestRegistrationSurvivesOutage: while Discord is down the registration is
// tried ever more slowly and succeeds in the end.
func TestRegistrationSurvivesOutage(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.discord.fail(fault{on: "GET /applications", times: 6, status: 503})
		h.discord.fail(fault{on: "PUT", times: 2, cut: true})
		h.run()
		h.wait(time.Hour)
		if n := len(h.discord.asked("PUT")); n != 3 || !strings.Contains(h.discord.commands, "uptime") {
			t.Errorf("put %d times", n)
		}
		h.logged(6, "WARN Application could not be fetched from Discord error=GET /applications/@me: Discord answered 503")
		h.logged(2, "WARN Slash commands could not be registered")
	})
}

// TestRegistrationRefused: a refusal for good is an error in the log and is not
// repeated; the bot answers all the same.
func TestRegistrationRefused(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.discord.fail(fault{on: "PUT", times: -1, status: 400, body: `{"code":30034,"message":"Max number of daily application command creates has been reached (200)"}`})
		h.run()
		h.wait(24 * time.Hour)
		if n := len(h.discord.asked("PUT")); n != 1 {
			t.Errorf("put %d times", n)
		}
		h.logged(1, "ERROR Slash commands could not be registered error=PUT /applications/{application.id}/commands: Discord answered 400 (code 30034): Max number")
		h.say("!about")
		h.expect("ResearchBot")
	})
}

// TestRegistrationWithoutIntroduction: what READY told is enough to register;
// without it REST is asked.
func TestRegistrationWithoutIntroduction(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.discord.fail(fault{on: "GET /applications/@me", times: 1, status: 404})
		h.run()
		if n := len(h.discord.asked("PUT")); n != 1 {
			t.Errorf("put %d times", n)
		}
		h.crash()
		if err := h.bot.register(context.Background()); err != nil {
			t.Error(err)
		}
		h.discord.fail(fault{on: "GET /applications/", times: 1, status: 403})
		if err := h.bot.register(context.Background()); err == nil {
			t.Error("a refused list of commands went unnoticed")
		}
		h.make()
		h.discord.fail(fault{on: "GET /applications/@me", times: 1, status: 403})
		if err := h.bot.register(context.Background()); err == nil {
			t.Error("a refused application went unnoticed")
		}
	})
}

// TestEndpointWarning: when the application has an interactions endpoint URL,
// Slash commands will not arrive, and the operator is told what to do.
//
// Statements: G-150.
func TestEndpointWarning(t *testing.T) {
	for endpoint, warnings := range map[string]int{`"https://example.org/interactions"`: 1, `null`: 0, `""`: 0} {
		run(t, func(h *harness) {
			h.discord.application = strings.Replace(h.discord.application, "{", `{"interactions_endpoint_url":`+endpoint+`,`, 1)
			h.start()
			h.run()
			h.logged(warnings, "WARN Slash commands will not arrive: the application has an interactions endpoint URL")
			h.logged(warnings, "url=https://example.org/interactions")
		})
	}
}
