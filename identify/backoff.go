package identify

import (
	"fmt"
	"time"
)

// settled is how long a session must live to count as worth its IDENTIFY.
const settled = 60 * time.Second

// backoff is how long one shard waits because its IDENTIFYs come to nothing.
type backoff struct {
	last   time.Time // when the shard last sent an IDENTIFY
	jitter float64   // how far between its bounds the next wait is, drawn at the last failure
	// shortSessions counts sessions in a row that lived for less than a minute,
	// refusals the IDENTIFYs in a row that brought no session at all.
	shortSessions, refusals int
	unused                  int    // grants in a row without an IDENTIFY
	open                    *entry // READY came and the session is not known to be over
	budgeted                bool   // a budget bounds the IDENTIFYs too
	rich                    bool   // the budget was rich when it was last looked at
}

// cheapSessions is how many short sessions in a row cost no wait but the spacing while
// the budget is rich: a bot that is restarted, or that Discord drops a few times, should
// not be offline to save starts that nothing else needs.
const cheapSessions = 10

// richShare is the share of the day's starts that has to be left for the budget to be
// rich.
const richShare = 0.5

// steps are the waits from one IDENTIFY to the next after so many failures in a
// row. Of short sessions while the budget is rich, those beyond cheapSessions count. So
// the first three IDENTIFYs may leave within a minute, or eleven where the budget is
// rich; at the last step 92 leave in a day at most.
var steps = []struct{ from, to time.Duration }{
	{0, 0},
	{5 * time.Second, 10 * time.Second},
	{20 * time.Second, 40 * time.Second},
	{60 * time.Second, 90 * time.Second},
	{2 * time.Minute, 3 * time.Minute},
	{5 * time.Minute, 5*time.Minute + 30*time.Second},
	{10 * time.Minute, 12 * time.Minute},
	{17 * time.Minute, 23 * time.Minute},
}

// maxRefusalStep is the last step for IDENTIFYs that were refused: Discord does not
// count those against the day (G-084). It holds only where a budget bounds them, for
// an IDENTIFY that nothing answers is a refusal too, and may have been counted.
const maxRefusalStep = 5

// countShortSession notes a session that ended for good soon after READY (G-043).
func (b *backoff) countShortSession(rand func() float64) {
	b.shortSessions++
	b.draw(rand)
}

// countRefusal notes an IDENTIFY that brought no session.
func (b *backoff) countRefusal(rand func() float64) {
	b.refusals++
	b.draw(rand)
}

// countReady notes that Discord grants sessions again, however long they live.
func (b *backoff) countReady() { b.refusals = 0 }

// countEnd notes the end of a session that was live for this long.
func (b *backoff) countEnd(lived time.Duration, rand func() float64) {
	b.open = nil
	if lived < settled {
		b.countShortSession(rand)
		return
	}
	b.shortSessions, b.refusals = 0, 0
}

// countStop notes the stop of a shard whose session had lived for this long.
func (b *backoff) countStop(lived time.Duration, rand func() float64) {
	if b.open = nil; lived >= settled {
		b.countEnd(lived, rand)
	}
}

func (b *backoff) draw(rand func() float64) { b.jitter = rand() }

// wait is the least time from the last IDENTIFY to the next.
func (b *backoff) wait() time.Duration {
	refusals := b.refusals
	if b.budgeted {
		refusals = min(refusals, maxRefusalStep)
	}
	sessions := b.shortSessions
	if b.rich {
		sessions = max(0, sessions-cheapSessions)
	}
	step := steps[min(max(sessions, refusals), len(steps)-1)]
	return step.from + time.Duration(b.jitter*float64(step.to-step.from))
}

// next is the earliest time of the shard's next IDENTIFY.
func (b *backoff) next() time.Time { return b.last.Add(b.wait()) }

// decideBackoff waits out the shard's backoff. The caller holds mu.
func (l *Limiter) decideBackoff(d *decision, shard ShardID) {
	b := l.backoff(shard)
	d.notBefore(b.next(), reasonBackoff, func() string {
		if b.shortSessions > 0 {
			return fmt.Sprintf("the last sessions ended within a minute of their start (%d in a row): starting slower to spare the day's session starts", b.shortSessions)
		}
		return fmt.Sprintf("Discord gave no session for the last IDENTIFYs (%d in a row)", b.refusals)
	})
}

// backoff returns the backoff of a shard. The caller holds mu.
func (l *Limiter) backoff(shard ShardID) *backoff {
	b := l.backoffs[shard]
	if b == nil {
		b = &backoff{budgeted: l.budgeted}
		l.backoffs[shard] = b
	}
	b.rich = l.rich
	return b
}

// updateRich looks at the budget. Without one none of nothing is left, which is rich. The
// caller holds mu.
func (l *Limiter) updateRich(now time.Time) {
	u := l.usage(now)
	l.rich = float64(u.Remaining) >= richShare*float64(u.Total)
}
