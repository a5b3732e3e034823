package rest

import (
	"errors"
	"net/http"
	"time"
)

// Undelivered is why answers to people do not get out: messages, and the responses to
// interactions. The zero value means that they do, as far as is known.
type Undelivered struct {
	// Since is when the first of them failed, with none sent since.
	Since  time.Time
	Reason Reason
	// Status is the HTTP status that said so, and Code the number on Cloudflare's page;
	// 0 without one.
	Status, Code int
	// Until is when the reason is over, and Retry when it is tried before that; zero if
	// that is not known.
	Until, Retry time.Time
}

const (
	// longDelay is how long an answer has to wait to count as one that does not get out.
	// lostDelay is the same for the first response to an interaction, which Discord takes
	// for three seconds only.
	longDelay = 10 * time.Second
	lostDelay = 2 * time.Second
	// enoughFailures is how many failures in a row, over failingFor at least, show that
	// answers do not get out when each of them may be chance.
	enoughFailures = 2
	failingFor     = 5 * time.Second
	// refusalAge and failureAge are how long after the last failure that is believed.
	refusalAge = time.Minute
	failureAge = 10 * time.Minute
)

// chance are the reasons of failures that may be chance, each of them.
var chance = map[Reason]bool{ReasonServer: true, ReasonConnection: true, ReasonTooLarge: true}

// deliveries are the two ways on which answers go: as messages, and as responses to
// interactions. One may be closed while the other is open.
type deliveries struct{ messages, interactions delivery }

// of returns the way of a request that carries an answer; nil for any other.
func (d *deliveries) of(r *request) *delivery {
	switch {
	case r.exempt && r.route.method != http.MethodGet:
		return &d.interactions
	case r.route.method == http.MethodPost && r.route.template == messages:
		return &d.messages
	}
	return nil
}

// ended notes the result of an attempt, refused that a request was not sent, and delayed
// that it has to wait.
func (d *deliveries) ended(r *request, now time.Time, out outcome, status int) {
	if way := d.of(r); way != nil {
		way.ended(r, now, out, status)
	}
}

func (d *deliveries) refused(r *request, now time.Time, err error) {
	if way := d.of(r); way != nil {
		way.refused(r, now, err)
	}
}

func (d *deliveries) delayed(r *request, now time.Time, wait decision) {
	if way := d.of(r); way != nil {
		way.delayed(r, now, wait)
	}
}

// over notes that a reason that stopped more than answers is over.
func (d *deliveries) over(reason Reason) {
	d.messages.over(reason)
	d.interactions.over(reason)
}

// state returns whether answers get out on both ways; if not on either, on the one that
// has failed last.
func (d *deliveries) state(now time.Time) Undelivered {
	one, other := d.messages.state(now), d.interactions.state(now)
	if one.Since.IsZero() || !other.Since.IsZero() && d.interactions.last.After(d.messages.last) {
		return other
	}
	return one
}

// delivery knows from the requests that carry answers whether those get out. Guarded by
// Transport.mu.
type delivery struct {
	since, last  time.Time // the first and the last failure since an answer got out
	failures     int
	reason       Reason
	status       int
	until, retry time.Time
}

// fail notes that an answer did not get out.
func (d *delivery) fail(now time.Time, reason Reason, status int, until, retry time.Time) {
	if now.After(d.expires()) {
		*d = delivery{since: now}
	}
	d.failures++
	if status != 0 || d.reason != reason {
		d.status = status
	}
	d.last, d.reason, d.until, d.retry = now, reason, until, retry
}

// expires is until when the failures are believed.
func (d *delivery) expires() time.Time {
	age := refusalAge
	if chance[d.reason] {
		age = failureAge
	}
	if expires := d.last.Add(age); expires.After(d.until) {
		return expires
	}
	return d.until
}

// state returns whether answers get out.
func (d *delivery) state(now time.Time) Undelivered {
	switch {
	case now.After(d.expires()):
		return Undelivered{}
	case chance[d.reason] && (d.failures < enoughFailures || now.Sub(d.since) < failingFor):
		return Undelivered{}
	}
	return Undelivered{Since: d.since, Reason: d.reason, Status: d.status, Until: d.until, Retry: d.retry}
}

// ended notes the result of an attempt.
func (d *delivery) ended(r *request, now time.Time, out outcome, status int) {
	until := now.Add(out.wait)
	switch {
	case out.rateLimited && out.reason != ReasonForeign && out.wait < r.patience():
	case out.rateLimited, out.reason == ReasonBanned, out.reason == ReasonForeign:
		d.fail(now, out.reason, status, until, now.Add(min(out.wait, lookInterval)))
	case out.failed:
		d.fail(now, out.reason, status, time.Time{}, time.Time{})
	case status == 401 && r.owner != "":
		d.fail(now, ReasonUnauthorized, status, time.Time{}, time.Time{})
	case status >= http.StatusBadRequest && (r.exempt || !chance[d.reason]):
		// It got out, to be refused: that an interaction without a response is unknown says
		// nothing about the next response.
	default:
		*d = delivery{}
	}
}

func (d *delivery) over(reason Reason) {
	if d.reason == reason && (reason == ReasonBanned || reason == ReasonGlobal || reason == ReasonUnauthorized) {
		*d = delivery{}
	}
}

// refused notes that a request was not sent.
func (d *delivery) refused(r *request, now time.Time, err error) {
	why, ok := errors.AsType[*Error](err)
	if !ok || why.Reason == ReasonWebhookGone || why.Reason == ReasonPace {
		return
	}
	if left := why.Until.Sub(now); why.Err == ErrRateLimited && left < r.patience() {
		return
	}
	if d.reason == why.Reason && !d.until.Before(why.Until) {
		d.last = now
		return
	}
	d.fail(now, why.Reason, 0, why.Until, why.Until)
}

// delayed notes that a request has to wait.
func (d *delivery) delayed(r *request, now time.Time, wait decision) {
	if wait.until.Sub(now) >= r.patience() && !wait.until.Equal(d.retry) {
		d.fail(now, wait.reason, 0, wait.until, wait.until)
	}
}

// patience is how long an answer may wait.
func (r *request) patience() time.Duration {
	if r.route.callback {
		return lostDelay
	}
	return longDelay
}

// Undelivered returns whether answers to people get out, and if not, why. It counts
// also what stops all of REST while no answer is waiting.
func (t *Transport) Undelivered() Undelivered {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	known := t.delivery.state(now)
	since := func(began time.Time) time.Time {
		if !known.Since.IsZero() && known.Since.Before(began) {
			return known.Since
		}
		return began
	}
	switch {
	case t.ban.active(now):
		return Undelivered{Since: since(t.ban.began), Reason: ReasonBanned, Status: t.ban.status, Code: t.ban.code, Until: t.ban.until, Retry: t.ban.look}
	case now.Before(t.invalid.until):
		return Undelivered{Since: since(t.invalid.began), Reason: ReasonInvalid, Until: t.invalid.until, Retry: t.invalid.until}
	}
	var longest pause
	for _, l := range t.globalLimits {
		if l.pause.active(now) && l.pause.until.Sub(l.pause.since) >= longDelay && l.pause.until.After(longest.until) {
			longest = l.pause
		}
	}
	if !longest.until.IsZero() {
		return Undelivered{Since: since(longest.since), Reason: ReasonGlobal, Status: longest.status, Until: longest.until, Retry: longest.look}
	}
	return known
}
