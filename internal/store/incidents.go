package store

import (
	"slices"
	"time"

	"evergreen/internal/health"
)

// journal is the [health.Journal].
type journal struct{ store *Store }

// Journal returns the journal of incidents. What is recent it has in memory, 200
// at most; the disk keeps 5000, for 90 days at most, the routine ones shorter
// than the others.
func (s *Store) Journal() health.Archive { return journal{s} }

// Write leaves the incident to the writer.
func (j journal) Write(i health.Incident) {
	s := j.store
	s.mu.Lock()
	s.memory.Write(i)
	s.own[i.ID] = true
	if len(s.own) > maxWaiting {
		s.trimOwn()
	}
	s.newEvents[i.ID] = i
	s.trim()
	s.mu.Unlock()
	s.signal(false)
}

// Recent does not wait for the disk.
func (j journal) Recent(limit int) []health.Incident {
	j.store.mu.Lock()
	memory := j.store.memory
	j.store.mu.Unlock()
	return memory.Recent(limit)
}

// trimOwn forgets which old incidents are this run's: nobody rewrites what memory
// does not hold. The caller holds mu.
func (s *Store) trimOwn() {
	held := s.memory.Recent(health.MemoryJournalSize)
	own := map[string]bool{}
	for _, i := range held {
		own[i.ID] = s.own[i.ID]
	}
	s.own = own
}

// addOldIncidents puts the incidents of earlier runs before those of this one. What a
// run left open ended with it, at its last sign of life. The caller holds mu.
func (s *Store) addOldIncidents(old []health.Incident) {
	mine := s.memory.Recent(health.MemoryJournalSize)
	s.memory = &health.MemoryJournal{}
	for _, i := range old {
		if s.own[i.ID] {
			continue
		}
		if i.Outcome == health.OutcomeOpen {
			i.Outcome, i.End = health.OutcomeEnded, s.lastAlive(i.Start)
			s.newEvents[i.ID] = i
		}
		s.memory.Write(i)
	}
	for _, i := range slices.Backward(mine) {
		s.memory.Write(i)
	}
}

// lastAlive is when the run that was under way at the time was last alive. The
// caller holds mu.
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
