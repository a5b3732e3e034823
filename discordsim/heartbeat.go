package discordsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// expectBeat starts the time within which the next heartbeat has to come
// (S-035).
func (c *conn) expectBeat() {
	cfg := &c.sim.cfg
	if cfg.Heartbeat.Grace < 0 {
		return
	}
	patience := cfg.Heartbeat.Interval + cfg.Heartbeat.Grace
	if !c.beat.reset(patience) {
		c.beat = c.sim.after(patience, c.missed)
	}
}

// missed ends a connection whose heartbeats stopped.
func (c *conn) missed() {
	if c.known != nil {
		c.known.tally.missed++
	}
	switch c.sim.cfg.Heartbeat.Missed {
	case MissedDocumented:
		c.closeFor(4009, "Session timed out", endedByNeglect)
	case MissedSilent:
		c.cut()
	default:
		c.close(1000, "")
	}
}

// requestBeat asks for a heartbeat (S-036). Before HELLO nobody has to answer.
func (c *conn) requestBeat() {
	c.send(opHeartbeat, "null")
	c.asked.stop()
	if within := c.sim.cfg.Heartbeat.RequestedWithin; within >= 0 && !c.greeted.IsZero() {
		c.asked = c.sim.after(within, func() {
			if !c.link.deaf() {
				c.sim.violate(c, "G-021", "a heartbeat asked for with op 1 did not come in time")
			}
			c.missed()
		})
	}
}

// heartbeat is op 1 (S-016, S-034, S-037, S-038).
func (c *conn) heartbeat(d json.RawMessage) {
	s := c.sim
	c.checkSeq(d)
	if c.over {
		return
	}
	requested := c.asked != nil && c.asked.at >= 0
	c.asked.stop()
	if now := time.Now(); !requested {
		c.log.beat(now, c.greeted, c.beaten)
		c.beaten = now
	}
	c.expectBeat()
	if s.strikes("zombie", c.place()) != nil {
		return
	}
	delay := max(0, s.cfg.Heartbeat.ACKDelay)
	if slow := s.strikes("ack-delay", c.place()); slow != nil {
		delay += slow.takes(2 * time.Second)
	}
	if delay > 0 {
		c.later(delay, c.acknowledge)
		return
	}
	c.acknowledge()
}

// acknowledge is op 11.
func (c *conn) acknowledge() { c.send(opACK, "null") }

// plainBeat reads a heartbeat in its usual form, which is nearly all that comes
// in a quiet year. What looks any different is left to the JSON decoder.
func plainBeat(raw []byte) (d json.RawMessage, is bool) {
	d, begins := bytes.CutPrefix(raw, []byte(`{"op":1,"d":`))
	d, ends := bytes.CutSuffix(d, []byte("}"))
	if !begins || !ends {
		return nil, false
	}
	_, is = plainNumber(d)
	return d, is || isNull(d)
}

// plainNumber reads a number that is nothing but a few digits.
func plainNumber(d []byte) (n int64, is bool) {
	if len(d) == 0 || len(d) > 15 || d[0] == '0' && len(d) > 1 {
		return 0, false
	}
	for _, digit := range d {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		n = 10*n + int64(digit-'0')
	}
	return n, true
}

// sequence reads the number of a heartbeat.
func sequence(d []byte) (seq int64, err error) {
	if seq, is := plainNumber(d); is {
		return seq, nil
	}
	err = json.Unmarshal(d, &seq)
	return seq, err
}

// checkSeq judges the sequence number of a heartbeat.
func (c *conn) checkSeq(d json.RawMessage) {
	s, sess := c.sim, c.session
	if len(d) == 0 || isNull(d) {
		if sess != nil && sess.handed > 0 {
			s.violate(c, "G-020", "a heartbeat carried null although the session has had events")
		}
		return
	}
	switch seq, err := sequence(d); {
	case err != nil || seq < 0:
		s.violate(c, "S-037", "a heartbeat carried something that is no sequence number")
		if s.cfg.Heartbeat.StrictSequence {
			c.close(4002, reasonDecode)
		}
	case sess == nil:
		// The session may have been taken away a moment ago, or a RESUME is still
		// to come: the client cannot know. Only one that has just identified can.
		if c.pending != nil && seq > 0 {
			c.madeUp(seq, 0)
		}
	case seq > sess.seq:
		c.madeUp(seq, sess.seq)
	default:
		sess.confirm(seq)
	}
}

// madeUp is about a heartbeat with a number that has not been sent.
func (c *conn) madeUp(seq, newest int64) {
	c.sim.violate(c, "S-037", fmt.Sprintf("a heartbeat carried sequence %d, the newest is %d", seq, newest))
	if c.sim.cfg.Heartbeat.StrictSequence {
		c.close(4007, reasonSequence)
	}
}
