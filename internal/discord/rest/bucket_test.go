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
