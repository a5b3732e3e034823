package fleet_test

import (
	"context"
	"errors"
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

// Given many events that one set has before the other, or that only the old one gets, when
// the number of shards changes, then what was matched or gets no copy does not count: the
// change is not given up over it, and nothing is lost.
func TestOnlyWhatWaitsCountsAsHeldBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		late    int // the shards whose link is slow
		backlog int
		every   time.Duration
		early   bool // before the new shard may identify
	}{
		{"the new set is ahead", 0, 0, 100 * time.Millisecond, false},
		{"the old set is ahead", 1, 0, 20 * time.Millisecond, false},
		{"only the old set gets it", 2, 350, 0, false},
		{"the new set has no session yet", 2, 0, 10 * time.Millisecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := func(o *fleet.Options) {
				o.Room = func(shards int) (readLimit, queueBytes int64) { return 0, int64(shards-1) * 30_000 }
			}
			var work time.Duration
			handle := func(_ context.Context, e gateway.Event) {
				if e.Type == "MESSAGE_CREATE" {
					time.Sleep(work)
				}
			}
			run(t, config{shards: "1", guilds: 2, options: options, handle: handle}, func(s *harness) {
				if c.backlog > 0 {
					work = 500 * time.Millisecond
				}
				s.startLive(time.Minute)
				s.Advance(5 * time.Second)
				guild := s.guildOn(1, 2)
				for range c.backlog {
					s.postIn(guild, "a backlog")
				}
				s.Inject(discordsim.Fault{Name: "latency", Shard: &c.late, Delay: 1500 * time.Millisecond})
				done := s.reshard(context.Background(), 2)
				s.untilWaiting(time.Minute, "the new shard 1/2 to be complete")
				if !c.early {
					s.Until(time.Minute, "the new shard is there", func() bool { return s.fleet.Snapshot().Reshard.Progress.Online == 2 })
				}
				said := c.backlog
				for said < 350 {
					s.postIn(guild, "hello")
					said++
					s.Advance(c.every)
				}
				if err := s.wantEnd(done, 5*time.Minute); err != nil {
					t.Fatal(err)
				}
				s.Advance(2 * time.Minute)
				s.wantEveryMessageOnce(said)
			})
		})
	}
}

// Given a handler that has hung for long, when the number of shards is to change, then
// that is refused before anything is spent.
func TestReshardIsRefusedWhereAHandlerHangs(t *testing.T) {
	handle := func(ctx context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			<-ctx.Done()
		}
	}
	made := 0
	options := func(o *fleet.Options) {
		o.Sessions = hookedSessions{&simtest.Sessions{}, func(gateway.ShardID) { made++ }}
	}
	run(t, config{shards: "1", guilds: 1, handle: handle, options: options}, func(s *harness) {
		s.startLive(time.Minute)
		s.Post("hangs")
		s.Advance(6 * time.Minute)
		err := s.wantEnd(s.reshard(context.Background(), 2), time.Millisecond)
		if !errors.Is(err, fleet.ErrHandlersBehind) || !strings.Contains(err.Error(), "shard 0/1 has waited 6m0s") {
			t.Errorf("the change ended with: %v", err)
		}
		if made != 1 {
			t.Errorf("%d new shards were made", made-1)
		}
		s.wantShards(1)
		s.WantIdentifies(1)
	})
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
