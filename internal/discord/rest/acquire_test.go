package rest

import (
	"context"
	"errors"
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

// A wait of two seconds or more is told once for each request, unless the answer that caused
// it has told it.
func TestLongWaitsAreTold(t *testing.T) {
	used := func(after string) *http.Response { return respond(200, "{}", bucketHeaders("b", "1", "0", after)...) }
	for name, c := range map[string]struct {
		options Options
		first   *http.Response
		want    []Event
	}{
		"long":    {Options{}, used("30"), []Event{{Reason: ReasonBucket, Request: "GET /channels/{channel}", Resource: "channel 1", Wait: 30 * time.Second}}},
		"enough":  {Options{}, used("2"), []Event{{Reason: ReasonBucket, Request: "GET /channels/{channel}", Resource: "channel 1", Wait: 2 * time.Second}}},
		"short":   {Options{}, used("1.999"), nil},
		"by 429":  {Options{}, respond(429, `{"retry_after":30}`), []Event{{Reason: ReasonBucket, Request: "GET /channels/{channel}", Resource: "channel 1", Wait: 30 * time.Second, Status: 429}}},
		"global":  {Options{}, respond(429, `{"retry_after":30,"global":true}`), []Event{{Reason: ReasonGlobal, Request: "GET /channels/{channel}", Resource: "channel 1", Wait: 30 * time.Second, Status: 429}}},
		"by pace": {Options{GlobalLimit: 1}, respond(200, "{}"), nil},
	} {
		run(t, c.options, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 1 {
				return c.first, nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			short, cancel := context.WithTimeout(w.t.Context(), time.Millisecond)
			defer cancel()
			_, _ = w.send(w.request(short, "GET", "/channels/1", ""))
			var group sync.WaitGroup
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
			synctest.Wait()
			for range 3 { // it is woken meanwhile
				time.Sleep(100 * time.Millisecond)
				w.transport.mu.Lock()
				w.transport.notifyWaiting()
				w.transport.mu.Unlock()
			}
			group.Wait()
			for i := range w.events.all {
				w.events.all[i].At = time.Time{}
			}
			if !slices.Equal(w.events.all, c.want) {
				t.Errorf("%s: told %+v, want %+v", name, w.events.all, c.want)
			}
		})
	}
}

// Given requests in line, when what they wait for is forbidden, then they fail at once.
func TestThoseInLineLearnThatAllIsStopped(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		answer *http.Response
		want   error
	}{
		"ban":     {"/users/@me", respond(403, "error code: 1006"), ErrBanned},
		"invalid": {"/users/@me", respond(403, `{"code":50013}`), ErrInvalid},
		"token":   {"/users/@me", respond(401, `{"code":0}`), ErrUnauthorized},
		"webhook": {"/webhooks/1/abc", respond(404, `{"code":10015}`), ErrWebhookGone},
	} {
		options := Options{}
		if name == "invalid" {
			options.InvalidLimit = 1
		}
		run(t, options, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 1 {
				return respond(200, "{}", bucketHeaders("b", "1", "0", "30")...), nil
			}
			return c.answer, nil
		}, func(w *harness) {
			w.must(200, "POST", c.path, "{}")
			var group sync.WaitGroup
			began := time.Now()
			group.Go(func() {
				if _, err := w.do("POST", c.path, "{}"); !errors.Is(err, c.want) || time.Since(began) != time.Second {
					t.Errorf("%s: %v after %s", name, err, time.Since(began))
				}
			})
			synctest.Wait()
			time.Sleep(time.Second)
			_, _ = w.do("GET", c.path, "")
			group.Wait()
		})
	}
}

