package identify

import (
	"context"
	"fmt"
	"math"
	"time"

	"evergreen/internal/bounds"
)

// SessionStartLimit is the session_start_limit that GET /gateway/bot tells.
type SessionStartLimit struct {
	// Total is the number of session starts a day, Remaining how many are left. An
	// answer with a Total below 1 or above a million is ignored; the other numbers are
	// brought within their bounds.
	Total, Remaining int
	// ResetAfter is how long after At the count starts anew.
	ResetAfter time.Duration
	// MaxConcurrency is the number of concurrency keys; 0: as in Options.
	MaxConcurrency int
	// At is when the question was sent; zero: when Options.SessionStartLimit was called.
	At time.Time
}

// Bounded returns the limit with every number brought within sense; false if its Total
// makes none, so that it has to be ignored.
func (s SessionStartLimit) Bounded() (SessionStartLimit, bool) {
	if !bounds.StartsTotal.Has(s.Total) {
		return SessionStartLimit{}, false
	}
	s.Remaining = max(0, min(s.Remaining, s.Total))
	s.ResetAfter = bounds.StartsReset.Clamp(s.ResetAfter)
	s.MaxConcurrency = bounds.MaxConcurrency.Clamp(s.MaxConcurrency)
	return s, true
}

const (
	// maxLimitAge is how old an answer may be that a start is decided by (G-003).
	maxLimitAge = 5 * time.Minute
	// refreshInterval is how long Discord is left alone after it was asked.
	refreshInterval = 30 * time.Second
)

// Usage sums the record of IDENTIFYs up.
type Usage struct {
	// Hour and Day count the IDENTIFYs of the last hour and the last 24 hours, as far
	// as the record goes back.
	Hour, Day int
	// Remaining and Total are the session starts of the day. Both are 0 where there is
	// no budget.
	Remaining, Total int
	// FromDiscord is whether Remaining follows from an answer of Discord that is at most
	// five minutes old. Otherwise it is the limiter's estimate.
	FromDiscord bool
	// Reset is when the count starts anew or, in an estimate, when the first
	// start is returned. Zero when the limiter knows of none that was spent and has no
	// answer of Discord.
	Reset time.Time
}

// Percent is the share of the day's starts that is spent, 0 to 100; 100 where there is
// no budget.
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

// Usage sums up the record as it stands. It never waits for anything.
func (l *Limiter) Usage() Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usage(time.Now())
}

// usage counts grants not yet sent as spent. The caller holds mu.
func (l *Limiter) usage(now time.Time) Usage {
	l.forget(now)
	u := Usage{
		Hour: len(l.since(now.Add(-time.Hour))), Day: len(l.spent),
		Total: l.opts.Total,
	}
	if l.limit.Total > 0 {
		u.Total = l.limit.Total
	}
	u.Remaining = u.Total - len(l.spent) - len(l.grants)
	if len(l.spent) > 0 {
		u.Reset = l.spent[0].At.Add(day)
	}
	reset := l.limit.At.Add(l.limit.ResetAfter)
	if !now.Before(reset) {
		u.Remaining = max(0, u.Remaining)
		return u
	}
	// Up to maxLimitAge Discord's number is used. An older one is used only if it is
	// lower than the estimate. IDENTIFYs sent at the time of the request or later are
	// subtracted, because the answer does not count them.
	remaining := l.limit.Remaining - len(l.since(l.limit.At.Add(-1))) - len(l.grants)
	if u.FromDiscord = now.Sub(l.limit.At) <= maxLimitAge; u.FromDiscord || remaining < u.Remaining {
		u.Remaining, u.Reset = remaining, reset
	}
	u.Remaining = max(0, u.Remaining)
	return u
}

