package discordsim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestManners lets a bot behave badly in one way after the other: each is
// recorded under the statement it breaks, and a bot that waits as it was told
// is not accused of anything.
func TestManners(t *testing.T) {
	exhaust := func(w *town) {
		for range 5 {
			w.say("x").is(200, 0)
		}
	}
	for name, c := range map[string]struct {
		does func(*town)
		want []string
	}{
		"waits for the reset": {func(w *town) { exhaust(w); time.Sleep(5 * time.Second); w.say("x").is(200, 0) }, nil},
		"sends with nothing left": {func(w *town) {
			exhaust(w)
			time.Sleep(time.Second)
			w.say("x").is(429, 0)
		}, []string{"G-128"}},
		"sends in the same moment": {func(w *town) { exhaust(w); w.say("x").is(429, 0) }, nil},
		"sends after a 429": {func(w *town) {
			w.fault(Fault{Name: "rest-429", Count: 1, Delay: 10 * time.Second})
			w.say("x").is(429, 0)
			time.Sleep(5 * time.Second)
			w.say("x").is(429, 0)
		}, []string{"G-129"}},
		"sends after a shared 429": {func(w *town) {
			w.fault(Fault{Name: "rest-429-shared", Count: 1, Delay: 10 * time.Second})
			w.say("x").is(429, 0)
			time.Sleep(5 * time.Second)
			w.say("x").is(429, 0)
		}, []string{"G-129"}},
		"cannot have heard of the 429": {func(w *town) {
			w.fault(Fault{Name: "rest-429", Count: 1, Delay: 10 * time.Second})
			w.fault(Fault{Name: "stall", Delay: 7 * time.Second})
			w.say("x").is(429, 0)
			time.Sleep(5 * time.Second)
			w.say("x").is(429, 0)
		}, nil},
		"sends elsewhere after a 429": {func(w *town) {
			w.fault(Fault{Name: "rest-429", Count: 1, Delay: 10 * time.Second})
			w.say("x").is(429, 0)
			time.Sleep(5 * time.Second)
			w.ask("GET", "/users/@me", nil).is(200, 0)
		}, nil},
		"sends in a global pause": {func(w *town) {
			w.fault(Fault{Name: "rest-429-global", Count: 1, Delay: 10 * time.Second})
			w.say("x").is(429, 0)
			time.Sleep(5 * time.Second)
			w.ask("GET", "/users/@me", nil).is(429, 0)
		}, []string{"G-130"}},
		"sends too much": {func(w *town) {
			for range 51 {
				w.ask("GET", "/gateway/bot", nil)
			}
		}, []string{"G-131"}},
		"uses a dead token": {func(w *town) {
			old := "Bot " + w.app.Token
			w.ask("GET", "/users/@me", nil).is(200, 0)
			w.ResetToken(w.app)
			for _, path := range []string{"/users/@me", "/users/@me/guilds"} {
				w.send(petition{method: "GET", path: "/api/v10" + path, token: old}).is(401, 0)
				time.Sleep(5 * time.Second)
			}
		}, []string{"G-132"}},
		"asks again for what is not there": {func(w *town) {
			for range 2 {
				w.ask("GET", "/channels/999999", nil).is(404, 10003)
				time.Sleep(5 * time.Second)
			}
		}, []string{"G-133"}},
		"says too much": {func(w *town) {
			w.say(strings.Repeat("x", 2001)).is(400, 50035)
		}, []string{"G-139"}},
		"pings whom it answers": {func(w *town) {
			m := w.Say(w.channel, w.person.ID, "!ping")
			w.ask("POST", w.messagesPath(), map[string]any{"content": "x", "message_reference": map[string]any{"message_id": m.ID}}).is(200, 0)
		}, []string{"G-138"}},
		"forgets the prefix": {func(w *town) {
			w.send(petition{method: "GET", path: "/api/v10/users/@me", token: w.app.Token}).is(401, 0)
		}, []string{"G-125"}},
		"puts the token into a URL": {func(w *town) {
			w.ask("GET", "/users/@me?token="+w.app.Token, nil).is(200, 0)
		}, []string{"G-157"}},
		"answers the same twice": {func(w *town) {
			w.fault(Fault{Name: "rest-commit-then-drop", Count: 1})
			for n := range 2 {
				m := w.Say(w.channel, w.person.ID, "!ping")
				w.ask("POST", w.messagesPath(), map[string]any{
					"content": "pong", "nonce": n, "enforce_nonce": true, "allowed_mentions": map[string]any{"parse": []string{}},
					"message_reference": map[string]any{"message_id": m.ID, "fail_if_not_exists": false},
				})
			}
		}, nil},
	} {
		inTown(t, Config{}, func(t *testing.T, w *town) {
			c.does(w)
			if got := w.accused(); !slices.Equal(got, c.want) {
				t.Errorf("a bot that %s is accused of %v instead of %v", name, got, c.want)
			}
			for _, v := range w.Verdict(w.app).Violations {
				if strings.Contains(v.What, w.app.Token) {
					t.Errorf("a violation tells the token: %s", v.Statement)
				}
			}
		})
	}
}
