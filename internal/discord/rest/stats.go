package rest

import (
	"slices"
	"time"
)

// Stats are the counters of a [Transport] and its state. Counters only grow.
type Stats struct {
	Requests int64 // requests that came in
	Sent     int64 // attempts that went out
	Retries  int64 // attempts after the first of a request
	Refused  int64 // requests that were not sent, or no further

	Waits  int64         // times a request had to wait for a limit
	Waited time.Duration // the time all of them waited

	Limited, Shared, Global int64 // answers of 429 by kind
	Bans                    int64 // times the address was found to be blocked
	ServerErrors            int64 // answers of 5xx
	NoAnswers               int64 // attempts that got no answer, or half of one

	// Invalid are the answers of 401, 403 and 429 in the last ten minutes.
	Invalid int
	// Waiting and InFlight are requests now, Buckets rate limits remembered.
	Waiting, InFlight, Buckets int
	// Stopped is until when nothing is sent, and Why; zero when all is well.
	Stopped time.Time
	Why     Reason
	// RoundTrip is the time to an answer's header over the last 256 attempts.
	RoundTrip Percentiles
}

// Percentiles describes a distribution; all are zero without samples.
type Percentiles struct {
	Samples            int
	P50, P95, P99, Max time.Duration
}

// Stats returns the counters. It never waits for a request.
func (t *Transport) Stats() Stats {
	t.mu.Lock()
	s := t.stats
	now := time.Now()
	t.invalid.expire(now)
	s.Invalid = len(t.invalid.at)
	s.Waiting = len(t.waiting)
	s.Buckets = len(t.buckets)
	for _, b := range t.buckets {
		s.InFlight += b.inflight
	}
	switch {
	case t.ban.active(now):
		s.Stopped, s.Why = t.ban.until, ReasonBanned
	case now.Before(t.invalid.until):
		s.Stopped, s.Why = t.invalid.until, ReasonInvalid
	default:
		for _, l := range t.globalLimits {
			if l.pause.active(now) && l.pause.until.After(s.Stopped) {
				s.Stopped, s.Why = l.pause.until, ReasonGlobal
			}
		}
	}
	s.RoundTrip = percentiles(t.trips.order)
	t.mu.Unlock()
	return s
}

// roundTrips keeps the last round trips, and their lengths in order, so that Stats
// does not have to sort.
type roundTrips struct {
	ring  [256]time.Duration
	n     int
	order []time.Duration
}

func (t *roundTrips) add(d time.Duration) {
	oldest := &t.ring[t.n%len(t.ring)]
	if t.n >= len(t.ring) {
		at, _ := slices.BinarySearch(t.order, *oldest)
		t.order = slices.Delete(t.order, at, at+1)
	}
	*oldest = d
	t.n++
	at, _ := slices.BinarySearch(t.order, d)
	t.order = slices.Insert(t.order, at, d)
}

func percentiles(sorted []time.Duration) Percentiles {
	n := len(sorted)
	if n == 0 {
		return Percentiles{}
	}
	at := func(percent int) time.Duration { return sorted[(n-1)*percent/100] }
	return Percentiles{Samples: n, P50: at(50), P95: at(95), P99: at(99), Max: sorted[n-1]}
}
