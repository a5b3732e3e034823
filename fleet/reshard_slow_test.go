package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
)

// watch sees that no two handlers work on one guild at once, and that the messages of a
// guild are handled in order.
type watch struct {
	mu      sync.Mutex
	working map[uint64]gateway.Event // by guild
	newest  map[uint64]uint64        // the newest message of a guild
	faults  []string
}

// handle returns a handler that is watched. Only messages are work.
func (w *watch) handle(work func(context.Context, gateway.Event)) func(context.Context, gateway.Event) {
	w.working, w.newest = map[uint64]gateway.Event{}, map[uint64]uint64{}
	return func(ctx context.Context, e gateway.Event) {
		if e.Type != "MESSAGE_CREATE" && e.Type != "GUILD_MEMBERS_CHUNK" {
			return
		}
		guild := guildOf(e)
		w.mu.Lock()
		if other, busy := w.working[guild]; busy {
			w.faults = append(w.faults, fmt.Sprintf("%s over shard %s begins while %s over shard %s is worked on", e.Type, e.Shard, other.Type, other.Shard))
		}
		if id, _ := strconv.ParseUint(messageID(e), 10, 64); id > 0 {
			if id < w.newest[guild] {
				w.faults = append(w.faults, fmt.Sprintf("a message over shard %s comes after a later one", e.Shard))
			}
			w.newest[guild] = id
		}
		w.working[guild] = e
		w.mu.Unlock()
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.working, guild)
		}()
		work(ctx, e)
	}
}

func (w *watch) wantNoFaults(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fault := range w.faults {
		t.Error(fault)
	}
}

// postEvery lets people talk in every guild until it is told to stop; it returns how many
// messages there were. wait is the time before each round.
func (s *harness) postEvery(wait func(round int) time.Duration) (stop func() int) {
	quit, said := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for round := 0; ; round++ {
			select {
			case <-quit:
				said <- n
				return
			case <-time.After(wait(round)):
			}
			for i, g := range s.App.Guilds {
				s.postIn(g, fmt.Sprintf("message %d in guild %d", n, i))
				n++
			}
		}
	}()
	return func() int {
		close(quit)
		return <-said
	}
}

// every is the same wait before each round.
func every(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// reshard changes the number of shards in the background.
func (s *harness) reshard(ctx context.Context, count int) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.fleet.Reshard(ctx, count) }()
	return done
}

// wantEnd waits until a re-shard has ended, and fails the test if that takes longer than
// limit.
func (s *harness) wantEnd(done <-chan error, limit time.Duration) error {
	s.T.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		snap := s.fleet.Snapshot().Reshard
		s.T.Fatalf("after %s the change has not ended: %+v", limit, snap)
		return nil
	}
}

// untilHandled waits until no handler has anything to do.
func (s *harness) untilHandled(limit time.Duration) {
	s.T.Helper()
	s.Until(limit, "everything is handled", func() bool { return s.fleet.Stats().QueuedAge == 0 })
}

// wantShards fails the test unless the bot has so many shards, all online, and no change
// is under way.
func (s *harness) wantShards(count int) {
	s.T.Helper()
	snap := s.fleet.Snapshot()
	if snap.Assignment.Count != count || !snap.Progress.Done() || snap.Reshard != nil {
		s.T.Errorf("the bot has %s shards (%s), change %+v; want %d and none", snap.Assignment, snap.Progress, snap.Reshard, count)
	}
}

