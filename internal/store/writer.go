package store

import (
	"errors"
	"path/filepath"
	"time"

	"evergreen/clock"
)

const (
	// writeInterval is the least time between two writes that are not urgent, and so
	// about how old the disk may be after kill -9.
	writeInterval = 20 * time.Millisecond
	// syncAfter is how long a commit may wait for the disk itself, and so what a
	// power cut may cost. idleSync is the same while there are only signs of life.
	syncAfter = 2 * time.Second
	idleSync  = 30 * time.Second
	// deleteInterval is how often old rows are deleted.
	deleteInterval = time.Hour
	// firstRetry and lastRetry bound the wait after a failure, which doubles.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// errReplaced means that the open file is not the one that the next start would read.
var errReplaced = errors.New("the database was deleted or replaced while it was in use")

// writer is the one goroutine that touches the disk.
type writer struct {
	store    *Store
	volume   volume // nil while none is open
	skipOpen bool   // the database on the disk is damaged
	failed   bool   // the last try failed
	delay    time.Duration
	retry    time.Time

	last, alive, deletedOld time.Time
	watch                   *clock.Watch // of jumps between two deletions
	jumped                  time.Time    // when the clock last went ahead by more than a day
	syncBy                  time.Time    // when to wait for the disk; zero: it has everything
}

// run writes what changes until the store is closed.
func (w *writer) run() {
	defer close(w.store.done)
	w.open()
	close(w.store.opened)
	for {
		select {
		case <-w.store.closing:
			w.finish()
			return
		default:
		}
		now := time.Now()
		next := w.next(now)
		if next.After(now) {
			w.sleep(next.Sub(now))
			continue
		}
		if w.volume == nil {
			w.open()
			continue
		}
		w.write(now, false)
	}
}

// next returns when to write, open or sync next.
func (w *writer) next(now time.Time) time.Time {
	if w.failed {
		return w.retry
	}
	if w.store.urgent.Load() {
		return now
	}
	next := w.alive.Add(w.store.opts.AliveInterval)
	if w.store.dirty.Load() {
		next = earlier(next, w.last.Add(writeInterval))
	}
	if !w.syncBy.IsZero() {
		next = earlier(next, w.syncBy)
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// sleep waits, at most until something changes.
func (w *writer) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.store.wake:
	case <-w.store.closing:
	}
}

// timed calls f, which uses the disk; [Store.State] sees how long it takes.
func (w *writer) timed(f func() error) error {
	w.store.callBegan.Store(max(1, int64(time.Since(w.store.created))))
	defer w.store.callBegan.Store(0)
	return f()
}

// open opens and reads the database. Then it writes all that memory holds, because
// what is on the disk may be older.
func (w *writer) open() {
	var opened volume
	var read *contents
	err := w.timed(func() (err error) {
		opened, read, err = w.store.disk.open(w.skipOpen)
		return err
	})
	newer, _ := errors.AsType[*NewerError](err)
	w.store.setNewer(newer)
	if err != nil {
		w.failure(err)
		return
	}
	w.volume, w.skipOpen, w.failed = opened, false, false
	w.last, w.alive, w.deletedOld, w.syncBy = time.Time{}, time.Time{}, time.Now(), time.Time{}
	w.store.load(read)
	w.store.markAllChanged()
	w.write(time.Now(), false)
}

// write writes what has changed.
func (w *writer) write(now time.Time, final bool) {
	s := w.store
	due := final || !w.syncBy.IsZero() && !now.Before(w.syncBy)
	alive := due || !now.Before(w.alive.Add(w.store.opts.AliveInterval))
	if alive && !w.volume.present() {
		w.failure(errReplaced)
		w.open()
		if final && w.volume != nil {
			w.write(time.Now(), true)
		}
		return
	}
	// Cleared before collect: a change from here on is written by the next call.
	durable := s.urgent.Swap(false) || due
	s.dirty.Store(false)
	b := s.collect(now, alive || durable)
	b.durable = durable
	var err error
	// With nothing new in it, the batch waits for the disk to have the ones before.
	written := !b.empty() || len(b.waiters) > 0 || durable && !w.syncBy.IsZero()
	if written {
		err = w.timed(func() error { return w.volume.write(b) })
	}
	s.finish(b, err)
	if err != nil {
		w.failure(err)
		return
	}
	w.last = time.Now()
	if alive || durable {
		w.alive = w.last
	}
	by := w.last.Add(idleSync)
	if b.changed {
		by = w.last.Add(syncAfter)
	}
	if durable {
		w.syncBy = time.Time{}
	} else if written && (w.syncBy.IsZero() || by.Before(w.syncBy)) {
		w.syncBy = by
	}
	w.success()
	if now.Sub(w.deletedOld) >= deleteInterval {
		w.deletedOld = now
		if w.mayBeYoung(now) {
			return
		}
		s.forgetEntries(now)
		_ = w.timed(func() error { return w.volume.deleteOld(now) }) // the next write reports an error
	}
}

// mayBeYoung reports whether rows may be old only because the clock went ahead by more
// than a day, less than a day ago: it may be wrong, and what is deleted is gone.
func (w *writer) mayBeYoung(now time.Time) bool {
	if w.watch.Look(deleteInterval).Set > day {
		w.jumped = now
	}
	return now.Sub(w.jumped) < day
}

// success forgets earlier failures.
func (w *writer) success() {
	w.failed, w.delay = false, 0
	if w.store.setOK() && w.store.count.failures.Load() > 0 {
		w.store.log.Info("What the bot knows is being saved again")
	}
}

// failure decides when to try again, and whether to open the database anew.
func (w *writer) failure(err error) {
	w.store.count.failures.Add(1)
	var reason string
	_ = w.timed(func() error {
		reason = explain(filepath.Dir(w.store.path), err)
		return nil
	})
	if w.store.setFailed(err, reason) && !w.openRefused() {
		w.store.log.Warn(notSaved, "reason", w.store.State().Reason, "error", err)
	}
	w.failed = true
	w.delay = min(max(2*w.delay, firstRetry), lastRetry)
	w.retry = time.Now().Add(w.delay)
	w.store.failWaiters(err)
	if w.volume == nil || isTemporary(err) {
		return
	}
	if isDamaged(err) {
		if w.skipOpen = true; w.delay == firstRetry {
			w.retry = time.Now() // the first time at once
		}
	}
	_ = w.timed(w.volume.close)
	w.volume = nil
}

// openRefused reports whether [Open] is about to return a [*NewerError], which says
// all that a log line would.
func (w *writer) openRefused() bool {
	select {
	case <-w.store.opened:
		return false
	default:
		return w.store.newerError() != nil
	}
}

// finish writes what is left and closes the database.
func (w *writer) finish() {
	if w.volume == nil {
		w.open() // the disk may work again
	}
	if w.volume != nil {
		w.write(time.Now(), true)
	}
	if w.volume != nil {
		_ = w.timed(w.volume.close) // everything has been written
	}
}
