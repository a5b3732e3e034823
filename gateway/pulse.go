package gateway

import (
	"slices"
	"time"
)

// pulse knows when a connection's heart should beat and whether it still
// does. It is plain arithmetic on times: the owner of the connection asks it
// what to do and tells it what happened.
type pulse struct {
	timing   Timing
	interval time.Duration
	next     time.Time // of the regular beats; extra ones do not move it (G-017)
	unacked  []beat    // oldest first
	rtt      [8]time.Duration
	rttCount int
	lastACK  time.Time
	owed     bool // Discord asked for a beat that the budget did not allow yet
	recent   []time.Time
}

// beat is a heartbeat that was sent and not yet answered.
type beat struct {
	at   time.Time
	kind HeartbeatKind
}

// vitals is what a pulse thinks of a connection.
type vitals int

const (
	alive    vitals = iota
	suspect         // an answer is overdue in silence: prepare a spare
	silent          // nothing arrives: give the connection up
	unheeded        // bytes arrive, but heartbeats stay unanswered: give it up
)

// newPulse starts the regular beats at a random point of the first interval
// (G-016, G-018).
func newPulse(timing Timing, interval time.Duration, now time.Time, jitter float64) *pulse {
	return &pulse{
		timing:   timing,
		interval: interval,
		next:     now.Add(time.Duration(jitter * float64(interval))),
		lastACK:  now,
	}
}

// due returns the beat to send now, if any. heard is when the last byte
// arrived.
func (p *pulse) due(now, heard time.Time) (HeartbeatKind, bool) {
	switch {
	case !now.Before(p.next):
		return HeartbeatTimed, true
	case p.owed && p.affordable(now):
		return HeartbeatRequested, true
	case p.timing.SilenceProbe > 0 && len(p.unacked) == 0 && now.Sub(heard) >= p.probeAfter():
		return HeartbeatProbe, true
	}
	return "", false
}

// sent notes a beat.
func (p *pulse) sent(now time.Time, kind HeartbeatKind) {
	p.unacked = append(p.unacked, beat{now, kind})
	p.forget(now)
	p.recent = append(p.recent, now)
	switch kind {
	case HeartbeatTimed:
		// Send to send; after a stall the lost beats are not made up for.
		if p.next = p.next.Add(p.interval); !p.next.After(now) {
			p.next = now.Add(p.interval)
		}
		p.owed = false
	case HeartbeatRequested:
		p.owed = false
	}
}

// requested notes that Discord asked for a beat (G-021).
func (p *pulse) requested() { p.owed = true }

// affordable keeps a server that asks without end from making us break the
// send limit: 40 extra beats a minute are the most it gets (G-099).
func (p *pulse) affordable(now time.Time) bool {
	p.forget(now)
	return len(p.recent) < beatBudget(p.interval)
}

