package discordsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fault begins a fault.
func (w *restHarness) fault(f Fault) *Active {
	w.t.Helper()
	a, err := w.Inject(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// TestServerErrors lets Discord and a proxy in front of it fail: JSON with the
// code asked for, and HTML. Nothing is made meanwhile, and with the fault over
// all is well.
//
// Statements: S-097.
func TestServerErrors(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for code, status := range map[int]int{0: 500, 500: 500, 502: 502, 503: 503, 504: 504} {
			w.fault(Fault{Name: "rest-5xx", Code: code, Count: 1})
			got := w.say("lost")
			if got.status != status || !strings.HasPrefix(got.object()["message"].(string), "5") {
				t.Errorf("code %d is answered %d %s", code, got.status, got.text)
			}
		}
		w.fault(Fault{Name: "rest-html", Count: 1})
		got := w.say("lost")
		if got.status != 502 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || json.Valid([]byte(got.text)) || got.header.Get("Via") != "" {
			t.Errorf("the proxy answers %d %q %v", got.status, got.text, got.header)
		}
		if n := len(w.Messages(w.channel)); n != 0 {
			t.Errorf("%d messages were made", n)
		}
		w.say("found").hasStatus(200, 0)
	})
}

// TestFaultOnOneRoute aims a fault at one route, one bot, a number of times and
// a probability: nobody else is struck.
//
// Statements: S-097.
func TestFaultOnOneRoute(t *testing.T) {
	withREST(t, Config{Seed: 1, REST: RESTConfig{GlobalLimit: -1}}, func(t *testing.T, w *restHarness) {
		a := w.fault(Fault{Name: "rest-5xx", Route: "GET /users/@me", Count: 2})
		w.request("GET", "/gateway/bot", nil).hasStatus(200, 0)
		w.request("GET", "/users/@me", nil).hasStatus(500, 0)
		w.request("GET", "/users/@me", nil).hasStatus(500, 0)
		w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		if a.Struck != 2 || a.Ended.IsZero() {
			t.Errorf("the fault struck %d times and ended at %v", a.Struck, a.Ended)
		}
		rival := w.AddApp(AppConfig{Name: "rival"})
		theirs := w.fault(Fault{Name: "rest-401", App: rival.ID})
		w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: "Bot " + rival.Token}).hasStatus(401, 0)
		w.send(apiRequest{method: "GET", path: "/api/v10/gateway", token: "Bot " + rival.Token}).hasStatus(200, 0)
		w.Lift(theirs)
		w.fault(Fault{Name: "rest-403", Probability: 0.5})
		failed := 0
		for range 200 {
			if w.request("GET", "/gateway/bot", nil).status == 403 {
				failed++
			}
		}
		if failed < 70 || failed > 130 {
			t.Errorf("%d of 200 requests failed", failed)
		}
	})
}

// TestSlowREST measures answers under a fault that makes them late by a time
// and a random spread.
//
// Statements: S-097.
func TestSlowREST(t *testing.T) {
	withREST(t, Config{Seed: 2}, func(t *testing.T, w *restHarness) {
		w.fault(Fault{Name: "rest-slow", Delay: time.Second, Text: "500ms"})
		var took []time.Duration
		for range 50 {
			began := time.Now()
			w.request("GET", "/gateway/bot", nil).hasStatus(200, 0)
			took = append(took, time.Since(began))
		}
		low, high := slices.Min(took), slices.Max(took)
		if low < time.Second || low > 1100*time.Millisecond || high > 1500*time.Millisecond || high < 1400*time.Millisecond {
			t.Errorf("answers took from %s to %s", low, high)
		}
	})
}

// TestLostRequests lets requests get lost on their way in: by a reset, and by
// nobody answering. Nothing is made.
//
// Statements: S-097.
func TestLostRequests(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for name, hangs := range map[string]time.Duration{"rest-reset": 0, "rest-timeout": 40 * time.Second} {
			w.fault(Fault{Name: name, Count: 1, Delay: hangs})
			began := time.Now()
			if got := w.say("lost"); !got.broken || got.text != "" {
				t.Errorf("%s: the answer is %d %q", name, got.status, got.text)
			}
			if took := time.Since(began); took != hangs {
				t.Errorf("%s: it took %s", name, took)
			}
		}
		if n := len(w.Messages(w.channel)); n != 0 {
			t.Errorf("%d messages were made", n)
		}
	})
}

// TestTruncatedREST breaks an answer off in the middle: with the connection, and
// as whole HTTP around half of the JSON.
//
// Statements: S-097.
func TestTruncatedREST(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for _, text := range []string{"", "json"} {
			w.fault(Fault{Name: "rest-truncated", Text: text, Count: 1})
			got := w.request("GET", "/users/@me", nil)
			if got.status != 200 || got.text == "" || json.Valid([]byte(got.text)) {
				t.Errorf("%q: the answer is %d %q", text, got.status, got.text)
			}
			if got.broken == (text == "json") {
				t.Errorf("%q: broken is %v", text, got.broken)
			}
		}
		w.request("GET", "/users/@me", nil).object()
	})
}

