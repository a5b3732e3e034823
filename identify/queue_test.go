package identify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Given a shard in the queue whose connection attempt is given up, when its
// context ends, then it leaves at once and those behind it move up.
//
// Statements: G-046.
func TestWaiterLeavesWithoutATrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		holder := acquire(t, l, ShardID{ID: 0, Count: 3})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			g, err := l.Acquire(ctx, ShardID{ID: 1, Count: 3}, nil)
			if g != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, %v after cancel", g, err)
			}
		})
		all.Go(func() {
			g := acquire(t, l, ShardID{ID: 2, Count: 3})
			g.Release(OutcomeUnsent)
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		began := time.Now()
		holder.Release(OutcomeUnsent)
		all.Wait()
		if d := time.Since(began); d > 100*time.Millisecond {
			t.Errorf("the one behind waited %v more", d)
		}
		if u := l.Usage(); u.Day != 0 {
			t.Errorf("%d starts in the record, none was spent", u.Day)
		}
		checkNoTrace(t, l)
	})
}

// endsAtLook is a context that ends when it is looked at once too often.
type endsAtLook struct {
	context.Context
	end   context.CancelFunc
	looks *atomic.Int64 // that are left
}

func (c endsAtLook) look() {
	if c.looks.Add(-1) == 0 {
		c.end()
	}
}

func (c endsAtLook) Err() error {
	c.look()
	return c.Context.Err()
}

func (c endsAtLook) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

// Given a shard whose context ends, at whatever place of its way to the grant, then it gets
// none and leaves none: the next one gets its grant when it would have got it anyway, and
// nothing has been spent.
//
// Statements: G-046.
func TestGivingUpAnywhereTakesNothing(t *testing.T) {
	over := make(chan struct{})
	close(over)
	giver, next := ShardID{ID: 0, Count: 2}, ShardID{ID: 1, Count: 2}
	free := func(*testing.T, *Limiter) {}
	spaced := func(t *testing.T, l *Limiter) { identify(t, l, next, OutcomeRefused) }
	for name, c := range map[string]struct {
		options func() Options
		before  func(*testing.T, *Limiter)
		waits   time.Duration
	}{
		"default":           {func() Options { return Options{} }, free, 0},
		"default, spacing":  {func() Options { return Options{Rand: middling} }, spaced, 7500 * time.Millisecond},
		"default, held key": {func() Options { return Options{} }, func(t *testing.T, l *Limiter) { acquire(t, l, next) }, Spacing},
		"default, given back": {func() Options { return Options{} }, func(t *testing.T, l *Limiter) {
			g := acquire(t, l, next)
			time.AfterFunc(time.Second, func() { g.Release(OutcomeUnsent) })
		}, time.Second},
		"held back":   {func() Options { return Options{HoldUntil: over} }, free, 0},
		"budget":      {func() Options { return Options{Total: 10} }, free, 0},
		"reserve":     {func() Options { return Options{Total: 10, Reserve: 1} }, free, 0},
		"last start":  {func() Options { return Options{Total: 1, Reserve: Never} }, free, 0},
		"last hourly": {func() Options { return Options{Hourly: 1} }, free, 0},
		"storage":     {func() Options { return Options{Storage: newDisk()} }, free, 0},
		"slow disk": {func() Options {
			d := newDisk()
			d.slow = time.Second
			return Options{Storage: d}
		}, free, time.Second},
		"asks": {func() Options {
			d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day}}
			return Options{SessionStartLimit: d.ask}
		}, free, 0},
		"asks for long": {func() Options {
			d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day}, takes: time.Second}
			return Options{SessionStartLimit: d.ask}
		}, free, time.Second},
		"other processes": {func() Options { return Options{KeyLock: newSharedKeyLock()} }, free, 0},
		"key is locked": {func() Options {
			lock := newSharedKeyLock()
			g, _ := lock.Lock(context.Background(), 0, alone)
			time.AfterFunc(time.Second, func() { g.Release(OutcomeUnsent) })
			return Options{KeyLock: lock}
		}, free, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for n, done := 2, 0; done < 2; n++ { // the next one comes later or waits with the giver
				looks, together := int64(n/2), n%2 == 1
				synctest.Test(t, func(t *testing.T) {
					l := New(c.options())
					c.before(t, l)
					spent := l.Usage().Day
					inner, cancel := context.WithCancel(t.Context())
					defer cancel()
					ctx := endsAtLook{inner, cancel, new(atomic.Int64)}
					ctx.looks.Store(looks)
					var all sync.WaitGroup
					goes := func() { acquire(t, l, next).Release(OutcomeUnsent) }
					if together {
						all.Go(goes)
					}
					g, err := l.Acquire(ctx, giver, nil)
					switch {
					case err == nil:
						done++
						g.Release(OutcomeUnsent)
					case g != nil || !errors.Is(err, context.Canceled):
						t.Errorf("look %d: got %v, %v", looks, g, err)
					case l.Usage().Day != spent:
						t.Errorf("look %d: %d starts are spent, want %d", looks, l.Usage().Day, spent)
					}
					if !together {
						all.Go(goes)
					}
					took := waited(all.Wait)
					if err != nil {
						within(t, fmt.Sprintf("look %d: wait of the next one", looks), took, 0, c.waits+startGroupDelay)
					}
					if l.opts.SessionStartLimit != nil && !l.Usage().FromDiscord {
						t.Errorf("look %d: Discord was not asked", looks)
					}
					checkNoTrace(t, l)
				})
			}
		})
	}
}

