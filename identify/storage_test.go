package identify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a process that identified and was killed, when the next one starts at
// once, then it waits for what is left of the five seconds.
//
// Statements: G-038, G-040, G-153.
func TestSpacingOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		first := identify(t, New(Options{Storage: d}), alone, OutcomeReady)
		d.stop()
		time.Sleep(time.Second)
		second := identify(t, New(Options{Storage: d, Rand: middling}), alone, OutcomeReady)
		within(t, "between the two", second.Sub(first), 5*time.Second, 11*time.Second)
		if u := New(Options{Storage: d}).Usage(); u.Day != 0 {
			t.Errorf("usage before anything was read: %+v", u)
		}
		third := New(Options{Storage: d})
		if err := third.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.stop()
		if u := third.Usage(); u.Day != 2 || u.Remaining != 998 {
			t.Errorf("usage of the third process: %+v", u)
		}
	})
}

// An IDENTIFY is on the disk before the shard may send it, so that no crash can
// hide one.
//
// Statements: G-040.
func TestNoCrashHidesAnIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		g := acquire(t, New(Options{Storage: d}), alone)
		g.Sent()
		d.crash() // what came after the grant is lost
		if states := d.states(); len(states) != 1 || states[0] != Granted {
			t.Fatalf("the disk holds %v, want one grant", states)
		}
		next := New(Options{Storage: d, Rand: middling})
		if err := next.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if u := next.Usage(); u.Day != 1 {
			t.Errorf("usage %+v, want the lost IDENTIFY counted", u)
		}
		within(t, "next start", waited(func() { identify(t, next, alone, OutcomeReady) }), Spacing, 11*time.Second)
	})
}

// Given a process that crashes right after an IDENTIFY of which only the grant is on the
// disk, however long the grant was held, then the next process identifies at least five
// seconds after it, and no later than it must; other keys do not wait for it.
//
// Statements: G-038, G-040, G-153.
func TestLateIdentifyOfACrashKeepsTheSpacing(t *testing.T) {
	shard, sameKey, otherKey := ShardID{ID: 0, Count: 4}, ShardID{ID: 2, Count: 4}, ShardID{ID: 1, Count: 4}
	for _, held := range []time.Duration{0, 200 * time.Millisecond, 4 * time.Second, 14 * time.Second, 30 * time.Second, 59 * time.Second} {
		for _, down := range []time.Duration{0, 2 * time.Second, 10 * time.Second} {
			for n, next := range []ShardID{shard, sameKey, shard} {
				synctest.Test(t, func(t *testing.T) {
					d := newDisk()
					options := Options{Storage: d, MaxConcurrency: 2, Rand: middling}
					locked := options
					if n == 2 { // another process holds the key before, for longer than a grant is believed
						lock := newSharedKeyLock()
						before, _ := lock.Lock(t.Context(), 0, shard)
						time.AfterFunc(maxGrantAge+time.Second, func() { before.Release(OutcomeUnsent) })
						locked.KeyLock = lock
					}
					g := acquire(t, New(locked), shard)
					time.Sleep(held)
					if !g.Sent() {
						t.Fatal("the grant has expired")
					}
					sent := time.Now()
					d.crash()
					time.Sleep(down)
					l := New(options)
					if d := waited(func() { identify(t, l, otherKey, OutcomeReady) }); d != 0 {
						t.Errorf("held for %v, down for %v: another key waited %v", held, down, d)
					}
					at := identify(t, l, next, OutcomeReady).Sub(sent)
					most := down + Spacing
					if next != shard {
						most += dialPatience // its start group is the second
					}
					within(t, "from the lost IDENTIFY to the next", at, 5*time.Second, most)
				})
			}
		}
	}
}

// The disk hears of every step of an IDENTIFY.
//
// Statements: G-040.
func TestDiskHearsOfEveryStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		l := New(Options{Storage: d})
		identify(t, l, alone, OutcomeRefused)
		acquire(t, l, alone).Release(OutcomeUnsent)
		identify(t, l, alone, OutcomeReady)
		time.Sleep(3 * time.Minute)
		l.SessionEnded(alone, 3*time.Minute)
		identify(t, l, alone, OutcomeReady)
		acquire(t, l, ShardID{ID: 1, Count: 2}).Sent()
		d.stop()
		want := []State{Refused, Unsent, Ended, Ready, Sent}
		got := d.states()
		if len(got) != len(want) {
			t.Fatalf("the disk holds %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("entry %d is %v, want %v", i, got[i], want[i])
			}
		}
	})
}

