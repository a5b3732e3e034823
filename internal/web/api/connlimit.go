package api

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// connLimit bounds the connections whose request is being answered, and, by four times
// as many, those that wait. When too many wait, the one that has waited longest is
// closed. So a client that opens connections and sends nothing, or no request, only
// closes connections of its own kind: a probe sends its request at once and is
// answered. A busy connection is never closed for another; when too many are busy, the
// next request is refused, and a probe only when there are twice as many.
type connLimit struct {
	most int

	mu   sync.Mutex
	held map[net.Conn]*heldConn
	busy int           // of held
	open int           // connections that the server has not reported closed yet
	none chan struct{} // closed when open falls to zero; nil unless awaited
}

// heldConn is one connection.
type heldConn struct {
	since time.Time // of its last change of state
	busy  bool      // a request is being answered
}

func newConnLimit(most int) *connLimit {
	return &connLimit{most: most, held: make(map[net.Conn]*heldConn)}
}

// waitingFactor is how many times as many connections may wait as be busy. One that
// waits costs 15 KiB, and the more there may be, the sooner a probe behind a crowd of
// newcomers is accepted: behind 3,000 after 2 s with a factor of 1, 0.4 s with 4.
const waitingFactor = 4

// leastWait is how long a connection may wait at least: when many come at once,
// its request may have arrived and not been read yet.
const leastWait = 150 * time.Millisecond

// onState handles every change of a connection's state. For a new connection that
// is too many it waits, which keeps the server from accepting more, until the one
// that has waited longest has waited long enough.
func (c *connLimit) onState(conn net.Conn, state http.ConnState) {
	c.update(conn, state)
	if state != http.StateNew {
		return
	}
	for {
		surplus, wait := c.surplus()
		if surplus != nil {
			_ = surplus.Close() // its goroutine in the server then ends
		}
		if wait == 0 {
			return
		}
		time.Sleep(min(wait, time.Millisecond))
	}
}

// count is how many connections are held.
func (c *connLimit) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}

// begin counts a connection as busy from here until [connLimit.end]. It reports false,
// and counts nothing, if too many are. What the server does by itself, such as refusing
// what is no request, makes no connection busy: it would be a way to keep others out.
func (c *connLimit) begin(conn net.Conn, probe bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.most
	if probe {
		most *= 2
	}
	if c.busy >= most {
		return false
	}
	if h := c.held[conn]; h != nil {
		c.setBusy(h, true)
	}
	return true
}

// end counts a connection as waiting again.
func (c *connLimit) end(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.held[conn]; h != nil {
		c.setBusy(h, false)
		h.since = time.Now()
	}
}

// update takes in a change of state.
func (c *connLimit) update(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held[conn]
	switch state {
	case http.StateNew:
		c.open++
		c.held[conn] = &heldConn{since: time.Now()}
	case http.StateActive, http.StateIdle:
		if h != nil {
			h.since = time.Now()
		}
	case http.StateClosed, http.StateHijacked:
		c.drop(conn)
		if c.open--; c.open == 0 && c.none != nil {
			close(c.none)
			c.none = nil
		}
	}
}

// setBusy sets whether a connection is being answered.
func (c *connLimit) setBusy(h *heldConn, busy bool) {
	if h.busy != busy {
		h.busy = busy
		if busy {
			c.busy++
		} else {
			c.busy--
		}
	}
}

// drop forgets a connection.
func (c *connLimit) drop(conn net.Conn) {
	if h := c.held[conn]; h != nil {
		c.setBusy(h, false)
		delete(c.held, conn)
	}
}

// surplus drops and returns the connection that has waited longest, if too many
// wait; if it may wait longer yet, it returns for how long.
func (c *connLimit) surplus() (net.Conn, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held)-c.busy <= c.most*waitingFactor {
		return nil, 0
	}
	var choice net.Conn
	for conn, h := range c.held {
		if !h.busy && (choice == nil || h.since.Before(c.held[choice].since)) {
			choice = conn
		}
	}
	if left := leastWait - time.Since(c.held[choice].since); left > 0 {
		return nil, left
	}
	c.drop(choice)
	return choice, 0
}

// wait returns when every connection is closed, or ctx has ended.
func (c *connLimit) wait(ctx context.Context) {
	c.mu.Lock()
	if c.open == 0 {
		c.mu.Unlock()
		return
	}
	none := make(chan struct{})
	c.none = none
	c.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}
