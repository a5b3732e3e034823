package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
		h.discord.commands = `[{"id":"1","type":1,"name":"obsolete","description":"Old","version":"9"},{"id":"2","name":"ping","description":"Another text"}]`
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
		h.logged(1, "INFO Slash commands registered commands=6 removed=[obsolete] kept=0")

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
		h.wait(48 * time.Hour)
		h.logged(1, "DEBUG Slash commands are up to date commands=6")
		h.logged(0, "ERROR")
		if n := len(h.discord.asked("GET /applications/@me")); n != 2 {
			t.Errorf("two runs asked for the application %d times", n)
		}

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

// TestAttemptsAtTheStart: what the bot fetches by itself is tried after 5 s, then after twice
// as long each time, and every 30 min at last.
func TestAttemptsAtTheStart(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.Rand = func() float64 { return 0.999999 } })
		h.discord.fail(fault{on: "GET /applications/@me", times: -1, cut: true})
		h.run()
		h.wait(4 * time.Hour)
		asked := h.discord.asked("GET /applications/@me")
		for i, pause := 0, 5*time.Second; i+1 < len(asked); i, pause = i+1, min(2*pause, 30*time.Minute) {
			if got := asked[i+1].at.Sub(asked[i].at).Round(time.Second); got != pause {
				t.Errorf("attempt %d came after %v, want %v", i+2, got, pause)
			}
		}
		if n := len(asked); n < 14 {
			t.Errorf("%d attempts in four hours", n)
		}
	})
}

// TestRegistrationIsNotKeptBySilence: a request without an answer is given up after 30 s and
// made again.
func TestRegistrationIsNotKeptBySilence(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.discord.fail(fault{on: "GET /applications/@me", times: 1, hang: true})
		h.discord.fail(fault{on: "PUT", times: 1, hang: true})
		h.run()
		h.wait(requestTimeout - time.Millisecond)
		h.logged(0, "could not be")
		h.wait(time.Millisecond)
		h.logged(1, "WARN Application could not be fetched from Discord")
		h.wait(5*time.Second + requestTimeout)
		h.logged(1, "WARN Slash commands could not be registered")
		h.wait(5 * time.Second)
		if n := len(h.discord.asked("PUT")); n != 2 {
			t.Errorf("put %d times", n)
		}
	})
}

// TestRegistrationRefused: a refusal for good is an error in the log, is known to those
// who ask, and is tried again the next day; the bot answers all the same.
func TestRegistrationRefused(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.discord.fail(fault{on: "PUT", times: 1, status: 400, body: `{"code":30034,"message":"Max number of daily application command creates has been reached (200)"}`})
		h.run()
		h.wait(11 * time.Hour)
		if n := len(h.discord.asked("PUT")); n != 1 {
			t.Errorf("put %d times", n)
		}
		h.logged(1, "ERROR Slash commands could not be registered error=PUT /applications/{application.id}/commands: Discord answered 400 (code 30034): Max number")
		since, err := h.bot.RegistrationTrouble()
		if err == nil || !strings.Contains(err.Error(), "30034") || time.Since(since).Round(time.Hour) != 11*time.Hour {
			t.Errorf("the trouble is %v, since %v", err, since)
		}
		h.say("!about")
		h.expect("ResearchBot")
		h.wait(14 * time.Hour)
		if _, err := h.bot.RegistrationTrouble(); err != nil || len(h.discord.asked("PUT")) != 2 {
			t.Errorf("the next day: %v, put %d times", err, len(h.discord.asked("PUT")))
		}
	})
}

// TestRegistrationTroubleIsNotToldTooSoon: a failure that passes within a minute is no
// news, one that lasts is.
func TestRegistrationTroubleIsNotToldTooSoon(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.discord.fail(fault{on: "PUT", times: -1, status: 503})
		h.run()
		h.wait(30 * time.Second)
		if _, err := h.bot.RegistrationTrouble(); err != nil {
			t.Errorf("after half a minute: %v", err)
		}
		h.wait(time.Minute)
		if _, err := h.bot.RegistrationTrouble(); err == nil {
			t.Error("after a minute and a half nothing is told")
		}
		h.discord.heal()
		h.wait(time.Hour)
		if since, err := h.bot.RegistrationTrouble(); err != nil || !since.IsZero() {
			t.Errorf("it succeeded, and still: %v since %v", err, since)
		}
	})
	run(t, func(h *harness) {
		h.start()
		h.discord.fail(fault{on: "PUT", times: -1, hang: true})
		h.run()
		h.wait(time.Second)
		h.stopRun()
		h.wait(time.Hour)
		if _, err := h.bot.RegistrationTrouble(); err != nil {
			t.Errorf("the stop has cut it off, and that is told as %v", err)
		}
		h.logged(0, "could not be registered")
	})
}

