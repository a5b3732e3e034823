package identify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// discord answers for the session start limit.
type discord struct {
	mu     sync.Mutex // guards limits where they change while something waits
	limits SessionStartLimit
	err    error
	takes  time.Duration
	asked  int
}

func (d *discord) ask(ctx context.Context) (SessionStartLimit, error) {
	d.asked++
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
		return SessionStartLimit{}, ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.limits, d.err
}

// change changes what it answers while something may ask.
func (d *discord) change(remaining int, resetAfter time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limits.Remaining, d.limits.ResetAfter = remaining, resetAfter
}

// Given an empty budget that is reset in ten hours, when the shard wants to
// identify, then it waits them out, says so, and goes on right after.
//
// Statements: G-041.
func TestEmptyBudgetWaitsForTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		reset := began.Add(10 * time.Hour)
		ask := func(context.Context) (SessionStartLimit, error) {
			if left := time.Until(reset); left > 0 {
				return SessionStartLimit{Total: 1000, ResetAfter: left, MaxConcurrency: 1}, nil
			}
			return SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day, MaxConcurrency: 1}, nil
		}
		l := New(Options{SessionStartLimit: ask})
		var until time.Time
		var said []string
		g, err := l.Acquire(t.Context(), alone, func(end time.Time, why string) { until, said = end, append(said, why) })
		if err != nil {
			t.Fatal(err)
		}
		within(t, "wait", time.Since(began), 10*time.Hour, 10*time.Hour+time.Second)
		if len(said) != 1 || !strings.Contains(said[0], "all 1000 session starts of the day are spent") {
			t.Errorf("said %q", said)
		}
		if d := until.Sub(began); d != 10*time.Hour {
			t.Errorf("said to wait for %v", d)
		}
		if u := l.Usage(); !u.FromDiscord || u.Remaining != 999 {
			t.Errorf("after the reset: %+v", u)
		}
		g.Release(OutcomeUnsent)
	})
}

// Given a small rest of the day's starts, when they are asked for one after the
// other, then they are spread evenly until the reset and never run out.
//
// Statements: G-042.
func TestReserveIsSpreadUntilTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remaining, reset := 100, time.Now().Add(10*time.Hour)
		ask := func(context.Context) (SessionStartLimit, error) {
			return SessionStartLimit{Total: 1000, Remaining: remaining, ResetAfter: time.Until(reset), MaxConcurrency: 1}, nil
		}
		l := New(Options{SessionStartLimit: ask, Hourly: 1000})
		said := ""
		var times []time.Time
		for time.Now().Before(reset.Add(-10 * time.Minute)) {
			g, err := l.Acquire(t.Context(), alone, func(_ time.Time, why string) { said = why })
			if err != nil {
				t.Fatal(err)
			}
			g.Sent()
			remaining--
			times = append(times, time.Now())
			g.Release(OutcomeReady)
			time.Sleep(settled)
			l.SessionEnded(alone, settled)
		}
		if remaining <= 0 {
			t.Errorf("the reserve ran out: %d left", remaining)
		}
		if d := closest(times); d < 5*time.Minute {
			t.Errorf("two starts of the reserve only %v apart", d)
		}
		if len(times) < 80 {
			t.Errorf("only %d of 100 starts were spent: too thrifty", len(times))
		}
		if !strings.Contains(said, "session starts are left") {
			t.Errorf("said %q", said)
		}
	})
}

// Without an answer from Discord the limiter's own count keeps the reserve.
//
// Statements: G-042.
func TestReserveHoldsWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{err: errors.New("no route")}
		l := New(Options{SessionStartLimit: d.ask, Total: 10, Hourly: 1000})
		began := time.Now()
		var times []time.Time
		for time.Since(began) < 2*day {
			times = append(times, identify(t, l, alone, OutcomeReady))
			time.Sleep(2 * time.Minute)
		}
		if n := mostWithin(times, day); n > 10 {
			t.Errorf("%d of 10 starts spent in a day", n)
		}
		if d := times[7].Sub(began); d > time.Hour {
			t.Errorf("the first 8 of 10 took %v: they are not the reserve", d)
		}
		if d := times[8].Sub(times[7]); d < time.Hour {
			t.Errorf("a start of the reserve came %v after the one before it", d)
		}
	})
}

