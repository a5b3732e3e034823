package judge

import (
	"time"

	"evergreen/discordsim"
)

// reconnectRules are about op 7 and op 9.
var reconnectRules = []rule{
	{statement: "G-077", says: "After op 7 the bot leaves with a private code and resumes at once.", apply: func(q *check) {
		for _, a := range q.during("op 7") {
			for _, id := range a.open {
				c := q.conn(id)
				if c == nil {
					continue
				}
				q.exercised()
				in := q.next(q.shards[c.Session], a.from, a.to)
				switch {
				case endsSession(c):
					q.broken(c, c.Closed, nil, "the bot closed with %d, which ends the session", c.Code)
				case c.Code == 1001 && !c.ByClient:
					q.broken(c, c.Closed, nil, "the bot did nothing until the server closed the connection")
				case in == nil:
					q.broken(c, a.to, nil, "no connection followed")
				case in.op != opResume:
					q.broken(in.conn, in.at, nil, givenUp)
				case in.at.Sub(a.from) > q.extended(a.from, 2*time.Second+slack):
					q.broken(in.conn, in.at, nil, "RESUME came after %s", round(in.at.Sub(a.from)))
				}
			}
		}
	}},
	{statement: "G-078", says: "Op 7 instead of HELLO, and again and again, is survived.", apply: func(q *check) {
		for _, a := range q.during("op 7 instead of HELLO") {
			if a.struck["op7-first"] > 0 {
				q.comesBackAfter(q.noted, a.name)
			}
		}
	}},
	{statement: "G-079", says: "Op 7 and the server's own close right after it lead to one RESUME.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			q.exercised()
			intros := q.between(q.shards[l.old.Session], l.act.from, l.act.to)
			switch {
			case len(intros) == 0:
				q.broken(l.old, l.act.to, nil, "no connection followed")
			case intros[0].op != opResume:
				q.broken(intros[0].conn, intros[0].at, nil, givenUp)
			case len(intros) > 1:
				q.broken(intros[1].conn, intros[1].at, nil, "it was resumed %d times", len(intros))
			}
		}, "op 7 and a close")
	}},
	{statement: "G-081", says: "After op 9 true the same session is resumed, after 1 to 5 s.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			q.exercised()
			switch {
			case l.next == nil:
				q.broken(l.old, l.act.to, nil, "nothing followed")
			case l.next.op != opResume || l.next.said.Session != l.old.Session:
				q.broken(l.next.conn, l.next.at, nil, "the session was given up, although it may be resumed")
			default:
				q.waitsAfterOp9(l, 6*time.Second)
			}
		}, "op 9 true")
	}},
	{statement: "G-082", says: "After op 9 false the session is forgotten, and IDENTIFY follows at the base address after 1 to 5 s.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			q.exercised()
			switch {
			case l.next == nil:
				q.broken(l.old, l.act.to, nil, "nothing followed")
			case l.next.op != opIdentify:
				q.broken(l.next.conn, l.next.at, nil, "RESUME of a session that has been declared invalid")
			case !l.next.conn.Base && l.next.conn.ID != l.old.ID:
				q.broken(l.next.conn, l.next.at, nil, "IDENTIFY was sent to the resume address")
			default:
				// Shards that lose their sessions together queue for their
				// IDENTIFYs, one every 5 s of a key (G-038).
				q.waitsAfterOp9(l, 15*time.Second+time.Duration(len(l.act.open)-1)*5*time.Second)
			}
		}, "op 9 false")
	}},
	{statement: "G-083", says: "After op 9 in answer to IDENTIFY the next one comes 5 s after the first at the earliest.", apply: func(q *check) {
		for _, a := range q.during("op 9 false") {
			if a.struck["ready-op9"] == 0 {
				continue
			}
			var last time.Time
			for _, in := range q.between(0, a.from, a.to) {
				if in.op != opIdentify {
					continue
				}
				if !last.IsZero() {
					q.exercised()
					if gap := in.at.Sub(last); gap < 5*time.Second-slack-q.load.between(last, in.at) {
						q.broken(in.conn, in.at, nil, "it came after %s", round(gap))
					}
				}
				last = in.at
			}
		}
	}},
	{statement: "G-086", says: "Op 9 on a live session is handled by its d.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			q.exercised()
			if l.next != nil && (l.next.op == opResume) != (l.act.name == "op 9 true") {
				q.broken(l.next.conn, l.next.at, nil, "op %d is the answer to the other d", l.next.op)
			}
		}, "op 9 true", "op 9 false")
	}},
}

