package fleet

import (
	"context"
	"errors"
	"testing"

	"evergreen/gateway"
)

// Given an assignment that is being asked for, then who asks too waits no longer than its
// context.
func TestAssignWaitsNoLongerThanItsContext(t *testing.T) {
	f, err := New(Options{Shard: gateway.Options{Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("wss://x.example")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.assigning.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if a, err := f.Assign(ended); !errors.Is(err, context.Canceled) || !a.Auto() {
		t.Errorf("assigned %s, %v", a, err)
	}
	f.assigning.unlock()
	if a, err := f.Assign(ended); err != nil || a.String() != "1" {
		t.Errorf("then assigned %s, %v", a, err)
	}
}

// Given a fleet that does not know its shards yet, then it tells so of each, and takes no
// credentials without a token; its assigner is asked once.
func TestFleetThatDoesNotKnowItsShards(t *testing.T) {
	asked := 0
	f, err := New(Options{
		Shard: gateway.Options{Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("wss://x.example")},
		Assigner: AssignerFunc(func(context.Context) (Assignment, error) {
			asked++
			return Assignment{Count: 3, IDs: []int{1}}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.Shard(0) != nil || f.ShardFor(0) != nil || len(f.Shards()) != 0 || !f.Assignment().Auto() || f.Stats() != (gateway.Stats{}) || f.Latency() != 0 {
		t.Errorf("it has shards: %s", f.Assignment())
	}
	if _, idle := f.State().(gateway.Idle); !idle {
		t.Errorf("the state is %s", f.State())
	}
	if err := f.Send(t.Context(), 0, gateway.OpRequestGuildMembers, nil); !errors.Is(err, ErrNoShard) {
		t.Errorf("sending: %v", err)
	}
	if err := f.Reconfigure(gateway.Credentials{}); err == nil {
		t.Error("no token is taken for one")
	}
	moveIn := func(id, count int) error {
		return f.MoveIn(t.Context(), Handover{Shard: gateway.ShardID{ID: id, Count: count}})
	}
	if err := moveIn(0, 3); err == nil {
		t.Error("a shard moved in")
	}
	for range 2 {
		if a, err := f.Assign(t.Context()); err != nil || a.String() != "1/3" || asked != 1 {
			t.Errorf("assigned %s after %d questions: %v", a, asked, err)
		}
	}
	for _, id := range []gateway.ShardID{{ID: -1, Count: 3}, {ID: 3, Count: 3}, {ID: 0, Count: 4}, {ID: 1, Count: 3}} {
		if err := moveIn(id.ID, id.Count); err == nil {
			t.Errorf("shard %s moved in", id)
		}
	}
	if err := moveIn(0, 3); err != nil || f.Assignment().String() != "0-1/3" {
		t.Errorf("the fleet runs %s: %v", f.Assignment(), err)
	}
}
