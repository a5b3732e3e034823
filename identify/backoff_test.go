package identify

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a Discord that ends each session right after READY, for a day, then the
// first eleven IDENTIFYs leave within a minute and fewer than 120 in all.
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
			if len(times) >= 120 {
				t.Errorf("%d IDENTIFYs in a day", len(times))
			}
			if d := times[cheapSessions].Sub(began); d > time.Minute {
				t.Errorf("IDENTIFY %d came after %v", cheapSessions+1, d)
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

// The wait after so many refusals lies between the bounds of its step, wherever the lot
// falls, and with each failure it falls anew. What it is for is said.
func TestWaitsAreDrawnByLot(t *testing.T) {
	for refusals, bounds := range map[int][2]time.Duration{
		1: {Spacing, 10 * time.Second}, 2: {20 * time.Second, 40 * time.Second}, 3: {60 * time.Second, 90 * time.Second},
		7: {17 * time.Minute, 23 * time.Minute}, 9: {17 * time.Minute, 23 * time.Minute},
	} {
		for lot, want := range map[float64]time.Duration{0: bounds[0], 0.999999: bounds[1]} {
			synctest.Test(t, func(t *testing.T) {
				draws := 0
				l := New(Options{Rand: func() float64 {
					if draws++; draws == refusals {
						return lot
					}
					return 0.3
				}})
				for range refusals {
					identify(t, l, alone, OutcomeRefused)
				}
				said := ""
				began := time.Now()
				g, err := l.Acquire(t.Context(), alone, func(_ time.Time, why string) { said = why })
				if err != nil {
					t.Fatal(err)
				}
				within(t, fmt.Sprintf("wait after %d refusals", refusals), time.Since(began), want-10*time.Millisecond, want)
				if want := fmt.Sprintf("Discord gave no session for the last IDENTIFYs (%d in a row)", refusals); said != want && lot > 0 {
					t.Errorf("said %q, want %q", said, want)
				}
				g.Release(OutcomeUnsent)
			})
		}
	}
}

// What shows that Discord grants sessions, or that they last, ends the wait for those that
// were refused or short; nothing else does.
func TestWhatEndsTheBackoff(t *testing.T) {
	refused := func(t *testing.T, l *Limiter) {
		for range 4 {
			identify(t, l, alone, OutcomeRefused)
		}
	}
	short := func(t *testing.T, l *Limiter) {
		for range cheapSessions + 4 {
			identify(t, l, alone, OutcomeReady)
			l.SessionEnded(alone, time.Second)
		}
	}
	live := func(lived time.Duration) func(*testing.T, *Limiter) {
		return func(t *testing.T, l *Limiter) {
			identify(t, l, alone, OutcomeReady)
			time.Sleep(lived)
		}
	}
	for name, c := range map[string]struct {
		fails, then func(*testing.T, *Limiter)
		end         func(*Limiter)
		waits       bool
	}{
		"READY after refusals":                {refused, live(time.Second), func(l *Limiter) { l.SessionEnded(alone, time.Second) }, false},
		"READY after short sessions":          {short, live(time.Second), func(l *Limiter) { l.SessionEnded(alone, time.Second) }, true},
		"a minute after refusals, resumed":    {refused, func(*testing.T, *Limiter) {}, func(l *Limiter) { l.SessionEnded(alone, settled) }, false},
		"a second after refusals, resumed":    {refused, func(*testing.T, *Limiter) {}, func(l *Limiter) { l.SessionEnded(alone, time.Second) }, true},
		"a minute after short ones, resumed":  {short, func(*testing.T, *Limiter) {}, func(l *Limiter) { l.SessionEnded(alone, settled) }, false},
		"a minute, then a stop":               {short, live(settled), func(l *Limiter) { l.Stopped(alone) }, false},
		"nearly a minute, then a stop":        {short, live(settled - 1), func(l *Limiter) { l.Stopped(alone) }, true},
		"a minute, then nothing said":         {short, live(settled), func(*Limiter) {}, false},
		"nearly a minute, then nothing said":  {short, live(settled - 1), func(*Limiter) {}, true},
		"READY after refusals, and a crash":   {refused, live(time.Second), func(*Limiter) {}, false},
		"a minute of another shard":           {short, live(0), func(l *Limiter) { l.SessionEnded(ShardID{ID: 1, Count: 2}, settled) }, true},
		"a stop of another shard":             {short, live(settled), func(l *Limiter) { l.Stopped(ShardID{ID: 1, Count: 2}) }, false},
		"a stop without a session":            {refused, func(*testing.T, *Limiter) {}, func(l *Limiter) { l.Stopped(alone) }, true},
		"a second, then a stop after refusal": {refused, live(time.Second), func(l *Limiter) { l.Stopped(alone) }, false},
	} {
		for _, restart := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := newDisk()
				options := Options{Storage: d, Rand: middling}
				l := New(options)
				c.fails(t, l)
				c.then(t, l)
				c.end(l)
				if d.stop(); restart && !strings.Contains(name, "resumed") {
					l = New(options)
				}
				if took := waited(func() { identify(t, l, alone, OutcomeReady) }); (took > Spacing) != c.waits {
					t.Errorf("%s, restart %v: the next start waits %v", name, restart, took)
				}
			})
		}
	}
}

