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

// violation records what a client did that Discord rules out, often without
// refusing it, under the statement it breaks.
func (r *restAPI) violation(c *restRequest, statement, what string) {
	v := Violation{At: time.Now(), Statement: statement, What: what}
	if app := r.appOf(c); app != nil {
		v.App = app.ID
	}
	r.sim.recordViolation(v)
}

// appOf is the app a request belongs to, also when its token is no longer
// good.
func (r *restAPI) appOf(c *restRequest) *App {
	if c.app != nil {
		return c.app
	}
	if app := r.tokenOwners[c.token]; app != nil && c.token != "" {
		return app
	}
	if c.params["webhook"] != "" {
		return r.sim.apps[c.id("webhook")]
	}
	if a := r.interactions[c.id("interaction")]; a != nil {
		return a.app
	}
	return r.sim.apps[c.id("application")]
}

// checkRequest records violations in the path and headers of a request, and one
// that repeats what has just been refused.
func (r *restAPI) checkRequest(c *restRequest, version string) {
	if version == "" {
		r.violation(c, "G-126", c.label()+" came without an API version in its path")
	}
	if ua := c.req.UserAgent(); !goodUserAgent.MatchString(ua) {
		note := ""
		// A common library sends its own where no token is asked for: at webhooks and interactions.
		if takenUserAgent.MatchString(ua) || c.route != nil && c.route.open {
			note = advice
		}
		r.violation(c, "G-125", note+fmt.Sprintf("%s came with User-Agent %q instead of DiscordBot (<url>, <version>)", c.label(), clip([]byte(strings.ReplaceAll(ua, c.secret(), "***")))))
	}
	if c.contentTypeMissing() {
		r.violation(c, "G-125", c.label()+" came with a body but without Content-Type")
	}
	if c.token != "" && strings.Contains(c.req.URL.RequestURI(), c.token) {
		r.violation(c, "G-157", c.label()+" carried the token in its URL")
	}
	if told, ok := r.unknownWebhooks[c.webhookParam()]; ok && r.wasTold(c, told) {
		r.violation(c, "G-140", c.label()+" called a webhook that had been answered 404")
	}
	c.retryKey = c.fingerprint()
	if told, ok := r.deadTokens[c.token]; ok && c.app == nil && c.token != "" && r.isRetry(c, told) {
		r.violation(c, "G-132", c.label()+" used a token that had been answered 401")
		return
	}
	if told, ok := r.refused[c.retryKey]; ok && r.isRetry(c, told) {
		r.violation(c, "G-133", c.label()+" was sent again after it had been answered 401, 403 or 404")
	}
}

// secret is the token, to be replaced in what is printed.
func (c *restRequest) secret() string {
	if c.token == "" {
		return "\x00"
	}
	return c.token
}

// isRetry reports whether a request came after its client was told, and too soon
// to count as a new attempt.
func (r *restAPI) isRetry(c *restRequest, told time.Time) bool {
	return c.now.Sub(told) < r.cfg.RetryWindow && r.wasTold(c, told)
}

// wasTold reports whether a client had been told of something when it sent a
// request: the request came later than one sent before can have been under way,
// and no fault delayed the one or the other.
func (r *restAPI) wasTold(c *restRequest, told time.Time) bool {
	return !told.IsZero() && c.now.After(told.Add(r.grace())) && !r.delayedByFault(told)
}

// grace is how long a request may have been under way: both directions of the
// network and the configured allowance.
func (r *restAPI) grace() time.Duration { return max(0, r.cfg.Grace) + 2*r.sim.net.delay() }

// delayedByFault reports whether a fault of the network has delayed requests or
// responses since a time, beyond the latency that grace allows for.
func (r *restAPI) delayedByFault(since time.Time) bool {
	return slices.ContainsFunc(r.sim.injected, func(a *Active) bool {
		until := a.Ended
		switch a.Name {
		case "offline", "unreachable":
		case "half-open", "black-hole":
			if a.Host != hostAPI {
				return false
			}
		case "stall":
			until = until.Add(a.delayOr(defaultStall))
		case "latency": // while it lasts grace allows for it
			return a.Ended.After(since)
		default:
			return false
		}
		return a.Ended.IsZero() || until.After(since)
	})
}

