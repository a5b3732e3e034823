package netsim

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// relayBuffer is how much is read from a connection at once, in bytes.
	relayBuffer = 4200
	// lingerFor is how long a peer may still send when the server has closed.
	lingerFor = 2 * time.Second
)

// Relay holds the client's end for a real TCP connection: it carries bytes
// between the two until both directions have ended, so that a link behaves alike
// in memory and on a port. Call it once for a link.
func (l *Link) Relay(c *net.TCPConn) {
	var down sync.WaitGroup
	down.Go(func() { l.relayDown(c) })
	l.relayUp(c)
	down.Wait()
	_ = l.client.Close()
	_ = c.Close()
}

// relayUp carries what the client sends.
func (l *Link) relayUp(c *net.TCPConn) {
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
		case errors.Is(err, io.EOF) && !l.ClientUnreachable():
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
func (l *Link) relayDown(c *net.TCPConn) {
	var buf []byte
	for {
		var err error
		if buf, err = l.client.readAll(buf); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			if errors.Is(err, syscall.ECONNRESET) {
				ResetTCP(c) // OnCut is about to, and a plain Close must not come first
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

// ResetTCP closes a connection with RST instead of FIN. It does not wait.
func ResetTCP(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
