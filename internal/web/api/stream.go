package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// streamBuffer is the socket's write buffer of a stream, in bytes. It is small, so
// that a client that reads slowly is noticed early.
const streamBuffer = 32 << 10

type connKey struct{}

// withConn puts the connection into the context of its requests.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// stream serves /api/v1/events, the live stream. It begins with the status, or,
// for a client that comes back and names the last event it has seen, with the
// events it has missed. A stream ends when its client does not keep up; the
// client comes back by itself.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if s.streams.Add(1) > int64(s.opts.Limits.Streams) {
		s.streams.Add(-1)
		p := busy
		p.Wait = 30 * time.Second
		p.write(w)
		return
	}
	defer s.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must pass each event on at once
	if r.Method == http.MethodHead {
		return
	}
	if conn, ok := r.Context().Value(connKey{}).(interface{ SetWriteBuffer(int) error }); ok {
		_ = conn.SetWriteBuffer(streamBuffer)
	}
	t := eventStream{server: s, to: w, control: http.NewResponseController(w)}
	_ = t.control.SetReadDeadline(time.Time{}) // the request is read; its end is the client's
	if t.sendStart(r.Header.Get("Last-Event-ID")) != nil {
		return
	}
	t.run(r)
}

// eventStream is the live stream of one client.
type eventStream struct {
	server  *Server
	to      http.ResponseWriter
	control *http.ResponseController
	place   int64
}

// sendStart sends the head of the stream: the status, or what the client missed.
func (t *eventStream) sendStart(seen string) error {
	buffer := t.server.events
	// Clients that were cut off together should not come back together.
	retry := 1000 + rand.IntN(3000)
	if id, err := strconv.ParseInt(seen, 10, 64); err == nil {
		if _, _, _, ok := buffer.after(id); ok {
			t.place = id
			return t.send(fmt.Appendf(nil, "retry: %d\n\n", retry))
		}
	}
	// The place is taken before the status is read: what happens in between comes
	// twice rather than never.
	t.place = buffer.newest()
	head := fmt.Appendf(nil, "retry: %d\n", retry)
	if seen != "" {
		head = fmt.Appendf(head, "event: reset\ndata: {}\n\n")
	}
	status, err := json.Marshal(t.server.statusNow())
	if err != nil {
		return err
	}
	return t.send(append(head, frame(t.place, "status", status)...))
}

// run sends events until the client goes, falls behind, or the server stops.
func (t *eventStream) run(r *http.Request) {
	keepAlive := time.NewTicker(t.server.opts.Limits.KeepAlive)
	defer keepAlive.Stop()
	defer func() { _ = t.control.SetWriteDeadline(time.Now().Add(t.server.opts.Limits.Write)) }() // for the end of the answer
	for {
		frames, next, more, ok := t.server.events.after(t.place)
		if !ok || t.send(frames...) != nil {
			return
		}
		t.place = next
		select {
		case <-more:
		case <-keepAlive.C:
			if !t.server.stillAuthorized(r) || t.send([]byte(": beat\n\n")) != nil {
				return // its session is over, or it is gone
			}
		case <-r.Context().Done():
			return
		case <-t.server.closing:
			return
		}
	}
}

// send writes frames within Limits.Write.
func (t *eventStream) send(frames ...[]byte) error {
	if len(frames) == 0 {
		return nil
	}
	if err := t.control.SetWriteDeadline(time.Now().Add(t.server.opts.Limits.Write)); err != nil {
		return err
	}
	for _, f := range frames {
		if _, err := t.to.Write(f); err != nil {
			return err
		}
	}
	return t.control.Flush()
}