// Given a shard that waits out its backoff, when the end of a long session of it is reported
// late, then it goes at once.
func TestLateReportEndsTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Rand: middling})
		for range cheapSessions + 4 {
			identify(t, l, alone, OutcomeReady)
			l.SessionEnded(alone, time.Second)
		}
		time.AfterFunc(30*time.Second, func() { l.SessionEnded(alone, settled) })
		within(t, "wait", waited(func() { acquire(t, l, alone) }), 30*time.Second, 30*time.Second)
	})
}

// Given a budget, then ten short sessions cost no wait while exactly half of it is left, and
// do with one start less.
func TestHalfOfTheBudgetIsRich(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: 10, Reserve: Never, Rand: middling})
		for n := range 7 {
			took := waited(func() { identify(t, l, alone, OutcomeReady) })
			if poor := n > 5; (took > Spacing) != poor {
				t.Errorf("start %d waited %v", n+1, took)
			}
			l.SessionEnded(alone, 0)
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
			for range cheapSessions + 3 {
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

// Given a budget that is not rich, then the waits begin with the first short session, and
// also where Discord only tells so after the restart.
func TestShortSessionsWaitWhereTheBudgetIsNotRich(t *testing.T) {
	for remaining, rich := range map[int]bool{900: true, 510: true, 450: false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk()
			for range 3 {
				l := New(Options{Storage: d, Rand: middling, SessionStartLimit: func(context.Context) (SessionStartLimit, error) {
					return SessionStartLimit{Total: 1000, Remaining: remaining, ResetAfter: 20 * time.Hour}, nil
				}})
				identify(t, l, alone, OutcomeReady)
				d.stop()
			}
			l := New(Options{Storage: d, Rand: middling, SessionStartLimit: func(context.Context) (SessionStartLimit, error) {
				return SessionStartLimit{Total: 1000, Remaining: remaining, ResetAfter: 20 * time.Hour}, nil
			}})
			waits := waited(func() { identify(t, l, alone, OutcomeReady) })
			if rich != (waits <= Spacing) || waits > 90*time.Second {
				t.Errorf("with %d of 1,000 left the fourth start waits %v", remaining, waits)
			}
		})
	}
}

