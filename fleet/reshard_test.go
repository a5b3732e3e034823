package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// postLoad lets people talk in every guild, and one write to the bot directly, until
// it is told to stop; it returns how many messages there were.
func (s *harness) postLoad(every time.Duration) (stop func() int) {
	quit, said := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for tick := 0; ; tick++ {
			select {
			case <-quit:
				said <- n
				return
			case <-time.After(every):
			}
			for i, g := range s.App.Guilds {
				if (tick+i)%3 == 0 {
					s.postIn(g, fmt.Sprintf("message %d", n))
					n++
				}
			}
			s.Sim.DM(s.App, s.User.ID, fmt.Sprintf("message %d", n))
			n++
		}
	}()
	return func() int {
		close(quit)
		return <-said
	}
}

// wantEveryMessageOnce fails the story unless each of so many messages was delivered
// exactly once.
func (s *harness) wantEveryMessageOnce(want int) {
	s.T.Helper()
	times := map[string]int{}
	for _, e := range s.eventsOf("MESSAGE_CREATE") {
		times[messageID(e)]++
	}
	twice := 0
	for _, n := range times {
		if n > 1 {
			twice++
		}
	}
	if len(times) != want || twice > 0 {
		s.T.Errorf("of %d messages %d were delivered, %d of them more than once", want, len(times), twice)
	}
}

// Given a bot with 4 shards under load, on a network that lets some events of
// one session overtake those of another, when it changes to 8, then every
// message is delivered exactly once, the dot stays green, the first set says
// goodbye with 1000, and the guilds stay known.
// Statements: G-120, G-121, G-124.
func TestReshardLosesNothing(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			run(t, config{
				sim:    discordsim.Config{Seed: seed, Latency: 40 * time.Millisecond, Jitter: 400 * time.Millisecond},
				shards: "4", guilds: 24,
				handle: func(context.Context, gateway.Event) { time.Sleep(3 * time.Millisecond) },
			}, func(s *harness) {
				s.startLive(time.Minute)
				s.Advance(5 * time.Second)
				guilds := len(s.eventsOf("GUILD_CREATE"))
				stop := s.postLoad(150 * time.Millisecond)
				s.Advance(5 * time.Second)
				ctx, cancel := context.WithTimeout(s.T.Context(), 5*time.Minute)
				defer cancel()
				if err := s.fleet.Reshard(ctx, 8); err != nil {
					t.Fatal(err)
				}
				s.Advance(5 * time.Second)
				said := stop()
				s.Advance(2 * time.Minute) // until copies are no longer expected
				s.wantEveryMessageOnce(said)

				if a := s.fleet.Assignment(); a.String() != "8" || !s.fleet.Progress().Done() {
					t.Errorf("afterwards the fleet is %s: %s", a, s.fleet.Progress())
				}
				if got := len(s.eventsOf("GUILD_CREATE")); got != guilds || len(s.eventsOf("READY")) != 4 {
					t.Errorf("the handler was told of %d guilds and %d sessions anew", got-guilds, len(s.eventsOf("READY"))-4)
				}
				for _, e := range s.eventsOf("MESSAGE_CREATE") {
					if want := fleet.ShardOf(guildOf(e), e.Shard.Count); e.Shard.ID != want {
						t.Errorf("an event of guild %d came over shard %s, want shard %d", guildOf(e), e.Shard, want)
					}
				}
				v := s.Sim.Verdict(s.App)
				if v.Identifies != 12 || v.CloseCodes[1000] != 4 || v.Offline != 0 || v.LongestGap != 0 {
					t.Errorf("%d IDENTIFYs, close codes %v, grey for %s, gap %s; want 12, four times 1000, none, none", v.Identifies, v.CloseCodes, v.Offline, v.LongestGap)
				}
				s.NoViolations()
			})
		})
	}
}

