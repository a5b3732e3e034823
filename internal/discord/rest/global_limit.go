package rest

import "time"

// globalWindow is the second of Discord's global limit and a tenth more, because
// the network may deliver requests closer together than they were sent.
const globalWindow = 1100 * time.Millisecond

// globalLimit is the limit of requests a second that all requests of one token
// share (G-131). Requests without a token share one too, as Discord counts them by
// address. Guarded by Transport.mu.
type globalLimit struct {
	limit int         // requests per globalWindow; [Never]: no limit
	sent  []time.Time // a ring of the times of the last limit requests
	next  int         // the oldest of them
	pause pause       // after a global 429
	queue queue
}

// ready reports whether a request may be sent, and if not, when.
func (l *globalLimit) ready(now time.Time) (until time.Time, reason Reason, ok bool) {
	if until, ok = l.pause.ready(now); !ok {
		return until, ReasonGlobal, false
	}
	if l.limit < 0 || len(l.sent) < l.limit {
		return time.Time{}, "", true
	}
	until = l.sent[l.next].Add(globalWindow)
	return until, ReasonPace, !now.Before(until)
}

// reserve counts a request that is about to be sent.
func (l *globalLimit) reserve(now time.Time) {
	switch {
	case l.limit < 0:
	case len(l.sent) < l.limit:
		l.sent = append(l.sent, now)
	default:
		l.sent[l.next] = now
		l.next = (l.next + 1) % l.limit
	}
}

// maxGlobalLimits bounds how many tokens are counted at once.
const maxGlobalLimits = 16

// globalLimitOf finds or makes the global limit of a request; nil if it is exempt.
// The caller holds mu.
func (t *Transport) globalLimitOf(r *request) *globalLimit {
	if r.exempt {
		return nil
	}
	l := t.globalLimits[r.owner]
	if l == nil {
		if len(t.globalLimits) >= maxGlobalLimits {
			now := time.Now()
			for owner, old := range t.globalLimits {
				if _, _, open := old.ready(now); open && !old.pause.active(now) && len(old.queue) == 0 {
					delete(t.globalLimits, owner)
				}
			}
		}
		l = &globalLimit{limit: t.opts.GlobalLimit}
		t.globalLimits[r.owner] = l
	}
	return l
}
