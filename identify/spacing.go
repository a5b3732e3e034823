package identify

import "time"

const (
	// Spacing is the least time between two IDENTIFYs of one concurrency key: the
	// five seconds (5 s) that Discord asks for, and 0.25 s of room for a network that
	// delivers two of them closer together than they were sent (G-038).
	Spacing = 5250 * time.Millisecond

	// startGroupDelay is how long a shard behind the first start group waits for shards
	// of earlier groups that are about to ask. So shards that all start at once go in
	// order.
	startGroupDelay = 50 * time.Millisecond
	// dialPatience is how long a shard of an earlier start group that has its grant,
	// but is still dialling, holds up the groups after it.
	dialPatience = 5 * time.Second
)

// decideSpacing waits until the shard's concurrency key is free, and for shards of
// earlier start groups. The caller holds mu.
func (l *Limiter) decideSpacing(d *decision, w *waiter) {
	key, group := l.concurrencyKey(w.shard), l.startGroup(w.shard)
	if group > 0 {
		d.notBefore(w.arrived.Add(startGroupDelay), reasonQueue, nil)
	}
	for g := range l.grants {
		switch {
		case l.concurrencyKey(g.entry.Shard) != key:
			if l.startGroup(g.entry.Shard) < group {
				d.notBefore(g.at.Add(dialPatience), reasonQueue, nil)
			}
		case g.locking:
			d.blocked = true
		default:
			// A shard that cannot connect costs the next one no more time than
			// its IDENTIFY would have (G-122).
			d.notBefore(g.at.Add(Spacing), reasonQueue, nil)
		}
	}
	d.notBefore(l.keyFree(key), reasonQueue, nil)
	if !l.loaded {
		d.notBefore(l.created.Add(Spacing), reasonQueue, nil)
	}
}

// keyFree is when the key may be used again. The caller holds mu.
func (l *Limiter) keyFree(key int) time.Time {
	for i := len(l.spent) - 1; i >= 0; i-- {
		if l.concurrencyKey(l.spent[i].Shard) == key {
			return l.spent[i].At.Add(Spacing)
		}
	}
	return time.Time{}
}

// concurrencyKey is what Discord calls the shard's rate_limit_key. The caller holds mu.
func (l *Limiter) concurrencyKey(shard ShardID) int { return shard.ID % l.concurrency() }

// startGroup is the shard's place in the starting order, which Discord calls its bucket
// (G-039). The caller holds mu.
func (l *Limiter) startGroup(shard ShardID) int { return shard.ID / l.concurrency() }

func (l *Limiter) concurrency() int {
	if l.limit.MaxConcurrency > 0 {
		return l.limit.MaxConcurrency
	}
	return l.opts.MaxConcurrency
}

// Pace returns the number of concurrency keys and the least time between two
// IDENTIFYs of one key.
func (l *Limiter) Pace() (keys int, spacing time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.concurrency(), Spacing
}
