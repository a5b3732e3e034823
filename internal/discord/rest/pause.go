package rest

import "time"

// How long a refusal is believed.
const (
	// minPause is the least pause after a 429, whatever it asks for.
	minPause = time.Second
	// maxPause is the longest pause that is believed.
	maxPause = time.Hour
	// lookInterval is after how much of a pause one request finds out whether it is
	// over already.
	lookInterval = 10 * time.Minute
	// unknownPause is the pause after a refusal that tells none, and after a look that
	// got no answer.
	unknownPause = time.Minute
	// portalPause is the pause after an answer that is no refusal and not Discord's, as a
	// captive portal gives until a person has logged in.
	portalPause = 10 * time.Second
)

// pause is a time in which requests are held back because one was refused. Every
// lookInterval one request is sent all the same, and its answer ends or renews the
// pause. Guarded by Transport.mu.
type pause struct {
	since, until time.Time
	look         time.Time // when one request may be sent
	looking      bool      // it is under way
	reason       Reason
	status       int // of the refusal
}

// extend lets the pause last for wait from now on, if it does not last longer already.
func (p *pause) extend(now time.Time, wait time.Duration, reason Reason, status int) {
	wait = min(max(wait, minPause), maxPause)
	if !p.active(now) {
		p.since = now
	}
	if until := now.Add(wait); until.After(p.until) {
		p.until, p.reason, p.status = until, reason, status
	}
	if look := now.Add(min(wait, lookInterval)); look.After(p.look) {
		p.look = look
	}
}

func (p *pause) active(now time.Time) bool { return now.Before(p.until) }

// ready reports whether a request may be sent. If not, until is when to try again; zero
// means after the answer of the request that looks.
func (p *pause) ready(now time.Time) (until time.Time, ok bool) {
	switch {
	case !p.active(now):
		return time.Time{}, true
	case now.Before(p.look):
		return p.look, false
	}
	return time.Time{}, !p.looking
}

// reserve notes that a request is about to be sent, and reports whether it looks.
func (p *pause) reserve(now time.Time) bool {
	if !p.active(now) {
		return false
	}
	p.looking = true
	return true
}

// release ends the look of a request. An answer ends the pause; if it is another
// refusal, that begins the next one.
func (p *pause) release(now time.Time, answered bool) {
	p.looking = false
	if answered {
		p.until, p.look = time.Time{}, time.Time{}
		return
	}
	p.look = now.Add(unknownPause)
}
