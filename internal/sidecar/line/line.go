package line

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Line is the server side of one gateway WebSocket. [Accept] makes it.
//
// All methods may be called at the same time. The caller of Accept must call Run once, which
// gives the connection back; until then the others may be called, and afterwards they return
// at once. A call that waits for the client ends with its context and with the line. A client
// that does not read or answer is never closed for it.
type Line struct {
	opts    Options
	request request
	remote  string
	conn    net.Conn
	in      *readOnlyConn   // the same, as ws reads it
	ws      *websocket.Conn // only reads
	started atomic.Bool

	ended   chan struct{} // closed when why is set
	over    chan struct{} // closed when nothing is read or written any more
	changed chan struct{}
	toWrite chan struct{} // wakes the writer
	toKeep  chan struct{} // wakes the goroutine that keeps the times

	mu         sync.Mutex // guards what follows; nothing waits while it holds it
	phase      phase
	handling   int       // payloads that have arrived and were not handled
	greetBy    time.Time // when IDENTIFY or RESUME has to be there
	flow       flow
	acks       ackQueue
	owedPong   []byte // payload of the client's ping that is not answered
	owesPong   bool
	compressor compressor
	out        *buffer       // frames that wait for the writer, whole ones; nil: none
	room       chan struct{} // closed when the writer has taken out; nil: no one waits
	keepAt     time.Time     // when the goroutine that keeps the times wakes; zero: not by itself
	wasStalled bool
	writeError error     // of the write that has failed
	endBy      time.Time // when the line ends if the reader finds no reason before; zero: no write has failed
	why        error     // why the line has ended; nil: it has not
	goodbye    []byte    // the close frame; nil: none
	closeBy    time.Time // when the connection ends, whatever the client has read or answered
}

func newLine(opts Options, asked request) *Line {
	return &Line{
		opts: opts, request: asked,
		flow:       flow{pingDelay: opts.PingDelay, stallAfter: opts.StallAfter},
		compressor: compressor{mode: asked.compression},
		ended:      make(chan struct{}), over: make(chan struct{}),
		changed: make(chan struct{}, 1), toWrite: make(chan struct{}, 1), toKeep: make(chan struct{}, 1),
	}
}

// Version is the gateway version that the client asked for: 9 or 10.
func (l *Line) Version() int { return l.request.version }

// Compression is the transport compression: "zlib-stream", "zstd-stream" or "".
func (l *Line) Compression() string { return l.request.compression }

// RemoteAddr is the client's address and port.
func (l *Line) RemoteAddr() string { return l.remote }

// LocalURL is scheme, host and port by which the client has found this server.
func (l *Line) LocalURL() string { return l.request.url }

// Run sends HELLO and serves the line until it ends. handle gets every payload but
// heartbeats, one after the other, in the order of their arrival; d is valid JSON without
// duplicate names, or nil. If handle returns a [*CloseError], the line is closed with it; any
// other error and a panic close it with 4000. handle must return when the line has ended (see
// Done): Run waits for it.
//
// The end of ctx cuts the connection at once. The error says why the line ended: a
// [*ClientCloseError], a [*LostError], a [*CloseError] by this side, or the cause of ctx.
func (l *Line) Run(ctx context.Context, handle func(op int, d json.RawMessage) error) error {
	if !l.started.CompareAndSwap(false, true) {
		return errors.New("the line runs already: Run may be called once")
	}
	hello := helloPayload(l.opts.HeartbeatInterval().Milliseconds())
	l.mu.Lock()
	if l.request.version != 0 {
		// One that is closed already is greeted too: discord.py ends when its first
		// connection is closed before HELLO.
		l.queueMessage(hello, nil, nil)
	}
	if l.why == nil {
		l.greetBy = time.Now().Add(l.opts.GreetTimeout)
	}
	l.mu.Unlock()
	payloads := make(chan payload, maxHandling)
	var group, writer sync.WaitGroup
	writer.Go(l.write)
	group.Go(func() { l.keepTimes(ctx) })
	group.Go(func() { l.handlePayloads(payloads, handle) })
	l.read(payloads)
	close(payloads)
	writer.Wait()
	l.drop()
	close(l.over)
	_ = l.ws.CloseNow() // lets go of the library's own
	group.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.compressor.release()
	return l.why
}

// handlePayloads calls the handler until no payloads come. What has arrived before the client
// closed or was lost is still handled.
func (l *Line) handlePayloads(payloads <-chan payload, handle func(int, json.RawMessage) error) {
	for p := range payloads {
		if l.closedHere() {
			continue
		}
		err := callHandler(handle, p)
		l.handled()
		if err == nil {
			continue
		}
		closing, ok := errors.AsType[*CloseError](err)
		if !ok {
			closing = &CloseError{Code: CloseUnknownError, Reason: "Internal error.", Err: err}
			l.opts.Log.Error("A bot's payload could not be handled", "op", p.op, "error", err)
		}
		l.end(closing)
	}
}

// handled counts a payload off, and tells when it was the last.
func (l *Line) handled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handling--; l.handling == 0 {
		l.signalChanged()
	}
}

// callHandler calls the handler and makes an error of a panic.
func callHandler(handle func(int, json.RawMessage) error, p payload) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return handle(p.op, p.d)
}

