package preflight

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/process/config"
)

// check expects no failure.
func (w *harness) check() Report {
	w.t.Helper()
	r, err := w.client.Check(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	wantIn(w.t, r)
	wantIn(w.t, r.Warnings)
	return r
}

// fails expects a failure that a supervisor must not loop on.
func (w *harness) fails(parts ...string) error {
	w.t.Helper()
	_, err := w.client.Check(w.t.Context())
	failure, ok := errors.AsType[*config.Failure](err)
	if !ok || failure.Code != config.ExitConfig || len(failure.Steps) == 0 {
		w.t.Fatalf("error is %v", err)
	}
	wantIn(w.t, err, parts...)
	return err
}

// Given that all is well, three questions tell everything, without a warning.
func TestCheckOfAHealthyBot(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		r := w.check()
		if !r.Reached || r.Trouble != nil || len(r.Warnings) != 0 || r.Intents != wanted || r.Dropped != 0 ||
			r.User != (User{ID: 123, Name: "ResearchBot"}) || r.Application.ID != 456 || r.Application.Guilds != 3 ||
			r.URL != address || r.Shards != 1 || r.Limits.Remaining != 990 || !r.Exhausted().IsZero() {
			t.Errorf("report is %+v", r)
		}
		if got, want := r.String(), "the token belongs to ResearchBot (123), in about 3 guilds, 990 of 1000 session starts are left, shards recommended: 1"; got != want {
			t.Errorf("the report says %q, want %q", got, want)
		}
		if got := (Report{Reached: true}).String() + (Report{}).String(); got != "REST did not answer everything" {
			t.Errorf("reports of nothing say %q", got)
		}
		w.asked(3)
		w.locate("", address) // what the check learnt serves the shard
		if _, err := w.client.Limits(w.t.Context()); err != nil {
			t.Error(err)
		}
		w.asked(3)
	})
}

// Given a wrong token, the first question ends the start, with what to do.
// Statements: G-004.
func TestCheckOfAWrongToken(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.tokens = nil
		err := w.fails("token is not valid", "https://discord.com/developers/applications", "Reset Token", "DISCORD_TOKEN")
		if !errors.Is(err, gateway.ErrUnauthorized) {
			t.Errorf("error is %v", err)
		}
		w.asked(1)
		failure, _ := errors.AsType[*config.Failure](err)
		if len(failure.Steps) != 3 {
			t.Errorf("the steps are %q", failure.Steps)
		}
	})
	run(t, Options{APIURL: "https://elsewhere.test/api/v10"}, func(w *harness) {
		w.discord.tokens = nil
		failure, _ := errors.AsType[*config.Failure](w.fails("token is not valid"))
		if len(failure.Steps) != 4 {
			t.Errorf("the steps are %q", failure.Steps)
		}
		wantIn(t, failure.Steps[0], "It was tried at elsewhere.test, which DISCORD_API_URL names")
	})
}

// Given privileged intents whose switches are off, the start ends and the error
// names exactly those, the page, and the setting to do without.
// Statements: G-096, G-144.
func TestCheckOfIntentsThatAreOff(t *testing.T) {
	for _, c := range []struct {
		name, app string
		intents   gateway.Intents
		says      []string
		silent    []string
	}{
		{"two off", appOff, wanted,
			[]string{"Server Members Intent and Message Content Intent are switched off", "applications/456/bot", "DISCORD_OPTIONAL_INTENTS=GUILD_MEMBERS,MESSAGE_CONTENT"},
			[]string{"Presence Intent"}},
		{"presence off", `{"id":"456","flags_new":"557056"}`, wanted | gateway.IntentGuildPresences,
			[]string{"Presence Intent is switched off", "DISCORD_OPTIONAL_INTENTS=GUILD_PRESENCES", "DISCORD_PRESENCE_INTENT"},
			[]string{"Members", "Content"}},
		{"content off", `{"id":"456","flags_new":16384}`, wanted, []string{"Message Content Intent is switched off"}, []string{"Members", "Presence"}},
	} {
		run(t, Options{Intents: wants(c.intents)}, func(w *harness) {
			w.discord.says(theApp, c.app)
			err := w.fails(c.says...)
			for _, word := range c.silent {
				if strings.Contains(err.Error(), word) {
					t.Errorf("%s: %q in %v", c.name, word, err)
				}
			}
		})
	}
}

