package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"evergreen/internal/health"
)

// Options configures a [Server]. Snapshot is required.
type Options struct {
	// Addr is host:port; an empty host means every interface. Default
	// 127.0.0.1:8000.
	Addr string
	// Token is what clients have to present for all but the probes. Without one
	// an address beyond loopback serves nothing but the probes.
	Token string
	// Snapshot tells how the bot is. It must not block.
	Snapshot func() health.Snapshot
	// Check tells what the periodic monitor saw last. Default: it never looked.
	Check func() health.Check
	// Log takes lines for the operator. Default: none are written.
	Log    *slog.Logger
	Limits Limits
}

// Limits bounds what one client can cost. Zero values mean the defaults named
// with each field.
type Limits struct {
	Header time.Duration // to read the head of a request. Default 5 s
	Read   time.Duration // to read a whole request. Default 10 s
	Write  time.Duration // to write an answer. Default 10 s
	Idle   time.Duration // between two requests of one connection. Default 60 s
	Drain  time.Duration // for running requests when the server stops. Default 5 s
	// HeaderBytes is the size of a request's head. Default 16 KiB.
	HeaderBytes int
	// Conns is how many connections are held. When there are more, the one
	// that has waited longest without asking anything gives way. Default 128.
	Conns int
}

// Server serves the HTTP API on one address.
type Server struct {
	opts     Options
	key      [sha256.Size]byte // of the token
	mux      *http.ServeMux
	http     *http.Server
	conns    *conns
	started  atomic.Bool // the program has started its work
	refusals throttle

	mu       sync.Mutex
	listener net.Listener
	loopback bool // only this machine can reach the listener
}

// New makes a server that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Snapshot == nil {
		return nil, errors.New("api: Snapshot is required")
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:8000"
	}
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		return nil, fmt.Errorf("API_ADDR %q is not host:port, such as 127.0.0.1:8000: %w", o.Addr, err)
	}
	if o.Check == nil {
		o.Check = func() health.Check { return health.Check{} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.orDefaults()
	s := &Server{
		opts: o, key: sha256.Sum256([]byte(o.Token)), mux: http.NewServeMux(), conns: newConns(o.Limits.Conns),
	}
	for _, r := range routes {
		s.mux.Handle(r.path, s.route(r))
	}
	s.http = &http.Server{
		Handler:                      s,
		ReadHeaderTimeout:            o.Limits.Header,
		ReadTimeout:                  o.Limits.Read,
		WriteTimeout:                 o.Limits.Write,
		IdleTimeout:                  o.Limits.Idle,
		MaxHeaderBytes:               o.Limits.HeaderBytes,
		ConnState:                    s.conns.changed,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

func (l Limits) orDefaults() Limits {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&l.Header, 5 * time.Second}, {&l.Read, 10 * time.Second}, {&l.Write, 10 * time.Second}, {&l.Idle, time.Minute}, {&l.Drain, 5 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = 16 << 10
	}
	if l.Conns <= 0 {
		l.Conns = 128
	}
	return l
}

// Listen takes the address, so that a port that is in use is known before
// anything else is started. [Server.Run] does it if it was not done.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.opts.Addr)
	if err != nil {
		return listenError(s.opts.Addr, err)
	}
	s.listener = l
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		s.loopback = tcp.IP.IsLoopback()
	}
	return nil
}

// listenError says why an address cannot be taken and what to do.
func listenError(addr string, err error) error {
	do := "set API_ADDR to an address of this machine, such as 127.0.0.1:8000"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		do = "another program uses this port, perhaps a second copy of the bot: stop it, or set API_ADDR to another port"
	case errors.Is(err, fs.ErrPermission):
		do = "ports below 1024 need special rights: set API_ADDR to a higher port"
	}
	return fmt.Errorf("the HTTP API cannot listen on %s; %s: %w", addr, do, err)
}

// Addr is the address the server listens on; nil before [Server.Listen].
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Run serves until ctx ends, lets running requests finish for Limits.Drain and
// returns when every connection is closed. Call it once.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	l, loopback := s.listener, s.loopback
	s.mu.Unlock()
	s.opts.Log.Info("The HTTP API listens on " + l.Addr().String())
	if !loopback && s.opts.Token == "" {
		s.opts.Log.Warn("Other machines can reach the HTTP API and API_TOKEN is not set: it serves the probes only")
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(l) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("the HTTP API on %s stopped: %w", l.Addr(), err), s.http.Close())
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Limits.Drain)
	defer cancel()
	if err := s.http.Shutdown(drain); err != nil {
		s.opts.Log.Warn("Requests to the HTTP API were cut off at the stop", "waited", s.opts.Limits.Drain)
		_ = s.http.Close()
	}
	<-served
	s.conns.wait(drain)
	return nil
}

// Close gives the address back at once. It is for a server that listens and is
// not to run after all; the end of a context is what stops [Server.Run].
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