// What is left of the day is Discord's number while that is young, and where it is older
// only if it is lower than the own count. Starts that the answer cannot have counted come
// off, and so do grants that may still be used.
func TestWhatIsLeftOfTheDay(t *testing.T) {
	const total = 20
	first := time.Duration(-1) // the Reset is that of the first own start
	for name, c := range map[string]struct {
		before int // own starts, a minute apart, the last a minute before the answer
		answer SessionStartLimit
		err    error
		late   time.Duration // how long before it came the answer was made; 0: it does not tell
		after  int           // own starts after it
		held   int           // grants that are not used yet
		age    time.Duration // of the answer in the end
		want   Usage
		reset  time.Duration // from the answer; 0: none
	}{
		"no start, no answer":     {0, SessionStartLimit{}, errDisk, 0, 0, 0, 0, Usage{0, 0, total, total, false, time.Time{}}, 0},
		"no answer":               {2, SessionStartLimit{}, errDisk, 0, 1, 0, 0, Usage{3, 3, total - 3, total, false, time.Time{}}, first},
		"error with numbers":      {2, SessionStartLimit{Total: 1000, Remaining: 5}, errDisk, 0, 0, 0, 0, Usage{2, 2, total - 2, total, false, time.Time{}}, first},
		"no total":                {2, SessionStartLimit{Remaining: 5, ResetAfter: time.Hour}, nil, 0, 0, 0, 0, Usage{2, 2, total - 2, total, false, time.Time{}}, first},
		"answer":                  {2, SessionStartLimit{Total: 1000, Remaining: 700, ResetAfter: 9 * time.Hour}, nil, 0, 0, 0, 0, Usage{2, 2, 700, 1000, true, time.Time{}}, 9 * time.Hour},
		"answer and starts":       {1, SessionStartLimit{Total: 1000, Remaining: 700, ResetAfter: 9 * time.Hour}, nil, 0, 2, 0, 0, Usage{3, 3, 698, 1000, true, time.Time{}}, 9 * time.Hour},
		"answer and grants":       {1, SessionStartLimit{Total: 1000, Remaining: 700, ResetAfter: 9 * time.Hour}, nil, 0, 0, 2, 0, Usage{1, 1, 698, 1000, true, time.Time{}}, 9 * time.Hour},
		"grants only":             {1, SessionStartLimit{}, errDisk, 0, 0, 2, 0, Usage{1, 1, total - 3, total, false, time.Time{}}, first},
		"answer of before":        {3, SessionStartLimit{Total: 1000, Remaining: 700, ResetAfter: 9 * time.Hour}, nil, 150 * time.Second, 0, 0, 0, Usage{3, 3, 698, 1000, true, time.Time{}}, 9*time.Hour - 150*time.Second},
		"five minutes old":        {2, SessionStartLimit{Total: 1000, Remaining: 999, ResetAfter: 9 * time.Hour}, nil, 0, 0, 0, maxLimitAge, Usage{2, 2, 999, 1000, true, time.Time{}}, 9 * time.Hour},
		"older and higher":        {2, SessionStartLimit{Total: 1000, Remaining: 999, ResetAfter: 9 * time.Hour}, nil, 0, 0, 0, maxLimitAge + 1, Usage{2, 2, 998, 1000, false, time.Time{}}, first},
		"older and the same":      {2, SessionStartLimit{Total: 1000, Remaining: 998, ResetAfter: 9 * time.Hour}, nil, 0, 0, 0, maxLimitAge + 1, Usage{2, 2, 998, 1000, false, time.Time{}}, first},
		"older and lower":         {2, SessionStartLimit{Total: 1000, Remaining: 997, ResetAfter: 9 * time.Hour}, nil, 0, 0, 0, maxLimitAge + 1, Usage{2, 2, 997, 1000, false, time.Time{}}, 9 * time.Hour},
		"before the reset":        {2, SessionStartLimit{Total: 1000, Remaining: 5, ResetAfter: time.Minute}, nil, 0, 0, 0, time.Minute - 1, Usage{2, 2, 5, 1000, true, time.Time{}}, time.Minute},
		"after the reset":         {2, SessionStartLimit{Total: 1000, Remaining: 5, ResetAfter: time.Minute}, nil, 0, 0, 0, time.Minute, Usage{2, 2, 998, 1000, false, time.Time{}}, first},
		"none left, and one held": {2, SessionStartLimit{Total: 1000, Remaining: 1, ResetAfter: 9 * time.Hour}, nil, 1, 0, 1, 0, Usage{2, 2, 0, 1000, true, time.Time{}}, 9*time.Hour - 1},
		"an hour later":           {2, SessionStartLimit{}, errDisk, 0, 0, 0, 59*time.Minute - time.Second, Usage{1, 2, total - 2, total, false, time.Time{}}, first},
		"a day later":             {2, SessionStartLimit{}, errDisk, 0, 0, 0, day, Usage{0, 0, total, total, false, time.Time{}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &discord{err: errDisk}
			l := New(Options{Total: total, Reserve: Never, MaxConcurrency: 4, SessionStartLimit: d.ask})
			next := 0
			start := func() Grant {
				next++
				return acquire(t, l, ShardID{ID: next % 4, Count: 4})
			}
			began := time.Now()
			for range c.before {
				start().Sent()
				time.Sleep(time.Minute)
			}
			if d.limits, d.err = c.answer, c.err; c.late > 0 {
				d.limits.At = time.Now().Add(-c.late)
			}
			time.Sleep(time.Millisecond)
			l.RefreshSessionStartLimit(t.Context())
			answered := time.Now()
			for range c.after {
				start().Sent()
			}
			for range c.held {
				start()
			}
			time.Sleep(c.age)
			switch {
			case c.reset == first:
				c.want.Reset = began.Add(day)
			case c.reset > 0:
				c.want.Reset = answered.Add(c.reset)
			}
			if c.late > 0 {
				c.want.Reset = c.want.Reset.Add(-time.Millisecond)
			}
			if got := l.Usage(); got != c.want {
				t.Errorf("%s: %#v, want %#v", name, got, c.want)
			}
		})
	}
}

