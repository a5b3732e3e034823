package judge

import (
	"strings"
	"time"

	"evergreen/discordsim"
)

// connectRules are about where the bot connects.
var connectRules = []rule{
	{statement: "G-001", says: "Before the first connection the address is asked for at GET /gateway/bot.", apply: func(q *check) {
		if len(q.conns) == 0 {
			return
		}
		q.exercised()
		first, asked := &q.conns[0], false
		for _, r := range q.requests {
			if r.Route != "GET /gateway/bot" || r.At.After(first.Opened) {
				continue
			}
			asked = true
			switch {
			case !r.Authorized:
				q.broken(nil, r.At, nil, "GET /gateway/bot came without a good token")
			case !r.Agent:
				q.broken(nil, r.At, nil, "GET /gateway/bot came without a DiscordBot User-Agent")
			default:
				return
			}
		}
		// Libraries ask GET /gateway, or know the address: Discord takes them in.
		if !asked {
			q.noted(first, first.Opened, nil, "the first connection came before any GET /gateway/bot")
		}
	}},
	{statement: "G-005", says: "When GET /gateway/bot fails, it is asked again or done without.", apply: func(q *check) {
		for _, r := range q.requests {
			if r.Route != "GET /gateway/bot" || (r.Status < 500 && r.Status != 429) {
				continue
			}
			q.exercised()
			later := false
			for i := range q.conns {
				later = later || q.conns[i].Opened.After(r.At)
			}
			if !later {
				q.broken(nil, r.At, nil, "GET /gateway/bot was answered %d, and no connection ever followed", r.Status)
			}
		}
	}},
	{statement: "G-006", says: "Every gateway URL carries v=10 and encoding=json.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			q.exercised()
			switch c.Version {
			case "10", "":
			case "9": // it is still served
				q.noted(c, c.Opened, nil, "the URL carries v=9")
			default:
				q.broken(c, c.Opened, nil, "the URL carries v=%s", c.Version)
			}
		}
	}},
	{statement: "G-008", says: "A RESUME is dialled at the resume address, with the same query.", apply: func(q *check) {
		compress := map[string]string{} // by session
		for _, in := range q.intros {
			if in.op == opIdentify {
				compress[in.conn.Session] = in.conn.Compress
				continue
			}
			q.exercised()
			if first, known := compress[in.said.Session]; known && first != in.conn.Compress {
				q.broken(in.conn, in.conn.Opened, nil, "the session began with compress=%s and is resumed with compress=%s", first, in.conn.Compress)
			}
		}
	}},
	{statement: "G-009", says: "No IDENTIFY is sent to the resume address.", apply: eachFrame(identifies, nil)},
	{statement: "G-010", says: "When the resume address is dead, the base address takes over.", apply: func(q *check) {
		for _, a := range q.during("resume address dead") {
			q.exercised()
			in := q.next(0, a.from, a.to)
			switch {
			case in == nil:
				q.broken(nil, a.to, nil, "nothing was sent to the base address in %s", a.to.Sub(a.from).Round(time.Second))
			case in.op == opIdentify: // as Discord's documentation has it
				q.noted(in.conn, in.at, nil, "the session was given up; it could have been resumed on the base address")
			}
		}
	}},
	{statement: "G-011", says: "Refused connections are tried again.", apply: func(q *check) { q.resumes("connections refused") }},
	{statement: "G-012", says: "An HTTP error at the upgrade is a failed attempt, not the end of the session.", apply: func(q *check) {
		q.resumes("upgrades refused")
	}},
	{statement: "G-013", says: "The bot can be pointed at another host than Discord's.", apply: eachConn(sentAnything)},
}

// resumes checks that an act ended in a RESUME. A new session does too, and costs events.
func (q *check) resumes(act string) {
	for _, a := range q.during(act) {
		q.exercised()
		in := q.next(0, a.from, a.to)
		switch {
		case in == nil:
			q.broken(nil, a.to, nil, "no connection followed in %s", a.to.Sub(a.from).Round(time.Second))
		case in.op != opResume:
			q.noted(in.conn, in.at, nil, givenUp)
		}
	}
}