// Given a bot that crashes at a random moment of each start, and a supervisor
// that starts it again after anything from no time to two minutes, for a day:
// never more than twenty IDENTIFYs in an hour, never two within five seconds.
//
// Statements: G-038, G-153.
func TestCrashLoopStaysWithinBounds(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 1))
			d := newDisk()
			began := time.Now()
			var times []time.Time
			for time.Since(began) < day {
				l := New(Options{Storage: d})
				g := acquire(t, l, alone)
				time.Sleep(time.Duration(chance.IntN(1000)) * time.Millisecond)
				moment := chance.IntN(5)
				if moment > 0 {
					g.Sent()
					times = append(times, time.Now())
				}
				if moment > 1 {
					g.Release(OutcomeReady)
				}
				if moment > 2 {
					time.Sleep(time.Duration(chance.IntN(5000)) * time.Millisecond)
				}
				if moment > 3 {
					d.stop()
				}
				d.crash()
				if seed%2 == 0 { // else the supervisor is patient now and then
					time.Sleep(time.Duration(chance.IntN(2000)) * time.Millisecond)
				} else {
					time.Sleep(time.Duration(chance.IntN(120)) * time.Second)
				}
			}
			if n := mostWithin(times, time.Hour); n > 20 {
				t.Errorf("seed %d: %d IDENTIFYs in an hour", seed, n)
			}
			if c := closest(times); c < 5*time.Second {
				t.Errorf("seed %d: two IDENTIFYs %v apart", seed, c)
			}
			if len(times) > 480 || len(times) < 10 {
				t.Errorf("seed %d: %d IDENTIFYs in a day", seed, len(times))
			}
		})
	}
}

// Given the worst supervisor, which starts the bot again the moment it has
// crashed right after READY, then the brake of the process before still holds.
//
// Statements: G-043, G-153.
func TestBrakeOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		began := time.Now()
		n := 0
		for ; time.Since(began) < day; n++ {
			identify(t, New(Options{Storage: d}), alone, OutcomeReady)
			d.stop()
			time.Sleep(2 * time.Second)
		}
		if n >= 100 {
			t.Errorf("%d IDENTIFYs in a day of crashes", n)
		}
	})
}

// Given a bot that ran well for hours and is restarted, then nothing holds the
// new process up.
func TestGoodPastDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		l := New(Options{Storage: d})
		for range 3 { // a bad hour, long ago
			identify(t, l, alone, OutcomeReady)
			l.SessionEnded(alone, time.Second)
		}
		identify(t, l, alone, OutcomeReady)
		time.Sleep(5 * time.Hour)
		d.stop()
		if d := waited(func() { identify(t, New(Options{Storage: d}), alone, OutcomeReady) }); d != 0 {
			t.Errorf("the new process waited %v", d)
		}
	})
}

// A session that an earlier process began and this one resumed has lived for both, and for
// the time between them: by that it was worth its IDENTIFY or not, also to the process
// after.
func TestResumedSessionKeepsItsAge(t *testing.T) {
	for _, c := range []struct {
		before, down, after time.Duration
		settled             bool
	}{
		{50 * time.Second, 0, 20 * time.Second, true},
		{20 * time.Second, 30 * time.Second, 10 * time.Second, true},
		{60 * time.Second, 0, 0, true},
		{30 * time.Second, 0, 20 * time.Second, false},
		{10 * time.Second, 20 * time.Second, 29 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk()
			options := Options{Storage: d, Rand: middling}
			l := New(options)
			for range cheapSessions + 3 {
				identify(t, l, alone, OutcomeReady)
				l.SessionEnded(alone, time.Second)
			}
			at := identify(t, l, alone, OutcomeReady)
			time.Sleep(c.before)
			d.stop()
			time.Sleep(c.down)
			l = New(options)
			if err := l.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.after)
			l.SessionEnded(alone, c.after)
			d.stop()
			third := New(options)
			if err := third.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, l := range map[string]*Limiter{"the same process": l, "the next process": third} {
				wait := 2*time.Minute + 30*time.Second - time.Since(at)
				if c.settled {
					wait = 0
				}
				within(t, fmt.Sprintf("%+v, start in %s", c, name), waited(func() { acquire(t, l, alone).Release(OutcomeUnsent) }), max(0, wait), max(0, wait))
			}
		})
	}
}

