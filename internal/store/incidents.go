package store

import (
	"slices"
	"time"

	"evergreen/internal/health"
)

// journal is the [health.Journal].
type journal struct{ store *Store }

// Journal returns the journal of incidents. It has the last 200 in memory. The disk
// keeps 5000, for 90 days at most; routine ones are deleted first.
func (s *Store) Journal() health.Archive { return journal{s} }

// Write stores the incident in memory; the writer writes it.
func (j journal) Write(i health.Incident) {
	s := j.store
	s.mu.Lock()
	s.memory.Write(i)
	s.ownIncidents[i.ID] = true
	if len(s.ownIncidents) > maxWaiting {
		s.trimOwn()
	}
	s.changedIncidents[i.ID] = i
	s.trim()
	s.mu.Unlock()
	s.signal(false)
}

// Recent returns the newest incidents in memory.
func (j journal) Recent(limit int) []health.Incident {
	j.store.mu.Lock()
	memory := j.store.memory
	j.store.mu.Unlock()
	return memory.Recent(limit)
}

// trimOwn drops incidents that memory does not hold from ownIncidents. The caller
// holds mu.
func (s *Store) trimOwn() {
	held := s.memory.Recent(health.MemoryJournalSize)
	own := map[string]bool{}
	for _, i := range held {
		own[i.ID] = s.ownIncidents[i.ID]
	}
	s.ownIncidents = own
}

// addOldIncidents puts the incidents of earlier runs before those of this one. One that
// was open ended with its run, at the last sign of life. The caller holds mu.
func (s *Store) addOldIncidents(old []health.Incident) {
	mine := s.memory.Recent(health.MemoryJournalSize)
	s.memory = &health.MemoryJournal{}
	for _, i := range old {
		if i.Outcome == health.OutcomeOpen {
			i.Outcome, i.End = health.OutcomeEnded, s.lastAlive(i.Start)
			s.changedIncidents[i.ID] = i
		}
		s.memory.Write(i)
	}
	for _, i := range slices.Backward(mine) {
		s.memory.Write(i)
	}
}

// lastAlive returns the last sign of life of the run that was under way at the time.
// The caller holds mu.
func (s *Store) lastAlive(at time.Time) time.Time {
	for _, r := range s.runs { // the newest first
		if !r.Started.After(at) {
			if end := r.end(); end.After(at) {
				return end
			}
			break
		}
	}
	return at
}