// decodeRules are about what the bot can read.
var decodeRules = []rule{
	{statement: "G-049", says: "READY with fields nobody has documented is accepted.", apply: eachConn(func(c *discordsim.ConnLog) bool {
		_, ready := sentAt(c, opDispatch, "READY")
		return ready && c.Beats > 0
	})},
	{statement: "G-109", says: "Unknown opcodes, events and fields do not end the connection.", apply: func(q *check) { q.staysOpen("unknown payloads") }},
	{statement: "G-110", says: "An event that cannot be decoded is skipped.", apply: func(q *check) { q.staysOpen("broken events") }},
	{statement: "G-112", says: "A dispatch of 20 MB is read.", apply: func(q *check) { q.staysOpen("20 MB at once") }},
	{statement: "G-113", says: "Messages in fragments with pings between them are read.", apply: func(q *check) {
		if q.config.WebSocket.Fragments > 1 {
			eachConn(wasLive)(q)
		}
	}},
	{statement: "G-114", says: "WebSocket pings are answered.", apply: func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			if c.Pongs > 0 {
				q.exercised()
			} else if c.Pings > 1 && wasLive(c) {
				q.broken(c, c.Opened, nil, "%d pings were not answered", c.Pings)
			}
		}
	}},
	{statement: "G-115", says: "zlib-stream is read, split over frames at any place.", apply: func(q *check) {
		eachConn(func(c *discordsim.ConnLog) bool { return c.Compress == "zlib-stream" && wasLive(c) })(q)
	}},
	{statement: "G-116", says: "zstd-stream is read.", apply: func(q *check) {
		eachConn(func(c *discordsim.ConnLog) bool { return c.Compress == "zstd-stream" && wasLive(c) })(q)
	}},
	{statement: "G-117", says: "A compressed stream that breaks leads to a close and a RESUME.", apply: func(q *check) {
		compressed := func(c *discordsim.ConnLog) bool { return strings.HasSuffix(c.Compress, "-stream") }
		q.leavesAndResumes("broken stream", compressed, q.broken)
	}},
	{statement: "G-118", says: "A message that is not JSON leads to a close and a RESUME.", apply: func(q *check) {
		// One that stays has lost what the message said, and reads the next one.
		q.leavesAndResumes("no JSON", func(*discordsim.ConnLog) bool { return true }, q.noted)
	}},
	{statement: "G-119", says: "A PRESENCE_UPDATE with wrong types is survived.", apply: func(q *check) {
		q.staysOpenOn("broken events", "PRESENCE_UPDATE")
	}},
}

// staysOpen checks that the connections of an act outlive it.
func (q *check) staysOpen(names ...string) {
	for _, a := range q.during(names...) {
		for _, id := range a.open {
			c := q.conn(id)
			if c == nil {
				continue
			}
			q.exercised()
			if end := ended(c); end.Before(a.to) {
				q.broken(c, end, nil, "the connection did not survive it: %s", howEnded(c))
			}
		}
	}
}

// staysOpenOn is stays for an event that not every bot is sent.
func (q *check) staysOpenOn(name, event string) {
	for _, a := range q.during(name) {
		for _, id := range a.open {
			c := q.conn(id)
			if c == nil {
				continue
			}
			for _, f := range c.Frames {
				if f.Sent && f.Type == event && !f.At.Before(a.from) && !f.At.After(a.to) {
					q.exercised()
					if end := ended(c); end.Before(a.to) {
						q.broken(c, end, &f, "the connection did not survive it: %s", howEnded(c))
					}
				}
			}
		}
	}
}

// verdict records a breach or advice, as [check.broken] and [check.noted] do.
type verdict func(c *discordsim.ConnLog, at time.Time, f *discordsim.Frame, format string, args ...any)

// leavesAndResumes checks that the bot leaves the connections of an act by
// itself, keeps the session and resumes it. That it stays is what stays says.
func (q *check) leavesAndResumes(name string, about func(*discordsim.ConnLog) bool, stays verdict) {
	for _, a := range q.during(name) {
		for _, id := range a.open {
			c := q.conn(id)
			if c == nil || !about(c) {
				continue
			}
			q.exercised()
			if ended(c).After(a.to) {
				stays(c, a.to, nil, "the bot stayed on the connection")
				continue
			}
			q.wantResume(c, a.from, a.to)
		}
	}
}

// wantResume checks that the bot left the connection without ending the session and
// resumed it between from and to.
func (q *check) wantResume(c *discordsim.ConnLog, from, to time.Time) {
	in := q.next(q.shards[c.Session], from, to)
	switch {
	case endsSession(c):
		q.broken(c, c.Closed, nil, "the bot closed with %d, which ends the session", c.Code)
	case in == nil:
		q.broken(c, to, nil, "no connection followed")
	case in.op != opResume:
		q.broken(in.conn, in.at, nil, givenUp)
	}
}
