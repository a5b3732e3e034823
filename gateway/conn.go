package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/internal/bounds"
)

// conn is one WebSocket and all that ends with it: the inflate context, the timers,
// the unanswered heartbeats, the send budget (G-076).
//
// readLoop reads it. controlLoop writes its IDENTIFY or RESUME and its heartbeats,
// and nothing else, so nothing can delay a heartbeat. The sendLoop of a live
// connection writes the rest. The goroutine of Run owns everything without a lock
// or an atomic here, once it has seen HELLO.
type conn struct {
	shard      *Shard
	sock       Socket
	url        string
	signals    chan signal       // to the goroutine of Run, in order
	control    chan controlFrame // to controlLoop
	ended      chan struct{}     // closed when the connection has ended
	once       sync.Once
	reason     Reason // why it ended; read after ended
	progress   progress
	dispatched atomic.Int64 // progress.total when a dispatch last arrived
	group      sync.WaitGroup

	// From HELLO.
	interval time.Duration
	odd      string
	helloAt  time.Time
}

// controlFrame is a payload for controlLoop.
type controlFrame struct {
	raw       []byte
	heartbeat bool // built at the last moment instead, with the newest sequence number
}

// signal tells the goroutine of Run what Discord has said.
type signal struct {
	kind      signalKind
	at        time.Time
	interval  time.Duration // of sigHello
	odd       string        // of sigHello: see HelloReceived.Odd
	resumable bool          // of sigInvalidSession
	ready     Ready         // of sigReady
	replayed  int           // of sigResumed
}

type signalKind int

const (
	sigHello signalKind = iota
	sigACK
	sigHeartbeatRequest // op 1: Discord asks for a heartbeat
	sigReconnect
	sigInvalidSession
	sigReady
	sigResumed
)

func newConn(s *Shard, sock Socket, url string) *conn {
	c := &conn{
		shard: s, sock: sock, url: url, progress: progress{opened: time.Now()},
		signals: make(chan signal, 16), control: make(chan controlFrame, 8), ended: make(chan struct{}),
	}
	return c
}

// start begins to read and to write.
func (c *conn) start() {
	c.group.Add(2)
	go c.readLoop(newInflater(c.shard.opts.Compression))
	go c.controlLoop()
}

// end marks the connection as ended. The first reason counts.
func (c *conn) end(reason Reason) {
	c.once.Do(func() {
		c.reason = reason
		close(c.ended)
	})
}

// drop ends the connection at once, without a close frame.
func (c *conn) drop(reason Reason) {
	c.end(reason)
	c.sock.Drop()
}

// close ends the connection with a close frame, waits for the peer's for at most
// Timing.Close (G-093), and returns when both goroutines have ended. It does not
// cut off a write, which would take the connection and the close frame along.
func (c *conn) close(code CloseCode, reason Reason) {
	c.end(reason)
	ctx, cancel := context.WithTimeout(context.Background(), c.shard.opts.Timing.Close)
	c.sock.Close(ctx, code, "")
	cancel()
	c.group.Wait()
}

// signal passes s to the goroutine of Run, unless the connection has ended.
func (c *conn) signal(s signal) {
	select {
	case c.signals <- s:
	case <-c.ended:
	}
}

// enqueueControl hands a payload to controlLoop. It reports false when earlier ones have
// not left yet, which means that nothing leaves any more.
func (c *conn) enqueueControl(f controlFrame) bool {
	select {
	case c.control <- f:
		return true
	default:
		return false
	}
}

// controlLoop writes heartbeats, IDENTIFY and RESUME. A write that does not finish
// in time ends the connection (G-107).
func (c *conn) controlLoop() {
	defer c.group.Done()
	write := c.shard.opts.Timing.Write
	// One deadline for all of them, set anew for each: a heartbeat allocates nothing.
	late := time.AfterFunc(time.Hour, c.onSlowWrite)
	late.Stop()
	for {
		select {
		case f := <-c.control:
			raw := f.raw
			if f.heartbeat {
				raw = heartbeatPayload(c.shard.seq.received.Load())
			}
			late.Reset(write)
			err := c.writeFrame(raw)
			late.Stop()
			if err != nil {
				c.onWriteError(err)
				return
			}
		case <-c.ended:
			return
		}
	}
}

