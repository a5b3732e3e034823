package history

import (
	"slices"
	"time"
)

// Spread sums up round trips.
type Spread struct {
	N   int           `json:"n,omitempty"`
	Sum time.Duration `json:"sum,omitempty"`
	Max time.Duration `json:"max,omitempty"`
}

// Mean returns their mean; zero if there were none.
func (s Spread) Mean() time.Duration {
	if s.N == 0 {
		return 0
	}
	return s.Sum / time.Duration(s.N)
}

func (s *Spread) add(o Spread) {
	s.N += o.N
	s.Sum += o.Sum
	s.Max = max(s.Max, o.Max)
}

// Events counts events and commands.
type Events struct {
	// Received and Handled are events; Asked and Answered commands.
	Received int64 `json:"received,omitempty"`
	Handled  int64 `json:"handled,omitempty"`
	Asked    int64 `json:"asked,omitempty"`
	Answered int64 `json:"answered,omitempty"`
}

func (e *Events) add(o Events) {
	e.Received += o.Received
	e.Handled += o.Handled
	e.Asked += o.Asked
	e.Answered += o.Answered
}

// since returns what has been added since an earlier count. A count that has shrunk
// has begun anew.
func (e Events) since(o Events) Events {
	minus := func(a, b int64) int64 {
		if a < b {
			return a
		}
		return a - b
	}
	return Events{minus(e.Received, o.Received), minus(e.Handled, o.Handled), minus(e.Asked, o.Asked), minus(e.Answered, o.Answered)}
}

// share returns k of n parts of the events.
func (e Events) share(k, n int64) Events {
	return Events{e.Received * k / n, e.Handled * k / n, e.Asked * k / n, e.Answered * k / n}
}

// Sums is the numbers of a period.
type Sums struct {
	Gateway Spread `json:"gateway,omitzero"` // heartbeats
	REST    Spread `json:"rest,omitzero"`    // requests
	Events  Events `json:"events,omitzero"`
}

func (s *Sums) add(o Sums) {
	s.Gateway.add(o.Gateway)
	s.REST.add(o.REST)
	s.Events.add(o.Events)
}

// bucket is the numbers of a period that begins at a time.
type bucket struct {
	at time.Time
	Sums
}

// series is buckets of one length, the oldest first.
type series struct {
	kind      Kind
	length    time.Duration
	buckets   []bucket
	handedOut int // of them, how many have been handed out by end
}

// add adds numbers to the bucket of a time. If that is older than the newest bucket
// and has been handed out already, the newest takes them: the clock was set.
func (s *series) add(at time.Time, sums Sums) {
	if n := len(s.buckets) - 1; n >= 0 {
		// Nearly always it is the newest bucket.
		if into := at.Sub(s.buckets[n].at); into >= 0 && into < s.length {
			s.buckets[n].add(sums)
			return
		}
	}
	at = at.UTC().Truncate(s.length)
	n, found := slices.BinarySearchFunc(s.buckets, at, func(b bucket, t time.Time) int { return b.at.Compare(t) })
	switch {
	case found:
	case n == len(s.buckets):
		s.buckets = append(s.buckets, bucket{at: at})
	case n < s.handedOut:
		n = len(s.buckets) - 1
	default:
		s.buckets = slices.Insert(s.buckets, n, bucket{at: at})
	}
	s.buckets[n].add(sums)
}

// takeEnded returns the buckets that have ended since it was last asked.
func (s *series) takeEnded(now time.Time) (ended []Record) {
	for s.handedOut < len(s.buckets) && !s.buckets[s.handedOut].at.Add(s.length).After(now) {
		ended = append(ended, s.record(s.handedOut))
		s.handedOut++
	}
	return ended
}

// takeOpen returns the buckets that have not ended yet.
func (s *series) takeOpen() (open []Record) {
	for n := s.handedOut; n < len(s.buckets); n++ {
		open = append(open, s.record(n))
	}
	s.handedOut = len(s.buckets)
	return open
}

func (s *series) record(n int) Record {
	return Record{Kind: s.kind, At: s.buckets[n].at, Sums: s.buckets[n].Sums}
}

// trim forgets what is older than a moment.
func (s *series) trim(before time.Time) {
	n := 0
	for n < len(s.buckets) && s.buckets[n].at.Before(before) {
		n++
	}
	s.buckets = slices.Delete(s.buckets, 0, n)
	s.handedOut = max(0, s.handedOut-n)
}