// Every single flag that stands for an intent is enough, and no other is.
// Statements: G-144.
func TestCheckReadsEitherFlag(t *testing.T) {
	masks := map[gateway.Intents]uint64{gateway.IntentGuildPresences: 12288, gateway.IntentGuildMembers: 49152, gateway.IntentMessageContent: 786432}
	for intent, mask := range masks {
		for bit := range 31 {
			a := Application{Flags: 1 << bit, FlagsKnown: true}
			_, _, missing := (&Client{}).splitIntents(intent|gateway.IntentGuilds, a)
			if on := a.Flags&mask != 0; on != (missing == 0) {
				t.Errorf("flag %d: %v is missing", bit, missing)
			}
		}
	}
}

// Given that what is off is optional, the bot starts without it, and the warning
// says what is missing then.
// Statements: G-096.
func TestCheckDropsOptionalIntents(t *testing.T) {
	run(t, Options{Optional: gateway.IntentMessageContent | gateway.IntentGuildMembers}, func(w *harness) {
		w.discord.says(theApp, appOff)
		r := w.check()
		if r.Dropped != gateway.IntentGuildMembers|gateway.IntentMessageContent || r.Intents != gateway.IntentGuilds|gateway.IntentGuildMessages || !r.Reached {
			t.Errorf("report is %+v", r)
		}
		wantIn(t, r.Warnings, "Server Members Intent and Message Content Intent are switched off", "starts without, degraded", "commands by prefix do not work", "who joins", "/456/bot")
	})
}

// Given one optional switch that is off, the warning speaks of one.
func TestCheckDropsOneIntent(t *testing.T) {
	run(t, Options{Optional: gateway.IntentMessageContent}, func(w *harness) {
		w.discord.says(theApp, `{"id":"456","flags_new":16384}`)
		wantIn(t, w.check().Warnings, "Message Content Intent is switched off")
	})
}

// Given that the day's starts are spent, that is said with the time, and is no
// reason to exit: a stored session may still be resumed.
// Statements: G-041.
func TestCheckOfAnEmptyBudget(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.says(theRoute, `{"url":"wss://x.discord.gg","shards":1,"session_start_limit":{"total":1000,"remaining":0,"reset_after":5400000,"max_concurrency":1}}`)
		r := w.check()
		until := time.Now().Add(90 * time.Minute)
		if !r.Exhausted().Equal(until) {
			t.Errorf("exhausted until %v", r.Exhausted())
		}
		wantIn(t, r.Warnings, "All 1000 session starts", until.Format(time.DateTime), "1h30m0s")
	})
}

// Given an interactions endpoint, the warning says that slash commands go there.
// Statements: G-150.
func TestCheckOfAnEndpoint(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.says(theApp, strings.Replace(appOn, `"interactions_endpoint_url":null`, `"interactions_endpoint_url":"https://example.org/hook"`, 1))
		wantIn(t, w.check().Warnings, "https://example.org/hook", "instead of to the gateway", "/456/information")
	})
}

// Given more shards recommended, that is a warning; given more guilds than the
// shards may hold, the start ends and the number needed is named.
// Statements: G-097.
func TestCheckOfTheShardCount(t *testing.T) {
	three := strings.Replace(bot, `"shards":1`, `"shards":3`, 1)
	guilds := func(n string) string {
		return strings.Replace(appOn, `"approximate_guild_count":3`, `"approximate_guild_count":`+n, 1)
	}
	run(t, Options{}, func(w *harness) {
		w.discord.says(theRoute, three)
		w.discord.says(theApp, guilds("2500"))
		wantIn(t, w.check().Warnings, "recommends 3 shards", "runs 1")
	})
	run(t, Options{}, func(w *harness) {
		w.discord.says(theApp, guilds("7501"))
		w.fails("needs 4 shards", "about 7501 guilds")
	})
	run(t, Options{}, func(w *harness) {
		w.discord.says(theApp, guilds("5000"))
		w.fails("the bot needs 2 shards and runs 1: it is in about 5000 guilds, and a shard may have 2500")
	})
	if got := (&tooFewShards{needed: 3, running: 2}).Error(); got != "the bot needs 3 shards and runs 2" {
		t.Error(got)
	}
	run(t, Options{}, func(w *harness) {
		w.discord.says(theRoute, strings.Replace(bot, `"shards":1`, `"shards":9`, 1))
		w.discord.says(theApp, guilds("7501"))
		w.fails("needs 9 shards")
	})
	run(t, Options{Shards: 4}, func(w *harness) {
		w.discord.says(theApp, guilds("7501"))
		if r := w.check(); len(r.Warnings) != 0 {
			t.Errorf("warned %v", r.Warnings)
		}
	})
}

