package discordsim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// conn is one WebSocket of a client. Its reader is the goroutine of the HTTP
// request that opened it; one more goroutine writes. Everything but the fields
// of the writer is guarded by the simulator's lock.
type conn struct {
	id     int64
	sim    *Sim
	link   *link
	ws     *websocket.Conn
	base   bool
	opened time.Time

	// of the writer alone
	pack *packer
	rng  *rand.Rand

	queue   []frame
	queued  int // bytes waiting
	wake    chan struct{}
	over    bool // nothing is taken from the client any more
	greeted bool // HELLO has been sent
	session *session
	known   *bot      // whose token it presented; stays when the session goes
	wanted  int       // shard id it asked for
	moving  bool      // op 7 has been sent
	zip     bool      // IDENTIFY asked for payload compression
	pending *identify // swallowed until an outage ends (S-032)

	beat   *alarm // the next heartbeat is overdue then
	asked  *alarm // the heartbeat asked for with op 1 is overdue then
	others []*alarm
	sends  []time.Time
	log    *ConnLog
}

// frame is something for the writer to send.
type frame struct {
	raw     []byte
	corrupt bool // breaks the compressed stream
	zip     bool // payload compression
	code    int  // a close frame when not 0
	reason  string
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

func (c *conn) place() place { return place{app: c.app(), shard: c.shardID(), host: c.link.host} }

// discontinued are the versions Discord no longer accepts a handshake for
// (S-004).
var discontinued = map[string]bool{"3": true, "4": true, "5": true}

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
		OnPingReceived:     func(context.Context, []byte) bool { return !s.cfg.IgnorePings },
	})
	if err != nil {
		return
	}
	// More than any limit that is enforced, so that what is too large can be
	// read and answered with the proper code.
	ws.SetReadLimit(1 << 20)
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
		id: s.lastConn, sim: s, link: l, ws: ws, base: base, opened: time.Now(), wake: make(chan struct{}, 1),
		rng: rand.New(rand.NewPCG(s.rng.Uint64(), uint64(s.lastConn))),
	}
	c.log = s.record.open(c, compress)
	s.conns[c.id] = c
	c.pack = newPacker(compress, s.cfg.SharedCompression)
	s.spawn(c.write)
	switch {
	case version == "":
		s.violate(c, "G-006", "the gateway URL has no v")
	case version != "10" && version != "9":
		c.close(4012, "Invalid API version", true)
		return c
	}
	switch {
	case encoding == "":
		s.violate(c, "G-006", "the gateway URL has no encoding")
	case encoding != "json":
		c.close(4002, "Unsupported encoding", true)
		return c
	}
	if c.pack == nil {
		c.pack = newPacker("", false)
		c.close(4002, "Unsupported compression", true)
		return c
	}
	c.greet()
	if s.cfg.PingEvery > 0 {
		s.spawn(c.ping)
	}
	return c
}

// greet sends HELLO, unless a fault has another idea (S-003, S-059).
func (c *conn) greet() {
	s := c.sim
	if s.cfg.IdentifyTimeout > 0 {
		c.later(s.cfg.IdentifyTimeout, func() {
			if c.session == nil {
				c.close(4009, "Session timed out", true)
			}
		})
	}
	if s.strikes("op7-first", c.place()) != nil {
		c.reconnect()
		return
	}
	if s.strikes("no-hello", c.place()) != nil {
		return
	}
	c.greeted = true
	trace := `,"_trace":["[\"gateway-prd-sim\",{\"micros\":0.0}]"]`
	if s.cfg.PlainReady {
		trace = ""
	}
	c.send([]byte(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":` +
		strconv.FormatInt(s.cfg.HeartbeatInterval.Milliseconds(), 10) + trace + `}}`))
	c.expectBeat()
}

// later does something in a while, unless the connection ends first.
func (c *conn) later(d time.Duration, do func()) {
	c.others = append(c.others, c.sim.after(d, func() {
		if !c.over {
			do()
		}
	}))
}

