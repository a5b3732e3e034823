package fleet

import (
	"context"
	"sync"
	"time"

	"evergreen/gateway"
)

// gate is the dialer of all shards. It lets dials through at a pace, so that a
// network that drops a thousand connections at once is not dialled a thousand
// times in the same instant (G-154). It counts starts, not open dials: one that
// hangs takes no room from the others.
type gate struct {
	dialer gateway.Dialer
	fixed  float64 // dials a second; 0: by the number of shards

	mu    sync.Mutex
	every time.Duration // between two dials
	due   time.Time     // when the next one would leave at an even pace
}

const (
	// dialBurst dials may leave at once after a quiet time.
	dialBurst = 8
	// dialRate is the least number of dials a second; for many shards it is a
	// third of them, so that all are through within three seconds.
	dialRate   = 40
	dialSpread = 3
)

func newGate(dialer gateway.Dialer, fixed float64) *gate {
	g := &gate{dialer: dialer, fixed: fixed}
	g.size(1)
	return g
}

// size adapts the pace to the number of shards.
func (g *gate) size(shards int) {
	rate := max(dialRate, float64(shards)/dialSpread)
	if g.fixed > 0 {
		rate = g.fixed
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.every = time.Duration(float64(time.Second) / rate)
}

// Dial waits for its turn and dials.
func (g *gate) Dial(ctx context.Context, url string) (gateway.Socket, error) {
	if wait := g.reserve(time.Now()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, &gateway.ConnectError{Kind: gateway.ReasonDial, Err: ctx.Err()}
		}
	}
	return g.dialer.Dial(ctx, url)
}

// reserve takes the next place and returns how long it is until then.
func (g *gate) reserve(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.due.Before(now) {
		g.due = now
	}
	wait := g.due.Sub(now) - (dialBurst-1)*g.every
	g.due = g.due.Add(g.every)
	return wait
}