// TestDrippingREST lets an answer drip in; in the end it is whole.
//
// Statements: S-097.
func TestDrippingREST(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		w.fault(Fault{Name: "rest-drip", Count: 1, Delay: 10 * time.Second})
		began := time.Now()
		got := w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		if got.id() != w.app.ID.String() {
			t.Errorf("the answer is %q", got.text)
		}
		if took := time.Since(began); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestClockSkew turns Discord's clock: the absolute reset time follows it, the
// time until the reset does not.
//
// Statements: S-097.
func TestClockSkew(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for _, skew := range []time.Duration{time.Hour, -time.Hour} {
			w.fault(Fault{Name: "rest-skew", Delay: skew, Count: 1})
			got := w.request("GET", "/users/@me", nil).hasStatus(200, 0)
			if off := got.rate("Reset") - float64(time.Now().UnixMilli())/1000 - skew.Seconds(); off < 0 || off > 5.01 {
				t.Errorf("skew %s: the reset is off by %v s", skew, off)
			}
			if after := got.rate("Reset-After"); after > 5 {
				t.Errorf("skew %s: resets after %v", skew, after)
			}
			date, err := http.ParseTime(got.header.Get("Date"))
			if err != nil || math.Abs(date.Sub(time.Now().Add(skew)).Seconds()) > 2 {
				t.Errorf("skew %s: the Date is %s", skew, got.header.Get("Date"))
			}
		}
	})
}

// TestRateLimitWithoutHeaders gets a 429 that says only in its body how long to wait.
//
// Statements: S-085.
func TestRateLimitWithoutHeaders(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		w.fault(Fault{Name: "rest-429-bare", Count: 1, Delay: 750 * time.Millisecond})
		got := w.say("hello").hasStatus(429, 0)
		if got.object()["retry_after"] != 0.75 || got.header.Get("Via") == "" {
			t.Errorf("the 429 is %s %v", got.text, got.header)
		}
		for _, name := range []string{"Retry-After", "X-RateLimit-Scope", "X-RateLimit-Bucket", "X-RateLimit-Reset-After"} {
			if got.header.Get(name) != "" {
				t.Errorf("it says %s", name)
			}
		}
		time.Sleep(750 * time.Millisecond)
		w.say("hello").hasStatus(200, 0)
	})
}

// TestCommitThenDrop makes a message whose answer gets lost, comes too late or
// is replaced by a proxy's page: the message stands, its event has gone out, and
// the same nonce finds it again.
//
// Statements: S-092, S-091.
func TestCommitThenDrop(t *testing.T) {
	for _, f := range []Fault{
		{Name: "rest-commit-then-drop"},
		{Name: "rest-commit-then-drop", Delay: time.Minute},
		{Name: "rest-commit-then-502"},
	} {
		withREST(t, Config{}, func(t *testing.T, w *restHarness) {
			events := w.listen(w.app, intentGuilds|1<<9)
			w.fault(Fault{Name: f.Name, Delay: f.Delay, Count: 1})
			w.request("GET", w.messagesPath(), nil).hasStatus(200, 0) // changes nothing, so it is not struck
			w.request("POST", w.messagesPath(), `{"content":`).hasStatus(400, 50109)
			body := map[string]any{"content": "once", "nonce": "n1", "enforce_nonce": true}
			began := time.Now()
			done := make(chan apiResponse)
			go func() { done <- w.request("POST", w.messagesPath(), body) }()
			time.Sleep(time.Second)
			if n := len(w.Messages(w.channel)); n != 1 {
				t.Fatalf("%s: %d messages stand", f.Name, n)
			}
			if n := len(events.named("MESSAGE_CREATE")); n != 1 {
				t.Errorf("%s: %d events came", f.Name, n)
			}
			got := <-done
			switch {
			case f.Delay > 0:
				if got.hasStatus(200, 0); time.Since(began) < time.Minute {
					t.Errorf("%s: the answer came after %s", f.Name, time.Since(began))
				}
			case strings.HasSuffix(f.Name, "502"):
				if got.status != 502 || json.Valid([]byte(got.text)) {
					t.Errorf("%s: the answer is %d %q", f.Name, got.status, got.text)
				}
			case !got.broken || got.text != "":
				t.Errorf("%s: the answer is %d %q", f.Name, got.status, got.text)
			}
			again := w.request("POST", w.messagesPath(), body).hasStatus(200, 0)
			if all := w.Messages(w.channel); len(all) != 1 || again.id() != all[0].ID.String() {
				t.Errorf("%s: the retry made %d messages and answers %s", f.Name, len(all), again.text)
			}
			if got := w.violations(); got != nil {
				t.Errorf("%s: the retry has violations: %v", f.Name, got)
			}
		})
	}
}

