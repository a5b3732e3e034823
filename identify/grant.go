package identify

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
// the next one, five seconds on. It reports false for a grant that has lapsed.
func (g *grant) Sent() bool {
	l := g.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.sent || g.over {
		return g.sent
	}
	g.sent = true
	g.record.At, g.record.State = time.Now(), Sent
	l.put(g.record)
	l.spent = append(l.spent, g.record)
	p := l.pace(g.record.Pair)
	p.last, p.stalls = g.record.At, 0
	delete(l.grants, g)
	l.wakeAll()
	return true
}

// lapse takes the grant back from a shard that has not come to use it: the next
// one of its key goes ahead. The caller holds ledger.mu.
func (g *grant) lapse() {
	g.over = true
	g.ledger.pace(g.record.Pair).stalls++
	g.record.State = Void
	g.ledger.put(g.record)
	delete(g.ledger.grants, g)
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
		p.stalls++
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