// Given a re-shard under load during which an old and a new shard lose their
// connections, then it waits until both have caught up, and still nothing is
// lost and nothing comes twice.
// Statements: G-124.
func TestReshardSurvivesCuts(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 20 * time.Millisecond, Jitter: 100 * time.Millisecond}, shards: "2", guilds: 12}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(5 * time.Second)
		stop := s.postLoad(100 * time.Millisecond)
		done := make(chan error, 1)
		go func() { done <- s.fleet.Reshard(context.Background(), 4) }()
		s.Advance(7 * time.Second) // two of the four new shards are there
		for range 4 {
			s.Inject(discordsim.Fault{Name: "cut"})
			s.Advance(6 * time.Second)
		}
		if p := s.fleet.Snapshot().Reshard; p == nil || p.From != 2 || p.To != 4 || p.Waits == "" {
			t.Errorf("in the middle of it the snapshot says %+v", p)
		}
		if err := s.fleet.Pause(s.T.Context(), 0); !errors.Is(err, fleet.ErrResharding) {
			t.Errorf("a shard was paused in the middle of it: %v", err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s.Advance(5 * time.Second)
		said := stop()
		s.Advance(2 * time.Minute)
		s.wantEveryMessageOnce(said)
		s.NoViolations()
	})
}

// Given new shards that Discord gives no session, when the caller's patience
// ends, then the bot keeps its shards and has missed nothing.
// Statements: G-124.
func TestReshardThatFailsChangesNothing(t *testing.T) {
	run(t, config{shards: "2", guilds: 6}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(5 * time.Second)
		s.Inject(discordsim.Fault{Name: "no-ready"})
		stop := s.postLoad(200 * time.Millisecond)
		ctx, cancel := context.WithTimeout(s.T.Context(), 30*time.Second)
		defer cancel()
		if err := s.fleet.Reshard(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the re-shard ended with %v", err)
		}
		s.Advance(5 * time.Second)
		said := stop()
		s.Advance(5 * time.Second)
		s.wantEveryMessageOnce(said)
		if a := s.fleet.Assignment(); a.Count != 2 || !s.fleet.Progress().Done() || s.fleet.Snapshot().Reshard != nil {
			t.Errorf("afterwards the fleet is %s: %s", a, s.fleet.Progress())
		}
	})
}

