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

// processNet is the network of one process. When the process is killed, its sockets
// are closed as the operating system closes them, and nothing it still does reaches
// Discord.
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

// errGone is the error of a dial of a dead process.
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

// kill closes all sockets and refuses new ones.
func (m *processNet) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	for _, s := range m.sockets {
		_ = s.Conn.Close()
	}
	m.sockets = nil
}

// socket is a connection that its processNet can close.
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
