package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given a live shard, when nothing gets through any more in either direction,
// then the loss is noticed and the session resumed within 25 s, at whatever
// moment of the heartbeat interval it strikes and whatever the compression.
// Statements: G-024, G-059, G-073, G-075, G-088, S-039.
func TestHalfOpenLinkIsResumedWithin25Seconds(t *testing.T) {
	for i := range 24 {
		t.Run(fmt.Sprint("phase ", i), func(t *testing.T) {
			run(t, config{sim: discordsim.Config{Seed: uint64(i), Latency: 40 * time.Millisecond}}, func(h *harness) {
				h.startLive()
				h.Advance(time.Duration(i) * interval / 12)
				h.Inject(discordsim.Fault{Name: "half-open"})
				h.Post("is anybody there?")
				took := h.untilResumed(time.Minute)
				if took > 25*time.Second {
					t.Errorf("it took %s from the fault to RESUMED", took)
				}
				h.Until(time.Second, "the message has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 })
				h.wantReason(gateway.ReasonSilent)
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given a live shard on a slow and unsteady link, when the link also stalls
// for five seconds now and then, then no connection is ever given up.
// Statements: G-025.
func TestSlowLinkAndStallsCauseNoReconnect(t *testing.T) {
	slow := discordsim.Config{Seed: 7, Latency: 100 * time.Millisecond, Jitter: 400 * time.Millisecond}
	run(t, config{sim: slow}, func(h *harness) {
		h.startLive()
		for range 60 {
			h.Advance(47 * time.Second)
			h.Inject(discordsim.Fault{Name: "stall", Delay: 5 * time.Second})
		}
		h.Advance(time.Minute)
		if got := h.shard.Stats().Connects; got != 1 {
			t.Errorf("%d connections were made, want 1: %q", got, h.reasons())
		}
		h.NoViolations()
	})
}

// Given a live shard, when its network is gone for 20 s, then the session is
// resumed within 5 s of its return, and nothing is lost.
// Statements: G-011, G-059, G-068, G-151.
func TestOutageOfTheNetworkEndsInResume(t *testing.T) {
	for _, kind := range []string{"offline", "unreachable"} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprint(kind, " ", seed), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Seed: seed}}, func(h *harness) {
					h.startLive()
					h.Advance(time.Duration(seed+1) * 7 * time.Second)
					h.Inject(discordsim.Fault{Name: kind, For: 20 * time.Second})
					h.Post("said in the dark")
					h.Advance(20 * time.Second)
					h.Until(5*time.Second, "the message has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 && h.isLive() })
					h.WantIdentifies(1)
					h.NoViolations()
				})
			})
		}
	}
}

// Given a new session, when READY does not come although heartbeats are
// answered, then the shard says so after 15 s, waits, goes on sending heartbeats
// and spends no second IDENTIFY for at least two minutes.
// Statements: G-027, G-044, S-032.
func TestReadyNeverComes(t *testing.T) {
	run(t, config{}, func(h *harness) {
		outage := h.Inject(discordsim.Fault{Name: "no-ready"})
		h.start()
		h.Advance(20 * time.Second)
		if len(observed[gateway.SlowReady](h)) != 1 {
			t.Error("the delay was not noted")
		}
		h.Advance(100 * time.Second)
		h.WantIdentifies(1)
		if acks := h.shard.Stats().ACKs; acks < 2 {
			t.Errorf("%d heartbeats were answered while READY was outstanding", acks)
		}
		h.Sim.Lift(outage)
		h.Until(time.Second, "the shard is live", h.isLive)
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given an outage that swallows IDENTIFYs for hours, then few of them are
// spent, and the shard is live soon after it ends.
// Statements: G-044, G-043.
func TestReadyNeverComesForHours(t *testing.T) {
	run(t, config{}, func(h *harness) {
		outage := h.Inject(discordsim.Fault{Name: "no-ready"})
		h.start()
		h.Advance(6 * time.Hour)
		if n := h.Sim.Verdict(h.App).Identifies; n > 60 {
			t.Errorf("%d IDENTIFYs were spent in six hours", n)
		}
		h.wantReason(gateway.ReasonNoReady)
		h.Sim.Lift(outage)
		h.Until(25*time.Minute, "the shard is live", h.isLive)
		h.NoViolations()
	})
}

// Given a session, when RESUME is never answered, then the shard gives up after
// three tries and identifies.
// Statements: G-071.
func TestResumedNeverComes(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		silent := h.Inject(discordsim.Fault{Name: "resume-silent"})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(2*time.Minute, "a second session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		h.wantReason(gateway.ReasonNoResumed)
		if n := h.Sim.Verdict(h.App).Resumes; n != 3 {
			t.Errorf("%d RESUMEs were tried, want 3", n)
		}
		h.Sim.Lift(silent)
		h.NoViolations()
	})
}

// Given servers that accept connections and say nothing, then each attempt
// ends after ten seconds and the shard is live soon after they speak again.
// Statements: G-015, G-014.
func TestHelloNeverComes(t *testing.T) {
	run(t, config{}, func(h *harness) {
		mute := h.Inject(discordsim.Fault{Name: "no-hello"})
		h.start()
		h.Advance(3 * time.Minute)
		failed := observed[gateway.ConnectFailed](h)
		if len(failed) < 5 {
			t.Errorf("%d attempts in three minutes", len(failed))
		}
		for _, f := range failed {
			if f.Reason.Kind != gateway.ReasonNoHello {
				t.Errorf("an attempt failed by %q", f.Reason)
			}
		}
		h.Sim.Lift(mute)
		h.Until(45*time.Second, "the shard is live", h.isLive)
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a session, when the host of its resume URL is dead, then the shard
// resumes over the base URL and loses nothing.
// Statements: G-008, G-010, S-053.
func TestDeadResumeURLFallsBackToTheBase(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "resume-dead"})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Post("while away")
		if took := h.untilResumed(time.Minute); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		h.Until(time.Second, "the message has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 })
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given op 7 as the first payload of new connections, then the shard survives
// it, both when it starts and when it resumes.
// Statements: G-078, S-059.
func TestReconnectAsFirstPacket(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "op7-first", Count: 2})
		h.startLive()
		h.Inject(discordsim.Fault{Name: "op7-first", Count: 2})
		h.Inject(discordsim.Fault{Name: "cut"})
		if took := h.untilResumed(time.Minute); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a Discord that closes every session with 4000, then the shard dials no
// more than once in two seconds after its first five attempts, and comes back
// soon after it stops.
// Statements: G-060, G-151, G-152.
func TestAlways4000(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		closing := h.Inject(discordsim.Fault{Name: "always-close", Code: 4000})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(time.Minute, "five dials are made", func() bool { return h.shard.Stats().Dials >= 6 })
		before, start := h.shard.Stats().Dials, time.Now()
		h.Advance(30 * time.Minute)
		rate := float64(h.shard.Stats().Dials-before) / time.Since(start).Seconds()
		if rate > 0.5 {
			t.Errorf("%.2f dials a second", rate)
		}
		h.Sim.Lift(closing)
		h.Until(25*time.Minute, "the shard is live", h.isLive)
		if n := h.Sim.Verdict(h.App).Identifies; n > 12 {
			t.Errorf("%d IDENTIFYs were spent", n)
		}
		h.NoViolations()
	})
}

// Given a Discord that answers READY and drops the connection and the session
// at once, for a whole day, then fewer than 100 IDENTIFYs are spent, and never
// two within five seconds.
// Statements: G-038, G-043, G-152.
func TestReadyThenDropForADay(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "ready-drop", Delay: 100 * time.Millisecond})
		h.Inject(discordsim.Fault{Name: "resume-op9-false"})
		h.start()
		h.Advance(24 * time.Hour)
		v := h.Sim.Verdict(h.App)
		if n := len(observed[gateway.Ready](h)); n != v.Identifies {
			t.Errorf("%d IDENTIFYs led to READY %d times", v.Identifies, n)
		}
		if v.Identifies >= 100 {
			t.Errorf("%d IDENTIFYs were spent in a day", v.Identifies)
		}
		if v.MinIdentifySpacing < 5*time.Second {
			t.Errorf("two IDENTIFYs were %s apart", v.MinIdentifySpacing)
		}
		h.NoViolations()
	})
}

