package line

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"
)

// readOnlyConn is the connection as the WebSocket library sees it. The goroutine that reads
// the line owns it.
type readOnlyConn struct {
	net.Conn
	line     *Line
	throttle throttle
	failed   error // the first error of a read
}

// Read reads, and makes the client wait if it floods.
func (c *readOnlyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.failed = cmp.Or(c.failed, err)
	if wait := c.throttle.wait(n, time.Now()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.line.ended:
		}
	}
	return n, err
}

func (c *readOnlyConn) Write([]byte) (int, error) { return 0, errReadOnly }

// Close does nothing: Run closes the connection once the last frame is out.
func (c *readOnlyConn) Close() error { return nil }

// read reads until the connection gives nothing more. After the line has ended it only looks
// for the client's close frame, within closeTimeout.
func (l *Line) read(payloads chan<- payload) {
	for {
		_, r, err := l.ws.Reader(context.Background())
		var message []byte
		if err == nil {
			message, err = readMessage(r)
		}
		if err != nil {
			why := l.readError(err)
			l.end(why)
			if _, ok := why.(*CloseError); ok {
				// Bytes that stay unread would take the close frame with them.
				_, _ = io.Copy(io.Discard, l.conn)
			}
			return
		}
		if !l.hasEnded() {
			l.receive(message, payloads)
		}
	}
}

// readMessage reads one message. Of one that is larger than any payload may be it keeps only
// so much that this can be seen.
func readMessage(r io.Reader) ([]byte, error) {
	message, err := io.ReadAll(io.LimitReader(r, maxIdentify+1))
	if err == nil && len(message) > maxIdentify {
		_, err = io.Copy(io.Discard, r)
	}
	return message, err
}

// readError says why the line ended when nothing more can be read.
func (l *Line) readError(err error) error {
	if frame, ok := errors.AsType[websocket.CloseError](err); ok {
		return &ClientCloseError{Code: int(frame.Code), Reason: frame.Reason}
	}
	if l.in.failed != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return &LostError{Err: cmp.Or(l.writeError, l.in.failed)}
	}
	// The connection still works, so the library did not understand what it brought.
	return &CloseError{Code: closeProtocolError, Reason: "Protocol error.", Err: err}
}

// receive does what a message asks for.
func (l *Line) receive(message []byte, payloads chan<- payload) {
	if len(message) > maxIdentify {
		l.Close(CloseDecodeError, "The payload is too large.")
		return
	}
	p, err := parsePayload(message)
	if err != nil {
		l.end(&CloseError{Code: CloseDecodeError, Reason: "The payload is not valid JSON.", Err: err})
		return
	}
	l.mu.Lock()
	next, admitted, refused := admit(l.phase, p.op, len(message))
	l.phase = next
	if refused == nil && admitted == handled {
		l.handling++
	}
	l.mu.Unlock()
	switch {
	case refused != nil:
		l.end(refused)
	case admitted == beaten:
		l.receiveHeartbeat(sequenceOf(p.d))
	case admitted == handled:
		select {
		case payloads <- p:
		case <-l.ended:
		}
	}
}

// receiveHeartbeat queues the ACK of a heartbeat and takes note of its number.
func (l *Line) receiveHeartbeat(seq int64) {
	delay := l.opts.ACKDelay()
	l.update(func(now time.Time) {
		l.acks.add(now, delay)
		l.flow.heartbeat(seq, now)
	})
}

// receivePong takes note of a pong.
func (l *Line) receivePong(payload []byte) {
	l.update(func(now time.Time) { l.flow.pong(payload, now) })
}

// receivePing answers a ping of the client, or the last one of several that came before it
// could be answered (RFC 6455 allows that).
func (l *Line) receivePing(payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return
	}
	l.owedPong, l.owesPong = append(l.owedPong[:0], payload...), true
	l.queueDue(time.Now())
	l.wakeWriter()
}
