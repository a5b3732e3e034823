package gateway

import (
	"slices"
	"strconv"
	"time"
)

// sendHeartbeat sends a heartbeat on the current connection.
func (t *connLoop) sendHeartbeat(now time.Time, kind heartbeatKind) *Reason {
	if !t.conn.sendHeartbeat() {
		return &Reason{Kind: ReasonWrite, Text: "earlier heartbeats have not left yet"}
	}
	t.heartbeats.recordSent(answerWait{now, t.conn.progress.total()}, kind)
	t.count.heartbeats.Add(1)
	t.emit(HeartbeatSent{Requested: kind == heartbeatRequested, Probe: kind == heartbeatProbe})
	return nil
}

// sendHeartbeat hands a heartbeat to controlLoop, which writes it at once. It reports
// false when nothing leaves any more.
func (c *conn) sendHeartbeat() bool { return c.enqueueControl(controlFrame{heartbeat: true}) }

// heartbeatPayload builds op 1: the highest sequence number received, null
// before the first (G-019, G-020).
func heartbeatPayload(seq int64) []byte {
	if seq <= 0 {
		return []byte(`{"op":1,"d":null}`)
	}
	b := append(make([]byte, 0, 40), `{"op":1,"d":`...)
	return append(strconv.AppendInt(b, seq, 10), '}')
}

// heartbeats decides when a connection sends a heartbeat and whether it is still
// alive. It is arithmetic on times: connLoop tells it what happened and asks it what
// to do.
type heartbeats struct {
	timing      Timing
	interval    time.Duration
	nextRegular time.Time       // extra heartbeats do not move it (G-017)
	unacked     []sentHeartbeat // oldest first
	rtt         [8]time.Duration
	rttCount    int
	lastACK     time.Time
	requested   bool        // Discord asked for one and has not got it yet
	connecting  bool        // READY or RESUMED has not come yet
	lastMinute  []time.Time // when heartbeats were sent
}

// sentHeartbeat is a heartbeat that was sent and not yet answered.
type sentHeartbeat struct {
	answerWait
	kind heartbeatKind
}

// heartbeatKind says why a heartbeat is sent.
type heartbeatKind int

const (
	heartbeatRegular   heartbeatKind = iota // the interval of HELLO
	heartbeatRequested                      // Discord asked for it (op 1)
	heartbeatProbe                          // nothing has arrived for a while
)

// liveness is what unanswered heartbeats say of a connection.
type liveness int

const (
	alive   liveness = iota
	suspect          // an answer is overdue in silence: dial a spare
	noBytes          // nothing arrives: end the connection
	noACK            // bytes arrive, but heartbeats stay unanswered: end it
)

// newHeartbeats puts the first regular heartbeat at a point of the first interval
// that jitter, in [0,1), chooses (G-016).
func newHeartbeats(timing Timing, interval time.Duration, now time.Time, jitter float64) *heartbeats {
	return &heartbeats{
		timing:      timing,
		interval:    interval,
		nextRegular: now.Add(time.Duration(jitter * float64(interval))),
		lastACK:     now,
	}
}

// due reports whether a heartbeat has to be sent now, and why. lastByte is when the
// last byte arrived.
func (h *heartbeats) due(now, lastByte time.Time) (heartbeatKind, bool) {
	switch {
	case !now.Before(h.nextRegular):
		return heartbeatRegular, true
	case h.requested && h.withinBudget(now):
		return heartbeatRequested, true
	case h.timing.SilenceProbe > 0 && len(h.unacked) == 0 && now.Sub(lastByte) >= h.silenceProbeAfter():
		return heartbeatProbe, true
	}
	return 0, false
}

// recordSent records a heartbeat that was sent. sent begins the wait for its answer.
func (h *heartbeats) recordSent(sent answerWait, kind heartbeatKind) {
	now := sent.since
	h.unacked = append(h.unacked, sentHeartbeat{sent, kind})
	h.pruneLastMinute(now)
	h.lastMinute = append(h.lastMinute, now)
	switch kind {
	case heartbeatRegular:
		// From send to send: after a stall the missed ones are not made up for.
		if h.nextRegular = h.nextRegular.Add(h.interval); !h.nextRegular.After(now) {
			h.nextRegular = now.Add(h.interval)
		}
		h.requested = false
	case heartbeatRequested:
		h.requested = false
	}
}

// recordRequest records that Discord asked for a heartbeat.
func (h *heartbeats) recordRequest() { h.requested = true }

// withinBudget reports whether one more heartbeat leaves room for other payloads. A
// server that asks without end must not make the shard break the send limit.
func (h *heartbeats) withinBudget(now time.Time) bool {
	h.pruneLastMinute(now)
	return len(h.lastMinute) < heartbeatBudget(h.interval)
}

