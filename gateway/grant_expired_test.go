package gateway_test

import (
	"context"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
)

// expiringLimiter lets the first turns lapse: others went ahead.
type expiringLimiter struct {
	gateway.IdentifyLimiter
	expirations int
	released    []identify.Outcome
}

func (p *expiringLimiter) Acquire(ctx context.Context, pair gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	grant, err := p.IdentifyLimiter.Acquire(ctx, pair, announce)
	if err != nil {
		return nil, err
	}
	return &expiringGrant{grant, p}, nil
}

type expiringGrant struct {
	identify.Grant
	limiter *expiringLimiter
}

func (g *expiringGrant) Sent() bool {
	if g.limiter.expirations > 0 {
		g.limiter.expirations--
		return false
	}
	return g.Grant.Sent()
}

func (g *expiringGrant) Release(o identify.Outcome) {
	g.limiter.released = append(g.limiter.released, o)
	g.Grant.Release(o)
}

// Given a shard whose right to identify passes to others while it connects, then
// nothing is sent on that connection, it is no failure, and the shard queues anew.
// Statements: G-038, G-046.
func TestExpiredGrantIsAcquiredAnew(t *testing.T) {
	limiter := &expiringLimiter{IdentifyLimiter: identify.New(identify.Options{}), expirations: 2}
	run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter = limiter }}, func(h *harness) {
		h.startLive()
		h.Advance(time.Second)
		h.wantReason(gateway.ReasonGrantExpired)
		h.WantIdentifies(1)
		if got := h.shard.Stats(); got.Connects != 3 || got.Identifies != 1 {
			t.Errorf("%d connections and %d IDENTIFYs", got.Connects, got.Identifies)
		}
		if len(limiter.released) != 3 || limiter.released[2] != identify.OutcomeReady {
			t.Errorf("the grants were released as %v", limiter.released)
		}
		h.NoViolations()
	})
}
