package rest

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"
)

const (
	// maxLimits is how many answers of 429 one request waits out. With the
	// limits kept there should be none.
	maxLimits = 5
	// backoffSpan is the range of the first pause after a failure; it doubles up
	// to backoffCap.
	backoffSpan = 500 * time.Millisecond
	backoffCap  = 8 * time.Second
)

// unprocessed are the answers that say that nobody has looked at the request:
// the service takes none, or the proxy in front of it found no way there. After
// them anything may be sent again.
var unprocessed = map[int]bool{
	http.StatusServiceUnavailable: true,
	521:                           true, // the origin refused the connection
	523:                           true, // the origin is unreachable
}

// backoff is the pause after this many failures: full jitter over a range that
// doubles.
func (t *Transport) backoff(failures int) time.Duration {
	span := min(backoffCap, backoffSpan<<min(failures-1, 10))
	return time.Duration(t.opts.Rand() * float64(span))
}

// fits reports whether a pause ends before ctx does.
func fits(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > pause)
}

// sleep lets time pass; false when ctx ended first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// outcome is what an attempt means for the request that made it.
type outcome struct {
	limited bool // a 429 that can be waited out at the gates
	failed  bool // no answer, half of one, or 5xx
	reason  Reason
	wait    time.Duration // the least pause before another attempt
	event   *Event
	err     error // the answer is better told in other words
}

// release gives the reservation back, takes in everything an answer tells, and
// judges it.
func (t *Transport) release(r *request, a answer) outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	b := r.bucket
	r.bucket = nil
	b.inflight--
	if a.response != nil {
		t.trips.add(a.took)
	}
	v, target := outcome{}, b
	status := a.status()
	if status != http.StatusTooManyRequests || a.rateLimit().reason != ReasonBanned {
		target = t.updateBucket(r, b, a, now)
	}
	switch {
	case status == 0:
		t.stats.NoAnswers++
		v = outcome{failed: true, reason: ReasonConnection}
	case status == http.StatusTooManyRequests:
		v = t.handleRateLimit(r, target, a, now)
	case status >= 500:
		t.stats.ServerErrors++
		wait, _ := seconds(a.response.Header.Get("Retry-After"))
		v = outcome{failed: true, reason: ReasonServer, wait: wait}
	default:
		v = t.handleOther(r, a, now)
		if a.err != nil {
			t.stats.NoAnswers++
			v.failed, v.reason = true, ReasonConnection
		}
	}
	b.queue.notifyFirst()
	t.dropUnused(b)
	if target != b {
		target.queue.notifyFirst()
		t.dropUnused(target)
	}
	return v
}

// updateBucket takes the headers of an answer in and returns the bucket they belong
// to. The caller holds mu.
func (t *Transport) updateBucket(r *request, b *bucket, a answer, now time.Time) *bucket {
	q, told := a.quota()
	if !told {
		// A refusal by something in front of Discord says nothing about the route.
		_, known := t.routes.get(r.route.name())
		if status := a.status(); !known && status >= 200 && status < 300 {
			t.routes.put(r.route.name(), "")
			b.free = true
			b.notifyAll()
		}
		return b
	}
	t.routes.put(r.route.name(), q.bucket)
	target := t.bucketOf(r)
	others := target.inflight
	if target != b {
		others += b.inflight
		b.notifyAll() // they belong elsewhere now
	}
	target.update(q, now, others)
	return target
}

// notifyAll makes everybody in line look again.
func (b *bucket) notifyAll() {
	for _, r := range b.queue {
		r.notify()
	}
}

