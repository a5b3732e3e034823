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

// acceptQueue is the [net.Listener] of the HTTP server: all links, in memory or
// from a port, pass through it.
type acceptQueue struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newAcceptQueue() *acceptQueue {
	return &acceptQueue{conns: make(chan net.Conn), done: make(chan struct{})}
}

// push hands a connection over; it fails when the context ends or the queue is
// closed.
func (q *acceptQueue) push(ctx context.Context, c net.Conn) error {
	select {
	case q.conns <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-q.done:
		return net.ErrClosed
	}
}

// Accept waits for the next connection.
func (q *acceptQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close ends all pushes and Accepts.
func (q *acceptQueue) Close() error {
	q.once.Do(func() { close(q.done) })
	return nil
}

// Addr is the address of the REST API in memory.
func (q *acceptQueue) Addr() net.Addr {
	return &net.TCPAddr{IP: memoryHosts["discord.sim"].ip, Port: 80}
}

// The limits of the HTTP server. A connection that was upgraded has none of
// them any more.
const (
	idleFor = 2 * time.Minute
	// headerWithin also bounds how long a connection may stay unused before its
	// first request. It must not be shorter than idleFor, or the first request on a
	// client's unused connection fails.
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

// ServeHTTP passes requests on to the REST API or the gateway, or responds as a
// proxy in between.
func (n *network) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	l := linkOf(req.Context())
	defer func() {
		if l.hijacked.Load() {
			n.serverDone(l)
		}
	}()
	api := strings.HasPrefix(req.URL.Path, "/api/") || strings.HasPrefix(req.URL.Path, attachmentPath)
	upgrade := strings.EqualFold(req.Header.Get("Upgrade"), "websocket")

	n.sim.mu.Lock()
	var proxied *proxyResponse
	switch {
	case api && l.host == hostAPI:
		proxied = n.proxyResponseREST()
	case api:
	case upgrade:
		proxied = n.proxyResponseUpgrade(l, req.Host)
	}
	base, restHost := l.host != hostResume, l.host == hostAPI
	n.sim.mu.Unlock()

	switch {
	case proxied != nil:
		proxied.answer(w, req)
	case api && restHost:
		n.sim.rest.ServeHTTP(w, req)
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

// proxyResponse is a response from something between the client and Discord.
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

// panicWriter prints what the HTTP server logs of a panic, which is a bug of the
// simulator, and drops what it logs of clients.
type panicWriter struct{}

func (panicWriter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("panic serving")) {
		_, _ = os.Stderr.Write(line)
	}
	return len(line), nil
}
