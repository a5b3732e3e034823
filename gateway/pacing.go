package gateway

import (
	"context"
	"sync"
	"time"
)

// IdentifySpacing is the least time between two IDENTIFYs of one concurrency
// key: Discord's five seconds and a little for the way (G-038).
const IdentifySpacing = 5250 * time.Millisecond

// NewPermit returns the permit of a single process: it keeps the spacing
// between IDENTIFYs, and spaces them out further, up to twenty minutes, while
// they lead to nothing or to sessions that die at once. It knows no daily
// budget; package ledger does.
func NewPermit() IdentifyLimiter { return &spacing{turn: make(chan struct{}, 1)} }

type spacing struct {
	turn chan struct{} // one slot: held by whoever may identify

	mu   sync.Mutex
	last time.Time // when the last IDENTIFY was sent
	vain int       // IDENTIFYs in a row that led to nothing lasting
}

// vainWaits is the wait after so many IDENTIFYs in vain.
var vainWaits = []time.Duration{
	0, 0, 15 * time.Second, 45 * time.Second, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
}

func (p *spacing) Acquire(ctx context.Context, _ ShardID, announce func(time.Time, string)) (Grant, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	wait := vainWaits[min(p.vain, len(vainWaits)-1)]
	at := p.last.Add(max(IdentifySpacing, wait))
	first := p.last.IsZero()
	p.mu.Unlock()
	if left := time.Until(at); !first && left > 0 {
		if wait > IdentifySpacing {
			announce(at, "earlier sessions did not last; the daily budget of IDENTIFYs is spent slowly")
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			<-p.turn
			return nil, ctx.Err()
		}
	}
	return &turn{permit: p}, nil
}

// SessionEnded forgets the IDENTIFYs in vain once a session has lasted.
func (p *spacing) SessionEnded(_ ShardID, lived time.Duration) {
	if lived >= time.Minute {
		p.mu.Lock()
		p.vain = 0
		p.mu.Unlock()
	}
}

type turn struct{ permit *spacing }

func (t *turn) Sent() bool {
	t.permit.mu.Lock()
	defer t.permit.mu.Unlock()
	t.permit.last = time.Now()
	t.permit.vain++
	return true
}

func (t *turn) Release(Outcome) { <-t.permit.turn }
