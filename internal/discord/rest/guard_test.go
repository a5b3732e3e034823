package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a 401, nothing more is sent with that token, not even what was already
// waiting; another token works, and so do routes that need none.
// Statements: G-132.
func TestRefusedTokenIsNeverUsedAgain(t *testing.T) {
	run(t, Options{}, func(_ int, s sentRequest) (*http.Response, error) {
		if s.header.Get("Authorization") == "Bot "+token {
			return respond(401, `{"message":"401: Unauthorized","code":0}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return 100 * time.Millisecond }
		var group sync.WaitGroup
		group.Go(func() { w.must(401, "GET", "/users/@me", "") })
		synctest.Wait()
		group.Go(func() {
			if _, err := w.do("GET", "/users/@me", ""); !errors.Is(err, ErrUnauthorized) {
				t.Errorf("the one that waited got %v", err)
			}
		})
		group.Wait()
		w.at(0)
		time.Sleep(24 * time.Hour)
		w.refused(ErrUnauthorized, "GET", "/gateway/bot")
		w.refused(ErrUnauthorized, "POST", "/channels/1/messages")
		w.must(200, "GET", "/gateway", "")
		w.must(200, "POST", "/webhooks/1/abc", "{}")
		req := w.request(w.t.Context(), "GET", "/users/@me", "")
		req.Header.Set("Authorization", "Bot "+other)
		if status, err := w.send(req); status != 200 {
			t.Error(status, err)
		}
		if told := w.events.of(ReasonUnauthorized); len(told) != 1 {
			t.Errorf("told %v", told)
		}
	})
}

// Given requests under way with a token or to a webhook that is refused, it is told once.
func TestRefusalsOfManyAreToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		answer       func() *http.Response
		reason       Reason
	}{
		"token":   {"GET", "/channels/", func() *http.Response { return respond(401, `{"code":0}`) }, ReasonUnauthorized},
		"webhook": {"DELETE", "/webhooks/1/abc/messages/", func() *http.Response { return respond(404, `{"code":10015}`) }, ReasonWebhookGone},
	} {
		known := false
		run(t, Options{}, func(int, sentRequest) (*http.Response, error) {
			if !known {
				return respond(200, "{}"), nil
			}
			return c.answer(), nil
		}, func(w *harness) {
			w.must(200, c.method, c.path+"1", "")
			known = true
			w.discord.delay = func(sentRequest) time.Duration { return time.Second }
			var group sync.WaitGroup
			for n := range 3 {
				group.Go(func() { w.must(c.answer().StatusCode, c.method, c.path+fmt.Sprint(n), "") })
			}
			group.Wait()
			if told := w.events.of(c.reason); len(told) != 1 || len(w.discord.seen()) != 4 {
				t.Errorf("%s: told %v, sent %d", name, told, len(w.discord.seen()))
			}
		})
	}
}

// Given a Discord that answered 401 by mistake and an operator who allows for
// that, one request in a while finds out, and then all may go again.
func TestTokenIsRecheckedWhereAllowed(t *testing.T) {
	good := false
	run(t, Options{TokenRecheck: 10 * time.Minute}, func(int, sentRequest) (*http.Response, error) {
		if good {
			return respond(200, "{}"), nil
		}
		return respond(401, `{"message":"401: Unauthorized","code":0}`), nil
	}, func(w *harness) {
		w.must(401, "GET", "/users/@me", "")
		time.Sleep(10*time.Minute - 1)
		w.refused(ErrUnauthorized, "GET", "/users/@me")
		time.Sleep(time.Nanosecond)
		w.must(401, "GET", "/users/@me", "")
		w.refused(ErrUnauthorized, "GET", "/users/@me")
		good = true
		time.Sleep(10 * time.Minute)
		for range 2 {
			w.must(200, "GET", "/users/@me", "")
		}
		if told := w.events.of(ReasonRecovered); len(told) != 1 {
			t.Errorf("told %v", told)
		}
	})
}

// Given a crowd when a token that was answered 401 may be tested, one request tests it and
// the others are refused meanwhile. Only an answer of Discord's other than 401 lets them
// go, whatever else becomes of that request; otherwise the next one tests after as long
// again. One that gives up before it is sent has not tested.
// Statements: G-132.
func TestOneRequestTestsARefusedToken(t *testing.T) {
	const recheck = 10 * time.Minute
	for name, c := range map[string]struct {
		answer func() (*http.Response, error)
		takes  time.Duration
		stop   time.Duration // when the one that tests is given up; 0: never
		sent   int           // by the one that tests
		good   bool
	}{
		"answered":           {func() (*http.Response, error) { return respond(200, "{}"), nil }, time.Second, 0, 1, true},
		"forbidden":          {func() (*http.Response, error) { return respond(403, `{"code":50001}`), nil }, time.Second, 0, 1, true},
		"refused again":      {func() (*http.Response, error) { return respond(401, `{"code":0}`), nil }, time.Second, 0, 1, false},
		"gives up":           {func() (*http.Response, error) { return respond(200, "{}"), nil }, time.Minute, time.Second, 1, false},
		"times out":          {func() (*http.Response, error) { return respond(200, "{}"), nil }, time.Hour, 0, DefaultTries, false},
		"cut":                {func() (*http.Response, error) { return nil, errCut }, time.Second, 0, DefaultTries, false},
		"gives up in a wait": {func() (*http.Response, error) { return nil, errCut }, time.Second, 1100 * time.Millisecond, 1, false},
		"server error":       {page(502), time.Second, 0, DefaultTries, false},
		"limited":            {func() (*http.Response, error) { return respond(429, `{"retry_after":600}`), nil }, time.Second, 0, 1, false},
		"not Discord's":      {func() (*http.Response, error) { return respond(401, "<html>who are you?</html>"), nil }, time.Second, 0, 1, false},
		"not Discord's page": {func() (*http.Response, error) { return respond(404, "<html>nothing here</html>"), nil }, time.Second, 0, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			answer := func() (*http.Response, error) { return respond(401, `{"code":0}`), nil }
			run(t, Options{TokenRecheck: recheck}, func(int, sentRequest) (*http.Response, error) { return answer() }, func(w *harness) {
				w.must(401, "GET", "/users/@me", "")
				time.Sleep(recheck)
				answer, w.discord.delay = c.answer, func(sentRequest) time.Duration { return c.takes }
				ctx, cancel := context.WithCancel(w.t.Context())
				defer cancel()
				began := time.Now()
				var group sync.WaitGroup
				group.Go(func() { _, _ = w.send(w.request(ctx, "GET", "/users/@me", "")) })
				synctest.Wait()
				if c.stop > 0 {
					time.AfterFunc(c.stop, cancel)
				}
				for n := range 5 {
					w.refused(ErrUnauthorized, "GET", fmt.Sprintf("/channels/%d", n+1))
					w.refused(ErrUnauthorized, "GET", "/users/@me")
				}
				group.Wait()
				if sent := len(w.discord.seen()) - 1; sent != c.sent {
					t.Fatalf("%d were sent, want %d", sent, c.sent)
				}
				answer, w.discord.delay = func() (*http.Response, error) { return respond(200, "{}"), nil }, nil
				if !c.good {
					next := began.Add(recheck)
					if name == "refused again" {
						next = next.Add(c.takes)
					}
					for _, early := range []time.Duration{recheck / 2, 1} {
						time.Sleep(time.Until(next.Add(-early)))
						w.refused(ErrUnauthorized, "GET", "/gateway/bot")
					}
					time.Sleep(time.Nanosecond)
				}
				for range 2 {
					w.must(200, "GET", "/gateway/bot", "")
				}
				if told := w.events.of(ReasonRecovered); len(told) != 1 {
					t.Errorf("told %v", told)
				}
			})
		})
	}
}

// Given a token that may be tested, when the request that would test it gives up in line
// for a limit, then the next request tests at once; while one stands in line others may
// test, and then it is refused.
// Statements: G-132.
func TestRequestInLineTestsNoToken(t *testing.T) {
	good := false
	run(t, Options{TokenRecheck: 5 * time.Minute}, func(_ int, s sentRequest) (*http.Response, error) {
		switch {
		case s.path == "/guilds/1":
			return respond(200, "{}", bucketHeaders("b", "1", "0", "330")...), nil
		case good:
			return respond(200, "{}"), nil
		}
		return respond(401, `{"code":0}`), nil
	}, func(w *harness) {
		w.must(200, "GET", "/guilds/1", "")
		w.must(401, "GET", "/users/@me", "")
		time.Sleep(5 * time.Minute)
		short, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		if _, err := w.send(w.request(short, "GET", "/guilds/1", "")); !errors.Is(err, ErrRateLimited) {
			t.Errorf("got %v", err)
		}
		var group sync.WaitGroup
		began := time.Now()
		group.Go(func() {
			_, err := w.transport.RoundTrip(w.request(w.t.Context(), "GET", "/guilds/1", ""))
			if waited := time.Since(began); !errors.Is(err, ErrUnauthorized) || waited != 0 {
				t.Errorf("the one in line got %v after %s", err, waited)
			}
		})
		synctest.Wait()
		w.must(401, "GET", "/users/@me", "")
		group.Wait()
		time.Sleep(5 * time.Minute)
		good = true
		w.must(200, "GET", "/users/@me", "")
	})
}

// Given a 403 or 404, the answer is handed on and the request sent once.
// Statements: G-133.
func TestForbiddenAndMissingAreNotRetried(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 413} {
		run(t, Options{}, always(status, `{"code":50001,"message":"no"}`), func(w *harness) {
			w.must(status, "GET", "/channels/1", "")
			w.at(0)
			if s := w.transport.Stats(); (s.Invalid == 1) != (status == 403) {
				t.Errorf("%d: %d invalid", status, s.Invalid)
			}
		})
	}
}

// The limit of refused requests is reached when so many lie within ten minutes, and holds
// until half of them do not any more; what comes in late from before makes it no longer.
func TestInvalidCounter(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const s, m = time.Second, time.Minute
	for name, c := range map[string]struct {
		limit int
		at    []time.Duration
		stops []time.Duration // until when each stops sending; 0: it does not
		kept  int
	}{
		"below":              {4, []time.Duration{0, s, 2 * s}, []time.Duration{0, 0, 0}, 3},
		"reached":            {4, []time.Duration{0, s, 2 * s, 3 * s}, []time.Duration{0, 0, 0, 10*m + s}, 4},
		"odd limit":          {3, []time.Duration{0, s, 2 * s}, []time.Duration{0, 0, 10*m + s}, 3},
		"one":                {1, []time.Duration{5 * s}, []time.Duration{10*m + 5*s}, 1},
		"just within":        {2, []time.Duration{0, 10*m - 1}, []time.Duration{0, 10 * m}, 2},
		"just not":           {2, []time.Duration{0, 10 * m}, []time.Duration{0, 0}, 1},
		"late ones":          {2, []time.Duration{0, s, 2 * s, 3 * s}, []time.Duration{0, 10 * m, 0, 0}, 2},
		"again at once":      {2, []time.Duration{0, s, 10 * m}, []time.Duration{0, 10 * m, 10*m + s}, 2},
		"again after a rest": {2, []time.Duration{0, s, 11 * m, 12 * m}, []time.Duration{0, 10 * m, 0, 21 * m}, 2},
		"never":              {Never, []time.Duration{0, 0, 0, 0}, []time.Duration{0, 0, 0, 0}, 0},
	} {
		i := invalidCounter{limit: c.limit}
		for n, at := range c.at {
			now := began.Add(at)
			stops := i.add(now)
			if stops != (c.stops[n] > 0) || stops && (!i.began.Equal(now) || !i.until.Equal(began.Add(c.stops[n]))) {
				t.Errorf("%s: number %d stops %v until %v", name, n, stops, i.until)
			}
		}
		if len(i.at) != c.kept {
			t.Errorf("%s: %d are counted, want %d", name, len(i.at), c.kept)
		}
	}
}

// A ban begins when it is found, is prolonged by what was sent afterwards only, and ends with
// an answer to what was sent afterwards only.
func TestBanKnowsWhatCameBefore(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	refused := func(sent time.Duration) answer { return answer{sent: began.Add(sent), response: respond(403, "")} }
	b := ban{}
	if b.end(began) {
		t.Error("no ban has ended")
	}
	if !b.start(began, time.Minute, refused(-time.Second), 1006) || b.code != 1006 || !b.began.Equal(began) {
		t.Errorf("the ban is %+v", b)
	}
	if b.start(began.Add(time.Second), time.Hour, refused(0), 1015) || b.code != 1006 || !b.until.Equal(began.Add(time.Minute)) {
		t.Errorf("one that was sent before makes it %+v", b)
	}
	if b.end(began) || b.began.IsZero() {
		t.Error("an answer to one that was sent before ends it")
	}
	if !b.start(began.Add(30*time.Second), time.Minute, refused(time.Second), 1015) || b.code != 1015 || !b.began.Equal(began) || !b.until.Equal(began.Add(90*time.Second)) {
		t.Errorf("one that was sent afterwards makes it %+v", b)
	}
	if !b.start(began.Add(2*time.Minute), time.Minute, refused(-time.Second), 1020) || !b.began.Equal(began) {
		t.Errorf("a refusal after its time makes it %+v", b)
	}
	if !b.end(began.Add(3*time.Minute)) || b.end(began.Add(4*time.Minute)) || b.active(began.Add(2*time.Minute)) {
		t.Errorf("after an answer it is %+v", b)
	}
}

// Given a thousand refused requests within ten minutes, everything stops long
// before Discord's 10,000, until half of them lie ten minutes back.
// Statements: G-134.
func TestInvalidRequestsStopThemselves(t *testing.T) {
	run(t, Options{}, func(_ int, s sentRequest) (*http.Response, error) {
		if s.path == "/users/@me" {
			return respond(200, "{}"), nil
		}
		return respond(403, `{"code":50013}`), nil
	}, func(w *harness) {
		for n := range 1000 {
			w.must(403, "POST", fmt.Sprintf("/channels/%d/messages", n+1), "{}")
			time.Sleep(500 * time.Millisecond)
		}
		w.refused(ErrInvalid, "GET", "/users/@me")
		told := w.events.of(ReasonInvalid)
		if len(told) != 1 || w.transport.Stats().Why != ReasonInvalid {
			t.Fatalf("told %v", told)
		}
		time.Sleep(told[0].Wait - 501*time.Millisecond)
		w.refused(ErrInvalid, "GET", "/users/@me")
		time.Sleep(time.Second)
		w.must(200, "GET", "/users/@me", "")
		if s := w.transport.Stats(); s.Invalid > 501 || s.Invalid < 498 {
			t.Errorf("%d invalid requests are remembered", s.Invalid)
		}
	})
}

// Given an answer that means several things, the operator is told all of them, and what
// stops requests is kept for the next process.
func TestAnswerThatMeansSeveralThings(t *testing.T) {
	const ban = "error code: 1006"
	for name, c := range map[string]struct {
		banned bool // before
		answer *http.Response
		path   string
		want   []Reason
		kept   []Reason
	}{
		"first 401 at the limit":    {false, respond(401, `{"code":0}`), "/users/@me", []Reason{ReasonInvalid, ReasonUnauthorized}, []Reason{ReasonInvalid}},
		"403 at the limit":          {false, respond(403, `{"code":50013}`), "/users/@me", []Reason{ReasonInvalid}, []Reason{ReasonInvalid}},
		"global 429 at the limit":   {false, respond(429, `{"retry_after":300,"global":true}`), "/users/@me", []Reason{ReasonGlobal, ReasonInvalid}, []Reason{ReasonGlobal, ReasonInvalid}},
		"429 at the limit":          {false, respond(429, `{"retry_after":300}`), "/users/@me", []Reason{ReasonBucket, ReasonInvalid}, []Reason{ReasonBucket, ReasonInvalid}},
		"shared 429":                {false, respond(429, `{"retry_after":300}`, "X-RateLimit-Scope", "shared"), "/users/@me", []Reason{ReasonShared}, []Reason{ReasonShared}},
		"odd 429 at the limit":      {false, respond(429, "no"), "/users/@me", []Reason{ReasonForeign, ReasonInvalid}, []Reason{ReasonForeign, ReasonInvalid}},
		"odd 403 at the limit":      {false, respond(403, "no"), "/users/@me", []Reason{ReasonForeign, ReasonInvalid}, []Reason{ReasonForeign, ReasonInvalid}},
		"page":                      {false, respond(302, ""), "/users/@me", []Reason{ReasonForeign}, []Reason{ReasonForeign}},
		"ban":                       {false, respond(403, ban), "/users/@me", []Reason{ReasonBanned}, []Reason{ReasonBanned}},
		"wrong webhook, at limit":   {false, respond(401, `{"code":50027}`), "/webhooks/1/abc", []Reason{ReasonInvalid, ReasonWebhookGone}, []Reason{ReasonInvalid}},
		"webhook that is gone":      {false, respond(404, `{"code":10015}`), "/webhooks/1/abc", []Reason{ReasonWebhookGone}, nil},
		"ban is over, and 403":      {true, respond(403, `{"code":50013}`), "/users/@me", []Reason{ReasonRecovered, ReasonInvalid}, []Reason{ReasonInvalid}},
		"ban is over, and 401":      {true, respond(401, `{"code":0}`), "/users/@me", []Reason{ReasonRecovered, ReasonInvalid, ReasonUnauthorized}, []Reason{ReasonInvalid}},
		"ban is over":               {true, respond(200, "{}"), "/users/@me", []Reason{ReasonRecovered}, nil},
		"ban is over, gone webhook": {true, respond(404, `{"code":10015}`), "/webhooks/1/abc", []Reason{ReasonRecovered, ReasonWebhookGone}, nil},
	} {
		storage := &memoryStorage{limits: map[string]Limit{}}
		run(t, Options{InvalidLimit: 1, Storage: storage}, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 1 && c.banned {
				return respond(429, ban), nil
			}
			return c.answer, nil
		}, func(w *harness) {
			if c.banned {
				_, _ = w.do("GET", c.path, "")
				time.Sleep(10 * time.Minute)
				w.events.all = nil
			}
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
			defer cancel()
			_, _ = w.send(w.request(ctx, "GET", c.path, ""))
			var told, kept []Reason
			for _, e := range w.events.all {
				told = append(told, e.Reason)
			}
			for _, l := range storage.Limits() {
				kept = append(kept, l.Reason)
			}
			if slices.Sort(kept); !slices.Equal(told, c.want) || !slices.Equal(kept, slices.Sorted(slices.Values(c.kept))) {
				t.Errorf("%s: told %v, kept %v; want %v and %v", name, told, kept, c.want, c.kept)
			}
		})
	}
}

// Given a ban in any of its forms, all REST stops at once, also of other tokens
// and of interactions. One request in ten minutes looks whether it is over, sooner if
// Discord says so; the error says that the gateway stays up. The first answer tells that
// it is over.
// Statements: G-135.
func TestBanStopsEverything(t *testing.T) {
	page := `<!DOCTYPE html><html><head><title>Access denied | discord.com used Cloudflare to restrict access</title>` +
		`<style>.a{width:1020px}</style></head><body><h1><span class="cf-error-type">Error</span> <span class="cf-error-code">1020</span></h1></body></html>`
	for name, c := range map[string]struct {
		answer func() *http.Response
		want   time.Duration
		code   int
	}{
		"text":      {func() *http.Response { return respond(429, "error code: 1015", "Content-Type", "text/plain") }, 10 * time.Minute, 1015},
		"html":      {func() *http.Response { return respond(429, "<html>1015</html>", "Retry-After", "3600") }, 10 * time.Minute, 1015},
		"short":     {func() *http.Response { return respond(429, "<html>1015</html>", "Retry-After", "90") }, 90 * time.Second, 1015},
		"static":    {func() *http.Response { return respond(429, `{"code":0,"message":"You are being blocked"}`) }, 10 * time.Minute, 0},
		"page":      {func() *http.Response { return respond(403, page) }, 10 * time.Minute, 1020},
		"page text": {func() *http.Response { return respond(403, "error code: 1006") }, 10 * time.Minute, 1006},
		"unnamed":   {func() *http.Response { return respond(403, "<h1>Sorry, you have been blocked</h1> Cloudflare") }, 10 * time.Minute, 0},
		"challenge": {func() *http.Response { return respond(503, "<html>wait</html>", "Cf-Mitigated", "challenge") }, 10 * time.Minute, 0},
	} {
		run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
			if n <= 2 {
				return c.answer(), nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			if _, err := w.do("GET", "/channels/1", ""); !errors.Is(err, ErrBanned) {
				t.Fatalf("%s: error is %v", name, err)
			} else if text := err.Error(); !contains(text, "gateway", "stays up", span(c.want)) {
				t.Errorf("%s: error is %q", name, text)
			}
			for range 2 {
				time.Sleep(c.want - time.Second)
				w.refused(ErrBanned, "GET", "/users/@me")
				w.refused(ErrBanned, "POST", "/interactions/1/abc/callback")
				w.refused(ErrBanned, "POST", "/webhooks/1/abc")
				time.Sleep(time.Second)
				if len(w.discord.seen()) == 1 {
					if _, err := w.do("GET", "/channels/1", ""); !errors.Is(err, ErrBanned) {
						t.Fatalf("%s: error is %v", name, err)
					}
				}
			}
			w.must(200, "GET", "/channels/1", "")
			w.at(0, c.want, 2*c.want)
			if s := w.transport.Stats(); s.Bans != 2 || s.Invalid != 0 || !s.Stopped.IsZero() {
				t.Errorf("%s: stats are %+v", name, s)
			}
			told := w.events.of(ReasonBanned)
			if len(told) != 2 || told[0].Code != c.code || len(w.events.of(ReasonRecovered)) != 1 {
				t.Errorf("%s: told %v", name, w.events.all)
			}
		})
	}
}

// Given a ban whose next look is due and many requests at once, one of them looks and
// the others are refused meanwhile. A look that gets no answer is repeated a minute later.
func TestOneRequestLooksWhetherABanIsOver(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		switch n {
		case 1:
			return respond(403, "error code: 1006"), nil
		case 2:
			return nil, errCut
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		crowd := func() (answered int) {
			var group sync.WaitGroup
			var mu sync.Mutex
			for n := range 20 {
				group.Go(func() {
					if status, _ := w.do("POST", fmt.Sprintf("/webhooks/%d/abc", n), "{}"); status == 200 {
						mu.Lock()
						answered++
						mu.Unlock()
					}
				})
			}
			group.Wait()
			return answered
		}
		_, _ = w.do("GET", "/users/@me", "")
		time.Sleep(10 * time.Minute)
		if n := crowd(); n != 0 || len(w.discord.seen()) != 2 {
			t.Errorf("%d answered, %d sent", n, len(w.discord.seen()))
		}
		time.Sleep(time.Minute)
		if n := crowd(); n != 1 || len(w.discord.seen()) != 3 {
			t.Errorf("%d answered, %d sent", n, len(w.discord.seen()))
		}
		if n := crowd(); n != 20 {
			t.Errorf("%d answered", n)
		}
	})
}

// Given requests under way and others in line when a ban is found, the line
// fails at once and the stragglers' answers do not make the ban longer.
func TestBanFoundByManyAtOnce(t *testing.T) {
	run(t, Options{}, always(429, "error code: 1015"), func(w *harness) {
		w.discord.delay = func(s sentRequest) time.Duration { return time.Duration(len(s.path)) * 10 * time.Millisecond }
		var group sync.WaitGroup
		for n := range 20 {
			for range 2 {
				group.Go(func() {
					if _, err := w.do("GET", fmt.Sprintf("/channels/%d", n*n*n), ""); !errors.Is(err, ErrBanned) {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		if s := w.transport.Stats(); s.Bans != 1 || s.Sent != 20 || s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("stats are %+v", s)
		}
		if until := w.transport.Stats().Stopped.Sub(w.discord.began); until > 61*time.Minute {
			t.Errorf("stopped for %v", until)
		}
	})
}

// Given a webhook that answered 404, it is never called again; its neighbours
// are, and so is one of which only a message was missing.
// Statements: G-140.
func TestWebhookThatIsGoneIsLeftAlone(t *testing.T) {
	run(t, Options{}, func(_ int, s sentRequest) (*http.Response, error) {
		switch s.path {
		case "/webhooks/1/abc":
			return respond(404, `{"code":10015,"message":"Unknown Webhook"}`), nil
		case "/webhooks/4/wrong":
			return respond(401, `{"code":50027,"message":"Invalid Webhook Token"}`), nil
		case "/webhooks/2/def/messages/9", "/webhooks/2/def":
			if s.method == "POST" && s.body == "{}" {
				break
			}
			if code, thread := strings.CutPrefix(s.body, "code "); thread {
				return respond(404, `{"code":`+code+`}`), nil
			}
			return respond(404, `{"code":10008,"message":"Unknown Message"}`), nil
		case "/webhooks/5/xyz/messages/9":
			return respond(404, `{"code":10015,"message":"Unknown Webhook"}`), nil
		case "/webhooks/6/uvw":
			return respond(403, `{"code":50027}`), nil
		case "/webhooks/8/rst":
			return respond(403, `{"code":10015}`), nil
		case "/webhooks/7":
			return respond(404, `{"code":10015}`), nil
		case "/webhooks/3/early/messages/@original", "/webhooks/3/early":
			return respond(404, `{"code":10015,"message":"Unknown Webhook"}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.must(404, "POST", "/webhooks/1/abc", "{}")
		w.refused(ErrWebhookGone, "POST", "/webhooks/1/abc")
		w.refused(ErrWebhookGone, "GET", "/webhooks/1/abc/messages/5")
		w.must(200, "POST", "/webhooks/1/other", "{}")
		w.must(401, "POST", "/webhooks/4/wrong", "{}")
		w.refused(ErrWebhookGone, "POST", "/webhooks/4/wrong")
		w.must(404, "PATCH", "/webhooks/2/def/messages/9", "{}")
		w.must(200, "POST", "/webhooks/2/def", "{}")
		for _, code := range []string{"10003", "10008"} { // a thread or a message of it
			w.must(404, "PATCH", "/webhooks/2/def", "code "+code)
			w.must(200, "POST", "/webhooks/2/def", "{}")
		}
		w.must(404, "PATCH", "/webhooks/2/def/messages/9", "code 0")
		w.must(200, "POST", "/webhooks/2/def", "{}")
		w.must(404, "PATCH", "/webhooks/2/def", "code 0") // whatever else of the webhook itself
		w.refused(ErrWebhookGone, "POST", "/webhooks/2/def")
		w.must(404, "PATCH", "/webhooks/5/xyz/messages/9", "{}")
		w.refused(ErrWebhookGone, "POST", "/webhooks/5/xyz")
		for range 2 {
			w.must(403, "POST", "/webhooks/6/uvw", "{}") // not by its code alone
			w.must(403, "POST", "/webhooks/8/rst", "{}")
			w.must(404, "GET", "/webhooks/7", "") // a webhook by its id is asked for with the token
		}
		if told := w.events.of(ReasonWebhookGone); len(told) != 4 {
			t.Errorf("told %v", told)
		}
		// An interaction that has not been answered yet has no webhook so far.
		w.must(200, "POST", "/interactions/8/early/callback", "{}")
		w.must(404, "PATCH", "/webhooks/3/early/messages/@original", "{}")
		w.must(404, "POST", "/webhooks/3/early", "{}")
		w.must(404, "POST", "/webhooks/3/early", "{}")
	})
}
