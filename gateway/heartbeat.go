package gateway

import (
	"slices"
	"time"
)

// heartbeats knows when a connection's heart should beat and whether it still
// does. It is plain arithmetic on times: the owner of the connection asks it
// what to do and tells it what happened.
type heartbeats struct {
	timing      Timing
	interval    time.Duration
	nextRegular time.Time       // of the regular beats; extra ones do not move it (G-017)
	unacked     []sentHeartbeat // oldest first
	rtt         [8]time.Duration
	rttCount    int
	lastACK     time.Time
	requested   bool // Discord asked for a beat that the budget did not allow yet
	lastMinute  []time.Time
}

// sentHeartbeat is a heartbeat that was sent and not yet answered.
type sentHeartbeat struct {
	at   time.Time
	kind HeartbeatKind
}

// liveness is what a pulse thinks of a connection.
type liveness int

const (
	alive   liveness = iota
	suspect          // an answer is overdue in silence: prepare a spare
	noBytes          // nothing arrives: give the connection up
	noACK            // bytes arrive, but heartbeats stay unanswered: give it up
)

// newHeartbeats starts the regular beats at a random point of the first interval
// (G-016, G-018).
func newHeartbeats(timing Timing, interval time.Duration, now time.Time, jitter float64) *heartbeats {
	return &heartbeats{
		timing:      timing,
		interval:    interval,
		nextRegular: now.Add(time.Duration(jitter * float64(interval))),
		lastACK:     now,
	}
}

// due returns the beat to send now, if any. heard is when the last byte
// arrived.
func (p *heartbeats) due(now, heard time.Time) (HeartbeatKind, bool) {
	switch {
	case !now.Before(p.nextRegular):
		return HeartbeatTimed, true
	case p.requested && p.withinBudget(now):
		return HeartbeatRequested, true
	case p.timing.SilenceProbe > 0 && len(p.unacked) == 0 && now.Sub(heard) >= p.probeAfter():
		return HeartbeatProbe, true
	}
	return "", false
}

// recordSent notes a beat.
func (p *heartbeats) recordSent(now time.Time, kind HeartbeatKind) {
	p.unacked = append(p.unacked, sentHeartbeat{now, kind})
	p.pruneLastMinute(now)
	p.lastMinute = append(p.lastMinute, now)
	switch kind {
	case HeartbeatTimed:
		// Send to send; after a stall the lost beats are not made up for.
		if p.nextRegular = p.nextRegular.Add(p.interval); !p.nextRegular.After(now) {
			p.nextRegular = now.Add(p.interval)
		}
		p.requested = false
	case HeartbeatRequested:
		p.requested = false
	}
}

// recordRequest notes that Discord asked for a beat (G-021).
func (p *heartbeats) recordRequest() { p.requested = true }

// withinBudget keeps a server that asks without end from making us break the
// send limit: 40 extra beats a minute are the most it gets (G-099).
func (p *heartbeats) withinBudget(now time.Time) bool {
	p.pruneLastMinute(now)
	return len(p.lastMinute) < heartbeatBudget(p.interval)
}

// pruneLastMinute lets go of beats that no limit counts any more.
func (p *heartbeats) pruneLastMinute(now time.Time) {
	p.lastMinute = slices.DeleteFunc(p.lastMinute, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
}

// heartbeatBudget is how many heartbeats of all kinds a minute may see; the send
// limiter leaves room for as many.
func heartbeatBudget(interval time.Duration) int {
	regular := int(time.Minute/interval) + 2
	return min(regular+20, sendLimit-5)
}

// recordACK notes an answer. Answers come in order, so it belongs to the oldest
// beat; ok is false for one that nobody asked for (G-025, G-026).
func (p *heartbeats) recordACK(now time.Time) (latency time.Duration, ok bool) {
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

// slowestRTT is the longest recent round trip.
func (p *heartbeats) slowestRTT() time.Duration {
	var slowest time.Duration
	for _, d := range p.rtt {
		slowest = max(slowest, d)
	}
	return slowest
}

// maxLearnedSuspectAfter is the longest a slow link makes the shard wait before it becomes
// suspect. Without a ceiling one stall of eight seconds would keep a dead
// connection for a minute.
const maxLearnedSuspectAfter = 10 * time.Second

// timeouts returns after how much silence a connection becomes suspect and
// dead. A slow link gets more of it, up to a ceiling.
func (p *heartbeats) timeouts() (suspectAfter, deadAfter time.Duration) {
	suspectAfter = max(p.timing.SuspectAfter, min(8*p.slowestRTT(), maxLearnedSuspectAfter))
	deadAfter = max(p.timing.DeadAfter, 2*suspectAfter-p.timing.SuspectAfter)
	return min(suspectAfter, p.timing.HeartbeatTimeout), min(deadAfter, p.timing.HeartbeatTimeout)
}

// probeAfter returns after how much silence to ask whether anybody is there. A
// slow link is asked sooner by as much as it is given longer to answer, so that
// its death is not noticed later than that of a fast one.
func (p *heartbeats) probeAfter() time.Duration {
	_, deadAfter := p.timeouts()
	more := max(0, deadAfter-p.timing.DeadAfter)
	return p.timing.SilenceProbe - min(more, p.timing.SilenceProbe/2)
}

// check judges the connection (rule 3, rule 4, G-024). What decides is how long
// an unanswered beat has waited in complete silence: while bytes arrive, as in
// the middle of a huge message, the answer may simply be queued behind them.
// elapsed is the time to tell: for how long nothing has arrived at all, or for
// how long the beat has been unanswered although something does.
func (p *heartbeats) check(now, heard time.Time) (v liveness, elapsed time.Duration) {
	if len(p.unacked) == 0 {
		return alive, 0
	}
	oldest := p.unacked[0]
	since := oldest.at
	if heard.After(since) {
		since = heard
	}
	quiet := now.Sub(since)
	suspectAfter, deadAfter := p.timeouts()
	switch {
	case quiet >= deadAfter:
		return noBytes, now.Sub(heard)
	case now.Sub(oldest.at) >= p.timing.HeartbeatTimeout:
		return noACK, now.Sub(oldest.at)
	case !now.Before(p.nextRegular) && p.timedOverdue(now):
		return noACK, now.Sub(oldest.at)
	case quiet >= suspectAfter:
		return suspect, now.Sub(heard)
	}
	return alive, 0
}

// timedOverdue reports whether the previous regular beat is still unanswered
// when the next one is due. A beat that Discord asked for right before the
// timer does not count (G-026).
func (p *heartbeats) timedOverdue(now time.Time) bool {
	for _, b := range p.unacked {
		if b.kind == HeartbeatTimed && now.Sub(b.at) >= p.interval-p.interval/10 {
			return true
		}
	}
	return false
}

// nextCheck returns when to look again.
func (p *heartbeats) nextCheck(now, heard time.Time) time.Time {
	at := p.nextRegular
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
		suspectAfter, deadAfter := p.timeouts()
		if now.Before(since.Add(suspectAfter)) {
			sooner(since.Add(suspectAfter))
		} else {
			sooner(since.Add(deadAfter))
		}
		sooner(p.unacked[0].at.Add(p.timing.HeartbeatTimeout))
	}
	if p.requested {
		if p.withinBudget(now) {
			sooner(now)
		} else {
			sooner(p.lastMinute[0].Add(time.Minute))
		}
	}
	return at
}

// shift moves the past forward by a time in which this process did not run,
// so that its own absence is not held against the connection.
func (p *heartbeats) shift(absence time.Duration) {
	for i := range p.unacked {
		p.unacked[i].at = p.unacked[i].at.Add(absence)
	}
}
