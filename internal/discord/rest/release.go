package rest

import (
	"net/http"
	"time"
)

// outcome is what an attempt means for the request that made it.
type outcome struct {
	rateLimited bool // a 429 to be waited out by acquire
	failed      bool // no answer, half of one, or 5xx
	reason      Reason
	wait        time.Duration // the least wait before another attempt
	events      []Event       // what the operator is told
	err         error         // returned instead of the answer
}

// tell adds an event; nil: there is none.
func (o *outcome) tell(e *Event) {
	if e != nil {
		o.events = append(o.events, *e)
	}
}

// release gives the reservation back and learns what the answer tells: the limits
// of its bucket, and whether requests must not be sent any more.
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
	t.endLooks(r, a, now)
	out, target := outcome{}, b
	status, refusal := a.status(), a.refusal()
	if refusal.Reason == "" {
		target = t.updateBucket(r, b, a, now)
	}
	switch {
	case status == 0:
		t.stats.NoAnswers++
		out = outcome{failed: true, reason: ReasonConnection}
	case refusal.Reason == ReasonBanned:
		out = t.handleBan(r, a, refusal.Code, now)
	case status == http.StatusTooManyRequests:
		out = t.handleRateLimit(r, target, a, now)
	case refusal.Reason == ReasonForeign:
		out = t.handleForeign(r, target, a, now)
	case status >= 500:
		t.stats.ServerErrors++
		wait, _ := retryAfter(a.response.Header, now)
		out = outcome{failed: true, reason: ReasonServer, wait: wait}
	default:
		out = t.handleOther(r, a, now)
		if a.err != nil {
			t.stats.NoAnswers++
			out.failed, out.reason = true, ReasonConnection
		}
	}
	if a.tooLarge() {
		out.failed, out.reason = true, ReasonTooLarge
		if out.err == nil && !out.rateLimited {
			out.err = &Error{Request: r.route.name(), Reason: ReasonTooLarge, Status: status, Err: ErrTooLarge}
		}
	}
	t.delivery.ended(r, now, out, status)
	t.keepBucket(r, target, now)
	for _, e := range out.events {
		t.keepOthers(r, e.Reason, now)
	}
	b.queue.notifyFirst()
	t.dropUnused(b)
	if target != b {
		target.queue.notifyFirst()
		t.dropUnused(target)
	}
	return out
}

// endLooks ends the looks of a request. The caller holds mu.
func (t *Transport) endLooks(r *request, a answer, now time.Time) {
	if len(r.looks) == 0 {
		return
	}
	for _, p := range r.looks {
		if p.release(now, a.response != nil); a.response != nil {
			t.delivery.over(p.reason)
			if p.reason == ReasonGlobal {
				t.forget(Limit{Reason: ReasonGlobal, Owner: r.owner})
			}
		}
	}
	r.looks = nil
	t.notifyWaiting()
}

// handleOther learns from an answer that is neither 429 nor 5xx. The caller holds mu.
func (t *Transport) handleOther(r *request, a answer, now time.Time) (v outcome) {
	status := a.status()
	if t.ban.end(a.sent) {
		t.delivery.over(ReasonBanned)
		t.forget(Limit{Reason: ReasonBanned})
		v.tell(&Event{Reason: ReasonRecovered, At: now, Request: r.route.name()})
	}
	if status < 400 && !r.recheck {
		return v // nothing more to learn
	}
	code, discords := a.code()
	if r.recheck && status != http.StatusUnauthorized && discords {
		t.refusedTokens.drop(r.owner)
		t.delivery.over(ReasonUnauthorized)
		v.tell(&Event{Reason: ReasonRecovered, At: now, Request: r.route.name()})
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		v.tell(t.countInvalid(r, a, now))
	}
	if status == http.StatusUnauthorized && r.owner != "" && t.refusedTokens.put(r.owner, now) {
		v.tell(&Event{Reason: ReasonUnauthorized, At: now, Request: r.route.name(), Status: status})
		t.notifyWaiting()
	}
	if r.webhookGone(status, code) && t.goneWebhooks.put(r.route.webhook, struct{}{}) {
		v.tell(&Event{Reason: ReasonWebhookGone, At: now, Request: r.route.name(), Resource: r.route.resource, Status: status})
		t.notifyWaiting()
	}
	return v
}

// Codes of answers from webhooks.
const (
	codeUnknownChannel = 10003
	codeUnknownMessage = 10008
	codeUnknownWebhook = 10015
	codeWebhookToken   = 50027
)

// webhookGone reports whether an answer says that the webhook is gone (G-140). A 404
// may also mean a message or a thread. The webhook of an interaction exists only
// after the first reply, so there a 404 says nothing.
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
