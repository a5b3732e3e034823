package store

import (
	"errors"
	"path/filepath"
	"time"
)

const (
	// gap is the least time between two writes that nobody waits for, and so
	// about how old the disk may be after kill -9.
	gap = 20 * time.Millisecond
	// syncAfter is how old what the disk itself has may be, and so what a power
	// cut may cost; idleSync is the same while there is nothing new but signs of
	// life.
	syncAfter = 2 * time.Second
	idleSync  = 30 * time.Second
	// aliveEvery is how often a run leaves a sign of life where nothing else is
	// said.
	aliveEvery = 5 * time.Second
	// tidyEvery is how often old things are deleted.
	tidyEvery = time.Hour
	// firstRetry and lastRetry bound the wait after a failure, which doubles.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// errReplaced means that the file which is written is not the one that the next
// start would read.
var errReplaced = errors.New("the database was deleted or replaced while it was in use")

// writer is the one goroutine that touches the disk.
type writer struct {
	store    *Store
	volume   volume // nil while none is open
	distrust bool   // what is there is damaged
	failed   bool   // the last try came to nothing
	delay    time.Duration
	retry    time.Time

	last, alive, tidied time.Time
	syncBy              time.Time // zero: the disk itself has everything
}

// live writes what changes until the store is closed.
func (w *writer) live() {
	defer close(w.store.done)
	w.open()
	close(w.store.opened)
	for {
		select {
		case <-w.store.closing:
			w.end()
			return
		default:
		}
		now := time.Now()
		next := w.next(now)
		if next.After(now) {
			w.rest(next.Sub(now))
			continue
		}
		if w.volume == nil {
			w.open()
			continue
		}
		w.write(now, false)
	}
}

// next is when there is something to do.
func (w *writer) next(now time.Time) time.Time {
	if w.failed {
		return w.retry
	}
	if w.store.urgent.Load() {
		return now
	}
	next := w.alive.Add(w.store.opts.SignOfLife)
	if w.store.dirty.Load() {
		next = earlier(next, w.last.Add(gap))
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

// rest waits until something changes that may be due earlier.
func (w *writer) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.store.wake:
	case <-w.store.closing:
	}
}

// call makes a call to the disk visible to [Store.State] while it lasts.
func (w *writer) call(f func() error) error {
	w.store.began.Store(time.Now().UnixNano())
	defer w.store.began.Store(0)
	return f()
}

// open opens the database. Once it has been read, whatever memory holds is
// written anew: nobody knows what became of it on the disk.
func (w *writer) open() {
	var v volume
	var i *image
	err := w.call(func() (err error) {
		v, i, err = w.store.disk.open(w.distrust)
		return err
	})
	if newer, ok := errors.AsType[*NewerError](err); ok {
		w.store.refuse(newer)
	}
	if err != nil {
		w.failure(err)
		return
	}
	w.volume, w.distrust, w.failed = v, false, false
	w.last, w.alive, w.tidied, w.syncBy = time.Time{}, time.Time{}, time.Now(), time.Time{}
	w.store.adopt(i)
	if w.store.rewrite() {
		w.write(time.Now(), false)
		return
	}
	w.success()
}

// write writes what has changed.
func (w *writer) write(now time.Time, final bool) {
	s := w.store
	// Cleared before anything is collected: what changes from here on is seen by
	// the next look.
	durable := s.urgent.Swap(false) || final
	s.dirty.Store(false)
	alive := !now.Before(w.alive.Add(w.store.opts.SignOfLife)) || final
	if alive && !w.volume.present() {
		w.failure(errReplaced)
		w.open()
		if final && w.volume != nil {
			w.write(time.Now(), true)
		}
		return
	}
	durable = durable || !w.syncBy.IsZero() && !now.Before(w.syncBy)
	b := s.collect(now, alive || durable)
	b.durable = durable
	var err error
	if !b.empty() || len(b.waiters) > 0 {
		err = w.call(func() error { return w.volume.write(b) })
	}
	s.settle(b, err)
	if err != nil {
		w.failure(err)
		return
	}
	w.last = time.Now()
	if alive || durable {
		w.alive = w.last
	}
	switch by := w.last.Add(idleSync); {
	case durable:
		w.syncBy = time.Time{}
	case b.empty():
	default:
		if b.news {
			by = w.last.Add(syncAfter)
		}
		if w.syncBy.IsZero() || by.Before(w.syncBy) {
			w.syncBy = by
		}
	}
	w.success()
	if now.Sub(w.tidied) >= tidyEvery {
		w.tidied = now
		s.forget(now)
		_ = w.call(func() error { return w.volume.tidy(now) }) // if something is wrong, the next write says so
	}
}

// success forgets earlier failures.
func (w *writer) success() {
	w.failed, w.delay = false, 0
	if w.store.well() && w.store.count.failures.Load() > 0 {
		w.store.log.Info("What the bot knows is being saved again")
	}
}

// failure decides when to try again, and with what.
func (w *writer) failure(err error) {
	w.store.count.failures.Add(1)
	var reason string
	_ = w.call(func() error {
		reason = explain(filepath.Dir(w.store.path), err)
		return nil
	})
	if w.store.ill(err, reason) && !w.refusing() {
		w.store.log.Warn(w.store.State().String(), "error", err)
	}
	w.failed = true
	w.delay = min(max(2*w.delay, firstRetry), lastRetry)
	w.retry = time.Now().Add(w.delay)
	w.store.letGo(err)
	if w.volume == nil || passing(err) {
		return
	}
	if damaged(err) {
		if w.distrust = true; w.delay == firstRetry {
			w.retry = time.Now() // the first time nothing is gained by waiting
		}
	}
	_ = w.call(w.volume.close)
	w.volume = nil
}

// refusing reports whether the start is about to be refused: then nothing runs on
// without being saved, and [Open] returns why.
func (w *writer) refusing() bool {
	select {
	case <-w.store.opened:
		return false
	default:
		return w.store.refused() != nil
	}
}

// end writes what is left.
func (w *writer) end() {
	if w.volume == nil && w.store.refused() == nil {
		w.open() // the disk may be back just now
	}
	if w.volume != nil {
		w.write(time.Now(), true)
	}
	if w.volume != nil {
		_ = w.call(w.volume.close) // everything has been written
	}
	w.store.letGo(errClosed)
}