// expectBeat starts the time within which the next heartbeat has to come
// (S-035).
func (c *conn) expectBeat() {
	cfg := &c.sim.cfg
	if cfg.HeartbeatGrace < 0 {
		return
	}
	patience := cfg.HeartbeatInterval + cfg.HeartbeatGrace
	if !c.beat.reset(patience) {
		c.beat = c.sim.after(patience, c.missed)
	}
}

// missed ends a connection whose heartbeats stopped.
func (c *conn) missed() {
	if c.over {
		return
	}
	switch c.sim.cfg.MissedHeartbeat {
	case MissedDocumented:
		c.close(4009, "Session timed out", false)
	case MissedSilent:
		c.cut()
	default:
		c.close(1000, "", false)
	}
}

// requestBeat asks for a heartbeat (S-036).
func (c *conn) requestBeat() {
	c.send([]byte(`{"t":null,"s":null,"op":1,"d":null}`))
	c.asked.stop()
	asked, within := time.Now(), c.sim.cfg.RequestedWithin
	c.asked = c.sim.after(within, func() {
		if !c.sim.disturbed(asked, within) {
			c.sim.violate(c, "G-021", "a heartbeat asked for with op 1 did not come in time")
		}
		c.missed()
	})
}

// reconnect sends op 7; the server closes by itself a little later (S-059).
func (c *conn) reconnect() {
	if c.over || c.moving {
		return
	}
	c.moving = true
	c.send([]byte(`{"t":null,"s":null,"op":7,"d":null}`))
	if wait := c.sim.cfg.ReconnectWait; wait >= 0 {
		c.later(wait, func() { c.close(1001, "Discord WebSocket requesting client reconnect.", true) })
	}
}

// invalidate sends op 9; false ends the session (S-063).
func (c *conn) invalidate(resumable bool) {
	if !resumable && c.session != nil {
		c.session.end(endedByServer)
	}
	c.send([]byte(`{"t":null,"s":null,"op":9,"d":` + strconv.FormatBool(resumable) + `}`))
}

// say sends a dispatch.
func (c *conn) say(d dispatch) {
	c.log.frame(true, 0, d.typ, d.seq, len(d.raw), c.sim.cfg.LogFrames)
	c.put(frame{raw: d.raw, zip: c.zip && len(d.raw) > zipAbove})
}

// zipAbove is the size from which payload compression is worth it: some
// messages come compressed and others do not (S-007).
const zipAbove = 256

// send sends a payload that is no dispatch.
func (c *conn) send(raw []byte) {
	c.log.frame(true, opOf(raw), "", 0, len(raw), c.sim.cfg.LogFrames)
	c.put(frame{raw: raw})
}

