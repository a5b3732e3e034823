package discordsim

import (
	"cmp"
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
	compressor *compressor
	etf        bool // payloads are in ETF, both ways
	splitRand  *rand.Rand
	pinging    chan struct{} // full while a ping between fragments is out

	queue            []outFrame
	queued           int // bytes waiting
	wake             chan struct{}
	readDone         chan struct{} // closed when nothing more is read
	closed           bool          // nothing is taken from the client any more
	helloAt          time.Time     // when HELLO was sent
	sessionAt        time.Time     // when READY or RESUMED was
	session          *session
	bot              *bot             // whose token it presented; stays when the session goes
	shard            int              // shard id it asked for
	reconnectSent    bool             // op 7 has been sent
	invalidSent      bool             // op 9 has been sent
	invalidatedAt    time.Time        // when op 9 took the session; zero if it did not
	invalidSwallowed bool             // the network kept that from the client
	compressPayload  bool             // payload compression
	pending          *identifyRequest // swallowed until an outage ends

	rng           *rand.Rand
	heartbeatDue  *simTimer // the next heartbeat is overdue then
	requestedDue  *simTimer // the heartbeat asked for with op 1 is overdue then
	lastHeartbeat time.Time
	timers        map[*simTimer]struct{}
	sentAt        []time.Time
	log           *ConnLog
}

// maxQueued is how many bytes may wait for a client that does not read.
const maxQueued = 64 << 20

// app is the bot the connection has shown a token of, nil before.
func (c *conn) app() *App {
	if c.bot == nil {
		return nil
	}
	return c.bot.app
}

// shardID is the shard the connection asked for, -1 before.
func (c *conn) shardID() int {
	if c.bot == nil {
		return -1
	}
	return c.shard
}

// target is what faults look for when they may strike the connection.
func (c *conn) target() target {
	at := target{app: c.app(), shard: c.shardID(), conn: c.id, host: c.link.host, rng: c.rng}
	if c.session != nil {
		at.rng = c.session.shardState.rng
	}
	return at
}

// discontinued are the versions Discord no longer accepts a handshake for
// (S-004).
var discontinued = map[string]bool{"1": true, "2": true, "3": true, "4": true, "5": true}

// serveGateway accepts a WebSocket upgrade and returns when the connection is
// over.
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
	c.readLoop()
}

// open registers a connection and starts it; nil when the simulator is closed.
func (s *Sim) open(ws *websocket.Conn, l *link, base bool, version, encoding, compress string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.lastConn++
	c := &conn{
		id: s.lastConn, sim: s, link: l, ws: ws, base: base, wake: make(chan struct{}, 1), readDone: make(chan struct{}), pinging: make(chan struct{}, 1),
		timers: map[*simTimer]struct{}{}, rng: s.newRand(1, uint64(s.lastConn)), splitRand: s.newRand(2, uint64(s.lastConn)),
		compressor: newCompressor(compress, s.cfg.WebSocket.SharedCompression), etf: encoding == "etf",
	}
	c.log = &ConnLog{ID: c.id, Base: base, Version: clip([]byte(version)), Encoding: clip([]byte(encoding)), Compress: clip([]byte(compress)), Opened: time.Now()}
	s.log.add(c.log, s.cfg.LogConns)
	s.conns[c.id] = c
	understood := c.compressor != nil
	if !understood {
		c.compressor = newCompressor("", false)
	}
	s.spawn(c.writeLoop)
	if version == "" {
		s.violate(c, "G-006", "the gateway URL has no v")
	}
	if encoding == "" {
		s.violate(c, "G-006", advice+"the gateway URL has no encoding")
	}
	switch {
	case version != "" && version != "10" && version != "9":
		c.close(4012, "Invalid API version")
	case encoding != "" && encoding != "json" && !c.etf:
		c.close(4002, "Unsupported encoding")
	case !understood:
		c.close(4002, "Unsupported compression")
	default:
		c.start()
	}
	return c
}

// start sends HELLO on a new connection, unless a fault says otherwise.
func (c *conn) start() {
	s := c.sim
	if s.cfg.Identify.Timeout > 0 {
		c.afterOpen(s.cfg.Identify.Timeout, func() {
			if c.session == nil && c.pending == nil {
				c.close(4009, "Session timed out")
			}
		})
	}
	if s.cfg.WebSocket.PingEvery > 0 {
		s.spawn(c.pingLoop)
	}
	switch {
	case s.strike("op7-first", c.target()) != nil:
		c.reconnect()
	case s.strike("no-hello", c.target()) != nil:
	default:
		c.sendHello()
	}
}

// sendHello sends HELLO (S-003).
func (c *conn) sendHello() {
	c.helloAt = time.Now()
	trace := `,"_trace":["[\"gateway-prd-sim\",{\"micros\":0.0}]"]`
	if c.sim.cfg.Identify.PlainReady {
		trace = ""
	}
	interval := strconv.FormatInt(c.sim.cfg.Heartbeat.Interval.Milliseconds(), 10)
	if odd := c.sim.strike("hello-interval", c.target()); odd != nil {
		interval = cmp.Or(odd.Text, "1")
	}
	c.send(opHello, `{"heartbeat_interval":`+interval+trace+`}`)
	c.expectHeartbeat()
}

