package preflight

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bounds"
	"evergreen/internal/discord/rest"
)

const address = "wss://gateway.discord.gg"

func (w *harness) locate(failed, want string) {
	w.t.Helper()
	if got, err := w.client.GatewayURL(w.t.Context(), failed); got != want || err != nil {
		w.t.Fatalf("located %q, %v; want %q", got, err, want)
	}
}

// Given a first connection, the address is asked for with the token and a
// proper User-Agent; later ones use what was learnt.
// Statements: G-001, G-002.
func TestAddressIsAskedForOnce(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		for range 3 {
			w.locate("", address)
			time.Sleep(24 * time.Hour)
		}
		w.asked(1)
		if w.discord.asked[0] != "GET /gateway/bot" || w.discord.agents[0] != DefaultUserAgent || w.discord.bases[0] != DefaultAPIURL {
			t.Errorf("asked %v as %v at %v", w.discord.asked, w.discord.agents, w.discord.bases)
		}
	})
	run(t, Options{APIURL: "https://discord.test/api/v10/"}, func(w *harness) {
		if _, err := w.client.GatewayURL(w.t.Context(), ""); err != nil {
			t.Error(err)
		}
		if w.discord.bases[0] != "https://discord.test/api/v10" {
			t.Errorf("asked at %v", w.discord.bases)
		}
	})
	run(t, Options{APIURL: "https://[::1"}, func(w *harness) {
		_, err := w.client.GatewayURL(w.t.Context(), "")
		wantIn(t, err, "GET /gateway/bot: the address in DISCORD_API_URL cannot be used")
	})
}

// Given a question that is under way, those who need no answer to it do not wait for it.
func TestWhatIsKnownIsToldAtOnce(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.locate("", address)
		w.discord.set(theRoute, reply{status: 200, body: bot, delay: 5 * time.Second})
		var asking sync.WaitGroup
		asking.Go(func() { w.locate(address, address) })
		time.Sleep(time.Second)
		began := time.Now()
		w.locate("", address)
		if _, err := w.client.Limits(w.t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("it took %v, %v", time.Since(began), err)
		}
		asking.Wait()
		w.asked(2)
	})
}

// Given a bot that learns how many shards it has while it runs, that number counts; while
// it is not known, the one that Discord recommends does.
func TestRunningShards(t *testing.T) {
	for running, warned := range map[int]string{0: "", 1: "the bot runs 1.", 2: "the bot runs 2.", 3: ""} {
		run(t, Options{Shards: 7, Running: func() int { return running }}, func(w *harness) {
			w.discord.says(theRoute, strings.Replace(bot, `"shards":1`, `"shards":3`, 1))
			r := w.check()
			if warned == "" && len(r.Warnings) != 0 {
				t.Errorf("%d running: warned %v", running, r.Warnings)
			}
			wantIn(t, r.Warnings, warned)
		})
	}
	run(t, Options{Running: func() int { return 0 }}, func(w *harness) {
		w.discord.set(theRoute, reply{err: errNetwork})
		w.discord.says(theApp, strings.Replace(appOn, `"approximate_guild_count":3`, `"approximate_guild_count":2501`, 1))
		if r := w.check(); r.Reached {
			t.Errorf("report is %+v", r)
		}
	})
}

// Given that the address cannot be connected to, it is asked for again at once,
// and then no more than every few seconds while it still fails.
// Statements: G-002.
func TestAddressThatFailedIsAskedForAgain(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.locate("", address)
		w.discord.says(theRoute, `{"url":"wss://other.discord.gg/"}`)
		w.locate("wss://elsewhere", address) // not the one that is known
		w.asked(1)
		w.locate(address, "wss://other.discord.gg/")
		w.asked(2)
		for range 10 {
			w.locate("wss://other.discord.gg/", "wss://other.discord.gg/")
			time.Sleep(time.Second)
		}
		w.asked(2)
		time.Sleep(failedURLRecheck)
		w.locate("wss://other.discord.gg/", "wss://other.discord.gg/")
		w.asked(3)
	})
}