// TestEntryPointCommandIsKept: Discord refuses a list of commands without the Entry Point
// command of an app with an Activity, so it is sent along as it is. The same goes for
// types of commands that do not exist yet.
func TestEntryPointCommandIsKept(t *testing.T) {
	const entry = `{"id":"7","application_id":"9","version":"8","type":4,"name":"launch","name_localizations":{"th":"เริ่ม"},"description":"","handler":2,"contexts":[0,1,2],"integration_types":[0,1],"nsfw":false,"default_member_permissions":null}`
	const future = `{"id":"11","type":9,"name":"later","options":"what nobody knows"}`
	const menu = `{"id":"12","type":2,"name":"help","description":""}` // named like a slash command of the bot
	const broken = `{"id":"13","type":1,"name":"broken","options":"what nobody can read"}`
	run(t, func(h *harness) {
		h.discord.commands = "[" + entry + "," + future + "," + menu + "," + broken + "]"
		h.start()
		h.run()
		puts := h.discord.asked("PUT")
		if len(puts) != 1 {
			t.Fatalf("put %d times:\n%s", len(puts), h.log)
		}
		var list []map[string]any
		if err := json.Unmarshal([]byte(puts[0].body), &list); err != nil || len(list) != len(Builtin())+2 {
			t.Fatalf("put %s", puts[0].body)
		}
		if !strings.Contains(puts[0].body, entry) || !strings.Contains(puts[0].body, future) {
			t.Errorf("not sent along as it is: %s", puts[0].body)
		}
		h.logged(1, "INFO Slash commands registered commands=6 removed=[help broken] kept=2")
		// Discord fills in what the bot left to it.
		for i, c := range list {
			if c["type"] == 1.0 {
				list[i]["id"], list[i]["version"], list[i]["contexts"], list[i]["integration_types"] = fmt.Sprint(i), "1", []int{0, 1}, []int{0, 1}
				list[i]["name_localizations"], list[i]["description_localizations"], list[i]["dm_permission"], list[i]["nsfw"] = nil, nil, true, false
				if c["options"] == nil {
					list[i]["options"] = nil
				}
			}
		}
		kept, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		h.discord.commands = string(kept)
		for range 2 {
			h.stopRun()
			h.crash()
			h.run()
		}
		if n := len(h.discord.asked("PUT")); n != 1 {
			t.Errorf("nothing has changed, and the list was put %d times", n)
		}
		if n := len(h.discord.asked(fmt.Sprintf("GET /applications/%d/commands?with_localizations=true", appID))); n != 3 {
			t.Errorf("the list was fetched with its translations %d times, want 3", n)
		}
	})
}

// TestEntryPointCommandMadeMeanwhile: an Entry Point command that was made after the list
// was fetched is found when Discord refuses the list.
func TestEntryPointCommandMadeMeanwhile(t *testing.T) {
	refusal := fault{on: "PUT", status: 400, body: `{"code":50240,"message":"You cannot remove this app's Entry Point command in a bulk update operation."}`}
	for times, puts := range map[int]int{1: 2, -1: 2} {
		run(t, func(h *harness) {
			h.start()
			refusal.times = times
			h.discord.fail(refusal)
			h.run()
			if n := len(h.discord.asked("PUT")); n != puts {
				t.Errorf("refused %d times: put %d times", times, n)
			}
			if _, err := h.bot.RegistrationTrouble(); (err != nil) != (times < 0) {
				t.Errorf("refused %d times: %v", times, err)
			}
		})
	}
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

// TestUnregistered: which commands Discord has not, or not as they are, is found out without
// a change.
func TestUnregistered(t *testing.T) {
	ask := func(d *fakeDiscord) ([]string, error) {
		return Unregistered(t.Context(), Options{Token: testToken, HTTPClient: &http.Client{Transport: d}, APIURL: testBase}, appID)
	}
	d := newFakeDiscord()
	d.commands = `[{"name":"ping","description":"Another text"},{"type":1,"name":"uptime","description":"Says how long I have been running"},{"name":"else","description":"x"}]`
	if missing, err := ask(d); err != nil || !slices.Equal(missing, []string{"help", "ping", "status", "about", "shutdown"}) {
		t.Errorf("%q are missing, %v", missing, err)
	}
	if n := len(d.asked("")); n != 1 || len(d.asked("GET /applications/")) != 1 {
		t.Errorf("%d requests", n)
	}
	d.fail(fault{on: "GET", times: 1, status: 403})
	if _, err := ask(d); err == nil {
		t.Error("a refused list went unnoticed")
	}
	if _, err := Unregistered(t.Context(), Options{}, appID); err == nil {
		t.Error("options that cannot work went unnoticed")
	}
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

// TestEntryPointCommandLaunches: where Discord leaves the start of the Activity to the app,
// the Entry Point command arrives as an interaction and is answered with that.
func TestEntryPointCommandLaunches(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		data, token := h.slash(askerID, "launch")
		event := h.deliver("INTERACTION_CREATE", strings.Replace(data, `"name":"launch","options":[],"type":1`, `"name":"launch","options":[],"type":4`, 1))
		if i := h.discord.interaction(token); i.content != "the Activity was launched" || !event.released() {
			t.Errorf("%+v", i)
		}
		h.discord.fail(fault{on: "POST /interactions", times: 1, status: 404, body: `{"code":10062,"message":"Unknown interaction"}`})
		data, token = h.slash(askerID, "launch")
		event = h.deliver("INTERACTION_CREATE", strings.Replace(data, `"name":"launch","options":[],"type":1`, `"name":"launch","options":[],"type":4`, 1))
		if c := h.bot.Counts(); h.discord.interaction(token).acked || !event.released() || c.Failed != 1 || c.Answered != 1 {
			t.Errorf("after a launch that Discord has refused: counts %+v", c)
		}
	})
}
