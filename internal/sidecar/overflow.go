package sidecar

import (
	"cmp"
	"context"
	"errors"
	"time"

	"evergreen/internal/sidecar/backlog"
	"evergreen/internal/sidecar/world"
)

// The data of events that do not fit into memory is moved to the disk, and read when an
// event is delivered. What changes guilds stays in memory, so that nothing but delivery
// waits for the disk.
const (
	moveBytes = 1 << 20 // at once
	moveRetry = 5 * time.Second
	// moveWait is how long an event of Discord's waits for the disk while the memory is
	// full. What comes after it waits in the queue of its shard.
	moveWait = 2 * time.Second
	// readWait is how long a line waits for the disk. Then its library resumes.
	readWait = 10 * time.Second
)

// isMovable reports whether an event is looked at only when it is delivered.
func isMovable(r backlog.Record) bool {
	return !world.Changes(r.Type) && r.Type != "INTERACTION_CREATE"
}

// movedRead asks for the data of an event that was moved.
type movedRead struct {
	place  int64
	answer chan movedData // capacity 1
}

type movedData struct {
	data []byte
	err  error
}

// serveStore moves events to the disk and reads them until ctx ends. Nothing else waits for
// the disk when it hangs.
func (s *Sidecar) serveStore(ctx context.Context) {
	var trouble error
	var failed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-s.reads:
			data, err := s.store.Read(r.place)
			r.answer <- movedData{data, err}
		case <-s.overflow:
			if trouble != nil && time.Since(failed) < moveRetry {
				continue // the next event comes here again
			}
			more, err := s.moveEvents()
			switch {
			case err != nil && trouble == nil:
				s.log.Warn("Events that do not fit into memory cannot be kept on the disk; the oldest are lost", "error", err, "do", "Make room in the state folder, or let it be written to.")
			case err == nil && trouble != nil:
				s.log.Info("Events that do not fit into memory are kept on the disk again")
			}
			if trouble = err; err != nil {
				failed = time.Now()
			} else if more {
				s.signalOverflow()
			}
		}
	}
}

// signalOverflow has events moved to the disk.
func (s *Sidecar) signalOverflow() {
	select {
	case s.overflow <- struct{}{}:
	default:
	}
}

// moveEvents moves some events to the disk, and reports whether there may be more to move.
func (s *Sidecar) moveEvents() (more bool, err error) {
	s.mu.Lock()
	list := s.backlog.ToMove(moveBytes)
	s.moving = s.store.Next()
	s.mu.Unlock()
	var places []int64
	if len(list) > 0 {
		pieces := make([][]byte, len(list))
		for i, r := range list {
			pieces[i] = r.Data
		}
		places, err = s.store.Write(pieces)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.moved)
	s.moved, s.moving, s.moveFailed = make(chan struct{}), 0, err != nil
	if err != nil {
		return false, err
	}
	s.countLost(s.backlog.SetMoved(list, places))
	return len(list) > 0, nil
}

// awaitRoom waits while the memory is full and events are being moved to the disk. The
// caller holds the lock, which is released meanwhile.
func (s *Sidecar) awaitRoom() {
	if s.store == nil || !s.backlog.Full() {
		return
	}
	timer := time.NewTimer(moveWait)
	defer timer.Stop()
	for s.backlog.Full() && !s.moveFailed && (s.moving != 0 || len(s.overflow) > 0) {
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
			s.mu.Lock()
		case <-timer.C:
			s.mu.Lock()
			s.moveFailed = true
		}
	}
}

// neededPlace returns the lowest place in the store that is needed. The caller holds the
// lock.
func (s *Sidecar) neededPlace() int64 {
	return cmp.Or(s.backlog.FirstPlace(), s.moving, s.store.Next())
}

// errNoStore: an earlier process has moved an event, and the folder cannot be read.
var errNoStore = errors.New("the folder cannot be read")

// errDiskHangs ends a line whose next event cannot be read for now.
var errDiskHangs = errors.New("the disk does not answer")

// readMoved returns the data of an event that was moved. The error is that of ctx,
// errDiskHangs, or says why the data is lost.
func (s *Sidecar) readMoved(ctx context.Context, place int64) ([]byte, error) {
	if s.store == nil {
		return nil, errNoStore
	}
	timer := time.NewTimer(readWait)
	defer timer.Stop()
	r := movedRead{place, make(chan movedData, 1)}
	requests := s.reads
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, errDiskHangs
		case requests <- r:
			requests = nil
		case a := <-r.answer:
			return a.data, a.err
		}
	}
}

// load reads the data of the event that is next for a line.
func (a *attachment) load(ctx context.Context, next outgoing) error {
	data, err := a.sidecar.readMoved(ctx, next.place)
	if ctx.Err() != nil || errors.Is(err, errDiskHangs) {
		return err
	}
	if err != nil {
		a.sidecar.log.Warn("An event that was kept on the disk is lost", "type", next.event, "error", err)
		data = nil
	}
	a.sidecar.mu.Lock()
	defer a.sidecar.mu.Unlock()
	a.loaded = loadedEvent{next.place, data}
	return nil
}

// lose counts an event that is lost for a consumer. The caller holds the lock.
func (s *Sidecar) lose(c *consumer, r backlog.Record) {
	c.counts.Lost++
	s.countLost(backlog.Loss{Count: 1, ByType: map[string]int{r.Type: 1}, From: r.Received, To: r.Received})
}

// loadedEvent is the data of an event that was moved; nil if it is lost.
type loadedEvent struct {
	place int64
	data  []byte
}
