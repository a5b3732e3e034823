package identify

import (
	"context"
	"slices"
	"time"
)

// waiter is a shard in the queue.
type waiter struct {
	shard   ShardID
	arrived time.Time
	wake    chan struct{} // one slot: something has changed
}

// decision says when a waiter may identify.
type decision struct {
	until   time.Time // not before this
	blocked bool      // not before something changes
	stale   bool      // Discord has to be asked for its limit first
	reason  reason
	why     string // for a person; empty when it is only the queue
}

// reason tells apart what a waiter waits for.
type reason int

const (
	reasonQueue reason = iota
	reasonBackoff
	reasonHour
	reasonReserve
	reasonBudget
)

// notBefore moves the decision to a later time, if it is one.
func (d *decision) notBefore(t time.Time, r reason, why func() string) {
	if !t.After(d.until) {
		return
	}
	d.until, d.reason, d.why = t, r, ""
	if why != nil {
		d.why = why()
	}
}

func (d decision) isFree(now time.Time) bool { return !d.blocked && !d.until.After(now) }

// differs reports whether d is worth announcing after said.
func (d decision) differs(said decision) bool {
	return d.why != "" && (d.reason != said.reason || d.until.Sub(said.until).Abs() > time.Second)
}

// sleep waits for the time of the decision, a change or the end of ctx.
func (w *waiter) sleep(ctx context.Context, d decision) {
	var due <-chan time.Time
	if !d.blocked {
		t := time.NewTimer(time.Until(d.until))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-w.wake:
	case <-ctx.Done():
	}
}

// poke lets the waiter decide again.
func (w *waiter) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (l *Limiter) enqueue(shard ShardID) *waiter {
	w := &waiter{shard: shard, arrived: time.Now(), wake: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, w)
	l.endOpenSession(w)
	return w
}

func (l *Limiter) dequeue(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.DeleteFunc(l.queue, func(other *waiter) bool { return other == w })
	l.wakeAll()
}

// wakeAll lets every waiter decide again. The caller holds mu.
func (l *Limiter) wakeAll() {
	for _, w := range l.queue {
		w.poke()
	}
}

// wait returns with a grant or when ctx ends.
func (l *Limiter) wait(ctx context.Context, w *waiter, announce func(time.Time, string)) (*grant, error) {
	said := decision{}
	l.refresh(ctx)
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		g, d := l.try(w, time.Now())
		l.alert()
		switch {
		case g != nil:
			return g, nil
		case d.stale:
			l.refresh(ctx)
			continue
		case d.differs(said) && time.Until(d.until) >= minAnnounced:
			announce(d.until, d.why)
			said = d
		}
		w.sleep(ctx, d) // the loop looks at ctx
	}
}

// try gives the waiter its grant if nothing speaks against it.
func (l *Limiter) try(w *waiter, now time.Time) (*grant, decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updateRich(now)
	d := l.decide(w, now)
	if !d.isFree(now) {
		// The count may have been reset since Discord was last asked.
		d.stale = (d.reason == reasonBudget || d.reason == reasonReserve) && l.isStale(now)
		return nil, d
	}
	key := l.concurrencyKey(w.shard)
	for _, other := range l.queue {
		if l.concurrencyKey(other.shard) == key && l.precedes(other, w) && l.decide(other, now).isFree(now) {
			other.poke() // it may be asleep until a time that has since moved
			return nil, decision{blocked: true}
		}
	}
	if l.isStale(now) {
		return nil, decision{stale: true}
	}
	for other := range l.grants {
		if l.concurrencyKey(other.entry.Shard) == key {
			other.cancel() // its Spacing is over, or decide would have refused
		}
	}
	l.lastID = max(l.lastID+1, now.UnixMicro())
	g := &grant{limiter: l, at: now, entry: &entry{
		Entry: Entry{ID: l.lastID, Shard: w.shard, At: now, State: Granted},
	}}
	l.grants[g] = struct{}{}
	return g, d
}

// precedes orders the waiters of one key. Shards whose sessions last come before those
// that keep failing or could not use their grants. Then lower ids come first, which is
// the order of the start groups. The caller holds mu.
func (l *Limiter) precedes(a, b *waiter) bool {
	p, q := l.backoff(a.shard), l.backoff(b.shard)
	switch {
	case p.shortSessions != q.shortSessions:
		return p.shortSessions < q.shortSessions
	case p.unused != q.unused:
		return p.unused < q.unused
	case a.shard.ID != b.shard.ID:
		return a.shard.ID < b.shard.ID
	}
	return a.arrived.Before(b.arrived)
}

// decide says when the waiter may identify if no other one waits. The caller
// holds mu.
func (l *Limiter) decide(w *waiter, now time.Time) decision {
	var d decision
	l.decideSpacing(&d, w)
	// A shard that waits for its key is decided anew within seconds. Until then the
	// budget is not looked at, because that goes through all IDENTIFYs of a day: of a
	// thousand shards that start at once, all but a few wait so.
	queued := !d.isFree(now)
	l.decideBackoff(&d, w.shard)
	if l.budgeted && !queued {
		l.decideHour(&d, w.shard, now)
		l.decideDay(&d, now)
	}
	return d
}