// TestRetryWithoutNonce retries a lost create as careless clients do: the
// message stands twice, and the verdict says why.
func TestRetryWithoutNonce(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		w.fault(Fault{Name: "rest-commit-then-drop", Count: 1})
		w.say("hello")
		w.say("hello").hasStatus(200, 0)
		if n := len(w.Messages(w.channel)); n != 2 {
			t.Errorf("%d messages stand", n)
		}
		if got := w.violations(); !slices.Equal(got, []string{"G-137"}) {
			t.Errorf("violations: %v", got)
		}
	})
}

// TestOutageOfREST lets all of Discord be down: REST answers 503 to everybody,
// the status page goes on.
//
// Statements: S-097.
func TestOutageOfREST(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		outage := w.fault(Fault{Name: "outage"})
		w.request("GET", "/gateway/bot", nil).hasStatus(503, 0)
		w.send(apiRequest{method: "GET", path: "/api/v10/gateway"}).hasStatus(503, 0)
		w.send(apiRequest{method: "GET", path: "/api/v2/status.json"}).hasStatus(200, 0)
		w.Lift(outage)
		w.request("GET", "/gateway/bot", nil).hasStatus(200, 0)
	})
}

// TestRESTFaultsOverTheNetwork meets the lost and broken answers through a real
// HTTP client: they are connection errors there.
//
// Statements: S-092, S-097.
func TestRESTFaultsOverTheNetwork(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		transport := w.Transport()
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		defer transport.CloseIdleConnections()
		get := func() error {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", w.APIURL()+w.messagesPath(), strings.NewReader(`{"content":"x"}`))
			req.Header.Set("Authorization", "Bot "+w.app.Token)
			req.Header.Set("User-Agent", goodAgent)
			req.Header.Set("Content-Type", "application/json")
			res, err := client.Do(req)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.ReadAll(res.Body)
			return err
		}
		if err := get(); err != nil {
			t.Fatal(err)
		}
		made := 1
		for name, test := range map[string]func(error) bool{
			"rest-reset":            func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) },
			"rest-commit-then-drop": func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) },
			"rest-truncated":        func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
			"rest-timeout": func(err error) bool {
				late, ok := errors.AsType[interface {
					error
					Timeout() bool
				}](err)
				return ok && late.Timeout()
			},
		} {
			time.Sleep(10 * time.Second)
			w.fault(Fault{Name: name, Count: 1})
			if err := get(); !test(err) {
				t.Errorf("%s: the client's error is %v", name, err)
			}
			if name == "rest-commit-then-drop" || name == "rest-truncated" {
				made++
			}
			if n := len(w.Messages(w.channel)); n != made {
				t.Errorf("%s: %d messages stand instead of %d", name, n, made)
			}
		}
	})
}

// TestManyAtOnce lets a crowd of clients post through failing connections and
// retry with the same nonce until told that it is done: each message stands
// once.
//
// Statements: S-092, S-091.
func TestManyAtOnce(t *testing.T) {
	cfg := withoutLimits()
	cfg.Seed, cfg.REST.InvalidLimit = 9, -1
	withREST(t, cfg, func(t *testing.T, w *restHarness) {
		for _, name := range []string{"rest-reset", "rest-5xx", "rest-html", "rest-429-bare", "rest-commit-then-drop", "rest-commit-then-502", "rest-truncated"} {
			w.fault(Fault{Name: name, Probability: 0.15, Delay: time.Millisecond})
		}
		transport := w.Transport()
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		post := func(nonce int) bool {
			body := strings.NewReader(fmt.Sprintf(`{"content":"message %d","nonce":%d,"enforce_nonce":true}`, nonce, nonce))
			req, _ := http.NewRequestWithContext(t.Context(), "POST", w.APIURL()+w.messagesPath(), body)
			req.Header.Set("Authorization", "Bot "+w.app.Token)
			req.Header.Set("User-Agent", goodAgent)
			req.Header.Set("Content-Type", "application/json")
			res, err := client.Do(req)
			if err != nil {
				return false
			}
			defer res.Body.Close()
			_, err = io.ReadAll(res.Body)
			return err == nil && res.StatusCode == 200
		}
		const crowd = 200
		var work sync.WaitGroup
		for n := range crowd {
			work.Go(func() {
				for !post(n) {
					time.Sleep(time.Second)
				}
			})
		}
		work.Wait()
		if n := len(w.Messages(w.channel)); n != crowd {
			t.Errorf("%d messages stand instead of %d", n, crowd)
		}
		if got := w.violations(); got != nil {
			t.Errorf("violations: %v", got)
		}
	})
}
