package discordsim

import (
	"cmp"
	"slices"
	"time"
)

// record is the log of connections (S-008) and of what clients did wrong. The
// connections and violations of clients that have not shown a token stand under
// app 0.
type record struct {
	conns      map[ID][]*ConnLog // oldest first
	violations map[ID][]Violation
}

func newRecord() record {
	return record{conns: map[ID][]*ConnLog{}, violations: map[ID][]Violation{}}
}

// ConnLog is what happened on one connection.
type ConnLog struct {
	ID int64
	// App is 0 until the client has shown a token.
	App ID
	// Base tells the base gateway from the resume gateway; BaseResume marks a
	// RESUME on the base gateway (S-053).
	Base, BaseResume bool
	Compress         string
	// Version and Encoding are those of the URL that was dialled.
	Version, Encoding string
	// Session is the session that READY or RESUMED gave the connection, if any.
	Session string
	// Pings counts the WebSocket pings sent by themselves, Pongs those that were
	// answered (S-010).
	Pings, Pongs int
	// Closed is zero while the connection is open.
	Opened, Closed time.Time
	// Code is the close code, 0 without a close frame; ByClient says that it was
	// the client that ended the connection. Otherwise Discord did or, without a
	// close frame, the network.
	Code     int
	Reason   string
	ByClient bool
	// Beats counts the heartbeats the client sent unasked. FirstBeat is the time
	// from HELLO to the first of them, BeatMin and BeatMax are the shortest and
	// the longest time between two (S-038).
	Beats                       int
	FirstBeat, BeatMin, BeatMax time.Duration
	// Frames are the newest payloads, oldest first.
	Frames []Frame
}

// Frame is one payload of a connection.
type Frame struct {
	At time.Time
	// Sent is true for what the server sent.
	Sent bool
	// Op is the opcode, or -1 for what has none.
	Op   int
	Type string
	Seq  int64
	// Size is in bytes, before compression.
	Size int
	// Said is what a heartbeat, IDENTIFY or RESUME of the client said; nil for
	// all else.
	Said *Said
}

// add files a log under its app and forgets the oldest one too many.
func (r *record) add(l *ConnLog, most int) {
	list := append(r.conns[l.App], l)
	for i := len(list) - 1; i > 0 && list[i-1].ID > l.ID; i-- {
		list[i-1], list[i] = list[i], list[i-1]
	}
	if most > 0 && len(list) > most {
		list = slices.Delete(list, 0, len(list)-most)
	}
	r.conns[l.App] = list
}

// file notes whose connection it is.
func (r *record) file(l *ConnLog, app ID, most int) {
	r.conns[l.App] = slices.DeleteFunc(r.conns[l.App], func(other *ConnLog) bool { return other == l })
	l.App = app
	r.add(l, most)
}

// frame logs a payload.
func (l *ConnLog) frame(sent bool, op int, typ string, seq int64, size, most int) {
	if most <= 0 {
		return
	}
	if len(l.Frames) >= 2*most {
		l.Frames = slices.Delete(l.Frames, 0, len(l.Frames)-most)
	}
	l.Frames = append(l.Frames, Frame{At: time.Now(), Sent: sent, Op: op, Type: typ, Seq: seq, Size: size})
}

// beat logs a heartbeat nobody asked for. The time of HELLO and of the one
// before are zero if there were none.
func (l *ConnLog) beat(now, hello, last time.Time) {
	l.Beats++
	switch {
	case last.IsZero():
		if !hello.IsZero() {
			l.FirstBeat = now.Sub(hello)
		}
		return
	case l.Beats == 2:
		l.BeatMin = now.Sub(last)
	}
	l.BeatMin, l.BeatMax = min(l.BeatMin, now.Sub(last)), max(l.BeatMax, now.Sub(last))
}

// ponged logs a WebSocket ping, and whether it was answered.
func (l *ConnLog) ponged(answered bool) {
	l.Pings++
	if answered {
		l.Pongs++
	}
}

// closing logs the end, the first time it is told.
func (l *ConnLog) closing(code int, reason string, byClient bool) {
	if l.Closed.IsZero() {
		l.Closed, l.Code, l.Reason, l.ByClient = time.Now(), code, reason, byClient
		l.Frames = slices.Clip(l.Frames)
	}
}

// Connections lists the connections of an app, oldest first; of every client
// when app is nil. The copies do not change any more.
func (s *Sim) Connections(app *App) (out []ConnLog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := max(0, s.cfg.LogFrames)
	for id, list := range s.record.conns {
		if app != nil && id != app.ID {
			continue
		}
		for _, l := range list {
			one := *l
			one.Frames = slices.Clone(l.Frames[max(0, len(l.Frames)-most):])
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b ConnLog) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// maxViolations bounds what is remembered of one app.
const maxViolations = 1000

func (r *record) violation(v Violation) {
	if list := r.violations[v.App]; len(list) < maxViolations {
		r.violations[v.App] = append(list, v)
	}
}

// of lists the violations of an app, and those of clients nobody knows.
func (r *record) of(app *App) []Violation {
	return slices.Concat(r.violations[0], r.violations[app.ID])
}

// violate records what a client did on a connection.
func (s *Sim) violate(c *conn, statement, what string) {
	v := Violation{At: time.Now(), Conn: c.id, Statement: statement, What: what}
	if app := c.app(); app != nil {
		v.App = app.ID
	}
	s.record.violation(v)
}

// violateREST records what a client did over REST.
func (s *Sim) violateREST(app *App, statement, what string) {
	v := Violation{At: time.Now(), Statement: statement, What: what}
	if app != nil {
		v.App = app.ID
	}
	s.record.violation(v)
}

// countInvalidRequest counts an answer of 401, 403 or 429.
func (s *Sim) countInvalidRequest(app *App) {
	if app != nil {
		s.bots[app.ID].tally.invalid++
	}
}