// onWriteError ends the connection after a failed write. The reader gets a moment
// to find a close frame first: it says more than a broken pipe.
func (c *conn) onWriteError(err error) {
	patience := time.NewTimer(c.shard.opts.Timing.Close)
	defer patience.Stop()
	select {
	case <-c.ended:
	case <-patience.C:
	}
	c.drop(Reason{Kind: ReasonWrite, Err: err})
}

// errSlowWrite is a write that did not finish in time.
var errSlowWrite = errors.New("the connection took nothing until the write deadline")

// write writes one payload within the write deadline. The deadline is not a
// context's, because the library would end the connection for it without the
// reason.
func (c *conn) write(raw []byte) error {
	late := time.AfterFunc(c.shard.opts.Timing.Write, c.onSlowWrite)
	defer late.Stop()
	return c.writeFrame(raw)
}

func (c *conn) onSlowWrite() { c.drop(Reason{Kind: ReasonWrite, Err: errSlowWrite}) }

// writeFrame writes one payload without a deadline of its own. The library lets one
// frame at a time through (G-106). The write ends when the socket is dropped, and
// every end of a connection drops it; a context would only cost allocations.
func (c *conn) writeFrame(raw []byte) error {
	if err := c.sock.Write(context.Background(), raw); err != nil {
		return err
	}
	c.shard.count.sent.Add(1)
	return nil
}

// retainBuffer is the largest read buffer that is kept for the next message.
const retainBuffer = 1 << 20

// readLoop reads messages until the connection ends. It does not allocate for an
// event that is not wanted.
func (c *conn) readLoop(inflate inflater) {
	defer c.group.Done()
	defer c.sock.Drop()
	if inflate != nil {
		defer inflate.close()
	}
	limit, count := c.shard.opts.ReadLimit, &c.shard.count
	received := c.progress.received
	var frame, plain []byte
	for {
		var size int64
		var binary bool
		var err error
		frame, size, binary, err = c.sock.Read(frame[:0], limit, received)
		if err != nil {
			c.end(endReason(err))
			return
		}
		count.wireBytes.Add(size)
		message := frame
		if inflate != nil && binary {
			if size > int64(len(frame)) {
				// The stream's context is lost with the bytes that were read past.
				c.drop(Reason{Kind: ReasonCompression, Text: "a compressed frame exceeds the read limit"})
				return
			}
			var done bool
			plain, size, done, err = inflate.feed(frame, plain[:0], limit)
			if err != nil {
				c.drop(Reason{Kind: ReasonCompression, Err: err})
				return
			}
			if !done {
				continue
			}
			message = plain
		}
		c.progress.messageEnded()
		count.bytes.Add(size)
		if !c.handlePayload(message, size) {
			return
		}
		if cap(frame) > retainBuffer {
			frame = nil
		}
		if cap(plain) > retainBuffer {
			plain = nil
		}
	}
}

// handlePayload handles one payload of size bytes, of which message is what was
// kept. It returns false when it has ended the connection.
func (c *conn) handlePayload(message []byte, size int64) bool {
	now := time.Now()
	env, err := scanEnvelope(message, c.shard.skipsData)
	if err != nil {
		return c.handleUnreadable(env, message, size, err, now)
	}
	switch env.op {
	case opDispatch:
		c.handleDispatch(env, size, now)
		c.dispatched.Store(int64(c.progress.total()))
	case opHeartbeat:
		c.signal(signal{kind: sigHeartbeatRequest, at: now})
	case opReconnect:
		c.signal(signal{kind: sigReconnect, at: now})
	case opInvalidSession:
		// Anything but a plain true is false (G-087).
		c.signal(signal{kind: sigInvalidSession, resumable: string(env.d) == "true", at: now})
	case opHello:
		interval, odd := helloInterval(env.d)
		c.signal(signal{kind: sigHello, interval: interval, odd: odd, at: now})
	case opHeartbeatACK:
		c.signal(signal{kind: sigACK, at: now})
	default:
		c.shard.skip(PayloadSkipped{Why: "unknown opcode", Op: env.op, Bytes: size})
	}
	return true
}