// Given handlers that are slower than their load, hang or panic, when the number of
// shards changes, then the change ends in bounded time, with the new shards or the old
// ones; no event is lost or handled twice or out of order, and no two handlers work on
// one guild.
// Statements: G-124.
func TestReshardEndsWhateverTheHandlersDo(t *testing.T) {
	const hangs = -1
	sleep := func(d time.Duration) func(context.Context, gateway.Event) {
		return func(context.Context, gateway.Event) { time.Sleep(d) }
	}
	for _, c := range []struct {
		name   string
		from   string
		to     int
		guilds int
		load   func(int) time.Duration
		work   time.Duration // of each message
		work0  time.Duration // of the first guild's, if not the same
		panics bool
		queue  int64
		behind bool // the change is given up
		within time.Duration
	}{
		{name: "slower than the load", from: "1", to: 2, guilds: 1, load: every(1400 * time.Millisecond), work: 1500 * time.Millisecond, within: 2 * time.Minute},
		{name: "slower than the load, fewer shards", from: "2", to: 1, guilds: 1, load: every(1400 * time.Millisecond), work: 1500 * time.Millisecond, within: 2 * time.Minute},
		{name: "many guilds", from: "2", to: 3, guilds: 12, load: every(1400 * time.Millisecond), work: 250 * time.Millisecond, within: 2 * time.Minute},
		{name: "one guild of many", from: "2", to: 4, guilds: 8, load: every(1400 * time.Millisecond), work: time.Millisecond, work0: 1500 * time.Millisecond, within: 2 * time.Minute},
		{name: "a load that grows", from: "1", to: 2, guilds: 1, work: 1500 * time.Millisecond, within: 4 * time.Minute,
			load: func(n int) time.Duration { return max(time.Second, 2*time.Second-time.Duration(n)*20*time.Millisecond) }},
		{name: "ten times slower", from: "1", to: 2, guilds: 1, load: every(5 * time.Second), work: 50 * time.Second, behind: true, within: 7 * time.Minute},
		{name: "always at work for long", from: "2", to: 4, guilds: 6, load: every(20 * time.Second), work: time.Millisecond, work0: 19 * time.Second, within: 5 * time.Minute},
		{name: "hangs", from: "2", to: 4, guilds: 6, load: every(10 * time.Second), work: time.Millisecond, work0: hangs, behind: true, within: 6 * time.Minute},
		{name: "all hang", from: "2", to: 1, guilds: 6, load: every(10 * time.Second), work: hangs, behind: true, within: 6 * time.Minute},
		{name: "panics", from: "1", to: 2, guilds: 2, load: every(700 * time.Millisecond), work: 500 * time.Millisecond, panics: true, within: 2 * time.Minute},
		{name: "more waits than may", from: "1", to: 2, guilds: 1, load: every(200 * time.Millisecond), work: 400 * time.Millisecond, queue: 20_000, behind: true, within: 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w watch
			var released chan struct{} // of the story's time
			handle := w.handle(func(ctx context.Context, e gateway.Event) {
				work := c.work
				if c.work0 != 0 && strings.HasSuffix(field(e, "content"), "in guild 0") {
					work = c.work0
				}
				if work == hangs {
					<-released
					return
				}
				sleep(work)(ctx, e)
				if c.panics {
					panic("the handler's")
				}
			})
			options := func(o *fleet.Options) { o.Shard.QueueBytes = c.queue }
			run(t, config{shards: c.from, guilds: c.guilds, handle: handle, options: options}, func(s *harness) {
				released = make(chan struct{})
				s.startLive(time.Minute)
				s.Advance(5 * time.Second)
				before := s.fleet.Assignment().Count
				stop := s.postEvery(c.load)
				s.Advance(3 * time.Second)
				err := s.wantEnd(s.reshard(context.Background(), c.to), c.within)
				after := c.to
				if c.behind {
					after = before
				}
				if errors.Is(err, fleet.ErrHandlersBehind) != c.behind || (err != nil) != c.behind {
					t.Errorf("the change ended with: %v", err)
				}
				s.wantShards(after)
				if failed := s.fleet.Snapshot().FailedReshard; c.behind && (failed == nil || failed.Err != err || failed.To != c.to || time.Since(failed.At) > 0) || !c.behind && failed != nil {
					t.Errorf("the snapshot says that %+v has failed", failed)
				}
				said := stop()
				close(released)
				s.Advance(time.Second)
				s.untilHandled(time.Hour)
				s.Advance(5 * time.Second) // what was left with Discord comes
				s.untilHandled(time.Hour)
				s.wantEveryMessageOnce(said)
				w.wantNoFaults(t)
				s.NoViolations()
				if v := s.Sim.Verdict(s.App); v.Offline != 0 {
					t.Errorf("the dot was grey for %s", v.Offline)
				}
			})
		})
	}
}

// untilWaiting waits until a re-shard says that it waits for something.
func (s *harness) untilWaiting(limit time.Duration, what string) {
	s.T.Helper()
	s.Until(limit, "the change waits for "+what, func() bool {
		p := s.fleet.Snapshot().Reshard
		return p != nil && strings.Contains(p.Waits, what)
	})
}

// untilOneAnswers waits until a re-shard from two shards waits only for the heartbeat of
// one, and returns the other.
func (s *harness) untilOneAnswers() (shard int) {
	s.T.Helper()
	s.untilWaiting(2*time.Minute, "to answer a heartbeat")
	one := 1
	s.Inject(discordsim.Fault{Name: "ack-delay", Shard: &one, Delay: 4 * time.Second}) // not both at once
	shards := s.fleet.Shards()
	before := []time.Time{shards[0].LastACK(), shards[1].LastACK()}
	s.Until(time.Minute, "one of the old shards has answered", func() bool {
		shard = 0
		if shards[1].LastACK().After(before[1]) {
			shard = 1
		}
		return shards[shard].LastACK().After(before[shard])
	})
	s.Advance(200 * time.Millisecond)
	s.untilWaiting(0, fmt.Sprintf("the old shard %s to answer a heartbeat", shards[1-shard].ID()))
	return shard
}

