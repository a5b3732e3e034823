package identify

import "time"

const (
	// Spacing is the least time between two IDENTIFYs of one concurrency key:
	// Discord's five seconds and some room for the network to bunch them up
	// (G-038).
	Spacing = 5250 * time.Millisecond

	// bucketDelay is how long a shard behind the first bucket waits for shards of
	// earlier buckets that are about to ask. So shards that all start at once go in
	// order.
	bucketDelay = 50 * time.Millisecond
	// dialPatience is how long a shard of an earlier bucket that has its grant,
	// but is still dialling, holds up the buckets after it.
	dialPatience = 5 * time.Second
)

// decideSpacing waits until the shard's concurrency key is free, and for shards of
// earlier buckets. The caller holds mu.
func (l *Limiter) decideSpacing(d *decision, w *waiter) {
	key, bucket := l.key(w.shard), l.bucket(w.shard)
	if bucket > 0 {
		d.notBefore(w.arrived.Add(bucketDelay), reasonQueue, nil)
	}
	for g := range l.grants {
		switch {
		case l.key(g.record.Shard) != key:
			if l.bucket(g.record.Shard) < bucket {
				d.notBefore(g.at.Add(dialPatience), reasonQueue, nil)
			}
		case g.taking:
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
		if l.key(l.spent[i].Shard) == key {
			return l.spent[i].At.Add(Spacing)
		}
	}
	return time.Time{}
}

// key is the shard's concurrency key, bucket its place in the starting order
// (G-039). The caller holds mu.
func (l *Limiter) key(shard ShardID) int    { return shard.ID % l.concurrency() }
func (l *Limiter) bucket(shard ShardID) int { return shard.ID / l.concurrency() }

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