// Given a bot of which Discord refuses one shard of two because it has too many
// guilds, when it changes to four, then the other shard's events are all
// delivered exactly once, and those of the refused one's guilds come again.
// Statements: G-122, G-124.
func TestReshardReplacesARefusedShard(t *testing.T) {
	run(t, config{shards: "2", guilds: 12}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(5 * time.Second)
		one := 1
		refusal := s.Inject(discordsim.Fault{Name: "always-close", Code: 4011, Shard: &one})
		s.Inject(discordsim.Fault{Name: "op9-false", Shard: &one})
		s.Until(time.Minute, "the shard is refused", func() bool { return s.fleet.Progress().Parked == 1 })
		s.Sim.Lift(refusal)
		well, ill := s.guildOn(0, 2), s.guildOn(1, 2)
		said, done := 0, make(chan error, 1)
		go func() { done <- s.fleet.Reshard(context.Background(), 4) }()
		var err error
		for ended := false; !ended; {
			s.postIn(well, fmt.Sprint("message ", said))
			said++
			s.Advance(100 * time.Millisecond)
			select {
			case err = <-done:
				ended = true
			default:
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		s.postIn(ill, "are you there?")
		s.Advance(2 * time.Minute)
		s.wantEveryMessageOnce(said + 1)
		if p := s.fleet.Progress(); p.Total != 4 || !p.Done() {
			t.Errorf("afterwards: %s", p)
		}
	})
}

// Given a bot of which Discord refuses every shard, when their number changes,
// then nothing is waited for: the new ones take their place at once.
func TestReshardOfARefusedBot(t *testing.T) {
	run(t, config{shards: "1", guilds: 2}, func(s *harness) {
		refusal := s.Inject(discordsim.Fault{Name: "always-close", Code: 4011})
		s.start()
		s.Until(time.Minute, "the shard is refused", func() bool { return s.fleet.Progress().Parked == 1 })
		s.Sim.Lift(refusal)
		if err := s.fleet.Reshard(s.T.Context(), 2); err != nil {
			t.Fatal(err)
		}
		s.Until(20*time.Second, "both are online", func() bool { return s.fleet.Progress().Done() })
		s.WantIdentifies(3)
		s.postIn(s.App.Guilds[0], "hello")
		s.wantEveryMessageOnce(1)
	})
}

// Given a re-shard under way, when the fleet is stopped, then both sets leave
// and the re-shard says why.
func TestStopDuringReshard(t *testing.T) {
	run(t, config{shards: "2", guilds: 2}, func(s *harness) {
		s.startLive(time.Minute)
		done := make(chan error, 1)
		go func() { done <- s.fleet.Reshard(context.Background(), 4) }()
		s.Advance(6 * time.Second)
		s.stop(gateway.KeepSession)
		if err := <-done; !errors.Is(err, fleet.ErrStopped) {
			t.Errorf("the re-shard ended with %v", err)
		}
		synctest.Wait()
	})
}

// Given a re-shard whose new shards are ready, when the fleet is stopped in the moment in
// which they take over, shortly before or shortly after, then the stop is final: one of the
// two sets is what remains, its sessions are saved, and the next process resumes them with
// all that was not handled.
// Statements: G-090, G-124.
func TestStopAtTheTakeover(t *testing.T) {
	// story re-shards and stops the fleet so long after the beginning, or when the new shards
	// have taken over if that is zero. It returns when they did.
	story := func(stopAfter time.Duration) (tookOver time.Duration) {
		var w watch
		var began time.Time
		var once sync.Once
		kept := &simtest.Sessions{}
		options := func(o *fleet.Options) {
			o.Sessions = sessionsInOrder{kept, func(shard gateway.ShardID, _ gateway.Session) {
				if shard.Count == 3 {
					once.Do(func() { tookOver = time.Since(began) })
				}
			}}
		}
		run(t, config{shards: "2", guilds: 4, handle: w.handle(workFor(time.Millisecond)), options: options}, func(s *harness) {
			s.sessions = kept
			s.startLive(time.Minute)
			s.Advance(5 * time.Second)
			began = time.Now()
			quiet := s.postEvery(every(time.Second))
			s.Sim.After(stopAfter-5*time.Millisecond, func() { // on their way when the stop comes
				for range 5 {
					s.postIn(s.App.Guilds[0], "at the very end")
				}
			})
			done := s.reshard(context.Background(), 3)
			if stopAfter == 0 {
				s.Until(3*time.Minute, "the new shards have taken over", func() bool { return s.fleet.Assignment().Count == 3 })
			} else {
				time.Sleep(stopAfter)
			}
			s.stop(gateway.KeepSession)
			if err := s.wantEnd(done, time.Second); err != nil && !errors.Is(err, fleet.ErrStopped) {
				t.Errorf("the re-shard ended with %v", err)
			}
			count := s.fleet.Assignment().Count
			if got, want := fmt.Sprint(savedCounts(kept)), fmt.Sprintf("[%d]", count); got != want {
				t.Errorf("stopped after %s: the sessions of %s shards are saved, want %s", stopAfter, got, want)
			}
			identifies := s.Sim.Verdict(s.App).Identifies
			said := quiet() + 5
			s.config.shards = fmt.Sprint(count)
			s.newFleet()
			s.startLive(time.Minute)
			s.Advance(10 * time.Second)
			s.WantIdentifies(identifies)
			s.wantEveryMessageOnce(said)
			w.wantNoFaults(t)
			s.NoViolations()
		})
		return tookOver
	}
	moment := story(0)
	if moment == 0 {
		t.Fatal("the new shards did not take over")
	}
	for _, off := range []time.Duration{-100 * time.Millisecond, -1, 0, 0, 0, 0, 1, 100 * time.Millisecond} {
		story(moment + off)
	}
}

// What cannot be re-sharded is refused before anything is done.
func TestReshardIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		shards string
		count  int
		before func(*harness)
	}{
		"the same number":   {"2", 2, nil},
		"none":              {"2", 0, nil},
		"part of the bot":   {"0-1/4", 8, nil},
		"one of two paused": {"2", 4, func(s *harness) { _ = s.fleet.Pause(s.T.Context(), 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{shards: c.shards}, func(s *harness) {
				s.startLive(time.Minute)
				if c.before != nil {
					c.before(s)
				}
				if err := s.fleet.Reshard(s.T.Context(), c.count); err == nil {
					t.Error("it was not refused")
				}
				s.WantIdentifies(2)
			})
		})
	}
}

// Given a fleet that has not been started, when it is to have another number of
// shards, then it refuses: which shards it runs is not known yet.
func TestReshardBeforeRunIsRefused(t *testing.T) {
	run(t, config{shards: "2"}, func(s *harness) {
		if err := s.fleet.Reshard(s.T.Context(), 4); err == nil {
			t.Error("it was not refused")
		}
		s.WantIdentifies(0)
	})
}
