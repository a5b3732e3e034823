package identify

import (
	"context"
	"time"
)

// KeyLock shares the concurrency keys between several processes that identify for
// one bot: at any time at most one of them holds a key. A [Limiter] orders its
// own shards and keeps their spacing by itself; KeyLock adds the other processes.
type KeyLock interface {
	// Lock waits until no other process may use the key, [Spacing] after its last
	// IDENTIFY, and locks it for the shard. It returns an error when ctx ends or
	// the key cannot be locked. The methods of the grant must not block and must not
	// call the limiter: Sent reports false if the lock was lost meanwhile, and
	// Release unlocks the key.
	Lock(ctx context.Context, key int, shard ShardID) (Grant, error)
}

// lockKey keeps the other processes from the shard's key. The limiter's own shards wait
// for it meanwhile, however long it takes.
func (l *Limiter) lockKey(ctx context.Context, g *grant) error {
	if l.opts.KeyLock == nil {
		return nil
	}
	l.mu.Lock()
	g.locking = true
	key := l.concurrencyKey(g.entry.Shard)
	l.mu.Unlock()
	held, err := l.opts.KeyLock.Lock(ctx, key, g.entry.Shard)
	l.mu.Lock()
	defer l.mu.Unlock()
	g.locking, g.keyGrant = false, held
	// The wait may have been long, and the record has to say when the IDENTIFY was allowed.
	g.at = time.Now()
	g.entry.At = g.at
	l.wakeAll() // from now on they wait for Spacing only
	return err
}