// Given the last start, which is on its way when Discord says that none is left, then none is
// left, and not less than none.
func TestNoLessThanNoStartIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1, ResetAfter: day}}
		l := New(Options{SessionStartLimit: d.ask})
		g := acquire(t, l, alone)
		time.Sleep(6 * time.Minute)
		d.limits.Remaining = 0
		l.RefreshSessionStartLimit(t.Context())
		for _, when := range []string{"before", "after"} {
			if u := l.Usage(); u.Remaining != 0 || !u.FromDiscord {
				t.Errorf("%s the IDENTIFY: %+v", when, u)
			}
			time.Sleep(time.Second)
			g.Sent()
		}
	})
}

// Given starts of the day, of the reserve or of the hour of which all but one are spent,
// when two keys ask at once, then the second waits for what becomes of the first: it goes
// at once if the grant comes back, and else waits as long as it must, which is said.
//
// Statements: G-041, G-042.
func TestLastStartIsGrantedOnce(t *testing.T) {
	first, second, other := ShardID{ID: 0, Count: 2}, ShardID{ID: 1, Count: 2}, ShardID{ID: 2, Count: 9}
	for name, c := range map[string]struct {
		options Options
		before  int // starts by both, a minute apart
		wait    time.Duration
		why     string
	}{
		"day":     {Options{Total: 2, Reserve: Never}, 1, day - settled - 3*time.Second, "all 2 session starts"},
		"reserve": {Options{Total: 10, Reserve: 1}, 1, (day - (day-settled)/9 - 3*time.Second) / 8, "only 8 of 10 session starts"},
		"hour":    {Options{Total: 100, Reserve: Never, Hourly: 4}, 5, time.Hour - 5*time.Minute - 3*time.Second, "6 session starts were spent within an hour"},
	} {
		for _, sends := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				c.options.MaxConcurrency = 3
				l := New(c.options)
				for n := range c.before {
					shard := []ShardID{first, second}[n%2]
					identify(t, l, shard, OutcomeReady)
					time.Sleep(settled)
					l.SessionEnded(shard, settled)
				}
				g := acquire(t, l, first)
				time.AfterFunc(3*time.Second, func() {
					if sends {
						g.Sent()
					} else {
						g.Release(OutcomeUnsent)
					}
				})
				said := ""
				began := time.Now()
				held, err := l.Acquire(t.Context(), second, func(_ time.Time, why string) { said = why })
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(began) - 3*time.Second
				if sends {
					within(t, name+", wait for the next", took, c.wait, c.wait+time.Second)
				} else {
					within(t, name+", wait for a grant that comes back", took, 0, 0)
				}
				if told := strings.HasPrefix(said, c.why); sends && !told || !sends && told && name != "hour" {
					t.Errorf("%s: said %q", name, said)
				}
				held.Release(OutcomeUnsent)
				if name != "hour" || !sends {
					return
				}
				// A grant for another number of shards is no start of this one's.
				time.Sleep(day)
				for n := range c.before {
					identify(t, l, []ShardID{first, second}[n%2], OutcomeReady)
					time.Sleep(settled)
				}
				acquire(t, l, other)
				within(t, "start beside another number of shards", waited(func() { acquire(t, l, second) }), 0, 0)
			})
		}
	}
}

// Given a day whose last start came out of the reserve, then the next waits for the first
// to come back.
//
// Statements: G-041.
func TestEmptyReserveWaitsForTheFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: 2})
		first := identify(t, l, alone, OutcomeReady)
		time.Sleep(day / 2) // the reserve is spaced out
		identify(t, l, alone, OutcomeReady)
		within(t, "third start", identify(t, l, alone, OutcomeReady).Sub(first), day, day)
	})
}