// A request that was refused or given up tells that an answer did not get out, and so does
// one that has to wait for long.
func TestWaitsOfAnswersAreUndelivered(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "1", "0", "40")...), func(w *harness) {
		w.must(200, "POST", "/channels/1/messages", "{}")
		short, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
		defer cancel()
		_, _ = w.send(w.request(short, "POST", "/channels/1/messages", "{}"))
		if u := w.transport.Undelivered(); u.Reason != ReasonBucket || time.Until(u.Until) != 40*time.Second {
			t.Errorf("after one that could not wait: %+v", u)
		}
		w.must(200, "POST", "/channels/2/messages", "{}")
		if u := w.transport.Undelivered(); u != (Undelivered{}) {
			t.Errorf("after one that got out: %+v", u)
		}
		var group sync.WaitGroup
		group.Go(func() { w.must(200, "POST", "/channels/2/messages", "{}") })
		synctest.Wait()
		if u := w.transport.Undelivered(); u.Reason != ReasonBucket || time.Until(u.Until) != 40*time.Second {
			t.Errorf("while one waits: %+v", u)
		}
		group.Wait()
	})
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(401, `{"code":0}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.must(401, "GET", "/users/@me", "")
		w.refused(ErrUnauthorized, "POST", "/channels/1/messages")
		if u := w.transport.Undelivered(); u.Reason != ReasonUnauthorized {
			t.Errorf("after one that was refused: %+v", u)
		}
	})
}

// Given a token's 401, a ban or a global limit that answers ran into, when another request
// finds that it is over, then answers count as getting out again.
func TestEndOfAStopIsTheEndForAnswers(t *testing.T) {
	for name, first := range map[string]func() *http.Response{
		"token":  func() *http.Response { return respond(401, `{"code":0}`) },
		"ban":    func() *http.Response { return respond(403, "error code: 1006") },
		"short":  func() *http.Response { return respond(403, "error code: 1006", "Retry-After", "600") },
		"global": func() *http.Response { return respond(429, `{"retry_after":86400,"global":true}`) },
	} {
		for _, path := range []string{"/channels/1/messages", "/webhooks/7/abc"} {
			storage := &memoryStorage{limits: map[string]Limit{}}
			run(t, Options{TokenRecheck: 10 * time.Minute, Storage: storage, Tries: 1}, func(n int, s sentRequest) (*http.Response, error) {
				switch {
				case n == 2:
					return first(), nil
				case s.path == "/gateway/bot":
					return nil, errCut
				}
				return respond(200, "{}"), nil
			}, func(w *harness) {
				w.must(200, "POST", "/interactions/1/abc/callback", "{}")
				short, cancel := context.WithTimeout(w.t.Context(), time.Second)
				defer cancel()
				_, _ = w.send(w.request(short, "GET", "/users/@me", ""))
				if time.Sleep(9*time.Minute + 30*time.Second); name == "global" {
					// A look that gets no answer ends nothing.
					if _, err := w.send(w.request(w.t.Context(), "GET", "/gateway/bot", "")); err == nil || len(storage.Limits()) != 1 {
						t.Errorf("%s: %v, %v is kept", name, err, storage.Limits())
					}
					time.Sleep(30 * time.Second)
				}
				short, cancel = context.WithTimeout(w.t.Context(), time.Second)
				defer cancel()
				_, _ = w.send(w.request(short, "POST", path, "{}"))
				stopped := name == "ban" || name == "short" || path == "/channels/1/messages"
				if u := w.transport.Undelivered(); (u.Reason != "") != stopped && name != "global" {
					t.Errorf("%s, %s: %+v", name, path, u)
				}
				time.Sleep(time.Until(w.discord.began.Add(10*time.Minute + 2*time.Second)))
				if name == "global" {
					time.Sleep(time.Minute)
				}
				w.must(200, "GET", "/users/@me", "")
				if u := w.transport.Undelivered(); u != (Undelivered{}) {
					t.Errorf("%s, %s: %+v afterwards", name, path, u)
				}
				if kept := storage.Limits(); len(kept) != 0 {
					t.Errorf("%s: %+v is kept afterwards", name, kept)
				}
			})
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
