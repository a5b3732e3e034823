package discordsim

import (
	"cmp"
	"slices"
	"time"
)

// eventLog is the log of connections (S-008) and of violations, by app; those of
// clients that have not shown a token are under app 0.
type eventLog struct {
	conns      map[ID][]*ConnLog // oldest first
	violations map[ID][]Violation
}

func newEventLog() eventLog {
	return eventLog{conns: map[ID][]*ConnLog{}, violations: map[ID][]Violation{}}
}

// ConnLog is what happened on one connection.
type ConnLog struct {
	ID int64
	// App is 0 until the client has shown a token.
	App ID
	// Base tells the base gateway from the resume gateway; BaseResume marks a
	// RESUME on the base gateway.
	Base, BaseResume bool
	Compress         string
	// Version and Encoding are those of the URL that was dialled.
	Version, Encoding string
	// Session is the session that READY or RESUMED gave the connection, if any.
	Session string
	// Pings counts the WebSocket pings sent by themselves, Pongs those that were
	// answered.
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
	// Client is what a heartbeat, IDENTIFY or RESUME of the client said; nil for
	// all else.
	Client *ClientPayload
}

// add adds a log to its app's and drops the oldest one beyond the limit.
func (e *eventLog) add(l *ConnLog, most int) {
	list := append(e.conns[l.App], l)
	for i := len(list) - 1; i > 0 && list[i-1].ID > l.ID; i-- {
		list[i-1], list[i] = list[i], list[i-1]
	}
	if most > 0 && len(list) > most {
		list = slices.Delete(list, 0, len(list)-most)
	}
	e.conns[l.App] = list
}

// assign moves a log to the app that its connection is now known to be of.
func (e *eventLog) assign(l *ConnLog, app ID, most int) {
	e.conns[l.App] = slices.DeleteFunc(e.conns[l.App], func(other *ConnLog) bool { return other == l })
	l.App = app
	e.add(l, most)
}

// logFrame logs a payload.
func (l *ConnLog) logFrame(sent bool, op int, typ string, seq int64, size, most int) {
	if most <= 0 {
		return
	}
	if len(l.Frames) >= 2*most {
		l.Frames = slices.Delete(l.Frames, 0, len(l.Frames)-most)
	}
	l.Frames = append(l.Frames, Frame{At: time.Now(), Sent: sent, Op: op, Type: typ, Seq: seq, Size: size})
}

// logHeartbeat logs a heartbeat that was not asked for. The times of HELLO and of
// the heartbeat before are zero if there were none.
func (l *ConnLog) logHeartbeat(now, hello, last time.Time) {
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

// logPing logs a WebSocket ping, and whether it was answered.
func (l *ConnLog) logPing(answered bool) {
	l.Pings++
	if answered {
		l.Pongs++
	}
}

// logClose logs the end of a connection; only the first call counts.
func (l *ConnLog) logClose(code int, reason string, byClient bool) {
	if l.Closed.IsZero() {
		l.Closed, l.Code, l.Reason, l.ByClient = time.Now(), code, reason, byClient
		l.Frames = slices.Clip(l.Frames)
	}
}

// Connections lists the connections of an app, oldest first; of every client
// when app is nil. They are copies.
func (s *Sim) Connections(app *App) (out []ConnLog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := max(0, s.cfg.LogFrames)
	for id, list := range s.log.conns {
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

// violation remembers a violation and reports whether there was room for it.
func (e *eventLog) violation(v Violation) bool {
	list := e.violations[v.App]
	if len(list) >= maxViolations {
		return false
	}
	e.violations[v.App] = append(list, v)
	return true
}

// of lists the violations of an app, and those of unknown clients.
func (e *eventLog) of(app *App) []Violation {
	return slices.Concat(e.violations[0], e.violations[app.ID])
}

// violate records what a client did on a connection.
func (s *Sim) violate(c *conn, statement, what string) {
	v := Violation{At: time.Now(), Conn: c.id, Statement: statement, What: what}
	if app := c.app(); app != nil {
		v.App = app.ID
	}
	s.recordViolation(v)
}

// recordViolation remembers a violation, of the first ones of each app.
func (s *Sim) recordViolation(v Violation) {
	if s.log.violation(v) {
		s.changed(Change{Kind: ChangeViolation, Violation: &v})
	}
}

// Request is one REST request in the log: what was asked, and what came of it. It
// holds no secret.
type Request struct {
	At time.Time
	// App is 0 where it is not known which bot sent the request.
	App ID
	// Route is the route as faults name it, such as "GET /gateway/bot".
	Route string
	// Status is that of the answer; 0 where there was none.
	Status int
	// Scope is that of a 429: user, shared or global.
	Scope string
	// Lost says that a fault kept the answer from the client.
	Lost bool
	// Agent says that the User-Agent is one that Discord takes, Authorized that
	// there was a good token with its prefix.
	Agent, Authorized bool
}

// loggedRequests is how many requests are remembered at most.
const loggedRequests = 5000

// logRequest logs a request.
func (r *restAPI) logRequest(c *restRequest, status int, scope string, lost bool) {
	if r.sim.cfg.LogFrames <= 0 {
		return
	}
	q := Request{
		At: c.now, Route: c.label(), Status: status, Scope: scope, Lost: lost,
		Agent: takenUserAgent.MatchString(c.req.UserAgent()), Authorized: c.app != nil,
	}
	if app := r.appOf(c); app != nil {
		q.App = app.ID
	}
	if len(r.requests) >= 2*loggedRequests {
		r.requests = slices.Delete(r.requests, 0, loggedRequests)
	}
	r.requests = append(r.requests, q)
}

// Requests lists the newest REST requests of an app, oldest first; of every
// client when app is nil. Requests that a network fault answered are not among
// them.
func (s *Sim) Requests(app *App) (out []Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.rest.requests {
		if app == nil || q.App == app.ID {
			out = append(out, q)
		}
	}
	return out
}
