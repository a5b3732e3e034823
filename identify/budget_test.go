package identify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// discord answers for the session start limit.
type discord struct {
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
	return d.limits, d.err
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
		if len(percents) != 2 || percents[0] < 50 || percents[0] >= 80 || percents[1] < 80 {
			t.Errorf("alerts at %v %%, want one from 50 and one from 80", percents)
		}
		time.Sleep(day)
		spend(1)
		spend(5)
		if len(percents) != 3 {
			t.Errorf("alerts at %v %%, want one more after the count fell", percents)
		}
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
