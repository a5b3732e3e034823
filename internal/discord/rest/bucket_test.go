package rest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a bucket that is used up for 0.75 s, and a Reset by a clock gone wrong,
// the next request waits 0.75 s, no more and no less.
// Statements: G-128.
func TestUsedUpBucketWaitsItsExactTime(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "1", "0", "0.75")...), func(w *harness) {
		for range 3 {
			w.must(200, "POST", "/channels/1/messages", "{}")
		}
		w.at(0, 750*time.Millisecond, 1500*time.Millisecond)
		if s := w.transport.Stats(); s.Waits != 2 || s.Waited != 1500*time.Millisecond || s.Limited != 0 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// Given that Discord names one bucket for POST and PATCH of messages, using it
// up with one stops the other in the same channel, and neither in another
// channel, nor a route of another bucket.
// Statements: G-127, G-128.
func TestRoutesOfOneBucketShareIt(t *testing.T) {
	run(t, Options{}, func(_ int, s sentRequest) (*http.Response, error) {
		if strings.HasSuffix(s.path, "/typing") {
			return respond(204, "", bucketHeaders("typing", "5", "4", "5")...), nil
		}
		return respond(200, "{}", bucketHeaders("write", "1", "0", "5")...), nil
	}, func(w *harness) {
		w.must(200, "PATCH", "/channels/9/messages/8", "{}") // tells the bucket of PATCH
		w.must(200, "POST", "/channels/1/messages", "{}")
		w.must(200, "POST", "/channels/2/messages", "{}")
		w.must(204, "POST", "/channels/1/typing", "")
		w.at(0, 0, 0, 0)
		w.must(200, "PATCH", "/channels/1/messages/8", "{}")
		w.at(0, 0, 0, 0, 5*time.Second)
	})
}

// Given that a route's first answer tells a bucket while others wait for that
// answer, they wait for the bucket from then on.
func TestThoseWhoWaitMoveToTheBucketThatIsLearnt(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "2", "1", "3")...), func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return 100 * time.Millisecond }
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		}
		group.Wait()
		w.at(0, 100*time.Millisecond, 3200*time.Millisecond, 3200*time.Millisecond)
	})
}

// Given a route that Discord sets no limit on, requests run side by side once
// the first has been answered.
func TestRouteWithoutBucketRunsFree(t *testing.T) {
	run(t, Options{}, always(200, "{}"), func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		w.must(200, "GET", "/gateway/bot", "")
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() { w.must(200, "GET", "/gateway/bot", "") })
		}
		group.Wait()
		if took := time.Since(w.discord.began); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
		if s := w.transport.Stats(); s.Buckets != 0 {
			t.Errorf("%d buckets are kept for nothing", s.Buckets)
		}
	})
}

// Given twenty requests for one channel, they are sent in the order they came.
func TestBucketIsServedInOrder(t *testing.T) {
	run(t, Options{}, (&quotas{per: 2 * time.Second, limit: 3}).answer, func(w *harness) {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
		defer cancel()
		var group sync.WaitGroup
		for n := range 20 {
			group.Go(func() {
				if _, err := w.send(w.request(ctx, "POST", "/channels/1/messages", strconv.Itoa(n))); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		inOrder(t, w.discord.seen(), func(s sentRequest) int { n, _ := strconv.Atoi(s.body); return n })
	})
}

// inOrder expects that nobody was sent before one who came earlier. Those sent
// at the same moment may overtake each other on the way.
func inOrder(t *testing.T, all []sentRequest, number func(sentRequest) int) {
	t.Helper()
	highest := -1 // of the moments before
	for i := 0; i < len(all); {
		moment := i
		for ; i < len(all) && all[i].at == all[moment].at; i++ {
			if number(all[i]) <= highest {
				t.Fatalf("number %d was sent after number %d", number(all[i]), highest)
			}
		}
		for ; moment < i; moment++ {
			highest = max(highest, number(all[moment]))
		}
	}
}

// Given one bucket that never answers, requests of other buckets are not
// delayed.
func TestSickBucketDelaysNobodyElse(t *testing.T) {
	run(t, Options{}, always(200, "{}"), func(w *harness) {
		w.discord.delay = func(s sentRequest) time.Duration {
			if s.path == "/channels/1/messages" {
				return time.Hour
			}
			return 0
		}
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if _, err := w.do("POST", "/channels/1/messages", "{}"); err == nil {
					t.Error("an answer came")
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		for n := range 30 {
			w.must(200, "POST", fmt.Sprintf("/channels/%d/messages", n+2), "{}")
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the others took %v", took)
		}
		group.Wait()
	})
}

// Given a line for a bucket, requests whose context ends leave it without a
// trace, and the others move up.
func TestRequestsThatGiveUpLeaveNoTrace(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "1", "0", "10")...), func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		ctx, cancel := context.WithCancel(w.t.Context())
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				_, err := w.send(w.request(ctx, "GET", "/channels/1", ""))
				if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "GET /channels/{channel}") {
					t.Errorf("error is %v", err)
				}
			})
		}
		synctest.Wait()
		group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		synctest.Wait()
		if s := w.transport.Stats(); s.Waiting != 11 {
			t.Errorf("%d are waiting", s.Waiting)
		}
		cancel()
		group.Wait()
		w.at(0, 10*time.Second)
		s := w.transport.Stats()
		if s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("traces are left: %+v", s)
		}
	})
}

