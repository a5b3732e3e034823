package identify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sharedKeyLock is a KeyLock in memory, for several limiters of one bot.
type sharedKeyLock struct {
	mu   sync.Mutex
	held map[int]bool
	free map[int]time.Time // when a key may be used again
	lost bool              // every lock is lost before it is used
	// freed, if set, is called when a key is free again.
	freed func()
}

func newSharedKeyLock() *sharedKeyLock {
	return &sharedKeyLock{held: map[int]bool{}, free: map[int]time.Time{}}
}

func (s *sharedKeyLock) Lock(ctx context.Context, key int, _ ShardID) (Grant, error) {
	for {
		s.mu.Lock()
		if !s.held[key] && !s.free[key].After(time.Now()) {
			s.held[key] = true
			s.mu.Unlock()
			return &sharedGrant{s, key}, nil
		}
		s.mu.Unlock()
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type sharedGrant struct {
	lock *sharedKeyLock
	key  int
}

func (g *sharedGrant) Sent() bool {
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	g.lock.free[g.key] = time.Now().Add(Spacing)
	return !g.lock.lost
}

func (g *sharedGrant) Release(Outcome) {
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	if g.lock.held[g.key] = false; g.lock.freed != nil {
		g.lock.freed()
	}
}

// Given two processes that run eight shards of one bot each, when all start at
// once, then no two IDENTIFYs of a key leave within five seconds of each other.
//
// Statements: G-038.
func TestProcessesShareTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, shards = 2, 16
		lock := newSharedKeyLock()
		limiters := []*Limiter{New(Options{MaxConcurrency: keys, KeyLock: lock}), New(Options{MaxConcurrency: keys, KeyLock: lock})}
		var (
			mu    sync.Mutex
			byKey [keys][]time.Time
			all   sync.WaitGroup
		)
		began := time.Now()
		for id := range shards {
			all.Go(func() {
				g := acquire(t, limiters[id/(shards/2)], ShardID{ID: id, Count: shards})
				time.Sleep(200 * time.Millisecond) // dial and HELLO
				mu.Lock()
				if !g.Sent() {
					t.Errorf("the grant of shard %d has expired", id)
				}
				byKey[id%keys] = append(byKey[id%keys], time.Now())
				mu.Unlock()
				g.Release(OutcomeReady)
			})
		}
		all.Wait()
		for key, times := range byKey {
			if d := closest(times); d < 5*time.Second {
				t.Errorf("key %d: two IDENTIFYs only %v apart", key, d)
			}
		}
		within(t, "start of 16 shards", time.Since(began), 7*Spacing, 8*(Spacing+300*time.Millisecond))
		for _, l := range limiters {
			checkNoTrace(t, l)
		}
	})
}

// Given another process that holds the key, when the context of the shard that
// waits for it ends, then nothing is left behind and the next shard gets the key.
func TestKeyLockThatIsNotHadCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := newSharedKeyLock()
		other := acquire(t, New(Options{KeyLock: lock}), ShardID{ID: 0, Count: 3})
		l := New(Options{KeyLock: lock})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if g, err := l.Acquire(ctx, ShardID{ID: 1, Count: 3}, nil); g != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", g, err)
		}
		checkNoTrace(t, l)
		other.Release(OutcomeUnsent)
		within(t, "next start", waited(func() { identify(t, l, ShardID{ID: 2, Count: 3}, OutcomeReady) }), 0, time.Second)
		if u := l.Usage(); u.Day != 1 {
			t.Errorf("%d starts in the record, want 1", u.Day)
		}
	})
}

// brokenKeyLock cannot lock anything.
type brokenKeyLock struct{}

func (brokenKeyLock) Lock(context.Context, int, ShardID) (Grant, error) { return nil, errDisk }

// Given a key that cannot be locked, then nothing may be sent, the error says why, and
// nothing is left behind.
func TestKeyThatCannotBeLockedIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{KeyLock: brokenKeyLock{}})
		for range 3 {
			if g, err := l.Acquire(t.Context(), alone, nil); g != nil || !errors.Is(err, errDisk) {
				t.Errorf("got %v, %v", g, err)
			}
			checkNoTrace(t, l)
		}
	})
}

// Given shards of one limiter that wait for other processes to free a key, then those of
// other keys go meanwhile, and the next of the same key only [Spacing] after the first.
//
// Statements: G-038.
func TestLockedKeyHoldsUpItsOwnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := newSharedKeyLock()
		held, _ := lock.Lock(t.Context(), 0, ShardID{ID: 2, Count: 6})
		time.AfterFunc(time.Minute, func() { held.Release(OutcomeUnsent) })
		l := New(Options{MaxConcurrency: 2, KeyLock: lock})
		var all sync.WaitGroup
		for id, want := range map[int]time.Duration{0: time.Minute, 1: 0, 4: time.Minute + Spacing} {
			all.Go(func() {
				began := time.Now()
				g := acquire(t, l, ShardID{ID: id, Count: 6})
				within(t, fmt.Sprintf("shard %d", id), time.Since(began), want, want+startGroupDelay)
				if id == 0 {
					time.Sleep(time.Hour) // it hangs in its dial
				}
				g.Release(OutcomeUnsent)
			})
		}
		all.Wait()
		checkNoTrace(t, l)
	})
}

// Given a lock that is lost while the shard connects, then nothing may be sent
// and nothing has been spent.
func TestLostKeyLockSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := newSharedKeyLock()
		lock.lost = true
		l := New(Options{KeyLock: lock})
		g := acquire(t, l, alone)
		if g.Sent() {
			t.Error("the grant was good although the lock was lost")
		}
		g.Release(OutcomeUnsent)
		if u := l.Usage(); u.Day != 0 {
			t.Errorf("%d starts in the record, want none", u.Day)
		}
		checkNoTrace(t, l)
	})
}