// fingerprint tells the same request sent again from another one.
func (c *restRequest) fingerprint() string {
	h := sha256.New()
	for _, part := range []string{c.req.Method, c.req.URL.RequestURI(), c.token} {
		_, _ = fmt.Fprintf(h, "%d %s\n", len(part), part)
	}
	h.Write(c.body)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// maxRemembered bounds each of the memories below.
const maxRemembered = 10_000

// noteDelivered records what the client knows now that a response has reached it.
func (r *restAPI) noteDelivered(c *restRequest, a restResponse) {
	now := time.Now()
	switch {
	case a.bare:
		return
	case a.scope == scopeGlobal:
		if w := r.globalOf(c); w.pausedTold.IsZero() {
			w.pausedTold = now
		}
	case a.scope == scopeUser && c.bucket != nil:
		if c.bucket.limitedTold.IsZero() {
			c.bucket.limitedTold = now
		}
	case a.scope == scopeShared && c.bucket != nil:
		if c.bucket.sharedTold.IsZero() {
			c.bucket.sharedTold = now
		}
	}
	if b := c.bucket; b != nil && b.used >= b.Requests && b.emptyTold.IsZero() {
		b.emptyTold = now
	}
	switch a.status {
	case http.StatusUnauthorized:
		if c.app == nil && c.token != "" && c.route != nil && !c.route.open {
			remember(r.deadTokens, c.token, now, r.cfg.RetryWindow)
		}
		remember(r.refused, c.retryKey, now, r.cfg.RetryWindow)
	case http.StatusForbidden, http.StatusNotFound:
		remember(r.refused, c.retryKey, now, r.cfg.RetryWindow)
		if hook := c.webhookParam(); hook != "" && r.webhooks[c.id("webhook")] == nil && r.sim.apps[c.id("webhook")] == nil {
			remember(r.unknownWebhooks, hook, now, r.cfg.RetryWindow)
		}
	}
	delete(r.lostCreates, c.createKey)
}

// webhookParam is the webhook of the path; empty on other routes.
func (c *restRequest) webhookParam() string { return c.params["webhook"] }

// remember keeps a time under a key and forgets old ones when there are many,
// or all where none is old: a violation may be missed, but memory is bounded.
func remember(in map[string]time.Time, key string, now time.Time, window time.Duration) {
	if len(in) >= maxRemembered {
		maps.DeleteFunc(in, func(_ string, at time.Time) bool { return now.Sub(at) >= window })
	}
	if len(in) >= maxRemembered {
		clear(in)
	}
	in[key] = now
}

// lostCreate is a message create whose answer never arrived.
type lostCreate struct {
	nonce string
	at    time.Time
}

// noteLost records a message create whose response is about to get lost: when the
// client tries again it must use the same nonce.
func (r *restAPI) noteLost(c *restRequest, a restResponse) {
	if c.createKey == "" || a.status != http.StatusOK {
		return
	}
	if len(r.lostCreates) >= maxRemembered {
		clear(r.lostCreates)
	}
	r.lostCreates[c.createKey] = lostCreate{nonce: c.nonce, at: c.now}
}

// checkResent checks the nonce of a message create that repeats one whose response
// got lost.
func (r *restAPI) checkResent(c *restRequest, enforced bool) {
	l, ok := r.lostCreates[c.createKey]
	if !ok || c.now.Sub(l.at) > r.cfg.RetryWindow {
		return
	}
	if c.nonce == "" || !enforced || c.nonce != l.nonce {
		r.violation(c, "G-137", "a message whose answer got lost was created again without the same nonce and enforce_nonce")
	}
}