// Given shards that all ask at once, one request serves them.
func TestShardsAskTogether(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.set(theRoute, reply{status: 200, body: bot, delay: time.Second})
		for _, failed := range []string{"", address} {
			var group sync.WaitGroup
			for range 16 {
				group.Go(func() { w.locate(failed, address) })
			}
			group.Wait()
		}
		w.asked(2)
	})
}

// Given that REST is in trouble when the address is asked for anew, the one
// that was known is tried again.
// Statements: G-005.
func TestOldAddressServesWhileRESTIsDown(t *testing.T) {
	for name, trouble := range map[string]reply{
		"network": {err: errNetwork}, "outage": {status: 502, body: outage}, "limit": {status: 429, body: `{"retry_after":9}`},
		"silence": {status: 200, body: bot, delay: time.Hour}, "nonsense": {status: 200, body: "<html>welcome to the hotel</html>"},
		"empty": {status: 200, body: "{}"}, "torn": {status: 200, body: bot, torn: true}, "wrong": {status: 200, body: `{"url":"ftp://x"}`},
	} {
		run(t, Options{}, func(w *harness) {
			w.locate("", address)
			w.discord.set(theRoute, trouble)
			began := time.Now()
			w.locate(address, address)
			if time.Since(began) > DefaultTimeout {
				t.Errorf("%s: took %v", name, time.Since(began))
			}
			w.asked(2)
			if said := strings.Contains(w.log.String(), "could not be asked for again; the old one is used"); said != (trouble.body != "{}" && name != "wrong") {
				t.Errorf("%s: the log says so: %t", name, said)
			}
		})
	}
}

// Given that REST is in trouble before the address was ever known, the error
// says what is wrong, within the time of one question, and the next call asks
// again.
// Statements: G-005.
func TestUnknownAddressIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		trouble reply
		says    []string
	}{
		"network":  {reply{err: errNetwork}, []string{"GET /gateway/bot", "network is unreachable"}},
		"outage":   {reply{status: 502, body: outage}, []string{"Discord answered 502: Bad Gateway"}},
		"failure":  {reply{status: 500, body: `{"message":"500: Internal Server Error"}`}, []string{"Discord answered 500: 500: Internal Server Error"}},
		"odd":      {reply{status: 499, body: outage}, []string{"Discord answered 499: no explanation"}},
		"null":     {reply{status: 200, body: "null"}, []string{"not the JSON"}},
		"torn":     {reply{status: 200, body: bot, torn: true}, []string{"unexpected EOF"}},
		"unsent":   {reply{err: &rest.Error{Request: "GET /gateway/bot", Reason: rest.ReasonConnection, Err: errNetwork}}, []string{"GET /gateway/bot got no answer"}},
		"missing":  {reply{status: 404, body: "{}"}, []string{"404", "DISCORD_API_URL"}},
		"nonsense": {reply{status: 200, body: "<html>"}, []string{"not the JSON"}},
		"empty":    {reply{status: 200, body: "{}"}, []string{"no usable address"}},
		"silence":  {reply{delay: time.Hour}, []string{"deadline exceeded"}},
	} {
		run(t, Options{}, func(w *harness) {
			w.discord.set(theRoute, c.trouble)
			began := time.Now()
			_, err := w.client.GatewayURL(w.t.Context(), "")
			if err == nil || errors.Is(err, gateway.ErrUnauthorized) || time.Since(began) > DefaultTimeout {
				t.Errorf("%s: %v after %v", name, err, time.Since(began))
			}
			wantIn(t, err, c.says...)
			if connect, ok := errors.AsType[*gateway.ConnectError](err); ok != (c.trouble.status >= 500) || ok && connect.Status != c.trouble.status {
				t.Errorf("%s: the error is a %T", name, err)
			}
			if n := strings.Count(err.Error(), "GET /gateway/bot"); n != 1 {
				t.Errorf("%s: %v", name, err)
			}
			w.discord.says(theRoute, bot)
			w.locate("", address)
		})
	}
}