// Given a context that ends while the grant is on its way to the disk, then the
// grant is taken back and the entry forgotten.
func TestContextEndsDuringTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.slow = time.Second
		l := New(Options{Storage: d})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if g, err := l.Acquire(ctx, alone, nil); g != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, %v", g, err)
		}
		checkNoTrace(t, l)
		d.stop()
		if states := d.states(); len(states) != 1 || states[0] != Unsent {
			t.Errorf("the disk holds %v, want one void entry", states)
		}
	})
}

// A shard that has given up before it asks has lost no session by that.
func TestGivenUpBeforeLosesNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		l := New(Options{Storage: d})
		identify(t, l, alone, OutcomeReady)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if g, err := l.Acquire(ctx, alone, nil); g != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, %v", g, err)
		}
		if d.stop(); !slices.Equal(d.states(), []State{Ready}) {
			t.Errorf("the disk holds %v", d.states())
		}
	})
}

// A wait that a person should know of is announced once, with its reason and
// its end; waiting in the queue is not.
func TestWaitsAreAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Rand: middling})
		identify(t, l, ShardID{ID: 0, Count: 2}, OutcomeReady)
		g, err := l.Acquire(t.Context(), ShardID{ID: 1, Count: 2}, func(_ time.Time, why string) {
			t.Errorf("announced a place in the queue: %s", why)
		})
		if err != nil {
			t.Fatal(err)
		}
		g.Release(OutcomeUnsent)

		identify(t, l, alone, OutcomeRefused)
		time.Sleep(6 * time.Second)
		g, err = l.Acquire(t.Context(), alone, func(_ time.Time, why string) {
			t.Errorf("announced a wait of 1.5 s: %s", why)
		})
		if err != nil {
			t.Fatal(err)
		}
		g.Release(OutcomeUnsent)

		for range cheapSessions + 3 {
			identify(t, l, alone, OutcomeReady)
			l.SessionEnded(alone, time.Second)
		}
		var said []string
		var until time.Time
		g, err = l.Acquire(t.Context(), alone, func(end time.Time, why string) {
			until, said = end, append(said, why)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(said) != 1 || !strings.Contains(said[0], "13 in a row") {
			t.Errorf("announced %q, want one wait after thirteen short sessions", said)
		}
		if now := time.Now(); !until.Equal(now) {
			t.Errorf("the wait was to end %v, it ended %v", until, now)
		}
		g.Release(OutcomeUnsent)
	})
}

// Given a shard that waits for the day's starts, then a new end of the wait or a new reason
// is announced, and not that the end is a moment sooner or later.
func TestNewWaitIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: time.Hour}}
		l := New(Options{SessionStartLimit: d.ask})
		began := identify(t, l, alone, OutcomeReady)
		time.Sleep(6 * time.Minute)
		var said []string
		say := func(until time.Time, why string) {
			said = append(said, until.Sub(began).String()+" "+strings.Fields(why)[0])
		}
		d.limits.Remaining, d.limits.ResetAfter = 0, time.Hour
		for n, c := range []struct {
			remaining int
			reset     time.Duration // from the first announcement's
		}{{0, time.Second}, {0, 2 * time.Second}, {0, 2*time.Second + time.Hour}, {1, 2*time.Second + time.Hour + 24*time.Minute}} {
			time.AfterFunc(time.Duration(n+1)*6*time.Minute, func() {
				passed := time.Duration(n+1) * 6 * time.Minute
				left := time.Hour + c.reset - passed
				if c.remaining > 0 {
					// Spaced from the first start, to the same end as before.
					left = 6*time.Minute + 2*time.Hour + 2*time.Second
				}
				d.change(c.remaining, left)
				l.RefreshSessionStartLimit(context.Background())
			})
		}
		g, err := l.Acquire(t.Context(), alone, say)
		if err != nil {
			t.Fatal(err)
		}
		g.Release(OutcomeUnsent)
		if want := []string{"1h6m0s all", "1h6m2s all", "2h6m2s all", "2h6m2s only"}; !slices.Equal(said, want) {
			t.Errorf("announced %q, want %q", said, want)
		}
	})
}