// Given one start an hour, when a shard asks for a second while the first grant is held, then
// it waits for what becomes of that.
func TestOneStartAnHourIsGrantedOnce(t *testing.T) {
	for sends, want := range map[bool]time.Duration{false: 10 * time.Second, true: time.Hour + 10*time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Hourly: 1})
			g := acquire(t, l, alone)
			time.AfterFunc(10*time.Second, func() {
				if !sends {
					g.Release(OutcomeUnsent)
				} else if !g.Sent() {
					t.Error("the grant has expired")
				}
			})
			within(t, "wait", waited(func() { acquire(t, l, alone) }), want, want)
		})
	}
}

// In the own count the starts of the reserve are never closer than the day's share of each,
// because each start comes back for itself; by Discord's count all come back at the reset.
//
// Statements: G-042.
func TestReserveIsSpreadByWhatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: 10})
		for range 8 {
			identify(t, l, alone, OutcomeReady)
			time.Sleep(2 * time.Minute)
		}
		time.Sleep(day - time.Hour)
		at := identify(t, l, alone, OutcomeReady)
		within(t, "own count", identify(t, l, alone, OutcomeReady).Sub(at), day/10, day/10)
	})
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 51, ResetAfter: 10 * time.Minute}}
		l := New(Options{SessionStartLimit: d.ask, Rand: middling})
		at := identify(t, l, alone, OutcomeReady)
		within(t, "Discord's count", identify(t, l, alone, OutcomeReady).Sub(at), 11*time.Second, 12*time.Second)
	})
}

// Given a day whose starts are spent by Discord's count and by the limiter's own,
// when Discord begins a new count, then it is asked again and believed, though
// the limiter's own day is not over.
//
// Statements: G-041.
func TestResetIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remaining, reset := 3, time.Now().Add(time.Hour)
		ask := func(context.Context) (SessionStartLimit, error) {
			if left := time.Until(reset); left > 0 {
				return SessionStartLimit{Total: 3, Remaining: remaining, ResetAfter: left, MaxConcurrency: 1}, nil
			}
			return SessionStartLimit{Total: 3, Remaining: 3, ResetAfter: day, MaxConcurrency: 1}, nil
		}
		l := New(Options{SessionStartLimit: ask, Reserve: -1})
		for range 3 {
			identify(t, l, alone, OutcomeReady)
			remaining--
			time.Sleep(10 * time.Minute)
		}
		within(t, "wait", waited(func() { identify(t, l, alone, OutcomeReady) }), 30*time.Minute, 30*time.Minute+time.Second)
	})
}

// Alerts come when half and when four fifths of the day's starts are spent,
// once each until the count falls.
func TestAlertsComeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var percents []int
		l := New(Options{Total: 10, Reserve: -1, Alert: func(u Usage) { percents = append(percents, u.Percent()) }})
		spend := func(n int) {
			for range n {
				identify(t, l, alone, OutcomeReady)
				time.Sleep(2 * time.Minute)
			}
			g := acquire(t, l, alone) // alerts are raised on the way to a grant
			g.Release(OutcomeUnsent)
		}
		spend(3) // and one in flight
		if len(percents) != 0 {
			t.Fatalf("alerts at %v %%", percents)
		}
		spend(3)
		spend(2)
		if !slices.Equal(percents, []int{50, 80}) {
			t.Errorf("alerts at %v %%, want one at 50 and one at 80", percents)
		}
		time.Sleep(day)
		spend(1)
		spend(5)
		if len(percents) != 3 {
			t.Errorf("alerts at %v %%, want one more after the count fell", percents)
		}
		unlimited := New(Options{Alert: func(u Usage) { t.Errorf("alert without a budget: %+v", u) }})
		identify(t, unlimited, alone, OutcomeReady)
	})
}

// Usage sums up the record of IDENTIFYs, for a person too.
func TestUsageIsSaidInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Total: 100})
		if got, want := l.Usage().String(), "0 of 100 session starts of the day are spent (0 %)"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		at := identify(t, l, alone, OutcomeReady)
		time.Sleep(2 * time.Hour)
		identify(t, l, alone, OutcomeReady)
		u := l.Usage()
		if u.Hour != 1 || u.Day != 2 || u.Remaining != 98 || u.FromDiscord || !u.Reset.Equal(at.Add(day)) {
			t.Errorf("usage %+v", u)
		}
		if got, want := u.String(), "2 of 100 session starts of the day are spent (2 %), the count is reset at 2000-01-02 00:00:00"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if (Usage{}).Percent() != 100 || (Usage{Total: 10, Remaining: 20}).Percent() != 0 {
			t.Error("percentages out of bounds")
		}
	})
}