// longWork is a handler of messages that takes 90 s for those that say so, unless its
// context ends, and a millisecond for others.
func longWork(ctx context.Context, e gateway.Event) {
	work := time.Millisecond
	if strings.Contains(field(e, "content"), "long") {
		work = 90 * time.Second
	}
	select {
	case <-time.After(work):
	case <-ctx.Done():
	}
}

// Given a handler of an old shard that works for 90 s, when the number of shards changes
// meanwhile, then the new shards do not take over before it has returned; the guilds of
// other shards do not wait for it; nothing is lost and nothing comes twice.
// Statements: G-124.
func TestReshardWaitsForAHandlerAtWork(t *testing.T) {
	for _, c := range []struct {
		name  string
		reach func(*harness) (shard int) // when the handler begins, and on which shard
	}{
		{"from before the change", nil},
		{"from before the new shards are complete", func(s *harness) int {
			s.untilWaiting(time.Minute, "the new shard 1/4 to be complete")
			return 0
		}},
		{"from before the heartbeat", func(s *harness) int {
			s.untilWaiting(time.Minute, "to answer a heartbeat")
			return 0
		}},
		{"from the end", (*harness).untilOneAnswers},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w watch
			run(t, config{shards: "2", guilds: 12, handle: w.handle(longWork)}, func(s *harness) {
				s.startLive(time.Minute)
				s.Advance(5 * time.Second)
				said, busy := 0, 0
				post := func(text string) {
					s.postIn(s.guildOn(busy, 2), text)
					said++
				}
				if c.reach == nil {
					post("long")
				}
				done := s.reshard(context.Background(), 4)
				if c.reach != nil {
					busy = c.reach(s)
					post("long")
				}
				began := time.Now()
				post("behind it")
				for time.Since(began) < 89*time.Second {
					handled := len(s.eventsOf("MESSAGE_CREATE"))
					s.postIn(s.guildOn(1-busy, 2), "beside it")
					said++
					s.Until(6*time.Second, "another shard handles a message", func() bool { return len(s.eventsOf("MESSAGE_CREATE")) > handled })
					s.wantNoTakeover(2)
					s.Advance(2 * time.Second)
				}
				if err := s.wantEnd(done, 2*time.Minute); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < 90*time.Second {
					t.Errorf("the new shards took over %s after the handler began", took)
				}
				s.wantShards(4)
				post("after it")
				s.Advance(2 * time.Minute)
				s.wantEveryMessageOnce(said)
				w.wantNoFaults(t)
				s.NoViolations()
			})
		})
	}
}

// wantNoTakeover fails the test if other shards than the old ones deliver.
func (s *harness) wantNoTakeover(count int) {
	s.T.Helper()
	if a := s.fleet.Assignment(); a.Count != count {
		s.T.Fatalf("%s shards have taken over", a)
	}
}

// Given a change of the number of shards that was given up while a handler works, when
// the next one begins, then it too waits for that handler, and for the one after it; that
// the first has returned meanwhile opens nothing.
// Statements: G-124.
func TestReshardWaitsForHandlersFromBeforeAnEarlierOne(t *testing.T) {
	var w watch
	run(t, config{shards: "2", guilds: 12, handle: w.handle(longWork)}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(5 * time.Second)
		ctx, cancel := context.WithCancel(s.T.Context())
		first := s.reshard(ctx, 4)
		said, busy := 0, s.untilOneAnswers()
		post := func(text string) {
			s.postIn(s.guildOn(busy, 2), text)
			said++
		}
		post("long")
		began := time.Now()
		s.untilWaiting(time.Minute, "a handler of the old shard")
		post("long too") // it waits at the closed gate
		s.Advance(time.Second)
		cancel()
		if err := s.wantEnd(first, 2*time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("the first change ended with: %v", err)
		}
		if s.fleet.Snapshot().FailedReshard == nil {
			t.Error("the snapshot does not say that the first change failed")
		}
		second := s.reshard(s.T.Context(), 3)
		s.Advance(time.Second)
		if failed := s.fleet.Snapshot().FailedReshard; failed != nil {
			t.Errorf("during the second change the snapshot still says that %+v failed", failed)
		}
		for time.Since(began) < 179*time.Second {
			s.wantNoTakeover(2)
			post("behind it")
			s.Advance(10 * time.Second)
		}
		if err := s.wantEnd(second, 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 180*time.Second {
			t.Errorf("the new shards took over %s after the first of two handlers began", took)
		}
		s.wantShards(3)
		s.Advance(2 * time.Minute)
		s.wantEveryMessageOnce(said)
		w.wantNoFaults(t)
		s.NoViolations()
	})
}

