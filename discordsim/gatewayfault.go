package discordsim

import "slices"

// gatewayKinds are the faults of the gateway itself. Those without begin only
// change how it answers while they last.
var gatewayKinds = map[string]*kind{
	"op7": {says: "Discord asks every connection to reconnect elsewhere (op 7)", once: true, begin: func(s *Sim, a *Active) {
		s.eachConn(a, (*conn).reconnect)
	}},
	"op9-true": {says: "Discord says that the session was interrupted and may be resumed (op 9 true)", once: true, begin: func(s *Sim, a *Active) {
		s.eachConn(a, func(c *conn) { c.invalidate(true) })
	}},
	"op9-false": {says: "Discord declares the session invalid (op 9 false)", once: true, begin: func(s *Sim, a *Active) {
		s.eachConn(a, func(c *conn) { c.invalidate(false) })
	}},
	"close": {says: "Discord closes the connection with a close code", once: true, begin: func(s *Sim, a *Active) {
		code := a.Code
		if code == 0 {
			code = 4000
		}
		s.eachConn(a, func(c *conn) { c.close(code, a.Text, true) })
	}},
	"server-beat": {says: "Discord asks for a heartbeat (op 1)", once: true, begin: func(s *Sim, a *Active) {
		s.eachConn(a, (*conn).requestBeat)
	}},
	"malformed": {says: "Discord sends a payload that makes no sense", once: true, begin: func(s *Sim, a *Active) {
		text := a.Text
		if text == "" {
			text = `{"t":null,"s":null,"op":77,"d":{"nobody":["knows",null]}}`
		}
		s.eachConn(a, func(c *conn) { c.put(frame{raw: []byte(text)}) })
	}},
	"corrupt": {says: "the compressed stream breaks", once: true, begin: func(s *Sim, a *Active) {
		s.eachConn(a, func(c *conn) { c.put(frame{raw: []byte("}{ not a payload"), corrupt: true}) })
	}},
	"session-loss": {says: "Discord loses the session and cuts the connection", once: true, begin: func(s *Sim, a *Active) {
		s.eachConn(a, func(c *conn) {
			if c.session != nil {
				c.session.end(endedByServer)
			}
			c.cut()
		})
	}},
	"token-reset": {says: "somebody resets the bot token", once: true, begin: func(s *Sim, a *Active) {
		s.eachApp(a, s.resetTokenLocked)
	}},
	"intents-off": {says: "the privileged intents are switched off", once: true, begin: func(s *Sim, a *Active) {
		s.eachApp(a, func(app *App) { s.setFlagsLocked(app, 0) })
	}},

	"zombie":           {says: "heartbeats stay unanswered while events keep coming"},
	"op7-first":        {says: "new connections get op 7 instead of HELLO"},
	"no-hello":         {says: "new connections never get HELLO"},
	"ready-op9":        {says: "IDENTIFY is answered with op 9"},
	"ready-drop":       {says: "connections are cut right after READY"},
	"always-close":     {says: "every IDENTIFY and RESUME is answered with a close code"},
	"resume-op9-true":  {says: "RESUME is answered with op 9 true"},
	"resume-op9-false": {says: "RESUME is refused and the session deleted (op 9 false)"},
	"resume-silent":    {says: "RESUME is never answered"},
	"stuck-session":    {says: "every RESUME is cut off until the session has expired"},
	"duplicate":        {says: "events are delivered twice"},
	"lost":             {says: "events never arrive"},
	"reorder":          {says: "events overtake each other"},
	"ack-delay":        {says: "heartbeats are answered late"},
	"no-ready": {says: "IDENTIFY is swallowed while heartbeats are answered, as in an outage", end: func(s *Sim, a *Active) {
		s.eachConn(a, func(c *conn) {
			if c.pending != nil {
				c.ready(*c.pending)
			}
		})
	}},
	"outage": {says: "Discord is down: connections are cut, new ones and REST are answered 503", begin: func(s *Sim, a *Active) {
		s.eachConn(a, (*conn).cut)
	}},
}

// eachConn calls do for the connections a fault is about.
func (s *Sim) eachConn(a *Active, do func(*conn)) {
	ids := make([]int64, 0, len(s.conns))
	for id := range s.conns {
		ids = append(ids, id)
	}
	slices.Sort(ids) // a seed must not depend on the order of a map
	for _, id := range ids {
		c := s.conns[id]
		if c == nil || c.over || (a.App != 0 && (c.app() == nil || c.app().ID != a.App)) || (a.Shard != nil && c.shardID() != *a.Shard) {
			continue
		}
		a.Struck++
		do(c)
	}
}

// eachApp calls do for the apps a fault is about.
func (s *Sim) eachApp(a *Active, do func(*App)) {
	ids := make([]ID, 0, len(s.apps))
	for id := range s.apps {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if a.App == 0 || a.App == id {
			do(s.apps[id])
		}
	}
}
