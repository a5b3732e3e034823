package judge

import (
	"slices"
	"time"

	"evergreen/discordsim"
)

const (
	// discordInterval is the heartbeat interval of Discord itself.
	discordInterval = 41250 * time.Millisecond
	// twoIntervals is what a bot that waits for a fixed time may wait at Discord, where the
	// judge's short interval would make it look late. A bot that waits for countless
	// intervals of the judge's does not count them.
	twoIntervals = 2 * discordInterval
	countless    = 8
	// spacing is for how long a bot may hold back its IDENTIFY, and the first heartbeat with it.
	spacing = 5 * time.Second
	// helloAtMost is how long the judge waits for a bot that waits for HELLO.
	helloAtMost = 65 * time.Second
)

// heartbeatRules are about HELLO and heartbeats.
var heartbeatRules = []rule{
	{statement: "G-014", says: "Nothing is sent before HELLO.", apply: eachConn(sentAnything)},
	{statement: "G-015", says: "Where HELLO does not come, the bot leaves within 10 to 20 s and tries again.", apply: func(q *check) {
		for _, a := range q.during("no HELLO") {
			for i := range q.conns {
				c := &q.conns[i]
				if _, ok := helloAt(c); ok || c.Opened.Before(a.from) || c.Opened.After(a.to) {
					continue
				}
				q.exercised()
				patience := q.extended(c.Opened, 20*time.Second+2*slack)
				switch lasted := ended(c).Sub(c.Opened); {
				case !ended(c).Before(a.to):
					q.broken(c, a.to, nil, "the bot still waits for HELLO after %s", round(a.to.Sub(c.Opened)))
				case q.anyNext(c.Opened, a.to) == nil:
					q.broken(c, a.to, nil, "no other connection followed")
				case lasted > patience: // Discord names no time
					q.noted(c, ended(c), nil, "the bot waited %s for HELLO", round(lasted))
				}
			}
		}
	}},
	{statement: "G-016", says: "The first heartbeat comes at a random moment of the first interval.", apply: firstBeats},
	{statement: "G-017", says: "Later heartbeats are one interval apart.", apply: func(q *check) {
		q.eachGap(func(c *discordsim.ConnLog, a, b heartbeat, interval, tolerance time.Duration) {
			q.exercised()
			tolerance += q.load.between(a.at, b.at)
			if gap := b.at.Sub(a.at); gap < interval-tolerance || gap > interval+tolerance {
				q.broken(c, b.at, &b.frame, "the heartbeat came %s after the one before, the interval is %s", round(gap), interval)
			}
		})
	}},
	{statement: "G-018", says: "The interval of the latest HELLO of that connection is used.", apply: func(q *check) {
		var before time.Duration // the gap before this one, which lasted until a heartbeat
		var until time.Time
		q.eachGap(func(c *discordsim.ConnLog, a, b heartbeat, interval, tolerance time.Duration) {
			gap := b.at.Sub(a.at)
			// After a late one the next is soon due, with the right interval.
			caughtUp := until.Equal(a.at) && before+gap >= 2*interval-tolerance
			before, until = gap, b.at
			if q.changed.IsZero() || interval != nextInterval || caughtUp {
				return
			}
			q.exercised()
			if gap < firstInterval+tolerance-q.load.between(a.at, b.at) {
				q.broken(c, b.at, &b.frame, "HELLO said %s, and the heartbeat came after %s", interval, round(gap))
			}
		})
	}},
	{statement: "G-019", says: "The d of a heartbeat is null before the first dispatch of a fresh session.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			identified := false
			for _, f := range c.Frames {
				switch {
				case f.Sent && f.Op == opDispatch, !f.Sent && f.Op == opResume:
					identified = false
				case !f.Sent && f.Op == opIdentify:
					identified = true
				case !f.Sent && f.Op == opHeartbeat && f.Client != nil && identified:
					q.exercised()
					if !f.Client.Null {
						q.broken(c, f.At, &f, "nothing has been dispatched yet on this session")
					}
				}
			}
		}
	}},
	{statement: "G-020", says: "The d of a heartbeat is the highest sequence number received.", breaches: []string{"S-037"}, apply: sequences},
	{statement: "G-021", says: "A heartbeat asked for with op 1 comes within a second.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			for n, f := range c.Frames {
				if !f.Sent || f.Op != opHeartbeat || ended(c).Before(f.At.Add(time.Second+slack)) {
					continue
				}
				q.exercised()
				answered, within := false, q.extended(f.At, time.Second+slack)
				for _, later := range c.Frames[n:] {
					answered = answered || (!later.Sent && later.Op == opHeartbeat && later.At.Sub(f.At) <= within)
				}
				if !answered {
					q.broken(c, f.At, &f, "no heartbeat came within a second")
				}
			}
		}
	}},
	{statement: "G-022", says: "Op 11 is never sent.", apply: eachFrame(anything, func(f discordsim.Frame) string {
		if f.Op == 11 {
			return "this is for the server to send"
		}
		return ""
	})},
	{statement: "G-023", says: "A heartbeat that was asked for neither cancels nor doubles the timer.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			interval, all := q.interval(c), heartbeats(c)
			for n, b := range all {
				if !b.requested || n+1 < len(all) && all[n+1].requested {
					continue
				}
				switch within := q.extended(b.at, interval+2*slack); {
				case n+1 < len(all):
					q.exercised()
					if gap := all[n+1].at.Sub(b.at); gap > within {
						q.broken(c, all[n+1].at, &all[n+1].frame, "after the one that was asked for the next came %s later, the interval is %s", round(gap), interval)
					}
				case ended(c).Sub(b.at) > within && q.until.Sub(b.at) > within:
					q.broken(c, b.at, &b.frame, "no heartbeat followed the one that was asked for")
				}
			}
			q.hasTwoTimers(c, true)
		}
	}},
	{statement: "G-024", says: "When heartbeats stay unanswered, the bot leaves before the second one after and resumes.", apply: func(q *check) {
		for _, a := range q.during("unanswered heartbeats", "dead link") {
			for _, id := range a.open {
				c := q.conn(id)
				if c == nil {
					continue
				}
				q.exercised()
				interval := q.interval(c)
				limit := a.from.Add(q.extended(a.from, 2*interval+4*slack))
				switch lasted := minTime(ended(c), a.to).Sub(a.from); {
				case !ended(c).After(limit):
				case !ended(c).Before(a.to), lasted < countless*interval:
					q.broken(c, limit, nil, "the bot sat on a connection whose heartbeats nobody has answered for %s, the interval is %s", round(lasted), interval)
					continue
				default:
					q.noted(c, ended(c), nil, "the bot left after %s, a time of its own: in time with the interval that Discord has, %s", round(lasted), discordInterval)
				}
				q.wantResume(c, a.from, a.to)
			}
		}
	}},
	{statement: "G-025", says: "An answer that comes before the next heartbeat is in time.", apply: func(q *check) { q.staysOpen("late answers") }},
	{statement: "G-026", says: "Heartbeats that are asked for do not look like a dead connection.", apply: func(q *check) { q.staysOpen("heartbeats asked for") }},
	{statement: "G-027", says: "Heartbeats go on while READY is awaited.", apply: func(q *check) {
		q.withoutReady(func(c *discordsim.ConnLog, from, to time.Time) {
			interval := q.interval(c)
			if to.Sub(from) < q.extended(from, interval+2*slack) {
				return
			}
			q.exercised()
			for _, b := range heartbeats(c) {
				if b.at.After(from) && b.at.Before(to) {
					return
				}
			}
			q.broken(c, to, nil, "no heartbeat in %s without READY", round(to.Sub(from)))
		})
	}},
	{statement: "G-030", says: "No timer of an old connection beats on a new one.", apply: func(q *check) {
		for i := range q.conns {
			if i > 0 {
				q.hasTwoTimers(&q.conns[i], false)
			}
		}
	}},
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// tolerance is what a heartbeat may be off: 2 percent or 250 ms, and what the
// simulated network adds.
func (q *check) tolerance(interval time.Duration) time.Duration {
	return max(interval/50, 250*time.Millisecond) + max(0, q.config.Jitter)
}

