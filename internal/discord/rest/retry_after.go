package rest

import (
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A 429 is waited out in two steps. handleRateLimit, below, closes the bucket of
// the request, or the global limit of its token, until Retry-After is over.
// Then [Transport.do] sends the request again, and [Transport.acquire]
// waits until bucket and global limit are open. Requests behind it wait with it, in
// their order. After maxLimits answers of 429 the caller gets the last one.
//
// A [pause] bounds what is believed: at least a second, at most an hour, and every
// ten minutes one request looks whether it is over.

// maxLimits is how many answers of 429 one request waits out. With the limits
// kept there should be none.
const maxLimits = 5

// rateLimit is what a 429 asks for.
type rateLimit struct {
	reason Reason // ReasonBucket, ReasonShared, ReasonGlobal or ReasonForeign
	wait   time.Duration
}

// handleRateLimit closes what a 429 speaks of until its time is over. The caller
// holds mu.
func (t *Transport) handleRateLimit(r *request, b *bucket, a answer, now time.Time) outcome {
	limit := a.rateLimit(now)
	out := outcome{rateLimited: true, reason: limit.reason, wait: min(max(limit.wait, minPause), maxPause)}
	told := &Event{Reason: limit.reason, At: now, Request: r.route.name(), Resource: r.route.resource, Wait: out.wait, Status: a.status()}
	global := t.globalLimitOf(r)
	switch {
	case limit.reason == ReasonShared:
		t.stats.Shared++
		b.block(now, limit.wait, limit.reason, a.status())
		out.tell(told)
		return out
	case limit.reason == ReasonGlobal && global != nil:
		t.stats.Global++
		global.pause.extend(now, limit.wait, limit.reason, a.status())
	case limit.reason == ReasonForeign:
		told = t.blockForeign(r, b, a, now, limit.wait)
	default:
		t.stats.Limited++
		b.block(now, limit.wait, limit.reason, a.status())
	}
	out.tell(told)
	out.tell(t.countInvalid(r, a, now))
	return out
}

// rateLimit reads a 429 that is no ban (G-129, G-130).
func (a *answer) rateLimit(now time.Time) rateLimit {
	h := a.response.Header
	header, headerTold := retryAfter(h, now)
	if a.refusal().Reason == ReasonForeign {
		if !headerTold {
			header = unknownPause
		}
		return rateLimit{ReasonForeign, header}
	}
	var fields struct {
		RetryAfter json.RawMessage `json:"retry_after"`
		Global     json.RawMessage `json:"global"`
	}
	_ = json.Unmarshal(a.body, &fields)
	body, bodyTold := readNumber(fields.RetryAfter)
	wait := max(header, body)
	if !headerTold && !bodyTold {
		wait = unknownPause
		if q, told := a.quota(); told {
			wait = q.resetAfter
		}
	}
	scope := strings.ToLower(h.Get("X-RateLimit-Scope"))
	switch {
	case scope == "global", strings.EqualFold(h.Get("X-RateLimit-Global"), "true"), string(fields.Global) == "true":
		return rateLimit{ReasonGlobal, wait}
	case scope == "shared":
		return rateLimit{ReasonShared, wait}
	}
	return rateLimit{ReasonBucket, wait}
}

// retryAfter reads the Retry-After header: seconds, or a date (RFC 9110, 10.2.3), which
// counts from the Date of the answer, because this host's clock may be wrong.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, told bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if wait, told = readSeconds(text); told {
		return wait, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(0, at.Sub(now)), maxPause), true
}

// plainNumber is how a header writes seconds. "1e12" and "inf" are none.
var plainNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]*)?$`)

// readSeconds reads seconds with or without a fraction.
func readSeconds(text string) (wait time.Duration, told bool) {
	text = strings.TrimSpace(text)
	if !plainNumber.MatchString(text) {
		return 0, false
	}
	s, _ := strconv.ParseFloat(text, 64) // infinite if it is out of range
	return asSpan(s), true
}

// readNumber reads seconds from JSON, as a number or, leniently, as a string.
func readNumber(raw json.RawMessage) (wait time.Duration, told bool) {
	s, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil && !math.IsInf(s, 1) || math.IsNaN(s) {
		return 0, false
	}
	return asSpan(s), true
}

// asSpan converts seconds, up to maxPause; fractions count: 0.75 s are 750 ms.
func asSpan(s float64) time.Duration {
	if s >= maxPause.Seconds() {
		return maxPause
	}
	return time.Duration(math.Ceil(max(0, s)*1e6)) * time.Microsecond
}
