package discordsim

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"evergreen/discordsim/internal/etf"
)

// outFrame is something for the writer to send.
type outFrame struct {
	raw      []byte
	corrupt  bool // breaks the compressed stream
	compress bool // payload compression
	code     int  // a close frame when not 0
	reason   string
	hangUp   bool // the end of the stream without a close frame
}

// zipAbove is the size from which payload compression is worth it: some
// messages come compressed and others do not.
const zipAbove = 256

// sendDispatch sends a dispatch.
func (c *conn) sendDispatch(d dispatch) {
	if !c.closed {
		c.log.logFrame(true, opDispatch, d.typ, d.seq, len(d.raw), c.sim.cfg.LogFrames)
		c.enqueue(outFrame{raw: d.raw, compress: c.compressPayload && len(d.raw) > zipAbove})
	}
}

// send sends a payload that is no dispatch.
func (c *conn) send(op int, d string) {
	if !c.closed {
		raw := make([]byte, 0, 40+len(d))
		raw = strconv.AppendInt(append(raw, `{"t":null,"s":null,"op":`...), int64(op), 10)
		raw = append(append(append(raw, `,"d":`...), d...), '}')
		c.log.logFrame(true, op, "", 0, len(raw), c.sim.cfg.LogFrames)
		c.enqueue(outFrame{raw: raw})
	}
}

// sendRaw sends something that need not be a payload.
func (c *conn) sendRaw(f outFrame) {
	c.log.logFrame(true, opUnknown, "", 0, len(f.raw), c.sim.cfg.LogFrames)
	c.enqueue(f)
}

func (c *conn) enqueue(f outFrame) {
	if c.closed {
		return
	}
	c.queue = append(c.queue, f)
	c.queued += len(f.raw)
	if c.queued > maxQueued {
		c.cut()
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keptFrames is the largest capacity of an idle connection's queue.
const keptFrames = 64

// writeLoop sends what is queued, in order, until the close frame has gone out or
// the connection is over.
func (c *conn) writeLoop() {
	var batch []outFrame
	for {
		if clear(batch); cap(batch) > keptFrames {
			batch = nil
		}
		c.sim.mu.Lock()
		batch, c.queue = c.queue, batch[:0]
		c.queued = 0
		over, passes := c.closed, c.sim.largestPassing(c)
		c.sim.mu.Unlock()
		for _, f := range batch {
			switch {
			case f.code != 0:
				// A second goroutine reads, so this returns when the client has
				// answered or the link was cut.
				_ = c.ws.Close(websocket.StatusCode(f.code), f.reason)
				return
			case f.hangUp:
				_ = c.link.ServerConn().Close()
				return
			}
			// The reader explains why nothing can be written: the link may still
			// hold the client's close frame.
			if c.writeFrame(f, passes) != nil {
				return
			}
		}
		if over {
			return
		}
		if len(batch) == 0 {
			<-c.wake
		}
	}
}

// hangUp ends the connection without a close frame, after all that is queued.
// The session stays.
func (c *conn) hangUp() {
	if c.closed {
		return
	}
	c.log.logClose(0, "ended by the server", false)
	c.enqueue(outFrame{hangUp: true})
	c.stop()
	if c.session != nil {
		c.session.detach()
	}
}

// defaultPassing is the Code of "mtu".
const defaultPassing = 400

// largestPassing is how many bytes of a message pass to the client; 0: any number.
func (s *Sim) largestPassing(c *conn) int {
	for _, a := range s.faults["mtu"] {
		if a.matches(c.target()) {
			return cmp.Or(a.Code, defaultPassing)
		}
	}
	return 0
}

// writeFrame packs and writes one frame. One that is larger than what passes is lost,
// and with it all that follows, as on a TCP connection.
func (c *conn) writeFrame(f outFrame, passes int) error {
	if c.etf {
		// What a fault sends need not be a payload; it goes out as it is.
		if term, err := etf.FromJSON(f.raw); err == nil {
			f.raw = term
		}
	}
	raw, binary := c.compressor.encode(f)
	if passes > 0 && len(raw) > passes {
		c.link.Mute(true)
	}
	kind := websocket.MessageText
	if binary || c.etf {
		kind = websocket.MessageBinary
	}
	if c.sim.cfg.WebSocket.SplitFrames <= 1 || !binary || !c.compressor.splittable() {
		return c.writeMessage(kind, raw)
	}
	// A zlib-stream message may come as several WebSocket messages.
	for _, part := range c.splitStream(raw, c.sim.cfg.WebSocket.SplitFrames) {
		if err := c.writeMessage(kind, part); err != nil {
			return err
		}
	}
	return nil
}

// writeMessage writes one WebSocket message.
func (c *conn) writeMessage(kind websocket.MessageType, raw []byte) error {
	ctx := context.Background() // the link ends it
	if c.sim.cfg.WebSocket.Fragments > 1 {
		return c.fragmented(ctx, kind, raw)
	}
	return c.ws.Write(ctx, kind, raw)
}

// syncMarker is how each message of a zlib stream ends.
const syncMarker = "\x00\x00\xff\xff"

// splitStream cuts a message of a zlib stream as split does, so that its last piece and
// no other ends with the marker: that is how clients find the end of a message.
func (c *conn) splitStream(raw []byte, most int) (parts [][]byte) {
	body, marked := bytes.CutSuffix(raw, []byte(syncMarker))
	if !marked {
		return c.split(raw, most)
	}
	start, end := 0, 0
	for _, part := range c.split(body, most) {
		if end += len(part); end < len(body) && !bytes.HasSuffix(body[:end], []byte(syncMarker)) {
			parts = append(parts, raw[start:end])
			start = end
		}
	}
	return append(parts, raw[start:])
}

// split cuts bytes into 1 to most pieces at random places.
func (c *conn) split(raw []byte, most int) (parts [][]byte) {
	for n := c.splitRand.IntN(most); n > 0 && len(raw) > 1; n-- {
		at := 1 + c.splitRand.IntN(len(raw)-1)
		parts = append(parts, raw[:at])
		raw = raw[at:]
	}
	return append(parts, raw)
}

// fragmented writes one WebSocket message in several fragments, with a ping
// somewhere between them.
func (c *conn) fragmented(ctx context.Context, kind websocket.MessageType, raw []byte) error {
	w, err := c.ws.Writer(ctx, kind)
	if err != nil {
		return err
	}
	for _, part := range c.split(raw, c.sim.cfg.WebSocket.Fragments) {
		if _, err := w.Write(part); err != nil {
			return err
		}
		c.pingAsync()
	}
	return w.Close()
}

// pongWithin is how long a ping waits for its pong.
const pongWithin = 5 * time.Second

// pingAsync sends a ping without waiting for its pong, if none is out.
func (c *conn) pingAsync() {
	select {
	case c.pinging <- struct{}{}:
	default:
		return
	}
	c.sim.spawn(func() {
		defer func() { <-c.pinging }()
		ctx, cancel := context.WithTimeout(context.Background(), pongWithin)
		defer cancel()
		_ = c.ws.Ping(ctx)
	})
}

// pingLoop sends WebSocket pings (S-010).
func (c *conn) pingLoop() {
	ticker := time.NewTicker(c.sim.cfg.WebSocket.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-c.sim.done:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), pongWithin)
		err := c.ws.Ping(ctx)
		cancel()
		c.sim.mu.Lock()
		c.log.logPing(err == nil)
		c.sim.mu.Unlock()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
	}
}
