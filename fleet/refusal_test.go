package fleet_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

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
	run(t, config{shards: "2", guilds: 4}, func(s *harness) {
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
		if l := f.Latency(); l != (f.Shard(0).Latency()+f.Shard(1).Latency())/2 {
			t.Errorf("the mean round trip is %s", l)
		}
		if err := f.Run(ctx); err == nil {
			t.Error("it was started twice")
		}
		refused("SetPresence", f.SetPresence(gateway.Presence{Status: "nonsense"}), "nonsense")
		refused("Reconfigure", f.Reconfigure(gateway.Credentials{}), "token")
		each(2, fleet.ErrNoShard.Error())
		out, err := f.MoveOut(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		each(1, "moved out")
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
