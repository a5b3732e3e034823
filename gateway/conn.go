package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// conn is one WebSocket and everything that must die with it: the inflate
// context, the timers, the unanswered heartbeats, the send budget (G-076).
// One goroutine reads it, one writes its heartbeats and its IDENTIFY or
// RESUME, and nothing else is ever done on either.
type conn struct {
	sock       Socket
	url        string
	timing     Timing
	limit      int64
	opened     time.Time
	seq        func() int64 // highest sequence number received, for heartbeats
	sink       sink
	count      *counters
	signals    chan signal       // to the owner, in order
	control    chan controlFrame // to the writer
	ended      chan struct{}     // closed when the connection has ended
	once       sync.Once
	reason     Reason // why it ended; read after dead
	lastByteAt atomic.Int64
	group      sync.WaitGroup

	// interval and greeted come from HELLO and are set before anybody but the
	// goroutine that waited for it knows the connection.
	interval time.Duration
	helloAt  time.Time
}

// controlFrame is a payload for the control writer.
type controlFrame struct {
	raw       []byte
	heartbeat bool // a heartbeat: built at the last moment, with the newest seq
}

// sink takes what a connection reads.
type sink interface {
	// dispatch takes an op 0 that is not READY or RESUMED.
	dispatch(c *conn, env envelope, now time.Time)
	// ready and resumed take those two, before the owner hears of them.
	ready(c *conn, env envelope, now time.Time) (readyData, error)
	resumed(c *conn, env envelope, now time.Time) int
	// unwanted says whether nobody needs the d of an event.
	unwanted(op Opcode, typ []byte) bool
	// skipped counts a payload that cost only itself.
	skipped(PayloadSkipped)
	// malformed decides about a payload that is no JSON: false ends the
	// connection.
	malformed(size int64) bool
}

// signal is what the owner of a connection is told.
type signal struct {
	kind signalKind
	// interval is HELLO's, resumable op 9's, replayed RESUMED's.
	interval  time.Duration
	resumable bool
	replayed  int
	ready     Ready
	at        time.Time
}

type signalKind int

const (
	sigHello signalKind = iota
	sigACK
	sigHeartbeatRequest // Discord asks for a heartbeat
	sigReconnect
	sigInvalidSession
	sigReady
	sigResumed
)

// openConn starts to read a socket.
func openConn(sock Socket, url string, o *Options, count *counters, sink sink, seq func() int64) *conn {
	c := &conn{
		sock: sock, url: url, timing: o.Timing, limit: o.ReadLimit, opened: time.Now(), seq: seq, sink: sink, count: count,
		signals: make(chan signal, 16), control: make(chan controlFrame, 8), ended: make(chan struct{}),
	}
	c.lastByteAt.Store(c.opened.UnixNano())
	c.group.Add(2)
	go c.read(newInflater(o.Compression))
	go c.writeControl()
	return c
}

// lastByte is when the last byte arrived.
func (c *conn) lastByte() time.Time { return time.Unix(0, c.lastByteAt.Load()) }

// end ends the connection for a cause; the first one counts.
func (c *conn) end(cause Reason) {
	c.once.Do(func() {
		c.reason = cause
		close(c.ended)
	})
}

// drop ends the connection at once, without a close frame.
func (c *conn) drop(cause Reason) {
	c.end(cause)
	c.sock.Drop()
}

// close ends the connection with a close frame, waits for the peer's for at
// most the close deadline (G-093), and returns when both goroutines are gone.
func (c *conn) close(code CloseCode, cause Reason) {
	// Writers are told to stop but not cut off: a write that is cut off takes the
	// connection, and with it the close frame, along.
	c.once.Do(func() {
		c.reason = cause
		close(c.ended)
	})
	ctx, cancel := context.WithTimeout(context.Background(), c.timing.Close)
	c.sock.Close(ctx, code, "")
	cancel()
	c.group.Wait()
}

// signal passes a signal to the owner, unless the connection has ended.
func (c *conn) signal(s signal) {
	select {
	case c.signals <- s:
	case <-c.ended:
	}
}

// sendHeartbeat asks the writer for a heartbeat. It reports false if the writer is
// stuck behind earlier ones, which means that nothing leaves any more.
func (c *conn) sendHeartbeat() bool { return c.enqueueControl(controlFrame{heartbeat: true}) }

func (c *conn) enqueueControl(d controlFrame) bool {
	select {
	case c.control <- d:
		return true
	default:
		return false
	}
}

