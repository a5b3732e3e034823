package identify

import (
	"context"
	"time"
)

// windowSlack is how far apart two answers may put the end of one and the same
// window: each counts it from when it was on its way.
const windowSlack = time.Minute

// Foreign is what was spent by somebody else: session starts that Discord has
// counted for the bot and that are not in this account.
type Foreign struct {
	// Starts is how many there were in the last 24 hours, as far as this process
	// could compare; Last is by when the newest of them was counted.
	Starts int
	Last   time.Time
}

// sighting is what one comparison has found.
type sighting struct {
	at     time.Time
	starts int
}

// Look asks Discord how many starts are left if the last answer is older than
// five minutes, so that what others spend is noticed while this bot starts
// nothing. Without Options.Limits it does nothing.
func (l *Ledger) Look(ctx context.Context) { l.ask(ctx) }

// Foreign tells of session starts that others have spent. Each is found within
// one call of [Ledger.Look] after it; what was spent before the first answer is
// not, because an account may have been lost or begun late.
func (l *Ledger) Foreign() Foreign {
	l.mu.Lock()
	defer l.mu.Unlock()
	var f Foreign
	for _, s := range l.foreign {
		if time.Since(s.at) < day {
			f.Starts, f.Last = f.Starts+s.starts, s.at
		}
	}
	return f
}

// compare finds out whether more was spent between two of Discord's answers than
// the account knows of. The caller holds mu.
func (l *Ledger) compare(before, now Limits) {
	if before.At.IsZero() || before.Total != now.Total {
		return
	}
	began := before.Remaining
	if ends := now.At.Add(now.ResetAfter).Sub(before.At.Add(before.ResetAfter)); ends.Abs() > windowSlack {
		began = now.Total // the count has been reset in between
	}
	// What left in the moment of either question, or is about to, may be in the
	// answers or not: it is taken for counted.
	own := len(l.since(before.At.Add(-windowSlack))) + len(l.grants)
	if spent := began - now.Remaining; spent > own {
		l.foreign = append(l.foreign, sighting{now.At, spent - own})
	}
	for len(l.foreign) > 0 && now.At.Sub(l.foreign[0].at) >= day {
		l.foreign = l.foreign[1:]
	}
}
