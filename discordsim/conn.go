package discordsim

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// conn is one WebSocket of a client. Its reader is the goroutine of the HTTP
// request that opened it; one more goroutine writes. Everything but the fields
// of the writer is guarded by the simulator's lock.
type conn struct {
	id   int64
	sim  *Sim
	link *link
	ws   *websocket.Conn
	base bool

	// of the writer alone
	pack    *packer
	cuts    *rand.Rand
	pinging chan struct{} // full while a ping between fragments is out

	queue   []frame
	queued  int // bytes waiting
	wake    chan struct{}
	gone    chan struct{} // closed when nothing more is read
	over    bool          // nothing is taken from the client any more
	greeted time.Time     // when HELLO was sent
	granted time.Time     // when the session was
	session *session
	known   *bot      // whose token it presented; stays when the session goes
	wanted  int       // shard id it asked for
	moving  bool      // op 7 has been sent
	refused bool      // op 9 has been sent
	revoked time.Time // when op 9 false took the session; zero if it did not
	untold  bool      // the network kept that from the client
	zip     bool      // payload compression
	pending *identify // swallowed until an outage ends (S-032)

	dice   *rand.Rand
	beat   *alarm // the next heartbeat is overdue then
	asked  *alarm // the heartbeat asked for with op 1 is overdue then
	beaten time.Time
	alarms map[*alarm]struct{}
	sends  []time.Time
	log    *ConnLog
}

// maxQueued is how many bytes may wait for a client that does not read.
const maxQueued = 64 << 20

// app is the bot the connection has shown a token of, nil before.
func (c *conn) app() *App {
	if c.known == nil {
		return nil
	}
	return c.known.app
}

// shardID is the shard the connection asked for, -1 before.
func (c *conn) shardID() int {
	if c.known == nil {
		return -1
	}
	return c.wanted
}

// place is where faults may strike the connection.
func (c *conn) place() place {
	at := place{app: c.app(), shard: c.shardID(), conn: c.id, host: c.link.host, dice: c.dice}
	if c.session != nil {
		at.dice = c.session.slot.dice
	}
	return at
}

// discontinued are the versions Discord no longer accepts a handshake for
// (S-004).
var discontinued = map[string]bool{"1": true, "2": true, "3": true, "4": true, "5": true}

// serveGateway takes a WebSocket upgrade (S-001, S-003, S-004). It returns when
// the connection is over.
func (s *Sim) serveGateway(w http.ResponseWriter, req *http.Request, l *link, base bool) {
	query := req.URL.Query()
	if discontinued[query.Get("v")] {
		http.Error(w, `{"message":"API version discontinued","code":50041}`, http.StatusBadRequest)
		return
	}
	ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return !s.cfg.WebSocket.IgnorePings },
	})
	if err != nil {
		return
	}
	ws.SetReadLimit(-1) // what is too large is answered with the proper code
	c := s.open(ws, l, base, query.Get("v"), query.Get("encoding"), query.Get("compress"))
	if c == nil {
		_ = ws.CloseNow()
		return
	}
	c.read()
}

// open registers a connection and greets it; nil when the simulator closes.
func (s *Sim) open(ws *websocket.Conn, l *link, base bool, version, encoding, compress string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.lastConn++
	c := &conn{
		id: s.lastConn, sim: s, link: l, ws: ws, base: base, wake: make(chan struct{}, 1), gone: make(chan struct{}), pinging: make(chan struct{}, 1),
		alarms: map[*alarm]struct{}{}, dice: s.dice(1, uint64(s.lastConn)), cuts: s.dice(2, uint64(s.lastConn)),
		pack: newPacker(compress, s.cfg.WebSocket.SharedCompression),
	}
	c.log = &ConnLog{ID: c.id, Base: base, Version: clip([]byte(version)), Encoding: clip([]byte(encoding)), Compress: clip([]byte(compress)), Opened: time.Now()}
	s.record.add(c.log, s.cfg.LogConns)
	s.conns[c.id] = c
	understood := c.pack != nil
	if !understood {
		c.pack = newPacker("", false)
	}
	s.spawn(c.write)
	if version == "" {
		s.violate(c, "G-006", "the gateway URL has no v")
	}
	if encoding == "" {
		s.violate(c, "G-006", "the gateway URL has no encoding")
	}
	switch {
	case version != "" && version != "10" && version != "9":
		c.close(4012, "Invalid API version")
	case encoding != "" && encoding != "json":
		c.close(4002, "Unsupported encoding")
	case !understood:
		c.close(4002, "Unsupported compression")
	default:
		c.welcome()
	}
	return c
}

// welcome greets a new connection, unless a fault has another idea (S-059).
func (c *conn) welcome() {
	s := c.sim
	if s.cfg.Identify.Timeout > 0 {
		c.later(s.cfg.Identify.Timeout, func() {
			if c.session == nil && c.pending == nil {
				c.close(4009, "Session timed out")
			}
		})
	}
	if s.cfg.WebSocket.PingEvery > 0 {
		s.spawn(c.ping)
	}
	switch {
	case s.strikes("op7-first", c.place()) != nil:
		c.reconnect()
	case s.strikes("no-hello", c.place()) != nil:
	default:
		c.greet()
	}
}

