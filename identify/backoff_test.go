package identify

import (
	"testing"
	"testing/synctest"
	"time"
)

// Given a Discord that ends each session right after READY, for a day, then the
// first three IDENTIFYs leave within a minute and fewer than a hundred in all.
//
// Statements: G-043.
func TestStormOfShortSessionsIsSlowedDown(t *testing.T) {
	for _, rand := range []func() float64{
		func() float64 { return 0 }, middling, func() float64 { return 0.999 },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Rand: rand})
			began := time.Now()
			var times []time.Time
			for time.Since(began) < day {
				times = append(times, identify(t, l, alone, OutcomeReady))
				l.SessionEnded(alone, 0)
			}
			if len(times) >= 100 {
				t.Errorf("%d IDENTIFYs in a day", len(times))
			}
			if d := times[2].Sub(began); d > time.Minute {
				t.Errorf("the third IDENTIFY came after %v", d)
			}
		})
	}
}

// Given a Discord that refuses each IDENTIFY, then the waits between them grow
// to five minutes, and never beyond five and a half: when it grants sessions
// again the bot is back soon.
//
// Statements: G-084.
func TestRefusalsGrowTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: DefaultTotal, Rand: middling})
		before := identify(t, l, alone, OutcomeRefused)
		var waits []time.Duration
		for range 10 {
			now := identify(t, l, alone, OutcomeRefused)
			waits = append(waits, now.Sub(before))
			before = now
		}
		for i, wait := range waits {
			if i > 0 && wait < waits[i-1] {
				t.Errorf("the wait fell from %v to %v", waits[i-1], wait)
			}
			if wait > 5*time.Minute+30*time.Second {
				t.Errorf("wait %d: %v", i, wait)
			}
		}
		if waits[0] < 5*time.Second || waits[9] < 5*time.Minute {
			t.Errorf("waits %v", waits)
		}
		l.mu.Lock()
		refusals := l.backoff(alone).refusals
		l.mu.Unlock()
		if refusals != 11 {
			t.Errorf("%d refusals in a row, want 11", refusals)
		}
		identify(t, l, alone, OutcomeReady)
		time.Sleep(settled)
		l.SessionEnded(alone, settled)
		if d := waited(func() { identify(t, l, alone, OutcomeReady) }); d != 0 {
			t.Errorf("after a session that lived, the next start waits %v", d)
		}
	})
}

// One session that lives for a minute clears the slate; one that does not,
// does not.
func TestSessionThatLivedClearsTheSlate(t *testing.T) {
	for _, c := range []struct {
		name        string
		lived       time.Duration
		least, most time.Duration
	}{
		{"a minute", settled, 0, 0},
		{"a little less", settled - time.Second, 0, 3 * time.Minute}, // counted from the IDENTIFY
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Rand: middling})
			for range 3 {
				identify(t, l, alone, OutcomeReady)
				l.SessionEnded(alone, time.Second)
			}
			identify(t, l, alone, OutcomeReady)
			time.Sleep(c.lived)
			l.SessionEnded(alone, c.lived)
			d := waited(func() { identify(t, l, alone, OutcomeReady) })
			within(t, c.name, d, c.least, c.most)
			if c.lived < settled && d == 0 {
				t.Errorf("%s: the next start did not wait", c.name)
			}
		})
	}
}

// No shard asks for a new session while the old one lives: one that asks without
// having reported the end of its session is taken to have lost it, and by its age
// that was worth the IDENTIFY or not.
func TestUnreportedEndIsPresumed(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration
		waits bool
	}{{time.Second, true}, {2 * time.Minute, false}} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Rand: middling})
			for range 3 {
				identify(t, l, alone, OutcomeReady)
				time.Sleep(c.age)
			}
			if d := waited(func() { identify(t, l, alone, OutcomeReady) }); (d > 0) != c.waits {
				t.Errorf("sessions of %v: the next start waits %v", c.age, d)
			}
		})
	}
}

// The loss of a session that was not begun with an IDENTIFY of this record,
// such as one that was resumed, says nothing about the next one.
func TestSessionOfAnotherAccountDoesNotSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		for range 5 {
			l.SessionEnded(alone, time.Second)
		}
		if d := waited(func() { identify(t, l, alone, OutcomeReady) }); d != 0 {
			t.Errorf("the first start waits %v", d)
		}
	})
}

// Given sessions that live just long enough to count, over and over, then a
// shard still spends no more than twenty starts in any hour, and says why it
// waits.
func TestHourIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: DefaultTotal, Reserve: -1})
		var times []time.Time
		said := ""
		for range 60 {
			g, err := l.Acquire(t.Context(), alone, func(_ time.Time, why string) { said = why })
			if err != nil {
				t.Fatal(err)
			}
			g.Sent()
			times = append(times, time.Now())
			g.Release(OutcomeReady)
			time.Sleep(settled)
			l.SessionEnded(alone, settled)
		}
		if n := mostWithin(times, time.Hour); n != 20 {
			t.Errorf("%d IDENTIFYs in an hour, want 20", n)
		}
		if said == "" {
			t.Error("the wait was not announced")
		}
	})
}

// Given a bot that has just started 64 shards, when it changes to four, then the
// four start without waiting for the hour to pass: they are no loop. Later shards
// of the same number are counted as ever.
func TestChangeOfTheShardCountIsNoLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: DefaultTotal, Reserve: -1, MaxConcurrency: 64})
		for id := range 64 {
			identify(t, l, ShardID{ID: id, Count: 64}, OutcomeReady)
		}
		began := time.Now()
		for range 5 {
			for id := range 4 {
				identify(t, l, ShardID{ID: id, Count: 4}, OutcomeReady)
				time.Sleep(settled)
				l.SessionEnded(ShardID{ID: id, Count: 4}, settled)
			}
		}
		if took := time.Since(began); took > 25*time.Minute {
			t.Errorf("twenty starts of four shards, a minute apart, took %s", took)
		}
		if d := waited(func() { identify(t, l, ShardID{ID: 0, Count: 4}, OutcomeReady) }); d < 30*time.Minute {
			t.Errorf("the twenty-first start of four shards within an hour waited %s only", d)
		}
	})
}
