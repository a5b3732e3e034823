package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
)

// Permit is the identify permit of one process: it keeps Discord's spacing
// between the IDENTIFYs of each concurrency key, lets up to max_concurrency
// shards identify side by side in the order of their numbers (G-038, G-039), and
// slows down a shard whose IDENTIFYs lead to nothing. It knows no daily budget
// and ends with the process.
type Permit struct {
	mu     sync.Mutex
	keys   int
	last   map[int]time.Time // of the newest IDENTIFY or unexpired grant, by key
	holder map[int]*grant
	vain   map[gateway.ShardID]vain
	stalls map[gateway.ShardID]int // turns in a row that came to no IDENTIFY
	queue  []*waiter
}

// vain counts IDENTIFYs of a shard in a row that led to nothing lasting.
type vain struct {
	times int
	last  time.Time
}

// waiter is a shard in the queue.
type waiter struct {
	pair    gateway.ShardID
	arrived time.Time
	wake    chan struct{} // one slot
}

// lineUp is how long a shard behind the first bucket waits for those before it
// that are about to ask, so that shards which all start at once go in order.
const lineUp = 50 * time.Millisecond

// NewPermit returns a permit for the max_concurrency that GET /gateway/bot
// tells, 1 at least.
func NewPermit(maxConcurrency int) *Permit {
	return &Permit{
		keys: max(1, maxConcurrency), last: make(map[int]time.Time), holder: make(map[int]*grant), vain: make(map[gateway.ShardID]vain),
		stalls: make(map[gateway.ShardID]int),
	}
}

// SetConcurrency changes the number of keys.
func (p *Permit) SetConcurrency(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = max(1, n)
	p.wakeAll()
}

// Pace implements [Pacer].
func (p *Permit) Pace() (keys int, spacing time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys, gateway.IdentifySpacing
}

// vainWaits is the wait of a shard after so many IDENTIFYs in vain.
var vainWaits = []time.Duration{
	0, 0, 15 * time.Second, 45 * time.Second, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
}

// Acquire implements [gateway.IdentifyLimiter].
func (p *Permit) Acquire(ctx context.Context, pair gateway.ShardID, announce func(time.Time, string)) (gateway.Grant, error) {
	w := &waiter{pair: pair, arrived: time.Now(), wake: make(chan struct{}, 1)}
	p.mu.Lock()
	p.queue = append(p.queue, w)
	p.mu.Unlock()
	defer p.leave(w)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	said := false
	for {
		g, wait, slow := p.try(w, time.Now())
		if g != nil {
			return g, nil
		}
		if slow && !said && announce != nil {
			said = true
			announce(time.Now().Add(wait), "earlier sessions of the shard did not last; the daily budget of IDENTIFYs is spent slowly")
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-w.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try grants the waiter its turn, or says how long to wait; slow means that the
// shard itself is the reason.
func (p *Permit) try(w *waiter, now time.Time) (g *grant, wait time.Duration, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.own(w, now)
	if own > 0 {
		return nil, own, true
	}
	key := w.pair.ID % p.keys
	if wait := w.arrived.Add(lineUp).Sub(now); wait > 0 && w.pair.ID >= p.keys {
		return nil, wait, false
	}
	if last := p.last[key]; !last.IsZero() {
		if wait := last.Add(gateway.IdentifySpacing).Sub(now); wait > 0 {
			return nil, wait, false
		}
	}
	for _, other := range p.queue {
		if other.pair.ID%p.keys == key && p.precedes(other, w) && p.own(other, now) <= 0 {
			other.poke()
			return nil, time.Hour, false // it is poked when that one has gone
		}
	}
	if late := p.holder[key]; late != nil {
		late.over = true // it has had its time
		p.stalls[late.pair]++
	}
	g = &grant{permit: p, pair: w.pair, key: key}
	p.holder[key], p.last[key] = g, now
	return g, 0, false
}

// precedes orders the shards of one key: lower numbers first, but behind all
// others one that could not use its turn. The caller holds mu.
func (p *Permit) precedes(a, b *waiter) bool {
	if x, y := p.stalls[a.pair], p.stalls[b.pair]; x != y {
		return x < y
	}
	return a.pair.ID < b.pair.ID
}

// own is how long the shard's own failures hold it back. The caller holds mu.
func (p *Permit) own(w *waiter, now time.Time) time.Duration {
	v := p.vain[w.pair]
	if v.times == 0 {
		return 0
	}
	return v.last.Add(vainWaits[min(v.times, len(vainWaits)-1)]).Sub(now)
}

func (p *Permit) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, w); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	p.wakeAll()
}

// wakeAll lets every waiter look again. The caller holds mu.
func (p *Permit) wakeAll() {
	for _, w := range p.queue {
		w.poke()
	}
}

func (w *waiter) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// SessionEnded implements [gateway.SessionWatcher].
func (p *Permit) SessionEnded(pair gateway.ShardID, lived time.Duration) {
	if lived >= time.Minute {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.vain, pair)
	}
}

// grant is the right to send one IDENTIFY. What it guards is the permit's.
type grant struct {
	permit *Permit
	pair   gateway.ShardID
	key    int
	sent   bool
	over   bool
}

// Sent implements [gateway.Grant].
func (g *grant) Sent() bool {
	p := g.permit
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.over || g.sent {
		return g.sent
	}
	now := time.Now()
	g.sent = true
	p.last[g.key] = now
	v := p.vain[g.pair]
	p.vain[g.pair] = vain{times: v.times + 1, last: now}
	delete(p.holder, g.key)
	delete(p.stalls, g.pair)
	p.wakeAll()
	return true
}

// Release implements [gateway.Grant].
func (g *grant) Release(gateway.Outcome) {
	p := g.permit
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holder[g.key] == g { // nothing was sent: the key is free at once
		delete(p.holder, g.key)
		delete(p.last, g.key)
		p.stalls[g.pair]++
	}
	g.over = true
	p.wakeAll()
}
