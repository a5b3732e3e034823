package ledger

import (
	"time"

	"evergreen/gateway"
)

// grant is the right to send one IDENTIFY.
type grant struct {
	ledger *Ledger
	at     time.Time
	record *record
	sent   bool // guarded by ledger.mu, as is over
	over   bool
}

// Sent moves the entry to the time the IDENTIFY leaves and frees the key for
// the next one, five seconds on.
func (g *grant) Sent() {
	l := g.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.sent || g.over {
		return
	}
	g.sent = true
	g.record.At, g.record.State = time.Now(), Sent
	l.put(g.record)
	l.spent = append(l.spent, g.record)
	l.pace(g.record.Pair).last = g.record.At
	delete(l.grants, g)
	l.wakeAll()
}

// Release ends the grant. What was never sent costs nothing; what was sent and
// is said to be unsent counts as refused, for it may have left.
func (g *grant) Release(outcome gateway.Outcome) {
	l := g.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.over {
		return
	}
	g.over = true
	p := l.pace(g.record.Pair)
	switch {
	case !g.sent:
		g.record.State = Void
		delete(l.grants, g)
	case outcome == gateway.OutcomeReady:
		g.record.State = Ready
		p.ready()
		p.open = g.record
	default:
		g.record.State = Refused
		p.refuse(l.opts.Rand)
	}
	l.put(g.record)
	l.wakeAll()
}
