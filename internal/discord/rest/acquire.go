package rest

import (
	"context"
	"time"
)

// request is a request that is waiting to be sent or being sent.
type request struct {
	route route
	owner string // digest of the Authorization header; empty without one
	// exempt requests belong to an interaction and do not count against the global
	// limit.
	exempt  bool
	secrets []string // what must not be printed
	looks   []*pause // the pauses whose end it looks for
	recheck bool     // it is sent although its token was answered 401
	arrival uint64   // grows with each request
	bucket  *bucket  // the bucket it is queued in, or that holds its reservation
	woken   chan struct{}
}

// notify makes a waiting request try again. It never blocks.
func (r *request) notify() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// wait waits until a time, a notification or the end of ctx. A zero time waits for
// the other two.
func (r *request) wait(ctx context.Context, until time.Time) {
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
	}
}

// observeAfter is how long a wait must be to be reported when no 429 caused it.
const observeAfter = 2 * time.Second

// acquire waits until the request may be sent and reserves a place in its bucket
// and under the global limit. If ctx, which has a deadline, ends first or would end before
// the limit is over, acquire returns an [*Error] at once and the request leaves every queue.
func (t *Transport) acquire(ctx context.Context, r *request) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting[r] = struct{}{}
	began, waited := time.Now(), false
	var reported time.Time
	for {
		now := time.Now()
		d := t.tryAcquire(r, now)
		if d.err != nil {
			t.withdraw(r)
			t.stats.Refused++
			t.delivery.refused(r, now, d.err)
			return d.err
		}
		if d.granted {
			delete(t.waiting, r)
			t.stats.Waited += now.Sub(began)
			return nil
		}
		deadline, _ := ctx.Deadline()
		late := d.until.After(deadline)
		if ctx.Err() != nil || late {
			t.withdraw(r)
			t.stats.Refused++
			err := &Error{Request: r.route.name(), Reason: d.reason, Until: d.until, Err: ErrRateLimited}
			if !late {
				err.Err = ctx.Err()
			}
			t.delivery.refused(r, now, err)
			return err
		}
		if !waited {
			waited = true
			t.stats.Waits++
		}
		observe := d.until.Sub(now) >= observeAfter && !d.until.Equal(reported) && d.reason != ReasonGlobal && !t.reportedBy429(r)
		reported = d.until
		t.delivery.delayed(r, now, d)
		t.mu.Unlock()
		if observe {
			t.opts.Observe(Event{Reason: d.reason, At: now, Request: r.route.name(), Resource: r.route.resource, Wait: d.until.Sub(now)})
		}
		r.wait(ctx, d.until) // the loop looks at ctx
		t.mu.Lock()
	}
}

// reportedBy429 reports whether a 429 has reported the wait already.
func (t *Transport) reportedBy429(r *request) bool {
	return r.bucket != nil && r.bucket.pause.active(time.Now())
}

// decision is whether a request may be sent: granted, refused with err, or to try
// again at until or when notified.
type decision struct {
	granted bool
	err     error
	until   time.Time
	reason  Reason
}

// tryAcquire asks guard, the bucket and the global limit, in this order. A request
// is queued for the global limit only while it is the first of its bucket and the
// bucket is open, so a closed bucket delays no other. The caller holds mu.
func (t *Transport) tryAcquire(r *request, now time.Time) decision {
	if err := t.guard(r, now); err != nil {
		return decision{err: err}
	}
	b, global := t.bucketOf(r), t.globalLimitOf(r)
	if r.bucket != b {
		if r.bucket != nil {
			r.bucket.queue.leave(r)
			t.dropUnused(r.bucket)
		}
		r.bucket = b
		b.queue.enter(r)
	}
	until, reason, open := b.ready(now)
	if !b.queue.first(r) {
		until, reason, open = time.Time{}, ReasonBucket, false
	}
	if !open {
		if global != nil {
			global.queue.leave(r)
		}
		return decision{until: until, reason: reason}
	}
	if global != nil {
		global.queue.enter(r)
		if !global.queue.first(r) {
			return decision{reason: ReasonPace}
		}
		if until, reason, open = global.ready(now); !open {
			return decision{until: until, reason: reason}
		}
		global.reserve(now)
		global.queue.leave(r)
		r.lookFor(&global.pause, now)
	}
	t.recheckToken(r, now)
	r.lookFor(&t.ban.pause, now)
	r.lookFor(&b.pause, now)
	b.reserve()
	b.queue.leave(r)
	return decision{granted: true}
}

// lookFor makes a request that is about to be sent look whether a pause is over.
func (r *request) lookFor(p *pause, now time.Time) {
	if p.reserve(now) {
		r.looks = append(r.looks, p)
	}
}

// withdraw takes a request out of every queue. The caller holds mu.
func (t *Transport) withdraw(r *request) {
	delete(t.waiting, r)
	if global := t.globalLimitOf(r); global != nil {
		global.queue.leave(r)
	}
	if b := r.bucket; b != nil {
		b.queue.leave(r)
		r.bucket = nil
		t.dropUnused(b)
	}
}
