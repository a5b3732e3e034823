package preflight

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

func fatal(code gateway.CloseCode) gateway.Reason {
	return gateway.Reason{Kind: gateway.ReasonFatal, Code: code, Text: code.Meaning()}
}

func (w *harness) inspect(code gateway.CloseCode) (gateway.Credentials, error) {
	return w.client.CheckCredentials(w.t.Context(), fatal(code), w.credentials())
}

// Given 4004, one GET /users/@me proves the token bad, and it is then used for
// nothing any more until another one is configured.
// Statements: G-095, G-098.
func TestAuthFailedIsVerifiedOnce(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.tokens = map[string]bool{newToken: true}
		for range 5 {
			if _, err := w.inspect(gateway.CloseAuthFailed); !errors.Is(err, gateway.ErrUnauthorized) {
				t.Fatalf("error is %v", err)
			}
			time.Sleep(10 * time.Minute)
		}
		w.asked(1)
		if w.discord.asked[0] != "GET /users/@me" {
			t.Errorf("asked %v", w.discord.asked)
		}
		w.token = newToken
		got, err := w.inspect(gateway.CloseAuthFailed)
		if want := (gateway.Credentials{Token: newToken, Intents: wanted}); got != want || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// Given a Discord that answered 401 by mistake and an operator who allows for
// that, the token is asked about again after a while.
func TestTokenIsRecheckedWhereAllowed(t *testing.T) {
	run(t, Options{TokenRecheck: 10 * time.Minute}, func(w *harness) {
		w.discord.tokens = nil
		for range 20 {
			if _, err := w.inspect(gateway.CloseAuthFailed); !errors.Is(err, gateway.ErrUnauthorized) {
				t.Fatalf("error is %v", err)
			}
			time.Sleep(time.Minute)
		}
		w.asked(2)
		w.discord.tokens = map[string]bool{token: true}
		if _, err := w.inspect(gateway.CloseAuthFailed); err != nil {
			t.Error(err)
		}
	})
}

// Given 4014, the error names exactly the switches that are off and the page
// they are on; when they are on, the shard may go on.
// Statements: G-096, G-098, G-144.
func TestRefusedIntentsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name, app string
		says      []string
		silent    string
	}{
		{"all off", appOff, []string{"Server Members Intent and Message Content Intent are switched off", "https://discord.com/developers/applications/456/bot"}, "Presence"},
		{"members on, limited", `{"id":456,"flags_new":"32768"}`, []string{"Message Content Intent is switched off", "/456/bot"}, "Members"},
		{"content on, reviewed", `{"id":"456","flags":262144}`, []string{"Server Members Intent is switched off"}, "Content"},
		{"flags_new wins", `{"id":"456","flags":565248,"flags_new":"0"}`, []string{"are switched off"}, "Presence"},
		{"flags_new is null", `{"id":"456","flags":"0","flags_new":null}`, []string{"are switched off"}, "Presence"},
		{"no id", `{"flags":0}`, []string{"https://discord.com/developers/applications (your application, Bot)"}, "/0/"},
		{"no flags", `{"id":"456"}`, []string{"no flags"}, "switched off at"},
	} {
		run(t, Options{}, func(w *harness) {
			w.discord.says(theApp, c.app)
			got, err := w.inspect(gateway.CloseDisallowedIntents)
			if err == nil || got != w.credentials() {
				t.Fatalf("%s: got %v, %v", c.name, got, err)
			}
			wantIn(t, err, c.says...)
			if strings.Contains(err.Error(), c.silent) {
				t.Errorf("%s: error is %v", c.name, err)
			}
			w.discord.says(theApp, appOn)
			if got, err := w.inspect(gateway.CloseDisallowedIntents); err != nil || got != w.credentials() {
				t.Errorf("%s: got %v, %v", c.name, got, err)
			}
			if strings.Contains(w.log.String(), "Optional intents") {
				t.Errorf("%s: the log says %s", c.name, w.log.String())
			}
		})
	}
}

// Given that an intent that is off is optional, the shard goes on without it;
// one that is not optional still stands in the way.
// Statements: G-096, G-098.
func TestOptionalIntentIsGivenUp(t *testing.T) {
	run(t, Options{Optional: gateway.IntentMessageContent | gateway.IntentGuildMembers}, func(w *harness) {
		w.discord.says(theApp, appOff)
		got, err := w.inspect(gateway.CloseDisallowedIntents)
		if want := gateway.IntentGuilds | gateway.IntentGuildMessages; got.Intents != want || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		wantIn(t, w.log.String(), "degraded", "Server Members Intent and Message Content Intent")
	})
	run(t, Options{Optional: gateway.IntentMessageContent}, func(w *harness) {
		w.discord.says(theApp, appOff)
		_, err := w.inspect(gateway.CloseDisallowedIntents)
		wantIn(t, err, "Server Members Intent is switched off")
	})
}

// Given that REST finds nothing wrong and the gateway refuses the bot all the
// same, it is not tried again at every look.
// Statements: G-047.
func TestDisagreementIsNotTriedAgainAndAgain(t *testing.T) {
	for _, code := range []gateway.CloseCode{gateway.CloseAuthFailed, gateway.CloseDisallowedIntents, gateway.CloseShardingRequired, gateway.CloseInvalidIntents} {
		run(t, Options{}, func(w *harness) {
			tries := 0
			for range 60 {
				if _, err := w.inspect(code); err == nil {
					tries++
				} else {
					wantIn(t, err, "although REST finds nothing wrong")
				}
				time.Sleep(30 * time.Second)
			}
			if tries != 6 {
				t.Errorf("%d: tried %d times in half an hour", code, tries)
			}
		})
	}
}

