package simapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"evergreen/internal/drain"
)

// The bounds of one request to a [Server].
const (
	requestTimeout = 5 * time.Second
	idleTimeout    = time.Minute
	drainTimeout   = 2 * time.Second
	maxHeaderBytes = 16 << 10
)

// Server serves a [Handler] on a loopback address. Make it with [Listen] and call Run or
// Close once.
type Server struct {
	handler  *Handler
	listener net.Listener
	unserved *drain.Conns
	http     *http.Server
}

// Listen takes an address, which must be one that only this machine can reach.
func Listen(ctx context.Context, addr string, o Options) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not host:port", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, fmt.Errorf("the address %q could be reached from other machines; what sets faults has to be on this one", addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for control requests: %w", err)
	}
	s := &Server{handler: New(o), listener: listener, unserved: drain.New()}
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: 2 * requestTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ConnState: s.unserved.Changed,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(s.unserved.Accepted(ctx, conn), connKey{}, conn)
		},
		DisableGeneralOptionsHandler: true,
	}
	return s, nil
}

type connKey struct{}

// connOf is the connection a request came over; nil if it is not known.
func connOf(r *http.Request) net.Conn {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	return conn
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL is where it is served, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.unserved.Requested(r)
	s.handler.ServeHTTP(w, r)
}

// Run serves until ctx ends, lets running requests finish for two seconds and returns when
// nothing of it runs any more. Live streams end at once.
func (s *Server) Run(ctx context.Context) {
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.http.Serve(s.listener) // its error is that of the end
	}()
	select {
	case <-ctx.Done():
	case <-served: // the listener has failed
	}
	s.handler.Close()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	_ = s.unserved.Shutdown(ending, s.http, s.listener, served)
	<-served
}

// Close gives the address back. It is for a server that will not run.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.handler.Close()
}
