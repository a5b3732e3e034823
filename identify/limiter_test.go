package identify

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a limiter with the zero Options, when more shards start than a day has
// session starts by default, then only the spacing holds them up.
func TestZeroOptionsHaveNoBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards = DefaultTotal + 10
		l := New(Options{})
		took := waited(func() {
			for id := range shards {
				identify(t, l, ShardID{ID: id, Count: shards}, OutcomeReady)
			}
		})
		within(t, "start of all", took, (shards-1)*Spacing, shards*Spacing)
		if u := l.Usage(); u.Day != shards || u.Total != 0 || u.Remaining != 0 {
			t.Errorf("usage %+v", u)
		}
	})
}

// Given a limiter without a budget, when nothing answers its IDENTIFYs for six
// hours, then the waits between them grow beyond those that a budget bounds.
//
// Statements: G-084.
func TestBackoffBoundsRefusalsWithoutABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Rand: middling})
		began := time.Now()
		var times []time.Time
		for time.Since(began) < 6*time.Hour {
			times = append(times, identify(t, l, alone, OutcomeRefused))
		}
		if n := len(times); n > 30 {
			t.Errorf("%d IDENTIFYs were spent in six hours", n)
		}
		within(t, "last wait", times[len(times)-1].Sub(times[len(times)-2]), 17*time.Minute, 23*time.Minute)
	})
}

// Given credentials that are being checked, then no grant is given before the
// check is over, or before it has taken ten seconds.
func TestIdentifyIsHeldUntilTheChecksAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		l := New(Options{HoldUntil: over})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		within(t, "a shard that gives up", waited(func() {
			if g, err := l.Acquire(ctx, alone, nil); g != nil || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, %v", g, err)
			}
		}), time.Second, time.Second)
		within(t, "start during a check without end", waited(func() { identify(t, l, alone, OutcomeReady) }), holdTimeout, holdTimeout)

		time.Sleep(settled)
		l.SessionEnded(alone, settled)
		var all sync.WaitGroup
		all.Go(func() {
			within(t, "start", waited(func() { identify(t, l, alone, OutcomeReady) }), 3*time.Second, 3*time.Second)
		})
		time.Sleep(3 * time.Second)
		close(over)
		all.Wait()
		checkNoTrace(t, l)
	})
}