// Given 4003 on a live session, both the token and the switches are looked at.
// Statements: G-064.
func TestInvalidatedSessionIsLookedInto(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		for range 2 {
			if got, err := w.inspect(gateway.CloseNotAuthenticated); err != nil || got != w.credentials() {
				t.Fatalf("got %v, %v", got, err)
			}
		}
		w.discord.says(theApp, appOff)
		_, err := w.inspect(gateway.CloseNotAuthenticated)
		wantIn(t, err, "switched off")
		w.discord.tokens = nil
		if _, err := w.inspect(gateway.CloseNotAuthenticated); !errors.Is(err, gateway.ErrUnauthorized) {
			t.Errorf("error is %v", err)
		}
	})
}

// Given 4010 or 4011, the recommended number of shards is asked for anew and
// reported.
// Statements: G-097.
func TestShardCountIsReported(t *testing.T) {
	for _, code := range []gateway.CloseCode{gateway.CloseInvalidShard, gateway.CloseShardingRequired} {
		run(t, Options{}, func(w *harness) {
			if _, err := w.client.Limits(w.t.Context()); err != nil {
				t.Fatal(err)
			}
			w.discord.says(theRoute, `{"url":"wss://x.discord.gg","shards":3}`)
			_, err := w.inspect(code)
			wantIn(t, err, "needs 3 shards and runs 1")
			w.asked(2)
		})
	}
}

// Given codes about which REST knows nothing, the error says what helps.
func TestCodesThatNoQuestionAnswers(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		_, err := w.inspect(gateway.CloseInvalidVersion)
		wantIn(t, err, "Update this program")
		w.asked(0)
	})
	run(t, Options{Intents: wants(wanted | 1<<40)}, func(w *harness) {
		_, err := w.inspect(gateway.CloseInvalidIntents)
		wantIn(t, err, "unknown bits")
		w.asked(0)
	})
	run(t, Options{Intents: wants(gateway.IntentGuilds)}, func(w *harness) {
		if _, err := w.inspect(gateway.CloseDisallowedIntents); err != nil {
			t.Error(err)
		}
		w.asked(0)
	})
}

// Given that REST is down, the shard stays parked and the error says why.
func TestInspectionWithoutREST(t *testing.T) {
	for _, code := range []gateway.CloseCode{gateway.CloseAuthFailed, gateway.CloseDisallowedIntents, gateway.CloseShardingRequired, gateway.CloseNotAuthenticated} {
		run(t, Options{}, func(w *harness) {
			for _, path := range []string{theUser, theApp, theRoute} {
				w.discord.set(path, reply{err: errNetwork})
			}
			_, err := w.inspect(code)
			if err == nil || errors.Is(err, gateway.ErrUnauthorized) {
				t.Errorf("%d: error is %v", code, err)
			}
			wantIn(t, err, errNetwork.Error())
			w.asked(1)
		})
	}
}

// Given credentials that differ from those which REST found in order a moment ago, they
// are tried at once: another token, other intents, or a shard that has not taken them up.
// Statements: G-047.
func TestChangedCredentialsAreTriedAtOnce(t *testing.T) {
	run(t, Options{Optional: gateway.IntentMessageContent}, func(w *harness) {
		w.discord.tokens[newToken] = true
		try := func(current gateway.Credentials, good bool) {
			t.Helper()
			if _, err := w.client.CheckCredentials(w.t.Context(), fatal(gateway.CloseDisallowedIntents), current); (err == nil) != good {
				t.Errorf("error is %v", err)
			} else if err != nil {
				wantIn(t, err, "although REST finds nothing wrong", "tried again after 4m59s")
			}
			time.Sleep(time.Second)
		}
		try(w.credentials(), true)
		try(w.credentials(), false)
		w.token = newToken
		try(w.credentials(), true) // it has the old token
		try(w.credentials(), true) // and has not taken up the new one
		now := w.credentials()
		now.Token = newToken
		try(now, false)
		w.token = token
		try(w.credentials(), true)
		w.discord.says(theApp, `{"id":"456","flags":49152}`)
		try(w.credentials(), true) // without an intent now
		now = w.credentials()
		now.Intents &^= gateway.IntentMessageContent
		try(now, false)
	})
}

// Given a token that was taken out of the settings, or a refusal that has no rule, the
// token that the shard has is checked.
func TestTokenOfTheShardIsChecked(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.token = ""
		if got, err := w.inspect(gateway.CloseAuthFailed); err != nil || got != w.credentials() {
			t.Errorf("got %v, %v", got, err)
		}
		w.asked(1)
		if _, err := w.client.CheckCredentials(w.t.Context(), gateway.Reason{Code: 4999}, w.credentials()); err != nil {
			t.Error(err)
		}
		w.asked(2)
		if w.discord.asked[1] != "GET "+theUser {
			t.Errorf("asked %v", w.discord.asked)
		}
		_, err := w.client.GatewayURL(w.t.Context(), "")
		wantIn(t, err, "there is no token: set DISCORD_TOKEN")
		w.asked(2)
		if strings.Contains(w.log.String(), "Optional intents") {
			t.Errorf("warned of intents: %s", w.log.String())
		}
	})
}
