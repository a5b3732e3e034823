package judge

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"evergreen/discordsim"
)

func itoa(n int) string { return strconv.Itoa(n) }

// lostConn is how the bot came back after a connection was taken from it.
type lostConn struct {
	act  playedStep
	old  *discordsim.ConnLog
	next *sessionRequest // nil: not at all
}

// eachLostConn visits every connection that was taken away in acts of these names.
func (q *check) eachLostConn(visit func(lostConn), names ...string) {
	for _, a := range q.during(names...) {
		for _, id := range a.open {
			if c := q.conn(id); c != nil {
				visit(lostConn{a, c, q.next(q.shards[c.Session], a.from, a.to)})
			}
		}
	}
}

// closed is the name of the act in which Discord closes with a code.
func closed(code int) string { return fmt.Sprintf("close %d", code) }

// The acts after which a session goes on.
var (
	linkLosses = []string{"reset", "end without a close frame"}
	codeLosses = []string{closed(4000), closed(4001), closed(4002), closed(4005), closed(4008), closed(4999)}
	awayLosses = []string{closed(1001), closed(1011), closed(1012)}
	resumable  = slices.Concat(linkLosses, codeLosses, awayLosses)
)

// givenUp is what a bot does that could have resumed and does not.
const givenUp = "the session was given up: IDENTIFY instead of RESUME"

// resumesAfter checks that each loss is followed by a RESUME of the session.
func (q *check) resumesAfter(names ...string) { q.comesBackAfter(q.broken, names...) }

// comesBackAfter checks that each loss is followed by a RESUME of the session. That the
// session is given up is what gaveUp says.
func (q *check) comesBackAfter(gaveUp verdict, names ...string) {
	q.eachLostConn(func(l lostConn) {
		q.exercised()
		switch {
		case l.next == nil:
			q.broken(l.old, l.act.to, nil, "no connection followed in %s", round(l.act.to.Sub(l.act.from)))
		case l.next.op != opResume:
			gaveUp(l.next.conn, l.next.at, nil, givenUp)
		case l.next.said.Session != l.old.Session:
			q.broken(l.next.conn, l.next.at, nil, "RESUME of another session")
		}
	}, names...)
}