// Given a token that Discord refuses, the error says so to the shard, and no
// further request is made with it; a new token is taken up.
// Statements: G-004, G-132.
func TestRefusedTokenParksTheShard(t *testing.T) {
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"plain":        func(r http.RoundTripper) http.RoundTripper { return r },
		"with manners": func(r http.RoundTripper) http.RoundTripper { return rest.New(rest.Options{Base: r}) },
	} {
		client := &http.Client{}
		run(t, Options{HTTPClient: client}, func(w *harness) {
			client.Transport = wrap(w.discord)
			w.discord.tokens = map[string]bool{newToken: true}
			for range 3 {
				_, err := w.client.GatewayURL(w.t.Context(), "")
				if !errors.Is(err, gateway.ErrUnauthorized) {
					t.Fatalf("%s: error is %v", name, err)
				}
				time.Sleep(time.Hour)
			}
			w.asked(1)
			w.token = "Bot " + newToken + "\n"
			w.locate("", address)
		})
	}
}

// Given that somebody else's requests had the token refused, the Transport's
// refusal to send means the same.
func TestTokenRefusedElsewhere(t *testing.T) {
	client := &http.Client{}
	run(t, Options{HTTPClient: client}, func(w *harness) {
		client.Transport = rest.New(rest.Options{Base: w.discord})
		w.discord.tokens = nil
		req, _ := http.NewRequest("GET", "https://discord.test/api/v10/channels/1", nil)
		req.Header.Set("Authorization", "Bot "+token)
		w.discord.says("/channels/1", "{}")
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != 401 || resp.Body.Close() != nil {
			t.Fatal(resp, err)
		}
		if _, err := w.client.GatewayURL(w.t.Context(), ""); !errors.Is(err, gateway.ErrUnauthorized) {
			t.Errorf("error is %v", err)
		}
		w.asked(1)
	})
}

// Given a proxy that wants a password, the token is not taken for refused.
func TestForeign401IsTrouble(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.set(theRoute, reply{status: 401, body: "<html>who are you?</html>"})
		_, err := w.client.GatewayURL(w.t.Context(), "")
		if err == nil || errors.Is(err, gateway.ErrUnauthorized) {
			t.Errorf("error is %v", err)
		}
		w.discord.says(theRoute, bot)
		w.locate("", address)
	})
}

// Given limits that were asked for, they serve for five minutes and are then
// asked for anew; reset_after is in milliseconds.
// Statements: G-003.
func TestLimitsAreYoung(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		began := time.Now()
		for range 5 {
			l, err := w.client.Limits(w.t.Context())
			if err != nil || l.Total != 1000 || l.Remaining != 990 || l.ResetAfter != time.Hour || l.MaxConcurrency != 1 || !l.At.Equal(began) {
				t.Fatalf("limits are %+v, %v", l, err)
			}
			if n, err := w.client.Shards(w.t.Context()); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			time.Sleep(59 * time.Second)
		}
		w.asked(1)
		time.Sleep(5 * time.Second)
		w.discord.says(theRoute, `{"url":"wss://x.discord.gg","shards":"4","session_start_limit":{"total":2000,"remaining":1,"reset_after":null,"max_concurrency":0}}`)
		l, err := w.client.Limits(w.t.Context())
		if err != nil || l.Total != 2000 || l.Remaining != 1 || l.ResetAfter != 24*time.Hour || l.MaxConcurrency != 1 {
			t.Errorf("limits are %+v, %v", l, err)
		}
		if n, _ := w.client.Recommended(); n != 4 {
			t.Errorf("%d shards", n)
		}
		w.asked(2)
		time.Sleep(6 * time.Minute)
		w.discord.set(theRoute, reply{err: errNetwork})
		l, err = w.client.Limits(w.t.Context())
		if err == nil {
			t.Errorf("limits of six minutes ago are told as %+v", l)
		}
		wantIn(t, err, errNetwork.Error())
		n, err := w.client.Shards(w.t.Context())
		if err == nil || n != 0 {
			t.Errorf("shards of six minutes ago are told as %d", n)
		}
		wantIn(t, err, errNetwork.Error())
		w.locate("", "wss://x.discord.gg")
	})
}

