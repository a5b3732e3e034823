// Package lifecycle holds what every type with a life has in common: it runs
// once, is stopped for good, and can be cut short.
package lifecycle

import (
	"context"
	"errors"
	"sync/atomic"
)

// Errors of [Lifecycle.Start].
var (
	// ErrStarted says that Run was called before.
	ErrStarted = errors.New("started before: Run may be called once")
	// ErrStopped says that Stop was called before: Run returns without work.
	ErrStopped = errors.New("stopped before it ran")
)

// Lifecycle is the life of a value with a Run and a Stop method. Make it with
// [New].
//
// All methods may be called at the same time. Run begins with Start and must end
// with Finish; without Finish, Wait blocks until its context ends. A stop is
// final: nothing starts after it. Whatever Run waits for, it waits for with one
// of the two contexts: [Lifecycle.StopContext] for what a stop ends at once (a
// backoff, a dial), [Lifecycle.AbortContext] for what a stop lets finish (a drain,
// a close handshake).
type Lifecycle struct {
	started  atomic.Bool
	finished chan struct{}
	stopCtx  context.Context
	stop     context.CancelFunc
	abortCtx context.Context
	abort    context.CancelFunc
}

// New returns a Lifecycle that has not started.
func New() *Lifecycle {
	l := &Lifecycle{finished: make(chan struct{})}
	l.abortCtx, l.abort = context.WithCancel(context.Background())
	l.stopCtx, l.stop = context.WithCancel(l.abortCtx)
	return l
}

// Start must come first in Run. It returns [ErrStopped] after a stop and
// [ErrStarted] on a second call; then Run must return and not call Finish.
func (l *Lifecycle) Start() error {
	switch {
	case l.started.CompareAndSwap(false, true):
		return nil
	case l.Stopping():
		return ErrStopped
	}
	return ErrStarted
}

// Finish says that Run has nothing left to do. It stops and aborts what has not
// been, so that both contexts end. Call it once.
func (l *Lifecycle) Finish() {
	l.abort()
	close(l.finished)
}

// Stop ends StopContext. It returns at once and reports whether Run had not
// started: then it never will, and the life is over.
func (l *Lifecycle) Stop() (unstarted bool) {
	l.stop()
	if unstarted = l.started.CompareAndSwap(false, true); unstarted {
		l.Finish()
	}
	return unstarted
}

// Abort ends both contexts. It returns at once. What sees the end of StopContext then sees
// that of AbortContext too.
func (l *Lifecycle) Abort() {
	l.abort()
	l.Stop()
}

// Wait returns nil once Run has finished. When ctx ends first, Wait aborts and
// returns the error of ctx; Done tells when Run has finished after that.
func (l *Lifecycle) Wait(ctx context.Context) error {
	select {
	case <-l.finished:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-l.finished: // both had ended, and select draws lots
		return nil
	default:
		l.Abort()
		return ctx.Err()
	}
}

// Done is closed once Run has finished.
func (l *Lifecycle) Done() <-chan struct{} { return l.finished }

// Stopping reports whether Stop or Abort was called, or Run has finished.
func (l *Lifecycle) Stopping() bool { return l.stopCtx.Err() != nil }

// StopContext ends with the first Stop or Abort.
func (l *Lifecycle) StopContext() context.Context { return l.stopCtx }

// AbortContext ends with Abort.
func (l *Lifecycle) AbortContext() context.Context { return l.abortCtx }
