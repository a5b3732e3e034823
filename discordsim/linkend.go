package discordsim

import (
	"io"
	"math"
	"net"
	"os"
	"syscall"
	"time"
)

// linkConn is at heart the socket at one end of a link. It fails as a TCP
// connection of the operating system does, and all its waiting is of the kind
// that virtual time sees.
type linkConn struct {
	link          *link
	in, out       *pipe
	peer          *linkConn
	local, remote net.Addr
	// The link's mutex guards these.
	closed bool
	abrupt bool // closing resets, as after SetLinger(0)
}

var _ net.Conn = (*linkConn)(nil)

// Read gives what has landed. It waits until something has.
func (e *linkConn) Read(p []byte) (int, error) {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if err := e.waitReadable(); err != nil {
		return 0, err
	}
	n := e.in.read(p)
	e.in.writable.wake()
	return n, nil
}

// readAll is Read without a copy: it gives all that has landed in a slice that is
// the caller's, and wants an old one in return.
func (e *linkConn) readAll(spare []byte) ([]byte, error) {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	if err := e.waitReadable(); err != nil {
		return nil, err
	}
	out := e.in.readAll(spare)
	e.in.writable.wake()
	return out, nil
}

// waitReadable waits until there is something to read.
func (e *linkConn) waitReadable() error {
	l, in := e.link, e.in
	for {
		now := time.Now()
		switch {
		case e.closed:
			return e.opError("read", net.ErrClosed)
		case l.broken:
			return e.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case past(in.readBy, now):
			return e.opError("read", os.ErrDeadlineExceeded)
		}
		l.land(in, now)
		if in.ready() > 0 {
			return nil
		}
		if in.closeLanded {
			return io.EOF
		}
		in.readable.wait(earliest(in.readBy, l.nextLanding(in, now)))
	}
}

// Write sends bytes on their way. It waits only where the window is full.
func (e *linkConn) Write(p []byte) (int, error) {
	l, out := e.link, e.out
	l.mu.Lock()
	defer l.mu.Unlock()
	for out.busy {
		if err := e.writable(time.Now()); err != nil {
			return 0, err
		}
		out.writable.wait(out.writeBy)
	}
	out.busy = true
	defer func() {
		out.busy = false
		out.writable.wake()
	}()
	for sent := 0; ; {
		now := time.Now()
		if err := e.writable(now); err != nil {
			return sent, err
		}
		held, rest := l.held(now), p[sent:]
		if out.muted {
			out.lost += int64(len(rest))
			return len(p), nil
		}
		if e.peer.closed && !held {
			return len(p), nil
		}
		if room := e.room(); len(rest) > room {
			rest = rest[:room]
		}
		if len(rest) > 0 {
			delay := out.draw(l.weather)
			out.write(rest, now.Add(delay), delay == 0 && !held)
			if at := l.nextLanding(out, now); at.IsZero() {
				out.readable.wake()
			} else {
				out.readable.wakeAt(at)
			}
			sent += len(rest)
		}
		if sent == len(p) {
			return sent, nil
		}
		until := out.writeBy
		if e.peer.closed {
			until = earliest(until, l.nextLanding(out, now))
		}
		out.writable.wait(until)
	}
}

// writable says why nothing can be written, if so. The peer's end of stream
// tells a writer that nobody reads any more once it has landed here.
func (e *linkConn) writable(now time.Time) error {
	e.link.land(e.in, now)
	switch {
	case e.closed:
		return e.opError("write", net.ErrClosed)
	case e.link.broken:
		return e.opError("write", os.NewSyscallError("write", syscall.ECONNRESET))
	case past(e.out.writeBy, now):
		return e.opError("write", os.ErrDeadlineExceeded)
	case e.out.closed, e.peer.closed && e.in.closeLanded:
		return e.opError("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	return nil
}

// room is how many bytes the window has left.
func (e *linkConn) room() int {
	if e.link.window <= 0 {
		return math.MaxInt
	}
	return max(0, e.link.window-int(e.out.tail-e.out.head))
}

// CloseWrite ends the stream to the other side, after what was written.
func (e *linkConn) CloseWrite() error {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	if err := e.writable(time.Now()); err != nil {
		return err
	}
	e.end()
	return nil
}

// end puts the end of the stream on its way, after all bytes.
func (e *linkConn) end() {
	out := e.out
	if out.closed {
		return
	}
	out.closed, out.closedAt = true, time.Now().Add(out.draw(e.link.weather))
	out.readable.wake()
}

// SetLinger with 0 makes Close reset the link, as on a TCP connection. Other
// values change nothing.
func (e *linkConn) SetLinger(seconds int) error {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	e.abrupt = seconds == 0
	return nil
}

// Close ends this end. The other one reads what is under way and then the end
// of the stream, if the network carries it there.
func (e *linkConn) Close() error {
	l := e.link
	l.mu.Lock()
	if e.closed {
		l.mu.Unlock()
		return e.opError("close", net.ErrClosed)
	}
	held := l.held(time.Now())
	abrupt := e.abrupt && !held && !(e.out.muted)
	e.closed = true
	e.end()
	if !held {
		e.in.clear()
	}
	l.wake()
	over := e.peer.closed
	l.mu.Unlock()
	if abrupt {
		l.cut()
	} else if over {
		l.net.forget(l)
	}
	return nil
}

// LocalAddr is the address of this end.
func (e *linkConn) LocalAddr() net.Addr { return e.local }

// RemoteAddr is the address of the other end.
func (e *linkConn) RemoteAddr() net.Addr { return e.remote }

// SetDeadline bounds reads and writes, also those that wait already.
func (e *linkConn) SetDeadline(t time.Time) error { return e.setDeadlines(&t, &t) }

// SetReadDeadline bounds reads.
func (e *linkConn) SetReadDeadline(t time.Time) error { return e.setDeadlines(&t, nil) }

// SetWriteDeadline bounds writes.
func (e *linkConn) SetWriteDeadline(t time.Time) error { return e.setDeadlines(nil, &t) }

func (e *linkConn) setDeadlines(read, write *time.Time) error {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	if e.closed {
		return e.opError("set", net.ErrClosed)
	}
	if read != nil {
		e.in.readBy = *read
		e.in.readable.wake()
	}
	if write != nil {
		e.out.writeBy = *write
		e.out.writable.wake()
	}
	return nil
}

func (e *linkConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: e.local, Addr: e.remote, Err: err}
}

// past reports whether a deadline is over; zero never is.
func past(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
