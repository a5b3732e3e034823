package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/simtest"
)

// dialFunc opens a connection.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// processNet is the network of one process. When the process is killed, its sockets
// are closed as the operating system closes them, and nothing it still does reaches
// anybody.
type processNet struct {
	dialer      dialFunc
	fingerprint *fingerprint

	mu      sync.Mutex
	dead    bool
	sockets []*socket     // oldest first: they are closed in that order
	hung    chan struct{} // not nil: nothing is read or written until it is closed
	slow    time.Duration // each read takes so long
}

func newProcessNet(dial dialFunc, f *fingerprint) *processNet {
	return &processNet{dialer: dial, fingerprint: f}
}

// transport is an HTTP transport of the process to Discord.
func (m *processNet) transport(sim *discordsim.Sim) *http.Transport {
	t := sim.Transport()
	t.DialContext = m.dial
	return t
}

// errGone is the error of a dial of a dead process.
var errGone = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func (m *processNet) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m.mu.Lock()
	dead := m.dead
	m.mu.Unlock()
	if dead {
		return nil, errGone
	}
	c, err := m.dialer(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return m.adopt(c)
}

// adopt makes a connection one of the process.
func (m *processNet) adopt(c net.Conn) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		_ = c.Close()
		return nil, errGone
	}
	s := &socket{Conn: c, net: m, number: m.fingerprint.newConn(), closed: make(chan struct{})}
	m.sockets = append(m.sockets, s)
	return s, nil
}

// kill closes all sockets and refuses new ones.
func (m *processNet) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	for _, s := range m.sockets {
		_ = s.shut()
	}
	m.sockets = nil
}

// cut closes all sockets, and the process opens others.
func (m *processNet) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sockets {
		_ = s.shut()
	}
	m.sockets = nil
}

// hang has the process neither read nor write until goOn is called.
func (m *processNet) hang() (goOn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hung := make(chan struct{})
	m.hung = hung
	return func() {
		m.mu.Lock()
		m.hung = nil
		m.mu.Unlock()
		close(hung)
	}
}

// readSlowly has each read take so long.
func (m *processNet) readSlowly(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slow = d
}

// socket is a connection that its processNet can close.
type socket struct {
	net.Conn
	net    *processNet
	number uint64
	once   sync.Once
	closed chan struct{}
}

// wait waits while the process hangs, and before a read while it is slow.
func (s *socket) wait(reads bool) {
	s.net.mu.Lock()
	hung, slow := s.net.hung, s.net.slow
	s.net.mu.Unlock()
	if hung != nil {
		select {
		case <-hung:
		case <-s.closed:
		}
	}
	if slow > 0 && reads {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.closed:
		}
	}
}

// shut closes the connection.
func (s *socket) shut() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// Read reads from it.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.wait(true)
	s.net.fingerprint.add(s.number, n)
	return n, err
}

// Write writes to it.
func (s *socket) Write(p []byte) (int, error) {
	s.wait(false)
	s.net.fingerprint.add(s.number, -len(p))
	return s.Conn.Write(p)
}

// Close closes it.
func (s *socket) Close() error {
	s.net.mu.Lock()
	s.net.sockets = slices.DeleteFunc(s.net.sockets, func(o *socket) bool { return o == s })
	s.net.mu.Unlock()
	return s.shut()
}

// botListener is where bots connect to one process of Evergreen. Its connections are
// those of the process.
type botListener struct {
	*simtest.Listener
	net *processNet
}

// Accept waits for the next connection.
func (l botListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, err = l.net.adopt(c); err == nil {
			return c, nil
		}
	}
}