// waitsAfterOp9 checks the time between op 9 and what follows it. Discord minds only what
// comes too late: its documentation no longer asks for a wait.
func (q *check) waitsAfterOp9(l lostConn, most time.Duration) {
	const least = time.Second - slack
	at := l.act.from
	for _, f := range l.old.Frames {
		if f.Sent && f.Op == opInvalid && !f.At.Before(l.act.from) {
			at = f.At
			break
		}
	}
	switch wait := l.next.at.Sub(at); {
	case wait < least:
		q.noted(l.next.conn, l.next.at, nil, "op %d came after %s", l.next.op, round(wait))
	case wait > q.extended(at, most):
		q.broken(l.next.conn, l.next.at, nil, "op %d came only after %s", l.next.op, round(wait))
	}
}

// closeRules are about how the bot closes, and what it does about codes that
// only a person can mend.
var closeRules = []rule{
	{statement: "G-088", says: "The bot never closes with 1000 or 1001 while it wants the session back.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			if !c.ByClient || c.Session == "" {
				continue
			}
			q.exercised()
			invalid := false
			for _, f := range c.Frames {
				invalid = invalid || (f.Sent && f.Op == opInvalid)
			}
			switch next := q.next(q.shards[c.Session], c.Closed, q.until); {
			case !endsSession(c) || invalid || next == nil:
			case next.op == opResume:
				q.broken(c, c.Closed, nil, "the bot closed with %d and came back for its session", c.Code)
			default: // so does a bot that is started again
				q.noted(c, c.Closed, nil, "the bot closed with %d and began a new session", c.Code)
			}
		}
	}},
	{statement: "G-094", says: "After 4004 or 4014 the bot does not dial again until something has changed.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			if c.ByClient || (c.Code != 4004 && c.Code != 4014) {
				continue
			}
			q.exercised()
			for j := range q.conns {
				if later := &q.conns[j]; later.Opened.After(c.Closed) {
					q.broken(later, later.Opened, nil, "the bot dialled %s after it had been refused with %d", round(later.Opened.Sub(c.Closed)), c.Code)
					break
				}
			}
		}
	}},
}

// sendRules are about what the bot sends.
var sendRules = []rule{
	{statement: "G-099", says: "At most 120 payloads are sent in any 60 s of a connection.", apply: eachConn(sentAnything)},
	{statement: "G-101", says: "At most 5 presence updates are sent in any 20 s.", apply: eachFrame(func(f discordsim.Frame) bool { return f.Op == opPresence }, nil)},
	{statement: "G-102", says: "A presence has its four fields, and activities only those a bot may set.", apply: eachFrame(func(f discordsim.Frame) bool {
		return f.Op == opPresence || (identifies(f) && f.Client.Presence)
	}, nil)},
	{statement: "G-103", says: "No payload is larger than 4096 bytes.", breaches: []string{"S-012"}, apply: eachFrame(anything, func(f discordsim.Frame) string {
		if f.Size > 4096 {
			return "it has " + itoa(f.Size) + " bytes"
		}
		return ""
	})},
	{statement: "G-104", says: "Before READY or RESUMED only op 1, 2 and 6 are sent.", apply: eachConn(sentAnything)},
	{statement: "G-122", says: "When one shard loses its connection, the others keep theirs.", apply: func(q *check) {
		for _, a := range q.during("one shard reset") {
			for _, id := range a.open {
				c := q.conn(id)
				if c == nil || q.shards[c.Session] == 0 {
					continue
				}
				q.exercised()
				if end := ended(c); end.Before(a.to) {
					q.broken(c, end, nil, "shard %d lost its connection with shard 0: %s", q.shards[c.Session], howEnded(c))
				}
			}
		}
	}},
}

// retryRules are about how hard the bot tries.
var retryRules = []rule{
	{statement: "G-151", says: "Attempts to connect back off.", apply: func(q *check) {
		const tries = 15 // of one shard
		for _, a := range q.during("connections refused") {
			q.exercised()
			if n := a.struck["refuse"]; n > tries*a.shards() {
				q.broken(nil, a.to, nil, "%d attempts in %s", n, refusedFor)
			}
		}
	}},
	{statement: "G-152", says: "The backoff is forgotten only after a while of being live, not at HELLO.", apply: func(q *check) {
		for _, a := range q.during("closed at once") {
			tries, burst := 12*a.shards(), 6*a.shards()
			q.exercised()
			var opened []time.Time
			for i := range q.conns {
				c := &q.conns[i]
				if c.Opened.Before(a.from) || c.Opened.After(a.from.Add(closedFor)) {
					continue
				}
				opened = append(opened, c.Opened)
				if n := len(opened); n >= burst && c.Opened.Sub(opened[n-burst]) < time.Second {
					q.broken(c, c.Opened, nil, "%d connections in %s, each closed with 4000", burst, round(c.Opened.Sub(opened[n-burst])))
					break
				}
			}
			if n := len(opened); n > tries {
				q.broken(nil, a.from.Add(closedFor), nil, "%d connections in %s, each closed with 4000", n, closedFor)
			}
		}
	}},
}
