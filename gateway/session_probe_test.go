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
	for luck := range 20 {
		run(t, config{sim: discordsim.Config{Seed: uint64(luck), Session: discordsim.SessionConfig{Lifetime: 10 * time.Minute}}}, func(s *harness) {
			s.startLive()
			s.post("before")
			closing := s.inject(discordsim.Fault{Name: "always-close", Code: 4000})
			s.inject(discordsim.Fault{Name: "cut"})
			s.post("meanwhile")
			s.advance(5*time.Minute + time.Duration(luck)*time.Second)
			s.sim.Lift(closing)
			s.until(26*time.Second, "the shard is live", s.isLive)
			if got := len(s.eventsOf("MESSAGE_CREATE")); got != 2 {
				t.Errorf("%d messages were seen, want both", got)
			}
			if n := s.sim.Verdict(s.app).Identifies; n > 4 {
				t.Errorf("%d IDENTIFYs were spent", n)
			}
			s.noViolations()
		})
	}
}

// Given a session whose RESUMEs come to nothing for good, then an IDENTIFY within
// two minutes finds that out, and READY replaces the session.
// Statements: G-050, G-072.
func TestSessionThatCannotBeResumedIsReplaced(t *testing.T) {
	run(t, config{sim: discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}}}, func(s *harness) {
		s.startLive()
		s.inject(discordsim.Fault{Name: "stuck-session"})
		s.inject(discordsim.Fault{Name: "cut"})
		s.until(2*time.Minute, "the shard is live", func() bool { return s.isLive() && s.sim.Verdict(s.app).Identifies == 2 })
		if lost := observed[gateway.SessionLost](s); len(lost) != 1 {
			t.Errorf("%d sessions are told as lost, want 1", len(lost))
		}
		s.post("after")
		s.until(time.Second, "the message has come", func() bool { return len(s.eventsOf("MESSAGE_CREATE")) == 1 })
		s.noViolations()
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

// Given a session in doubt while no IDENTIFY is granted, then the RESUMEs go on.
// Statements: G-046, G-072.
func TestDoubtfulSessionIsResumedWhileNoIdentifyIsGranted(t *testing.T) {
	run(t, config{
		sim:     discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}},
		options: func(o *gateway.Options) { o.IdentifyLimiter = &oneGrantLimiter{} },
	}, func(s *harness) {
		s.startLive()
		closing := s.inject(discordsim.Fault{Name: "always-close", Code: 4000})
		s.inject(discordsim.Fault{Name: "cut"})
		s.advance(10 * time.Minute)
		s.sim.Lift(closing)
		s.until(36*time.Second, "the shard is live", s.isLive)
		s.wantIdentifies(1)
		s.noViolations()
	})
}
