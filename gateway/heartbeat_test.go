package gateway_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// regularHeartbeats lists when the regular heartbeats were sent.
func regularHeartbeats(s *harness) (at []time.Time) {
	observed[gateway.HeartbeatSent](s)
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	for _, n := range s.recorder.observations {
		if beat, ok := n.Event.(gateway.HeartbeatSent); ok && !beat.Requested && !beat.Probe {
			at = append(at, n.At)
		}
	}
	return at
}

// Given 200 connections, then the first heartbeats are spread over the whole
// interval.
// Statements: G-016, S-038.
func TestFirstHeartbeatIsJittered(t *testing.T) {
	var tenths [10]int
	for i := range uint64(200) {
		run(t, config{sim: discordsim.Config{Seed: i}, options: withoutProbe}, func(s *harness) {
			s.start()
			s.until(time.Minute, "HELLO has come", func() bool { return s.shard.Stats().Connects == 1 })
			hello := time.Now()
			s.until(interval+time.Second, "the first heartbeat is sent", func() bool { return s.shard.Stats().Heartbeats == 1 })
			at := regularHeartbeats(s)[0].Sub(hello)
			if at < -time.Second || at >= interval {
				t.Fatalf("the first heartbeat came after %s", at)
			}
			tenths[min(9, max(0, int(10*at/interval)))]++
		})
	}
	for i, n := range tenths {
		if n < 5 || n > 45 {
			t.Errorf("%d of 200 first heartbeats fall into tenth %d: %v", n, i, tenths)
		}
	}
}

func withoutProbe(o *gateway.Options) { o.Timing.SilenceProbe = -1 }

// Given a HELLO with any interval, then regular heartbeats are that interval
// apart, from send to send, also while silence probes come between them.
// Statements: G-017, G-018.
func TestHeartbeatsKeepTheInterval(t *testing.T) {
	for _, every := range []time.Duration{500 * time.Millisecond, interval, time.Minute} {
		for name, options := range map[string]func(*gateway.Options){"probing": nil, "not probing": withoutProbe} {
			t.Run(fmt.Sprint(every, " ", name), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: every}}, options: options}, func(s *harness) {
					s.startLive()
					s.advance(20 * every)
					beats := regularHeartbeats(s)
					if len(beats) < 18 {
						t.Fatalf("%d heartbeats in 20 intervals", len(beats))
					}
					for i, at := range beats[1:] {
						if gap := at.Sub(beats[i]); gap < every-time.Millisecond || gap > every+250*time.Millisecond {
							t.Errorf("heartbeats %d and %d are %s apart", i, i+1, gap)
						}
					}
					s.noViolations()
				})
			})
		}
	}
}

// Given a live shard, when Discord asks for a heartbeat, then one leaves within
// 100 ms, and the regular ones go on as if nothing had happened.
// Statements: G-021, G-023, S-036.
func TestRequestedHeartbeat(t *testing.T) {
	run(t, config{options: withoutProbe}, func(s *harness) {
		s.startLive()
		s.advance(3 * time.Second)
		for range 5 {
			before := s.shard.Stats().Heartbeats
			s.inject(discordsim.Fault{Name: "server-beat"})
			s.until(100*time.Millisecond, "the heartbeat is sent", func() bool { return s.shard.Stats().Heartbeats > before })
			s.advance(13 * time.Second)
		}
		s.advance(3 * interval)
		beats := regularHeartbeats(s)
		for i, at := range beats[1:] {
			if gap := at.Sub(beats[i]); gap < interval-time.Millisecond || gap > interval+250*time.Millisecond {
				t.Errorf("regular heartbeats are %s apart", gap)
			}
		}
		if s.shard.Stats().Connects != 1 {
			t.Errorf("the connection was given up: %q", s.reasons())
		}
		s.noViolations()
	})
}

// Given a server that asks for heartbeats without end, then the shard answers
// as far as the send limit allows and is never closed for it.
// Statements: G-021, G-099.
func TestFloodOfRequestedHeartbeats(t *testing.T) {
	run(t, config{sim: discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{RequestedWithin: time.Hour}}}, func(s *harness) {
		s.startLive()
		for range 3000 {
			s.inject(discordsim.Fault{Name: "server-beat"})
			s.advance(50 * time.Millisecond)
		}
		if v := s.sim.Verdict(s.app); v.MaxSends > 120 || s.shard.Stats().Connects != 1 {
			t.Errorf("%d sends a minute, %d connections", v.MaxSends, s.shard.Stats().Connects)
		}
	})
}

// Given a zombie, a connection on which events arrive and heartbeats stay
// unanswered, then it is closed with a private code when the next heartbeat is
// due, and resumed.
// Statements: G-024, G-010, G-088, S-034.
func TestZombieIsResumed(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		s.advance(interval)
		zombie := s.inject(discordsim.Fault{Name: "zombie"})
		start := time.Now()
		for s.shard.Stats().Resumes == 0 {
			s.post("noise")
			s.advance(time.Second)
			if time.Since(start) > 2*time.Minute {
				t.Fatal("the zombie was not noticed")
			}
		}
		s.sim.Lift(zombie)
		s.until(5*time.Second, "the session is resumed", func() bool { return s.shard.Stats().Resumed == 1 })
		if took := time.Since(start); took > 2*interval+5*time.Second {
			t.Errorf("it took %s", took)
		}
		s.wantReason(gateway.ReasonNoACK)
		for code := range s.sim.Verdict(s.app).CloseCodes {
			if code != 4900 {
				t.Errorf("the client closed with %d", code)
			}
		}
		s.wantIdentifies(1)
	})
}

