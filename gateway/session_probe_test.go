package gateway_test

import (
	"context"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"
)

// Given a Discord that closes every IDENTIFY and RESUME with 4000 for a while, when
// it stops, then the session that was there before is resumed soon and has lost
// nothing: an IDENTIFY that came to nothing proved that it was not to blame.
// Statements: G-060, G-072, G-075.
func TestSessionOutlivesAnOutageOfClosedConnections(t *testing.T) {
	for seed := range 20 {
		run(t, config{sim: discordsim.Config{Seed: uint64(seed), Session: discordsim.SessionConfig{Lifetime: 10 * time.Minute}}}, func(h *harness) {
			h.startLive()
			h.Post("before")
			closing := h.Inject(discordsim.Fault{Name: "always-close", Code: 4000})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Post("meanwhile")
			h.Advance(5*time.Minute + time.Duration(seed)*time.Second)
			h.Sim.Lift(closing)
			h.Until(26*time.Second, "the shard is live", h.isLive)
			if got := len(h.eventsOf("MESSAGE_CREATE")); got != 2 {
				t.Errorf("%d messages were seen, want both", got)
			}
			if n := h.Sim.Verdict(h.App).Identifies; n > 4 {
				t.Errorf("%d IDENTIFYs were spent", n)
			}
			h.NoViolations()
		})
	}
}

// Given a session whose RESUMEs come to nothing for good, then an IDENTIFY within
// two minutes finds that out, and READY replaces the session.
// Statements: G-050, G-072.
func TestSessionThatCannotBeResumedIsReplaced(t *testing.T) {
	run(t, config{sim: discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}}}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "stuck-session"})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(2*time.Minute, "the shard is live", func() bool { return h.isLive() && h.Sim.Verdict(h.App).Identifies == 2 })
		if lost := observed[gateway.SessionLost](h); len(lost) != 1 {
			t.Errorf("%d sessions are told as lost, want 1", len(lost))
		}
		h.Post("after")
		h.Until(time.Second, "the message has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 })
		h.NoViolations()
	})
}

// oneGrantLimiter grants the first IDENTIFY and no other.
type oneGrantLimiter struct{ granted bool }

func (p *oneGrantLimiter) Acquire(ctx context.Context, _ gateway.ShardID, _ func(time.Time, string)) (identify.Grant, error) {
	if p.granted {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	p.granted = true
	return p, nil
}

func (p *oneGrantLimiter) SessionEnded(gateway.ShardID, time.Duration) {}

func (p *oneGrantLimiter) Sent() bool               { return true }
func (p *oneGrantLimiter) Release(identify.Outcome) {}

// Given a session to be probed while no IDENTIFY is granted, then the RESUMEs go on.
// Statements: G-046, G-072.
func TestProbedSessionIsResumedWhileNoIdentifyIsGranted(t *testing.T) {
	run(t, config{
		sim:     discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}},
		options: func(o *gateway.Options) { o.IdentifyLimiter = &oneGrantLimiter{} },
	}, func(h *harness) {
		h.startLive()
		closing := h.Inject(discordsim.Fault{Name: "always-close", Code: 4000})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Advance(10 * time.Minute)
		h.Sim.Lift(closing)
		h.Until(36*time.Second, "the shard is live", h.isLive)
		if failed, lost := observed[gateway.ConnectFailed](h), observed[gateway.SessionLost](h); len(failed)+len(lost) > 0 {
			t.Errorf("a wait for a grant is told as a failure, or the session as lost: %v, %v", failed, lost)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a session to be probed, when RESUMEs succeed again while the probe waits for its grant,
// then the session goes on and nothing is told of its end.
// Statements: G-072.
func TestProbeThatWaitsForItsGrantEndsNoSession(t *testing.T) {
	run(t, config{
		sim:     discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}},
		options: func(o *gateway.Options) { o.IdentifyLimiter = &oneGrantLimiter{} },
	}, func(h *harness) {
		h.startLive()
		closing := h.Inject(discordsim.Fault{Name: "always-close", Code: 4000})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(5*time.Minute, "the probe waits for its grant", func() bool {
			waiting, is := h.shard.State().(gateway.Waiting)
			return is && waiting.For == "its turn to identify"
		})
		h.Sim.Lift(closing)
		h.Until(11*time.Second, "the shard is live", h.isLive)
		if lost := observed[gateway.SessionLost](h); len(lost) > 0 {
			t.Errorf("the session that was resumed is told as lost: %+v", lost)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}
