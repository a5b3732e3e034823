package api

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// conns holds at most so many connections that wait for a whole request, and as
// many that are being answered. When one comes that is too many, the one that has
// waited longest is closed. So somebody who opens connections and asks nothing
// only pushes out connections of his own kind: a probe sends its request at once
// and is answered. One that is at work is never closed for another; when too many
// are, the newest request is not answered.
type conns struct {
	most int

	mu   sync.Mutex
	held map[net.Conn]*held
	busy int           // of held
	open int           // connections whose end the server has not told yet
	none chan struct{} // closed when open falls to zero; nil unless awaited
}

// held is one connection.
type held struct {
	since time.Time // when it was last heard of
	busy  bool      // a request is being answered
}

func newConns(most int) *conns {
	return &conns{most: most, held: make(map[net.Conn]*held)}
}

// grace is how long a connection may wait at least: its request may have arrived
// and not been looked at yet when many come at once.
const grace = 100 * time.Millisecond

// changed is told about every change of a connection's state. For a new one that
// is too many it waits, which keeps the server from accepting more, until the
// one that has waited longest has had its time.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	surplus := c.note(conn, state)
	for state == http.StateNew && surplus == nil {
		var wait time.Duration
		if surplus, wait = c.surplus(); wait == 0 {
			break
		}
		time.Sleep(min(wait, time.Millisecond))
	}
	if surplus != nil {
		_ = surplus.Close() // its goroutine in the server then ends
	}
}

// count is how many connections are held.
func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}

// note keeps the books and returns the connection if it has to go.
func (c *conns) note(conn net.Conn, state http.ConnState) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held[conn]
	switch state {
	case http.StateNew:
		c.open++
		c.held[conn] = &held{since: time.Now()}
	case http.StateActive, http.StateIdle:
		if h != nil {
			c.work(h, state == http.StateActive)
			h.since = time.Now()
			if c.busy > c.most {
				c.drop(conn)
				return conn
			}
		}
	case http.StateClosed, http.StateHijacked:
		c.drop(conn)
		if c.open--; c.open == 0 && c.none != nil {
			close(c.none)
			c.none = nil
		}
	}
	return nil
}

// work notes whether a connection is being answered.
func (c *conns) work(h *held, busy bool) {
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
func (c *conns) drop(conn net.Conn) {
	if h := c.held[conn]; h != nil {
		c.work(h, false)
		delete(c.held, conn)
	}
}

// surplus drops the connection that has waited longest, if too many wait, or
// tells how long it has still time.
func (c *conns) surplus() (net.Conn, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held)-c.busy <= c.most {
		return nil, 0
	}
	var choice net.Conn
	for conn, h := range c.held {
		if !h.busy && (choice == nil || h.since.Before(c.held[choice].since)) {
			choice = conn
		}
	}
	if left := grace - time.Since(c.held[choice].since); left > 0 {
		return nil, left
	}
	c.drop(choice)
	return choice, 0
}

// wait returns when the server has ended every connection, or ctx has.
func (c *conns) wait(ctx context.Context) {
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
