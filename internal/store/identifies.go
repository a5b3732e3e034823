package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"evergreen/identify"
)

// identifies is the [identify.Storage]: the entries of which the limiter counts its
// budget of the day, one for each IDENTIFY.
type identifies struct{ store *Store }

// Identifies returns the storage of the identify budget. It answers from memory,
// which holds what the disk had when it was opened and everything since.
func (s *Store) Identifies() identify.Storage { return identifies{s} }

// errIdentifiesLost tells the limiter once that what it has spent is not known.
var errIdentifiesLost = errors.New("the record of session starts went with the damaged database")

// Entries returns an error while the disk has not been read, and once after the
// record was lost.
func (a identifies) Entries(_ context.Context, since time.Time) ([]identify.Entry, error) {
	s := a.store
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.loaded:
		return nil, errors.New("the record of session starts cannot be read: " + s.state.Reason)
	case s.identifiesLost:
		s.identifiesLost = false
		return nil, errIdentifiesLost
	}
	var entries []identify.Entry
	for _, e := range s.entries {
		if !e.At.Before(since) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b identify.Entry) int { return a.At.Compare(b.At) })
	return entries, nil
}

// Put stores the entry in memory; the writer writes it.
func (a identifies) Put(e identify.Entry) {
	s := a.store
	e.At = e.At.Round(0)
	s.mu.Lock()
	if e.State == identify.Unsent {
		delete(s.entries, e.ID)
	} else {
		s.entries[e.ID] = e
	}
	s.changedEntries[e.ID] = e
	s.trim()
	s.mu.Unlock()
	s.signal(false)
}

// Commit waits until the entries are on the disk itself, so that no IDENTIFY is lost
// in a power cut (G-153). While the disk is known not to work it returns an error at
// once.
func (a identifies) Commit(ctx context.Context) error {
	s := a.store
	written := make(chan error, 1)
	s.mu.Lock()
	select {
	case <-s.closing:
		s.mu.Unlock()
		return errClosed
	default:
	}
	if !s.state.OK {
		s.mu.Unlock()
		return errors.New("the session start is not saved: " + s.state.Reason)
	}
	s.waiters = append(s.waiters, written)
	s.mu.Unlock()
	s.signal(true)
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
