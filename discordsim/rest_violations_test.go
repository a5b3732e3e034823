package discordsim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRESTViolations lets a bot behave badly in one way after the other: each is
// recorded under the statement it breaks, and a bot that waits as it was told
// has no violations.
func TestRESTViolations(t *testing.T) {
	exhaust := func(w *restHarness) {
		for range 5 {
			w.say("x").hasStatus(200, 0)
		}
	}
	for name, c := range map[string]struct {
		does func(*restHarness)
		want []string
	}{
		"waits for the reset": {func(w *restHarness) { exhaust(w); time.Sleep(5 * time.Second); w.say("x").hasStatus(200, 0) }, nil},
		"sends with nothing left": {func(w *restHarness) {
			exhaust(w)
			time.Sleep(time.Second)
			w.say("x").hasStatus(429, 0)
		}, []string{"G-128"}},
		"sends in the same moment": {func(w *restHarness) { exhaust(w); w.say("x").hasStatus(429, 0) }, nil},
		"sends after a 429": {func(w *restHarness) {
			w.fault(Fault{Name: "rest-429", Count: 1, Delay: 10 * time.Second})
			w.say("x").hasStatus(429, 0)
			time.Sleep(5 * time.Second)
			w.say("x").hasStatus(429, 0)
		}, []string{"G-129"}},
		"sends after a shared 429": {func(w *restHarness) {
			w.fault(Fault{Name: "rest-429-shared", Count: 1, Delay: 10 * time.Second})
			w.say("x").hasStatus(429, 0)
			time.Sleep(5 * time.Second)
			w.say("x").hasStatus(429, 0)
		}, []string{"G-129"}},
		"cannot have heard of the 429": {func(w *restHarness) {
			w.fault(Fault{Name: "rest-429", Count: 1, Delay: 10 * time.Second})
			w.fault(Fault{Name: "stall", Delay: 7 * time.Second})
			w.say("x").hasStatus(429, 0)
			time.Sleep(5 * time.Second)
			w.say("x").hasStatus(429, 0)
		}, nil},
		"sends elsewhere after a 429": {func(w *restHarness) {
			w.fault(Fault{Name: "rest-429", Count: 1, Delay: 10 * time.Second})
			w.say("x").hasStatus(429, 0)
			time.Sleep(5 * time.Second)
			w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		}, nil},
		"sends in a global pause": {func(w *restHarness) {
			w.fault(Fault{Name: "rest-429-global", Count: 1, Delay: 10 * time.Second})
			w.say("x").hasStatus(429, 0)
			time.Sleep(5 * time.Second)
			w.request("GET", "/users/@me", nil).hasStatus(429, 0)
		}, []string{"G-130"}},
		"sends too much": {func(w *restHarness) {
			for range 51 {
				w.request("GET", "/gateway/bot", nil)
			}
		}, []string{"G-131"}},
		"uses a dead token": {func(w *restHarness) {
			old := "Bot " + w.app.Token
			w.request("GET", "/users/@me", nil).hasStatus(200, 0)
			w.ResetToken(w.app)
			for _, path := range []string{"/users/@me", "/users/@me/guilds"} {
				w.send(apiRequest{method: "GET", path: "/api/v10" + path, token: old}).hasStatus(401, 0)
				time.Sleep(5 * time.Second)
			}
		}, []string{"G-132"}},
		"asks again for what is not there": {func(w *restHarness) {
			for range 2 {
				w.request("GET", "/channels/999999", nil).hasStatus(404, 10003)
				time.Sleep(5 * time.Second)
			}
		}, []string{"G-133"}},
		"says too much": {func(w *restHarness) {
			w.say(strings.Repeat("x", 2001)).hasStatus(400, 50035)
		}, []string{"G-139"}},
		"pings whom it answers": {func(w *restHarness) {
			m := w.Say(w.channel, w.person.ID, "!ping")
			w.request("POST", w.messagesPath(), map[string]any{"content": "x", "message_reference": map[string]any{"message_id": m.ID}}).hasStatus(200, 0)
		}, []string{"G-138"}},
		"forgets the prefix": {func(w *restHarness) {
			w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: w.app.Token}).hasStatus(401, 0)
		}, []string{"G-125"}},
		"puts the token into a URL": {func(w *restHarness) {
			w.request("GET", "/users/@me?token="+w.app.Token, nil).hasStatus(200, 0)
		}, []string{"G-157"}},
		"answers the same twice": {func(w *restHarness) {
			w.fault(Fault{Name: "rest-commit-then-drop", Count: 1})
			for n := range 2 {
				m := w.Say(w.channel, w.person.ID, "!ping")
				w.request("POST", w.messagesPath(), map[string]any{
					"content": "pong", "nonce": n, "enforce_nonce": true, "allowed_mentions": map[string]any{"parse": []string{}},
					"message_reference": map[string]any{"message_id": m.ID, "fail_if_not_exists": false},
				})
			}
		}, nil},
	} {
		withREST(t, Config{}, func(t *testing.T, w *restHarness) {
			c.does(w)
			if got := w.violations(); !slices.Equal(got, c.want) {
				t.Errorf("a bot that %s is recorded with %v instead of %v", name, got, c.want)
			}
			for _, v := range w.Verdict(w.app).Violations {
				if strings.Contains(v.What, w.app.Token) {
					t.Errorf("a violation tells the token: %s", v.Statement)
				}
			}
		})
	}
}
