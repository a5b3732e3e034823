package netsim

import (
	"slices"
	"sync"
	"time"
)

// cond is a condition variable whose waits have deadlines.
//
// Code that makes the condition true calls wake. Code that knows when it will
// become true calls wakeAt, which moves the waiters' timers and is cheaper than
// waking them to do it.
type cond struct {
	lock    *sync.Mutex // held by every caller of the methods
	waiters []*waiter
	spare   *waiter // for the next wait
}

// waiter is one call of wait.
type waiter struct {
	signal chan struct{} // one slot
	timer  *time.Timer   // nil as long as no wait had a deadline
	until  time.Time     // zero: no deadline
}

// wait gives up the lock and blocks until wake or the given time; zero means no
// deadline. It may return early: callers check their condition again.
func (c *cond) wait(until time.Time) {
	w := c.spare
	if c.spare = nil; w == nil {
		w = &waiter{signal: make(chan struct{}, 1)}
	}
	w.setTimer(until)
	c.waiters = append(c.waiters, w)
	c.lock.Unlock()
	var over <-chan time.Time
	if w.timer != nil {
		over = w.timer.C
	}
	select {
	case <-w.signal:
	case <-over:
	}
	c.lock.Lock()
	c.waiters = slices.DeleteFunc(c.waiters, func(other *waiter) bool { return other == w })
	if w.timer != nil {
		w.timer.Stop()
	}
	select {
	case <-w.signal: // one that came after the timer
	default:
	}
	c.spare = w
}

// wake lets every waiter return.
func (c *cond) wake() {
	for _, w := range c.waiters {
		w.notify()
	}
}

// wakeAt lets every waiter return at a time, if it does not before.
func (c *cond) wakeAt(at time.Time) {
	for _, w := range c.waiters {
		switch {
		case w.timer == nil:
			w.notify()
		case w.until.IsZero() || at.Before(w.until):
			w.setTimer(at)
		}
	}
}

func (w *waiter) setTimer(until time.Time) {
	switch w.until = until; {
	case until.IsZero():
	case w.timer == nil:
		w.timer = time.NewTimer(time.Until(until))
	default:
		w.timer.Reset(time.Until(until))
	}
}

func (w *waiter) notify() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// earliest is the earlier of two times of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
