package discordsim

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// The relay stands in for the client on a link that came in by a port: it holds
// the client's end and carries bytes between it and the real connection. All
// that the network does to a link it does before or behind the relay, so links
// on a port and in memory behave alike.

const (
	// relayBuffer is how much is read from a client at once, in bytes; more
	// than a client may send to the gateway in one message.
	relayBuffer = 4200
	// lingerFor is how long a client may still send when the server has closed.
	lingerFor = 2 * time.Second
)

// relay carries a connection until both directions have ended.
func (l *link) relay(c *net.TCPConn) {
	var down sync.WaitGroup
	down.Go(func() { l.relayDown(c) })
	l.relayUp(c)
	down.Wait()
	_ = l.client.Close()
	_ = c.Close()
}

// relayUp carries what the client sends.
func (l *link) relayUp(c *net.TCPConn) {
	buf := make([]byte, relayBuffer)
	for {
		n, err := c.Read(buf)
		// A server that does not read any more is no reason to stop reading:
		// the client may not have got its last answer yet.
		_, _ = l.client.Write(buf[:n])
		if err == nil {
			continue
		}
		switch {
		case errors.Is(err, io.EOF) && !l.clientUnreachable():
			_ = l.client.CloseWrite()
			return
		case !errors.Is(err, io.EOF):
			_ = l.client.SetLinger(0)
		}
		_ = l.client.Close()
		_ = c.Close()
		return
	}
}

// relayDown carries what the server sends.
func (l *link) relayDown(c *net.TCPConn) {
	var buf []byte
	for {
		var err error
		if buf, err = l.client.readAll(buf); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			if errors.Is(err, syscall.ECONNRESET) {
				resetTCP(c) // who cut the link is about to, and a plain Close must not come first
			}
			_ = c.Close()
			return
		}
		if _, err = c.Write(buf); err != nil {
			break
		}
		if cap(buf) > keptBuffer {
			buf = nil
		}
	}
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(lingerFor))
}
