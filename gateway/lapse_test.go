package gateway_test

import (
	"context"
	"testing"
	"time"

	"evergreen/gateway"
)

// forgetfulPermit lets the first turns lapse: others went ahead.
type forgetfulPermit struct {
	gateway.IdentifyLimiter
	lapses   int
	released []gateway.Outcome
}

func (p *forgetfulPermit) Acquire(ctx context.Context, pair gateway.ShardID, announce func(time.Time, string)) (gateway.Grant, error) {
	grant, err := p.IdentifyLimiter.Acquire(ctx, pair, announce)
	if err != nil {
		return nil, err
	}
	return &forgetfulGrant{grant, p}, nil
}

type forgetfulGrant struct {
	gateway.Grant
	permit *forgetfulPermit
}

func (g *forgetfulGrant) Sent() bool {
	if g.permit.lapses > 0 {
		g.permit.lapses--
		return false
	}
	return g.Grant.Sent()
}

func (g *forgetfulGrant) Release(o gateway.Outcome) {
	g.permit.released = append(g.permit.released, o)
	g.Grant.Release(o)
}

// Given a shard whose turn to identify passes to others while it connects, then
// nothing is sent on that connection, it is no failure, and the shard queues anew.
// Statements: G-038, G-046.
func TestLapsedTurnIsTakenAnew(t *testing.T) {
	permit := &forgetfulPermit{IdentifyLimiter: gateway.NewPermit(), lapses: 2}
	play(t, setting{options: func(o *gateway.Options) { o.IdentifyLimiter = permit }}, func(s *stage) {
		s.run()
		s.pass(time.Second)
		s.endedBy(gateway.ReasonGrantExpired)
		s.identifies(1)
		if got := s.shard.Stats(); got.Connects != 3 || got.Identifies != 1 {
			t.Errorf("%d connections and %d IDENTIFYs", got.Connects, got.Identifies)
		}
		if len(permit.released) != 3 || permit.released[2] != gateway.OutcomeReady {
			t.Errorf("the turns were given back as %v", permit.released)
		}
		s.faultless()
	})
}
