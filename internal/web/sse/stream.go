package sse

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// writeBuffer is the socket's write buffer of a stream, in bytes. It is small, so
// that a client that reads slowly is noticed early.
const writeBuffer = 32 << 10

// Stream says how a Buffer is served. Every field but Conn and Admitted is required.
type Stream struct {
	Buffer *Buffer
	// KeepAlive is the time between two comments on a quiet stream; Write bounds the
	// writing of one piece.
	KeepAlive, Write time.Duration
	// Lost is the kind of the event that begins the stream of a client that comes back
	// and has missed something.
	Lost string
	// Head gives the frames that begin every stream that does not go on where another
	// ended; place is where it begins.
	Head func(place int64) []byte
	// Closing ends all streams when it is closed.
	Closing <-chan struct{}
	// Conn is the connection below; it gets a small write buffer. Nil: not known.
	Conn net.Conn
	// Admitted reports whether the client may still have the stream; it is asked with
	// each keep-alive. Nil: it may.
	Admitted func() bool
}

// Serve writes the stream until its client goes or falls behind, or Closing is closed. A
// client that is too slow comes back by itself.
func (o Stream) Serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must pass each event on at once
	if r.Method == http.MethodHead {
		return
	}
	if conn, ok := o.Conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = conn.SetWriteBuffer(writeBuffer)
	}
	c := client{Stream: o, to: w, control: http.NewResponseController(w)}
	_ = c.control.SetReadDeadline(time.Time{}) // the request is read; its end is the client's
	if c.sendStart(r.Header.Get("Last-Event-ID")) != nil {
		return
	}
	c.run(r)
}

// client is the stream of one client.
type client struct {
	Stream
	to      http.ResponseWriter
	control *http.ResponseController
	place   int64
}

// sendStart sends the head of the stream, unless the client goes on where it was.
func (c *client) sendStart(seen string) error {
	// Clients that were cut off together should not come back together.
	retry := 1000 + rand.IntN(3000)
	if id, err := strconv.ParseInt(seen, 10, 64); err == nil {
		if _, _, _, ok := c.Buffer.after(id); ok {
			c.place = id
			return c.send(fmt.Appendf(nil, "retry: %d\n\n", retry))
		}
	}
	// The place is taken before the head is made: what happens in between comes twice
	// rather than never.
	c.place = c.Buffer.newest()
	head := fmt.Appendf(nil, "retry: %d\n", retry)
	if seen != "" {
		head = fmt.Appendf(head, "event: %s\ndata: {}\n\n", c.Lost)
	}
	return c.send(append(head, c.Head(c.place)...))
}

// run sends events until the client goes, falls behind, or the server stops.
func (c *client) run(r *http.Request) {
	keepAlive := time.NewTicker(c.KeepAlive)
	defer keepAlive.Stop()
	defer func() { _ = c.control.SetWriteDeadline(time.Now().Add(c.Write)) }() // for the end of the answer
	for {
		frames, next, more, ok := c.Buffer.after(c.place)
		if !ok || c.send(frames...) != nil {
			return
		}
		c.place = next
		select {
		case <-more:
		case <-keepAlive.C:
			if c.Admitted != nil && !c.Admitted() || c.send([]byte(": beat\n\n")) != nil {
				return // its session is over, or it is gone
			}
		case <-r.Context().Done():
			return
		case <-c.Closing:
			return
		}
	}
}

// send writes frames within the time for one piece.
func (c *client) send(frames ...[]byte) error {
	if len(frames) == 0 {
		return nil
	}
	if err := c.control.SetWriteDeadline(time.Now().Add(c.Write)); err != nil {
		return err
	}
	for _, f := range frames {
		if _, err := c.to.Write(f); err != nil {
			return err
		}
	}
	return c.control.Flush()
}
