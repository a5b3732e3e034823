package rest

import (
	"net/http"
	"time"
)

const invalidWindow = 10 * time.Minute

// guard returns why a request must not be sent at all: an IP ban, too many refused
// requests, a token that was answered 401, a webhook that was answered 404. The
// caller holds mu.
func (t *Transport) guard(r *request, now time.Time) error {
	refused := func(why Reason, until time.Time, err error) error {
		return &Error{Request: r.route.name(), Reason: why, Until: until, Err: err}
	}
	if until, ok := t.ban.ready(now); !ok {
		return refused(ReasonBanned, until, ErrBanned)
	}
	if now.Before(t.invalid.until) {
		return refused(ReasonInvalid, t.invalid.until, ErrInvalid)
	}
	if t.tokenRefused(r, now) {
		return refused(ReasonUnauthorized, time.Time{}, ErrUnauthorized)
	}
	if _, gone := t.goneWebhooks.get(r.route.webhook); gone {
		return refused(ReasonWebhookGone, time.Time{}, ErrWebhookGone)
	}
	return nil
}

// tokenRefused reports whether the token was answered 401. After
// Options.TokenRecheck one request may test it again (G-132).
func (t *Transport) tokenRefused(r *request, now time.Time) bool {
	told, dead := t.refusedTokens.get(r.owner)
	if !dead || r.recheck {
		return false
	}
	return t.opts.TokenRecheck <= 0 || now.Sub(told) < t.opts.TokenRecheck
}

// recheckToken makes a request that is about to be sent the one that tests a refused
// token; the others are refused from then on. One that gives up before it is sent has
// tested nothing, so the next may. The caller holds mu.
func (t *Transport) recheckToken(r *request, now time.Time) {
	if _, dead := t.refusedTokens.get(r.owner); !dead || r.recheck {
		return
	}
	r.recheck = true
	t.refusedTokens.put(r.owner, now)
	t.notifyWaiting()
}

// ban is an IP ban (G-135): a pause of everything.
type ban struct {
	pause
	began time.Time // when it was found; zero without one
	code  int       // the number on Cloudflare's page; 0 without one
}

// start starts or prolongs the ban and reports whether it did. An answer to a
// request that was sent before the ban was known does not prolong it.
func (b *ban) start(now time.Time, wait time.Duration, a answer, code int) bool {
	if b.active(now) && !a.sent.After(b.since) {
		return false
	}
	if b.began.IsZero() {
		b.began = now
	}
	b.extend(now, wait, ReasonBanned, a.status())
	b.code = code
	return true
}

// end ends the ban if an answer shows that it is over, and reports whether it did.
// An answer to a request that was sent before the ban was known shows nothing.
func (b *ban) end(sent time.Time) bool {
	if b.began.IsZero() || !sent.After(b.since) {
		return false
	}
	*b = ban{}
	return true
}

// handleBan stops everything. The caller holds mu.
func (t *Transport) handleBan(r *request, a answer, code int, now time.Time) outcome {
	wait, told := retryAfter(a.response.Header, now)
	if !told {
		wait = maxPause
	}
	out := outcome{reason: ReasonBanned, wait: wait}
	if t.ban.start(now, wait, a, code) {
		t.stats.Bans++
		t.notifyWaiting()
		out.tell(&Event{
			Reason: ReasonBanned, At: now, Request: r.route.name(), Resource: r.route.resource,
			Wait: t.ban.look.Sub(now), Status: a.status(), Code: code,
		})
	}
	out.err = &Error{Request: r.route.name(), Reason: ReasonBanned, Status: a.status(), Until: t.ban.look, Err: ErrBanned}
	return out
}

// handleForeign closes the bucket of a request that something else than Discord has
// answered, other than with a 429. The caller holds mu.
func (t *Transport) handleForeign(r *request, b *bucket, a answer, now time.Time) outcome {
	wait, told := retryAfter(a.response.Header, now)
	switch {
	case a.status() < http.StatusBadRequest:
		wait = portalPause
	case !told:
		wait = unknownPause
	}
	out := outcome{reason: ReasonForeign, wait: wait}
	out.tell(t.blockForeign(r, b, a, now, wait))
	if a.status() >= http.StatusBadRequest {
		out.tell(t.countInvalid(r, a, now))
	}
	out.err = &Error{Request: r.route.name(), Reason: ReasonForeign, Status: a.status(), Until: b.pause.look, Err: ErrForeign}
	return out
}

// blockForeign closes a bucket, and returns the event of it unless one was told a while
// ago. The caller holds mu.
func (t *Transport) blockForeign(r *request, b *bucket, a answer, now time.Time, wait time.Duration) *Event {
	b.block(now, wait, ReasonForeign, a.status())
	if now.Sub(t.foreignTold) < lookInterval {
		return nil
	}
	t.foreignTold = now
	return &Event{Reason: ReasonForeign, At: now, Request: r.route.name(), Resource: r.route.resource, Wait: b.pause.look.Sub(now), Status: a.status()}
}

// invalidCounter counts the answers of 401, 403 and 429, which lead to an IP ban
// (G-134).
type invalidCounter struct {
	limit int
	at    []time.Time // oldest first, at most limit
	// began and until are when sending was last stopped, and until when.
	began, until time.Time
}

func (i *invalidCounter) expire(now time.Time) {
	n := 0
	for n < len(i.at) && now.Sub(i.at[n]) >= invalidWindow {
		n++
	}
	i.at = i.at[n:]
}

// add counts one and reports whether the limit is reached. Then nothing is sent
// until half of the counted ones are older than invalidWindow, so that sending does
// not stop again at the next one.
func (i *invalidCounter) add(now time.Time) bool {
	if i.limit < 0 {
		return false
	}
	i.expire(now)
	i.at = append(i.at, now)
	if len(i.at) > i.limit {
		i.at = i.at[1:]
	}
	if len(i.at) < i.limit || now.Before(i.until) {
		return false
	}
	i.began, i.until = now, i.at[(i.limit-1)/2].Add(invalidWindow)
	return true
}

// countInvalid counts a refused request and returns an event if that reached the
// limit. The caller holds mu.
func (t *Transport) countInvalid(r *request, a answer, now time.Time) *Event {
	if !t.invalid.add(now) {
		return nil
	}
	t.notifyWaiting()
	return &Event{Reason: ReasonInvalid, At: now, Request: r.route.name(), Wait: t.invalid.until.Sub(now), Status: a.status()}
}

// notifyWaiting makes every waiting request try again: guard may refuse it now. The
// order does not matter, because each queue is in order of arrival. The caller
// holds mu.
func (t *Transport) notifyWaiting() {
	for r := range t.waiting {
		r.notify()
	}
}
