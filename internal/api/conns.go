package api

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// conns holds at most so many connections. When one comes that is too many, the
// one that has waited longest without a whole request is closed. So somebody
// who opens connections and asks nothing only pushes out connections of his own
// kind: a probe sends its request at once and is answered.
type conns struct {
	most int

	mu   sync.Mutex
	turn uint64
	held map[net.Conn]*held
	open int           // connections whose end the server has not told yet
	none chan struct{} // closed when open falls to zero; nil unless awaited
}

// held is one connection.
type held struct {
	turn uint64 // when it was last heard of, in order
	busy bool   // a request is being answered
}

func newConns(most int) *conns {
	return &conns{most: most, held: make(map[net.Conn]*held)}
}

// changed is told about every change of a connection's state.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	if surplus := c.note(conn, state); surplus != nil {
		_ = surplus.Close() // its goroutine in the server then ends
	}
}

// note keeps the books and returns a connection that has to go.
func (c *conns) note(conn net.Conn, state http.ConnState) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	h := c.held[conn]
	switch state {
	case http.StateNew:
		c.open++
		c.held[conn] = &held{turn: c.turn}
		if len(c.held) > c.most {
			return c.surplus(conn)
		}
	case http.StateActive, http.StateIdle:
		if h != nil {
			h.turn, h.busy = c.turn, state == http.StateActive
		}
	case http.StateClosed, http.StateHijacked:
		delete(c.held, conn)
		if c.open--; c.open == 0 && c.none != nil {
			close(c.none)
			c.none = nil
		}
	}
	return nil
}

// surplus chooses the connection that has waited longest, or the newcomer if
// all others are at work.
func (c *conns) surplus(newcomer net.Conn) net.Conn {
	choice := newcomer
	for conn, h := range c.held {
		if !h.busy && h.turn < c.held[choice].turn {
			choice = conn
		}
	}
	delete(c.held, choice)
	return choice
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
