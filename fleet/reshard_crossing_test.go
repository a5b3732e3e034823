package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
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
		name    string
		queue   int64
		latency time.Duration
		late    func(*harness)
	}{
		{"over a link that is replaced", 0, 0, func(s *harness) { s.Inject(discordsim.Fault{Name: "half-open"}) }},
		{"over a link that stalls", 0, 0, func(s *harness) { s.Inject(discordsim.Fault{Name: "stall", Delay: 12 * time.Second}) }},
		{"because the queue was full", 2000, 0, func(*harness) {}},
		{"because the queue was full, over a slow link", 2000, 300 * time.Millisecond, func(*harness) {}},
		{"for the handlers of a session that Discord has ended", 0, 0, func(s *harness) {
			s.Sim.After(time.Second, func() { s.Inject(discordsim.Fault{Name: "session-loss"}) })
		}},
		{"for a session that a new shard has lost since", 0, 0, func(s *harness) {
			s.Sim.After(50*time.Second, func() {
				for _, c := range s.Sim.Connections(s.App)[1:] {
					s.Inject(discordsim.Fault{Name: "session-loss", Conn: c.ID})
				}
			})
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
			sim := quick
			sim.Latency = c.latency
			run(t, config{sim: sim, shards: "1", guilds: 1, handle: w.handle(workFor(4 * time.Second)), options: options}, func(s *harness) {
				s.startLive(time.Minute)
				s.Advance(6 * time.Second)
				c.late(s)
				for range 30 {
					s.Post("on its way")
				}
				done := s.reshard(context.Background(), 2)
				s.Advance(53 * time.Second)
				for range 3 {
					s.Post("later") // while a new shard may be without a session
				}
				if err := s.wantEnd(done, 5*time.Minute); err != nil {
					t.Fatal(err)
				}
				s.wantShards(2)
				s.Post("after it")
				s.Advance(3 * time.Minute)
				s.untilHandled(5 * time.Minute)
				s.wantEveryMessageOnce(34)
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

// sessionsInOrder looks at each session before it is saved.
type sessionsInOrder struct {
	*simtest.Sessions
	look func(gateway.ShardID, gateway.Session)
}

// SessionStore implements [fleet.Sessions].
func (s sessionsInOrder) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	return savedInOrder{s.Sessions.SessionStore(shard), func(session gateway.Session) { s.look(shard, session) }}
}

type savedInOrder struct {
	gateway.SessionStore
	look func(gateway.Session)
}

// Save implements [gateway.SessionStore].
func (s savedInOrder) Save(session gateway.Session) {
	s.look(session)
	s.SessionStore.Save(session)
}

// Given a change of the number of shards, when the process dies at any moment of it, then
// the sessions that are saved are those of one set, the old one until it no longer
// delivers; so the next process resumes them and loses nothing.
// Statements: G-124.
func TestReshardSavesTheSessionsOfOneSet(t *testing.T) {
	for _, to := range []int{1, 4} {
		t.Run(fmt.Sprint("2 to ", to), func(t *testing.T) {
			handle := func(_ context.Context, e gateway.Event) {
				if e.Type == "MESSAGE_CREATE" && e.Shard.Count == 2 {
					release := e.Hold()
					time.AfterFunc(5*time.Second, release) // the old shards close late, and save until then
				}
			}
			kept := &simtest.Sessions{}
			options := func(o *fleet.Options) {
				o.Sessions = sessionsInOrder{kept, func(shard gateway.ShardID, session gateway.Session) {
					if shard.Count == 2 && session.ID == "" && !slices.Contains(savedCounts(kept), to) {
						t.Error("the session of an old shard was forgotten before those of the new ones were saved")
					}
				}}
			}
			run(t, config{shards: "2", guilds: 6, handle: handle, options: options}, func(s *harness) {
				s.sessions = kept
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

// Given a handler of an old shard that was waited for, when a new shard loses its
// connection before the handler returns, then the old shards go on at once.
func TestOldShardsGoOnWhileANewOneIsAway(t *testing.T) {
	var w watch
	run(t, config{shards: "2", guilds: 8, handle: w.handle(longWork)}, func(s *harness) {
		s.startLive(time.Minute)
		done := s.reshard(context.Background(), 4)
		guild := s.guildOn(s.untilOneAnswers(), 2)
		s.postIn(guild, "long")
		began := time.Now()
		s.untilWaiting(time.Minute, "a handler of the old shard")
		s.Advance(20 * time.Second)
		s.Sim.LiftAll()
		s.Inject(discordsim.Fault{Name: "refuse"})
		for _, c := range s.Sim.Connections(s.App)[2:] {
			s.Inject(discordsim.Fault{Name: "half-open", Conn: c.ID})
		}
		s.Advance(time.Until(began.Add(91 * time.Second)))
		for i := range 5 {
			s.postIn(guild, "behind it")
			s.Advance(500 * time.Millisecond)
			if got := len(s.eventsOf("MESSAGE_CREATE")); got != i+2 {
				t.Fatalf("%d messages are handled, want %d", got, i+2)
			}
		}
		s.wantNoTakeover(2)
		s.Sim.LiftAll()
		if err := s.wantEnd(done, 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.Advance(2 * time.Minute)
		s.wantEveryMessageOnce(6)
		w.wantNoFaults(t)
	})
}

// Given new shards that have taken over with a backlog of minutes, when no event comes
// until copies are no longer expected, then the next one still waits for the backlog.
func TestBacklogGoesFirstHoweverLong(t *testing.T) {
	var w watch
	handle := w.handle(func(ctx context.Context, e gateway.Event) {
		longWork(ctx, e)
		time.Sleep(2 * time.Second)
	})
	run(t, config{shards: "2", guilds: 8, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		done := s.reshard(context.Background(), 1)
		guild := s.guildOn(s.untilOneAnswers(), 2)
		s.postIn(guild, "long")
		for range 80 {
			s.Advance(time.Second)
			s.postIn(guild, "behind it")
		}
		if err := s.wantEnd(done, time.Minute); err != nil {
			t.Fatal(err)
		}
		s.Advance(140 * time.Second)
		if got := len(s.eventsOf("MESSAGE_CREATE")); got > 78 {
			t.Fatalf("%d messages are handled: there is no backlog any more", got)
		}
		s.postIn(guild, "after it")
		s.Advance(time.Minute)
		s.wantEveryMessageOnce(82)
		w.wantNoFaults(t)
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
		said := stop() + 1
		s.Post("behind the backlog")
		s.Advance(time.Millisecond)
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

// Given a new shard that has taken over and works on the last event of its backlog, when it
// is paused before that is over, then the event behind it comes when it is resumed.
func TestPauseOfANewShardAtTheEndOfItsBacklog(t *testing.T) {
	var w watch
	handle := w.handle(func(ctx context.Context, e gateway.Event) {
		if longWork(ctx, e); e.Shard.Count == 1 && field(e, "content") == "backlog" {
			time.Sleep(3 * time.Second)
		}
	})
	run(t, config{shards: "2", guilds: 8, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		done := s.reshard(context.Background(), 1)
		guild := s.guildOn(s.untilOneAnswers(), 2)
		s.postIn(guild, "long")
		s.Advance(time.Second)
		s.postIn(guild, "backlog")
		if err := s.wantEnd(done, 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		s.postIn(guild, "behind it")
		s.Advance(100 * time.Millisecond)
		ctx, cancel := context.WithTimeout(s.T.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.fleet.Pause(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if got := len(s.eventsOf("MESSAGE_CREATE")); got != 2 {
			t.Fatalf("%d messages are handled before the pause, want 2", got)
		}
		s.Advance(5 * time.Second)
		if err := s.fleet.Resume(s.T.Context(), 0); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Minute)
		s.wantEveryMessageOnce(3)
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