// A shard whose sessions keep dying, or that could not use its grants, lets the others of its
// key go first, until a session lasts or a grant is used.
func TestFailingShardStandsBack(t *testing.T) {
	failing, other := ShardID{ID: 0, Count: 3}, ShardID{ID: 1, Count: 3}
	short := func(t *testing.T, l *Limiter, shard ShardID) {
		identify(t, l, shard, OutcomeReady)
		l.SessionEnded(shard, time.Second)
	}
	unused := func(t *testing.T, l *Limiter, shard ShardID) { acquire(t, l, shard).Release(OutcomeUnsent) }
	for name, c := range map[string]struct {
		before func(*testing.T, *Limiter)
		first  ShardID
	}{
		"none fails":    {func(*testing.T, *Limiter) {}, failing},
		"short session": {func(t *testing.T, l *Limiter) { short(t, l, failing) }, other},
		"shorter ones":  {func(t *testing.T, l *Limiter) { short(t, l, failing); short(t, l, other); short(t, l, other) }, failing},
		"unused grant":  {func(t *testing.T, l *Limiter) { unused(t, l, failing) }, other},
		"more of them":  {func(t *testing.T, l *Limiter) { unused(t, l, failing); unused(t, l, other); unused(t, l, other) }, failing},
		"of each kind":  {func(t *testing.T, l *Limiter) { unused(t, l, failing); short(t, l, other) }, failing},
		"used since": {func(t *testing.T, l *Limiter) {
			unused(t, l, failing)
			identify(t, l, failing, OutcomeReady)
			time.Sleep(settled)
		}, failing},
		"a session lasts": {func(t *testing.T, l *Limiter) {
			short(t, l, failing)
			identify(t, l, failing, OutcomeReady)
			time.Sleep(settled)
		}, failing},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Rand: middling})
			c.before(t, l)
			time.Sleep(time.Minute) // the waits of all are over
			holder := acquire(t, l, ShardID{ID: 2, Count: 3})
			var all sync.WaitGroup
			var first ShardID
			var once sync.Once
			for _, shard := range []ShardID{failing, other} {
				all.Go(func() {
					g := acquire(t, l, shard)
					once.Do(func() { first = shard })
					g.Release(OutcomeUnsent)
				})
				time.Sleep(time.Second)
			}
			holder.Release(OutcomeUnsent)
			all.Wait()
			if first != c.first {
				t.Errorf("%s: %v went first", name, first)
			}
		})
	}
}

// Shards that come and go at random for a day of virtual time: whatever they
// do, no key is used twice within five seconds, no shard identifies more than
// twenty times in an hour, and no shard is left behind.
//
// Statements: G-038.
func TestNothingLeaksInADayOfChance(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			const shards, keys = 6, 2
			l := New(Options{Total: DefaultTotal, MaxConcurrency: keys})
			var (
				mu      sync.Mutex
				byKey   [keys][]time.Time
				byShard [shards][]time.Time
				all     sync.WaitGroup
			)
			end := time.Now().Add(day)
			for id := range shards {
				all.Go(func() {
					chance := rand.New(rand.NewPCG(seed, uint64(id)))
					shard := ShardID{ID: id, Count: shards}
					for time.Now().Before(end) {
						patience := time.Duration(1+chance.IntN(90)) * time.Second
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						g, err := l.Acquire(ctx, shard, nil)
						cancel()
						if err != nil {
							continue
						}
						time.Sleep(time.Duration(chance.IntN(3000)) * time.Millisecond)
						if chance.IntN(4) == 0 {
							g.Release(OutcomeUnsent)
							continue
						}
						mu.Lock()
						g.Sent()
						byKey[id%keys] = append(byKey[id%keys], time.Now())
						byShard[id] = append(byShard[id], time.Now())
						mu.Unlock()
						time.Sleep(time.Duration(chance.IntN(2000)) * time.Millisecond)
						if chance.IntN(3) == 0 {
							g.Release(OutcomeRefused)
							continue
						}
						g.Release(OutcomeReady)
						lived := time.Duration(chance.IntN(240)) * time.Second
						time.Sleep(lived)
						if chance.IntN(2) == 0 {
							l.SessionEnded(shard, lived)
						}
					}
				})
			}
			all.Wait()
			checkNoTrace(t, l)
			for key, times := range byKey {
				if d := closest(times); d < 5*time.Second {
					t.Errorf("seed %d, key %d: two IDENTIFYs %v apart", seed, key, d)
				}
			}
			for id, times := range byShard {
				if n := mostWithin(times, time.Hour); n > 20 {
					t.Errorf("seed %d, shard %d: %d IDENTIFYs in an hour", seed, id, n)
				}
				if len(times) == 0 {
					t.Errorf("seed %d, shard %d never identified", seed, id)
				}
			}
		})
	}
}
