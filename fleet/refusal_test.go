package fleet_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// What is the fleet's to choose, and numbers that make no sense, are refused by New.
func TestOptionsAreChecked(t *testing.T) {
	good := fleet.Options{Shard: gateway.Options{Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("ws://x")}}
	if _, err := fleet.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*fleet.Options){
		"a shard":         func(o *fleet.Options) { o.Shard.Shard = gateway.ShardID{ID: 0, Count: 2} },
		"a session":       func(o *fleet.Options) { o.Shard.Session = gateway.Session{ID: "a"} },
		"a session store": func(o *fleet.Options) { o.Shard.SessionStore = (&simtest.Sessions{}).SessionStore(gateway.ShardID{}) },
		"a negative rate": func(o *fleet.Options) { o.DialRate = -1 },
		"a tiny rate":     func(o *fleet.Options) { o.DialRate = 0.001 },
		"a huge rate":     func(o *fleet.Options) { o.DialRate = 1e9 },
		"no rate":         func(o *fleet.Options) { o.DialRate = math.NaN() },
		"no token":        func(o *fleet.Options) { o.Shard.Token = "" },
	} {
		o := good
		spoil(&o)
		if _, err := fleet.New(o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Given a fleet before its start, with a shard that moved out, and after its stop, when an
// operation makes no sense then, then it is refused and changes nothing.
func TestOperationsThatMakeNoSenseAreRefused(t *testing.T) {
	run(t, config{shards: "2", guilds: 4, sim: discordsim.Config{Latency: 40 * time.Millisecond}}, func(s *harness) {
		f, ctx := s.fleet, s.T.Context()
		refused := func(what string, err error, want string) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", what, err, want)
			}
		}
		each := func(id int, want string) {
			t.Helper()
			refused("Pause", f.Pause(ctx, id), want)
			refused("Resume", f.Resume(ctx, id), want)
			refused("Restart", f.Restart(ctx, id, gateway.KeepSession), want)
			_, err := f.MoveOut(ctx, id)
			refused("MoveOut", err, want)
		}
		each(0, fleet.ErrNoShard.Error())
		refused("MoveIn", f.MoveIn(ctx, fleet.Handover{Shard: gateway.ShardID{ID: 0, Count: 2}, Intents: intents}), "does not know its shards yet")
		if _, idle := f.State().(gateway.Idle); !idle || !f.Assignment().Auto() || f.Progress().Done() || f.Shard(0) != nil || f.ShardFor(0) != nil || f.Latency() != 0 {
			t.Error("before the start something seems to run")
		}
		s.startLive(time.Minute)
		s.Advance(time.Minute)
		if l := f.Latency(); l == 0 || l != (f.Shard(0).Latency()+f.Shard(1).Latency())/2 {
			t.Errorf("the mean round trip is %s", l)
		}
		if err := f.Run(ctx); err == nil {
			t.Error("it was started twice")
		}
		refused("SetPresence", f.SetPresence(gateway.Presence{Status: "nonsense"}), "nonsense")
		refused("Reconfigure", f.Reconfigure(gateway.Credentials{}), "token")
		each(2, fleet.ErrNoShard.Error())
		refused("MoveIn", f.MoveIn(ctx, fleet.Handover{Shard: gateway.ShardID{ID: 1, Count: 2}, Intents: intents}), "already runs here")
		refused("MoveIn", f.MoveIn(ctx, fleet.Handover{Shard: gateway.ShardID{ID: 1, Count: 2}, Intents: intents + 1}), "other intents")
		out, err := f.MoveOut(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		each(1, "moved out")
		if l := f.Latency(); l == 0 || l != f.Shard(0).Latency() {
			t.Errorf("the mean round trip of the shard that runs is %s", l)
		}
		if p := f.Progress(); p.MovedOut != 1 || p.Total != 1 || !p.Done() {
			t.Errorf("with a shard that moved out: %s", p)
		}
		for _, shard := range []gateway.ShardID{{ID: 1, Count: 4}, {ID: 2, Count: 2}, {ID: -1, Count: 2}} {
			other := out
			other.Shard = shard
			refused("MoveIn", f.MoveIn(ctx, other), "does not belong to a bot with 2 shards")
		}
		s.stop(gateway.KeepSession)
		refused("Pause", f.Pause(ctx, 0), fleet.ErrStopped.Error())
		refused("Reshard", f.Reshard(ctx, 4), fleet.ErrStopped.Error())
		other := out
		other.Shard.ID = 0
		refused("MoveIn", f.MoveIn(ctx, other), fleet.ErrStopped.Error())
		if err := f.Run(ctx); err != nil {
			t.Errorf("Run after the stop: %v", err)
		}
		s.WantIdentifies(2)
	})
}

// Given an assigner that refuses for good, or whose answer makes no sense, then Run ends
// with an error; one that fails for a while is asked again.
func TestAssignersAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []fleet.Assignment
		errs    []error
		want    string
	}{
		{"refused for good", []fleet.Assignment{{}}, []error{gateway.ErrUnauthorized}, gateway.ErrUnauthorized.Error()},
		{"no shard", []fleet.Assignment{{Count: 2}}, []error{nil}, "no shard is named"},
		{"a shard beyond", []fleet.Assignment{{Count: 2, IDs: []int{0, 2}}}, []error{nil}, "there is no shard 2 of 2"},
		{"twice", []fleet.Assignment{{Count: 2, IDs: []int{0, 0}}}, []error{nil}, "named twice"},
		{"later", []fleet.Assignment{{}, {}, fleet.All(1)}, []error{errors.New("busy"), errors.New("busy"), nil}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			options := func(o *fleet.Options) {
				o.Assigner = fleet.AssignerFunc(func(context.Context) (fleet.Assignment, error) {
					asked++
					return c.answers[asked-1], c.errs[asked-1]
				})
			}
			run(t, config{shards: "1", options: options}, func(s *harness) {
				if c.want == "" {
					if took := s.startLive(time.Minute); asked != 3 || took < 3*time.Second || took > 5*time.Second {
						t.Errorf("it was asked %d times, and online after %s", asked, took)
					}
					return
				}
				if err := s.fleet.Run(s.T.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("Run ended with: %v", err)
				}
			})
		})
	}
}

