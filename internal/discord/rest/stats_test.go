package rest

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The counters count each request, attempt, wait and answer once.
func TestCounters(t *testing.T) {
	type counts struct {
		requests, sent, retries, refused, waits        int64
		limited, shared, global, bans, servers, nobody int64
		invalid                                        int
	}
	bad := respond(200, `{"id":`)
	for name, c := range map[string]struct {
		answer *http.Response // nil: none
		want   counts
	}{
		"fine":         {respond(200, "{}"), counts{requests: 2, sent: 2}},
		"limited":      {respond(429, `{"retry_after":30}`), counts{requests: 2, sent: 1, refused: 2, limited: 1, invalid: 1}},
		"shared":       {respond(429, `{"retry_after":30}`, "X-RateLimit-Scope", "shared"), counts{requests: 2, sent: 1, refused: 2, shared: 1}},
		"global":       {respond(429, `{"retry_after":30,"global":true}`), counts{requests: 2, sent: 1, refused: 2, global: 1, invalid: 1}},
		"odd":          {respond(429, `no`), counts{requests: 2, sent: 1, refused: 2, invalid: 1}},
		"banned":       {respond(403, `error code: 1006`), counts{requests: 2, sent: 1, refused: 1, bans: 1}},
		"unauthorized": {respond(401, `{"code":0}`), counts{requests: 2, sent: 1, refused: 1, invalid: 1}},
		"forbidden":    {respond(403, `{"code":0}`), counts{requests: 2, sent: 2, invalid: 2}},
		"broken":       {respond(500, `{}`), counts{requests: 2, sent: 4, retries: 2, servers: 4}},
		"no answer":    {nil, counts{requests: 2, sent: 4, retries: 2, nobody: 4}},
		"half of one":  {bad, counts{requests: 2, sent: 4, retries: 2, nobody: 4}},
	} {
		run(t, Options{Tries: 2}, func(int, sentRequest) (*http.Response, error) {
			if c.answer == nil {
				return nil, errCut
			}
			answer := *c.answer
			if c.answer == bad {
				answer.Body = io.NopCloser(strings.NewReader(`{"id":`))
			}
			return &answer, nil
		}, func(w *harness) {
			for range 2 {
				ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
				_, _ = w.send(w.request(ctx, "GET", "/users/@me", ""))
				cancel()
			}
			s := w.transport.Stats()
			got := counts{s.Requests, s.Sent, s.Retries, s.Refused, s.Waits, s.Limited, s.Shared, s.Global, s.Bans, s.ServerErrors, s.NoAnswers, s.Invalid}
			if got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
			if samples := s.RoundTrip.Samples; (samples == 0) != (c.answer == nil) {
				t.Errorf("%s: %d round trips", name, samples)
			}
		})
	}
}

// What is going on now: requests that wait, requests under way, and limits that are known.
func TestWhatIsGoingOn(t *testing.T) {
	run(t, Options{}, always(200, "{}", bucketHeaders("b", "3", "2", "30")...), func(w *harness) {
		w.must(200, "GET", "/channels/1", "")
		w.must(200, "GET", "/channels/2", "")
		w.discord.delay = func(sentRequest) time.Duration { return time.Second }
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() { w.must(200, "GET", "/channels/1", "") })
		}
		synctest.Wait()
		if s := w.transport.Stats(); s.Waiting != 3 || s.InFlight != 2 || s.Buckets != 2 || s.Waits != 3 {
			t.Errorf("stats are %+v", s)
		}
		group.Wait()
		if s := w.transport.Stats(); s.Waiting != 0 || s.InFlight != 0 || s.Waited != 3*31*time.Second || s.Waits != 3 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// Round trips are counted and sorted into percentiles.
func TestRoundTripPercentiles(t *testing.T) {
	run(t, Options{GlobalLimit: -1}, always(200, "{}"), func(w *harness) {
		n := 0
		w.discord.delay = func(sentRequest) time.Duration { n++; return time.Duration(n) * time.Millisecond }
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
