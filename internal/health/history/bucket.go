package history

import (
	"slices"
	"time"
)

// Spread sums up a number of round trips.
type Spread struct {
	N   int           `json:"n,omitempty"`
	Sum time.Duration `json:"sum,omitempty"`
	Max time.Duration `json:"max,omitempty"`
}

// Mean is the mean of them, zero if there were none.
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

// Events counts what was asked and done.
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

// since is what has been added since an earlier count. A count that has shrunk
// began anew.
func (e Events) since(o Events) Events {
	minus := func(a, b int64) int64 {
		if a < b {
			return a
		}
		return a - b
	}
	return Events{minus(e.Received, o.Received), minus(e.Handled, o.Handled), minus(e.Asked, o.Asked), minus(e.Answered, o.Answered)}
}

// part is a share of the events: k of n.
func (e Events) part(k, n int64) Events {
	return Events{e.Received * k / n, e.Handled * k / n, e.Asked * k / n, e.Answered * k / n}
}

// Sums is all numbers of a stretch of time.
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

// bucket is the numbers from a moment on, for as long as its series says.
type bucket struct {
	at time.Time
	Sums
}

// series is buckets of one length, oldest first.
type series struct {
	kind    Kind
	each    time.Duration
	buckets []bucket
	ended   int // of them, how many have been handed out by end
}

// add adds numbers to the bucket of a moment. What is older than the newest
// bucket goes into it all the same, if there is no better one: a clock was set.
func (s *series) add(at time.Time, sums Sums) {
	if n := len(s.buckets) - 1; n >= 0 {
		// Nearly always it is the newest bucket.
		if into := at.Sub(s.buckets[n].at); into >= 0 && into < s.each {
			s.buckets[n].add(sums)
			return
		}
	}
	at = at.UTC().Truncate(s.each)
	n, found := slices.BinarySearchFunc(s.buckets, at, func(b bucket, t time.Time) int { return b.at.Compare(t) })
	switch {
	case found:
	case n == len(s.buckets):
		s.buckets = append(s.buckets, bucket{at: at})
	case n < s.ended:
		n = len(s.buckets) - 1
	default:
		s.buckets = slices.Insert(s.buckets, n, bucket{at: at})
	}
	s.buckets[n].add(sums)
}

// end returns the buckets that have ended since it was last asked.
func (s *series) end(now time.Time) (ended []Record) {
	for s.ended < len(s.buckets) && !s.buckets[s.ended].at.Add(s.each).After(now) {
		ended = append(ended, s.record(s.ended))
		s.ended++
	}
	return ended
}

// rest returns the buckets that have not ended yet.
func (s *series) rest() (open []Record) {
	for n := s.ended; n < len(s.buckets); n++ {
		open = append(open, s.record(n))
	}
	s.ended = len(s.buckets)
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
	s.ended = max(0, s.ended-n)
}
