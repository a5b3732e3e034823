package identify

import (
	"math/rand/v2"
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

// A session that an earlier process began and this one resumed has lived for
// both: it was worth its IDENTIFY.
func TestResumedSessionKeepsItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		identify(t, New(Options{Storage: d}), alone, OutcomeReady)
		time.Sleep(50 * time.Second)
		d.stop()
		next := New(Options{Storage: d})
		if err := next.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		next.SessionEnded(alone, 20*time.Second)
		d.stop()
		if states := d.states(); len(states) != 1 || states[0] != Ended {
			t.Errorf("the disk holds %v, want one ended session", states)
		}
		if d := waited(func() { identify(t, next, alone, OutcomeReady) }); d != 0 {
			t.Errorf("the next start waited %v after a session of 70 s", d)
		}
	})
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

// A disk that hangs costs a start two seconds and not the bot.
func TestHangingDiskDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.slow = time.Hour
		l := New(Options{Storage: d})
		within(t, "start", waited(func() { identify(t, l, alone, OutcomeReady) }), commitTimeout, commitTimeout)
	})
}

// A clock that was set back between two runs leaves entries in the future: they
// count as of now and delay a start no longer than usual.
func TestEntriesFromTheFutureCountAsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.kept[1] = Entry{ID: 1, At: time.Now().Add(6 * time.Hour), State: Ended, Lived: time.Hour}
		l := New(Options{Storage: d})
		within(t, "start", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
	})
}

// Sessions that lived for hours by a clock that was set back since have lived for as
// long by any other: they begin no backoff.
func TestSessionsFromTheFutureKeepTheirLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		for n := range int64(10) {
			d.kept[n+1] = Entry{ID: n + 1, At: time.Now().Add(6*time.Hour + time.Duration(n)*time.Hour), State: Ready}
		}
		l := New(Options{Storage: d})
		within(t, "start", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
	})
}