// eachGap visits each two heartbeats that follow each other unasked.
func (q *check) eachGap(visit func(c *discordsim.ConnLog, a, b heartbeat, interval, tolerance time.Duration)) {
	for i := range q.conns {
		c := &q.conns[i]
		interval, all := q.interval(c), heartbeats(c)
		for n := 1; n < len(all); n++ {
			if !all[n-1].requested && !all[n].requested {
				visit(c, all[n-1], all[n], interval, q.tolerance(interval))
			}
		}
	}
}

// hasTwoTimers looks for two timers on a connection: unasked heartbeats that come in
// much less than an interval, again and again. With requests it is about
// connections on which heartbeats were asked for, else about the others.
func (q *check) hasTwoTimers(c *discordsim.ConnLog, requests bool) {
	var last time.Time
	short, asked, unasked := 0, false, 0
	var at time.Time
	for _, b := range heartbeats(c) {
		if b.requested {
			asked = true
			continue
		}
		if unasked++; !last.IsZero() && b.at.Sub(last) < q.interval(c)*3/4 {
			short, at = short+1, b.at
		}
		last = b.at
	}
	if asked != requests || unasked < 2 {
		return
	}
	q.exercised()
	if short > 1 {
		q.broken(c, at, nil, "%d of %d heartbeats came much sooner than an interval of %s after the one before", short, unasked, q.interval(c))
	}
}

