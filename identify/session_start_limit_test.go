package identify

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Every number of an answer is brought within sense; one whose total makes none is ignored.
func TestAnswerIsBounded(t *testing.T) {
	for _, c := range []struct {
		told, want SessionStartLimit
		ok         bool
	}{
		{SessionStartLimit{1000, 999, time.Hour, 16, time.Time{}}, SessionStartLimit{1000, 999, time.Hour, 16, time.Time{}}, true},
		{SessionStartLimit{1000, 1001, 25 * time.Hour, 0, time.Time{}}, SessionStartLimit{1000, 1000, day, 1, time.Time{}}, true},
		{SessionStartLimit{1, -1, -1, 1 << 40, time.Time{}}, SessionStartLimit{1, 0, 0, 256, time.Time{}}, true},
		{SessionStartLimit{0, 0, time.Hour, 16, time.Time{}}, SessionStartLimit{}, false},
		{SessionStartLimit{1_000_001, 5, time.Hour, 16, time.Time{}}, SessionStartLimit{}, false},
	} {
		if got, ok := c.told.Bounded(); got != c.want || ok != c.ok {
			t.Errorf("%+v became %+v, %v", c.told, got, ok)
		}
	}
}

// Discord is asked when its answer is older than five minutes, by when that was made, and
// half a minute after it was last asked; never for a shard that has given up.
//
// Statements: G-003.
func TestWhenDiscordIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day}}
		l := New(Options{SessionStartLimit: d.ask})
		ask := func(after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			if l.RefreshSessionStartLimit(t.Context()); d.asked != want {
				t.Fatalf("asked %d times, want %d", d.asked, want)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 { // whichever of two ways is taken
			l.RefreshSessionStartLimit(ended)
		}
		if d.asked != 0 {
			t.Errorf("asked %d times by one that had given up", d.asked)
		}
		ask(0, 1)
		ask(maxLimitAge, 1)
		ask(1, 2)
		d.err = errDisk
		ask(maxLimitAge+1, 3)
		ask(refreshInterval, 3)
		ask(1, 4)
		d.err, d.limits.At = nil, time.Now()
		ask(3*time.Minute, 5)
		ask(2*time.Minute, 5)
		ask(1, 6)
		d.limits.At, d.limits.Total = time.Time{}, 0 // no answer
		ask(maxLimitAge, 7)
		ask(refreshInterval+1, 8)
		if u := l.Usage(); u.Total != 1000 {
			t.Errorf("an answer without sense is believed: %+v", u)
		}

		// An answer counts although the one who asked has given up when it comes.
		time.Sleep(maxLimitAge + 1)
		asks, cancel := context.WithCancel(t.Context())
		defer cancel()
		l = New(Options{SessionStartLimit: func(context.Context) (SessionStartLimit, error) {
			cancel()
			return SessionStartLimit{Total: 1000, Remaining: 7, ResetAfter: day}, nil
		}})
		l.RefreshSessionStartLimit(asks)
		if u := l.Usage(); u.Remaining != 7 {
			t.Errorf("usage %+v", u)
		}
	})
}

// Discord is not asked while a shard waits for its backoff, only before its start is decided.
func TestDiscordIsLeftAloneDuringABackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day}}
		l := New(Options{SessionStartLimit: d.ask, Rand: middling})
		for range cheapSessions + 7 {
			identify(t, l, alone, OutcomeReady)
			l.SessionEnded(alone, time.Second)
		}
		time.Sleep(6 * time.Minute)
		asked := d.asked
		time.AfterFunc(7*time.Minute, func() { l.SessionEnded(ShardID{ID: 1, Count: 2}, time.Second) })
		identify(t, l, alone, OutcomeReady)
		if d.asked -= asked; d.asked != 2 {
			t.Errorf("asked %d times, want twice: at the start of the wait and at its end", d.asked)
		}
	})
}

