package identify

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given sixteen shards that start at once and one concurrency key, they are
// served one by one, in the order of their ids, no two closer than Discord's
// five seconds.
//
// Statements: G-038, G-123.
func TestShardsOfOneKeyAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		var (
			mu    sync.Mutex
			order []int
			times []time.Time
			all   sync.WaitGroup
		)
		for _, id := range []int{7, 3, 15, 0, 9, 1, 14, 2, 8, 4, 13, 5, 12, 6, 11, 10} {
			all.Go(func() {
				g := acquire(t, l, ShardID{ID: id, Count: 16})
				time.Sleep(200 * time.Millisecond) // dial and HELLO
				g.Sent()
				mu.Lock()
				order, times = append(order, id), append(times, time.Now())
				mu.Unlock()
				g.Release(OutcomeReady)
			})
		}
		all.Wait()
		if !slices.IsSorted(order) {
			t.Errorf("served in the order %v", order)
		}
		if d := closest(times); d < 5*time.Second {
			t.Errorf("two IDENTIFYs only %v apart", d)
		}
		within(t, "start of 16 shards", times[15].Sub(times[0]), 75*time.Second, 90*time.Second)
		checkNoTrace(t, l)
	})
}

// Given four concurrency keys and twelve shards that start at once, four
// identify together, group after group.
//
// Statements: G-038, G-039.
func TestBucketsIdentifyTogetherAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{MaxConcurrency: 4})
		var (
			mu   sync.Mutex
			sent = map[int]time.Duration{}
			all  sync.WaitGroup
		)
		began := time.Now()
		for id := 11; id >= 0; id-- {
			all.Go(func() {
				g := acquire(t, l, ShardID{ID: id, Count: 12})
				time.Sleep(time.Duration(100+id) * time.Millisecond)
				g.Sent()
				mu.Lock()
				sent[id] = time.Since(began)
				mu.Unlock()
				g.Release(OutcomeReady)
			})
		}
		all.Wait()
		for group := range 3 {
			var first, last time.Duration
			for key := range 4 {
				at := sent[4*group+key]
				if key == 0 || at < first {
					first = at
				}
				last = max(last, at)
				if group > 0 {
					if apart := at - sent[4*(group-1)+key]; apart < 5*time.Second {
						t.Errorf("key %d: %v between two IDENTIFYs", key, apart)
					}
				}
			}
			if last-first > time.Second {
				t.Errorf("group %d took %v to identify: its shards did not go together", group, last-first)
			}
			if group > 0 && first <= sent[4*group-1] {
				t.Errorf("group %d began before the one before it was done", group)
			}
		}
	})
}

// Given a shard of the first start group that has its grant and hangs in its dial,
// when five seconds have passed, then the other keys stop waiting for it.
func TestOneSlowDialDoesNotHoldUpOtherKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{MaxConcurrency: 2})
		slow := acquire(t, l, ShardID{ID: 0, Count: 4})
		within(t, "wait behind a slow dial", waited(func() {
			identify(t, l, ShardID{ID: 3, Count: 4}, OutcomeReady)
		}), dialPatience, dialPatience+time.Second)
		slow.Release(OutcomeUnsent)
	})
}

// The time that counts is when an IDENTIFY left, not when it was allowed: a
// grant that was held for a while pushes the next one back.
//
// Statements: G-038.
func TestSpacingCountsFromTheIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{MaxConcurrency: 1})
		first := acquire(t, l, ShardID{ID: 0, Count: 2})
		go func() {
			time.Sleep(4 * time.Second)
			first.Sent()
		}()
		began := time.Now()
		second := acquire(t, l, ShardID{ID: 1, Count: 2})
		within(t, "second grant", time.Since(began), 9*time.Second, 10*time.Second)
		second.Release(OutcomeUnsent)
		first.Release(OutcomeReady)
		checkNoTrace(t, l)
	})
}

