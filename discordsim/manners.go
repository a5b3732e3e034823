package discordsim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Manners: what a client does that Discord rules out without always refusing
// it. Each is recorded as a violation under the statement it breaks.

// accuse records a violation against the app of the call.
func (r *rest) accuse(c *call, statement, what string) {
	r.sim.violateREST(r.culprit(c), statement, what)
}

// culprit is the app a request belongs to, also when its token is no longer
// good.
func (r *rest) culprit(c *call) *App {
	if c.app != nil {
		return c.app
	}
	if app := r.known[c.token]; app != nil && c.token != "" {
		return app
	}
	if c.params["webhook"] != "" {
		return r.sim.apps[c.id("webhook")]
	}
	if a := r.asked[c.id("interaction")]; a != nil {
		return a.app
	}
	return r.sim.apps[c.id("application")]
}

// manners looks at the outside of a request: path, headers, and whether it
// repeats what has just been refused.
func (r *rest) manners(c *call, version string) {
	if version == "" {
		r.accuse(c, "G-126", c.label()+" came without an API version in its path")
	}
	if ua := c.req.UserAgent(); !goodUserAgent.MatchString(ua) {
		r.accuse(c, "G-125", fmt.Sprintf("%s came with User-Agent %q instead of DiscordBot (<url>, <version>)", c.label(), clip([]byte(strings.ReplaceAll(ua, c.secret(), "***")))))
	}
	if c.contentTypeMissing() {
		r.accuse(c, "G-125", c.label()+" came with a body but without Content-Type")
	}
	if c.token != "" && strings.Contains(c.req.URL.RequestURI(), c.token) {
		r.accuse(c, "G-157", c.label()+" carried the token in its URL")
	}
	if told, ok := r.gone[c.hook()]; ok && r.knew(c, told) {
		r.accuse(c, "G-140", c.label()+" called a webhook that had been answered 404")
	}
	c.repeats = c.fingerprint()
	if told, ok := r.dead[c.token]; ok && c.app == nil && c.token != "" && r.again(c, told) {
		r.accuse(c, "G-132", c.label()+" used a token that had been answered 401")
		return
	}
	if told, ok := r.refused[c.repeats]; ok && r.again(c, told) {
		r.accuse(c, "G-133", c.label()+" was sent again after it had been answered 401, 403 or 404")
	}
}

// secret is the credential as it must not be printed.
func (c *call) secret() string {
	if c.token == "" {
		return "\x00"
	}
	return c.token
}

// again reports whether a request came knowingly after an answer and too soon
// to count as a new attempt.
func (r *rest) again(c *call, told time.Time) bool {
	return c.now.Sub(told) < r.cfg.RetryWindow && r.knew(c, told)
}

// knew reports whether a request was sent by somebody who had been told: it came
// later than anything sent before can have been under way, and no fault held
// back the one or the other.
func (r *rest) knew(c *call, told time.Time) bool {
	return !told.IsZero() && c.now.After(told.Add(r.grace())) && !r.heldBack(told)
}

// grace is how long a request may have been under way: both directions of the
// network and the configured allowance.
func (r *rest) grace() time.Duration { return max(0, r.cfg.Grace) + 2*r.sim.linkDelay() }

// heldBack reports whether a fault of the network has delayed requests or
// answers since a moment, beyond what the network tells of itself.
func (r *rest) heldBack(since time.Time) bool {
	return slices.ContainsFunc(r.sim.struck, func(a *Active) bool {
		until := a.Ended
		switch a.Name {
		case "offline", "unreachable":
		case "half-open", "black-hole":
			if a.Host != hostAPI {
				return false
			}
		case "stall":
			until = until.Add(a.takes(defaultStall))
		case "latency": // while it lasts the network tells of it
			return a.Ended.After(since)
		default:
			return false
		}
		return a.Ended.IsZero() || until.After(since)
	})
}

// fingerprint tells the same request sent again from another one.
func (c *call) fingerprint() string {
	h := sha256.New()
	for _, part := range []string{c.req.Method, c.req.URL.RequestURI(), c.token} {
		_, _ = fmt.Fprintf(h, "%d %s\n", len(part), part)
	}
	h.Write(c.body)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// maxRemembered bounds each of the memories below.
const maxRemembered = 10_000

// told files what the client now knows, after an answer has reached it.
func (r *rest) told(c *call, a answer) {
	now := time.Now()
	switch {
	case a.bare:
		return
	case a.scope == scopeGlobal:
		if w := r.globalOf(c); w.told.IsZero() {
			w.told = now
		}
	case a.scope == scopeUser && c.bucket != nil:
		if c.bucket.limited.IsZero() {
			c.bucket.limited = now
		}
	case a.scope == scopeShared && c.bucket != nil:
		if c.bucket.heldTold.IsZero() {
			c.bucket.heldTold = now
		}
	}
	if b := c.bucket; b != nil && b.used >= b.Requests && b.empty.IsZero() {
		b.empty = now
	}
	switch a.status {
	case http.StatusUnauthorized:
		if c.app == nil && c.token != "" && c.route != nil && !c.route.open {
			remember(r.dead, c.token, now, r.cfg.RetryWindow)
		}
		remember(r.refused, c.repeats, now, r.cfg.RetryWindow)
	case http.StatusForbidden, http.StatusNotFound:
		remember(r.refused, c.repeats, now, r.cfg.RetryWindow)
		if hook := c.hook(); hook != "" && r.webhooks[c.id("webhook")] == nil && r.sim.apps[c.id("webhook")] == nil {
			remember(r.gone, hook, now, r.cfg.RetryWindow)
		}
	}
	delete(r.lost, c.loses)
}

// hook is the webhook of the path; empty on other routes.
func (c *call) hook() string { return c.params["webhook"] }

// remember keeps a time under a key and forgets old ones when there are many,
// or all where none is old: rather no accusation than no end of memory.
func remember(in map[string]time.Time, key string, now time.Time, window time.Duration) {
	if len(in) >= maxRemembered {
		maps.DeleteFunc(in, func(_ string, at time.Time) bool { return now.Sub(at) >= window })
	}
	if len(in) >= maxRemembered {
		clear(in)
	}
	in[key] = now
}

// lostSend is a message create whose answer never arrived.
type lostSend struct {
	nonce string
	at    time.Time
}

// loses files a message create whose answer is about to get lost: the client
// will try again and must then use the same nonce (G-137).
func (r *rest) loses(c *call, a answer) {
	if c.loses == "" || a.status != http.StatusOK {
		return
	}
	if len(r.lost) >= maxRemembered {
		clear(r.lost)
	}
	r.lost[c.loses] = lostSend{nonce: c.nonce, at: c.now}
}

// resent judges a message create that says what an earlier one said whose
// answer got lost.
func (r *rest) resent(c *call, enforced bool) {
	l, ok := r.lost[c.loses]
	if !ok || c.now.Sub(l.at) > r.cfg.RetryWindow {
		return
	}
	if c.nonce == "" || !enforced || c.nonce != l.nonce {
		r.accuse(c, "G-137", "a message whose answer got lost was created again without the same nonce and enforce_nonce")
	}
}