// Dispatch queues an event, and waits for that while the client does not read. Sequence
// numbers must rise; d must be JSON, or nothing for null. An error means that nothing was queued: that of ctx, or
// [ErrEnded].
func (l *Line) Dispatch(ctx context.Context, event string, seq int64, d []byte) error {
	if len(d) == 0 {
		d = null
	}
	var room [96]byte
	head := appendDispatchHead(room[:0], event, seq)
	if err := l.lockWithRoom(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	if err := l.flow.accept(seq, len(head)+len(d)+1); err != nil {
		return err
	}
	l.queueMessage(head, d, []byte{'}'})
	l.wakeWriter()
	return nil
}

// InvalidateSession sends INVALID SESSION. Afterwards the client may IDENTIFY or RESUME on the
// same line; what it sends before that belongs to the session that is gone and is ignored.
// Sequence numbers and Progress begin anew.
func (l *Line) InvalidateSession(ctx context.Context, resumable bool) error {
	message := invalidSession
	if resumable {
		message = invalidSessionResumable
	}
	if err := l.lockWithRoom(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	l.queueMessage(message, nil, nil)
	l.wakeWriter()
	l.phase, l.greetBy = invalidated, time.Now().Add(l.opts.GreetTimeout)
	l.flow.reset()
	l.signalChanged()
	return nil
}

// lockWithRoom locks the line once a message may be queued.
func (l *Line) lockWithRoom(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.mu.Lock()
		if l.why != nil {
			l.mu.Unlock()
			return ErrEnded
		}
		if l.hasRoom() {
			return nil
		}
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		select {
		case <-room:
		case <-l.ended:
		case <-ctx.Done():
		}
	}
}

// UsePayloadCompression compresses each message of more than 1 KiB by itself, from the next
// one on, as compress in IDENTIFY asks for. It does nothing beside a transport compression.
func (l *Line) UsePayloadCompression() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.compressor.payload = true
}

// Ping asks at once whether what was dispatched so far has been read, instead of 250 ms after
// it was written, or as soon as the ping before this one is answered. A user with a window
// calls it when much of that is used. A confirmation that comes so early says less about what
// was handled, so [Line.ConfirmedBefore] must be heeded all the more.
func (l *Line) Ping() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flow.request()
	l.wakeKeeper()
}

// Progress is how far the client has got. It can be called after the end, too.
func (l *Line) Progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flow.progress(time.Now())
}

// Handling reports whether the handler has not finished with a payload that has arrived. A
// heartbeat or a pong behind it may have confirmed already: those wait for no handler.
func (l *Line) Handling() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handling > 0
}

// ConfirmedBefore is what had been confirmed at a time, which may be up to 2 s before the
// last confirmation; for an earlier one it is 0. What was confirmed within the last 250 ms of
// a line that was lost may have been read and not handled.
func (l *Line) ConfirmedBefore(t time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flow.history.before(t)
}

// Changed receives a value after Progress has changed other than by Dispatch, or Handling has
// become false. Several changes may be one value. The end of the line is none: Done tells of it.
func (l *Line) Changed() <-chan struct{} { return l.changed }

// Done is closed when the line has ended for everything but a close frame.
func (l *Line) Done() <-chan struct{} { return l.ended }

// Close closes the line: what is queued and a close frame are written, and the client has a
// second in all to take them, and a quarter of it to answer: discord.py never does. Close returns at once; Run returns when it is
// done. A line that has ended already stays as it is.
func (l *Line) Close(code int, reason string) {
	l.end(&CloseError{Code: code, Reason: reason})
}

// end ends the line for a reason, unless it has ended. Without a close frame in either
// direction the connection is cut.
func (l *Line) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return
	}
	l.why = why
	var cut bool
	switch by := why.(type) {
	case *CloseError:
		l.goodbye = appendCloseFrame(nil, by.Code, by.Reason)
	case *ClientCloseError:
		l.goodbye = appendCloseFrame(nil, by.Code, "")
		l.discardOut() // a client that closes reads no more events
	default:
		l.discardOut()
		cut = true
	}
	close(l.ended)
	if cut {
		l.drop()
	} else {
		l.closeBy = time.Now().Add(closeTimeout)
		_ = l.conn.SetDeadline(l.closeBy)
	}
	l.wakeWriter()
}

// discardOut drops what the writer has not taken.
func (l *Line) discardOut() {
	if l.out != nil {
		l.out.free()
		l.out = nil
	}
}

// drop cuts the connection, below TLS: a goodbye of TLS could wait for the client.
func (l *Line) drop() {
	if over, ok := l.conn.(*tls.Conn); ok {
		_ = over.NetConn().Close()
		return
	}
	_ = l.conn.Close()
}

func (l *Line) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// closedHere reports whether this side has ended the line.
func (l *Line) closedHere() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.why.(type) {
	case nil, *ClientCloseError, *LostError:
		return false
	}
	return true
}

// update tells the flow what has happened, and the line's user if that changes Progress.
func (l *Line) update(happened func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	before := l.flow.progress(now)
	happened(now)
	if l.flow.progress(now) != before {
		l.signalChanged()
	}
	l.wakeKeeper()
}

// signalChanged tells that Progress or Handling has changed.
func (l *Line) signalChanged() { notify(l.changed) }

func (l *Line) wakeWriter() { notify(l.toWrite) }

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
