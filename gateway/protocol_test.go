package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// protocol is a model of the gateway protocol, which judges a client: the states a
// connection of a correct client can be in, what the client may say in each,
// and what it must remember of its session. It is told of everything both sides
// do, in order, and writes down what was wrong.
//
//	dialled -> greeted -> asked -> live -> over
//
// A connection is greeted by HELLO, has asked with its IDENTIFY or RESUME, is
// live with READY or RESUMED, and can be over at any time.
type protocol struct {
	lines      []*modelConn
	violations []string

	// session is what the client must still know; empty: nothing. While it is
	// certain only a RESUME may follow. After a RESUME that failed, or a close with
	// 1000, the client may also ask for another; if it gets none, it may come back
	// to this one.
	session string
	certain bool
	// seq is the highest number that was sent to the client, and floor what it
	// was when the last step began: what has certainly been read.
	seq, floor int64

	identified time.Time // the last IDENTIFY
	refused    bool      // Discord has said that only a person can mend it
	stopped    bool      // Stop has returned
	goodbye    bool      // and it was to end the session
}

// phase is the state of a connection.
type phase int

const (
	dialled phase = iota
	greeted
	asked
	live
	over
)

// modelConn is one connection.
type modelConn struct {
	number  int
	base    bool // it leads to the base address
	phase   phase
	resumes bool        // it has asked with RESUME
	said    []time.Time // payloads of the client
	shown   []time.Time // presences of the client
	// excused means that something has happened to it after which a client may
	// leave, leaveBy is when it must have.
	excused bool
	leaveBy time.Time
}

const (
	baseAddress   = "ws://base.test"
	resumeAddress = "ws://resume.test"
	goodToken     = "good-token"
)

func (p *protocol) violation(l *modelConn, statement, format string, args ...any) {
	p.violations = append(p.violations, fmt.Sprintf("%s, connection %d: %s", statement, l.number, fmt.Sprintf(format, args...)))
}

// step begins a new step.
func (p *protocol) step() { p.floor = p.seq }

// dial is the client opening a connection.
func (p *protocol) dial(url string) *modelConn {
	l := &modelConn{number: len(p.lines) + 1, base: strings.HasPrefix(url, baseAddress)}
	p.lines = append(p.lines, l)
	switch {
	case p.stopped:
		p.violation(l, "rule 8", "the client dials although it was stopped")
	case p.refused:
		p.violation(l, "G-094", "the client dials although only a person can mend what is wrong")
	case !strings.Contains(url, "v=10") || !strings.Contains(url, "encoding=json"):
		p.violation(l, "G-006", "the address is %s", url)
	case !l.base && p.session == "":
		p.violation(l, "G-009", "the client dials the resume address without a session")
	}
	return l
}

// onPayload is a payload of the client.
func (p *protocol) onPayload(l *modelConn, now time.Time, raw []byte) (op int, d json.RawMessage) {
	var in struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if l.phase == over {
		return -1, nil // Discord does not hear it any more
	}
	if json.Unmarshal(raw, &in) != nil || in.Op == nil || len(raw) > 4096 {
		p.violation(l, "S-011", "%d bytes that are no payload", len(raw))
		return -1, nil
	}
	l.said = within(append(l.said, now), now, time.Minute)
	if len(l.said) > 120 {
		p.violation(l, "G-099", "%d payloads in a minute", len(l.said))
	}
	switch op = *in.Op; {
	case l.phase == dialled:
		p.violation(l, "G-014", "op %d before HELLO", op)
	case op == 1:
		p.onHeartbeat(l, in.D)
	case op == 2 || op == 6:
		p.onIdentifyOrResume(l, now, op, in.D)
	case l.phase != live:
		p.violation(l, "G-104", "op %d before READY or RESUMED", op)
	case op == 3:
		if l.shown = within(append(l.shown, now), now, 20*time.Second); len(l.shown) > 5 {
			p.violation(l, "G-101", "%d presences in 20 s", len(l.shown))
		}
	case op != 8:
		p.violation(l, "S-014", "op %d, which the client was not told to send", op)
	}
	return op, in.D
}

// within leaves out what is longer ago.
func within(times []time.Time, now time.Time, window time.Duration) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= window {
		times = times[1:]
	}
	return times
}