// firstBeats looks at the first heartbeat of each connection (G-016).
func firstBeats(q *check) {
	var shares []float64 // of the interval
	var last *discordsim.ConnLog
	for i := range q.conns {
		c := &q.conns[i]
		hello, ok := helloAt(c)
		if !ok {
			continue
		}
		interval := q.interval(c)
		late := q.extended(hello, interval+q.tolerance(interval))
		all := heartbeats(c)
		switch {
		case len(all) == 0:
			if lived := minTime(ended(c), q.until).Sub(hello); lived > max(late, spacing)+slack {
				q.exercised()
				q.broken(c, hello.Add(late), nil, "no heartbeat in the first %s after HELLO, the interval is %s", round(lived), interval)
			}
			continue
		case all[0].requested:
			continue
		}
		q.exercised()
		after := all[0].at.Sub(hello)
		if after > late {
			late := verdict(q.broken)
			if after <= spacing+slack {
				late = q.noted // in time with Discord's interval
			}
			late(c, all[0].at, &all[0].frame, "the first heartbeat came %s after HELLO, the interval is %s", round(after), interval)
		}
		shares, last = append(shares, float64(after)/float64(interval)), c
	}
	if low, high, n := densest(shares); n > 0 {
		q.broken(last, last.Opened, nil, "there is no jitter: on %d of %d connections the first heartbeat came after %.2f to %.2f of the interval", n, len(shares), low, high)
	}
}

// densest finds the tenth of the interval in which so many first heartbeats lie that
// chance does not put them there: all of at least five, or four fifths of at least eight;
// n is 0 where there is none. By chance either comes less than once in a thousand bots.
func densest(shares []float64) (low, high float64, n int) {
	const width, fewest, many = 0.1, 5, 8
	need := len(shares)
	if need >= many {
		need = (need*4 + 4) / 5
	}
	if need < fewest {
		return 0, 0, 0
	}
	slices.Sort(shares)
	for i := 0; i+need <= len(shares); i++ {
		end := i + need
		if shares[end-1]-shares[i] >= width {
			continue
		}
		for end < len(shares) && shares[end]-shares[i] < width {
			end++
		}
		return shares[i], shares[end-1], end - i
	}
	return 0, 0, 0
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// sequences compares the d of heartbeats with what had been sent (G-020).
func sequences(q *check) {
	// received is how long a dispatch may be under way and wait to be read.
	const received = 2 * time.Second
	for i := range q.conns {
		c := &q.conns[i]
		type sent struct {
			read time.Time
			seq  int64
		}
		var all []sent
		resumed, read := int64(0), time.Time{}
		for _, f := range c.Frames {
			switch {
			case f.Sent && f.Op == opDispatch && f.Seq > 0:
				read = readBy(read, f, received)
				all = append(all, sent{read, f.Seq})
			case f.Sent && f.Op == opInvalid: // what follows may be another session
				all, resumed = nil, 0
			case !f.Sent && f.Op == opResume && f.Client != nil:
				resumed = f.Client.Seq
			case !f.Sent && f.Op == opHeartbeat && f.Client != nil && c.Session != "":
				least := resumed
				for _, s := range all {
					if !f.At.Before(s.read) {
						least = max(least, s.seq)
					}
				}
				if least == 0 {
					continue
				}
				q.exercised()
				if f.Client.Null || f.Client.Seq < least {
					q.broken(c, f.At, &f, "the client had received %d", least)
				}
			}
		}
	}
}

// withoutReady visits each connection on which an IDENTIFY was swallowed, with
// the time for which it was.
func (q *check) withoutReady(visit func(c *discordsim.ConnLog, from, to time.Time)) {
	for _, a := range q.during("READY does not come") {
		for _, in := range q.between(0, a.from, a.to) {
			if in.op != opIdentify {
				continue
			}
			to := minTime(ended(in.conn), a.to)
			if ready, ok := sentAt(in.conn, opDispatch, "READY"); ok {
				to = minTime(to, ready)
			}
			visit(in.conn, in.at, to)
		}
	}
}