// Given a shard that waits for the reset of an empty or a small budget, when a later answer
// says that more starts are left, then it goes at once; if something wakes it, it asks by
// itself.
func TestBetterAnswerEndsTheWait(t *testing.T) {
	for _, remaining := range []int{0, 50} {
		for _, asks := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day}}
				l := New(Options{SessionStartLimit: d.ask})
				identify(t, l, alone, OutcomeRefused)
				time.Sleep(6 * time.Minute)
				d.limits.Remaining = remaining
				time.AfterFunc(10*time.Minute, func() {
					if d.change(1000, day); asks {
						l.SessionEnded(ShardID{ID: 1, Count: 2}, time.Second)
					} else {
						l.RefreshSessionStartLimit(context.Background())
					}
				})
				within(t, fmt.Sprintf("wait with %d left", remaining), waited(func() { identify(t, l, alone, OutcomeReady) }), 10*time.Minute, 10*time.Minute)
			})
		}
	}
}

// A Discord that does not answer costs a start five seconds, once in half a
// minute, and no more.
func TestSilentDiscordDoesNotStopStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{takes: time.Hour}
		l := New(Options{SessionStartLimit: d.ask, MaxConcurrency: 4})
		within(t, "first start", waited(func() { identify(t, l, ShardID{ID: 0, Count: 4}, OutcomeReady) }), askTimeout, askTimeout)
		if d := waited(func() { identify(t, l, ShardID{ID: 1, Count: 4}, OutcomeReady) }); d != 0 {
			t.Errorf("the next start waited %v", d)
		}
		time.Sleep(refreshInterval + time.Second)
		within(t, "start after the pause", waited(func() { identify(t, l, ShardID{ID: 2, Count: 4}, OutcomeReady) }), askTimeout, askTimeout+Spacing)
		if d.asked != 2 {
			t.Errorf("asked %d times", d.asked)
		}
	})
}

// An answer of Discord is good for five minutes; then it is asked anew before a
// start is decided.
//
// Statements: G-003.
func TestOldAnswerIsNotDecidedBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day, MaxConcurrency: 1}}
		l := New(Options{SessionStartLimit: d.ask})
		identify(t, l, alone, OutcomeReady)
		time.Sleep(4 * time.Minute)
		identify(t, l, alone, OutcomeReady)
		if d.asked != 1 {
			t.Errorf("asked %d times within five minutes", d.asked)
		}
		time.Sleep(2 * time.Minute)
		d.limits.Remaining = 500
		identify(t, l, alone, OutcomeReady)
		if u := l.Usage(); d.asked != 2 || u.Remaining != 499 {
			t.Errorf("asked %d times, usage %+v", d.asked, u)
		}
	})
}

// The concurrency keys are those of Discord's last answer, or of the Options where it tells
// none.
func TestConcurrencyKeysFollowTheAnswer(t *testing.T) {
	for told, want := range map[int]int{0: 4, 1: 1, 16: 16, 1000: 256} {
		synctest.Test(t, func(t *testing.T) {
			d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day, MaxConcurrency: told}}
			l := New(Options{MaxConcurrency: 4, SessionStartLimit: d.ask})
			if keys, spacing := l.Pace(); keys != 4 || spacing != Spacing {
				t.Errorf("%d keys, %v apart before the answer", keys, spacing)
			}
			var all sync.WaitGroup
			for id := range 8 {
				all.Go(func() { identify(t, l, ShardID{ID: id, Count: 8}, OutcomeReady) })
			}
			took := waited(all.Wait)
			if keys, _ := l.Pace(); keys != want {
				t.Errorf("told %d: %d keys, want %d", told, keys, want)
			}
			rounds := time.Duration((8+want-1)/want - 1)
			within(t, fmt.Sprintf("start of 8 shards with %d keys", want), took, rounds*Spacing, rounds*Spacing+startGroupDelay)
			if d.asked != 1 {
				t.Errorf("Discord was asked %d times by eight shards", d.asked)
			}
		})
	}
}