// handleUnreadable handles a payload whose envelope could not be read to the end.
// Where only the beginning was kept, what stands there is enough to go on. Text
// that is not JSON ends the connection the first time, so that a RESUME fetches
// whatever it was; at the same place in the session again it costs only itself
// (G-118).
func (c *conn) handleUnreadable(env envelope, message []byte, size int64, err error, now time.Time) bool {
	s := c.shard
	if size > int64(len(message)) {
		s.skip(PayloadSkipped{Why: "larger than the read limit", Op: env.op, Type: string(env.typ), Bytes: size})
		if env.op == opDispatch && env.seq > 0 {
			s.seq.accept(c, envelope{op: opDispatch, seq: env.seq}, now)
		}
		return true
	}
	at := s.seq.received.Load()
	if s.malformedAt.Swap(at) == at {
		s.skip(PayloadSkipped{Why: fmt.Sprintf("not JSON, again at sequence %d", at), Op: -1, Bytes: size})
		return true
	}
	s.skip(PayloadSkipped{Why: "not JSON; the connection is resumed", Op: -1, Bytes: size})
	c.drop(Reason{Kind: ReasonMalformed, Err: err})
	return false
}

// handleDispatch passes an op 0 to the session. READY and RESUMED take effect before
// anything that follows them is read.
func (c *conn) handleDispatch(env envelope, size int64, now time.Time) {
	s := c.shard
	switch string(env.typ) {
	case "READY":
		data, err := parseReady(env.d)
		if err != nil {
			s.skip(PayloadSkipped{Why: err.Error(), Op: env.op, Type: "READY", Bytes: size})
			return
		}
		if data.resumeURL != "" {
			if err := s.checkAddress(data.resumeURL); err != nil {
				s.emit(AddressRefused{Address: data.resumeURL[:min(len(data.resumeURL), 200)], Err: err})
				data.resumeURL = ""
			}
		}
		if data.resumeURL == "" {
			data.resumeURL = c.url // better than no resume at all
		}
		s.seq.onReady(c, data, env, now)
		c.progress.live = true
		c.signal(signal{kind: sigReady, ready: data.ready, at: now})
	case "RESUMED":
		c.progress.live = true
		c.signal(signal{kind: sigResumed, replayed: s.seq.onResumed(c, env, now), at: now})
	case "RATE_LIMITED":
		s.sends.onRateLimited(env.d, now)
		s.seq.accept(c, env, now)
	default:
		s.seq.accept(c, env, now)
	}
}

// skipsData reports whether the d of a payload is needed by nothing, so that it is
// not even scanned.
func (s *Shard) skipsData(op Opcode, typ []byte) bool {
	if op != opDispatch {
		return false
	}
	switch string(typ) {
	case "READY", "RESUMED", "RATE_LIMITED":
		return false
	}
	return s.seq.isUnwanted(typ)
}

// skip counts a payload that costs only itself.
func (s *Shard) skip(p PayloadSkipped) {
	s.count.skipped.Add(1)
	s.emit(p)
}

// helloInterval reads the heartbeat interval of HELLO (G-018). odd is what stands there
// if that makes no sense; then the usual interval takes its place.
func helloInterval(d []byte) (interval time.Duration, odd string) {
	var hello struct {
		Interval json.RawMessage `json:"heartbeat_interval"`
	}
	_ = json.Unmarshal(d, &hello)
	var ms float64
	_ = json.Unmarshal(hello.Interval, &ms) // 0 if it is no number
	// Compared as it stands there: a time.Duration does not hold every number.
	least, most := bounds.HeartbeatInterval.Least, bounds.HeartbeatInterval.Most
	if nanos := ms * float64(time.Millisecond); nanos >= float64(least) && nanos <= float64(most) {
		return time.Duration(nanos), ""
	}
	if odd = string(hello.Interval[:min(len(hello.Interval), 40)]); odd == "" {
		odd = "none"
	}
	return bounds.UsualInterval, odd
}

// endReason is the reason for an error of Socket.Read: a close frame, or a
// connection that just ended.
func endReason(err error) Reason {
	if frame, ok := errors.AsType[*CloseError](err); ok {
		return Reason{Kind: ReasonClosed, Code: frame.Code, Text: frame.Reason}
	}
	return Reason{Kind: ReasonReset, Err: err}
}
