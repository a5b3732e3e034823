package store

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"evergreen/internal/discord/rest"
)

// maxLimits bounds the limits of REST that are kept. Those that end soonest go first.
const maxLimits = 256

// limits is the [rest.Storage]. It answers from memory.
type limits struct{ store *Store }

// Limits returns the storage of the limits of REST that hold.
func (s *Store) Limits() rest.Storage { return limits{s} }

// Limits returns those that hold still.
func (l limits) Limits() []rest.Limit {
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holdingLimits(time.Now())
}

// PutLimit leaves the limit to the writer.
func (l limits) PutLimit(limit rest.Limit) {
	s := l.store
	s.mu.Lock()
	_, known := s.limits[limit.Key()]
	changed := known || limit.Wait > 0
	if changed {
		s.limits[limit.Key()] = limit // one that is taken back is over
		s.limitsChanged = true
	}
	if len(s.limits) > 2*maxLimits {
		s.holdingLimits(time.Now())
	}
	s.mu.Unlock()
	if changed {
		s.signal(false)
	}
}

// holdingLimits drops the limits that are over or too many, and returns the others, never
// nil. The caller holds mu.
func (s *Store) holdingLimits(now time.Time) []rest.Limit {
	maps.DeleteFunc(s.limits, func(_ string, l rest.Limit) bool { return l.Left(now) == 0 })
	list := slices.SortedFunc(maps.Values(s.limits), func(a, b rest.Limit) int {
		return cmp.Or(cmp.Compare(b.Left(now), a.Left(now)), cmp.Compare(a.Key(), b.Key()))
	})
	for _, l := range list[min(len(list), maxLimits):] {
		delete(s.limits, l.Key())
	}
	return append([]rest.Limit{}, list[:min(len(list), maxLimits)]...)
}

// loadLimits adds what the database held. The caller holds mu.
func (s *Store) loadLimits(list []rest.Limit) {
	for _, l := range list[:min(len(list), maxLimits)] {
		if _, newer := s.limits[l.Key()]; !newer {
			s.limits[l.Key()] = l
		}
	}
}