// Given a REST API that has never answered, then the usual address is tried if one
// is named; once REST tells another, that one counts. A refused token tries none.
// Statements: G-004, G-005.
func TestUsualAddressWhileRESTIsDown(t *testing.T) {
	const usual = "wss://usual.test"
	run(t, Options{Gateway: usual}, func(w *harness) {
		w.discord.set(theRoute, reply{status: 503, body: outage})
		w.locate("", usual)
		w.locate(usual, usual)
		w.discord.says(theRoute, bot)
		w.locate("", address)
	})
	run(t, Options{Gateway: usual}, func(w *harness) {
		w.discord.tokens = nil
		if at, err := w.client.GatewayURL(w.t.Context(), ""); !errors.Is(err, gateway.ErrUnauthorized) {
			t.Errorf("located at %q, error %v", at, err)
		}
	})
}

// Given an answer without limits, that is an error and not a budget of zero.
func TestMissingLimitsAreNoBudget(t *testing.T) {
	for _, body := range []string{
		`{"url":"wss://x.discord.gg"}`, `{"url":"wss://x.discord.gg","session_start_limit":null,"shards":null}`,
		`{"url":"wss://x.discord.gg","session_start_limit":{"total":1000}}`, `{"url":"wss://x.discord.gg","session_start_limit":{"remaining":5}}`, `{"session_start_limit":[1,2],"shards":{}}`,
	} {
		run(t, Options{}, func(w *harness) {
			w.discord.says(theRoute, body)
			if l, err := w.client.Limits(w.t.Context()); err == nil {
				t.Errorf("%s: limits are %+v", body, l)
			}
			if n, err := w.client.Shards(w.t.Context()); err == nil {
				t.Errorf("%s: %d shards", body, n)
			}
		})
	}
}

