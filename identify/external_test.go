package identify

import (
	"testing"
	"testing/synctest"
	"time"
)

// Given a bot that has spent some starts of its own, when Discord counts more
// than those, then the difference is what others have spent: at the next look,
// over a reset of the count too, and for a day. What was spent before the first
// answer does not count.
func TestExternalUseIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 900, ResetAfter: day}}
		l := New(Options{SessionStartLimit: d.ask})
		pass := func(after time.Duration, remaining int) {
			time.Sleep(after)
			d.limits.ResetAfter -= after
			d.limits.Remaining = remaining
			l.RefreshSessionStartLimit(t.Context())
		}
		want := func(what string, starts int) {
			t.Helper()
			if f := l.ExternalUse(); f.Starts != starts || (starts > 0) == f.Last.IsZero() {
				t.Errorf("%s: %+v, want %d", what, f, starts)
			}
		}
		identify(t, l, alone, OutcomeReady)
		want("the first answer", 0)
		pass(10*time.Minute, 899)
		want("the own start", 0)
		for range 2 {
			time.Sleep(10 * time.Minute)
			d.limits.ResetAfter -= 10 * time.Minute
			identify(t, l, alone, OutcomeRefused)
			d.limits.Remaining--
		}
		pass(10*time.Minute, 897)
		want("two own starts, one in the moment of a question", 0)
		pass(10*time.Minute, 896)
		want("a start of another program", 1)
		if asked := d.asked; asked != 6 { // the answers are young in between
			t.Errorf("Discord was asked %d times", asked)
		}
		l.RefreshSessionStartLimit(t.Context())
		want("no new answer", 1)

		// The count is reset, and another program starts two sessions right after.
		d.limits.ResetAfter = day + time.Hour
		pass(time.Hour, 998)
		want("after the reset", 3)
		pass(23*time.Hour, 998)
		want("a day later", 2)
		pass(25*time.Hour, 1000)
		want("two days later", 0)
	})
}

// What the bot has spent itself, or may be about to, is not taken for external use; what is
// beyond that is, and only for a day.
func TestExternalUseIsWhatIsBeyondTheOwn(t *testing.T) {
	for name, c := range map[string]struct {
		sent, held int
		spent      int           // by Discord's count
		reset      time.Duration // how much later the second answer puts the end of the day
		want       int
	}{
		"own":                     {2, 0, 2, 0, 0},
		"own and one more":        {2, 0, 3, 0, 1},
		"grants may be counted":   {1, 2, 3, 0, 0},
		"grants and one more":     {1, 2, 4, 0, 1},
		"fewer":                   {2, 0, 1, 0, 0},
		"the ends differ by less": {1, 0, 4, windowSlack, 3},
		"another day":             {1, 0, 4, windowSlack + 1, 103},
		"another day, earlier":    {1, 0, 4, -windowSlack - 1, 103},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 900, ResetAfter: 12 * time.Hour}}
			l := New(Options{SessionStartLimit: d.ask, MaxConcurrency: 4})
			l.RefreshSessionStartLimit(t.Context())
			time.Sleep(2 * time.Minute)
			for id := range c.sent {
				acquire(t, l, ShardID{ID: id, Count: 4}).Sent()
			}
			for id := range c.held {
				acquire(t, l, ShardID{ID: c.sent + id, Count: 4})
			}
			time.Sleep(4 * time.Minute)
			d.limits.Remaining -= c.spent
			d.limits.ResetAfter += c.reset - 6*time.Minute
			l.RefreshSessionStartLimit(t.Context())
			if f := l.ExternalUse(); f.Starts != c.want || c.want > 0 && !f.Last.Equal(time.Now()) {
				t.Errorf("%s: %+v, want %d", name, f, c.want)
			}
			time.Sleep(day - 1)
			if f := l.ExternalUse(); f.Starts != c.want {
				t.Errorf("%s: %+v after nearly a day, want %d", name, f, c.want)
			}
			time.Sleep(time.Nanosecond)
			if f := l.ExternalUse(); f != (ExternalUse{}) {
				t.Errorf("%s: %+v after a day", name, f)
			}
		})
	}
}

// Given a total that Discord changes, then the difference is not taken for external use.
func TestChangedTotalIsNoExternalUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &discord{limits: SessionStartLimit{Total: 1000, Remaining: 1000, ResetAfter: day}}
		l := New(Options{SessionStartLimit: d.ask})
		l.RefreshSessionStartLimit(t.Context())
		time.Sleep(10 * time.Minute)
		d.limits = SessionStartLimit{Total: 2000, Remaining: 500, ResetAfter: day}
		l.RefreshSessionStartLimit(t.Context())
		if f := l.ExternalUse(); f != (ExternalUse{}) {
			t.Errorf("got %+v", f)
		}
	})
}
