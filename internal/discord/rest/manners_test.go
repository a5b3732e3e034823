package rest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Given requests as callers make them, each leaves with a User-Agent of the
// documented form, a Content-Type if it has a body, and Authorization only where
// it is needed. The caller's own request stays as it was.
// Statements: G-125.
func TestRequestsAreDressed(t *testing.T) {
	story(t, Options{UserAgent: "DiscordBot (https://example.org, 2.0) evergreen"}, always(200, "{}"), func(w *world) {
		for _, c := range []struct {
			method, path, body, agent, kind string
			agentOut, kindOut               string
			authorized                      bool
		}{
			{"GET", "/users/@me", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"GET", "/users/@me", "", "DiscordBot (https://me.org, 1)", "", "DiscordBot (https://me.org, 1)", "", true},
			{"GET", "/users/@me", "", "DiscordBot (https://me.org, )", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"POST", "/channels/1/messages", `{"a":1}`, "curl/8", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", true},
			{"POST", "/channels/1/messages", `--x`, "", "multipart/form-data; boundary=x", "DiscordBot (https://example.org, 2.0) evergreen", "multipart/form-data; boundary=x", true},
			{"POST", "/webhooks/1/abc", `{}`, "", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", false},
			{"DELETE", "/webhooks/1", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"POST", "/interactions/1/abc/callback", `{}`, "", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", false},
			{"GET", "/gateway", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", false},
			{"GET", "/gateway/bot", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
		} {
			req := w.request(w.t.Context(), c.method, c.path, c.body)
			req.Header.Set("User-Agent", c.agent)
			if c.kind != "" {
				req.Header.Set("Content-Type", c.kind)
			}
			if _, err := w.send(req); err != nil {
				t.Fatal(err)
			}
			all := w.discord.seen()
			got := all[len(all)-1].header
			if got.Get("User-Agent") != c.agentOut || got.Get("Content-Type") != c.kindOut || (got.Get("Authorization") != "") != c.authorized {
				t.Errorf("%s %s left with %v", c.method, c.path, got)
			}
			if req.Header.Get("User-Agent") != c.agent || req.Header.Get("Authorization") == "" {
				t.Errorf("%s %s was changed for its caller", c.method, c.path)
			}
		}
	})
}

// The routes that paths are read as, their resources, and what of them is
// secret.
// Statements: G-127.
func TestRoutes(t *testing.T) {
	for _, c := range []struct{ path, template, resource string }{
		{"/api/v10/channels/12/messages/34", "/channels/{channel}/messages/{message}", "channel 12"},
		{"/api/v10/channels/12/messages/34/reactions/%F0%9F%91%8D/@me", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", "channel 12"},
		{"/api/channels/12/typing", "/channels/{channel}/typing", "channel 12"},
		{"/proxy/api/v9/guilds/5/members/6", "/guilds/{guild}/members/{id}", "guild 5"},
		{"/api/v10/guilds/5/bans/6/", "/guilds/{guild}/bans/{id}", "guild 5"},
		{"/api/v10/applications/1/guilds/5/commands/6", "/applications/{application}/guilds/{guild}/commands/{command}", "guild 5"},
		{"/api/v10/users/@me/guilds", "/users/@me/guilds", ""},
		{"/api/v10/guilds/templates/x9Y", "/guilds/templates/{code}", ""},
		{"/api/v10/invites/x9Y", "/invites/{code}", ""},
		{"/api/v10/webhooks/7", "/webhooks/{webhook}", "webhook 7"},
		{"/api/v10/webhooks/7/S3cret", "/webhooks/{webhook}/{token}", "webhook 7 " + digest("S3cret")},
		{"/api/v10/webhooks/7/S3cret/messages/@original", "/webhooks/{webhook}/{token}/messages/@original", "webhook 7 " + digest("S3cret")},
		{"/api/v10/webhooks/7/plainword/github", "/webhooks/{webhook}/{token}/github", "webhook 7 " + digest("plainword")},
		{"/api/v10/interactions/8/S3cret/callback", "/interactions/{interaction}/{token}/callback", "interaction 8"},
		{"/api/v10/some/S3cretThing", "/some/{}", ""},
		{"/gateway", "/gateway", ""},
		{"/", "/{}", ""},
	} {
		r := routeOf(&http.Request{URL: &url.URL{Path: mustUnescape(t, c.path), RawPath: c.path}})
		if r.template != c.template || r.resource != c.resource || r.method != "GET" {
			t.Errorf("%s is %q of %q", c.path, r.template, r.resource)
		}
	}
}

func mustUnescape(t *testing.T, path string) string {
	t.Helper()
	plain, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// Given every way to fail, neither error, event, statistics nor a key of the
// Transport's memory shows a token.
// Statements: G-157.
func TestSecretsAreNeverPrinted(t *testing.T) {
	const hook = "Hook-Token_1aB"
	secrets := []string{token, hook, "discord.test/api"}
	talkative := fmt.Errorf("dial %s with %s at %s/webhooks/1/%s", token, hook, "https://discord.test/api", hook)
	calls := map[string]func(int, seen) (*http.Response, error){
		"lost":    func(_ int, s seen) (*http.Response, error) { return nil, fmt.Errorf("%s and %s", token, s.path) },
		"limited": always(429, `{"retry_after":3}`),
		"banned":  always(429, "1015"),
		"refused": always(401, `{"code":50027}`),
		"broken":  always(502, "<html>"),
	}
	for name, answer := range calls {
		story(t, Options{Timeout: 20 * time.Second}, answer, func(w *world) {
			var printed strings.Builder
			for _, path := range []string{"/webhooks/1/" + hook, "/interactions/1/" + hook + "/callback", "/users/@me", "/channels/1/" + hook} {
				for _, method := range []string{"POST", "GET"} {
					for range 2 {
						_, err := w.do(method, path, "{}")
						fmt.Fprintln(&printed, err)
						fmt.Fprintf(&printed, "%+v\n", err)
					}
				}
			}
			for _, e := range w.events.all {
				fmt.Fprintln(&printed, e, e.Request, e.Resource, e.Err)
			}
			w.transport.mu.Lock()
			for key := range w.transport.buckets {
				fmt.Fprintln(&printed, key)
			}
			fmt.Fprintln(&printed, w.transport.routes, w.transport.goneWebhooks, w.transport.refusedTokens, w.transport.interactions)
			w.transport.mu.Unlock()
			fmt.Fprintf(&printed, "%+v", w.transport.Stats())
			for _, secret := range secrets {
				if strings.Contains(printed.String(), secret) {
					t.Errorf("%s: %q is printed in\n%s", name, secret, printed.String())
				}
			}
		})
	}
	if err := scrub(talkative, []string{token, hook, ""}); strings.Contains(err.Error(), hook) || !errors.Is(err, talkative) {
		t.Errorf("scrubbed to %v", err)
	}
}

// The words an operator reads.
func TestEventsInWords(t *testing.T) {
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Reason: ReasonGlobal, Wait: 12 * time.Second}, "REST is paused for 12 s: global rate limit"},
		{Event{Reason: ReasonBanned, Wait: 15 * time.Minute}, "REST is stopped for 15m0s: Discord blocks this address; the gateway stays up"},
		{Event{Reason: ReasonBucket, Request: "POST /channels/{channel}/messages", Resource: "channel 5", Wait: 750 * time.Millisecond}, "POST /channels/{channel}/messages (channel 5) is paused for 0.75 s: rate limit of the route"},
		{Event{Reason: ReasonServer, Request: "GET /users/@me", Status: 502, Wait: time.Second, Try: 1}, "GET /users/@me is sent again in 1 s: trouble at Discord (HTTP 502), try 1"},
		{Event{Reason: ReasonConnection, Request: "GET /users/@me", Err: errCut, Try: 2}, "GET /users/@me is sent again in 0 s: no answer (read tcp: connection reset by peer), try 2"},
		{Event{Reason: ReasonUnauthorized}, "REST is stopped: Discord refused the token; nothing is sent with it until it changes"},
		{Event{Reason: ReasonWebhookGone, Request: "POST /webhooks/{webhook}/{token}"}, "POST /webhooks/{webhook}/{token}: the webhook does not exist any more and is not called again"},
		{Event{Reason: ReasonRecovered}, "REST works again: Discord takes requests again"},
	} {
		if got := c.event.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// The kinds of errors, for callers that decide by them.
func TestErrorsTellWhetherToTryAgain(t *testing.T) {
	for reason, temporary := range map[Reason]bool{
		ReasonUnauthorized: false, ReasonWebhookGone: false,
		ReasonBanned: true, ReasonBucket: true, ReasonConnection: true, ReasonInvalid: true,
	} {
		wrapped := &url.Error{Op: "Get", URL: "https://secret", Err: &Error{Reason: reason, Err: context.DeadlineExceeded}}
		if wrapped.Temporary() != temporary || !wrapped.Timeout() {
			t.Errorf("%s: temporary %v, timeout %v", reason, wrapped.Temporary(), wrapped.Timeout())
		}
	}
}

// Odd headers are read as far as they make sense.
func TestOddHeaders(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0.75": 750 * time.Millisecond, "5": 5 * time.Second, " 1.5 ": 1500 * time.Millisecond, "0": 0,
		"-3": 0, "NaN": 0, "soon": 0, "": 0, "1e300": maxWait, "Inf": maxWait, "0.0000001": time.Microsecond,
	} {
		if got, _ := seconds(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	for name, c := range map[string]struct {
		headers []string
		told    bool
		after   time.Duration
	}{
		"all":              {bucketHeaders("b", "5", "4", "2"), true, 2 * time.Second},
		"nothing":          {nil, false, 0},
		"no bucket":        {[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "9"}, false, 0},
		"no remaining":     {[]string{"X-RateLimit-Bucket", "b"}, false, 0},
		"only the clock":   {[]string{"X-RateLimit-Bucket", "b", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "4102444800"}, true, time.Second},
		"endless bucketid": {[]string{"X-RateLimit-Bucket", strings.Repeat("b", 500), "X-RateLimit-Remaining", "0"}, false, 0},
	} {
		a := answer{response: says(200, "", c.headers...)}
		if q, told := a.quota(); told != c.told || q.resetAfter != c.after {
			t.Errorf("%s: %+v, %v", name, q, told)
		}
	}
}

// Round trips are counted and sorted into percentiles.
func TestRoundTripPercentiles(t *testing.T) {
	story(t, Options{GlobalLimit: -1}, always(200, "{}"), func(w *world) {
		n := 0
		w.discord.delay = func(seen) time.Duration { n++; return time.Duration(n) * time.Millisecond }
		for range 100 {
			w.must(200, "GET", "/users/@me", "")
		}
		want := Percentiles{Samples: 100, P50: 50 * time.Millisecond, P95: 95 * time.Millisecond, P99: 99 * time.Millisecond, Max: 100 * time.Millisecond}
		if got := w.transport.Stats().RoundTrip; got != want {
			t.Errorf("%+v", got)
		}
	})
}

// Whatever round trips come, and come again, they stay in order, and only the last
// 256 count.
func TestTripsInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var kept roundTrips
	var all []time.Duration
	for range 1500 {
		d := time.Duration(r.IntN(60)) * time.Millisecond
		kept.add(d)
		all = append(all, d)
		want := slices.Clone(all[max(0, len(all)-len(kept.ring)):])
		slices.Sort(want)
		if !slices.Equal(kept.order, want) {
			t.Fatalf("after %d: %v, want %v", len(all), kept.order, want)
		}
	}
}
