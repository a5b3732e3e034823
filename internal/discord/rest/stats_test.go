package rest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

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
