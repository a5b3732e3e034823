package discordsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// resume handles op 6 (S-046 to S-057).
func (c *conn) resume(d json.RawMessage) {
	s := c.sim
	if c.session != nil || c.pending != nil {
		s.violate(c, "S-017", "RESUME was sent on an authenticated connection")
		c.close(4005, reasonTwice)
		return
	}
	var in struct {
		Token   *string `json:"token"`
		Session *string `json:"session_id"`
		Seq     *int64  `json:"seq"`
	}
	if err := json.Unmarshal(d, &in); err != nil || in.Token == nil || in.Session == nil || in.Seq == nil {
		s.violate(c, "S-018", "RESUME could not be decoded")
		c.close(4002, reasonDecode)
		return
	}
	if s.awaitDeparture(s.sessions[*in.Session]); c.closed {
		return
	}
	app, known := s.authenticate(*in.Token)
	if known != nil {
		c.setBot(known)
		known.counts.Resumes++
	}
	sess := s.sessions[*in.Session]
	if sess != nil && sess.bot == known {
		c.setShard(sess.shard.id)
		c.rng = sess.shardState.rng
	}
	if c.cutInOutage() || c.alwaysClose(sess) || c.resumeFault(sess) {
		return
	}
	switch {
	case app == nil, sess != nil && app != sess.bot.app:
		if s.cfg.Session.WrongTokenIs4004 {
			c.close(4004, reasonToken)
			return
		}
		c.invalidate(false)
	case sess == nil:
		if _, died := s.ended[*in.Session]; !died {
			s.violate(c, "G-065", "RESUME named a session that never was")
		}
		c.invalidate(false)
	case *in.Seq > sess.seq:
		s.violate(c, "G-065", fmt.Sprintf("RESUME from sequence %d, the newest is %d", *in.Seq, sess.seq))
		sess.endAndCut(endedByClient, c)
		c.close(4007, reasonSequence)
	case *in.Seq < sess.dropped:
		sess.endAndCut(endedByServer, c)
		if s.cfg.Session.TooOldIs4007 {
			c.close(4007, reasonSequence)
			return
		}
		c.invalidate(false)
	default:
		if strings.HasPrefix(*in.Token, "Bot ") {
			s.violate(c, "G-065", advice+`the token in RESUME came with the "Bot " prefix`)
		}
		sess.replay(c, *in.Seq)
		if c.base && !c.invalidSent { // after op 9 the connection may be used again
			c.resumedOnBase()
		}
	}
}

// awaitDeparture waits for the end of a session's connection if its client has
// closed it already: its close code counts before its RESUME. It gives up the
// lock meanwhile.
func (s *Sim) awaitDeparture(sess *session) {
	if sess == nil || sess.conn == nil || !sess.conn.link.ClientClosed() {
		return
	}
	old := sess.conn
	s.mu.Unlock()
	<-old.readDone // its reader is at the end of the stream and waits for nothing
	s.mu.Lock()
}

// resumeFault answers a RESUME as the faults in force say, and reports whether one
// did.
func (c *conn) resumeFault(sess *session) bool {
	s := c.sim
	switch {
	case s.strike("stuck-session", c.target()) != nil:
		if sess != nil {
			c.cut()
		} else {
			c.invalidate(false)
		}
	case s.strike("resume-silent", c.target()) != nil:
	case s.strike("resume-op9-true", c.target()) != nil:
		c.invalidate(true)
	case s.strike("resume-op9-false", c.target()) != nil:
		if sess != nil {
			sess.endAndCut(endedByServer, c)
		}
		c.invalidate(false)
	default:
		return false
	}
	return true
}

// resumedOnBase cuts a connection that resumed on the base gateway a while later,
// and records it.
func (c *conn) resumedOnBase() {
	s := c.sim
	c.log.BaseResume = true
	if s.cfg.Session.BaseResumeCut > 0 {
		c.afterOpen(s.cfg.Session.BaseResumeCut, c.cut)
	}
	if !s.resumeHostWasDown() {
		s.violate(c, "G-008", "RESUME was sent to the base gateway although the resume gateway could be reached")
	}
}

// unreachableFaults are the faults after which going to the base gateway is right
// (G-010).
var unreachableFaults = []string{
	"resume-dead", "refuse", "dns", "tls", "offline", "unreachable", "upgrade-status", "upgrade-html", "upgrade-stall", "no-wss", "no-hello",
	"outage", "op7-first",
}

// resumeHostWasDown reports whether a fault kept clients from the resume gateway
// within the last five minutes.
func (s *Sim) resumeHostWasDown() bool {
	return slices.ContainsFunc(s.injected, func(a *Active) bool {
		return slices.Contains(unreachableFaults, a.Name) && (a.Ended.IsZero() || time.Since(a.Ended) <= 5*time.Minute)
	})
}
