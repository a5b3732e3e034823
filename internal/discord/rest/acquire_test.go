package rest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inLine is three requests in line for one limit: how the limit is met, and when the
// requests are sent that stay in line.
type inLine struct {
	options Options
	// first is the answer to the request that meets the limit, after takes. own: that
	// request waits the limit out as the first of the line.
	first func() *http.Response
	takes time.Duration
	own   bool
	path  func(n int) string
	sent  []time.Duration
}

// lines are the limits for which requests stand in line.
func lines() map[string]inLine {
	const wait = 30 * time.Second
	same := func(int) string { return "/channels/7" }
	each := func(n int) string { return fmt.Sprintf("/channels/%d", n+1) }
	global := func() *http.Response { return respond(429, `{"retry_after":30,"global":true}`) }
	limited := func() *http.Response { return respond(429, `{"retry_after":30}`, bucketHeaders("b", "5", "4", "1")...) }
	used := func() *http.Response { return respond(200, "{}", bucketHeaders("b", "5", "0", "30")...) }
	free := func() *http.Response { return respond(200, "{}") }
	all := []time.Duration{wait, wait, wait}
	moved := []time.Duration{2 * wait, 2 * wait, 2 * wait}
	return map[string]inLine{
		"global pause":               {Options{}, global, 0, false, each, all},
		"global pause, own 429":      {Options{}, global, 0, true, each, all},
		"global pause, one bucket":   {Options{}, global, 0, false, same, all},
		"requests a second":          {Options{GlobalLimit: 1}, free, 0, false, each, []time.Duration{globalWindow, 2 * globalWindow, 3 * globalWindow}},
		"empty bucket":               {Options{}, used, 0, false, same, all},
		"429":                        {Options{}, limited, 0, false, same, all},
		"own 429":                    {Options{}, limited, 0, true, same, all},
		"bucket under way":           {Options{}, free, wait, false, same, all},
		"bucket is learnt":           {Options{}, used, wait, false, same, moved},
		"429 of an unknown bucket":   {Options{}, func() *http.Response { return respond(429, `{"retry_after":30}`) }, wait, false, same, moved},
		"429 for a bucket's new id":  {Options{}, limited, wait, false, same, moved},
		"under way, and no answer":   {Options{}, nil, wait, false, same, all},
		"under way, in global pause": {Options{}, global, wait, false, same, moved},
	}
}

// Given three requests in line for a limit, when some of them give up, before or while the
// limit is learnt and wherever they stand, then the others are sent as if those had never
// come, and so is one that comes later. Nothing of those that gave up is left.
func TestThoseWhoGiveUpLeaveEveryLine(t *testing.T) {
	later := 2 * time.Minute
	for name, c := range lines() {
		for victims := range 1 << 3 {
			for _, moment := range []time.Duration{0, time.Second, c.takes, c.takes + time.Second} {
				if moment >= c.sent[0] {
					continue
				}
				c.options.Timeout, c.options.AttemptTimeout = time.Hour, time.Hour
				run(t, c.options, func(n int, _ sentRequest) (*http.Response, error) {
					switch {
					case n > 1:
						return respond(200, "{}"), nil
					case c.first == nil:
						return nil, errCut
					}
					return c.first(), nil
				}, func(w *harness) {
					w.discord.delay = func(sentRequest) time.Duration {
						if time.Since(w.discord.began) == 0 && len(w.discord.seen()) == 1 {
							return c.takes
						}
						return 0
					}
					var group sync.WaitGroup
					start := func(ctx context.Context, n int) {
						group.Go(func() { _, _ = w.send(w.request(ctx, "POST", c.path(n), "")) })
						synctest.Wait()
					}
					if !c.own {
						short, cancel := context.WithTimeout(w.t.Context(), c.takes+time.Millisecond)
						defer cancel()
						start(short, 0)
					}
					giveUp, cancel := context.WithCancel(w.t.Context())
					defer cancel()
					stay := 0
					for n := range 3 {
						if victims>>n&1 == 1 {
							start(giveUp, n)
						} else {
							stay++
							start(w.t.Context(), n)
						}
					}
					time.Sleep(moment - time.Since(w.discord.began))
					cancel()
					group.Wait()
					time.Sleep(later)
					if s := w.transport.Stats(); s.Waiting != 0 || s.InFlight != 0 {
						t.Errorf("%s, %03b after %s: left behind: %+v", name, victims, moment, s)
					}
					began := time.Since(w.discord.began)
					w.must(200, "POST", c.path(0), "")
					var sent []time.Duration
					for _, s := range w.discord.seen()[1:] {
						sent = append(sent, s.at)
					}
					if want := append(slices.Clone(c.sent[:stay]), began); !slices.Equal(sent, want) {
						t.Errorf("%s, %03b after %s: sent at %v, want %v", name, victims, moment, sent, want)
					}
				})
			}
		}
	}
}