func (h *heartbeats) pruneLastMinute(now time.Time) {
	h.lastMinute = slices.DeleteFunc(h.lastMinute, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
}

// heartbeatBudget is how many heartbeats of all kinds a minute may see. The send
// limiter leaves room for as many.
func heartbeatBudget(interval time.Duration) int {
	regular := int(time.Minute/interval) + 2
	return min(regular+20, sendLimit-5)
}

// recordACK records an answer. Answers come in order, so it belongs to the oldest
// heartbeat. ok is false for an answer to nothing. One that came behind a large message
// says nothing of the round trip, so nothing is learnt from it.
func (h *heartbeats) recordACK(now time.Time, receiving time.Duration) (ack HeartbeatACK, ok bool) {
	h.lastACK = now
	if len(h.unacked) == 0 {
		return HeartbeatACK{}, false
	}
	sent := h.unacked[0]
	ack = HeartbeatACK{Latency: now.Sub(sent.since), Receiving: receiving - sent.receiving}
	h.unacked = slices.Delete(h.unacked, 0, 1)
	if ack.IsRoundTrip() {
		h.rtt[h.rttCount%len(h.rtt)] = ack.Latency
		h.rttCount++
	}
	return ack, true
}

// slowestRTT is the longest of the last eight round trips.
func (h *heartbeats) slowestRTT() time.Duration {
	var slowest time.Duration
	for _, d := range h.rtt {
		slowest = max(slowest, d)
	}
	return slowest
}

// maxLearnedSuspectAfter is how long slow answers make a connection wait before it is
// suspect, at the most. Without a ceiling, one stall of eight seconds would keep a
// dead connection for a minute.
const maxLearnedSuspectAfter = 10 * time.Second

// timeouts returns after how much silence a connection is suspect and after how much
// it is dead. A slow link gets more of it, up to a ceiling (rules 3 and 4).
func (h *heartbeats) timeouts() (suspectAfter, deadAfter time.Duration) {
	suspectAfter = max(h.timing.SuspectAfter, min(8*h.slowestRTT(), maxLearnedSuspectAfter))
	deadAfter = max(h.timing.DeadAfter, 2*suspectAfter-h.timing.SuspectAfter)
	return min(suspectAfter, h.timing.HeartbeatTimeout), min(deadAfter, h.timing.HeartbeatTimeout)
}

// silenceProbeAfter returns after how much silence an extra heartbeat asks. A slow link
// is asked sooner by as much as it is given longer to answer. So its death is noticed
// as early as that of a fast one.
func (h *heartbeats) silenceProbeAfter() time.Duration {
	_, deadAfter := h.timeouts()
	more := max(0, deadAfter-h.timing.DeadAfter)
	after := h.timing.SilenceProbe - min(more, h.timing.SilenceProbe/2)
	if h.connecting {
		return min(after, connectingProbe)
	}
	return after
}

// connectingProbe is how long nothing may arrive before READY or RESUMED until an extra
// heartbeat asks: whether Discord takes its time, or nothing passes at all.
const connectingProbe = 5 * time.Second

// liveness says whether the connection is alive (G-024). What counts is how long an
// unanswered heartbeat has waited in complete silence. While bytes arrive, as in the
// middle of a huge message, the answer may be queued behind them; receiving is
// progress.total. elapsed is how long nothing has arrived, or for noACK how long the
// heartbeat has been unanswered.
func (h *heartbeats) liveness(now, lastByte time.Time, receiving time.Duration) (state liveness, elapsed time.Duration) {
	if len(h.unacked) == 0 {
		return alive, 0
	}
	oldest := h.unacked[0]
	since := oldest.since
	if lastByte.After(since) {
		since = lastByte
	}
	quiet := now.Sub(since)
	suspectAfter, deadAfter := h.timeouts()
	switch {
	case quiet >= deadAfter:
		return noBytes, now.Sub(lastByte)
	case oldest.counted(now, receiving) >= h.timing.HeartbeatTimeout:
		return noACK, now.Sub(oldest.since)
	case !now.Before(h.nextRegular) && h.regularOverdue(now, receiving):
		return noACK, now.Sub(oldest.since)
	case quiet >= suspectAfter:
		return suspect, now.Sub(lastByte)
	}
	return alive, 0
}

// regularOverdue reports whether the previous regular heartbeat is unanswered when
// the next one is due. One that Discord asked for right before does not count
// (G-026).
func (h *heartbeats) regularOverdue(now time.Time, receiving time.Duration) bool {
	for _, b := range h.unacked {
		if b.kind == heartbeatRegular && b.counted(now, receiving) >= h.interval-h.interval/10 {
			return true
		}
	}
	return false
}

// nextCheck returns when due or liveness may answer differently.
func (h *heartbeats) nextCheck(now, lastByte time.Time, receiving time.Duration) time.Time {
	at := h.nextRegular
	sooner := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if len(h.unacked) == 0 {
		if h.timing.SilenceProbe > 0 {
			sooner(lastByte.Add(h.silenceProbeAfter()))
		}
	} else {
		since := h.unacked[0].since
		if lastByte.After(since) {
			since = lastByte
		}
		suspectAfter, deadAfter := h.timeouts()
		if now.Before(since.Add(suspectAfter)) {
			sooner(since.Add(suspectAfter))
		} else {
			sooner(since.Add(deadAfter))
		}
		sooner(h.unacked[0].until(h.timing.HeartbeatTimeout, receiving))
	}
	if h.requested {
		if h.withinBudget(now) {
			sooner(now)
		} else {
			sooner(h.lastMinute[0].Add(time.Minute))
		}
	}
	return at
}

// shift moves unanswered heartbeats forward by a time in which this process did not
// run but its clock did: its own absence is not held against the connection.
func (h *heartbeats) shift(absence time.Duration) {
	for i := range h.unacked {
		h.unacked[i].since = h.unacked[i].since.Add(absence)
	}
}