// Given a wait that the request's deadline does not allow, the request fails at
// once and says for how long the limit holds.
func TestHopelessWaitFailsAtOnce(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "1", "0", "40")...), func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		_, err := w.send(w.request(ctx, "GET", "/channels/1", ""))
		if !errors.Is(err, ErrRateLimited) || !strings.Contains(err.Error(), "40 s") {
			t.Errorf("error is %v", err)
		}
		w.at(0)
	})
}

// Given a caller without a deadline, the Transport's own patience ends the wait.
func TestPatienceEndsEveryWait(t *testing.T) {
	run(t, Options{Timeout: 20 * time.Second, AttemptTimeout: time.Hour}, always(200, "{}"), func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return time.Hour }
		for range 2 {
			if _, err := w.do("POST", "/channels/1/messages", "{}"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error is %v", err)
			}
		}
		w.at(0, 20*time.Second)
	})
}

// Given thousands of channels, no more rate limits are remembered than allowed,
// and those in use are never forgotten.
func TestMemoryForBucketsIsBounded(t *testing.T) {
	run(t, Options{MaxBuckets: 100, GlobalLimit: -1}, always(200, "{}", bucketHeaders("b", "1", "0", "3600")...), func(w *harness) {
		for n := range 2000 {
			w.must(200, "GET", fmt.Sprintf("/channels/%d", n+1), "")
			if s := w.transport.Stats(); s.Buckets > 100 {
				t.Fatalf("%d buckets after %d channels", s.Buckets, n+1)
			}
		}
		if !slices.ContainsFunc(w.discord.seen(), func(s sentRequest) bool { return s.path == "/channels/2000" }) {
			t.Error("the last channel was not asked for")
		}
	})
}