// forget lets go of beats that no limit counts any more.
func (p *pulse) forget(now time.Time) {
	p.recent = slices.DeleteFunc(p.recent, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
}

// beatBudget is how many heartbeats of all kinds a minute may see; the send
// limiter leaves room for as many.
func beatBudget(interval time.Duration) int {
	regular := int(time.Minute/interval) + 2
	return min(regular+20, sendLimit-5)
}

// acked notes an answer. Answers come in order, so it belongs to the oldest
// beat; ok is false for one that nobody asked for (G-025, G-026).
func (p *pulse) acked(now time.Time) (latency time.Duration, ok bool) {
	p.lastACK = now
	if len(p.unacked) == 0 {
		return 0, false
	}
	latency = now.Sub(p.unacked[0].at)
	p.unacked = slices.Delete(p.unacked, 0, 1)
	p.rtt[p.rttCount%len(p.rtt)] = latency
	p.rttCount++
	return latency, true
}

// slowest is the longest recent round trip.
func (p *pulse) slowest() time.Duration {
	var slowest time.Duration
	for _, d := range p.rtt {
		slowest = max(slowest, d)
	}
	return slowest
}

// learnt is the longest a slow link makes the shard wait before it becomes
// suspect. Without a ceiling one stall of eight seconds would keep a dead
// connection for a minute.
const learnt = 10 * time.Second

// patience returns after how much silence a connection becomes suspect and
// dead. A slow link gets more of it, up to a ceiling.
func (p *pulse) patience() (suspectAfter, deadAfter time.Duration) {
	suspectAfter = max(p.timing.SuspectAfter, min(8*p.slowest(), learnt))
	deadAfter = max(p.timing.DeadAfter, 2*suspectAfter-p.timing.SuspectAfter)
	return min(suspectAfter, p.timing.HeartbeatTimeout), min(deadAfter, p.timing.HeartbeatTimeout)
}

// probeAfter returns after how much silence to ask whether anybody is there. A
// slow link is asked sooner by as much as it is given longer to answer, so that
// its death is not noticed later than that of a fast one.
func (p *pulse) probeAfter() time.Duration {
	_, deadAfter := p.patience()
	more := max(0, deadAfter-p.timing.DeadAfter)
	return p.timing.SilenceProbe - min(more, p.timing.SilenceProbe/2)
}

// check judges the connection (rule 3, rule 4, G-024). What decides is how long
// an unanswered beat has waited in complete silence: while bytes arrive, as in
// the middle of a huge message, the answer may simply be queued behind them.
// elapsed is the time to tell: for how long nothing has arrived at all, or for
// how long the beat has been unanswered although something does.
func (p *pulse) check(now, heard time.Time) (v vitals, elapsed time.Duration) {
	if len(p.unacked) == 0 {
		return alive, 0
	}
	oldest := p.unacked[0]
	since := oldest.at
	if heard.After(since) {
		since = heard
	}
	quiet := now.Sub(since)
	suspectAfter, deadAfter := p.patience()
	switch {
	case quiet >= deadAfter:
		return silent, now.Sub(heard)
	case now.Sub(oldest.at) >= p.timing.HeartbeatTimeout:
		return unheeded, now.Sub(oldest.at)
	case !now.Before(p.next) && p.timedOverdue(now):
		return unheeded, now.Sub(oldest.at)
	case quiet >= suspectAfter:
		return suspect, now.Sub(heard)
	}
	return alive, 0
}

// timedOverdue reports whether the previous regular beat is still unanswered
// when the next one is due. A beat that Discord asked for right before the
// timer does not count (G-026).
func (p *pulse) timedOverdue(now time.Time) bool {
	for _, b := range p.unacked {
		if b.kind == HeartbeatTimed && now.Sub(b.at) >= p.interval-p.interval/10 {
			return true
		}
	}
	return false
}

// wake returns when to look again.
func (p *pulse) wake(now, heard time.Time) time.Time {
	at := p.next
	sooner := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if len(p.unacked) == 0 {
		if p.timing.SilenceProbe > 0 {
			sooner(heard.Add(p.probeAfter()))
		}
	} else {
		since := p.unacked[0].at
		if heard.After(since) {
			since = heard
		}
		suspectAfter, deadAfter := p.patience()
		if now.Before(since.Add(suspectAfter)) {
			sooner(since.Add(suspectAfter))
		} else {
			sooner(since.Add(deadAfter))
		}
		sooner(p.unacked[0].at.Add(p.timing.HeartbeatTimeout))
	}
	if p.owed {
		if p.affordable(now) {
			sooner(now)
		} else {
			sooner(p.recent[0].Add(time.Minute))
		}
	}
	return at
}

// excuse moves the past forward by a time in which this process did not run,
// so that its own absence is not held against the connection.
func (p *pulse) excuse(absence time.Duration) {
	for i := range p.unacked {
		p.unacked[i].at = p.unacked[i].at.Add(absence)
	}
}