// Given answers to heartbeats that take 20 s while events keep coming, then the
// connection stays.
// Statements: G-025, G-026.
func TestLateAnswersAreAccepted(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		s.inject(discordsim.Fault{Name: "ack-delay", Delay: 20 * time.Second})
		for i := range 400 {
			s.post("noise")
			s.advance(time.Second)
			if i%37 == 0 {
				s.inject(discordsim.Fault{Name: "server-beat"})
			}
		}
		if s.shard.Stats().Connects != 1 {
			t.Errorf("the connection was given up: %q", s.reasons())
		}
		s.noViolations()
	})
}

// Given a link that is silent for longer than it takes to become suspicious and
// then answers, then the spare that was dialled is dismissed and the old
// connection stays.
// Statements: G-025.
func TestSuspicionIsCleared(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		s.advance(20 * time.Second)
		s.inject(discordsim.Fault{Name: "ack-delay", Delay: 7 * time.Second, For: 30 * time.Second})
		s.advance(2 * time.Minute)
		if len(observed[gateway.SuspicionRaised](s)) == 0 || len(observed[gateway.SuspicionCleared](s)) == 0 {
			t.Error("no suspicion was raised and cleared")
		}
		if len(s.reasons()) != 0 {
			t.Errorf("a connection was given up: %q", s.reasons())
		}
		if s.shard.Stats().Resumes != 0 {
			t.Error("the session was moved")
		}
		s.noViolations()
	})
}

// Given a round trip of 120 ms, then the shard knows it.
// Statements: G-031.
func TestLatencyIsMeasured(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 60 * time.Millisecond}}, func(s *harness) {
		s.startLive()
		s.advance(interval)
		if got := s.shard.Latency(); got < 120*time.Millisecond || got > 130*time.Millisecond {
			t.Errorf("latency %s, want 120 ms", got)
		}
		if time.Since(s.shard.LastACK()) > interval {
			t.Error("the last answer is too old")
		}
		for _, ack := range observed[gateway.HeartbeatACK](s) {
			if ack.Latency <= 0 {
				t.Error("an answer without latency was observed")
			}
		}
	})
}

// Given a host that slept for longer than an interval, then the connection is
// given up at once when it wakes, without a late heartbeat, and resumed; after
// a shorter sleep a probe finds out.
// Statements: G-032.
func TestHostSleep(t *testing.T) {
	for _, slept := range []time.Duration{20 * time.Second, 3 * time.Minute, 9 * time.Hour} {
		t.Run(slept.String(), func(t *testing.T) {
			var ahead atomic.Int64
			run(t, config{
				sim: discordsim.Config{Session: discordsim.SessionConfig{Lifetime: 24 * time.Hour}},
				options: func(o *gateway.Options) {
					o.WallClock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
				},
			}, func(s *harness) {
				s.startLive()
				s.advance(time.Minute)
				ahead.Store(int64(slept))
				long := slept > interval
				s.until(10*time.Second, "the sleep is noticed", func() bool { return len(observed[gateway.HostSlept](s)) == 1 })
				if got := observed[gateway.HostSlept](s)[0].For; got < slept-time.Second || got > slept+time.Second {
					t.Errorf("noticed a sleep of %s", got)
				}
				s.advance(5 * time.Second)
				if resumed := s.shard.Stats().Resumed == 1; resumed != long {
					t.Errorf("resumed: %t, after a sleep of %s", resumed, slept)
				}
				if long {
					s.wantReason(gateway.ReasonSlept)
				}
				s.wantIdentifies(1)
				s.noViolations()
			})
		})
	}
}

// Given a replay of 10,000 events and a handler that takes 50 ms for each, then
// every heartbeat is on time.
// Statements: G-028, G-067.
func TestLongReplayWithSlowHandlers(t *testing.T) {
	slow := func(context.Context, gateway.Event) { time.Sleep(50 * time.Millisecond) }
	run(t, config{sim: discordsim.Config{Session: discordsim.SessionConfig{ReplayEvents: 20_000}, LogFrames: 50_000}, handle: slow}, func(s *harness) {
		s.startLive()
		s.inject(discordsim.Fault{Name: "offline", For: 5 * time.Second})
		for i := range 10_000 {
			s.post(fmt.Sprint(i))
		}
		s.until(30*time.Second, "the session is resumed", func() bool { return s.shard.Stats().Resumed == 1 })
		s.advance(10_000 * 50 * time.Millisecond)
		events := s.eventsOf("MESSAGE_CREATE")
		if len(events) != 10_000 {
			t.Fatalf("%d events were handled", len(events))
		}
		for i, e := range events[1:] {
			if e.Seq != events[i].Seq+1 {
				t.Fatalf("event %d follows %d", e.Seq, events[i].Seq)
			}
		}
		wantHeartbeatsOnTime(t, s)
		s.wantIdentifies(1)
		s.noViolations()
	})
}
