package fleet

import (
	"context"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
)

// waitlist is the identify limiter that the shards of a fleet call. It hands each
// call on to the limiter of the options and knows which shards wait there.
type waitlist struct {
	gateway.IdentifyLimiter
	granted func(gateway.ShardID) // called for every grant before it is used

	mu      sync.Mutex
	waiting map[gateway.ShardID]time.Time // the announced end of the wait; zero: only the queue
	last    map[int]time.Time             // of the last IDENTIFY, by concurrency key
}

func newWaitlist(limiter gateway.IdentifyLimiter, granted func(gateway.ShardID)) *waitlist {
	return &waitlist{
		IdentifyLimiter: limiter, granted: granted,
		waiting: make(map[gateway.ShardID]time.Time), last: make(map[int]time.Time),
	}
}

// Acquire implements [gateway.IdentifyLimiter].
func (w *waitlist) Acquire(ctx context.Context, shard gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	w.add(shard, time.Time{})
	defer w.remove(shard)
	grant, err := w.IdentifyLimiter.Acquire(ctx, shard, func(until time.Time, why string) {
		w.add(shard, until)
		if announce != nil {
			announce(until, why)
		}
	})
	if err != nil {
		return nil, err
	}
	w.granted(shard)
	return &notedGrant{grant, w, shard}, nil
}

// Stopped implements [gateway.StopObserver].
func (w *waitlist) Stopped(shard gateway.ShardID) {
	if limiter, ok := w.IdentifyLimiter.(gateway.StopObserver); ok {
		limiter.Stopped(shard)
	}
}

// notedGrant is a grant whose use the waitlist notes.
type notedGrant struct {
	identify.Grant
	waitlist *waitlist
	shard    gateway.ShardID
}

// Sent implements [identify.Grant].
func (g *notedGrant) Sent() bool {
	if !g.Grant.Sent() {
		return false
	}
	keys, _ := g.waitlist.pace()
	g.waitlist.mu.Lock()
	defer g.waitlist.mu.Unlock()
	g.waitlist.last[g.shard.ID%keys] = time.Now()
	return true
}

func (w *waitlist) add(shard gateway.ShardID, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[shard] = until
}

func (w *waitlist) remove(shard gateway.ShardID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, shard)
}

// pace returns how many concurrency keys there are and how long after an IDENTIFY
// each may be used again. A limiter that does not tell has one key.
func (w *waitlist) pace() (keys int, spacing time.Duration) {
	if limiter, ok := w.IdentifyLimiter.(interface{ Pace() (int, time.Duration) }); ok {
		keys, spacing = limiter.Pace()
		return max(1, keys), spacing
	}
	return 1, identify.Spacing
}

// queued returns which shards wait, and about how long it is until the last of
// them may identify.
func (w *waitlist) queued(now time.Time) (waiting map[gateway.ShardID]bool, remaining time.Duration) {
	keys, spacing := w.pace()
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting = make(map[gateway.ShardID]bool, len(w.waiting))
	behind := make(map[int]int, min(keys, len(w.waiting)))
	for shard, until := range w.waiting {
		waiting[shard] = true
		behind[shard.ID%keys]++
		remaining = max(remaining, until.Sub(now))
	}
	for key, n := range behind {
		first := max(0, w.last[key].Add(spacing).Sub(now))
		remaining = max(remaining, first+time.Duration(n-1)*spacing)
	}
	return waiting, remaining
}
