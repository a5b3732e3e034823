// Package drain stops an HTTP server without dropping a request.
//
// [http.Server.Shutdown] closes a connection without an answer if its first request
// arrives while the server shuts down. A client that has just connected takes that for a
// server that is not there. [Conns.Shutdown] serves what was accepted first.
package drain

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// requestTimeout bounds the wait for the first request of a connection. Some clients open
// one more connection than they need.
const requestTimeout = time.Second

// Conns are the connections of a server whose first request has not reached its handler.
// Make it with [New], have the server call Accepted and Changed and its handler Requested.
//
// All methods may be called at the same time, Shutdown once.
type Conns struct {
	mu     sync.Mutex
	all    map[net.Conn]bool
	served chan struct{} // one of them is none any more; capacity 1
}

// New returns a Conns for one server.
func New() *Conns {
	return &Conns{all: map[net.Conn]bool{}, served: make(chan struct{}, 1)}
}

// key is the key of a connection in the context of its requests.
type key struct{}

// Accepted is the [http.Server]'s ConnContext, or called by it.
func (c *Conns) Accepted(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[conn] = true
	return context.WithValue(ctx, key{}, conn)
}

// Changed is the [http.Server]'s ConnState, or called by it.
func (c *Conns) Changed(conn net.Conn, state http.ConnState) {
	if state == http.StateClosed {
		c.remove(conn)
	}
}

// Requested is called by the server's handler with each request, before anything else.
func (c *Conns) Requested(r *http.Request) {
	if conn, ok := r.Context().Value(key{}).(net.Conn); ok {
		c.remove(conn)
	}
}

func (c *Conns) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, conn)
	select {
	case c.served <- struct{}{}:
	default:
	}
}

// Shutdown closes the listener, waits until the server accepts no more, which ended tells,
// and until each connection that was accepted has its request served, for a second if none
// comes. Then it shuts the server down, which ends idle connections. Connections that were
// not accepted are left in the listener: they wait there if another process has it too. The
// end of ctx cuts all that short; its error says that requests were cut off.
func (c *Conns) Shutdown(ctx context.Context, server *http.Server, listener net.Listener, ended <-chan struct{}) error {
	_ = listener.Close()
	select {
	case <-ended: // only now the server has told of all that it has accepted
	case <-ctx.Done():
	}
	c.wait(ctx)
	err := server.Shutdown(ctx)
	if err != nil {
		_ = server.Close()
	}
	return err
}

// wait waits until there are none, for requestTimeout at most, and closes what is left.
func (c *Conns) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for ctx.Err() == nil && c.count() > 0 {
		select {
		case <-c.served:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.all {
		_ = conn.Close()
	}
}

func (c *Conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}
