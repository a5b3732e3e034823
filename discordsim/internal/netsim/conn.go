package netsim

import (
	"io"
	"math"
	"net"
	"os"
	"syscall"
	"time"
)

// Conn is the socket at one end of a link. It fails as a TCP connection of the
// operating system does, with the same errors, and waits only in ways that
// virtual time can pass over.
type Conn struct {
	link          *Link
	in, out       *pipe
	peer          *Conn
	local, remote net.Addr
	// The link's lock guards these.
	closed bool
	abrupt bool // closing resets, as after SetLinger(0)
}

var _ net.Conn = (*Conn)(nil)

// Read gives what has been delivered. It waits until something has.
func (c *Conn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if err := c.waitReadable(); err != nil {
		return 0, err
	}
	n := c.in.read(p)
	c.in.writable.wake()
	return n, nil
}

// readAll is Read without a copy: it gives all that has been delivered in a slice that
// is the caller's, and takes an old one in return.
func (c *Conn) readAll(spare []byte) ([]byte, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if err := c.waitReadable(); err != nil {
		return nil, err
	}
	out := c.in.readAll(spare)
	c.in.writable.wake()
	return out, nil
}

// waitReadable waits until there is something to read.
func (c *Conn) waitReadable() error {
	l, in := c.link, c.in
	for {
		now := time.Now()
		switch {
		case c.closed:
			return c.opError("read", net.ErrClosed)
		case l.broken:
			return c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case past(in.readBy, now):
			return c.opError("read", os.ErrDeadlineExceeded)
		}
		l.deliver(in, now)
		if in.ready() > 0 {
			return nil
		}
		if in.closeDelivered {
			return io.EOF
		}
		in.readable.wait(earliest(in.readBy, l.nextDelivery(in, now)))
	}
}

// Write sends bytes on their way. It waits only where the window is full.
func (c *Conn) Write(p []byte) (int, error) {
	l, out := c.link, c.out
	l.mu.Lock()
	defer l.mu.Unlock()
	for out.busy {
		if err := c.writable(time.Now()); err != nil {
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
		if err := c.writable(now); err != nil {
			return sent, err
		}
		held, rest := l.isHeld(now), p[sent:]
		if out.muted {
			out.lost += int64(len(rest))
			return len(p), nil
		}
		if c.peer.closed && !held {
			return len(p), nil
		}
		if room := c.room(); len(rest) > room {
			rest = rest[:room]
		}
		if len(rest) > 0 {
			delay := out.draw(l.latency)
			out.write(rest, now.Add(delay), delay == 0 && !held)
			if at := l.nextDelivery(out, now); at.IsZero() {
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
		if c.peer.closed {
			until = earliest(until, l.nextDelivery(out, now))
		}
		out.writable.wait(until)
	}
}

// writable says why nothing can be written, if so. The peer's end of stream
// tells a writer that no one reads any more once it has been delivered here.
func (c *Conn) writable(now time.Time) error {
	c.link.deliver(c.in, now)
	switch {
	case c.closed:
		return c.opError("write", net.ErrClosed)
	case c.link.broken:
		return c.opError("write", os.NewSyscallError("write", syscall.ECONNRESET))
	case past(c.out.writeBy, now):
		return c.opError("write", os.ErrDeadlineExceeded)
	case c.out.closed, c.peer.closed && c.in.closeDelivered:
		return c.opError("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	return nil
}

// room is how many bytes the window has left.
func (c *Conn) room() int {
	if c.link.Window <= 0 {
		return math.MaxInt
	}
	return max(0, c.link.Window-int(c.out.tail-c.out.head))
}

// CloseWrite ends the stream to the other side, after what was written.
func (c *Conn) CloseWrite() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if err := c.writable(time.Now()); err != nil {
		return err
	}
	c.end()
	return nil
}

// end puts the end of the stream on its way, after all bytes.
func (c *Conn) end() {
	out := c.out
	if out.closed {
		return
	}
	out.closed, out.closedAt = true, time.Now().Add(out.draw(c.link.latency))
	out.readable.wake()
}

// SetLinger with 0 makes Close reset the link, as on a TCP connection. Other
// values change nothing.
func (c *Conn) SetLinger(seconds int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.abrupt = seconds == 0
	return nil
}

// Close ends this end. The other one reads what is under way and then the end
// of the stream, if the network carries it there.
func (c *Conn) Close() error {
	l := c.link
	l.mu.Lock()
	if c.closed {
		l.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	}
	held := l.isHeld(time.Now())
	abrupt := c.abrupt && !held && !(c.out.muted)
	c.closed = true
	c.end()
	if !held {
		c.in.clear()
	}
	l.wake()
	over := c.peer.closed
	l.mu.Unlock()
	if abrupt {
		l.Cut()
	} else if over {
		l.closed()
	}
	return nil
}

// LocalAddr is the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline bounds reads and writes, also those that wait already.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadlines(&t, &t) }

// SetReadDeadline bounds reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(&t, nil) }

// SetWriteDeadline bounds writes.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(nil, &t) }

func (c *Conn) setDeadlines(read, write *time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	if read != nil {
		c.in.readBy = *read
		c.in.readable.wake()
	}
	if write != nil {
		c.out.writeBy = *write
		c.out.writable.wake()
	}
	return nil
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// past reports whether a deadline is over; zero never is.
func past(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
