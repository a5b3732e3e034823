package api

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"evergreen/internal/web/sse"
)

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
		p.Write(w)
		return
	}
	defer s.streams.Add(-1)
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	sse.Stream{
		Buffer: s.events, KeepAlive: s.opts.Limits.KeepAlive, Write: s.opts.Limits.Write, Lost: "reset",
		Head: s.streamHead, Closing: s.closing, Conn: conn, Admitted: func() bool { return s.stillAuthorized(r) },
	}.Serve(w, r)
}

// streamHead is the status as the first event of a stream.
func (s *Server) streamHead(place int64) []byte {
	status, err := json.Marshal(s.statusNow())
	if err != nil {
		return nil // only an unencodable type leads here, and none is given
	}
	return sse.Frame(place, "status", status)
}