// greet sends HELLO (S-003).
func (c *conn) greet() {
	c.greeted = time.Now()
	trace := `,"_trace":["[\"gateway-prd-sim\",{\"micros\":0.0}]"]`
	if c.sim.cfg.Identify.PlainReady {
		trace = ""
	}
	c.send(opHello, `{"heartbeat_interval":`+strconv.FormatInt(c.sim.cfg.Heartbeat.Interval.Milliseconds(), 10)+trace+`}`)
	c.expectBeat()
}

// later does something in a while, unless the connection ends first.
func (c *conn) later(d time.Duration, do func()) {
	var a *alarm
	a = c.sim.after(d, func() {
		delete(c.alarms, a)
		do()
	})
	c.alarms[a] = struct{}{}
}

// reconnect sends op 7; the server closes by itself a little later (S-059).
func (c *conn) reconnect() {
	c.send(opReconnect, "null")
	if wait := c.sim.cfg.Session.ReconnectWait; wait >= 0 && !c.moving {
		c.later(wait, func() { c.close(1001, "Discord WebSocket requesting client reconnect.") })
	}
	c.moving = true
}

// invalidate sends op 9; false ends the session (S-063).
func (c *conn) invalidate(resumable bool) {
	if !resumable {
		c.pending = nil
		if c.session != nil {
			c.session.end(endedByServer)
			c.revoked, c.untold = time.Now(), c.link.deaf()
		}
	}
	c.refused = true
	c.send(opInvalid, strconv.FormatBool(resumable))
}

// close ends the connection from the server's side with a close frame. What is
// queued goes out first. The code decides what happens to the session (S-061,
// S-062).
func (c *conn) close(code int, reason string) { c.closeFor(code, reason, endedByServer) }

func (c *conn) closeFor(code int, reason string, cause endCause) {
	switch {
	case c.over:
		return
	case frameless[code]:
		c.cut()
		return
	}
	c.log.closing(code, reason, false)
	c.put(frame{code: code, reason: clipReason(reason)})
	c.leave()
	if sess := c.session; sess != nil {
		if c.sim.keeps(code) {
			sess.detach()
		} else {
			sess.end(cause)
		}
	}
	if wait := c.sim.cfg.WebSocket.CloseWait; wait >= 0 {
		// Not one of the connection's own alarms: those are over with it.
		c.sim.after(wait, c.reset)
	}
}

// cut resets the connection: no close frame, the session stays.
func (c *conn) cut() {
	if c.over {
		return
	}
	c.log.closing(0, "reset by the server", false)
	c.leave()
	if c.session != nil {
		c.session.detach()
	}
	c.reset()
}

// reset drops the server's end of the link. Where nothing gets through, the
// client does not learn of it.
func (c *conn) reset() {
	_ = c.link.server.SetLinger(0)
	_ = c.link.server.Close()
}

// leave stops what the connection still had to do.
func (c *conn) leave() {
	c.over = true
	c.beat.stop()
	c.asked.stop()
	for a := range c.alarms {
		a.stop()
	}
	clear(c.alarms)
	delete(c.sim.conns, c.id)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// maxRead is the most that is read of one message; a longer one is too large
// whatever [LimitConfig].PayloadBytes says.
const maxRead = 1 << 20

// read takes what the client sends until the connection is over, and then says
// what became of the session (S-044, S-045).
func (c *conn) read() {
	defer close(c.gone)
	var said []byte
	for {
		kind, r, err := c.ws.Reader(context.Background())
		whole := false
		if err == nil {
			if cap(said) > keptBuffer {
				said = nil
			}
			said, whole, err = readMost(r, said[:0])
		}
		if err != nil {
			c.ended(err)
			break
		}
		c.sim.mu.Lock()
		if !c.over {
			c.take(kind == websocket.MessageBinary, said)
		}
		c.sim.mu.Unlock()
		if !whole {
			_, _ = io.Copy(io.Discard, r)
		}
	}
	_ = c.ws.CloseNow()
}

// readMost appends a message to buf, of one that is too large so much that this
// shows; whole says that nothing is left of it.
func readMost(r io.Reader, buf []byte) (out []byte, whole bool, err error) {
	for len(buf) <= maxRead {
		buf = slices.Grow(buf, 512)
		n, err := r.Read(buf[len(buf):min(cap(buf), maxRead+1)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, true, nil
		}
		if err != nil {
			return buf, false, err
		}
	}
	return buf, false, nil
}

// ended is the end of a connection as the reader sees it.
func (c *conn) ended(err error) {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.over {
		return
	}
	closed, byFrame := errors.AsType[websocket.CloseError](err)
	code := 0
	switch {
	case byFrame:
		code = int(closed.Code)
		c.log.closing(code, closed.Reason, true)
	case errors.Is(err, io.EOF):
		c.log.closing(0, "the client ended the connection without a close frame", true)
	default:
		c.log.closing(0, "the connection was lost", false)
	}
	if c.known != nil && code != 0 {
		c.known.tally.closeCodes[code]++
	}
	sess := c.session
	c.leave()
	switch {
	case sess == nil:
	case code == 1000 || code == 1001:
		sess.slot.killed = time.Now()
		sess.end(endedByClient)
	default:
		sess.detach()
	}
}