// Given a way that carries small packets and loses large ones, so that HELLO comes and
// READY never does, then each connection is given up after a heartbeat has asked in vain,
// the observer learns that HELLO was all that came, and Discord is not said to be slow.
// Statements: G-045.
func TestLargePacketsAreLost(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "mtu", Code: 200})
		h.start()
		h.Advance(2 * time.Minute)
		ended := observed[gateway.Disconnected](h)
		if len(ended) < 3 {
			t.Fatalf("%d connections ended", len(ended))
		}
		for _, d := range ended {
			if !d.OnlyHello || d.Reason.Kind != gateway.ReasonSilent || d.Reason.Elapsed > 15*time.Second {
				t.Errorf("a connection ended with %+v", d)
			}
		}
		if slow := observed[gateway.SlowReady](h); len(slow) > 0 {
			t.Errorf("READY is said to be slow %d times", len(slow))
		}
		h.NoViolations()
	})
	for _, other := range []string{"no-ready", "resume-silent"} { // heartbeats are answered
		run(t, config{}, func(h *harness) {
			h.Inject(discordsim.Fault{Name: "no-ready"})
			if other == "resume-silent" {
				h.Sim.LiftAll()
				h.startLive()
				h.Inject(discordsim.Fault{Name: other})
				h.Inject(discordsim.Fault{Name: "cut"})
			} else {
				h.start()
			}
			h.Advance(5 * time.Minute)
			for _, d := range observed[gateway.Disconnected](h) {
				if d.OnlyHello {
					t.Errorf("%s: %+v", other, d)
				}
			}
		})
	}
}