// handleRateLimit deals with a 429. The caller holds mu.
func (t *Transport) handleRateLimit(r *request, b *bucket, a answer, now time.Time) outcome {
	l := a.rateLimit()
	event := &Event{Reason: l.reason, At: now, Request: r.route.name(), Resource: r.route.resource, Wait: l.wait, Status: a.status()}
	switch l.reason {
	case ReasonBanned:
		if t.ban.start(now, a.sent, l.wait, t.opts.BanPause) {
			t.stats.Bans++
			event.Wait = t.ban.until.Sub(now)
			t.notifyWaiting()
		} else {
			event = nil
		}
		return outcome{event: event, err: t.guard(r, now)}
	case ReasonShared:
		t.stats.Shared++
		b.pause(now.Add(l.wait), l.reason)
		return outcome{limited: true, event: event}
	case ReasonGlobal:
		t.stats.Global++
		if lane := t.globalLimitOf(r); lane != nil {
			if until := now.Add(l.wait); until.After(lane.paused) {
				lane.paused = until
			}
		} else {
			b.pause(now.Add(l.wait), l.reason)
		}
	default:
		t.stats.Limited++
		b.pause(now.Add(l.wait), l.reason)
	}
	if stopped := t.countInvalid(r, a, now); stopped != nil {
		event = stopped
	}
	return outcome{limited: true, event: event}
}

// handleOther deals with an answer that is neither 429 nor 5xx. The caller holds mu.
func (t *Transport) handleOther(r *request, a answer, now time.Time) (v outcome) {
	status := a.status()
	if t.ban.end(a.sent) {
		v.event = &Event{Reason: ReasonRecovered, At: now, Request: r.route.name()}
	}
	if status < 400 && !r.recheck {
		return v // it says no more, and how it says it is the caller's
	}
	code, discords := a.code()
	if r.recheck && status != http.StatusUnauthorized && discords {
		t.refusedTokens.drop(r.owner)
		v.event = &Event{Reason: ReasonRecovered, At: now, Request: r.route.name()}
	}
	switch status {
	case http.StatusUnauthorized:
		v.event = t.countInvalid(r, a, now)
		// A proxy that wants a password of its own says nothing about the token.
		if discords && r.owner != "" && t.refusedTokens.put(r.owner, now) {
			v.event = &Event{Reason: ReasonUnauthorized, At: now, Request: r.route.name(), Status: status}
			t.notifyWaiting()
		}
	case http.StatusForbidden:
		v.event = t.countInvalid(r, a, now)
	}
	if r.webhookGone(status, code) && t.goneWebhooks.put(r.route.webhook, struct{}{}) {
		v.event = &Event{Reason: ReasonWebhookGone, At: now, Request: r.route.name(), Resource: r.route.resource, Status: status}
		t.notifyWaiting()
	}
	return v
}

// countInvalid files a refused request and reports when it was one too many. The
// caller holds mu.
func (t *Transport) countInvalid(r *request, a answer, now time.Time) *Event {
	if !t.invalid.add(now) {
		return nil
	}
	t.notifyWaiting()
	return &Event{Reason: ReasonInvalid, At: now, Request: r.route.name(), Wait: t.invalid.until.Sub(now), Status: a.status()}
}

// notifyWaiting makes every request that waits look again, the first to have come
// first: it may have become hopeless. The caller holds mu.
func (t *Transport) notifyWaiting() {
	byArrival := func(a, b *request) int { return cmp.Compare(a.arrival, b.arrival) }
	for _, r := range slices.SortedFunc(maps.Keys(t.waiting), byArrival) {
		r.notify()
	}
}

// Codes of answers from webhooks.
const (
	codeUnknownChannel = 10003
	codeUnknownMessage = 10008
	codeUnknownWebhook = 10015
	codeWebhookToken   = 50027
)

// webhookGone reports whether an answer says that the webhook itself is gone (G-140).
// A 404 may also mean a message or a thread. The webhook of an interaction
// appears only with its first answer, so there a 404 says nothing.
func (r *request) webhookGone(status, code int) bool {
	switch {
	case r.route.webhook == "" || r.exempt:
		return false
	case code == codeWebhookToken:
		return status == http.StatusUnauthorized
	case status != http.StatusNotFound:
		return false
	case r.route.template == "/webhooks/{webhook}/{token}":
		return code != codeUnknownChannel && code != codeUnknownMessage
	}
	return code == codeUnknownWebhook
}
