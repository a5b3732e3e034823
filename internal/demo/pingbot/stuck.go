package pingbot

import (
	"net"
	"sync"
)

// valve lets everything pass while it is open, as it is at first, and nothing while it is
// closed.
type valve struct {
	mu     sync.Mutex
	closed chan struct{} // nil: it is open; closed when it is opened
}

func (v *valve) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed == nil {
		v.closed = make(chan struct{})
	}
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed != nil {
		close(v.closed)
		v.closed = nil
	}
}

// wait returns when the valve is open.
func (v *valve) wait() {
	for {
		v.mu.Lock()
		closed := v.closed
		v.mu.Unlock()
		if closed == nil {
			return
		}
		<-closed
	}
}

// stuckConn is a connection of a process that may be stuck: then what arrives is not read,
// and nothing is sent.
type stuckConn struct {
	net.Conn
	stuck *valve
}

// Read returns what arrives once the process is not stuck.
func (c *stuckConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.stuck.wait()
	return n, err
}

// Write writes once the process is not stuck.
func (c *stuckConn) Write(p []byte) (int, error) {
	c.stuck.wait()
	return c.Conn.Write(p)
}
