package rest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Odd headers are read as far as they make sense.
func TestOddHeaders(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0.75": 750 * time.Millisecond, "5": 5 * time.Second, " 1.5 ": 1500 * time.Millisecond, "0": 0,
		"-3": 0, "NaN": 0, "soon": 0, "": 0, "1e12": 0, "Inf": 0, "0x10": 0, "0.0000001": time.Microsecond,
		"999999999999": maxPause, "1" + strings.Repeat("0", 400): maxPause,
	} {
		if got, _ := readSeconds(text); got != want {
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
		"some left":        {[]string{"X-RateLimit-Bucket", "b", "X-RateLimit-Remaining", "3"}, true, 0},
		"long bucketid":    {[]string{"X-RateLimit-Bucket", strings.Repeat("b", 200), "X-RateLimit-Remaining", "3"}, true, 0},
		"longer bucketid":  {[]string{"X-RateLimit-Bucket", strings.Repeat("b", 201), "X-RateLimit-Remaining", "3"}, false, 0},
		"endless bucketid": {[]string{"X-RateLimit-Bucket", strings.Repeat("b", 500), "X-RateLimit-Remaining", "0"}, false, 0},
	} {
		a := answer{response: respond(200, "", c.headers...)}
		if q, told := a.quota(); told != c.told || q.resetAfter != c.after {
			t.Errorf("%s: %+v, %v", name, q, told)
		}
	}
}