// Given a bot that is stopped and started again cleanly, over and over, on a server that
// lets no session be resumed, then no start waits for more than the spacing, whether the
// stop keeps the session or ends it; and the stops are no crash loop for what comes later.
func TestDeliberateStopsAreNoCrashLoop(t *testing.T) {
	for _, end := range []string{"kept", "ended", "refused at the next start"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk()
			var last time.Time
			for i := range 40 {
				l := New(Options{Storage: d, Rand: middling})
				if err := l.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if i > 0 && end == "refused at the next start" {
					l.SessionEnded(alone, 0)
				}
				waits := waited(func() { last = identify(t, l, alone, OutcomeReady) })
				if waits > Spacing {
					t.Fatalf("%s: start %d waited %v", end, i+1, waits)
				}
				time.Sleep(10 * time.Second)
				l.Stopped(alone)
				if end == "ended" {
					l.SessionEnded(alone, 10*time.Second)
				}
				d.stop()
			}
			l := New(Options{Storage: d, Rand: middling})
			for range cheapSessions {
				last = identify(t, l, alone, OutcomeReady)
				l.SessionEnded(alone, time.Second)
			}
			if next := identify(t, l, alone, OutcomeReady); next.Sub(last) > Spacing {
				t.Errorf("%s: the stops count as short sessions: the next start waits %v", end, next.Sub(last))
			}
		})
	}
}

// Given a supervisor that stops the bot as soon as it is online, without end, then half of
// the day's starts are spent, and what is left is spaced out.
func TestStopsWithoutEndLeaveStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		began, n := time.Now(), 0
		for ; time.Since(began) < day; n++ {
			l := New(Options{Storage: d, Rand: middling})
			identify(t, l, alone, OutcomeReady)
			time.Sleep(time.Second)
			l.Stopped(alone)
			d.stop()
		}
		if n > DefaultTotal {
			t.Errorf("%d IDENTIFYs in a day of stops", n)
		}
	})
}

// The loss of a session that was not begun with an IDENTIFY of this record,
// such as one that was resumed, says nothing about the next one.
func TestSessionOfAnotherAccountDoesNotSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		for range cheapSessions + 5 {
			l.SessionEnded(alone, time.Second)
		}
		if d := waited(func() { identify(t, l, alone, OutcomeReady) }); d != 0 {
			t.Errorf("the first start waits %v", d)
		}
		l.SessionEnded(alone, time.Second)
		within(t, "second start", waited(func() { identify(t, l, alone, OutcomeReady) }), Spacing, Spacing)
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

// Without a limit of the hour nothing but the spacing slows sessions down that last.
func TestNoHourlyLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: DefaultTotal, Hourly: Never})
		took := waited(func() {
			for range 60 {
				identify(t, l, alone, OutcomeReady)
				time.Sleep(settled)
			}
		})
		within(t, "sixty starts", took, time.Hour, time.Hour)
	})
}

// Given a bot of 64 shards, when the sessions of one of them live just long enough to count,
// over and over, then that shard spends twenty starts an hour and no more, and the 63
// others start at once whenever they lose a session.
func TestSickShardSpendsItsOwnHourOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards, hours = 64, 4
		l := New(Options{Total: DefaultTotal, MaxConcurrency: 16})
		end := time.Now().Add(hours * time.Hour)
		var all sync.WaitGroup
		var sick []time.Time
		all.Go(func() {
			shard := ShardID{ID: 5, Count: shards}
			for time.Now().Before(end) {
				sick = append(sick, identify(t, l, shard, OutcomeReady))
				time.Sleep(settled)
				l.SessionEnded(shard, settled)
			}
		})
		for id := range shards {
			if id == 5 {
				continue
			}
			all.Go(func() {
				shard := ShardID{ID: id, Count: shards}
				identify(t, l, shard, OutcomeReady)
				for began := time.Now(); began.Before(end); began = time.Now() {
					time.Sleep(30*time.Minute + time.Duration(id)*20*time.Second)
					l.SessionEnded(shard, time.Since(began))
					within(t, fmt.Sprintf("start of shard %d", id), waited(func() { identify(t, l, shard, OutcomeReady) }), 0, 2*Spacing)
				}
			})
		}
		all.Wait()
		if n := mostWithin(sick, time.Hour); n != DefaultHourly || len(sick) < hours*DefaultHourly {
			t.Errorf("the sick shard spent %d starts, %d within an hour, want %d", len(sick), n, DefaultHourly)
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