// decideDay waits out an empty budget (G-041) and spreads a small one (G-042).
// The caller holds mu.
func (l *Limiter) decideDay(d *decision, now time.Time) {
	u := l.usage(now)
	if u.Remaining <= 0 {
		if len(l.grants) > 0 {
			d.blocked = true // one in flight may come back
			return
		}
		d.notBefore(u.Reset, reasonBudget, func() string {
			return fmt.Sprintf("all %d session starts of the day are spent; Discord would reset the token for one more", u.Total)
		})
		return
	}
	if u.Remaining > int(math.Ceil(l.opts.Reserve*float64(u.Total))) {
		return
	}
	if len(l.grants) > 0 {
		d.blocked = true // the time of the last start is about to be known
		return
	}
	if len(l.spent) == 0 {
		return
	}
	apart := u.Reset.Sub(now) / time.Duration(u.Remaining)
	if !u.FromDiscord {
		// The limiter's own window slides, so its reset returns a single start.
		apart = max(apart, day/time.Duration(u.Total))
	}
	d.notBefore(l.spent[len(l.spent)-1].At.Add(apart), reasonReserve, func() string {
		return fmt.Sprintf("only %d of %d session starts are left until %s, so they are spaced out", u.Remaining, u.Total, u.Reset.Format(time.DateTime))
	})
}

// decideHour keeps crash loops within bounds. Only shards of the same Count are
// counted: a change of their number is no loop. Sessions that a stop has ended count only
// where the budget is not rich. The caller holds mu.
func (l *Limiter) decideHour(d *decision, shard ShardID, now time.Time) {
	if l.opts.Hourly <= 0 {
		return
	}
	var all, own []time.Time
	for _, e := range l.since(now.Add(-time.Hour)) {
		if e.Shard.Count != shard.Count || l.rich && e.State == Stopped {
			continue
		}
		all = append(all, e.At)
		if e.Shard == shard {
			own = append(own, e.At)
		}
	}
	inFlight := 0
	for g := range l.grants {
		if g.entry.Shard.Count == shard.Count {
			inFlight++
		}
	}
	d.capHour(all, inFlight, max(l.opts.Hourly, 3*shard.Count))
	d.capHour(own, 0, l.opts.Hourly)
}

// capHour waits until less than limit of the starts are younger than an hour.
func (d *decision) capHour(sent []time.Time, inFlight, limit int) {
	over := len(sent) + inFlight - limit
	switch {
	case over < 0:
	case over < len(sent):
		d.notBefore(sent[over].Add(time.Hour), reasonHour, func() string {
			return fmt.Sprintf("%d session starts were spent within an hour, and no more than that are allowed: something makes the bot or its sessions start over and over", limit)
		})
	default:
		d.blocked = true // a grant in flight decides
	}
}

// isStale reports whether Discord has to be asked before a start is decided. The
// caller holds mu.
func (l *Limiter) isStale(now time.Time) bool {
	return l.opts.SessionStartLimit != nil && now.Sub(l.limit.At) > maxLimitAge && now.Sub(l.asked) > refreshInterval
}

// needsRefresh is isStale for callers that do not hold mu.
func (l *Limiter) needsRefresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isStale(time.Now())
}

// refresh asks Discord for the limit if the last answer is too old. One goroutine
// asks for all; a failure leaves the decision to the limiter's own count.
func (l *Limiter) refresh(ctx context.Context) {
	select {
	case l.asking <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-l.asking }()
	if ctx.Err() != nil || !l.needsRefresh() {
		return
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, askTimeout)
	limit, err := l.opts.SessionStartLimit(limited)
	cancel()
	if err != nil && ctx.Err() != nil {
		return // this shard gave up; the next in line asks
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	if told := limit.MaxConcurrency > 0; err == nil {
		if limit, ok := limit.Bounded(); ok {
			if !told {
				limit.MaxConcurrency = 0 // as in Options
			}
			if limit.At.IsZero() {
				limit.At = began
			}
			l.compare(l.limit, limit)
			l.limit = limit
		}
	}
	l.wakeAll()
}

// alertAt are the percentages that are worth an alert.
var alertAt = []int{50, 80}

// alert calls Options.Alert when another threshold has been crossed.
func (l *Limiter) alert() {
	if l.opts.Alert == nil || !l.budgeted {
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