// Given a disk that cannot be read, then the bot starts all the same, as if an
// IDENTIFY had left just before; once it can be read, what it knows counts.
func TestUnreadableDiskDelaysButDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		identify(t, New(Options{Storage: d}), alone, OutcomeReady)
		d.stop()
		d.broken = true
		l := New(Options{Storage: d, Rand: middling})
		if err := l.Load(t.Context()); err == nil {
			t.Fatal("a broken disk was read")
		}
		within(t, "start without the disk", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
		if u := l.Usage(); u.Day != 1 {
			t.Errorf("usage %+v", u)
		}
		d.broken = false
		time.Sleep(time.Second)
		identify(t, l, alone, OutcomeReady)
		if u := l.Usage(); u.Day != 3 {
			t.Errorf("usage %+v once the disk was back, want 3 starts", u)
		}
		reads := d.reads
		acquire(t, l, alone).Release(OutcomeUnsent)
		if d.reads != reads {
			t.Error("the disk was read again")
		}
	})
}

// A disk that hangs costs a start two seconds when it is written to, or three when it is
// read, and not the bot.
func TestHangingDiskDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.slow = time.Hour
		l := New(Options{Storage: d})
		within(t, "start", waited(func() { identify(t, l, alone, OutcomeReady) }), commitTimeout, commitTimeout)
		d.slow, d.slowRead = 0, time.Hour
		l = New(Options{Storage: d})
		within(t, "start without what is on the disk", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
		time.Sleep(time.Minute)
		within(t, "start that tries to read again", waited(func() { identify(t, l, alone, OutcomeReady) }), loadTimeout, loadTimeout)
	})
}

// Given a disk that can be read only after the first IDENTIFYs, then what both processes have
// done counts as if it had been read at once, for shards that wait and for one that is
// about to have its session: each session once, each end as it was.
func TestRecordThatIsReadLateCountsInOrder(t *testing.T) {
	steps := func(short int) time.Duration { // the wait after so many, with middling jitter
		step := steps[max(0, short-cheapSessions)]
		return (step.from + step.to) / 2
	}
	inherit := func(d *disk, shard ShardID, short int) {
		for n := range int64(short) {
			id := int64(len(d.kept)) + 1
			d.kept[id] = Entry{ID: id, Shard: shard, At: time.Now().Add(time.Duration(n-int64(short)) * 10 * time.Second), State: Ready}
		}
	}
	shard, other := ShardID{ID: 0, Count: 2}, ShardID{ID: 1, Count: 2}
	begin := func(d *disk) *Limiter {
		d.broken = true
		return New(Options{Storage: d, Rand: middling, MaxConcurrency: 2})
	}
	read := func(t *testing.T, d *disk, l *Limiter) {
		d.mu.Lock()
		d.broken = false
		d.mu.Unlock()
		if err := l.Load(t.Context()); err != nil {
			t.Error(err)
		}
	}
	synctest.Test(t, func(t *testing.T) { // a shard that waits has lost its session
		d := newDisk()
		inherit(d, shard, 14)
		l := begin(d)
		time.AfterFunc(time.Second, func() { read(t, d, l) })
		within(t, "start of one that waits", waited(func() { acquire(t, l, shard) }), steps(14)-10*time.Second, steps(14)-10*time.Second)
	})
	synctest.Test(t, func(t *testing.T) { // there is nothing to wait for
		d := newDisk()
		l := begin(d)
		time.AfterFunc(time.Second, func() { read(t, d, l) })
		within(t, "first start", waited(func() { acquire(t, l, shard) }), time.Second, time.Second)
	})
	synctest.Test(t, func(t *testing.T) { // what this process has seen counts once
		d := newDisk()
		inherit(d, shard, 5)
		l := begin(d)
		for range 6 {
			identify(t, l, shard, OutcomeReady)
			l.SessionEnded(shard, time.Second)
		}
		read(t, d, l)
		within(t, "start after eleven", waited(func() { acquire(t, l, shard) }), steps(11), steps(11))
		if u := l.Usage(); u.Day != 11 {
			t.Errorf("%d starts are spent, want 11", u.Day)
		}
	})
	synctest.Test(t, func(t *testing.T) { // an IDENTIFY of this process is on its way
		d := newDisk()
		inherit(d, shard, 12)
		l := begin(d)
		g := acquire(t, l, shard)
		g.Sent()
		sent := time.Now()
		held := acquire(t, l, other)
		read(t, d, l)
		g.Release(OutcomeReady)
		l.SessionEnded(shard, time.Second)
		at := identify(t, l, shard, OutcomeReady)
		within(t, "start after the thirteenth", at.Sub(sent), steps(13), steps(13))
		held.Sent()
		held.Release(OutcomeReady)
		if u := l.Usage(); u.Day != 15 {
			t.Errorf("%d starts are spent, want 15", u.Day)
		}
	})
}