// Given a request that waits for its turn in the requests a second, when an answer closes
// its bucket meanwhile, then it stands aside: those behind it are sent at their time, and
// it is sent when its bucket opens, also if it was overtaken by many. If it gives up, it
// holds up nobody either.
func TestBucketThatClosesHoldsUpNoOther(t *testing.T) {
	for _, c := range []struct {
		closes  *http.Response
		givesUp bool
	}{
		{respond(429, `{"retry_after":30}`, bucketHeaders("b", "5", "4", "1")...), false},
		{respond(200, "{}", bucketHeaders("b", "5", "0", "30")...), false},
		{respond(429, `{"retry_after":30}`, bucketHeaders("b", "5", "4", "1")...), true},
	} {
		run(t, Options{GlobalLimit: 2}, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 2 {
				return c.closes, nil
			}
			return respond(200, "{}", bucketHeaders("b", "5", "4", "30")...), nil
		}, func(w *harness) {
			w.must(200, "GET", "/channels/1", "") // tells the bucket
			var group sync.WaitGroup
			start := func(ctx context.Context, channel int) {
				group.Go(func() { _, _ = w.send(w.request(ctx, "GET", fmt.Sprintf("/channels/%d", channel), "")) })
				synctest.Wait()
			}
			w.discord.delay = func(sentRequest) time.Duration { return 100 * time.Millisecond }
			short, cancel := context.WithTimeout(w.t.Context(), 200*time.Millisecond)
			defer cancel()
			start(short, 1) // closes the bucket
			waits, cancel := context.WithTimeout(w.t.Context(), 50*time.Second)
			defer cancel()
			if c.givesUp {
				time.AfterFunc(500*time.Millisecond, cancel)
			}
			start(waits, 1)
			start(w.t.Context(), 2)
			start(w.t.Context(), 3)
			group.Wait()
			want := []time.Duration{0, 0, globalWindow, globalWindow}
			if !c.givesUp {
				want = append(want, 30*time.Second+100*time.Millisecond)
			}
			w.at(want...)
		})
	}
}

// Given a bucket whose id changes while requests wait in it, and changes back, then neither
// those that moved nor one that gave up meanwhile stands in its line any more.
func TestBucketThatComesBackHasNoOldLine(t *testing.T) {
	ids := map[string]string{"/channels/7": "one", "/channels/8": "two", "/channels/9": "one"}
	for _, givesUp := range []bool{false, true} {
		run(t, Options{}, func(n int, s sentRequest) (*http.Response, error) {
			if n == 1 {
				return respond(200, "{}", bucketHeaders("one", "5", "0", "30")...), nil
			}
			return respond(200, "{}", bucketHeaders(ids[s.path], "5", "4", "1")...), nil
		}, func(w *harness) {
			w.must(200, "GET", "/channels/7", "")
			ctx, cancel := context.WithCancel(w.t.Context())
			defer cancel()
			var group sync.WaitGroup
			group.Go(func() { _, _ = w.send(w.request(ctx, "GET", "/channels/7", "")) })
			synctest.Wait()
			w.must(200, "GET", "/channels/8", "") // its answer tells another id
			if givesUp {
				cancel()
			}
			group.Wait()
			w.must(200, "GET", "/channels/9", "") // and this one the old id
			time.Sleep(time.Minute)
			began := time.Now()
			w.must(200, "GET", "/channels/7", "")
			if waited := time.Since(began); waited != 0 {
				t.Errorf("gives up %v: the next one waited %s", givesUp, waited)
			}
			if s := w.transport.Stats(); s.Buckets > 4 || s.Waiting != 0 {
				t.Errorf("gives up %v: left behind: %+v", givesUp, s)
			}
		})
	}
}
