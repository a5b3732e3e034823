package discordsim

import (
	"bytes"
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// acceptQueue is at heart the queue in front of the HTTP server: every link enters
// through it, whether from memory or from a port. It is a [net.Listener].
type acceptQueue struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newAcceptQueue() *acceptQueue {
	return &acceptQueue{conns: make(chan net.Conn), done: make(chan struct{})}
}

// push hands a connection over; it fails when the context ends or the door is
// shut.
func (d *acceptQueue) push(ctx context.Context, c net.Conn) error {
	select {
	case d.conns <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.done:
		return net.ErrClosed
	}
}

// Accept waits for the next connection.
func (d *acceptQueue) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.done:
		return nil, net.ErrClosed
	}
}

// Close shuts the door.
func (d *acceptQueue) Close() error {
	d.once.Do(func() { close(d.done) })
	return nil
}

// Addr is the address of the REST API in memory.
func (d *acceptQueue) Addr() net.Addr {
	return &net.TCPAddr{IP: memoryHosts["discord.sim"].ip, Port: 80}
}

// The limits of the HTTP server. A connection that was upgraded has none of
// them any more.
const (
	idleFor = 2 * time.Minute
	// headerWithin also bounds how long a connection may stay unused before its
	// first request: a client's spare one must not be taken away earlier than any
	// other idle one, or its first request on it fails.
	headerWithin = idleFor
	writeWithin  = 10 * time.Minute // longer than any fault holds an answer back
	maxHeader    = 64 << 10
)

func newServer(n *network) *http.Server {
	return &http.Server{
		Handler:           n,
		ReadHeaderTimeout: headerWithin,
		IdleTimeout:       idleFor,
		WriteTimeout:      writeWithin,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(panicWriter{}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, linkKey{}, c.(*serverConn).link)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			switch l := c.(*serverConn).link; state {
			case http.StateHijacked:
				l.hijacked.Store(true)
			case http.StateClosed:
				n.serverDone(l)
			}
		},
	}
}

// linkKey is where a request's context keeps its link.
type linkKey struct{}

// linkOf is the link a request came over; nil for one that came over none.
func linkOf(ctx context.Context) *link {
	l, _ := ctx.Value(linkKey{}).(*link)
	return l
}

// ServeHTTP takes requests to the REST API or the gateway, or answers what the
// network in between has to say.
func (n *network) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	l := linkOf(req.Context())
	defer func() {
		if l.hijacked.Load() {
			n.serverDone(l)
		}
	}()
	api := strings.HasPrefix(req.URL.Path, "/api/")
	upgrade := strings.EqualFold(req.Header.Get("Upgrade"), "websocket")

	n.sim.mu.Lock()
	var between *proxyResponse
	switch {
	case api && l.host == hostAPI:
		between = n.proxyResponseREST()
	case api:
	case upgrade:
		between = n.proxyResponseUpgrade(l, req.Host)
	}
	base, restHost := l.host != hostResume, l.host == hostAPI
	n.sim.mu.Unlock()

	switch {
	case between != nil:
		between.answer(w, req)
	case api && restHost:
		n.sim.restHandler().ServeHTTP(w, req)
	case upgrade && !api:
		n.sim.serveGateway(w, req, l, base)
	case req.URL.Path == "/":
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		http.Error(w, "this is a gateway: it wants a WebSocket upgrade", http.StatusUpgradeRequired)
	default:
		http.NotFound(w, req)
	}
}

// proxyResponse is an answer that comes from something between the client and
// Discord.
type proxyResponse struct {
	status int // 0: none ever comes
	html   string
}

// unansweredUpgrade is how long an upgrade that is never answered is kept at most.
const unansweredUpgrade = 5 * time.Minute

func (i *proxyResponse) answer(w http.ResponseWriter, req *http.Request) {
	if i.status == 0 {
		timer := time.NewTimer(unansweredUpgrade)
		defer timer.Stop()
		select {
		case <-req.Context().Done():
		case <-timer.C:
		}
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.Header().Set("Connection", "close")
	w.WriteHeader(i.status)
	_, _ = w.Write([]byte(i.html))
}

// panicWriter lets through what the HTTP server says of a panic, which is a
// mistake of the simulator; what it says of clients is no news here.
type panicWriter struct{}

func (panicWriter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("panic serving")) {
		_, _ = os.Stderr.Write(line)
	}
	return len(line), nil
}