func (c *conn) put(f frame) {
	if c.over {
		return
	}
	c.queue = append(c.queue, f)
	c.queued += len(f.raw)
	if c.queued > maxQueued {
		c.cut()
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// close ends the connection from the server's side with a close frame. What is
// queued goes out first. When keep is not said, the code decides what happens
// to the session (S-061, S-062).
func (c *conn) close(code int, reason string, server bool) {
	if c.over {
		return
	}
	c.log.closing(code, reason, false)
	c.put(frame{code: code, reason: reason})
	c.leave()
	if sess := c.session; sess != nil {
		if c.sim.keeps(code) {
			sess.detach()
		} else {
			sess.end(endedByServer)
		}
	}
	if !server && c.known != nil {
		c.known.tally.missed++
	}
	if !c.sim.closed {
		// Not one of the connection's own alarms: those are over with it.
		l := c.link
		c.sim.after(c.sim.cfg.CloseWait, l.cut)
	}
}

// keeps says whether a server close leaves the session alive (S-062).
func (s *Sim) keeps(code int) bool {
	for _, c := range s.cfg.KeepSessionOn {
		if c == code {
			return true
		}
	}
	for _, c := range s.cfg.DropSessionOn {
		if c == code {
			return false
		}
	}
	switch code {
	case 4003, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014:
		return false
	}
	return true
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
	c.link.cut()
}

// leave stops what the connection still had to do.
func (c *conn) leave() {
	c.over = true
	c.beat.stop()
	c.asked.stop()
	for _, a := range c.others {
		a.stop()
	}
	c.others = nil
	delete(c.sim.conns, c.id)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// read takes what the client sends until the connection is over, and then says
// what became of the session (S-044, S-045).
func (c *conn) read() {
	for {
		kind, raw, err := c.ws.Read(context.Background())
		if err != nil {
			c.ended(err)
			break
		}
		c.sim.mu.Lock()
		if !c.over {
			c.take(kind == websocket.MessageBinary, raw)
		}
		c.sim.mu.Unlock()
	}
	_ = c.ws.CloseNow()
}

// ended is the end of a connection as the reader sees it.
func (c *conn) ended(err error) {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.over {
		return
	}
	var closed websocket.CloseError
	code := 0
	reason := "the connection ended without a close frame"
	if errors.As(err, &closed) {
		code, reason = int(closed.Code), closed.Reason
	}
	c.log.closing(code, reason, true)
	if c.known != nil && code != 0 {
		c.known.tally.closeCodes[code]++
	}
	sess := c.session
	c.leave()
	switch {
	case sess == nil:
	case code == 1000 || code == 1001:
		c.known.killed = time.Now()
		sess.end(endedByClient)
	default:
		sess.detach()
	}
}

// write sends what is queued, in order, until the close frame has gone out or
// the connection is over.
func (c *conn) write() {
	for {
		c.sim.mu.Lock()
		batch, over := c.queue, c.over
		c.queue, c.queued = nil, 0
		c.sim.mu.Unlock()
		for _, f := range batch {
			if f.code != 0 {
				// A second goroutine reads, so this returns when the client has
				// answered or the link was cut.
				_ = c.ws.Close(websocket.StatusCode(f.code), f.reason)
				return
			}
			if err := c.emit(f); err != nil {
				_ = c.ws.CloseNow()
				return
			}
		}
		if over {
			return
		}
		if len(batch) == 0 {
			<-c.wake
		}
	}
}

// emit packs and writes one frame.
func (c *conn) emit(f frame) error {
	raw, binary := c.pack.pack(f)
	kind := websocket.MessageText
	if binary {
		kind = websocket.MessageBinary
	}
	ctx := context.Background() // the link ends it
	for _, part := range c.split(raw, binary) {
		if c.sim.cfg.Fragments > 1 {
			if err := c.fragmented(ctx, kind, part); err != nil {
				return err
			}
			continue
		}
		if err := c.ws.Write(ctx, kind, part); err != nil {
			return err
		}
	}
	return nil
}

// split cuts a zlib-stream message into several WebSocket messages (S-005).
func (c *conn) split(raw []byte, binary bool) [][]byte {
	if c.sim.cfg.SplitFrames <= 1 || !binary || !c.pack.splittable() {
		return [][]byte{raw}
	}
	return c.pieces(raw, c.sim.cfg.SplitFrames)
}

// pieces cuts bytes into 1 to most pieces at random places.
func (c *conn) pieces(raw []byte, most int) (parts [][]byte) {
	for n := c.rng.IntN(most); n > 0 && len(raw) > 1; n-- {
		at := 1 + c.rng.IntN(len(raw)-1)
		parts = append(parts, raw[:at])
		raw = raw[at:]
	}
	return append(parts, raw)
}

// fragmented writes one WebSocket message in several fragments, with a ping
// somewhere between them.
func (c *conn) fragmented(ctx context.Context, kind websocket.MessageType, raw []byte) error {
	w, err := c.ws.Writer(ctx, kind)
	if err != nil {
		return err
	}
	for _, part := range c.pieces(raw, c.sim.cfg.Fragments) {
		if _, err := w.Write(part); err != nil {
			return err
		}
		c.sim.spawn(func() {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			_ = c.ws.Ping(ctx)
		})
	}
	return w.Close()
}

// ping sends WebSocket pings (S-010).
func (c *conn) ping() {
	ticker := time.NewTicker(c.sim.cfg.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-c.sim.done:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.sim.cfg.PingEvery)
		err := c.ws.Ping(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
	}
}
