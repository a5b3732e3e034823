package store

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"evergreen/identify"
	"evergreen/internal/health"
)

// load takes over what the database held. Later databases of the same run have
// nothing to tell.
func (s *Store) load(i *contents) {
	if i.aside != "" {
		s.count.asides.Add(1)
		s.log.Warn("The database was damaged; it is set aside and a new one is begun", "file", i.aside)
	}
	if i.damaged > 0 {
		s.log.Warn("Some incidents in the database cannot be read", "count", i.damaged)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded {
		s.samplesLost = s.samplesLost || len(i.history) == 0
		return
	}
	s.loaded, s.identifiesLost = true, i.aside != ""
	s.saved, s.runs = i.sessions, i.runs
	if len(s.runs) > 0 {
		// A busy bot saves its session more often than it leaves signs of life.
		for _, r := range s.saved {
			if last := &s.runs[0]; r.saved.After(last.Alive) && r.saved.Before(s.started) {
				last.Alive = r.saved
			}
		}
	}
	if s.opts.Fresh {
		s.saved = nil
	}
	for _, e := range i.entries {
		if _, known := s.entries[e.ID]; !known {
			s.entries[e.ID] = e
		}
	}
	s.samples = i.history
	if !s.alertOwn {
		s.alert = i.alert
	}
	s.addOldIncidents(i.incidents)
}

// setNewer notes that the database is of a later version.
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

// markAllChanged marks everything that memory holds as not yet written, and reports
// whether that is anything.
func (s *Store) markAllChanged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	some := s.run != nil
	for _, k := range s.sessionStores {
		some = k.markChanged() || some
	}
	for id, e := range s.entries {
		if _, newer := s.newEntry[id]; !newer {
			s.newEntry[id] = e
		}
	}
	for id := range s.own {
		for _, i := range s.memory.Recent(health.MemoryJournalSize) {
			if _, newer := s.newEvents[id]; i.ID == id && !newer {
				s.newEvents[id] = i
			}
		}
	}
	s.runChanged = s.run != nil
	s.alertChanged = s.alertChanged || s.alertOwn || s.alert != nil
	return some || len(s.newSamples) > 0 || s.alertChanged || len(s.newEntry) > 0 || len(s.newEvents) > 0
}

// collect takes what has changed; with alive, a sign of life of the run and of
// every session too.
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
		row, changed, known := k.take()
		if changed || alive && known && row.session.ID != "" {
			row.token, row.version, row.saved = s.opts.Fingerprint.String(), apiVersion, now
			b.sessions = append(b.sessions, row)
			b.changed = b.changed || changed
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.newEntry)) {
		b.entries = append(b.entries, s.newEntry[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.newEvents)) {
		b.incidents = append(b.incidents, s.newEvents[id])
	}
	b.changed = b.changed || len(b.entries) > 0 || len(b.incidents) > 0 || s.runChanged
	clear(s.newEntry)
	clear(s.newEvents)
	if !s.samplesLost { // else all of it will come again
		b.history, s.newSamples = s.newSamples, nil // no news: a minute of the past is not worth a sync
	}
	if s.alertChanged {
		b.alert, s.alertChanged, b.changed = &activeAlert{s.alert}, false, true
	}
	if s.run != nil && (alive || s.runChanged) {
		if alive {
			s.run.Alive, s.run.oom, s.run.slept = now, kills, slept
		}
		run := *s.run
		b.run, s.runChanged = &run, false
	}
	b.waiters, s.waiters = s.waiters, nil
	return b
}

// finish tells those who wait what became of the batch, and after a failure
// takes back what has not been replaced by something newer.
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
		if k := s.sessionStores[row.pair]; k != nil {
			k.markChanged()
		}
	}
	for _, e := range b.entries {
		if _, newer := s.newEntry[e.ID]; !newer {
			s.newEntry[e.ID] = e
		}
	}
	for _, i := range b.incidents {
		if _, newer := s.newEvents[i.ID]; !newer {
			s.newEvents[i.ID] = i
		}
	}
	s.newSamples = append(b.history, s.newSamples...)
	s.trimSamples()
	s.alertChanged = s.alertChanged || b.alert != nil
	s.runChanged = s.runChanged || b.run != nil
	s.trim()
	s.dirty.Store(true)
}

// failWaiters ends the waiting of those who wait for a disk that does not work.
func (s *Store) failWaiters(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiters {
		w <- err
	}
	s.waiters = nil
}

const (
	// maxWaiting bounds the entries and the incidents that wait for a disk
	// that does not work, each. The oldest give way, down to enoughWaiting; a
	// day has at most a thousand session starts.
	maxWaiting    = 2000
	enoughWaiting = 1500
)

// trim keeps what waits within bounds. The caller holds mu.
func (s *Store) trim() {
	if n := len(s.newEntry); n > maxWaiting {
		for _, id := range slices.Sorted(maps.Keys(s.newEntry))[:n-enoughWaiting] {
			delete(s.newEntry, id)
		}
	}
	if n := len(s.newEvents); n > maxWaiting {
		oldest := slices.SortedFunc(maps.Values(s.newEvents), func(a, b health.Incident) int {
			return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
		})
		for _, i := range oldest[:n-enoughWaiting] {
			delete(s.newEvents, i.ID)
		}
	}
}

// forgetEntries drops entries from memory that nobody asks for any more.
func (s *Store) forgetEntries(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.entries, func(_ int64, e identify.Entry) bool { return now.Sub(e.At) > 2*day })
}
