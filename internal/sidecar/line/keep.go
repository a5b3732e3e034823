package line

import (
	"context"
	"time"
)

// keepTimes does what is due at some time: ACKs, pings, the mark of a stalled line, the end of
// one on which no IDENTIFY comes. It ends the line with ctx.
func (l *Line) keepTimes(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-l.toKeep:
		case <-l.over:
			return
		case <-ctx.Done():
			l.end(context.Cause(ctx))
			l.drop() // a close frame that is under way, too
			return
		}
		if why := l.keep(time.Now()); why != nil {
			l.end(why)
		}
		l.setTimer(timer)
	}
}

// keep does what is due now. It returns why the line has to end, or nil.
func (l *Line) keep(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return nil
	}
	if !l.endBy.IsZero() && !now.Before(l.endBy) {
		return &LostError{Err: l.writeError}
	}
	if l.phase != identified && !now.Before(l.greetBy) {
		return &CloseError{Code: CloseUnknownError, Reason: "Neither IDENTIFY nor RESUME came in time."}
	}
	l.queueDue(now)
	if l.out != nil {
		l.wakeWriter()
	}
	if stalled := !l.flow.stalled(now).IsZero(); stalled != l.wasStalled {
		l.wasStalled = stalled
		l.signalChanged()
	}
	return nil
}

// setTimer sets the timer to the next time at which something is due.
func (l *Line) setTimer(timer *time.Timer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.keepAt = l.next(now); l.keepAt.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(l.keepAt.Sub(now))
}

// next is when something is due next; zero: not before something happens.
func (l *Line) next(now time.Time) time.Time {
	if l.why != nil {
		return time.Time{}
	}
	at := earliest(l.flow.next(now), l.endBy)
	if l.hasRoom() {
		at = earliest(at, l.acks.next())
	}
	if l.phase != identified {
		at = earliest(at, l.greetBy)
	}
	return at
}

// wakeKeeper wakes the goroutine that keeps the times if it would wake too late.
func (l *Line) wakeKeeper() {
	if at := l.next(time.Now()); !at.IsZero() && (l.keepAt.IsZero() || at.Before(l.keepAt)) {
		l.keepAt = at
		notify(l.toKeep)
	}
}
