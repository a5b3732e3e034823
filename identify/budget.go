package identify

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Limits is Discord's session start limit as GET /gateway/bot tells it.
type Limits struct {
	Total, Remaining int
	// ResetAfter is how long after At the count starts anew.
	ResetAfter     time.Duration
	MaxConcurrency int
	// At is when the question was sent; zero means now.
	At time.Time
}

const (
	// limitsAge is how old an answer may be that a start is decided by (G-003).
	limitsAge = 5 * time.Minute
	// askPause is how long Limits is left alone after it was called.
	askPause = 30 * time.Second
)

// Usage is the account at a glance.
type Usage struct {
	// Hour and Day are the IDENTIFYs this bot has sent in the last hour and
	// the last 24 hours, as far as the ledger goes back.
	Hour, Day int
	// Remaining and Total are the session starts of the day. They are
	// Discord's numbers if FromDiscord is set, else the ledger's estimate.
	Remaining, Total int
	FromDiscord      bool
	// Reset is when the count starts anew or, in an estimate, when the first
	// start is returned. Zero when nothing has been spent.
	Reset time.Time
}

// Percent is the share of the day's starts that is spent, 0 to 100.
func (u Usage) Percent() int {
	if u.Total <= 0 {
		return 100
	}
	return max(0, min(100, 100*(u.Total-u.Remaining)/u.Total))
}

// String says it for a person.
func (u Usage) String() string {
	text := fmt.Sprintf("%d of %d session starts of the day are spent (%d %%)", u.Total-u.Remaining, u.Total, u.Percent())
	if !u.Reset.IsZero() {
		text += ", the count is reset at " + u.Reset.Format(time.DateTime)
	}
	return text
}

// Usage returns the account as it stands. It never waits for anything.
func (l *Ledger) Usage() Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usage(time.Now())
}

// usage takes grants in flight for spent. The caller holds mu.
func (l *Ledger) usage(now time.Time) Usage {
	l.forget(now)
	u := Usage{
		Hour: len(l.since(now.Add(-time.Hour))), Day: len(l.spent),
		Total: l.opts.Total,
	}
	if l.limits.Total > 0 {
		u.Total = l.limits.Total
	}
	u.Remaining = u.Total - len(l.spent) - len(l.grants)
	if len(l.spent) > 0 {
		u.Reset = l.spent[0].At.Add(day)
	}
	reset := l.limits.At.Add(l.limits.ResetAfter)
	if l.limits.At.IsZero() || !now.Before(reset) {
		u.Remaining = max(0, u.Remaining)
		return u
	}
	// Discord's answer decides while it is young. An old one, for want of a
	// better, only ever makes the estimate more careful. What left in the
	// moment of the question is not in the answer.
	told := l.limits.Remaining - len(l.since(l.limits.At.Add(-1))) - len(l.grants)
	if u.FromDiscord = now.Sub(l.limits.At) <= limitsAge; u.FromDiscord || told < u.Remaining {
		u.Remaining, u.Reset = told, reset
	}
	u.Remaining = max(0, u.Remaining)
	return u
}

// judgeDay waits out an empty budget (G-041) and spreads a small one (G-042).
// The caller holds mu.
func (l *Ledger) judgeDay(v *verdict, now time.Time) {
	u := l.usage(now)
	if u.Remaining <= 0 {
		if len(l.grants) > 0 {
			v.blocked = true // one in flight may come back
			return
		}
		v.later(u.Reset, causeBudget, func() string {
			return fmt.Sprintf("all %d session starts of the day are spent; Discord would reset the token for one more", u.Total)
		})
		return
	}
	if u.Remaining > int(math.Ceil(l.opts.Reserve*float64(u.Total))) {
		return
	}
	if len(l.grants) > 0 {
		v.blocked = true // the time of the last start is about to be known
		return
	}
	if len(l.spent) == 0 {
		return
	}
	apart := u.Reset.Sub(now) / time.Duration(u.Remaining)
	if !u.FromDiscord {
		// The ledger's own window slides, so its reset returns a single start.
		apart = max(apart, day/time.Duration(u.Total))
	}
	v.later(l.spent[len(l.spent)-1].At.Add(apart), causeReserve, func() string {
		return fmt.Sprintf("only %d of %d session starts are left until %s, so they are spaced out", u.Remaining, u.Total, u.Reset.Format(time.DateTime))
	})
}

// stale reports whether Limits has to be asked before a start is decided. The
// caller holds mu.
func (l *Ledger) stale(now time.Time) bool {
	return l.opts.Limits != nil &&
		(l.limits.At.IsZero() || now.Sub(l.limits.At) > limitsAge) &&
		(l.asked.IsZero() || now.Sub(l.asked) > askPause)
}

// ask asks Discord for the limits if the last answer is too old. One goroutine
// asks for all; a failure leaves the decision to the ledger's own count.
func (l *Ledger) ask(ctx context.Context) {
	if !l.isStale() {
		return
	}
	if l.asking.take(ctx) != nil {
		return
	}
	defer l.asking.give()
	if !l.isStale() {
		return
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, askTime)
	limits, err := l.opts.Limits(limited)
	cancel()
	if err != nil && ctx.Err() != nil {
		return // this shard gave up; the next in line asks
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	if err == nil && limits.Total > 0 {
		if limits.At.IsZero() {
			limits.At = began
		}
		l.compare(l.limits, limits)
		l.limits = limits
	}
	l.wakeAll()
}

func (l *Ledger) isStale() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stale(time.Now())
}

// alertAt are the percentages that are worth an alert.
var alertAt = []int{50, 80}

// alert calls Alert when another threshold has been crossed.
func (l *Ledger) alert() {
	if l.opts.Alert == nil {
		return
	}
	l.mu.Lock()
	u := l.usage(time.Now())
	reached := 0
	for _, percent := range alertAt {
		if u.Percent() >= percent {
			reached = percent
		}
	}
	raise := reached > l.alerted
	l.alerted = reached
	l.mu.Unlock()
	if raise {
		l.opts.Alert(u)
	}
}