// However many want to know what is on the disk, it is read once. One whose time is over
// before that is told so, and the others are not.
func TestDiskIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.slowRead = time.Second
		l := New(Options{Storage: d})
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := l.Load(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := l.Load(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		all.Wait()
		if d.reads != 1 {
			t.Errorf("read %d times", d.reads)
		}
	})
}

// Given an entry for each IDENTIFY and a key that other processes wait for, then the entry
// says what became of it before the key is free.
func TestRecordIsWrittenBeforeTheKeyIsFree(t *testing.T) {
	for outcome, want := range map[Outcome]State{OutcomeReady: Ready, OutcomeRefused: Refused, OutcomeUnsent: Unsent} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk()
			lock := newSharedKeyLock()
			freed := false
			lock.freed = func() {
				freed = true
				d.stop()
				if states := d.states(); len(states) != 1 || states[0] != want {
					t.Errorf("the disk holds %v, want %v", states, want)
				}
			}
			g := acquire(t, New(Options{Storage: d, KeyLock: lock}), alone)
			if outcome != OutcomeUnsent {
				g.Sent()
			}
			g.Release(outcome)
			if !freed {
				t.Error("the key is not free")
			}
		})
	}
}

// A clock that was set back between two runs leaves entries in the future: they
// count as of now and delay a start no longer than usual. The ids of new ones are greater.
func TestEntriesFromTheFutureCountAsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		at := time.Now().Add(6 * time.Hour)
		d.kept[at.UnixMicro()] = Entry{ID: at.UnixMicro(), At: at, State: Ended, Lived: time.Hour}
		l := New(Options{Storage: d})
		within(t, "start", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
		time.Sleep(time.Minute)
		d.stop()
		if states := d.states(); !slices.Equal(states, []State{Ended, Ready}) {
			t.Errorf("by id the disk holds %v", states)
		}
	})
}

// Sessions of which no process said how they ended have lived until the next one, by
// whichever clock: those of hours begin no backoff, those of seconds do.
func TestSessionsWithoutAnEndLastedUntilTheNext(t *testing.T) {
	const long = 2*time.Minute + 30*time.Second
	for _, c := range []struct {
		state State
		apart time.Duration
		wait  time.Duration
	}{
		{Ready, time.Hour, Spacing},
		{Ready, 10 * time.Second, long},
		{Sent, time.Hour, long}, // that there was a session at all is not known
		{Granted, time.Hour, long},
	} {
		for _, ahead := range []time.Duration{0, 30 * time.Hour} { // the clock was set back since
			synctest.Test(t, func(t *testing.T) {
				d := newDisk()
				for n := range int64(cheapSessions + 4) {
					d.kept[n+1] = Entry{ID: n + 1, At: time.Now().Add(ahead - time.Duration(cheapSessions+3-n)*c.apart), State: c.state}
				}
				l := New(Options{Storage: d, Rand: middling})
				what := fmt.Sprintf("start after entries in state %d, %v apart, %v ahead", c.state, c.apart, ahead)
				within(t, what, waited(func() { identify(t, l, alone, OutcomeReady) }), c.wait, c.wait)
			})
		}
	}
}
