package fleet

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// Eight dials leave at once after a quiet time, and the others at an even rate, which
// follows the number of shards unless the operator has set one.
func TestDialsLeaveAtAnEvenRate(t *testing.T) {
	for _, c := range []struct {
		name     string
		rate     float64
		shards   int // 0: never told
		interval time.Duration
	}{
		{"before the shards are known", 0, 0, 25 * time.Millisecond},
		{"few shards", 0, 16, 25 * time.Millisecond},
		{"many shards", 0, 300, 10 * time.Millisecond},
		{"a rate of the operator's", 2, 300, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newDialLimiter(nil, c.rate)
				if c.shards > 0 {
					l.setShards(c.shards)
				}
				for range 2 { // the second time after a quiet time
					for n := range dialBurst + 3 {
						want := time.Duration(max(0, n-dialBurst+1)) * c.interval
						if got := max(0, l.reserve(time.Now())); got != want {
							t.Errorf("dial %d leaves after %s, want %s", n+1, got, want)
						}
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// Given a fleet, when a shard moves in, then the rate of the dials follows their number; once
// the fleet has been stopped none moves in.
func TestRateOfDialsFollowsTheNumberOfShards(t *testing.T) {
	f, err := New(Options{
		Shard:    gateway.Options{Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("wss://x.example")},
		Assigner: Assignment{Count: 301, IDs: All(300).IDs},
	})
	if err != nil {
		t.Fatal(err)
	}
	follows := func(shards int) {
		t.Helper()
		if got, want := f.dialLimiter.interval, time.Duration(float64(time.Second)/(float64(shards)/dialSpread)); got != want {
			t.Errorf("of %d shards one is dialled every %s, want %s", shards, got, want)
		}
	}
	if _, err := f.Assign(t.Context()); err != nil {
		t.Fatal(err)
	}
	follows(300)
	if err := f.MoveIn(t.Context(), Handover{Shard: gateway.ShardID{ID: 300, Count: 301}}); err != nil {
		t.Fatal(err)
	}
	follows(301)
	f.life.Stop()
	for _, id := range []int{299, 300} {
		if err := f.MoveIn(t.Context(), Handover{Shard: gateway.ShardID{ID: id, Count: 301}}); !errors.Is(err, ErrStopped) {
			t.Errorf("shard %d moves into a fleet that has been stopped: %v", id, err)
		}
	}
}
