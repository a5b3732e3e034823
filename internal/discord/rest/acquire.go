package rest

import (
	"context"
	"time"
)

// request is one request on its way through the gates.
type request struct {
	route route
	owner string // digest of the Authorization header; empty without one
	// exempt requests belong to an interaction and stand outside the global limit.
	exempt  bool
	secrets []string // what must not be printed
	recheck bool     // it may be sent although its token is dead
	arrival uint64
	bucket  *bucket // whose line it stands in, or that holds its reservation
	woken   chan struct{}
}

// notify makes a waiting ticket look again.
func (r *request) notify() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// wait waits until a time, a poke or the end of ctx. A zero time waits for the
// other two.
func (r *request) wait(ctx context.Context, until time.Time) error {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-alarm:
	case <-r.woken:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// observeAfter is how long a wait that no 429 caused must be to be reported.
const observeAfter = 2 * time.Second

// acquire waits until the request may leave and reserves its place in the bucket.
// If ctx ends first, or would end before the time that is known to come, the
// request leaves all lines without a trace.
func (t *Transport) acquire(ctx context.Context, r *request) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting[r] = struct{}{}
	began, waited := time.Now(), false
	var said time.Time
	for {
		now := time.Now()
		h := t.tryAcquire(r, now)
		if h.err != nil {
			t.withdraw(r)
			t.stats.Refused++
			return h.err
		}
		if h.granted {
			delete(t.waiting, r)
			t.stats.Waited += now.Sub(began)
			return nil
		}
		deadline, limited := ctx.Deadline()
		late := limited && h.until.After(deadline)
		if ctx.Err() != nil || late {
			t.withdraw(r)
			t.stats.Refused++
			err := &Error{Request: r.route.name(), Reason: h.reason, Until: h.until, Err: ErrRateLimited}
			if !late {
				err.Err = ctx.Err()
			}
			return err
		}
		if !waited {
			waited = true
			t.stats.Waits++
		}
		tell := h.until.Sub(now) >= observeAfter && !h.until.Equal(said) && h.reason != ReasonGlobal && !t.toldBy429(r)
		said = h.until
		t.mu.Unlock()
		if tell {
			t.opts.Observe(Event{Reason: h.reason, At: now, Request: r.route.name(), Resource: r.route.resource, Wait: h.until.Sub(now)})
		}
		_ = r.wait(ctx, h.until) // the loop sees why it ended
		t.mu.Lock()
	}
}

// toldBy429 reports whether a 429 has already told of the pause.
func (t *Transport) toldBy429(r *request) bool {
	return r.bucket != nil && time.Now().Before(r.bucket.paused)
}

// decision is what the gates say to a request: granted, refused with err, or to
// look again at until, or when poked.
type decision struct {
	granted bool
	err     error
	until   time.Time
	reason  Reason
}

// tryAcquire takes a ticket to the first gate that is closed. A request is in the
// lane's line only while it is the first of its bucket and the bucket is open,
// so a sick bucket holds nobody else up. The caller holds mu.
func (t *Transport) tryAcquire(r *request, now time.Time) decision {
	if err := t.guard(r, now); err != nil {
		return decision{err: err}
	}
	b, l := t.bucketOf(r), t.globalLimitOf(r)
	if r.bucket != b {
		if r.bucket != nil {
			r.bucket.queue.leave(r)
			t.dropUnused(r.bucket)
		}
		r.bucket = b
		b.queue.enter(r)
	}
	until, why, open := b.ready(now)
	if !b.queue.first(r) {
		until, why, open = time.Time{}, ReasonBucket, false
	}
	if !open {
		if l != nil {
			l.queue.leave(r)
		}
		return decision{until: until, reason: why}
	}
	if l != nil {
		l.queue.enter(r)
		if !l.queue.first(r) {
			return decision{reason: ReasonPace}
		}
		if until, why, open = l.ready(now); !open {
			return decision{until: until, reason: why}
		}
		l.reserve(now)
		l.queue.leave(r)
	}
	b.reserve()
	b.queue.leave(r)
	return decision{granted: true}
}

// withdraw takes a ticket out of every line. The caller holds mu.
func (t *Transport) withdraw(r *request) {
	delete(t.waiting, r)
	if l := t.globalLimitOf(r); l != nil {
		l.queue.leave(r)
	}
	if b := r.bucket; b != nil {
		b.queue.leave(r)
		r.bucket = nil
		t.dropUnused(b)
	}
}