// What an answer says of a bucket: in a window that is known the smaller number counts, and
// the later end; in a new one, what may not be counted yet comes off.
func TestBucketLearnsFromAnswers(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const s = time.Second
	for name, c := range map[string]struct {
		b         bucket
		q         quota
		others    int
		limit     int
		remaining int
		resets    time.Duration
	}{
		"first":                {bucket{}, quota{"b", 5, 4, 2 * s}, 0, 5, 4, 2 * s},
		"free before":          {bucket{free: true}, quota{"b", 5, 4, 2 * s}, 0, 5, 4, 2 * s},
		"first, others":        {bucket{}, quota{"b", 5, 4, 2 * s}, 3, 5, 1, 2 * s},
		"first, many others":   {bucket{}, quota{"b", 5, 4, 2 * s}, 9, 5, 0, 2 * s},
		"same window":          {bucket{known: true, limit: 5, remaining: 2, resets: began.Add(s)}, quota{"b", 5, 4, s}, 3, 5, 2, s},
		"same window, smaller": {bucket{known: true, limit: 5, remaining: 2, resets: began.Add(s)}, quota{"b", 5, 1, s}, 3, 5, 1, s},
		"same window, later":   {bucket{known: true, limit: 5, remaining: 2, resets: began.Add(s)}, quota{"b", 5, 1, 2 * s}, 3, 5, 1, 2 * s},
		"same window, sooner":  {bucket{known: true, limit: 5, remaining: 2, resets: began.Add(9 * s)}, quota{"b", 5, 1, 2 * s}, 3, 5, 1, 9 * s},
		"next window":          {bucket{known: true, limit: 5, remaining: 0, resets: began}, quota{"b", 5, 4, s}, 1, 5, 3, s},
		"long after":           {bucket{known: true, limit: 5, remaining: 0, resets: began.Add(-time.Hour)}, quota{"b", 5, 4, 0}, 0, 5, 4, 0},
		"not known so far":     {bucket{resets: began.Add(9 * s), remaining: -3}, quota{"b", 5, 4, s}, 0, 5, 4, s},
		"without a limit":      {bucket{}, quota{"b", 0, 4, s}, 0, 4, 4, s},
		"without anything":     {bucket{}, quota{"b", 0, 0, s}, 0, 1, 0, s},
		"below nothing":        {bucket{}, quota{"b", -1, -7, s}, 0, 1, 0, s},
	} {
		b := c.b
		b.update(c.q, began, c.others)
		if !b.known || b.free || b.limit != c.limit || b.remaining != c.remaining || !b.resets.Equal(began.Add(c.resets)) {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// When a bucket takes a request: at once where there is no limit or something is left, one at
// a time where nothing is known, as many as the limit where a new window begins.
func TestWhenABucketIsReady(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const s = time.Second
	closed := func(b bucket, look time.Duration) bucket {
		b.pause = pause{since: now.Add(-time.Hour), until: now.Add(20 * s), look: now.Add(look), reason: ReasonShared}
		return b
	}
	full := bucket{known: true, limit: 5, remaining: 5, resets: now.Add(s)}
	for name, c := range map[string]struct {
		b      bucket
		ok     bool
		until  time.Duration // 0: after an answer
		reason Reason
	}{
		"no limit":                 {bucket{free: true, inflight: 99}, true, 0, ""},
		"unknown":                  {bucket{}, true, 0, ReasonBucket},
		"unknown, one is sent":     {bucket{inflight: 1}, false, 0, ReasonBucket},
		"some left":                {bucket{known: true, limit: 5, remaining: 1, resets: now.Add(s), inflight: 4}, true, 0, ""},
		"none left":                {bucket{known: true, limit: 5, resets: now.Add(s)}, false, s, ReasonBucket},
		"new window":               {bucket{known: true, limit: 5, resets: now, inflight: 4}, true, 0, ReasonBucket},
		"new window, all are sent": {bucket{known: true, limit: 5, resets: now, inflight: 5}, false, 0, ReasonBucket},
		"paused":                   {closed(full, s), false, s, ReasonShared},
		"paused, no limit":         {closed(bucket{free: true}, s), false, s, ReasonShared},
		"paused, and looked at":    {closed(bucket{known: true, limit: 5, resets: now.Add(s)}, 0), true, 0, ReasonShared},
	} {
		until, reason, ok := c.b.ready(now)
		want := time.Time{}
		if c.until > 0 {
			want = now.Add(c.until)
		}
		if ok != c.ok || !until.Equal(want) || reason != c.reason {
			t.Errorf("%s: %v until %v because of %q", name, ok, until, reason)
		}
	}
}

// Given more buckets than are remembered, those that limit nothing are forgotten first, then
// those that end soonest, and never one that is in use.
func TestWhichBucketsAreForgotten(t *testing.T) {
	for name, c := range map[string]struct {
		resets map[string]string // by channel; "429 n": it met a 429
		held   string
		pass   time.Duration
		waits  map[string]bool // whose limit is still known
	}{
		"expired":    {map[string]string{"1": "1", "2": "50", "3": "1", "4": "50"}, "", 2 * time.Second, map[string]bool{"1": false, "2": true, "3": false, "4": true}},
		"soonest":    {map[string]string{"1": "50", "2": "20", "3": "40", "4": "30"}, "", 2 * time.Second, map[string]bool{"1": true, "2": false, "3": true, "4": true}},
		"429":        {map[string]string{"1": "429 50", "2": "20", "3": "429 10", "4": "30"}, "", 2 * time.Second, map[string]bool{"1": true, "2": true, "3": false, "4": true}},
		"one in use": {map[string]string{"1": "50", "2": "20", "3": "40", "4": "30"}, "2", 2 * time.Second, map[string]bool{"1": true, "2": true, "3": true, "4": false}},
	} {
		run(t, Options{MaxBuckets: 4, Tries: 1}, func(_ int, s sentRequest) (*http.Response, error) {
			resets, is := c.resets[strings.TrimPrefix(s.path, "/guilds/")]
			switch wait, limited := strings.CutPrefix(resets, "429 "); {
			case !is:
				return respond(200, "{}", bucketHeaders("b", "1", "1", "1")...), nil
			case limited:
				return respond(429, `{"retry_after":`+wait+`}`, bucketHeaders("b", "1", "1", map[string]string{"50": "3", "10": "5"}[wait])...), nil
			}
			return respond(200, "{}", bucketHeaders("b", "1", "0", resets)...), nil
		}, func(w *harness) {
			ask := func(channel string, within time.Duration) error {
				ctx, cancel := context.WithTimeout(w.t.Context(), within)
				defer cancel()
				_, err := w.send(w.request(ctx, "GET", "/guilds/"+channel, ""))
				return err
			}
			for _, channel := range []string{"1", "2", "3", "4"} {
				_ = ask(channel, time.Millisecond)
			}
			var group sync.WaitGroup
			if c.held != "" {
				group.Go(func() { _ = ask(c.held, time.Minute) })
				synctest.Wait()
			}
			time.Sleep(c.pass)
			_ = ask("9", time.Second)
			if s := w.transport.Stats(); s.Buckets > 4 {
				t.Errorf("%s: %d buckets", name, s.Buckets)
			}
			w.transport.mu.Lock()
			for channel, known := range c.waits {
				_, is := w.transport.buckets[bucketKey{digest("Bot " + token), "bucket b", "guild " + channel}]
				if is != known {
					t.Errorf("%s: guild %s is remembered: %v", name, channel, is)
				}
			}
			w.transport.mu.Unlock()
			group.Wait()
		})
	}
}

// A bucket that limits nothing any more is forgotten when its last request leaves it, also
// one that gives up.
func TestUnusedBucketsAreForgotten(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(429, `{"retry_after":30,"global":true}`), nil
		}
		return respond(200, "{}", bucketHeaders("b", "5", "4", "0")...), nil
	}, func(w *harness) {
		for n := range 20 {
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Millisecond)
			_, _ = w.send(w.request(ctx, "GET", fmt.Sprintf("/channels/%d", n), ""))
			cancel()
		}
		if s := w.transport.Stats(); s.Buckets != 0 {
			t.Errorf("%d buckets of requests that gave up", s.Buckets)
		}
		time.Sleep(time.Minute)
		w.must(200, "GET", "/users/@me", "")
		if s := w.transport.Stats(); s.Buckets != 0 {
			t.Errorf("%d buckets of one request", s.Buckets)
		}
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		var group sync.WaitGroup
		for range 3 { // they move to the bucket that is learnt
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		}
		group.Wait()
		if s := w.transport.Stats(); s.Buckets != 0 || s.InFlight != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// Given a route whose bucket is known, then in another channel one request at a time is sent
// until that channel's own limit is known.
func TestKnownBucketIsNewInEachChannel(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "5", "4", "1")...), func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { w.must(200, "GET", "/channels/2", "") })
		}
		group.Wait()
		w.at(0, 0, time.Second, time.Second)
	})
}

