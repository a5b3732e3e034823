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

// rest lets time pass; false when ctx ended first.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// verdict is what an attempt means for the request that made it.
type verdict struct {
	limited bool // a 429 that can be waited out at the gates
	failed  bool // no answer, half of one, or 5xx
	reason  Reason
	wait    time.Duration // the least pause before another attempt
	event   *Event
	err     error // the answer is better told in other words
}

// settle gives the reservation back, takes in everything an answer tells, and
// judges it.
func (t *Transport) settle(k *ticket, a answer) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	b := k.bucket
	k.bucket = nil
	b.inflight--
	if a.response != nil {
		t.trips.add(a.took)
	}
	v, target := verdict{}, b
	status := a.status()
	if status != http.StatusTooManyRequests || a.limited().reason != ReasonBanned {
		target = t.learn(k, b, a, now)
	}
	switch {
	case status == 0:
		t.stats.NoAnswers++
		v = verdict{failed: true, reason: ReasonConnection}
	case status == http.StatusTooManyRequests:
		v = t.limit(k, target, a, now)
	case status >= 500:
		t.stats.ServerErrors++
		wait, _ := seconds(a.response.Header.Get("Retry-After"))
		v = verdict{failed: true, reason: ReasonServer, wait: wait}
	default:
		v = t.accept(k, a, now)
		if a.err != nil {
			t.stats.NoAnswers++
			v.failed, v.reason = true, ReasonConnection
		}
	}
	b.line.wake()
	t.tidy(b)
	if target != b {
		target.line.wake()
		t.tidy(target)
	}
	return v
}

// learn takes the headers of an answer in and returns the bucket they belong
// to. The caller holds mu.
func (t *Transport) learn(k *ticket, b *bucket, a answer, now time.Time) *bucket {
	q, told := a.quota()
	if !told {
		// A refusal by something in front of Discord says nothing about the route.
		_, known := t.routes.get(k.route.name())
		if status := a.status(); !known && status >= 200 && status < 300 {
			t.routes.put(k.route.name(), "")
			b.free = true
			b.wakeAll()
		}
		return b
	}
	t.routes.put(k.route.name(), q.bucket)
	target := t.bucketOf(k)
	others := target.inflight
	if target != b {
		others += b.inflight
		b.wakeAll() // they belong elsewhere now
	}
	target.told(q, now, others)
	return target
}

// wakeAll makes everybody in line look again.
func (b *bucket) wakeAll() {
	for _, k := range b.line {
		k.poke()
	}
}

// limit deals with a 429. The caller holds mu.
func (t *Transport) limit(k *ticket, b *bucket, a answer, now time.Time) verdict {
	l := a.limited()
	event := &Event{Reason: l.reason, At: now, Request: k.route.name(), Resource: k.route.resource, Wait: l.wait, Status: a.status()}
	switch l.reason {
	case ReasonBanned:
		if t.ban.begin(now, a.sent, l.wait, t.opts.BanPause) {
			t.stats.Bans++
			event.Wait = t.ban.until.Sub(now)
			t.wakeWaiting()
		} else {
			event = nil
		}
		return verdict{event: event, err: t.refuse(k, now)}
	case ReasonShared:
		t.stats.Shared++
		b.pause(now.Add(l.wait), l.reason)
		return verdict{limited: true, event: event}
	case ReasonGlobal:
		t.stats.Global++
		if lane := t.laneOf(k); lane != nil {
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
	if stopped := t.count(k, a, now); stopped != nil {
		event = stopped
	}
	return verdict{limited: true, event: event}
}

// accept deals with an answer that is neither 429 nor 5xx. The caller holds mu.
func (t *Transport) accept(k *ticket, a answer, now time.Time) (v verdict) {
	status := a.status()
	if t.ban.end(a.sent) {
		v.event = &Event{Reason: ReasonRecovered, At: now, Request: k.route.name()}
	}
	if status < 400 && !k.recheck {
		return v // it says no more, and how it says it is the caller's
	}
	code, discords := a.code()
	if k.recheck && status != http.StatusUnauthorized && discords {
		t.refused.drop(k.owner)
		v.event = &Event{Reason: ReasonRecovered, At: now, Request: k.route.name()}
	}
	switch status {
	case http.StatusUnauthorized:
		v.event = t.count(k, a, now)
		// A proxy that wants a password of its own says nothing about the token.
		if discords && k.owner != "" && t.refused.put(k.owner, now) {
			v.event = &Event{Reason: ReasonUnauthorized, At: now, Request: k.route.name(), Status: status}
			t.wakeWaiting()
		}
	case http.StatusForbidden:
		v.event = t.count(k, a, now)
	}
	if k.dead(status, code) && t.gone.put(k.route.webhook, struct{}{}) {
		v.event = &Event{Reason: ReasonWebhookGone, At: now, Request: k.route.name(), Resource: k.route.resource, Status: status}
		t.wakeWaiting()
	}
	return v
}

// count files a refused request and reports when it was one too many. The
// caller holds mu.
func (t *Transport) count(k *ticket, a answer, now time.Time) *Event {
	if !t.invalid.note(now) {
		return nil
	}
	t.wakeWaiting()
	return &Event{Reason: ReasonInvalid, At: now, Request: k.route.name(), Wait: t.invalid.stopped.Sub(now), Status: a.status()}
}

// wakeWaiting makes every request that waits look again, the first to have come
// first: it may have become hopeless. The caller holds mu.
func (t *Transport) wakeWaiting() {
	byArrival := func(a, b *ticket) int { return cmp.Compare(a.arrival, b.arrival) }
	for _, k := range slices.SortedFunc(maps.Keys(t.waiting), byArrival) {
		k.poke()
	}
}

// Codes of answers from webhooks.
const (
	codeUnknownChannel = 10003
	codeUnknownMessage = 10008
	codeUnknownWebhook = 10015
	codeWebhookToken   = 50027
)

// dead reports whether an answer says that the webhook itself is gone (G-140).
// A 404 may also mean a message or a thread. The webhook of an interaction
// appears only with its first answer, so there a 404 says nothing.
func (k *ticket) dead(status, code int) bool {
	switch {
	case k.route.webhook == "" || k.exempt:
		return false
	case code == codeWebhookToken:
		return status == http.StatusUnauthorized
	case status != http.StatusNotFound:
		return false
	case k.route.template == "/webhooks/{webhook}/{token}":
		return code != codeUnknownChannel && code != codeUnknownMessage
	}
	return code == codeUnknownWebhook
}
