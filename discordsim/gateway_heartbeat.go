package discordsim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// expectHeartbeat starts the deadline of the next heartbeat (S-035).
func (c *conn) expectHeartbeat() {
	cfg := &c.sim.cfg
	if cfg.Heartbeat.Grace < 0 {
		return
	}
	patience := cfg.Heartbeat.Interval + cfg.Heartbeat.Grace
	if !c.heartbeatDue.reset(patience) {
		c.heartbeatDue = c.sim.after(patience, c.heartbeatMissed)
	}
}

// heartbeatMissed ends a connection whose heartbeats stopped.
func (c *conn) heartbeatMissed() {
	if c.bot != nil {
		c.bot.counts.MissedHeartbeats++
	}
	switch c.sim.cfg.Heartbeat.Missed {
	case MissedDocumented:
		c.closeFor(4009, "Session timed out", endedByTimeout)
	case MissedSilent:
		c.cut()
	default:
		c.close(1000, "")
	}
}

// requestHeartbeat asks for a heartbeat (S-036). Before HELLO no client has to
// answer.
func (c *conn) requestHeartbeat() {
	c.send(opHeartbeat, "null")
	c.requestedDue.stop()
	if within := c.sim.cfg.Heartbeat.RequestedWithin; within >= 0 && !c.helloAt.IsZero() {
		c.requestedDue = c.sim.after(within, func() {
			if !c.link.ClientUnreachable() {
				c.sim.violate(c, "G-021", "a heartbeat asked for with op 1 did not come in time")
			}
			c.heartbeatMissed()
		})
	}
}

// heartbeat is op 1 (S-016, S-034).
func (c *conn) heartbeat(d json.RawMessage) {
	s := c.sim
	c.checkSeq(d)
	if c.closed {
		return
	}
	requested := c.requestedDue != nil && c.requestedDue.index >= 0
	c.requestedDue.stop()
	if now := time.Now(); !requested {
		c.log.logHeartbeat(now, c.helloAt, c.lastHeartbeat)
		c.lastHeartbeat = now
	}
	c.expectHeartbeat()
	if s.strike("zombie", c.target()) != nil {
		return
	}
	delay := max(0, s.cfg.Heartbeat.ACKDelay)
	if slow := s.strike("ack-delay", c.target()); slow != nil {
		delay += slow.delayOr(2 * time.Second)
	}
	acknowledge := func() { c.send(opACK, "null") }
	if delay > 0 {
		c.afterOpen(delay, acknowledge)
		return
	}
	acknowledge()
}

// checkSeq checks the sequence number of a heartbeat.
func (c *conn) checkSeq(d json.RawMessage) {
	s, sess := c.sim, c.session
	if len(d) == 0 || isNull(d) {
		if sess != nil && sess.confirmed > 0 {
			s.violate(c, "G-020", "a heartbeat carried null although the session has had events")
		}
		return
	}
	switch seq, err := strconv.ParseInt(string(d), 10, 64); {
	case err != nil || seq < 0:
		s.violate(c, "S-037", "a heartbeat carried something that is no sequence number")
		if s.cfg.Heartbeat.StrictSequence {
			c.close(4002, reasonDecode)
		}
	case sess == nil:
		// The session may have been invalidated a moment ago, or a RESUME is still
		// to come: only a client that has just identified must not know a number.
		if c.pending != nil && seq > 0 {
			c.unknownSequence(seq, 0)
		}
	case seq > sess.seq:
		c.unknownSequence(seq, sess.seq)
	default:
		sess.confirm(seq)
	}
}

// unknownSequence records a heartbeat with a number that has not been sent.
func (c *conn) unknownSequence(seq, newest int64) {
	c.sim.violate(c, "S-037", fmt.Sprintf("a heartbeat carried sequence %d, the newest is %d", seq, newest))
	if c.sim.cfg.Heartbeat.StrictSequence {
		c.close(4007, reasonSequence)
	}
}

// SetHeartbeatInterval changes the interval that HELLO announces from now on.
// Connections that exist have been told another one: cut them, or only make it
// longer.
func (s *Sim) SetHeartbeatInterval(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Heartbeat.Interval = d
}