// Given a route without a limit that meets a 429, then after it one request at a time is sent.
func TestFreeRouteIsCarefulAfterA429(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 2 {
			return respond(429, `{"retry_after":30}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		var group sync.WaitGroup
		for n := range 3 {
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
			synctest.Wait()
			if n == 0 {
				w.discord.delay = func(sentRequest) time.Duration { return time.Second }
			}
		}
		group.Wait()
		w.at(0, 0, 30*time.Second, 31*time.Second, 32*time.Second)
	})
}

// Given a request that waits in a bucket for the answer of another, when the answer to a
// route that turns out to share the bucket says that there is room, then it goes at once.
func TestAnswerOfAnotherRouteLetsGo(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(200, "{}", bucketHeaders("b", "1", "0", "1")...), nil
		}
		return respond(200, "{}", bucketHeaders("b", "5", "4", "1")...), nil
	}, func(w *harness) {
		w.must(200, "PATCH", "/channels/1/messages/2", "{}")
		time.Sleep(2 * time.Second)
		w.discord.delay = func(s sentRequest) time.Duration {
			if s.method == "PATCH" {
				return 10 * time.Second
			}
			return 0
		}
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { w.must(200, "PATCH", "/channels/1/messages/2", "{}") })
			synctest.Wait()
		}
		time.Sleep(time.Second)
		w.must(200, "POST", "/channels/1/messages", "{}")
		group.Wait()
		w.at(0, 2*time.Second, 3*time.Second, 3*time.Second)
	})
}

// Given a page of something else where the first answer of a route should be, that says
// nothing of the route's limit.
func TestForeignPageFreesNoRoute(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(200, "<html>log in</html>", bucketHeaders("page", "9", "9", "60")...), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		_, _ = w.do("GET", "/channels/1", "")
		time.Sleep(2 * portalPause)
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		}
		group.Wait()
		w.at(0, 20*time.Second, 21*time.Second, 21*time.Second)
	})
}

// Only a success without headers says that a route has no limit.
func TestOnlyASuccessFreesARoute(t *testing.T) {
	for status, free := range map[int]bool{0: false, 200: true, 204: true, 299: true, 400: false, 404: false, 500: false} {
		run(t, Options{Tries: 1}, func(int, sentRequest) (*http.Response, error) {
			if status == 0 {
				return nil, errCut
			}
			return respond(status, ""), nil
		}, func(w *harness) {
			w.discord.delay = func(sentRequest) time.Duration { return time.Second }
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() { _, _ = w.do("GET", "/channels/1", "") })
				synctest.Wait()
			}
			group.Wait()
			if free {
				w.at(0, time.Second, time.Second)
			} else {
				w.at(0, time.Second, 2*time.Second)
			}
		})
	}
}

// Given requests under way when the first answer tells the bucket of their route, they count
// in its window.
func TestRequestsUnderWayCountInTheBucketThatIsLearnt(t *testing.T) {
	run(t, Options{}, func(_ int, s sentRequest) (*http.Response, error) {
		if s.path == "/channels/2" {
			return respond(200, "{}"), nil // the route has no limit
		}
		return respond(200, "{}", bucketHeaders("b", "4", "3", "10")...), nil
	}, func(w *harness) {
		w.must(200, "GET", "/channels/2", "")
		n := 0
		w.discord.delay = func(sentRequest) time.Duration { n++; return time.Duration(n) * time.Second }
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
			synctest.Wait()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for range 2 { // one is left in the window, because two may not be counted yet
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
			synctest.Wait()
		}
		group.Wait()
		w.at(0, 0, 0, 0, time.Second, 15*time.Second)
	})
}

// quotas is a Discord with one fixed window per channel, which starts with the
// first request after the last one ran out.
type quotas struct {
	per   time.Duration
	limit int

	mu      sync.Mutex
	windows map[string]*window
	over    int // requests above the limit
}

type window struct {
	ends time.Time
	used int
}

func (q *quotas) answer(_ int, s sentRequest) (*http.Response, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.windows == nil {
		q.windows = map[string]*window{}
	}
	w := q.windows[s.path]
	if w == nil || !time.Now().Before(w.ends) {
		w = &window{ends: time.Now().Add(q.per)}
		q.windows[s.path] = w
	}
	after := strconv.FormatFloat(time.Until(w.ends).Seconds(), 'f', 6, 64)
	if w.used >= q.limit {
		q.over++
		return respond(429, `{"message":"limited","retry_after":`+after+`,"global":false}`,
			append(bucketHeaders("b", strconv.Itoa(q.limit), "0", after), "X-RateLimit-Scope", "user")...), nil
	}
	w.used++
	return respond(200, "{}", bucketHeaders("b", strconv.Itoa(q.limit), strconv.Itoa(q.limit-w.used), after)...), nil
}

// Given random limits, latencies both ways and crowds on several channels, every
// request is answered, and Discord never has to say 429.
// Statements: G-127, G-128.
func TestCrowdsNeverMeetA429(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		q := &quotas{limit: 1 + random.IntN(6), per: time.Duration(1+random.IntN(4000)) * time.Millisecond}
		latency := time.Duration(1+random.IntN(600)) * time.Millisecond
		var mu sync.Mutex
		jitter := func(sentRequest) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(random.Int64N(int64(latency)))
		}
		run(t, Options{Timeout: time.Hour, GlobalLimit: -1}, q.answer, func(w *harness) {
			w.discord.delay, w.discord.lag = jitter, jitter
			var group sync.WaitGroup
			for n := range 60 {
				group.Go(func() { w.must(200, "POST", fmt.Sprintf("/channels/%d/messages", n%3), "{}") })
			}
			group.Wait()
		})
		if q.over != 0 {
			t.Errorf("seed %d (%d per %v, latency %v): %d answers of 429", seed, q.limit, q.per, latency, q.over)
		}
	}
}