// Given that REST cannot be reached, the bot starts anyway: the report says
// why, in bounded time.
// Statements: G-005.
func TestCheckWithoutREST(t *testing.T) {
	for name, c := range map[string]struct {
		trouble reply
		asked   int
	}{
		"network": {reply{err: errNetwork}, 1},
		"silence": {reply{delay: time.Hour}, 1},
		"outage":  {reply{status: 502, body: outage}, 3},
		"limit":   {reply{status: 429, body: `{"message":"slow","retry_after":40}`}, 3},
		"blocked": {reply{status: 403, body: `{"message":"internal network error","code":40333}`}, 3},
		"portal":  {reply{status: 200, body: "<html>sign in to the hotel</html>"}, 1},
	} {
		run(t, Options{}, func(w *harness) {
			for _, path := range []string{theUser, theApp, theRoute} {
				w.discord.set(path, c.trouble)
			}
			began := time.Now()
			r := w.check()
			if r.Reached || r.Trouble == nil || r.Intents != wanted || len(r.Warnings) != 1 || time.Since(began) > DefaultCheckTimeout {
				t.Errorf("%s: report is %+v after %v", name, r, time.Since(began))
			}
			wantIn(t, r.Warnings, "starts nevertheless")
			wantIn(t, r, "did not answer everything")
			w.asked(c.asked)
		})
	}
}

// Given that only a part of REST answers, what it says counts.
func TestCheckWithHalfOfREST(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.set(theApp, reply{status: 500, body: outage})
		r := w.check()
		if r.Reached || r.User.ID != 123 || r.Limits.Total != 1000 || r.Intents != wanted {
			t.Errorf("report is %+v", r)
		}
	})
	run(t, Options{}, func(w *harness) {
		w.discord.set(theRoute, reply{status: 500, body: outage})
		r := w.check()
		if r.Reached || r.User.ID != 123 || r.URL != "" || len(r.Warnings) != 1 {
			t.Errorf("report is %+v", r)
		}
	})
	run(t, Options{}, func(w *harness) {
		w.discord.set(theUser, reply{status: 500, body: outage})
		w.discord.says(theApp, appOff)
		w.fails("switched off")
	})
}

// Given answers full of surprises, each costs what it concerns and no more.
// Statements: G-111.
func TestCheckReadsLeniently(t *testing.T) {
	for _, c := range []struct{ user, app, bot string }{
		{`{"id":123,"username":null}`, `{"id":456,"flags":"565248","name":7,"interactions_endpoint_url":false,"approximate_guild_count":"3"}`, bot},
		{`{}`, `{"flags_new":"565248","flags":null,"team":[],"approximate_guild_count":-5}`, bot},
		{`{"id":"123","id":"124","username":"\ud800"}`, `{"id":"456","flags":1e3,"flags_new":"565248","approximate_guild_count":99999999999999999999}`, bot},
	} {
		run(t, Options{}, func(w *harness) {
			w.discord.says(theUser, c.user)
			w.discord.says(theApp, c.app)
			w.discord.says(theRoute, c.bot)
			if r := w.check(); !r.Reached || len(r.Warnings) != 0 || r.Intents != wanted {
				t.Errorf("%s, %s: report is %+v", c.user, c.app, r)
			}
		})
	}
	run(t, Options{}, func(w *harness) {
		w.discord.says(theApp, `{"id":"456","flags":{},"flags_new":""}`)
		w.discord.says(theRoute, `{"url":null,"shards":"many"}`)
		r := w.check()
		if r.Intents != wanted || len(r.Warnings) != 4 {
			t.Errorf("report is %+v", r)
		}
		wantIn(t, r.Warnings, "did not tell which privileged intents", "no usable address", `recommends "many" shards`, "counts them itself")
	})
}

// Given a start that is broken off, the check ends with it.
func TestCheckIsBrokenOff(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.set(theApp, reply{delay: time.Hour})
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := w.client.Check(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
}

// Given an error text of Discord's that repeats the token or rambles on, it is
// cut to what can be printed.
// Statements: G-157.
func TestWhatDiscordSaysIsMadePlain(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.set(theUser, reply{status: 400, body: `{"message":"no ` + token + `\n` + strings.Repeat("blah ", 500) + `"}`})
		r := w.check()
		wantIn(t, r.Trouble, "no *** blah")
		if n := len(r.Trouble.Error()); n > 300 {
			t.Errorf("the error has %d bytes", n)
		}
	})
}
