package fleet

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
)

// Each shard stands under what it does, and a person reads it.
func TestProgressCountsEachShardWhereItBelongs(t *testing.T) {
	for _, c := range []struct {
		name   string
		status ShardStatus
		want   string
	}{
		{"paused", ShardStatus{Mode: Paused, State: gateway.Stopped{}}, "0 of 0 shards online, 1 paused"},
		{"moved out", ShardStatus{Mode: MovedOut, State: gateway.Stopped{}}, "0 of 0 shards online, 1 moved out"},
		{"refused", ShardStatus{Mode: Running, State: gateway.Parked{}}, "0 of 1 shards online, 1 parked"},
		{"resuming", ShardStatus{Mode: Running, State: gateway.Resuming{}}, "0 of 1 shards online, 1 resuming"},
		{"identifying", ShardStatus{Mode: Running, State: gateway.Identifying{}}, "0 of 1 shards online, 1 identifying"},
		{"connecting to resume", ShardStatus{Mode: Running, State: gateway.Connecting{Resuming: true}}, "0 of 1 shards online, 1 resuming"},
		{"connecting to identify", ShardStatus{Mode: Running, State: gateway.Connecting{}}, "0 of 1 shards online, 1 identifying"},
		{"waiting for its turn", ShardStatus{Mode: Running, State: gateway.Waiting{Failures: 1}, Queued: true, Resumes: true}, "0 of 1 shards online, 1 queued"},
		{"waiting after a failure", ShardStatus{Mode: Running, State: gateway.Waiting{Failures: 1}, Resumes: true}, "0 of 1 shards online, 1 failing"},
		{"waiting to resume", ShardStatus{Mode: Running, State: gateway.Waiting{}, Resumes: true}, "0 of 1 shards online, 1 resuming"},
		{"not started", ShardStatus{Mode: Running, State: gateway.Idle{}}, "0 of 1 shards online, 1 queued"},
	} {
		var p Progress
		p.count(c.status)
		if got := p.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// limiter grants nothing before it is told to, and announces that it will in a minute.
type limiter struct {
	grant chan error
}

func (l limiter) Acquire(ctx context.Context, _ gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	announce(time.Now().Add(time.Minute), "the budget")
	select {
	case err := <-l.grant:
		return sentGrant{sent: err == nil}, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (limiter) SessionEnded(gateway.ShardID, time.Duration) {}

type sentGrant struct {
	identify.Grant
	sent bool
}

func (g sentGrant) Sent() bool { return g.sent }

// Given a limiter that says when it will grant, then the list tells which shards wait and
// for how long, as long as they do, and afterwards that the key is in use.
func TestWaitlistKnowsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter{make(chan error)}
		var granted, announced int
		w := newWaitlist(l, func(gateway.ShardID) { granted++ })
		shard := gateway.ShardID{ID: 1, Count: 2}
		wants := func(when string, waits bool, want time.Duration) {
			t.Helper()
			waiting, remaining := w.queued(time.Now())
			if waiting[shard] != waits || remaining != want {
				t.Errorf("%s: waits %v, %s to go; want %v, %s", when, waiting[shard], remaining, waits, want)
			}
		}
		acquire := func(answer error) (grant identify.Grant) {
			t.Helper()
			done := make(chan struct{})
			go func() {
				defer close(done)
				var err error
				if grant, err = w.Acquire(t.Context(), shard, func(time.Time, string) { announced++ }); !errors.Is(err, answer) {
					t.Errorf("it was told %v, want %v", err, answer)
				}
			}()
			synctest.Wait()
			wants("in line", true, time.Minute)
			l.grant <- answer
			<-done
			wants("out of line", false, 0)
			return grant
		}
		acquire(errors.New("refused"))
		if granted != 0 || announced != 1 {
			t.Errorf("after a refusal: %d granted, %d announced", granted, announced)
		}
		if g := acquire(nil); !g.Sent() || granted != 1 {
			t.Errorf("after a grant: %d granted", granted)
		}
		if other := (&notedGrant{sentGrant{}, w, shard}); other.Sent() {
			t.Error("a grant that was given back is used")
		}
		time.Sleep(time.Second)
		if other := (&notedGrant{sentGrant{}, w, shard}); other.Sent() {
			t.Error("a grant that was given back is used")
		}
		w.add(gateway.ShardID{ID: 0, Count: 2}, time.Time{})
		if _, remaining := w.queued(time.Now()); remaining != identify.Spacing-time.Second {
			t.Errorf("a second after an IDENTIFY the next may go in %s", remaining)
		}
	})
}
