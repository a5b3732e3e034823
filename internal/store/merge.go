package store

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"evergreen/identify"
	"evergreen/internal/health"
)

// load stores what the database held when it was first read.
func (s *Store) load(c *contents) {
	if c.aside != "" {
		s.count.asides.Add(1)
		s.log.Warn("The database was damaged; it is set aside and a new one is begun", "file", c.aside)
	}
	if c.lacks != "" && c.lacks != s.lacks {
		s.lacks = c.lacks // only the writer calls load
		s.log.Warn("The volume of the state folder lacks what a local disk has; the database does without it", "lacks", c.lacks)
	}
	if c.damaged > 0 {
		s.log.Warn("Some incidents in the database cannot be read", "count", c.damaged)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded {
		if s.samplesLost = s.samplesLost || len(c.history) == 0; s.samplesLost {
			s.lastSample, s.samplesMoved = 0, nil
		}
		return
	}
	s.loaded, s.identifiesLost = true, c.aside != ""
	s.saved, s.runs = c.sessions, c.runs
	s.correctClock(c)
	if s.run != nil {
		s.run.ordinal = s.nextOrdinal()
	}
	if len(s.runs) > 0 {
		// A busy bot saves its session more often than its signs of life.
		for _, r := range s.saved {
			if last := &s.runs[0]; r.saved.After(last.Alive) && r.saved.Before(s.started) {
				last.Alive = r.saved
			}
		}
	}
	if s.opts.Fresh {
		s.saved = nil
	}
	for _, e := range c.entries {
		if _, known := s.entries[e.ID]; !known {
			s.entries[e.ID] = e
		}
	}
	s.samples, s.lastSample = c.history, c.lastHistory
	s.loadLimits(c.limits)
	if !s.alertOwn {
		s.alert = c.alert
	}
	s.addOldIncidents(c.incidents)
}

// setNewer stores that the database is of a later version; nil: it is not.
func (s *Store) setNewer(err *NewerError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newer = err
}

func (s *Store) newerError() *NewerError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newer
}

// markAllChanged marks everything that memory holds as not written, but for the run, which
// is in every sign of life.
func (s *Store) markAllChanged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.sessionStores {
		k.markChanged()
	}
	maps.Copy(s.changedEntries, s.entries)
	for _, i := range s.memory.Recent(health.MemoryJournalSize) {
		if s.ownIncidents[i.ID] {
			s.changedIncidents[i.ID] = i
		}
	}
	s.alertChanged = s.alertOwn || s.alert != nil
	s.limitsChanged = s.limitsChanged || len(s.limits) > 0
}

// collect returns what has changed; with alive also a sign of life of the run and of
// every session.
func (s *Store) collect(now time.Time, alive bool) *batch {
	b := &batch{}
	var kills oomCount
	var slept time.Duration
	if alive {
		kills, slept = s.oomKills(now), s.host.slept()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.sessionStores {
		row, changed := k.changedRow()
		if changed || alive && row.session.ID != "" {
			row.token, row.version, row.saved = s.opts.Fingerprint.String(), apiVersion, now
			b.sessions = append(b.sessions, row)
			if changed {
				b.changed = true
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.changedEntries)) {
		b.entries = append(b.entries, s.changedEntries[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.changedIncidents)) {
		b.incidents = append(b.incidents, s.changedIncidents[id])
	}
	b.changed = b.changed || len(b.entries) > 0 || len(b.incidents) > 0
	clear(s.changedEntries)
	clear(s.changedIncidents)
	if !s.samplesLost { // else all samples will be put again
		b.moved, s.samplesMoved = s.samplesMoved, nil
		if s.samplesReplaced {
			b.replaced, s.samplesReplaced = new(s.lastSample), false
		}
		b.history, s.newSamples = s.newSamples, nil // not counted as changed: a minute of samples is not worth a sync
	}
	if s.limitsChanged {
		b.limits, s.limitsChanged = s.holdingLimits(now), false // not counted as changed: the next 429 tells as much
	}
	if s.alertChanged {
		b.alert, s.alertChanged, b.changed = &activeAlert{s.alert}, false, true
	}
	if s.run != nil && alive {
		s.moveRun()
		s.run.Alive, s.run.oom, s.run.slept, s.run.uptime = now, kills, slept, s.host.uptime()
		b.run = new(*s.run)
	}
	b.waiters, s.waiters = s.waiters, nil
	return b
}

// finish sends the result of the batch to the waiting calls of Commit. After an error
// it marks the batch as not written, except for what has been replaced meanwhile.
func (s *Store) finish(b *batch, err error) {
	for _, w := range b.waiters {
		w <- err // it has room
	}
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range b.sessions {
		s.sessionStores[row.shard].markChanged()
	}
	for _, e := range b.entries {
		if _, newer := s.changedEntries[e.ID]; !newer {
			s.changedEntries[e.ID] = e
		}
	}
	for _, i := range b.incidents {
		if _, newer := s.changedIncidents[i.ID]; !newer {
			s.changedIncidents[i.ID] = i
		}
	}
	s.samplesMoved = b.moved
	if !s.samplesReplaced {
		s.newSamples, s.samplesReplaced = append(b.history, s.newSamples...), b.replaced != nil
	}
	s.trimSamples()
	s.alertChanged = s.alertChanged || b.alert != nil
	s.limitsChanged = s.limitsChanged || b.limits != nil
	s.trim()
	if b.durable {
		s.urgent.Store(true) // the next try waits for the disk itself too
	}
}

// failWaiters sends the error to all waiting calls of Commit.
func (s *Store) failWaiters(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiters {
		w <- err
	}
	s.waiters = nil
}

const (
	// maxWaiting bounds the entries and the incidents that wait for a disk that does
	// not work. The oldest are dropped, down to enoughWaiting; a day has at most a
	// thousand IDENTIFYs.
	maxWaiting    = 2000
	enoughWaiting = 1500
)

// trim drops the oldest of too many waiting changes. The caller holds mu.
func (s *Store) trim() {
	if n := len(s.changedEntries); n > maxWaiting {
		for _, id := range slices.Sorted(maps.Keys(s.changedEntries))[:n-enoughWaiting] {
			delete(s.changedEntries, id)
		}
	}
	if n := len(s.changedIncidents); n > maxWaiting {
		oldest := slices.SortedFunc(maps.Values(s.changedIncidents), func(a, b health.Incident) int {
			return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
		})
		for _, i := range oldest[:n-enoughWaiting] {
			delete(s.changedIncidents, i.ID)
		}
	}
}

// forgetEntries drops entries that are older than the budget needs.
func (s *Store) forgetEntries(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.entries, func(_ int64, e identify.Entry) bool { return now.Sub(e.At) > 2*day })
}
