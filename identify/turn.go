package identify

import (
	"context"
	"time"
)

// Turn shares the concurrency keys between several processes that identify for
// one bot: at any time at most one of them holds a key. A [Limiter] orders its
// own shards and keeps their spacing by itself; Turn adds the other processes.
type Turn interface {
	// Take waits until no other process may use the key, [Spacing] after its last
	// IDENTIFY, and takes it for the shard. It returns an error when ctx ends or
	// the key cannot be had. The methods of the grant must not block and must not
	// call the limiter: Sent reports false if the turn was lost meanwhile, and
	// Release gives the key back.
	Take(ctx context.Context, key int, shard ShardID) (Grant, error)
}

// takeTurn takes the key from the other processes. The limiter's own shards wait
// for it meanwhile, however long it takes.
func (l *Limiter) takeTurn(ctx context.Context, g *grant) error {
	if l.opts.Turn == nil {
		return nil
	}
	l.mu.Lock()
	g.taking = true
	key := l.key(g.record.Shard)
	l.mu.Unlock()
	turn, err := l.opts.Turn.Take(ctx, key, g.record.Shard)
	l.mu.Lock()
	defer l.mu.Unlock()
	g.taking, g.turn = false, turn
	g.at = time.Now()
	return err
}
