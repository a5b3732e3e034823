package rest

import (
	"context"
	"time"
)

// ticket is one request on its way through the gates.
type ticket struct {
	route route
	owner string // digest of the Authorization header; empty without one
	// exempt requests belong to an interaction and stand outside the global limit.
	exempt  bool
	secrets []string // what must not be printed
	recheck bool     // it may be sent although its token is dead
	arrival uint64
	bucket  *bucket // whose line it stands in, or that holds its reservation
	wake    chan struct{}
}

// poke makes a waiting ticket look again.
func (k *ticket) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// sleep waits until a time, a poke or the end of ctx. A zero time waits for the
// other two.
func (k *ticket) sleep(ctx context.Context, until time.Time) error {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-alarm:
	case <-k.wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// announceAfter is how long a wait that no 429 caused must be to be reported.
const announceAfter = 2 * time.Second

// admit waits until the request may leave and reserves its place in the bucket.
// If ctx ends first, or would end before the time that is known to come, the
// request leaves all lines without a trace.
func (t *Transport) admit(ctx context.Context, k *ticket) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting[k] = struct{}{}
	began, waited := time.Now(), false
	var said time.Time
	for {
		now := time.Now()
		h := t.judge(k, now)
		if h.err != nil {
			t.withdraw(k)
			t.stats.Refused++
			return h.err
		}
		if h.granted {
			delete(t.waiting, k)
			t.stats.Waited += now.Sub(began)
			return nil
		}
		deadline, limited := ctx.Deadline()
		late := limited && h.until.After(deadline)
		if ctx.Err() != nil || late {
			t.withdraw(k)
			t.stats.Refused++
			err := &Error{Request: k.route.name(), Reason: h.why, Until: h.until, Err: ErrRateLimited}
			if !late {
				err.Err = ctx.Err()
			}
			return err
		}
		if !waited {
			waited = true
			t.stats.Waits++
		}
		tell := h.until.Sub(now) >= announceAfter && !h.until.Equal(said) && h.why != ReasonGlobal && !t.announced(k)
		said = h.until
		t.mu.Unlock()
		if tell {
			t.opts.Observe(Event{Reason: h.why, At: now, Request: k.route.name(), Resource: k.route.resource, Wait: h.until.Sub(now)})
		}
		_ = k.sleep(ctx, h.until) // the loop sees why it ended
		t.mu.Lock()
	}
}

// announced reports whether a 429 has already told of the pause.
func (t *Transport) announced(k *ticket) bool {
	return k.bucket != nil && time.Now().Before(k.bucket.paused)
}

// hold is what the gates say to a request: granted, refused with err, or to
// look again at until, or when poked.
type hold struct {
	granted bool
	err     error
	until   time.Time
	why     Reason
}

// judge takes a ticket to the first gate that is closed. A request is in the
// lane's line only while it is the first of its bucket and the bucket is open,
// so a sick bucket holds nobody else up. The caller holds mu.
func (t *Transport) judge(k *ticket, now time.Time) hold {
	if err := t.refuse(k, now); err != nil {
		return hold{err: err}
	}
	b, l := t.bucketOf(k), t.laneOf(k)
	if k.bucket != b {
		if k.bucket != nil {
			k.bucket.line.leave(k)
			t.tidy(k.bucket)
		}
		k.bucket = b
		b.line.enter(k)
	}
	until, why, open := b.ready(now)
	if !b.line.first(k) {
		until, why, open = time.Time{}, ReasonBucket, false
	}
	if !open {
		if l != nil {
			l.line.leave(k)
		}
		return hold{until: until, why: why}
	}
	if l != nil {
		l.line.enter(k)
		if !l.line.first(k) {
			return hold{why: ReasonPace}
		}
		if until, why, open = l.ready(now); !open {
			return hold{until: until, why: why}
		}
		l.take(now)
		l.line.leave(k)
	}
	b.take()
	b.line.leave(k)
	return hold{granted: true}
}

// withdraw takes a ticket out of every line. The caller holds mu.
func (t *Transport) withdraw(k *ticket) {
	delete(t.waiting, k)
	if l := t.laneOf(k); l != nil {
		l.line.leave(k)
	}
	if b := k.bucket; b != nil {
		b.line.leave(k)
		k.bucket = nil
		t.tidy(b)
	}
}