// Given an assigner that does not answer, when the caller gives up, its context has ended
// or the fleet stops, then each is let go, and the next caller gets its answer.
func TestCallersOfAssignAreLetGo(t *testing.T) {
	var answers bool
	options := func(o *fleet.Options) {
		o.Assigner = fleet.AssignerFunc(func(ctx context.Context) (fleet.Assignment, error) {
			if answers {
				return fleet.All(2), nil
			}
			<-ctx.Done()
			return fleet.Assignment{}, ctx.Err()
		})
	}
	run(t, config{shards: "1", options: options}, func(s *harness) {
		for range 3 {
			ctx, cancel := context.WithTimeout(s.T.Context(), time.Second)
			if a, err := s.fleet.Assign(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("without an answer: %v, %v", a, err)
			}
			cancel()
		}
		answers = true
		for range 2 {
			if a, err := s.fleet.Assign(s.T.Context()); err != nil || a.Count != 2 {
				t.Errorf("with an answer: %v, %v", a, err)
			}
		}
	})
	for name, end := range map[string]func(*fleet.Fleet, context.CancelFunc){
		"the context ends": func(_ *fleet.Fleet, cancel context.CancelFunc) { cancel() },
		"a stop": func(f *fleet.Fleet, _ context.CancelFunc) {
			if err := f.Stop(context.Background(), gateway.KeepSession); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers = false
			run(t, config{shards: "1", options: options}, func(s *harness) {
				ctx, cancel := context.WithCancel(s.T.Context())
				defer cancel()
				ended := make(chan error)
				go func() { ended <- s.fleet.Run(ctx) }()
				s.Advance(time.Second)
				end(s.fleet, cancel)
				if err := <-ended; err != nil {
					t.Errorf("Run ended with: %v", err)
				}
			})
		})
	}
}

// Given three shards, then the fleet's state is online only while all that run are, and
// otherwise that of one that is not.
func TestStateIsThatOfTheWorstShard(t *testing.T) {
	run(t, config{shards: "3", guilds: 6}, func(s *harness) {
		f, ctx := s.fleet, s.T.Context()
		s.startLive(time.Minute)
		if !gateway.Online(f.State()) {
			t.Errorf("with all online: %s", f.State())
		}
		for id := range 3 {
			s.Inject(discordsim.Fault{Name: "no-hello", Count: 2})
			s.Inject(discordsim.Fault{Name: "cut", Shard: &id})
			s.Until(time.Minute, "the shard is away", func() bool { return !gateway.Online(f.Shard(id).State()) })
			if gateway.Online(f.State()) {
				t.Errorf("with shard %d away: %s", id, f.State())
			}
			s.Until(5*time.Minute, "the shard is back", func() bool { return f.Progress().Done() })
		}
		for id := range 3 {
			if err := f.Pause(ctx, id); err != nil {
				t.Fatal(err)
			}
			if online := gateway.Online(f.State()); online != (id < 2) {
				t.Errorf("with %d paused: %s", id+1, f.State())
			}
		}
	})
}
