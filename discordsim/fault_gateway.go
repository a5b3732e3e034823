package discordsim

import (
	"cmp"
	"maps"
	"slices"
)

// gatewayKinds are the faults of the gateway itself. Those without begin only
// change how it answers while they last.
var gatewayKinds = map[string]*faultKind{
	"op7": {description: "Discord asks every connection to reconnect elsewhere (op 7)", momentary: true,
		begin: eachConn(func(c *conn, _ Fault) { c.reconnect() })},
	"op9-true": {description: "Discord says that the session was interrupted and may be resumed (op 9 true)", momentary: true,
		begin: eachConn(func(c *conn, _ Fault) { c.invalidate(true) })},
	"op9-false": {description: "Discord declares the session invalid (op 9 false)", momentary: true,
		begin: eachConn(func(c *conn, _ Fault) { c.invalidate(false) })},
	"close": {description: "Discord closes the connection with Code (4000) and Text as the reason", momentary: true, check: sendableCode,
		begin: eachConn(func(c *conn, f Fault) { c.close(f.closeCode(), f.Text) })},
	"server-beat": {description: "Discord asks for a heartbeat (op 1)", momentary: true,
		begin: eachConn(func(c *conn, _ Fault) { c.requestHeartbeat() })},
	"malformed": {description: "Discord sends a payload that makes no sense, or Text", momentary: true,
		begin: eachConn(func(c *conn, f Fault) {
			c.sendRaw(outFrame{raw: []byte(cmp.Or(f.Text, `{"t":null,"s":null,"op":77,"d":{"nobody":["knows",null]}}`))})
		})},
	"corrupt": {description: "the compressed stream breaks", momentary: true,
		begin: eachConn(func(c *conn, _ Fault) { c.sendRaw(outFrame{raw: []byte("}{ not a payload"), corrupt: true}) })},
	"session-loss": {description: "Discord loses the session and cuts the connection", momentary: true,
		begin: eachConn(func(c *conn, _ Fault) {
			if c.session != nil {
				c.session.end(endedByServer)
			}
			c.cut()
		})},
	"token-reset": {description: "the bot token is reset", momentary: true, begin: eachApp((*Sim).resetToken)},
	"intents-off": {description: "the privileged intents are switched off", momentary: true,
		begin: eachApp(func(s *Sim, app *App) { s.setFlags(app, app.Flags&^privilegedFlags) })},

	"zombie":           {description: "heartbeats stay unanswered while events keep coming"},
	"ack-delay":        {description: "heartbeats are answered Delay (2 s) late"},
	"hello-interval":   {description: "HELLO carries Text (1) as its heartbeat_interval, whatever stands there"},
	"ready-seq":        {description: "READY carries Text (0) as its s: a number, null, or none without an s; the numbers of the session go on from there"},
	"resumed-seq":      {description: "RESUMED carries Text (1) as its s, and the numbers of the session go on from there"},
	"ready-url":        {description: "READY names Text (ws://127.0.0.1:1) as the resume_gateway_url"},
	"op7-first":        {description: "new connections get op 7 instead of HELLO"},
	"no-hello":         {description: "new connections do not get HELLO", end: waiting((*conn).sendHello, func(c *conn) bool { return c.helloAt.IsZero() && !c.reconnectSent })},
	"no-ready":         {description: "IDENTIFY is swallowed while heartbeats are answered, as in an outage", end: waiting((*conn).startPending, func(c *conn) bool { return c.pending != nil })},
	"ready-op9":        {description: "IDENTIFY is answered with op 9, after Delay (2 s)"},
	"ready-drop":       {description: "connections are cut right after READY, or Delay later"},
	"always-close":     {description: "every IDENTIFY and RESUME is answered with a close code, Code (4000)", check: sendableCode},
	"resume-op9-true":  {description: "RESUME is answered with op 9 true"},
	"resume-op9-false": {description: "RESUME is refused and the session deleted (op 9 false)"},
	"resume-silent":    {description: "RESUME is never answered"},
	"stuck-session":    {description: "every RESUME is cut off until the session has expired"},
	"duplicate":        {description: "events are delivered twice"},
	"lost":             {description: "events never arrive"},
	"reorder":          {description: "events overtake each other"},
	"outage": {description: "Discord is down: connections are cut, new ones and REST are answered 503",
		begin: eachConn(func(c *conn, _ Fault) { c.cut() })},
}

// closeCode is the close code the fault is about.
func (f Fault) closeCode() int { return cmp.Or(f.Code, 4000) }

// connsOf lists the connections a fault is about, oldest first.
func (s *Sim) connsOf(f Fault) (out []*conn) {
	for _, id := range slices.Sorted(maps.Keys(s.conns)) {
		if c := s.conns[id]; f.matches(c.target()) {
			out = append(out, c)
		}
	}
	return out
}

// eachConn makes a begin that does something to every connection the fault is
// about.
func eachConn(do func(*conn, Fault)) func(*Sim, *Active) {
	return func(s *Sim, a *Active) {
		for _, c := range s.connsOf(a.Fault) {
			if !c.closed {
				a.Struck++
				do(c, a.Fault)
			}
		}
	}
}

// waiting makes the end of a fault that has kept connections waiting: those that
// still wait go on. After a fault that has struck Count times they wait forever.
func waiting(goOn func(*conn), waits func(*conn) bool) func(*Sim, *Active) {
	return func(s *Sim, a *Active) {
		if a.usedUp() {
			return
		}
		for _, c := range s.connsOf(a.Fault) {
			if !c.closed && waits(c) {
				goOn(c)
			}
		}
	}
}

// eachApp makes a begin that does something to every app the fault is about.
func eachApp(do func(*Sim, *App)) func(*Sim, *Active) {
	return func(s *Sim, a *Active) {
		for _, id := range slices.Sorted(maps.Keys(s.apps)) {
			if a.App == 0 || a.App == id {
				a.Struck++
				do(s, s.apps[id])
			}
		}
	}
}