// resumeRules are about coming back.
var resumeRules = []rule{
	{statement: "G-050", says: "A new READY replaces the session, its number and its address at once.", apply: func(q *check) {
		latest, sessions := map[int]string{}, map[int]int{}
		for i := range q.intros {
			in := &q.intros[i]
			if in.op == opIdentify {
				if readied(in.conn) {
					latest[in.shard] = in.conn.Session
					sessions[in.shard]++
				}
				continue
			}
			if sessions[in.shard] < 2 {
				continue
			}
			q.exercised()
			if in.said.Session != latest[in.shard] && q.shards[in.said.Session] == in.shard && slices.ContainsFunc(q.intros[:i], func(old sessionRequest) bool { return old.conn.Session == in.said.Session }) {
				q.broken(in.conn, in.at, nil, "RESUME of a session that a later READY had replaced")
			}
		}
	}},
	{statement: "G-059", says: "After a connection that ends without a close frame, the session is resumed.", apply: func(q *check) { q.resumesAfter(linkLosses...) }},
	{statement: "G-060", says: "After 4000, 4001, 4002, 4005, 4008 and unknown codes, the session is resumed.", apply: func(q *check) { q.resumesAfter(codeLosses...) }},
	{statement: "G-061", says: "After 1001, 1011 and 1012 from the server, the session is resumed.", apply: func(q *check) { q.resumesAfter(awayLosses...) }},
	{statement: "G-062", says: "After 1000 from the server, a RESUME is tried first.", apply: func(q *check) {
		q.comesBackAfter(q.noted, closed(1000)) // Discord's documentation says nothing of it
	}},
	{statement: "G-063", says: "After 4009 the session is gone: one RESUME at most, then IDENTIFY.", apply: func(q *check) {
		for _, a := range q.during("READY does not come") {
			for _, id := range a.open {
				c := q.conn(id)
				if c == nil || c.Code != 4009 {
					continue
				}
				q.exercised()
				resumes, identified := 0, false
				for _, in := range q.between(q.shards[c.Session], a.from, a.to) {
					identified = identified || in.op == opIdentify
					if in.op == opResume && in.said.Session == c.Session {
						if resumes++; resumes > 1 {
							q.broken(in.conn, in.at, nil, "RESUME number %d of a session that has timed out", resumes)
						}
					}
				}
				if !identified {
					q.broken(c, a.to, nil, "no IDENTIFY followed")
				}
			}
		}
	}},
	{statement: "G-064", says: "After 4003 the bot identifies once at most, and does not resume for ever.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			if l.old.Code != 4003 {
				return
			}
			q.exercised()
			count := map[int]int{}
			for _, in := range q.between(q.shards[l.old.Session], l.act.from, l.act.to) {
				if count[in.op]++; count[in.op] > 1 {
					q.broken(in.conn, in.at, nil, "op %d for the %d. time, with credentials that have been refused", in.op, count[in.op])
				}
			}
		}, lastStep)
	}},
	{statement: "G-065", says: "RESUME carries the raw token, the session and the last sequence number received.", apply: func(q *check) {
		q.eachResume(func(in sessionRequest, newest, sure int64) {
			q.exercised()
			switch {
			case in.said.Token != "raw" && in.said.Token != "prefixed":
				q.broken(in.conn, in.at, nil, "the token is %s", in.said.Token)
			case in.said.Seq > newest || in.said.Seq < sure:
				q.broken(in.conn, in.at, nil, "RESUME from %d, and the newest received was %d", in.said.Seq, sure)
			}
		})
	}},
	{statement: "G-066", says: "RESUME is sent after HELLO of the new connection.", apply: func(q *check) {
		for _, in := range q.intros {
			if in.op != opResume {
				continue
			}
			q.exercised()
			if hello, ok := helloAt(in.conn); !ok || hello.After(in.at) {
				q.broken(in.conn, in.at, nil, "RESUME came before HELLO")
			}
		}
	}},
	{statement: "G-071", says: "A RESUME that nothing answers is given up after half a minute and tried again.", apply: func(q *check) {
		for _, a := range q.during("RESUME unanswered") {
			for _, id := range a.open {
				c := q.conn(id)
				if c == nil || a.struck["resume-silent"] == 0 {
					continue
				}
				first := q.next(q.shards[c.Session], a.from, a.to)
				if first == nil {
					q.exercised()
					q.broken(c, a.to, nil, "no connection followed")
					continue
				}
				if _, answered := sentAt(first.conn, opDispatch, "RESUMED"); answered {
					continue // it was another shard's
				}
				q.exercised()
				patience := q.extended(first.at, 32*time.Second)
				switch {
				case ended(first.conn).Sub(first.at) > patience:
					q.broken(first.conn, first.at.Add(patience), nil, "nobody has answered for %s, and the bot still waits", patience)
				case q.next(q.shards[c.Session], first.at.Add(1), a.to) == nil:
					q.broken(first.conn, a.to, nil, "nothing followed")
				}
			}
		}
	}},
	{statement: "G-072", says: "A session whose RESUMEs are all cut off is given up within 90 s.", apply: func(q *check) {
		for _, a := range q.during("stuck session") {
			if a.struck["stuck-session"] == 0 && len(q.between(0, a.from, a.to)) == 0 {
				continue
			}
			q.exercised()
			gave := slices.ContainsFunc(q.between(0, a.from, a.to), func(in sessionRequest) bool { return in.op == opIdentify })
			if !gave {
				q.broken(nil, a.to, nil, "%d RESUMEs in %s, and no IDENTIFY", len(q.between(0, a.from, a.to)), round(a.to.Sub(a.from)))
			}
		}
	}},
	{statement: "G-073", says: "The first attempt to come back starts within a second, and a second of jitter.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			if l.next == nil {
				return
			}
			q.exercised()
			if wait := l.next.conn.Opened.Sub(l.act.from); wait > q.extended(l.act.from, 2*time.Second+slack) {
				q.noted(l.next.conn, l.next.conn.Opened, nil, "the connection came after %s", round(wait))
			}
		}, resumable...)
	}},
	{statement: "G-074", says: "From a loss to RESUMED it takes less than 5 s.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			q.exercised()
			if l.next == nil || l.next.op != opResume {
				q.noted(l.old, l.act.to, nil, "it was not resumed at all")
				return
			}
			at, ok := sentAt(l.next.conn, opDispatch, "RESUMED")
			if took := at.Sub(l.act.from); !ok || took > q.extended(l.act.from, 5*time.Second) {
				q.noted(l.next.conn, l.next.at, nil, "it took longer")
			}
		}, resumable...)
	}},
	{statement: "G-075", says: "No IDENTIFY is spent on a session that can be resumed.", apply: func(q *check) {
		q.eachLostConn(func(l lostConn) {
			q.exercised()
			for _, in := range q.between(q.shards[l.old.Session], l.act.from, l.act.to) {
				if in.op == opIdentify {
					q.broken(in.conn, in.at, nil, "IDENTIFY although the session lives")
				}
			}
		}, resumable...)
	}},
}

// sinceIdentify are the frames from the last IDENTIFY on, after which the connection has
// the session that its log names; all of them where there is none.
func sinceIdentify(frames []discordsim.Frame) []discordsim.Frame {
	for i, f := range slices.Backward(frames) {
		if identifies(f) && !f.Sent {
			return frames[i:]
		}
	}
	return frames
}

// eachResume visits every RESUME with the highest number that was sent on its
// session before, and the highest that was certainly received: what was sent a
// second before the connection ended.
func (q *check) eachResume(visit func(in sessionRequest, newest, sure int64)) {
	const received = time.Second
	for _, in := range q.intros {
		if in.op != opResume || in.said.Session == "" {
			continue
		}
		if readied(in.conn) && in.conn.Session != in.said.Session {
			continue // the connection has had another session since
		}
		newest, sure := int64(0), int64(0)
		for i := range q.conns {
			c := &q.conns[i]
			if c.Session != in.said.Session || c.Opened.After(in.at) {
				continue
			}
			end := minTime(ended(c), in.at)
			read := time.Time{}
			for _, f := range sinceIdentify(c.Frames) {
				if !f.Sent || f.Op != opDispatch || f.At.After(in.at) {
					continue
				}
				newest = max(newest, f.Seq)
				if read = readBy(read, f, received); !end.Before(read) {
					sure = max(sure, f.Seq)
				}
			}
		}
		if newest > 0 {
			visit(in, newest, sure)
		}
	}
}