// Given a change of the number of shards in any phase, when its caller gives up or the
// fleet is stopped, then it ends at once; the bot keeps the shards it has then, and the
// next process resumes them with all that was not handled.
// Statements: G-090, G-124.
func TestReshardEndsAtOnceInEveryPhase(t *testing.T) {
	for _, phase := range []struct {
		name  string
		enter func(*harness)
		after int // the number of shards
	}{
		{"the new shards identify", func(s *harness) { s.untilWaiting(time.Minute, "to be complete") }, 2},
		{"a new shard gets no session", func(s *harness) {
			s.Inject(discordsim.Fault{Name: "no-ready"})
			s.Advance(30 * time.Second)
		}, 2},
		{"the old shards answer heartbeats", func(s *harness) { s.untilWaiting(time.Minute, "to answer a heartbeat") }, 2},
		{"handlers catch up", func(s *harness) {
			s.postIn(s.guildOn(0, 2), "long")
			s.untilWaiting(2*time.Minute, "the handlers of the old shard 0/2 to catch up")
		}, 2},
		{"handlers catch up with a load", func(s *harness) {
			guild := s.guildOn(0, 2)
			s.postIn(guild, "long")
			s.untilWaiting(2*time.Minute, "the handlers of the old shard 0/2 to catch up")
			go func() {
				for range 100 {
					time.Sleep(10 * time.Millisecond)
					s.postIn(guild, "and on")
				}
			}()
			s.Advance(500 * time.Millisecond)
		}, 2},
		{"a handler is to return", func(s *harness) {
			guild := s.guildOn(s.untilOneAnswers(), 2)
			s.postIn(guild, "long")
			s.untilWaiting(time.Minute, "a handler of the old shard")
			s.postIn(guild, "at the closed gate")
		}, 2},
		{"a handler has returned and another is to", func(s *harness) {
			first := s.untilOneAnswers()
			s.postIn(s.guildOn(first, 2), "long")
			s.untilWaiting(time.Minute, "a handler of the old shard")
			s.Advance(10 * time.Second)
			s.postIn(s.guildOn(1-first, 2), "long")
			s.postIn(s.guildOn(first, 2), "at the closed gate")
			s.Advance(82 * time.Second)
		}, 2},
		{"the old shards close", func(s *harness) {
			s.postIn(s.guildOn(0, 2), "hold")
			s.Until(2*time.Minute, "the new shards have taken over", func() bool { return s.fleet.Assignment().Count == 4 })
		}, 4},
	} {
		for _, how := range []string{"cancelled", "stopped"} {
			t.Run(phase.name+", "+how, func(t *testing.T) {
				var w watch
				var release func()
				handle := w.handle(func(ctx context.Context, e gateway.Event) {
					if field(e, "content") == "hold" {
						release = e.Hold()
					}
					longWork(ctx, e)
				})
				run(t, config{shards: "2", guilds: 12, handle: handle}, func(s *harness) {
					s.startLive(time.Minute)
					s.Advance(5 * time.Second)
					ctx, cancel := context.WithCancel(s.T.Context())
					defer cancel()
					done := s.reshard(ctx, 4)
					phase.enter(s)
					before := s.Sim.Verdict(s.App).Identifies
					s.postIn(s.guildOn(0, 2), "in the middle of it")
					s.Advance(50 * time.Millisecond)
					for range 50 { // they are on their way
						s.postIn(s.guildOn(0, 2), "at the very end")
					}
					want := error(context.Canceled)
					if how == "cancelled" {
						cancel()
					} else {
						want = fleet.ErrStopped
						stopped := s.ran
						defer func() { <-stopped }()
						go func() {
							ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
							defer cancel()
							if err := s.fleet.Stop(ctx, gateway.KeepSession); err != nil {
								t.Error(err)
							}
						}()
					}
					err := s.wantEnd(done, 1500*time.Millisecond)
					if phase.after == 4 {
						want = nil
					}
					if !errors.Is(err, want) {
						t.Errorf("the change ended with: %v", err)
					}
					if how == "stopped" {
						<-s.ran
						s.Sim.LiftAll()
						s.postIn(s.guildOn(0, 2), "on the way")
						s.config.shards = fmt.Sprint(phase.after)
						s.newFleet()
						s.startLive(time.Minute)
						s.WantIdentifies(before)
					}
					s.Sim.LiftAll()
					s.wantShards(phase.after)
					s.postIn(s.guildOn(0, 2), "after it")
					s.untilHandled(5 * time.Minute)
					s.Advance(2 * time.Minute)
					said := 0
					for _, g := range s.App.Guilds {
						said += len(s.Sim.Messages(g.Channels[0].ID))
					}
					s.wantEveryMessageOnce(said)
					w.wantNoFaults(t)
					if release != nil {
						release()
					}
					s.NoViolations()
				})
			})
		}
	}
}
