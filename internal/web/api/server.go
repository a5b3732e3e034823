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
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"evergreen/internal/drain"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/dashboard"
	"evergreen/internal/web/sse"
)

// Server serves the HTTP API on one address. Make it with [New], call Run once.
// ServeHTTP and Observe may be called by many goroutines at once.
type Server struct {
	opts     Options
	key      [sha256.Size]byte // of the token
	routes   []route
	http     *http.Server
	conns    *connLimit
	unserved *drain.Conns
	started  atomic.Bool // the program has started its work
	refusals logging.Throttle
	unread   logging.Throttle
	// anonymous holds a place for each request that is answered without a token,
	// probes apart. There are fewer places than connections.
	anonymous chan struct{}
	dashboard *dashboard.Dashboard
	logins    *loginLimit
	metrics   http.Handler
	badges    badgeCache

	events   *sse.Buffer
	streams  atomic.Int64  // live streams being served
	changed  chan struct{} // something may have changed; holds one
	presence sentPresence
	closing  chan struct{} // closed when the server stops, so that streams end
	closed   sync.Once

	mu       sync.Mutex
	listener net.Listener
	loopback bool // only this machine can reach the listener
}

// New makes a server that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Bot == nil {
		return nil, errors.New("api: Bot is required")
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:8000"
	}
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		return nil, fmt.Errorf("API_ADDR %q is not host:port, such as 127.0.0.1:8000: %w", o.Addr, err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == nil {
		o.Listen = func(ctx context.Context, addr string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		}
	}
	o.Limits = o.Limits.orDefaults()
	s := &Server{
		opts: o, key: sha256.Sum256([]byte(o.Token)), conns: newConnLimit(o.Limits.Conns), unserved: drain.New(),
		anonymous: make(chan struct{}, max(1, o.Limits.Conns/4)),
		logins:    newLoginLimit(o.Limits.WrongTokens),
		events:    sse.NewBuffer(time.Now(), "status"), changed: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	s.metrics, s.dashboard = s.newMetrics(), s.newDashboard()
	for _, r := range slices.Concat(routes, pages, assetRoutes()) {
		if r.enabled == nil || r.enabled(s) {
			s.routes = append(s.routes, r)
		}
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: o.Limits.Header,
		ReadTimeout:       o.Limits.Read,
		WriteTimeout:      o.Limits.Write,
		IdleTimeout:       o.Limits.Idle,
		MaxHeaderBytes:    o.Limits.HeaderBytes,
		ConnState: func(conn net.Conn, state http.ConnState) {
			s.unserved.Changed(conn, state)
			s.conns.onState(conn, state)
		},
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return withConn(s.unserved.Accepted(ctx, conn), conn)
		},
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// Listen takes the address, before anything else is started. If that cannot be had,
// because another program uses the port or no such host is here, it takes any free port
// of the same host, or else of this machine alone, and logs it; with
// Options.AddrRequired it fails. [Server.Run] does it if it was not done.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	l, err := s.listen(ctx, s.opts.Addr)
	if err != nil && !s.opts.AddrRequired {
		l = s.listenElsewhere(ctx, err)
	}
	if l == nil {
		return err
	}
	s.listener = l
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		s.loopback = tcp.IP.IsLoopback()
	}
	return nil
}

// listenTimeout is how long the name of a host in Addr may take to be looked up.
const listenTimeout = 2 * time.Second

func (s *Server) listen(ctx context.Context, addr string) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()
	l, err := s.opts.Listen(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("the HTTP API cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

// listenElsewhere takes another address than Addr and logs it; nil if there is none.
func (s *Server) listenElsewhere(ctx context.Context, why error) net.Listener {
	host, _, _ := net.SplitHostPort(s.opts.Addr) // New has checked it
	for _, addr := range []string{net.JoinHostPort(host, "0"), "127.0.0.1:0", "[::1]:0"} {
		if l, err := s.listen(ctx, addr); err == nil {
			s.opts.Log.Warn("API_ADDR cannot be had; the HTTP API listens on another address, which evergreen status knows",
				"wanted", s.opts.Addr, "address", l.Addr().String(), "error", why, "do", listenRemedy(why))
			return l
		}
	}
	return nil
}

// listenRemedy says what to do about an address that cannot be taken.
func listenRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "Another program uses this port: stop it and restart the bot, or set API_ADDR to another port."
	case errors.Is(err, fs.ErrPermission):
		return "Ports below 1024 need special rights: set API_ADDR to a higher port."
	}
	return "Set API_ADDR to an address of this machine, such as 127.0.0.1:8000."
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
// returns when every connection is closed. Live streams end at once. Call it
// once.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	l, loopback := s.listener, s.loopback
	s.mu.Unlock()
	s.opts.Log.Info("The HTTP API listens", "address", l.Addr().String())
	if !loopback && s.opts.Token == "" {
		s.opts.Log.Warn("Other machines can reach the HTTP API and API_TOKEN is not set: it serves the probes and badges only")
	}
	var failed error // once served is closed
	served := make(chan struct{})
	go func() {
		failed = s.http.Serve(l)
		close(served)
	}()
	watch, unwatch := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(watch) })
	defer watching.Wait()
	defer unwatch()
	if s.opts.Lines != nil {
		defer s.opts.Lines.Follow(s.publishLine)()
	}
	defer s.endStreams()
	select {
	case <-served:
		s.endStreams()
		return errors.Join(fmt.Errorf("the HTTP API on %s stopped: %w", l.Addr(), failed), s.http.Close())
	case <-ctx.Done():
	}
	s.endStreams()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Limits.Drain)
	defer cancel()
	if err := s.unserved.Shutdown(ending, s.http, l, served); err != nil {
		s.opts.Log.Warn("Requests to the HTTP API were cut off at the stop", "waited", s.opts.Limits.Drain)
	}
	<-served
	s.conns.wait(ending)
	return nil
}

// endStreams ends the live streams, which do not end by themselves.
func (s *Server) endStreams() { s.closed.Do(func() { close(s.closing) }) }

// Close gives the address back at once. It is for a server that listens and will
// not run; [Server.Run] stops when its context ends.
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
