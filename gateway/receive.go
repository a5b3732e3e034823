package gateway

import (
	"fmt"
	"time"
)

// A Shard is the sink of its connections. These methods run on the goroutine
// that reads a connection and never wait for anything.

var _ sink = (*Shard)(nil)

func (s *Shard) dispatch(c *conn, env envelope, now time.Time) {
	if string(env.typ) == "RATE_LIMITED" {
		s.sends.onRateLimited(env.d, now)
	}
	s.seq.accept(c, env, now)
}

// unwanted lets the scan stop before d when nobody needs it.
func (s *Shard) unwanted(op Opcode, typ []byte) bool {
	if op != OpDispatch {
		return false
	}
	switch string(typ) {
	case "READY", "RESUMED", "RATE_LIMITED":
		return false
	}
	return s.seq.isUnwanted(typ)
}

// ready takes a new session over before anything that follows READY is read.
func (s *Shard) ready(c *conn, env envelope, now time.Time) (readyData, error) {
	data, err := parseReady(env.d)
	if err != nil {
		return data, err
	}
	if data.resumeURL == "" {
		data.resumeURL = c.url // better than no resume at all
	}
	if s.seq.isCurrent(c) {
		s.seq.beginSession(Session{ID: data.sessionID, ResumeURL: data.resumeURL, Seq: max(1, env.seq)})
		s.seq.queueReady(env, now)
	}
	return data, nil
}

func (s *Shard) resumed(c *conn, env envelope, now time.Time) int {
	return s.seq.endReplay(c, env, now)
}

func (s *Shard) skipped(p PayloadSkipped) {
	s.count.skipped.Add(1)
	s.emit(p)
}

// malformed decides about text that is not JSON (G-118). The first time at a
// place in the session the connection is given up, so that a RESUME fetches
// whatever it was; if the same place is broken again, it will always be, and
// costs only itself.
func (s *Shard) malformed(size int64) bool {
	at := s.seq.received.Load()
	if s.malformedAt.Swap(at) != at {
		s.skipped(PayloadSkipped{Why: "not JSON; the connection is resumed", Op: -1, Bytes: size})
		return false
	}
	s.skipped(PayloadSkipped{Why: fmt.Sprintf("not JSON, again at sequence %d", at), Op: -1, Bytes: size})
	return true
}
