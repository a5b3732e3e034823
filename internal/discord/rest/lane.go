package rest

import "time"

// globalWindow is the second of Discord's global limit, and some room for the
// network to bunch requests up.
const globalWindow = 1100 * time.Millisecond

// lane is what all requests of one token share: the global limit and its
// pauses. Requests without a token share one too, as Discord counts them by
// address. Guarded by Transport.mu.
type lane struct {
	limit  int         // requests per globalWindow; negative: none
	sent   []time.Time // a ring of the last limit departures
	next   int         // the oldest of them
	paused time.Time   // the end of a global 429 (G-130)
	line   line
}

// ready reports whether a request may go, and if not, when.
func (l *lane) ready(now time.Time) (until time.Time, why Reason, ok bool) {
	if now.Before(l.paused) {
		return l.paused, ReasonGlobal, false
	}
	if l.limit < 0 || len(l.sent) < l.limit {
		return time.Time{}, "", true
	}
	until = l.sent[l.next].Add(globalWindow)
	return until, ReasonPace, !now.Before(until)
}

func (l *lane) take(now time.Time) {
	switch {
	case l.limit < 0:
	case len(l.sent) < l.limit:
		l.sent = append(l.sent, now)
	default:
		l.sent[l.next] = now
		l.next = (l.next + 1) % l.limit
	}
}

// maxLanes bounds the lanes; there are as many as tokens in use.
const maxLanes = 16

// laneOf finds or makes the lane of a ticket; nil when it stands outside.
func (t *Transport) laneOf(k *ticket) *lane {
	if k.exempt {
		return nil
	}
	l := t.lanes[k.owner]
	if l == nil {
		if len(t.lanes) >= maxLanes {
			now := time.Now()
			for owner, old := range t.lanes {
				if _, _, open := old.ready(now); open && len(old.line) == 0 {
					delete(t.lanes, owner)
				}
			}
		}
		l = &lane{limit: t.opts.GlobalLimit}
		t.lanes[k.owner] = l
	}
	return l
}
