package discordsim

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"evergreen/discordsim/internal/netsim"
)

// What a client can want to reach; also the values of [Fault].Host.
const (
	hostAPI     = "api"
	hostGateway = "gateway"
	hostResume  = "resume"
)

// memoryHosts are the hosts that exist in memory. Each has an address of its own, so
// that a log shows which one a client used.
var memoryHosts = map[string]struct {
	host string
	ip   net.IP
}{
	"discord.sim":         {hostAPI, net.IPv4(198, 51, 100, 10)},
	"gateway.discord.sim": {hostGateway, net.IPv4(198, 51, 100, 20)},
	"resume.discord.sim":  {hostResume, net.IPv4(198, 51, 100, 30)},
}

// clientIP is where all clients in memory are.
var clientIP = net.IPv4(192, 0, 2, 1)

// link is one connection of a client, and what the simulator knows of it. In
// memory the client holds the other end; on a port [netsim.Link.Relay] does.
type link struct {
	*netsim.Link
	// listener is the port the client came in by; nil in memory.
	listener *Listener

	// host is what the client wanted to reach: hostAPI, hostGateway or
	// hostResume. On a port, where one address serves the first two, it becomes
	// hostGateway with the upgrade. reached is the Host header of the upgrade,
	// upgraded whether there was one. The simulator's lock guards them.
	host     string
	reached  string
	upgraded bool

	hijacked atomic.Bool // the connection left the HTTP server
	served   sync.Once   // the server's goroutine is done with the link
}

// serverConn is the server's end of a link.
type serverConn struct {
	*netsim.Conn
	link *link
}

// network connects the clients with the simulated Discord: the links there are,
// how new ones are opened, and one HTTP server behind all of them, in memory or
// on a port.
type network struct {
	sim         *Sim
	server      *http.Server
	acceptQueue *acceptQueue
	work        sync.WaitGroup // the server and its connections

	// mu guards the rest. It ranks below all other locks.
	mu        sync.Mutex
	links     map[int64]*link
	lastID    int64
	listeners []*Listener
	serving   bool
	closed    bool
}

func newNetwork(s *Sim) *network {
	n := &network{sim: s, links: map[int64]*link{}, acceptQueue: newAcceptQueue()}
	n.server = newServer(n)
	return n
}

// close resets all links, closes all ports and waits until nothing of the
// network runs any more. It is called without the lock.
func (n *network) close() {
	n.mu.Lock()
	n.closed = true
	listeners := n.listeners
	n.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
	}
	n.sim.mu.Lock()
	for _, l := range n.all() {
		l.Cut()
	}
	n.sim.mu.Unlock()
	_ = n.server.Close()
	_ = n.acceptQueue.Close()
	n.work.Wait()
}

// open makes a link and starts the server if this is the first. The caller then
// calls accept. It fails once the network closes.
func (n *network) open(host string, listener *Listener, server, client net.Addr, onCut func()) (*link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	n.lastID++
	if client == nil {
		client = &net.TCPAddr{IP: clientIP, Port: 1024 + int(n.lastID%64_000)}
	}
	l := &link{host: host, listener: listener}
	l.Link = netsim.New(netsim.Options{
		Seed: n.sim.cfg.Seed, ID: n.lastID, Window: n.sim.cfg.LinkWindow, Latency: n.latencyAt(host, unknownTarget),
		Server: server, Client: client, OnClose: func() { n.forget(l) }, OnCut: onCut,
	})
	l.SetRates(n.ratesAt(host, unknownTarget))
	n.links[l.ID] = l
	n.work.Add(1)
	if !n.serving {
		n.serving = true
		n.work.Go(func() { _ = n.server.Serve(n.acceptQueue) })
	}
	return l, nil
}

// accept hands the server's end of a link to the HTTP server. It is called
// without the lock.
func (n *network) accept(ctx context.Context, l *link) error {
	err := n.acceptQueue.push(ctx, &serverConn{l.ServerConn(), l})
	if err != nil {
		n.serverDone(l)
	}
	return err
}

// serverDone notes that the server's goroutine is done with a link.
func (n *network) serverDone(l *link) { l.served.Do(n.work.Done) }

// forget drops a link on which nothing can happen any more.
func (n *network) forget(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l.ID)
}

// all lists the links, oldest first.
func (n *network) all() []*link {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]*link, 0, len(n.links))
	for _, l := range n.links {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *link) int { return int(a.ID - b.ID) })
	return out
}

