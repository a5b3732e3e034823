package discordsim

import (
	"slices"
	"time"
)

// record is the log of connections and of what clients did wrong (S-008).
type record struct {
	conns      []*ConnLog
	dialled    map[ID]int
	violations map[ID][]Violation
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
	Opened, Closed   time.Time
	// Code is the close code, 0 without a close frame; ByClient says who ended
	// the connection.
	Code     int
	Reason   string
	ByClient bool
	// Frames are the newest payloads, oldest first.
	Frames []Frame
}

// Frame is one payload of a connection.
type Frame struct {
	At time.Time
	// Sent is true for what the server sent.
	Sent bool
	Op   int
	Type string
	Seq  int64
	Size int
}

func (r *record) open(c *conn, compress string) *ConnLog {
	l := &ConnLog{ID: c.id, Base: c.base, Compress: compress, Opened: c.opened}
	r.conns = append(r.conns, l)
	if most := c.sim.cfg.LogConns; most > 0 && len(r.conns) > most {
		r.count(r.conns[0])
		r.conns = slices.Delete(r.conns, 0, 1)
	}
	return l
}

// count keeps the number of connections that are no longer logged.
func (r *record) count(l *ConnLog) {
	if r.dialled == nil {
		r.dialled = map[ID]int{}
	}
	r.dialled[l.App]++
}

// dials counts the connections of an app.
func (r *record) dials(app *App) int {
	n := r.dialled[app.ID]
	for _, l := range r.conns {
		if l.App == app.ID {
			n++
		}
	}
	return n
}

// frame logs a payload.
func (l *ConnLog) frame(sent bool, op int, typ string, seq int64, size, most int) {
	if most <= 0 {
		return
	}
	if len(l.Frames) >= 2*most {
		l.Frames = append(l.Frames[:0], l.Frames[len(l.Frames)-most:]...)
	}
	l.Frames = append(l.Frames, Frame{At: time.Now(), Sent: sent, Op: op, Type: typ, Seq: seq, Size: size})
}

// closing logs the end, the first time it is told.
func (l *ConnLog) closing(code int, reason string, byClient bool) {
	if l.Closed.IsZero() {
		l.Closed, l.Code, l.Reason, l.ByClient = time.Now(), code, reason, byClient
	}
}

// Connections lists the connections of an app, oldest first; of every client
// when app is nil. The copies do not change any more.
func (s *Sim) Connections(app *App) (out []ConnLog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.record.conns {
		if app == nil || l.App == app.ID {
			one := *l
			one.Frames = slices.Clone(l.Frames)
			out = append(out, one)
		}
	}
	return out
}

// maxViolations bounds what is remembered of one app.
const maxViolations = 1000

func (r *record) violation(v Violation) {
	if r.violations == nil {
		r.violations = map[ID][]Violation{}
	}
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
