package rest

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A 429 is waited out in two steps. handleRateLimit, below, closes the bucket of
// the request, or the global limit of its token, until Retry-After is over.
// Then [Transport.do] sends the request again, and [Transport.acquire]
// waits until bucket and global limit are open. Requests behind it wait with it, in
// their order. After maxLimits answers of 429 the caller gets the last one.

// maxLimits is how many answers of 429 one request waits out. With the limits
// kept there should be none.
const maxLimits = 5

// rateLimit is what a 429 asks for.
type rateLimit struct {
	reason Reason // ReasonBucket, ReasonShared, ReasonGlobal or ReasonBanned
	wait   time.Duration
}

// handleRateLimit closes what a 429 speaks of until its time is over. The caller
// holds mu.
func (t *Transport) handleRateLimit(r *request, b *bucket, a answer, now time.Time) outcome {
	limit := a.rateLimit()
	event := &Event{Reason: limit.reason, At: now, Request: r.route.name(), Resource: r.route.resource, Wait: limit.wait, Status: a.status()}
	switch limit.reason {
	case ReasonBanned:
		if t.ban.start(now, a.sent, limit.wait, t.opts.BanWait) {
			t.stats.Bans++
			event.Wait = t.ban.until.Sub(now)
			t.notifyWaiting()
		} else {
			event = nil
		}
		return outcome{event: event, err: t.guard(r, now)} // nothing to wait for
	case ReasonShared:
		t.stats.Shared++
		b.block(now.Add(limit.wait), limit.reason)
		return outcome{rateLimited: true, event: event}
	case ReasonGlobal:
		t.stats.Global++
		if global := t.globalLimitOf(r); global != nil {
			if until := now.Add(limit.wait); until.After(global.blockedUntil) {
				global.blockedUntil = until
			}
		} else {
			b.block(now.Add(limit.wait), limit.reason)
		}
	default:
		t.stats.Limited++
		b.block(now.Add(limit.wait), limit.reason)
	}
	if stopped := t.countInvalid(r, a, now); stopped != nil {
		event = stopped
	}
	return outcome{rateLimited: true, event: event}
}

// rateLimit reads a 429 (G-129, G-130). A 429 without retry_after and without
// X-RateLimit headers is an IP ban.
func (a *answer) rateLimit() rateLimit {
	h := a.response.Header
	header, headerTold := seconds(h.Get("Retry-After"))
	var fields struct {
		RetryAfter *float64 `json:"retry_after"`
		Global     bool     `json:"global"`
	}
	formed := a.json(&fields) && fields.RetryAfter != nil
	scope := strings.ToLower(h.Get("X-RateLimit-Scope"))
	marked := scope != "" || h.Get("X-RateLimit-Bucket") != "" || h.Get("X-RateLimit-Global") != ""
	if !formed && !(marked && headerTold) {
		return rateLimit{ReasonBanned, header}
	}
	wait := header
	if formed {
		wait = max(wait, asSpan(*fields.RetryAfter))
	}
	switch {
	case scope == "global", strings.EqualFold(h.Get("X-RateLimit-Global"), "true"), fields.Global:
		return rateLimit{ReasonGlobal, wait}
	case scope == "shared":
		return rateLimit{ReasonShared, wait}
	}
	return rateLimit{ReasonBucket, wait}
}

// seconds reads a header of seconds with or without a fraction.
func seconds(text string) (time.Duration, bool) {
	s, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(s) || s < 0 {
		return 0, false
	}
	return asSpan(s), true
}

// maxWait bounds the wait that a 429 can ask for.
const maxWait = 24 * time.Hour

// asSpan converts seconds; fractions count: 0.75 s are 750 ms.
func asSpan(s float64) time.Duration {
	switch {
	case math.IsNaN(s) || s <= 0:
		return 0
	case s >= maxWait.Seconds():
		return maxWait
	}
	return time.Duration(math.Ceil(s*1e6)) * time.Microsecond
}
