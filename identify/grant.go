package identify

import "time"

// Grant is the right to send one IDENTIFY.
type Grant interface {
	// Sent is called right before the IDENTIFY leaves and does not block. An
	// IDENTIFY that may have left counts as spent. False means that the grant has
	// expired: the shard took so long to connect that others have gone ahead. It
	// must send nothing and acquire anew.
	Sent() bool
	// Release ends the grant. It is called exactly once, also when the
	// connection failed before IDENTIFY, and tells what came of it.
	Release(Outcome)
}

// Outcome is what an acquired grant led to.
type Outcome int

const (
	// OutcomeUnsent means no IDENTIFY was sent.
	OutcomeUnsent Outcome = iota
	// OutcomeRefused means op 9 or a close answered it, or nothing did.
	OutcomeRefused
	// OutcomeReady means READY came. It is reported at once.
	OutcomeReady
)

// grant is the Grant of a Limiter. Its fields are guarded by the limiter's mu.
type grant struct {
	limiter  *Limiter
	entry    *entry
	at       time.Time // since when the key has been taken
	keyGrant Grant     // of Options.KeyLock; nil: none
	locking  bool      // Options.KeyLock is being waited for
	sent     bool
	over     bool
}

// Sent moves the entry to the time the IDENTIFY leaves and frees the key for
// the next one, [Spacing] later.
func (g *grant) Sent() bool {
	l := g.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.sent || g.over {
		return g.sent
	}
	if g.keyGrant != nil && !g.keyGrant.Sent() {
		return false
	}
	g.sent = true
	g.entry.At, g.entry.State = time.Now(), Sent
	l.put(g.entry)
	l.spent = append(l.spent, g.entry)
	b := l.backoff(g.entry.Shard)
	b.last, b.unused = g.entry.At, 0
	delete(l.grants, g)
	l.wakeAll()
	return true
}

// Release ends the grant. A grant that was never sent costs nothing. One that was
// sent counts as refused when the outcome says unsent: it may have left.
func (g *grant) Release(outcome Outcome) {
	l := g.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.over {
		return
	}
	if !g.sent {
		g.cancel()
		return
	}
	g.over = true
	b := l.backoff(g.entry.Shard)
	if outcome == OutcomeReady {
		g.entry.State = Ready
		b.countReady()
		b.open = g.entry
	} else {
		g.entry.State = Refused
		b.countRefusal(l.opts.Rand)
	}
	l.put(g.entry)
	g.end(outcome)
}

// cancel takes back a grant whose IDENTIFY was not sent. The caller holds mu.
func (g *grant) cancel() {
	l := g.limiter
	g.over = true
	l.backoff(g.entry.Shard).unused++
	g.entry.State = Unsent
	l.put(g.entry)
	delete(l.grants, g)
	g.end(OutcomeUnsent)
}

// end unlocks the key and lets the queue go on. The caller holds mu.
func (g *grant) end(outcome Outcome) {
	if g.keyGrant != nil {
		g.keyGrant.Release(outcome)
	}
	g.limiter.wakeAll()
}