// delay is the most a message takes one way now on any link.
func (n *network) delay() time.Duration {
	w := n.baseLatency()
	for _, a := range n.sim.faults["latency"] {
		w = addLatency(w, a)
	}
	return max(0, w.Min+w.Jitter)
}

// DialContext opens a connection to the simulated Discord in memory: to the
// REST API at discord.sim, the base gateway at gateway.discord.sim or the
// resume gateway at resume.discord.sim (S-001), each on any port and without
// TLS. It takes a round trip of [Config].Latency and fails as the faults in
// force say, with the errors of a real dial.
//
// It fits [http.Transport] and everything that takes a dial function.
func (s *Sim) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if !strings.HasPrefix(network, "tcp") {
		return fail(net.UnknownNetworkError(network))
	}
	name, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return fail(err)
	}
	site, known := memoryHosts[strings.ToLower(strings.TrimSuffix(name, "."))]
	if !known {
		return fail(&net.DNSError{Err: "no such host", Name: name, IsNotFound: true})
	}
	port, _ := strconv.Atoi(portText)
	server := &net.TCPAddr{IP: site.ip, Port: port}
	l, err := s.net.dialLink(ctx, site.host, name, server)
	_, expired := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case err == nil:
		return l.ClientConn(), nil
	case expired:
		// The connection stands; only the handshake above it fails.
		return nil, err
	}
	return fail(err)
}

// synRetries are the pauses after which the kernel sends a SYN again. After
// the last it gives up.
var synRetries = []time.Duration{1, 2, 4, 8, 16, 32, 64}

// dialLink opens a link in memory, as far as the faults let it. It is called
// without the lock.
func (n *network) dialLink(ctx context.Context, host, name string, server net.Addr) (*link, error) {
	for try := 0; ; try++ {
		n.sim.mu.Lock()
		lost := n.synLost(host, try == 0)
		if !lost {
			break
		}
		n.sim.mu.Unlock()
		if try == len(synRetries) {
			return nil, os.NewSyscallError("connect", syscall.ETIMEDOUT)
		}
		if err := n.wait(ctx, synRetries[try]*time.Second); err != nil {
			return nil, err
		}
	}
	err := n.refusal(host, name)
	var l *link
	if err == nil {
		l, err = n.open(host, nil, server, nil, nil)
	}
	n.sim.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err = n.wait(ctx, l.RoundTrip()); err != nil {
		n.serverDone(l)
	} else {
		err = n.accept(ctx, l)
	}
	if err != nil {
		l.Cut()
		return nil, err
	}
	return l, nil
}

// wait lets time pass, unless the dial is given up or the network closes.
func (n *network) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.sim.done:
		return os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
}

// Transport is a new HTTP/1.1 transport that reaches the simulated Discord in
// memory, without a proxy. The caller closes its idle connections.
func (s *Sim) Transport() *http.Transport {
	return &http.Transport{
		DialContext:           s.DialContext,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ExpectContinueTimeout: time.Second,
	}
}

// APIURL is the base of the REST API, without a slash at its end: the one of
// the newest open port, or http://discord.sim/api/v10, which [Sim.DialContext]
// reaches.
func (s *Sim) APIURL() string {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if open := s.net.listeners; len(open) > 0 {
		return open[len(open)-1].APIURL()
	}
	return "http://discord.sim/api/v10"
}

// gatewayURL is the address of the base gateway for the client of a request.
func (s *Sim) gatewayURL(req *http.Request) string {
	if l := linkOf(req.Context()); l != nil && l.listener != nil {
		return "ws://" + req.Host + "/"
	}
	return "ws://gateway.discord.sim/"
}

// siteURL is where the client of a request reaches the simulator over HTTP, without a
// slash at its end.
func (s *Sim) siteURL(req *http.Request) string {
	if l := linkOf(req.Context()); l != nil && l.listener != nil {
		return "http://" + req.Host
	}
	return "http://discord.sim"
}

// publicURL is where the newest listener is reached over HTTP, without a slash at its end.
// It takes the network's mutex.
func (s *Sim) publicURL() string { return strings.TrimSuffix(s.APIURL(), "/api/v10") }

// resumeURL is the address of the resume gateway for a client connected over a
// link. Unlike that of the base gateway it comes without a slash, as in reality.
func (s *Sim) resumeURL(l *link) string {
	if l == nil || l.listener == nil {
		return "ws://resume.discord.sim"
	}
	return "ws://" + l.listener.resumeHost(l.reached)
}
