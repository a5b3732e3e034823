package store

import (
	"errors"
	"slices"
	"time"

	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
)

// maxSamples bounds the records that wait for a disk that does not work: about a week
// of them. The oldest are dropped, down to enoughSamples.
const (
	maxSamples    = 10000
	enoughSamples = 8000
)

// samples is the [history.Storage].
type samples struct{ store *Store }

// History returns the storage of the history's samples. Records are written together
// with other changes and are not worth a sync of their own; old ones are deleted every
// hour, by [history.Kind.Keep].
func (s *Store) History() history.Storage { return samples{s} }

// Append stores the records in memory; the writer writes them.
func (p samples) Append(records []history.Record) {
	s := p.store
	s.mu.Lock()
	s.newSamples = append(s.newSamples, records...)
	s.trimSamples()
	s.mu.Unlock()
	s.signal(false)
}

// Replace has the writer take back what was appended since the database was read.
func (p samples) Replace(records []history.Record) {
	s := p.store
	s.mu.Lock()
	s.newSamples, s.samplesReplaced = records, true
	s.trimSamples()
	s.mu.Unlock()
	s.signal(false)
}

// Load returns what the disk had when it was opened. A second call returns nothing,
// so that memory does not keep it.
func (p samples) Load(since time.Time) ([]history.Record, error) {
	s := p.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return nil, errors.New("how the bot has been cannot be read: " + s.state.Reason)
	}
	records := slices.DeleteFunc(s.samples, func(r history.Record) bool { return r.At.Before(since) })
	s.samples = nil
	return records, nil
}

// Lost reports once that a new database has taken the place of the one that was read,
// because it was damaged or deleted. The caller then appends all records again.
func (p samples) Lost() bool {
	s := p.store
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.samplesLost
	if lost {
		s.samplesLost, s.newSamples = false, nil // the caller has these too
	}
	return lost
}

// trimSamples drops the oldest of too many waiting records. The caller holds mu.
func (s *Store) trimSamples() {
	if n := len(s.newSamples); n > maxSamples {
		s.newSamples = slices.Clone(s.newSamples[n-enoughSamples:])
	}
}

// alerts is the [alert.Storage].
type alerts struct{ store *Store }

// Alerts returns the storage of the alert that is not over.
func (s *Store) Alerts() alert.Storage { return alerts{s} }

// SaveActive leaves the alert to the writer, which does not let it wait.
func (a alerts) SaveActive(now *alert.Active) {
	s := a.store
	s.mu.Lock()
	s.alert, s.alertChanged, s.alertOwn = now, true, true
	s.mu.Unlock()
	s.signal(true)
}

// LoadActive does not wait for the disk.
func (a alerts) LoadActive() *alert.Active {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	return a.store.alert
}
