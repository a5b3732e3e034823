package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"

	"evergreen/discordsim"
)

// processNet is at heart the operating system's side of one process: when the
// process dies, its sockets are closed without a word of its own, and nothing it
// still does reaches anybody.
type processNet struct {
	sim         *discordsim.Sim
	fingerprint *fingerprint

	mu      sync.Mutex
	dead    bool
	sockets []*socket // oldest first: they are closed in that order
}

func newProcessNet(sim *discordsim.Sim, f *fingerprint) *processNet {
	return &processNet{sim: sim, fingerprint: f}
}

// transport is an HTTP transport of the process.
func (m *processNet) transport() *http.Transport {
	t := m.sim.Transport()
	t.DialContext = m.dial
	return t
}

// errGone is what a dead process's dials would get, if they got anything.
var errGone = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func (m *processNet) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m.mu.Lock()
	dead := m.dead
	m.mu.Unlock()
	if dead {
		return nil, errGone
	}
	c, err := m.sim.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		_ = c.Close()
		return nil, errGone
	}
	s := &socket{Conn: c, net: m, number: m.fingerprint.newConn()}
	m.sockets = append(m.sockets, s)
	return s, nil
}

// kill ends the process as far as anybody else can tell.
func (m *processNet) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	for _, s := range m.sockets {
		_ = s.Conn.Close()
	}
	m.sockets = nil
}

// socket is a connection that its machine knows of.
type socket struct {
	net.Conn
	net    *processNet
	number uint64
}

// Read reads from it.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.net.fingerprint.add(s.number, n)
	return n, err
}

// Write writes to it.
func (s *socket) Write(p []byte) (int, error) {
	s.net.fingerprint.add(s.number, -len(p))
	return s.Conn.Write(p)
}

// Close closes it.
func (s *socket) Close() error {
	s.net.mu.Lock()
	s.net.sockets = slices.DeleteFunc(s.net.sockets, func(o *socket) bool { return o == s })
	s.net.mu.Unlock()
	return s.Conn.Close()
}
