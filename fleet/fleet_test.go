package fleet_test

import (
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
)

// limiters are the two ways to limit IDENTIFYs: without a budget, as a library
// user has it, and with one, as the program does.
var limiters = map[string]func(*harness) gateway.IdentifyLimiter{
	"no budget": func(s *harness) gateway.IdentifyLimiter {
		return identify.New(identify.Options{MaxConcurrency: s.App.MaxConcurrency})
	},
	"budget": func(s *harness) gateway.IdentifyLimiter {
		return identify.New(identify.Options{MaxConcurrency: s.App.MaxConcurrency, Total: identify.DefaultTotal})
	},
}

// useLimiter lets the fleet identify by one of them.
func (s *harness) useLimiter(limiter func(*harness) gateway.IdentifyLimiter) {
	options := s.config.options
	s.config.options = func(o *fleet.Options) {
		if options != nil {
			options(o)
		}
		o.Shard.IdentifyLimiter = limiter(s)
	}
	s.newFleet()
}

// Given 64 shards and a max_concurrency of 16, when the fleet starts, then the
// groups identify in order, the shards of one key five seconds apart, and the
// whole takes as long as four groups take.
// Statements: G-038, G-039.
func TestBucketsStartInOrder(t *testing.T) {
	for name, limiter := range limiters {
		t.Run(name, func(t *testing.T) {
			run(t, config{shards: "64", app: discordsim.AppConfig{Shards: 64, MaxConcurrency: 16}}, func(s *harness) {
				s.useLimiter(limiter)
				took := s.startLive(time.Minute)
				if took < 15*time.Second || took > 20*time.Second {
					t.Errorf("the start took %s, want about 16 s: three times the spacing after the first start group", took)
				}
				sent := observed[gateway.IdentifySent](s)
				if len(sent) != 64 {
					t.Fatalf("%d IDENTIFYs were sent, want 64", len(sent))
				}
				last := map[int]gateway.Observation{}
				for i, n := range sent {
					if group := n.Shard.ID / 16; group != i/16 {
						t.Errorf("shard %d identified as number %d, before its group or after", n.Shard.ID, i)
					}
					key := n.Shard.ID % 16
					if before, ok := last[key]; ok && n.At.Sub(before.At) < 5*time.Second {
						t.Errorf("shard %d identified %s after shard %d of its key", n.Shard.ID, n.At.Sub(before.At), before.Shard.ID)
					}
					last[key] = n
				}
				s.WantIdentifies(64)
				s.NoViolations()
			})
		})
	}
}

// Given a bot whose max_concurrency is 1, when 16 shards start, then it takes at
// least 75 s and Discord refuses none of them.
// Statements: G-123.
func TestSixteenShardsOneAtATime(t *testing.T) {
	for name, limiter := range limiters {
		t.Run(name, func(t *testing.T) {
			run(t, config{shards: "16"}, func(s *harness) {
				s.useLimiter(limiter)
				s.start()
				s.Advance(time.Second)
				if p := s.fleet.Progress(); p.Online != 1 || p.Queued != 15 || p.Remaining < 70*time.Second || p.Remaining > 80*time.Second {
					t.Errorf("a second after the start: %s; want 15 queued and 78 s to go", p)
				}
				took := time.Second + s.Until(2*time.Minute, "every shard is online", func() bool { return s.fleet.Progress().Done() })
				if took < 75*time.Second || took > 90*time.Second {
					t.Errorf("the start took %s, want 75 to 90 s", took)
				}
				if p := s.fleet.Progress(); p.Remaining != 0 || p.String() != "16 of 16 shards online" {
					t.Errorf("at the end: %s", p)
				}
				if n := len(observed[gateway.SessionInvalidated](s)); n != 0 {
					t.Errorf("%d sessions were refused", n)
				}
				s.WantIdentifies(16)
				s.NoViolations()
			})
		})
	}
}

// Given 64 shards that were paused, when the next process starts with their
// sessions, then all resume within two seconds, without an IDENTIFY.
// Statements: G-053.
func TestRestartResumesAllShards(t *testing.T) {
	run(t, config{shards: "64", app: discordsim.AppConfig{Shards: 64, MaxConcurrency: 16}, guilds: 20}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(time.Minute)
		began := time.Now()
		s.stop(gateway.KeepSession)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the stop of all took %s", took)
		}
		for _, g := range s.App.Guilds {
			s.postIn(g, "while you were away")
		}
		s.newFleet()
		if took := s.startLive(time.Minute); took > 2*time.Second {
			t.Errorf("the restart took %s, want 2 s at most", took)
		}
		s.WantIdentifies(64)
		if got := len(s.eventsOf("MESSAGE_CREATE")); got != 20 {
			t.Errorf("%d messages were replayed, want 20", got)
		}
		s.NoViolations()
	})
}

// Given one shard among 64 to which Discord says no HELLO, when the fleet starts,
// then every other shard is online when it would have been, and that one soon
// after.
// Statements: G-046, G-122.
func TestShardWithoutHelloDelaysNone(t *testing.T) {
	for name, limiter := range limiters {
		t.Run(name, func(t *testing.T) {
			run(t, config{shards: "64", app: discordsim.AppConfig{Shards: 64, MaxConcurrency: 16}}, func(s *harness) {
				s.useLimiter(limiter)
				s.Inject(discordsim.Fault{Name: "no-hello", Count: 1})
				s.start()
				took := s.Until(time.Minute, "63 shards are online", func() bool { return s.fleet.Progress().Online == 63 })
				if took > 17*time.Second {
					t.Errorf("the others took %s, want about 16 s as ever", took)
				}
				failed := observed[gateway.ConnectFailed](s)
				if len(failed) != 1 {
					t.Fatalf("%d attempts failed, want 1", len(failed))
				}
				if sick := failed[0].Shard; gateway.Online(s.fleet.Shard(sick.ID).State()) {
					t.Errorf("the sick shard %s was not the last one", sick)
				}
				s.Until(10*time.Second, "the sick shard is online too", func() bool { return s.fleet.Progress().Done() })
				s.WantIdentifies(64)
				s.NoViolations()
			})
		})
	}
}

// Given a hundred shards, when the bot says goodbye, then all leave side by side
// with 1000.
// Statements: G-089.
func TestGoodbyeOfAll(t *testing.T) {
	run(t, config{shards: "100", app: discordsim.AppConfig{Shards: 100, MaxConcurrency: 100}}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(10 * time.Second)
		began := time.Now()
		s.stop(gateway.EndSession)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		s.Advance(time.Second) // the last close frames arrive
		if v := s.Sim.Verdict(s.App); v.CloseCodes[1000] != 100 || s.Sim.Online(s.App) {
			t.Errorf("close codes %v, dot %v", v.CloseCodes, s.Sim.Online(s.App))
		}
	})
}