// onHeartbeat is a heartbeat: it carries the highest number of the session, and null
// when there is none.
func (p *protocol) onHeartbeat(l *modelConn, d json.RawMessage) {
	var seq *int64
	_ = json.Unmarshal(d, &seq)
	switch fresh := p.session == "" || l.phase == asked && !l.resumes; {
	case l.phase == greeted:
		p.violation(l, "G-066", "a heartbeat of a connection that has not asked for anything")
	case fresh && seq != nil:
		p.violation(l, "G-019", "a heartbeat with %d before the first event of a session", *seq)
	case !fresh && (seq == nil || *seq < p.floor || *seq > p.seq):
		p.violation(l, "G-020", "a heartbeat with %s, the newest number is %d", d, p.seq)
	}
}

// onIdentifyOrResume is IDENTIFY or RESUME: exactly one on a connection, and the right one.
func (p *protocol) onIdentifyOrResume(l *modelConn, now time.Time, op int, d json.RawMessage) {
	var in struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int64  `json:"seq"`
	}
	_ = json.Unmarshal(d, &in)
	if l.phase != greeted {
		p.violation(l, "G-037", "op %d on a connection that has asked already", op)
	}
	if in.Token != goodToken {
		p.violation(l, "G-033", "the token is wrong")
	}
	l.phase, l.resumes = asked, op == 6
	if op == 6 {
		switch {
		case p.session == "" || in.Session != p.session:
			p.violation(l, "G-082", "RESUME of a session that is over")
		case in.Seq < p.floor || in.Seq > p.seq:
			p.violation(l, "G-065", "RESUME from %d, the newest number is %d", in.Seq, p.seq)
		}
		return
	}
	switch {
	case p.session != "" && p.certain:
		p.violation(l, "G-075", "IDENTIFY although the session can be resumed")
	case !l.base:
		p.violation(l, "G-009", "IDENTIFY at the resume address")
	case !p.identified.IsZero() && now.Sub(p.identified) < 5*time.Second:
		p.violation(l, "G-038", "IDENTIFY %s after the one before", now.Sub(p.identified))
	}
	p.identified = now
}

func (p *protocol) forget() { p.session, p.certain, p.seq, p.floor = "", false, 0, 0 }

// ready and resumed are Discord's answers.
func (p *protocol) ready(l *modelConn, session string) {
	p.session, p.certain, p.seq, p.floor = session, true, 1, 1
	l.phase = live
}

func (p *protocol) resumed(l *modelConn) {
	p.certain, l.phase = true, live
	l.excused = l.excused || l.base // it may go where the session belongs
}

// event is a dispatch with a number on its way to the client.
func (p *protocol) event(seq int64) { p.seq = max(p.seq, seq) }

// invalid is op 9.
func (p *protocol) invalid(l *modelConn, now time.Time, resumable bool) {
	l.excused, l.leaveBy = true, now.Add(10*time.Second)
	switch {
	case l.phase == asked && !l.resumes:
	case !resumable:
		p.forget()
	case l.phase == asked:
		p.certain = false
	}
}

// fatal are the close codes that only a person can mend.
var fatal = map[int]bool{4004: true, 4010: true, 4011: true, 4012: true, 4013: true, 4014: true}

// onServerClose is the end of a connection by Discord or the network, with a close code
// or 0.
func (p *protocol) onServerClose(l *modelConn, code int) {
	switch {
	case l.phase == over:
		return
	case fatal[code]:
		p.forget()
		p.refused = true
	case l.phase == asked && !l.resumes: // not what the session is about
	case code == 4007, code == 4009, code == 4003 && l.phase == live:
		p.forget()
	case code == 1000, l.phase == asked:
		p.certain = false
	}
	l.phase = over
}

// onClientClose is the end of a connection by the client, with a close code or 0.
func (p *protocol) onClientClose(l *modelConn, code int) {
	if l.phase == over {
		return
	}
	if (code == 1000 || code == 1001) && !p.goodbye {
		p.violation(l, "G-088", "the client closes with %d", code)
	}
	if l.phase == live && !l.excused && !p.stopped {
		p.violation(l, "G-028", "the client gives up a connection that was well")
	}
	if l.phase == asked {
		p.certain = false
	}
	l.phase = over
	if p.goodbye {
		p.forget()
	}
}

// checkIdle looks at the client while nothing happens.
func (p *protocol) checkIdle(now time.Time) {
	open, speaking := 0, 0
	for _, l := range p.lines {
		if l.phase == over {
			continue
		}
		open++
		if l.phase >= asked {
			speaking++
		}
		if !l.leaveBy.IsZero() && now.After(l.leaveBy) {
			p.violation(l, "G-024", "the client should have left it by now")
			l.leaveBy = time.Time{}
		}
	}
	if open > 2 || speaking > 1 || p.stopped && open > 0 {
		p.violations = append(p.violations, fmt.Sprintf("G-076: %d connections are open, and the client speaks on %d", open, speaking))
	}
}