// afterOpen calls do in d, unless the connection ends first.
func (c *conn) afterOpen(d time.Duration, do func()) {
	var a *simTimer
	a = c.sim.after(d, func() {
		delete(c.timers, a)
		do()
	})
	c.timers[a] = struct{}{}
}

// reconnect sends op 7; the server closes by itself a little later (S-059).
func (c *conn) reconnect() {
	c.send(opReconnect, "null")
	if wait := c.sim.cfg.Session.ReconnectWait; wait >= 0 && !c.reconnectSent {
		c.afterOpen(wait, func() { c.close(1001, "Discord WebSocket requesting client reconnect.") })
	}
	c.reconnectSent = true
}

// invalidate sends op 9 and takes the session from the connection, which stays open: true
// leaves the session to be resumed, on this connection or another, false ends it (S-063).
func (c *conn) invalidate(resumable bool) {
	if !resumable {
		c.pending = nil
	}
	if sess := c.session; sess != nil {
		c.invalidatedAt, c.invalidSwallowed = time.Now(), c.link.ClientUnreachable()
		if resumable {
			sess.detach()
		} else {
			sess.end(endedByServer)
		}
	}
	c.invalidSent = true
	c.send(opInvalid, strconv.FormatBool(resumable))
}

// close ends the connection from the server's side with a close frame. What is
// queued goes out first. The code decides what happens to the session.
func (c *conn) close(code int, reason string) { c.closeFor(code, reason, endedByServer) }

func (c *conn) closeFor(code int, reason string, cause sessionEnd) {
	switch {
	case c.closed:
		return
	case framelessCodes[code]:
		c.cut()
		return
	}
	c.log.logClose(code, reason, false)
	c.enqueue(outFrame{code: code, reason: clipReason(reason)})
	c.stop()
	if sess := c.session; sess != nil {
		if c.sim.keepsSession(code) {
			sess.detach()
		} else {
			sess.end(cause)
		}
	}
	if wait := c.sim.cfg.WebSocket.CloseWait; wait >= 0 {
		// Not afterOpen: the connection has ended.
		c.sim.after(wait, c.reset)
	}
}

// cut resets the connection: no close frame, the session stays.
func (c *conn) cut() {
	if c.closed {
		return
	}
	c.log.logClose(0, "reset by the server", false)
	c.stop()
	if c.session != nil {
		c.session.detach()
	}
	c.reset()
}

// reset drops the server's end of the link. On a frozen or muted link the client
// does not learn of it.
func (c *conn) reset() {
	_ = c.link.ServerConn().SetLinger(0)
	_ = c.link.ServerConn().Close()
}

// stop cancels what the connection still had to do.
func (c *conn) stop() {
	c.closed = true
	c.heartbeatDue.stop()
	c.requestedDue.stop()
	for a := range c.timers {
		a.stop()
	}
	clear(c.timers)
	delete(c.sim.conns, c.id)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keptMessage is the largest buffer a reader keeps for the next message, in bytes.
const keptMessage = 4 << 10

// maxRead is the most that is read of one message; a longer one is too large
// whatever LimitConfig.PayloadBytes says.
const maxRead = 1 << 20

// readLoop receives what the client sends until the connection is over, and then
// ends or detaches the session (S-044, S-045).
func (c *conn) readLoop() {
	defer close(c.readDone)
	var buf []byte
	for {
		kind, r, err := c.ws.Reader(context.Background())
		whole := false
		if err == nil {
			if cap(buf) > keptMessage {
				buf = nil
			}
			buf, whole, err = readMost(r, buf[:0])
		}
		if err != nil {
			c.readEnded(err)
			break
		}
		c.sim.mu.Lock()
		if !c.closed {
			c.receive(kind == websocket.MessageBinary, buf)
		}
		c.sim.mu.Unlock()
		if !whole {
			_, _ = io.Copy(io.Discard, r)
		}
	}
	_ = c.ws.CloseNow()
}

// readMost appends a message to buf, up to one byte more than maxRead; whole says
// that nothing is left of it.
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

// readEnded is the end of a connection as the reader sees it.
func (c *conn) readEnded(err error) {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.closed {
		return
	}
	closed, byFrame := errors.AsType[websocket.CloseError](err)
	code := 0
	switch {
	case byFrame:
		code = int(closed.Code)
		c.log.logClose(code, closed.Reason, true)
	case errors.Is(err, io.EOF):
		c.log.logClose(0, "the client ended the connection without a close frame", true)
	default:
		c.log.logClose(0, "the connection was lost", false)
	}
	if c.bot != nil && code != 0 {
		c.bot.counts.CloseCodes[code]++
	}
	sess := c.session
	c.stop()
	switch {
	case sess == nil:
	case code == 1000 || code == 1001:
		sess.shardState.endedByClientAt = time.Now()
		sess.end(endedByClient)
	default:
		sess.detach()
	}
}
