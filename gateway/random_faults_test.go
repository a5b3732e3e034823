package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// sessionKeepingFaults is what may strike in a random story. None of it loses the session,
// so no event may be lost either.
var sessionKeepingFaults = []discordsim.Fault{
	{Name: "cut"}, {Name: "drop"}, {Name: "op7"}, {Name: "op9-true"}, {Name: "corrupt"}, {Name: "server-beat"}, {Name: "malformed"},
	{Name: "close", Code: 4000}, {Name: "close", Code: 1001}, {Name: "close", Code: 4008},
	{Name: "stall", Delay: 3 * time.Second}, {Name: "half-open"}, {Name: "black-hole", For: 4 * time.Second},
	{Name: "offline", For: 3 * time.Second}, {Name: "unreachable", For: 2 * time.Second}, {Name: "refuse", For: 2 * time.Second},
	{Name: "dns", For: 2 * time.Second}, {Name: "resume-dead", For: 6 * time.Second}, {Name: "upgrade-status", For: 2 * time.Second},
	{Name: "op7-first", Count: 1}, {Name: "no-hello", Count: 1}, {Name: "resume-op9-true", Count: 1}, {Name: "resume-silent", Count: 1},
	{Name: "ack-delay", Delay: 2 * time.Second, For: 20 * time.Second}, {Name: "latency", Delay: 300 * time.Millisecond, For: 20 * time.Second},
	{Name: "duplicate", Probability: 0.5, For: 5 * time.Second},
}

// Given a thousand faults of every kind that leaves the session alive, at random
// moments and on top of each other, then nothing of an old connection ever
// touches a new one: each event arrives exactly once, and the shard ends up
// live on the session it began with.
// Statements: G-059, G-068, G-075, G-088, G-156, S-101.
func TestRandomFaultsLoseNothing(t *testing.T) {
	seeds, faults := uint64(50), 20
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			sim := discordsim.Config{
				Seed:      seed,
				Latency:   time.Duration(r.IntN(80)) * time.Millisecond,
				Jitter:    time.Duration(r.IntN(40)) * time.Millisecond,
				Session:   discordsim.SessionConfig{Lifetime: time.Hour},
				WebSocket: discordsim.WebSocketConfig{SplitFrames: 1 + r.IntN(4)},
			}
			run(t, config{sim: sim}, func(s *harness) {
				s.startLive()
				said := 0
				for range faults {
					s.inject(sessionKeepingFaults[r.IntN(len(sessionKeepingFaults))])
					for range r.IntN(6) {
						s.advance(time.Duration(r.IntN(2000)) * time.Millisecond)
						s.post("one of many")
						said++
					}
				}
				s.sim.LiftAll()
				s.advance(3 * time.Minute)
				s.until(time.Minute, "the shard is live", s.isLive)
				var got []int64
				for _, e := range s.eventsOf("MESSAGE_CREATE") {
					got = append(got, e.Seq)
				}
				if len(got) != said || !slices.IsSorted(got) {
					t.Errorf("%d of %d events arrived, in order: %t", len(got), said, slices.IsSorted(got))
				}
				s.wantIdentifies(1)
				s.noViolations()
			})
		})
	}
}

// Given op 9 whose d is missing or no boolean, then it counts as false.
// Statements: G-087.
func TestInvalidSessionWithoutAnAnswer(t *testing.T) {
	for _, text := range []string{`{"op":9}`, `{"op":9,"d":null}`, `{"op":9,"d":"true"}`, `{"op":9,"d":1}`, `{"op":9,"d":{"resumable":true}}`} {
		run(t, config{}, func(s *harness) {
			s.startLive()
			s.advance(time.Minute)
			s.injectRaw(text)
			s.until(20*time.Second, "a new session has begun", func() bool { return s.shard.Stats().Identifies == 2 && s.isLive() })
			if n := s.shard.Stats().Resumes; n != 0 {
				t.Errorf("%s led to a RESUME", text)
			}
		})
	}
}

// Given a Discord that answers no close frame, then Stop waits for it no longer
// than the close deadline.
// Statements: G-093.
func TestCloseHandshakeHasADeadline(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		s.inject(discordsim.Fault{Name: "half-open"})
		start := time.Now()
		s.stop(gateway.KeepSession)
		if took := time.Since(start); took < 900*time.Millisecond || took > 1500*time.Millisecond {
			t.Errorf("Stop took %s", took)
		}
	})
	run(t, config{sim: discordsim.Config{Latency: 200 * time.Millisecond}}, func(s *harness) {
		s.startLive()
		start := time.Now()
		s.stop(gateway.KeepSession)
		if took := time.Since(start); took < 400*time.Millisecond || took > 500*time.Millisecond {
			t.Errorf("Stop took %s", took)
		}
		if codes := s.sim.Verdict(s.app).CloseCodes; codes[4900] != 1 {
			t.Errorf("close codes %v", codes)
		}
	})
}

// Given handlers that are still at work, then Stop waits for them until its
// context ends; one that ignores the end of its own context cannot hold it up
// for ever.
// Statements: G-092.
func TestStopWaitsForHandlers(t *testing.T) {
	for name, c := range map[string]struct {
		takes   time.Duration
		ignores bool
		within  time.Duration
		fails   bool
	}{
		"quick":    {2 * time.Second, false, 3 * time.Second, false},
		"slow":     {time.Hour, false, 7 * time.Second, false},
		"stubborn": {20 * time.Second, true, 9 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			handle := func(ctx context.Context, e gateway.Event) {
				if e.Type != "MESSAGE_CREATE" {
					return
				}
				if c.ignores {
					time.Sleep(c.takes)
					return
				}
				select {
				case <-time.After(c.takes):
				case <-ctx.Done():
				}
			}
			run(t, config{handle: handle}, func(s *harness) {
				s.startLive()
				s.post("work")
				s.advance(10 * time.Millisecond)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				s.stopped = true
				start := time.Now()
				err := s.shard.Stop(ctx, gateway.KeepSession)
				if took := time.Since(start); took > c.within || (err != nil) != c.fails {
					t.Errorf("Stop took %s: %v", took, err)
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Stop failed with %v", err)
				}
				<-s.ran
				if s.sim.Sessions(s.app) != 1 {
					t.Error("the session did not survive")
				}
			})
		})
	}
}