// What a 429 asks for: the longer of header and body, in seconds with fractions; where it
// tells neither, what the bucket's headers tell, or a minute.
// Statements: G-129, G-130.
func TestWhatA429AsksFor(t *testing.T) {
	const marked = "X-RateLimit-Scope: user"
	used := strings.Join([]string{"X-RateLimit-Bucket: b", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset-After: 5"}, "\n")
	for _, c := range []struct {
		headers, body string
		reason        Reason
		wait          time.Duration
	}{
		{"Retry-After: 65", `{"retry_after":64.57}`, ReasonBucket, 65 * time.Second},
		{"Retry-After: 1", `{"retry_after":1.337}`, ReasonBucket, 1337 * time.Millisecond},
		{"Retry-After: 1.5\n" + marked, ``, ReasonBucket, 1500 * time.Millisecond},
		{"", `{"retry_after":1337}`, ReasonBucket, 1337 * time.Second},
		{"", `{"retry_after":"2.5"}`, ReasonBucket, 2500 * time.Millisecond},
		{"", `{"retry_after":0}`, ReasonBucket, 0},
		{"", `{"retry_after":-3}`, ReasonBucket, 0},
		{"", `{"retry_after":1e99}`, ReasonBucket, maxPause},
		{"", `{"retry_after":1e999}`, ReasonBucket, maxPause},
		{"", `{"retry_after":"NaN"}`, ReasonForeign, unknownPause},
		{"", `{"retry_after":"-Inf"}`, ReasonBucket, 0},
		{marked, `{"retry_after":"NaN"}`, ReasonBucket, unknownPause},
		{marked, ``, ReasonBucket, unknownPause},
		{used, ``, ReasonBucket, 5 * time.Second},
		{used + "\nRetry-After: 3", ``, ReasonBucket, 3 * time.Second},
		{used, `{"retry_after":7}`, ReasonBucket, 7 * time.Second},
		{"X-RateLimit-Scope: Shared", `{"retry_after":7}`, ReasonShared, 7 * time.Second},
		{"X-RateLimit-Scope: GLOBAL", `{"retry_after":7}`, ReasonGlobal, 7 * time.Second},
		{"X-RateLimit-Global: True", `{"retry_after":7}`, ReasonGlobal, 7 * time.Second},
		{"X-RateLimit-Scope: shared", `{"retry_after":7,"global":true}`, ReasonGlobal, 7 * time.Second},
		{"", `{"retry_after":7,"global":false}`, ReasonBucket, 7 * time.Second},
		{"Retry-After: 8", `no`, ReasonForeign, 8 * time.Second},
	} {
		a := answer{response: respond(429, c.body), body: []byte(c.body)}
		for line := range strings.Lines(c.headers) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			a.response.Header.Set(name, value)
		}
		if got := a.rateLimit(time.Now()); got != (rateLimit{c.reason, c.wait}) {
			t.Errorf("%q %s: %+v", c.headers, c.body, got)
		}
	}
}

// Given a global 429 to the answer of an interaction, which counts towards no global limit,
// then only its bucket waits.
func TestGlobalRateLimitOfAnInteraction(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(429, `{"retry_after":2,"global":true}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		var group sync.WaitGroup
		group.Go(func() { w.must(200, "POST", "/interactions/1/abc/callback", "{}") })
		synctest.Wait()
		w.must(200, "POST", "/interactions/2/def/callback", "{}")
		w.must(200, "GET", "/users/@me", "")
		group.Wait()
		w.at(0, 0, 0, 2*time.Second)
		if s := w.transport.Stats(); s.Limited != 1 || s.Global != 0 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// Given a 429 of a route, only its bucket pauses, for the longer of what header
// and body say, and the request is then answered.
// Statements: G-129.
func TestRateLimitPausesItsBucketOnly(t *testing.T) {
	for name, c := range map[string]struct {
		scope, header, body string
		want                time.Duration
	}{
		"the body is longer":   {"user", "1", "1.75", 1750 * time.Millisecond},
		"the header is longer": {"user", "3", "2.25", 3 * time.Second},
		"shared":               {"shared", "2", "1.5", 2 * time.Second},
		"without a scope":      {"", "", "1.3", 1300 * time.Millisecond},
		"at least a second":    {"", "", "0.3", time.Second},
	} {
		run(t, Options{}, func(n int, s sentRequest) (*http.Response, error) {
			headers := bucketHeaders("b", "5", "4", "1")
			if n > 1 {
				return respond(200, "{}", headers...), nil
			}
			for header, value := range map[string]string{"Retry-After": c.header, "X-RateLimit-Scope": c.scope} {
				if value != "" {
					headers = append(headers, header, value)
				}
			}
			return respond(429, `{"message":"slow","retry_after":`+c.body+`,"global":false}`, headers...), nil
		}, func(w *harness) {
			var group sync.WaitGroup
			for range 2 {
				group.Go(func() { w.must(200, "POST", "/channels/1/messages", "{}") })
			}
			synctest.Wait()
			w.must(200, "POST", "/channels/2/messages", "{}")
			group.Wait()
			w.at(0, 0, c.want, c.want)
			if s := w.transport.Stats(); s.Limited+s.Shared != 1 || (s.Invalid == 1) != (c.scope != "shared") {
				t.Errorf("%s: stats are %+v", name, s)
			}
		})
	}
}

// Given a 429 of a route that asks for an hour, one request looks every ten minutes whether
// it is over, though the bucket has room for more; its answer lets the others go.
// Statements: G-129.
func TestLongRateLimitIsLookedAt(t *testing.T) {
	headers := bucketHeaders("b", "5", "4", "1")
	run(t, Options{Timeout: 2 * time.Hour}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 2 || n == 3 {
			return respond(429, `{"retry_after":3600}`, headers...), nil
		}
		return respond(200, "{}", headers...), nil
	}, func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		var group sync.WaitGroup
		group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		time.Sleep(2 * time.Second)
		for range 3 {
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		}
		group.Wait()
		first := time.Second + 10*time.Minute
		second := first + time.Second + 10*time.Minute
		w.at(0, 0, first, second, second+time.Second, second+time.Second, second+time.Second)
	})
}

// Given a resource that keeps saying 429, the request is handed back after a
// few of them instead of going on for ever.
func TestEndless429IsHandedBack(t *testing.T) {
	run(t, Options{}, always(429, `{"retry_after":0.5}`, "X-RateLimit-Scope", "shared"), func(w *harness) {
		w.must(429, "GET", "/channels/1", "")
		if n := len(w.discord.seen()); n != maxLimits+1 {
			t.Errorf("%d requests", n)
		}
	})
}

// Given a 429 that asks for more time than the caller has, the caller gets the
// 429 at once.
func TestRateLimitBeyondTheDeadlineIsHandedBack(t *testing.T) {
	run(t, Options{}, always(429, `{"retry_after":50}`), func(w *harness) {
		ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
		defer cancel()
		if status, err := w.send(w.request(ctx, "GET", "/channels/1", "")); status != 429 || err != nil {
			t.Error(status, err)
		}
		w.at(0)
	})
}

// Given a 429 whose body was cut but which carries Discord's marks, it is a rate
// limit and no ban.
func TestCut429IsNoBan(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(429, `{"message":"slow","retr`, "Retry-After", "2", "X-RateLimit-Scope", "user"), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		w.at(0, 2*time.Second)
	})
}
