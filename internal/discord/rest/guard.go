package rest

import "time"

const (
	invalidWindow = 10 * time.Minute
	maxBanPause   = time.Hour
)

// guard returns why a request must not be sent at all; nil if it may. The
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

// tokenRefused reports whether the token was answered 401. If Options.TokenRecheck
// says so, one request at a time may find out whether it still would be.
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

// ban is a block of this host's address (G-135).
type ban struct {
	since, until time.Time
	// pause is how long it lasts if Discord does not say; it doubles while the
	// block is found to be still there.
	pause time.Duration
	// active is set until the first answer that shows the block to be over.
	active bool
}

// start starts or prolongs the block. An answer to a request that left before
// the block was known does not make it longer.
func (b *ban) start(now, sent time.Time, told, usual time.Duration) bool {
	if now.Before(b.until) && !sent.After(b.since) {
		return false
	}
	if b.pause == 0 {
		b.pause = usual
	} else {
		b.pause = min(2*b.pause, max(usual, maxBanPause))
	}
	pause := told
	if pause <= 0 {
		pause = b.pause
	}
	b.since, b.until, b.active = now, now.Add(pause), true
	return true
}

// end reports whether an answer shows that a block is over. One to a request
// that left before the block ran out shows nothing.
func (b *ban) end(sent time.Time) bool {
	if !b.active || sent.Before(b.until) {
		return false
	}
	*b = ban{}
	return true
}

// invalidCounter counts the answers that lead to a ban (G-134).
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

// add counts one and reports whether it was one too many: then everything
// stops until half of the count is forgotten, so that it does not start and
// stop with every single one.
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
