package discordsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"evergreen/discordsim/internal/netsim"
)

// Listener is the simulated Discord on two TCP ports: the REST API and the base
// gateway on one, the resume gateway on the other.
type Listener struct {
	net          *network
	main, resume net.Listener
	accepting    sync.WaitGroup
	relays       sync.WaitGroup
}

// Listen serves the REST API and the base gateway on a loopback address such as
// "127.0.0.1:8080", or "127.0.0.1:0" for any free port, and the resume gateway
// on the next port if that is free and else on any. All three speak without TLS.
// [Sim.Close] closes the ports too.
//
// It refuses addresses that other machines could reach, since every client of a
// simulated Discord may do anything with it; see [Sim.ListenAnywhere].
func (s *Sim) Listen(addr string) (*Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q to listen on is not host:port: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, fmt.Errorf("the address %q could be reached from other machines; listen on 127.0.0.1, or say that this is wanted", addr)
	}
	return s.ListenAnywhere(addr)
}

// portACKDelay is the ACKDelay of a simulator on a port. Discord is never as near as a
// program on the same machine: an op 11 that comes within microseconds overtakes disgo's
// own note that it has sent the heartbeat, and disgo then takes the connection for dead.
const portACKDelay = 60 * time.Millisecond

// ListenAnywhere is [Sim.Listen] without the restriction to loopback addresses.
func (s *Sim) ListenAnywhere(addr string) (*Listener, error) {
	main, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the API and the gateway: %w", err)
	}
	host, _, _ := net.SplitHostPort(addr)
	port := main.Addr().(*net.TCPAddr).Port
	resume, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port+1)))
	if err != nil {
		resume, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		_ = main.Close()
		return nil, fmt.Errorf("cannot listen for the resume gateway: %w", err)
	}
	s.mu.Lock()
	orDuration(&s.cfg.Heartbeat.ACKDelay, portACKDelay)
	s.mu.Unlock()
	l := &Listener{net: s.net, main: main, resume: resume}
	if !s.net.register(l) {
		_ = main.Close()
		_ = resume.Close()
		return nil, errors.New("the simulated Discord is closed")
	}
	return l, nil
}

// register adds a listener and starts it, unless the network closes.
func (n *network) register(l *Listener) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.listeners = append(n.listeners, l)
	l.accepting.Go(func() { l.accept(l.main, hostAPI) })
	l.accepting.Go(func() { l.accept(l.resume, hostResume) })
	return true
}

// Addr is the address of the REST API and the base gateway.
func (l *Listener) Addr() net.Addr { return l.main.Addr() }

// ResumeAddr is the address of the resume gateway.
func (l *Listener) ResumeAddr() net.Addr { return l.resume.Addr() }

// APIURL is the base of the REST API, without a slash at its end.
func (l *Listener) APIURL() string {
	addr := l.main.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(addr.Port)) + "/api/v10"
}

// resumeHost is the host and port of the resume gateway for a client that reached
// this one under the Host header.
func (l *Listener) resumeHost(reached string) string {
	port := strconv.Itoa(l.resume.Addr().(*net.TCPAddr).Port)
	host, _, err := net.SplitHostPort(reached)
	if err != nil {
		host = reached
	}
	return net.JoinHostPort(host, port)
}

// Close closes both ports, resets the links that came in by them and waits
// until nothing of it runs any more.
func (l *Listener) Close() error {
	_ = l.main.Close()
	_ = l.resume.Close()
	l.accepting.Wait()
	n := l.net
	n.sim.mu.Lock()
	for _, link := range n.all() {
		if link.listener == l {
			link.Cut()
		}
	}
	n.sim.mu.Unlock()
	l.relays.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners = slices.DeleteFunc(n.listeners, func(other *Listener) bool { return other == l })
	return nil
}

// acceptPause is how long a port waits after a failed accept, such as for want of
// file descriptors.
const acceptPause = 50 * time.Millisecond

// accept takes connections in until the port is closed.
func (l *Listener) accept(port net.Listener, host string) {
	for {
		c, err := port.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(acceptPause)
		default:
			l.take(c.(*net.TCPConn), host)
		}
	}
}

// take makes a link of a connection, unless a fault forbids it. The system has
// accepted it already, so a refusal is a reset here, and "offline" a link that
// carries nothing.
func (l *Listener) take(c *net.TCPConn, host string) {
	n := l.net
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	offline := n.strikeDial("offline", host)
	if offline == nil && n.refusal(host, host) != nil {
		netsim.ResetTCP(c)
		return
	}
	link, err := n.open(host, l, c.LocalAddr(), c.RemoteAddr(), func() { netsim.ResetTCP(c) })
	if err != nil {
		netsim.ResetTCP(c)
		return
	}
	if offline != nil && offline.Ended.IsZero() {
		link.Freeze()
		offline.undo = append(offline.undo, link.Cut)
	}
	l.relays.Go(func() {
		if n.accept(context.Background(), link) != nil {
			link.Cut()
			return
		}
		link.Relay(c)
	})
}