// Given a caller that gives up, the wait ends with it.
func TestGivingUpEndsTheQuestion(t *testing.T) {
	run(t, Options{}, func(w *harness) {
		w.discord.set(theRoute, reply{delay: time.Hour})
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		began := time.Now()
		for range 3 {
			group.Go(func() {
				if _, err := w.client.GatewayURL(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error is %v", err)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// What a Client cannot work without is missed when it is made.
func TestOptionsAreChecked(t *testing.T) {
	good := Options{HTTPClient: http.DefaultClient, Token: func() string { return "" }, Intents: wants(1)}
	for name, spoil := range map[string]func(*Options){
		"client":  func(o *Options) { o.HTTPClient = nil },
		"token":   func(o *Options) { o.Token = nil },
		"intents": func(o *Options) { o.Intents = nil },
	} {
		o := good
		spoil(&o)
		if _, err := New(o); err == nil {
			t.Errorf("no error without %s", name)
		}
	}
	c, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	// Without a log, what would be told there costs nothing.
	if _, err := c.CheckCredentials(t.Context(), fatal(gateway.CloseInvalidVersion), gateway.Credentials{}); err == nil {
		t.Error("no error for a version that is refused")
	}
}

// Given numbers in GET /gateway/bot that make no sense, then each costs itself: a number
// of shards counts as none, and a limit is brought within its bounds or ignored.
// Statements: G-003, G-111.
func TestOddNumbersOfGatewayBot(t *testing.T) {
	for _, shards := range []string{"1000000000", "100000", "5000", "100001", "0", "-1", "1e308", "1.5", `"many"`, "[]", "9999999999999999999999"} {
		run(t, Options{}, func(w *harness) {
			w.discord.says(theRoute, `{"url":"wss://x.discord.gg","shards":`+shards+`}`)
			n, err := w.client.Shards(w.t.Context())
			if n != 0 || err == nil || !strings.Contains(err.Error(), shards) {
				t.Errorf("%s shards were read as %d, %v", shards, n, err)
			}
		})
	}
	run(t, Options{}, func(w *harness) {
		w.discord.says(theRoute, `{"url":"wss://x.discord.gg","shards":`+fmt.Sprint(bounds.MaxShardsHere)+`}`)
		if n, err := w.client.Shards(w.t.Context()); n != bounds.MaxShardsHere || err != nil {
			t.Errorf("as many shards as one process runs were read as %d, %v", n, err)
		}
	})
	for limit, want := range map[string]identify.SessionStartLimit{
		`{"total":1000,"remaining":5000,"reset_after":1e308,"max_concurrency":1e9}`:             {Total: 1000, Remaining: 1000, ResetAfter: 24 * time.Hour, MaxConcurrency: 1},
		`{"total":1000,"remaining":7,"reset_after":999999999999,"max_concurrency":1000000000}`:  {Total: 1000, Remaining: 7, ResetAfter: 24 * time.Hour, MaxConcurrency: 256},
		`{"total":1000,"remaining":0,"reset_after":-1,"max_concurrency":-1}`:                    {Total: 1000, ResetAfter: 24 * time.Hour, MaxConcurrency: 1},
		`{"total":1000000000000,"remaining":1000000000000,"reset_after":0,"max_concurrency":1}`: {},
		`{"total":-1,"remaining":1,"reset_after":0,"max_concurrency":1}`:                        {},
		`{"total":1000,"remaining":900,"reset_after":3600000,"max_concurrency":"16"}`:           {Total: 1000, Remaining: 900, ResetAfter: time.Hour, MaxConcurrency: 16},
		`{"total":1e308,"remaining":-0.5,"reset_after":{},"max_concurrency":null}`:              {},
	} {
		run(t, Options{}, func(w *harness) {
			w.discord.says(theRoute, `{"url":"wss://x.discord.gg","shards":1,"session_start_limit":`+limit+`}`)
			got, _ := w.client.Limits(w.t.Context())
			got.At = time.Time{}
			if got != want {
				t.Errorf("%s was read as %+v, want %+v", limit, got, want)
			}
		})
	}
}

// Given a GET /gateway/bot that names an address which the token must not go to, then it
// is not used: the usual one takes its place, or the error says why there is none.
// Statements: G-001.
func TestAddressThatIsNotTrusted(t *testing.T) {
	for _, odd := range []string{"wss://evil.example", "ws://gateway.discord.gg", "wss://a:b@gateway.discord.gg", "wss://discord.gg.evil.example"} {
		for _, usual := range []string{"", "wss://gateway.discord.gg"} {
			run(t, Options{APIURL: DefaultAPIURL, Gateway: usual}, func(w *harness) {
				w.discord.says(theRoute, `{"url":"`+odd+`","shards":1}`)
				got, err := w.client.GatewayURL(w.t.Context(), "")
				if got != usual || (usual == "") != (err != nil) {
					t.Errorf("%s: the address is %q, %v", odd, got, err)
				}
				if err != nil && !strings.Contains(err.Error(), "is not used") {
					t.Errorf("%s: the error is %v", odd, err)
				}
				wantIn(t, w.check().Warnings, "is not used")
				if usual == "" {
					w.discord.set(theRoute, reply{err: errNetwork})
					_, err := w.client.GatewayURL(w.t.Context(), "")
					wantIn(t, err, errNetwork.Error()) // what is in the way now
				}
			})
		}
	}
}
