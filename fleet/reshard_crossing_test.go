package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/simtest"
)

// workFor is a handler that takes as long for each message.
func workFor(d time.Duration) func(context.Context, gateway.Event) {
	return func(context.Context, gateway.Event) { time.Sleep(d) }
}

// Given an old shard that gets only late what Discord sent it before the new shards were
// there, when it has it and its handlers are slow, then the new shards wait until all of
// it is handled: they have no copies of it.
// Statements: G-124.
func TestReshardWaitsForWhatComesLate(t *testing.T) {
	quick := discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: 5 * time.Second}}
	for _, c := range []struct {
		name  string
		queue int64
		late  func(*harness)
	}{
		{"over a link that is replaced", 0, func(s *harness) { s.Inject(discordsim.Fault{Name: "half-open"}) }},
		{"over a link that stalls", 0, func(s *harness) { s.Inject(discordsim.Fault{Name: "stall", Delay: 12 * time.Second}) }},
		{"because the queue was full", 2000, func(*harness) {}},
		{"for the handlers of a session that Discord has ended", 0, func(s *harness) {
			s.Sim.After(time.Second, func() { s.Inject(discordsim.Fault{Name: "session-loss"}) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w watch
			options := func(o *fleet.Options) {
				o.Room = func(shards int) (readLimit, queueBytes int64) {
					if shards == 1 {
						return 0, c.queue
					}
					return 0, 0
				}
			}
			run(t, config{sim: quick, shards: "1", guilds: 1, handle: w.handle(workFor(4 * time.Second)), options: options}, func(s *harness) {
				s.startLive(time.Minute)
				s.Advance(6 * time.Second)
				c.late(s)
				for range 30 {
					s.Post("on its way")
				}
				done := s.reshard(context.Background(), 2)
				if err := s.wantEnd(done, 5*time.Minute); err != nil {
					t.Fatal(err)
				}
				s.wantShards(2)
				s.Post("after it")
				s.Advance(3 * time.Minute)
				s.untilHandled(5 * time.Minute)
				s.wantEveryMessageOnce(31)
				w.wantNoFaults(t)
			})
		})
	}
}

// Given a bot whose shards Discord refuses while handlers still have events, when the
// number of shards changes, then the new shards come up and nothing is lost.
func TestReshardOfARefusedBotWithABacklog(t *testing.T) {
	var w watch
	run(t, config{shards: "1", guilds: 1, handle: w.handle(workFor(4 * time.Second))}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(5 * time.Second)
		for range 20 {
			s.Post("a backlog")
		}
		s.Inject(discordsim.Fault{Name: "always-close", Code: 4011, For: 10 * time.Second})
		s.Inject(discordsim.Fault{Name: "op9-false"})
		s.Until(time.Minute, "the shard is refused", func() bool { return s.fleet.Progress().Parked == 1 })
		s.Advance(10 * time.Second)
		if err := s.wantEnd(s.reshard(context.Background(), 2), 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.wantShards(2)
		s.Post("after it")
		s.Advance(time.Minute)
		s.untilHandled(time.Minute)
		s.wantEveryMessageOnce(21)
		w.wantNoFaults(t)
	})
}

// savedCounts returns how many shards the bots have whose sessions are saved.
func savedCounts(sessions *simtest.Sessions) (counts []int) {
	for count := 1; count <= 8; count++ {
		for id := range count {
			if sessions.Session(gateway.ShardID{ID: id, Count: count}).Resumable() {
				counts = append(counts, count)
				break
			}
		}
	}
	return counts
}

// Given a change of the number of shards, when the process dies at any moment of it, then
// the sessions that are saved are those of one set, the old one until it no longer
// delivers; so the next process resumes them and loses nothing.
// Statements: G-124.
func TestReshardSavesTheSessionsOfOneSet(t *testing.T) {
	for _, to := range []int{1, 4} {
		t.Run(fmt.Sprint("2 to ", to), func(t *testing.T) {
			run(t, config{shards: "2", guilds: 6}, func(s *harness) {
				s.startLive(time.Minute)
				stop := s.postEvery(every(time.Second))
				s.Advance(5 * time.Second)
				done := s.reshard(context.Background(), to)
				for range 600 {
					want := fmt.Sprintf("[%d]", s.fleet.Assignment().Count)
					if got := fmt.Sprint(savedCounts(s.sessions)); got != want {
						t.Fatalf("the sessions of %s shards are saved, want %s", got, want)
					}
					s.Advance(100 * time.Millisecond)
				}
				if err := s.wantEnd(done, time.Minute); err != nil {
					t.Fatal(err)
				}
				s.wantShards(to)
				stop()
				if got, want := fmt.Sprint(savedCounts(s.sessions)), fmt.Sprintf("[%d]", to); got != want {
					t.Errorf("at the end the sessions of %s shards are saved, want %s", got, want)
				}
			})
		})
	}
}

// Given a change of the number of shards, when it is given up, then the sessions that are
// saved are still those of the old shards.
func TestReshardThatIsGivenUpSavesNothing(t *testing.T) {
	run(t, config{shards: "2", guilds: 6}, func(s *harness) {
		s.startLive(time.Minute)
		ctx, cancel := context.WithCancel(context.Background())
		done := s.reshard(ctx, 4)
		s.untilWaiting(time.Minute, "to answer a heartbeat")
		cancel()
		_ = s.wantEnd(done, 2*time.Second)
		s.Post("hello")
		s.Advance(time.Second)
		if got := fmt.Sprint(savedCounts(s.sessions)); got != "[2]" {
			t.Errorf("the sessions of %s shards are saved, want [2]", got)
		}
	})
}

// Given one change of the number of shards, when another is wanted during it or shortly
// after, then that is refused and costs nothing; some minutes later it is made.
func TestSecondReshardWaitsForTheFirst(t *testing.T) {
	run(t, config{shards: "1", guilds: 4}, func(s *harness) {
		s.startLive(time.Minute)
		done := s.reshard(context.Background(), 2)
		refused := func(when string) {
			t.Helper()
			if err := s.fleet.Reshard(s.T.Context(), 4); !errors.Is(err, fleet.ErrResharding) {
				t.Errorf("another change %s: %v", when, err)
			}
		}
		s.Advance(time.Second)
		refused("at the beginning")
		s.untilWaiting(time.Minute, "to answer a heartbeat")
		refused("in the middle")
		if err := s.wantEnd(done, 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		refused("right after it")
		s.Advance(59 * time.Second)
		refused("while copies may come")
		s.WantIdentifies(3)
		s.Advance(time.Minute)
		if err := s.wantEnd(s.reshard(context.Background(), 3), 2*time.Minute); err != nil {
			t.Errorf("another change later: %v", err)
		}
		s.wantShards(3)
		s.NoViolations()
	})
}

// Given old shards of which one is far behind and one is ahead of the new shard, when that
// takes over and works off what has waited for minutes, then it still knows which events
// were delivered, and delivers none of them again.
// Statements: G-124.
func TestCopiesAreDroppedHoweverLate(t *testing.T) {
	var w watch
	var slow func() uint64
	handle := w.handle(func(_ context.Context, e gateway.Event) {
		if guildOf(e) == slow() {
			time.Sleep(1500 * time.Millisecond)
		}
	})
	run(t, config{shards: "2", guilds: 4, handle: handle}, func(s *harness) {
		slow = func() uint64 { return uint64(s.guildOn(0, 2).ID) }
		s.startLive(time.Minute)
		said := 0
		quit := make(chan struct{})
		go func() {
			for {
				select {
				case <-quit:
					return
				case <-time.After(time.Second):
				}
				s.postIn(s.guildOn(0, 2), "to the slow one")
				s.postIn(s.guildOn(1, 2), "to the other")
				said += 2
			}
		}()
		s.Advance(2 * time.Minute) // the slow one is 40 s behind
		// What comes over the new shard, and over old shard 0, comes 3 s late.
		zero := 0
		s.Inject(discordsim.Fault{Name: "latency", Shard: &zero, Delay: 3 * time.Second})
		if err := s.wantEnd(s.reshard(context.Background(), 1), 8*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.Advance(10 * time.Second)
		close(quit)
		s.Advance(10 * time.Minute)
		s.untilHandled(time.Hour)
		s.wantEveryMessageOnce(said)
		w.wantNoFaults(t)
		if err := s.fleet.Reshard(s.T.Context(), 1); errors.Is(err, fleet.ErrResharding) {
			t.Errorf("the change is still not over: %v", err)
		}
	})
}

// Given an answer to a request that the old shard gets while its events no longer pass,
// when the new shards take over, then the handler has the answer, and not while it works
// on an event of the same guild.
func TestAnswersOfTheOldSessionAreNotLost(t *testing.T) {
	var w watch
	handle := w.handle(func(ctx context.Context, e gateway.Event) {
		if e.Type == "GUILD_MEMBERS_CHUNK" {
			time.Sleep(3 * time.Second)
		}
		longWork(ctx, e)
	})
	run(t, config{shards: "2", guilds: 8, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		done := s.reshard(context.Background(), 4)
		guild := s.guildOn(s.untilOneAnswers(), 2)
		s.postIn(guild, "long")
		s.untilWaiting(time.Minute, "a handler of the old shard")
		request := map[string]any{"guild_id": guild.ID, "user_ids": []discordsim.ID{s.User.ID}}
		if err := s.fleet.Send(s.T.Context(), uint64(guild.ID), gateway.OpRequestGuildMembers, request); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			s.postIn(guild, "behind it")
			s.Advance(time.Second)
		}
		if err := s.wantEnd(done, 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Minute)
		s.wantEveryMessageOnce(6)
		if got := len(s.eventsOf("GUILD_MEMBERS_CHUNK")); got != 1 {
			t.Errorf("%d answers were delivered, want 1", got)
		}
		w.wantNoFaults(t)
	})
}

// Given new shards that have taken over with a backlog, when one is paused before that is
// worked off, then what is left comes when it is resumed, in order and once.
func TestPauseOfANewShardWithABacklog(t *testing.T) {
	var w watch
	handle := w.handle(func(ctx context.Context, _ gateway.Event) {
		select {
		case <-time.After(1500 * time.Millisecond):
		case <-ctx.Done():
		}
	})
	run(t, config{shards: "1", guilds: 1, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		stop := s.postEvery(every(time.Second))
		s.Advance(30 * time.Second)
		if err := s.wantEnd(s.reshard(context.Background(), 2), 8*time.Minute); err != nil {
			t.Fatal(err)
		}
		said := stop()
		shard := fleet.ShardOf(uint64(s.App.Guilds[0].ID), 2)
		ctx, cancel := context.WithTimeout(s.T.Context(), 2*time.Second)
		defer cancel()
		if err := s.fleet.Pause(ctx, shard); err != nil {
			t.Error(err)
		}
		if got := len(s.eventsOf("MESSAGE_CREATE")); got > said-10 {
			t.Errorf("%d of %d messages are handled: there is no backlog", got, said)
		}
		if err := s.fleet.Resume(s.T.Context(), shard); err != nil {
			t.Fatal(err)
		}
		s.Advance(5 * time.Second)
		s.untilHandled(10 * time.Minute)
		s.wantEveryMessageOnce(said)
		w.wantNoFaults(t)
	})
}

// Given new shards that have taken over with a backlog whose handler never returns, when
// the fleet is stopped, then the stop ends, with an error that says why.
// Statements: G-089.
func TestStopEndsWhereTheBacklogHangs(t *testing.T) {
	var released chan struct{}
	handle := func(_ context.Context, e gateway.Event) {
		if time.Sleep(1500 * time.Millisecond); e.Shard.Count == 2 {
			<-released
		}
	}
	run(t, config{shards: "1", guilds: 1, handle: handle}, func(s *harness) {
		released = make(chan struct{})
		s.startLive(time.Minute)
		stop := s.postEvery(every(1400 * time.Millisecond))
		s.Advance(5 * time.Second)
		if err := s.wantEnd(s.reshard(context.Background(), 2), 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.Advance(5 * time.Second)
		stop()
		began := time.Now()
		ctx, cancel := context.WithTimeout(s.T.Context(), 5*time.Second)
		defer cancel()
		if err := s.fleet.Stop(ctx, gateway.KeepSession); err == nil || !strings.Contains(err.Error(), "ignores the end of its context") {
			t.Errorf("the stop ended with: %v", err)
		}
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("the stop took %s", took)
		}
		close(released)
		<-s.ran
		s.ran = nil
	})
}

// Given a handler that panics over an event that it holds, and that waited for the new
// shards, then that event is given up, the operator is told, and the stop waits for nothing.
func TestPanicOverAHeldBackEventCostsThatEvent(t *testing.T) {
	var once sync.Once
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type != "MESSAGE_CREATE" {
			return
		}
		time.Sleep(1500 * time.Millisecond)
		if e.Shard.Count == 2 {
			once.Do(func() {
				e.Hold()
				panic("the handler's")
			})
		}
	}
	run(t, config{shards: "1", guilds: 1, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		stop := s.postEvery(every(1400 * time.Millisecond))
		s.Advance(5 * time.Second)
		if err := s.wantEnd(s.reshard(context.Background(), 2), 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		said := stop()
		s.untilHandled(time.Minute)
		s.Advance(30 * time.Second)
		s.wantEveryMessageOnce(said)
		panics := observed[gateway.HandlerPanicked](s)
		if len(panics) != 1 || panics[0].Shard.Count != 2 || panics[0].Event.(gateway.HandlerPanicked).Value != "the handler's" {
			t.Errorf("the operator is told of %+v", panics)
		}
		began := time.Now()
		s.stop(gateway.KeepSession)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the stop took %s: an event is still held", took)
		}
	})
}

// countedGrants counts the grants of a limiter that are not given back.
type countedGrants struct {
	gateway.IdentifyLimiter
	open, spent atomic.Int64
}

// Acquire implements [gateway.IdentifyLimiter].
func (c *countedGrants) Acquire(ctx context.Context, shard gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	grant, err := c.IdentifyLimiter.Acquire(ctx, shard, announce)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return &countedGrant{Grant: grant, of: c}, nil
}

type countedGrant struct {
	identify.Grant
	of   *countedGrants
	once sync.Once
}

// Sent implements [identify.Grant].
func (g *countedGrant) Sent() bool {
	g.of.spent.Add(1)
	return g.Grant.Sent()
}

// Release implements [identify.Grant].
func (g *countedGrant) Release(o identify.Outcome) {
	g.once.Do(func() { g.of.open.Add(-1) })
	g.Grant.Release(o)
}

// Given a change of the number of shards that is given up while new shards identify, at
// whatever moment, then all grants are given back, so that a shard that has to identify
// after it waits no longer than ever.
// Statements: G-038.
func TestReshardThatIsGivenUpGivesItsGrantsBack(t *testing.T) {
	for _, fault := range []string{"", "no-hello", "no-ready", "op9-false"} {
		t.Run("with fault "+fault, func(t *testing.T) {
			grants := &countedGrants{}
			options := func(o *fleet.Options) {
				grants.IdentifyLimiter, o.Shard.IdentifyLimiter = o.Shard.IdentifyLimiter, grants
			}
			run(t, config{sim: discordsim.Config{Latency: 30 * time.Millisecond}, shards: "1", guilds: 2, options: options}, func(s *harness) {
				s.startLive(time.Minute)
				for after := 10 * time.Millisecond; after < 12*time.Second; after = after*2 + 7*time.Millisecond {
					s.Advance(6 * time.Second)
					if fault != "" {
						f, one := discordsim.Fault{Name: fault, For: after}, 1
						if fault == "op9-false" {
							f.Shard = &one // a new one
						}
						s.Inject(f)
					}
					ctx, cancel := context.WithTimeout(s.T.Context(), after)
					done := s.reshard(ctx, 3)
					if err := s.wantEnd(done, after+1500*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("after %s the change ended with: %v", after, err)
					}
					cancel()
					s.Sim.LiftAll()
					s.Advance(time.Second)
					if n := grants.open.Load(); n != 0 {
						t.Errorf("given up after %s, %d grants were not given back", after, n)
					}
					s.Until(30*time.Second, "the bot is online", func() bool { return s.fleet.Progress().Done() })
				}
				s.Advance(6 * time.Second)
				began := time.Now()
				if err := s.fleet.Restart(s.T.Context(), 0, gateway.EndSession); err != nil {
					t.Fatal(err)
				}
				s.Until(time.Minute, "the shard is back", func() bool { return s.fleet.Progress().Done() })
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("a new session took %s afterwards", took)
				}
			})
		})
	}
}

// Given a new shard that loses its connection for long while the old ones deliver more
// than may be remembered of it, then the change is given up and the error says so.
func TestReshardIsGivenUpWhereANewShardStaysBehind(t *testing.T) {
	options := func(o *fleet.Options) { o.Shard.QueueBytes = 20_000 }
	run(t, config{shards: "1", guilds: 1, options: options}, func(s *harness) {
		s.startLive(time.Minute)
		done := s.reshard(context.Background(), 2)
		s.untilWaiting(time.Minute, "to answer a heartbeat")
		s.Inject(discordsim.Fault{Name: "refuse"})
		for _, c := range s.Sim.Connections(s.App)[1:] {
			s.Inject(discordsim.Fault{Name: "half-open", Conn: c.ID})
		}
		for range 300 {
			s.Post("hello")
			s.Advance(time.Millisecond)
		}
		err := s.wantEnd(done, time.Second)
		if err == nil || errors.Is(err, fleet.ErrHandlersBehind) || !strings.Contains(err.Error(), "is too far behind the old ones") {
			t.Errorf("the change ended with: %v", err)
		}
		s.Sim.LiftAll()
		s.wantShards(1)
		s.wantEveryMessageOnce(300)
	})
}
