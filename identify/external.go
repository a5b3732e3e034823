package identify

import (
	"context"
	"time"
)

// windowSlack is how far apart two answers may put the end of the same day:
// each counts it from when it was on its way.
const windowSlack = time.Minute

// ExternalUse counts the session starts of other programs: Discord has counted
// them for the bot, and they are not in this record.
type ExternalUse struct {
	// Starts is how many there were in the last 24 hours, as far as this process
	// could compare.
	Starts int
	// Last is by when the newest of them was counted; zero if there were none.
	Last time.Time
}

// externalUse is what one comparison has found.
type externalUse struct {
	at     time.Time
	starts int
}

// RefreshSessionStartLimit asks Discord how many starts are left if the last answer is
// older than five minutes. So [Limiter.ExternalUse] is found while this bot starts
// nothing. Without Options.SessionStartLimit it does nothing.
func (l *Limiter) RefreshSessionStartLimit(ctx context.Context) { l.refresh(ctx) }

// ExternalUse returns the session starts that other programs have spent. Each is
// found by the next answer of Discord after it. What was spent before the first
// answer is not: a record may have been lost or begun late.
func (l *Limiter) ExternalUse() ExternalUse {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum ExternalUse
	for _, use := range l.external {
		if time.Since(use.at) < day {
			sum.Starts, sum.Last = sum.Starts+use.starts, use.at
		}
	}
	return sum
}

// compare finds out whether more was spent between two of Discord's answers than
// are in the record. The caller holds mu.
func (l *Limiter) compare(before, now SessionStartLimit) {
	if before.Total != now.Total { // the first answer, or another limit
		return
	}
	remaining := before.Remaining
	if ends := now.At.Add(now.ResetAfter).Sub(before.At.Add(before.ResetAfter)); ends.Abs() > windowSlack {
		remaining = now.Total // the count has been reset in between
	}
	// What left in the moment of either question, or is about to, may be in the
	// answers or not: it is taken for counted.
	own := len(l.since(before.At.Add(-windowSlack))) + len(l.grants)
	if spent := remaining - now.Remaining; spent > own {
		l.external = append(l.external, externalUse{now.At, spent - own})
	}
	for len(l.external) > 0 && now.At.Sub(l.external[0].at) >= day {
		l.external = l.external[1:]
	}
}