// writeControl sends heartbeats, IDENTIFY and RESUME. A write that does not finish
// in time means a dead connection (G-107).
func (c *conn) writeControl() {
	defer c.group.Done()
	// One deadline for all of them, set anew for each: it is this goroutine's alone.
	late := time.AfterFunc(time.Hour, c.onSlowWrite)
	late.Stop()
	for {
		select {
		case d := <-c.control:
			raw := d.raw
			if d.heartbeat {
				raw = heartbeatPayload(c.seq())
			}
			late.Reset(c.timing.Write)
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

// onWriteError ends the connection after a failed write. The reader gets a
// moment to find a close frame first: it says more than a broken pipe.
func (c *conn) onWriteError(err error) {
	patience := time.NewTimer(c.timing.Close)
	defer patience.Stop()
	select {
	case <-c.ended:
	case <-patience.C:
	}
	c.drop(Reason{Kind: ReasonWrite, Err: err})
}

// errSlowWrite is a write that did not finish in time.
var errSlowWrite = errors.New("the connection took nothing until the write deadline")

// write writes one payload within the write deadline. The library serialises
// frames (G-106). Were the deadline a context's, the library would end the
// connection for it and the reader be the first to say why; so the deadline names
// the cause itself.
func (c *conn) write(raw []byte) error {
	late := time.AfterFunc(c.timing.Write, c.onSlowWrite)
	defer late.Stop()
	return c.writeFrame(raw)
}

// onSlowWrite ends the connection over a write that does not finish.
func (c *conn) onSlowWrite() { c.drop(Reason{Kind: ReasonWrite, Err: errSlowWrite}) }

// writeFrame writes one payload. How long that may take is the caller's to watch.
func (c *conn) writeFrame(raw []byte) error {
	// As with a read, the write ends when the socket is dropped, and every end of a
	// connection drops it; a context would only cost allocations for each payload.
	if err := c.sock.Write(context.Background(), raw); err != nil {
		return err
	}
	c.count.sent.Add(1)
	return nil
}

// read is the receive path. For an event that nobody asked for it does not
// allocate.
func (c *conn) read(inflate inflater) {
	defer c.group.Done()
	defer c.sock.Drop()
	if inflate != nil {
		defer inflate.close()
	}
	alive := func() { c.lastByteAt.Store(time.Now().UnixNano()) }
	// A message much larger than usual must not pin its buffer for ever.
	const retain = 1 << 20
	var frame, plain []byte
	for {
		var size int64
		var binary bool
		var err error
		frame, size, binary, err = c.sock.Read(frame[:0], c.limit, alive)
		if err != nil {
			c.end(closeReason(err))
			return
		}
		c.count.wireBytes.Add(size)
		message := frame
		if inflate != nil && binary {
			if size > int64(len(frame)) {
				// The stream's context is lost with the bytes that were read past.
				c.drop(Reason{Kind: ReasonCompression, Text: "a compressed frame exceeds the read limit"})
				return
			}
			var done bool
			plain, size, done, err = inflate.feed(frame, plain[:0], c.limit)
			if err != nil {
				c.drop(Reason{Kind: ReasonCompression, Err: err})
				return
			}
			if !done {
				continue
			}
			message = plain
		}
		c.count.bytes.Add(size)
		if !c.handlePayload(message, size) {
			return
		}
		if cap(frame) > retain {
			frame = nil
		}
		if cap(plain) > retain {
			plain = nil
		}
	}
}

// handlePayload handles one payload; false ends the reading.
func (c *conn) handlePayload(message []byte, size int64) bool {
	now := time.Now()
	env, err := scanEnvelope(message, c.sink.unwanted)
	if err != nil {
		if size > int64(len(message)) {
			// Only the beginning was kept. What stands there is enough to go on.
			c.sink.skipped(PayloadSkipped{Why: "larger than the read limit", Op: env.op, Type: string(env.typ), Bytes: size})
			if env.op == OpDispatch && env.seq > 0 {
				c.sink.dispatch(c, envelope{op: OpDispatch, seq: env.seq}, now)
			}
			return true
		}
		if c.sink.malformed(size) {
			return true
		}
		c.drop(Reason{Kind: ReasonMalformed, Err: err})
		return false
	}
	switch env.op {
	case OpDispatch:
		c.handleDispatch(env, size, now)
	case OpHeartbeat:
		c.signal(signal{kind: sigHeartbeatRequest, at: now})
	case OpReconnect:
		c.signal(signal{kind: sigReconnect, at: now})
	case OpInvalidSession:
		// Anything but a plain true is false (G-087).
		c.signal(signal{kind: sigInvalidSession, resumable: string(env.d) == "true", at: now})
	case OpHello:
		interval, err := helloInterval(env.d)
		if err != nil {
			c.sink.skipped(PayloadSkipped{Why: err.Error(), Op: env.op, Bytes: size})
			return true
		}
		c.signal(signal{kind: sigHello, interval: interval, at: now})
	case OpHeartbeatACK:
		c.signal(signal{kind: sigACK, at: now})
	default:
		c.sink.skipped(PayloadSkipped{Why: "unknown opcode", Op: env.op, Bytes: size})
	}
	return true
}

func (c *conn) handleDispatch(env envelope, size int64, now time.Time) {
	switch string(env.typ) {
	case "READY":
		data, err := c.sink.ready(c, env, now)
		if err != nil {
			c.sink.skipped(PayloadSkipped{Why: err.Error(), Op: env.op, Type: "READY", Bytes: size})
			return
		}
		c.signal(signal{kind: sigReady, ready: data.ready, at: now})
	case "RESUMED":
		c.signal(signal{kind: sigResumed, replayed: c.sink.resumed(c, env, now), at: now})
	default:
		c.sink.dispatch(c, env, now)
	}
}

// Intervals outside these bounds are no heartbeat intervals.
const (
	minInterval = 100 * time.Millisecond
	maxInterval = 10 * time.Minute
)

// helloInterval reads HELLO (G-018).
func helloInterval(d []byte) (time.Duration, error) {
	var hello struct {
		Interval float64 `json:"heartbeat_interval"`
	}
	if err := json.Unmarshal(d, &hello); err != nil {
		return 0, errors.New("HELLO without a readable heartbeat_interval")
	}
	if !(hello.Interval > 0) || hello.Interval > float64(maxInterval/time.Millisecond) {
		return 0, errors.New("HELLO with an impossible heartbeat_interval")
	}
	return max(minInterval, time.Duration(hello.Interval*float64(time.Millisecond))), nil
}

// closeReason tells a close frame from a connection that just ended.
func closeReason(err error) Reason {
	if frame, ok := errors.AsType[*CloseError](err); ok {
		return Reason{Kind: ReasonClosed, Code: frame.Code, Text: frame.Reason}
	}
	return Reason{Kind: ReasonReset, Err: err}
}
