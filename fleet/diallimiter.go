package fleet

import (
	"context"
	"sync"
	"time"

	"evergreen/gateway"
)

// dialLimiter is the dialer of all shards. It spreads their dials: a network that has
// dropped a thousand connections at once is not dialled a thousand times in the same
// instant (G-154). It counts starts, not open dials: one that hangs takes no room from
// the others.
type dialLimiter struct {
	dialer gateway.Dialer
	rate   float64 // dials a second; 0: by the number of shards

	mu       sync.Mutex
	interval time.Duration // between two dials
	next     time.Time     // when the next one would leave at an even rate
}

const (
	// dialBurst dials may leave at once after a quiet time.
	dialBurst = 8
	// minDialRate is the least number of dials a second. For many shards it is a
	// third of their number, so that all are through within dialSpread seconds.
	minDialRate = 40
	// minDialRateSet and maxDialRate bound Options.DialRate.
	minDialRateSet, maxDialRate = 0.01, 100_000.0
	dialSpread                  = 3
)

func newDialLimiter(dialer gateway.Dialer, rate float64) *dialLimiter {
	l := &dialLimiter{dialer: dialer, rate: rate}
	l.setShards(1)
	return l
}

// setShards adapts the rate to the number of shards.
func (l *dialLimiter) setShards(shards int) {
	rate := l.rate
	if rate <= 0 {
		rate = max(minDialRate, float64(shards)/dialSpread)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interval = time.Duration(float64(time.Second) / rate)
}

// Dial waits until the connection may be dialled, and dials it.
func (l *dialLimiter) Dial(ctx context.Context, url string) (gateway.Socket, error) {
	if wait := l.reserve(time.Now()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, &gateway.ConnectError{Kind: gateway.ReasonDial, Err: ctx.Err()}
		}
	}
	return l.dialer.Dial(ctx, url)
}

// reserve takes the next dial and returns how long it is until then.
func (l *dialLimiter) reserve(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next.Before(now) {
		l.next = now
	}
	wait := l.next.Sub(now) - (dialBurst-1)*l.interval
	l.next = l.next.Add(l.interval)
	return wait
}
