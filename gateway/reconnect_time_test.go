package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given a link that stalled for eight seconds a while ago, or one on which an
// answer takes a second, when nothing gets through any more, then the session is
// resumed within 25 s all the same: what was learnt of slow answers never makes
// the shard wait for longer.
// Statements: G-024, G-059.
func TestHalfOpenLinkIsResumedWithin25SecondsWhateverWasLearnt(t *testing.T) {
	for name, before := range map[string]struct {
		sim   discordsim.Config
		fault *discordsim.Fault
	}{
		"stall":        {discordsim.Config{Latency: 40 * time.Millisecond}, &discordsim.Fault{Name: "stall", Delay: 8 * time.Second}},
		"late answers": {discordsim.Config{Latency: 40 * time.Millisecond}, &discordsim.Fault{Name: "ack-delay", Delay: 8 * time.Second, For: 20 * time.Second}},
		"slow link":    {discordsim.Config{Latency: 300 * time.Millisecond, Jitter: 200 * time.Millisecond}, nil},
	} {
		for i := range 12 {
			t.Run(fmt.Sprint(name, " ", i), func(t *testing.T) {
				before.sim.Seed = uint64(i)
				run(t, config{sim: before.sim}, func(h *harness) {
					h.startLive()
					h.Advance(interval)
					if before.fault != nil {
						h.Inject(*before.fault)
					}
					h.Advance(20*time.Second + time.Duration(i)*interval/12)
					h.Inject(discordsim.Fault{Name: "half-open"})
					if took := h.untilResumed(2 * time.Minute); took > 25*time.Second {
						t.Errorf("it took %s from the fault to RESUMED", took)
					}
					h.wantReason(gateway.ReasonSilent)
					h.WantIdentifies(1)
					h.NoViolations()
				})
			})
		}
	}
}

// Given a Discord that refuses connections and then leaves RESUMEs unanswered, or
// says no HELLO, when it is well again, then the shard is live within 31 s, whatever it had just
// begun or was waiting for: a time that was spent on an answer counts as waited.
// Statements: G-015, G-073, G-151.
func TestLiveSoonAfterSilence(t *testing.T) {
	for _, silent := range []string{"resume-silent", "no-hello"} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprint(silent, " ", seed), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Seed: seed, Session: discordsim.SessionConfig{Lifetime: 10 * time.Minute}}}, func(h *harness) {
					h.startLive()
					// Refusals right before make the waits long.
					h.Inject(discordsim.Fault{Name: "upgrade-status", For: time.Minute})
					h.Inject(discordsim.Fault{Name: "cut"})
					h.Advance(time.Minute)
					h.Until(31*time.Second, "the shard is live", h.isLive)
					fault := h.Inject(discordsim.Fault{Name: silent})
					h.Inject(discordsim.Fault{Name: "cut"})
					h.Advance(10*time.Second + time.Duration(seed)*500*time.Millisecond)
					h.Sim.Lift(fault)
					h.Until(31*time.Second, "the shard is live", h.isLive)
					h.NoViolations()
				})
			})
		}
	}
}

// Given an outage in which the session expires, when Discord is back, then the shard
// is live within 31 s at the very worst: the longest wait between two attempts, the
// refused RESUME, the wait after it and a new session.
// Statements: G-081, G-082, G-151.
func TestLiveSoonAfterAnOutageThatCostTheSession(t *testing.T) {
	for seed := range 60 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			run(t, config{
				sim: discordsim.Config{Seed: uint64(seed), Latency: 50 * time.Millisecond, Session: discordsim.SessionConfig{Lifetime: time.Minute}},
				options: func(o *gateway.Options) {
					draw := o.Rand
					o.Rand = func() float64 { return 0.9 + draw()/10 } // all waits are long
				},
			}, func(h *harness) {
				h.startLive()
				h.Advance(2 * time.Minute)
				outage := h.Inject(discordsim.Fault{Name: "outage"})
				h.Advance(2*time.Minute + time.Duration(seed)*time.Second/2)
				h.Sim.Lift(outage)
				h.Until(31*time.Second, "the shard is live", h.isLive)
				h.WantIdentifies(2)
				h.NoViolations()
			})
		})
	}
}
