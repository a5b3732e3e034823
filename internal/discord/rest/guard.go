package rest

import "time"

const (
	invalidWindow = 10 * time.Minute
	maxBanWait    = time.Hour
)

// guard returns why a request must not be sent at all: an IP ban, too many refused
// requests, a token that was answered 401, a webhook that was answered 404. The
// caller holds mu.
func (t *Transport) guard(r *request, now time.Time) error {
	refused := func(why Reason, until time.Time, err error) error {
		return &Error{Request: r.route.name(), Reason: why, Until: until, Err: err}
	}
	if now.Before(t.ban.until) {
		return refused(ReasonBanned, t.ban.until, ErrBanned)
	}
	if now.Before(t.invalid.until) {
		return refused(ReasonInvalid, t.invalid.until, ErrInvalid)
	}
	if t.tokenRefused(r, now) {
		return refused(ReasonUnauthorized, time.Time{}, ErrUnauthorized)
	}
	if r.route.webhook != "" {
		if _, gone := t.goneWebhooks.get(r.route.webhook); gone {
			return refused(ReasonWebhookGone, time.Time{}, ErrWebhookGone)
		}
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
	if t.opts.TokenRecheck <= 0 || now.Sub(told) < t.opts.TokenRecheck {
		return true
	}
	r.recheck = true
	t.refusedTokens.put(r.owner, now)
	return false
}

// ban is an IP ban (G-135).
type ban struct {
	since, until time.Time
	// wait is how long it lasts if Discord does not say. It doubles each time the
	// ban is found to go on.
	wait time.Duration
	// active is set until an answer shows that the ban is over.
	active bool
}

// start starts or prolongs the ban and reports whether it did. An answer to a
// request that was sent before the ban was known does not prolong it.
func (b *ban) start(now, sent time.Time, told, usual time.Duration) bool {
	if now.Before(b.until) && !sent.After(b.since) {
		return false
	}
	if b.wait == 0 {
		b.wait = usual
	} else {
		b.wait = min(2*b.wait, max(usual, maxBanWait))
	}
	wait := told
	if wait <= 0 {
		wait = b.wait
	}
	b.since, b.until, b.active = now, now.Add(wait), true
	return true
}

// end ends the ban if an answer shows that it is over, and reports whether it did.
// An answer to a request that was sent during the ban shows nothing.
func (b *ban) end(sent time.Time) bool {
	if !b.active || sent.Before(b.until) {
		return false
	}
	*b = ban{}
	return true
}

// invalidCounter counts the answers of 401, 403 and 429, which lead to an IP ban
// (G-134).
type invalidCounter struct {
	limit int
	at    []time.Time // oldest first, at most limit
	until time.Time
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
	i.until = i.at[(i.limit-1)/2].Add(invalidWindow)
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