// Given a shard that has its grant and cannot connect, when the next one of its
// key waits, then that one goes ahead after no more time than an IDENTIFY would
// have cost it, and the first finds its grant expired: nothing may be sent.
//
// Statements: G-038, G-122.
func TestStuckShardDelaysNoOther(t *testing.T) {
	for name, options := range map[string]func() Options{
		"one process":     func() Options { return Options{MaxConcurrency: 1} },
		"other processes": func() Options { return Options{MaxConcurrency: 1, KeyLock: newSharedKeyLock()} },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(options())
			stuck := acquire(t, l, ShardID{ID: 0, Count: 2})
			within(t, name+": wait behind a stuck shard", waited(func() {
				identify(t, l, ShardID{ID: 1, Count: 2}, OutcomeReady)
			}), Spacing, Spacing+100*time.Millisecond)
			if stuck.Sent() {
				t.Errorf("%s: the grant was good although another shard had gone ahead", name)
			}
			stuck.Release(OutcomeUnsent)
			if u := l.Usage(); u.Day != 1 {
				t.Errorf("%s: %d starts are spent, want 1", name, u.Day)
			}
			within(t, name+": second try", waited(func() {
				identify(t, l, ShardID{ID: 0, Count: 2}, OutcomeReady)
			}), Spacing-100*time.Millisecond, Spacing+100*time.Millisecond)
			checkNoTrace(t, l)
		})
	}
}

// Given a connection that fails before its IDENTIFY, when its grant comes back,
// then the next in line goes at once and nothing has been spent.
//
// Statements: G-046.
func TestUnsentGrantCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: DefaultTotal})
		for range 50 {
			g := acquire(t, l, alone)
			time.Sleep(10 * time.Millisecond)
			g.Release(OutcomeUnsent)
			g.Release(OutcomeReady) // a second time changes nothing
			g.Sent()
		}
		if d := waited(func() { identify(t, l, alone, OutcomeReady) }); d != 0 {
			t.Errorf("50 failed dials delayed the next start by %v", d)
		}
		if u := l.Usage(); u.Day != 1 || u.Remaining != 999 {
			t.Errorf("usage %+v, want one start spent", u)
		}
		checkNoTrace(t, l)
	})
}

// Three grants of three keys come back in every order, with and without an
// IDENTIFY: afterwards nothing is left behind and every key works.
//
// Statements: G-046.
func TestGrantsComeBackInEveryOrder(t *testing.T) {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	outcomes := []Outcome{OutcomeUnsent, OutcomeRefused, OutcomeReady}
	for _, order := range orders {
		for mask := range 27 {
			synctest.Test(t, func(t *testing.T) {
				l := New(Options{MaxConcurrency: 3})
				grants := make([]Grant, 3)
				for id := range grants {
					grants[id] = acquire(t, l, ShardID{ID: id, Count: 3})
				}
				spent := 0
				for at, id := range order {
					outcome := outcomes[mask/[]int{1, 3, 9}[at]%3]
					if outcome != OutcomeUnsent {
						grants[id].Sent()
						spent++
					}
					grants[id].Release(outcome)
				}
				checkNoTrace(t, l)
				if u := l.Usage(); u.Day != spent {
					t.Errorf("order %v, outcomes %d: %d starts in the record, %d were spent", order, mask, u.Day, spent)
				}
				for id := range grants {
					d := waited(func() { identify(t, l, ShardID{ID: id, Count: 3}, OutcomeReady) })
					within(t, "next start of a key", d, 0, 11*time.Second)
				}
			})
		}
	}
}

// A grant ends once: what is said of it afterwards changes nothing.
func TestGrantEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		l := New(Options{Storage: d, Rand: middling})
		g := acquire(t, l, alone)
		g.Sent()
		g.Release(OutcomeReady)
		for range 5 {
			g.Release(OutcomeRefused)
		}
		if d.stop(); !slices.Equal(d.states(), []State{Ready}) {
			t.Errorf("the disk holds %v", d.states())
		}
		within(t, "next start", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
	})
}

// An IDENTIFY that is said to be unsent after it was handed to the socket may
// have left all the same: it counts.
func TestSentCountsWhateverIsSaidLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		g := acquire(t, l, alone)
		g.Sent()
		g.Sent()
		g.Release(OutcomeUnsent)
		if u := l.Usage(); u.Day != 1 {
			t.Errorf("%d starts in the record, want 1", u.Day)
		}
		within(t, "next start", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, 11*time.Second)
	})
}
