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
	permit *expiringLimiter
}

func (g *expiringGrant) Sent() bool {
	if g.permit.expirations > 0 {
		g.permit.expirations--
		return false
	}
	return g.Grant.Sent()
}

func (g *expiringGrant) Release(o identify.Outcome) {
	g.permit.released = append(g.permit.released, o)
	g.Grant.Release(o)
}

// Given a shard whose turn to identify passes to others while it connects, then
// nothing is sent on that connection, it is no failure, and the shard queues anew.
// Statements: G-038, G-046.
func TestLapsedTurnIsTakenAnew(t *testing.T) {
	permit := &expiringLimiter{IdentifyLimiter: identify.New(identify.Options{}), expirations: 2}
	run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter = permit }}, func(s *harness) {
		s.startLive()
		s.advance(time.Second)
		s.wantReason(gateway.ReasonGrantExpired)
		s.wantIdentifies(1)
		if got := s.shard.Stats(); got.Connects != 3 || got.Identifies != 1 {
			t.Errorf("%d connections and %d IDENTIFYs", got.Connects, got.Identifies)
		}
		if len(permit.released) != 3 || permit.released[2] != identify.OutcomeReady {
			t.Errorf("the turns were given back as %v", permit.released)
		}
		s.noViolations()
	})
}
