package judge

import (
	"time"

	"evergreen/discordsim"
)

// identifyRules are about IDENTIFY.
var identifyRules = []rule{
	{statement: "G-033", says: "IDENTIFY carries the raw token, intents and all three properties.", breaches: []string{"S-018", "S-020", "S-022"}, apply: eachFrame(identifies, nil)},
	{statement: "G-034", says: "IDENTIFY carries the presence, once there is one.", apply: func(q *check) {
		shown := map[int]bool{} // by shard
		for i := range q.conns {
			c := &q.conns[i]
			shard := q.shards[c.Session]
			for _, f := range c.Frames {
				switch {
				case f.Sent:
				case identifies(f):
					if len(f.Client.Shard) == 2 {
						shard = f.Client.Shard[0]
					}
					if f.Client.Presence {
						shown[shard] = true
						q.exercised()
					} else if shown[shard] {
						q.broken(c, f.At, &f, "the bot has shown a presence before, and this IDENTIFY has none")
					}
				case f.Op == opPresence:
					shown[shard] = true
				}
			}
		}
	}},
	{statement: "G-035", says: "IDENTIFY has at most 4096 bytes.", apply: eachFrame(identifies, func(f discordsim.Frame) string {
		if f.Size > 4096 {
			return "it is larger"
		}
		return ""
	})},
	{statement: "G-036", says: "IDENTIFY asks for no compression where the transport has it.", apply: func(q *check) {
		for _, in := range q.intros {
			if in.op == opIdentify && in.conn.Compress != "" {
				q.exercised()
			}
		}
	}},
	{statement: "G-037", says: "One IDENTIFY is sent on a connection, and no more.", breaches: []string{"S-017"}, apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			n := 0
			for _, f := range c.Frames {
				switch {
				case f.Sent && f.Op == opInvalid:
					n = 0 // the connection may begin anew
				case !f.Sent && f.Op == opIdentify:
					q.exercised()
					if n++; n > 1 {
						q.broken(c, f.At, &f, "this is number %d", n)
					}
				}
			}
		}
	}},
	{statement: "G-038", says: "Two IDENTIFYs of one concurrency key are at least 5 s apart.", apply: func(q *check) {
		n := 0
		for _, in := range q.intros {
			if in.op == opIdentify {
				n++
			}
		}
		q.occasions = max(0, n-1)
	}},
	{statement: "G-041", says: "No IDENTIFY is sent when the budget is used up."},
	{statement: "G-044", says: "While READY is awaited and heartbeats are answered, the bot waits.", apply: func(q *check) {
		q.withoutReady(func(c *discordsim.ConnLog, from, to time.Time) {
			q.exercised()
			if ended(c).Before(q.stepEnd(from)) && !readied(c) {
				q.broken(c, ended(c), nil, "the bot gave up after %s: %s", round(ended(c).Sub(from)), howEnded(c))
			}
		})
	}},
	{statement: "G-047", says: "After 4014 no IDENTIFY with the same intents is sent.", apply: func(q *check) {
		refused := map[int64]bool{} // by intents
		for _, in := range q.intros {
			if in.op != opIdentify {
				continue
			}
			if refused[in.said.Intents] {
				q.broken(in.conn, in.at, nil, "IDENTIFY with the intents %d, which have been refused", in.said.Intents)
			}
			if in.conn.Code == 4014 && !in.conn.ByClient {
				refused[in.said.Intents] = true
				q.exercised()
			}
		}
		q.eachLostConn(func(l lostConn) {
			if l.old.Code == 4003 && l.next == nil {
				q.exercised() // it was found out without an IDENTIFY
			}
		}, lastStep)
	}},
}

// stepEnd is when the act was over that was going on at a moment.
func (e *evidence) stepEnd(at time.Time) time.Time {
	for _, a := range e.acts {
		if !at.Before(a.from) && !at.After(a.to) {
			return a.to
		}
	}
	return at
}

func readied(c *discordsim.ConnLog) bool {
	_, ok := sentAt(c, opDispatch, "READY")
	return ok
}

// howEnded says how a connection ended.
func howEnded(c *discordsim.ConnLog) string {
	who := "the server"
	if c.ByClient {
		who = "the client"
	}
	switch {
	case c.Closed.IsZero():
		return "it is open"
	case c.Code != 0:
		return who + " closed it with " + itoa(c.Code)
	}
	return c.Reason
}
