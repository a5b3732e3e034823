package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// WebSocketDialer is the default [Dialer].
type WebSocketDialer struct {
	// DialContext resolves the name and opens the TCP connection; it gets 5 s. It is not
	// used with a Transport. Default: a net.Dialer with TCP keep-alive.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Transport carries the upgrade request. Default: HTTP/1.1 with proxies
	// from the environment, deadlines of 5 s each for TLS and for the answer,
	// over DialContext.
	Transport http.RoundTripper
	// UserAgent is sent with the upgrade request. Default: that of net/http.
	UserAgent string
	// Classify is the first to sort an error of a dial that no HTTP answer explains. An
	// empty kind leaves that to this package. Default: none.
	Classify func(error) ReasonKind
}

// Dial opens one WebSocket.
func (d WebSocketDialer) Dial(ctx context.Context, url string) (Socket, error) {
	transport, closeIdle := d.transport()
	header := http.Header{}
	if d.UserAgent != "" {
		header.Set("User-Agent", d.UserAgent)
	}
	var raw net.Conn
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { raw = info.Conn },
	})
	ws, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{
			Transport: transport,
			// A redirect is no gateway: captive portals and misconfigured
			// proxies answer that way (G-012).
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPHeader:      header,
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		closeIdle()
		return nil, d.connectError(err, response, raw != nil)
	}
	// The shard bounds what it keeps and reads past the rest. A limit here would end the
	// connection instead (G-112).
	ws.SetReadLimit(-1)
	for {
		secure, ok := raw.(*tls.Conn)
		if !ok {
			break
		}
		// To close TLS sends an alert first, which takes up to 5 s on a dead link.
		raw = secure.NetConn()
	}
	s := &webSocket{ws: ws, raw: raw}
	if watched, ok := raw.(*watchedConn); ok {
		s.watched = watched
		watched.watch(func(n int) { s.received(n) })
	}
	return s, nil
}

// TunedDial returns dial as a function for the DialContext of [WebSocketDialer].Transport.
// Of the connections that it opens the dialer sees every byte that arrives, below TLS. Of
// others it sees bytes as they leave TLS, up to 16 KiB at a time, which on a link of 2 kB a
// second takes as long as silence may last. On TCP connections little waits in the kernel
// to be sent, because a heartbeat leaves behind all of it.
func TunedDial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
			_ = tcp.SetWriteBuffer(writeBuffer) // without it the kernel's own holds
		}
		return &watchedConn{Conn: c}, nil
	}
}

// writeBuffer is how much may wait in the kernel to be sent, in bytes: four payloads of the
// largest size. The kernel's own may grow to megabytes. A hundred payloads then delay a
// heartbeat on an uplink of 10 kB a second by 30 s, and its answer is missed.
const writeBuffer = 16 << 10

// watchedConn tells of the bytes that arrive.
type watchedConn struct {
	net.Conn
	received atomic.Pointer[func(n int)]
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if received := c.received.Load(); n > 0 && received != nil {
		(*received)(n)
	}
	return n, err
}

// watch has received called on the goroutine that reads, from now on.
func (c *watchedConn) watch(received func(n int)) { c.received.Store(&received) }

// unwatch ends that for reads that begin from now on.
func (c *watchedConn) unwatch() { c.received.Store(nil) }

// phaseDeadline bounds each phase of a dial: name and TCP, TLS, upgrade.
const phaseDeadline = 5 * time.Second

func (d WebSocketDialer) transport() (http.RoundTripper, func()) {
	if d.Transport != nil {
		return d.Transport, func() {}
	}
	dial := d.DialContext
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: TunedDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, phaseDeadline)
			defer cancel()
			return dial(ctx, network, addr)
		}),
		TLSHandshakeTimeout:   phaseDeadline,
		ResponseHeaderTimeout: phaseDeadline,
		DisableCompression:    true,
	}
	return t, t.CloseIdleConnections
}

// connectError finds out how far the dial came. reached is whether there was a
// connection and the upgrade had been asked for.
func (d WebSocketDialer) connectError(err error, response *http.Response, reached bool) error {
	failure := &ConnectError{Err: err}
	_, resolving := errors.AsType[*net.DNSError](err)
	op, ofNet := errors.AsType[*net.OpError](err)
	if d.Classify != nil {
		failure.Kind = d.Classify(err)
	}
	switch {
	case response != nil:
		failure.Kind, failure.Status = ReasonUpgrade, response.StatusCode
		failure.Err = fmt.Errorf("the server answered %s instead of opening a WebSocket", response.Status)
	case failure.Kind != "":
	case reached:
		failure.Kind = ReasonUpgrade
	case resolving:
		failure.Kind = ReasonDNS
	case strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:"):
		failure.Kind = ReasonTLS
	case ofNet && op.Op == "dial":
		failure.Kind = ReasonDial
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		failure.Kind = ReasonDial
	default:
		failure.Kind = ReasonUpgrade
	}
	return failure
}

// webSocket is a [Socket] over coder/websocket.
type webSocket struct {
	ws       *websocket.Conn
	raw      net.Conn     // the TCP connection below, when the transport showed it
	watched  *watchedConn // the same, if it tells of the bytes that arrive
	received func(n int)  // of the call of Read; only the goroutine that calls it uses this
}

// readChunk is the least room for the next read. A buffer begins small, because a quiet
// shard keeps one as long as it lives, and doubles for a message that needs more.
const readChunk = 4 << 10

// frameHeader is how many bytes a message takes besides its payload, at the least.
const frameHeader = 2

func (s *webSocket) Read(buf []byte, limit int64, received func(n int)) ([]byte, int64, bool, error) {
	s.received = received
	// The read ends when the socket is dropped; a context would only cost an
	// allocation for each message.
	kind, r, err := s.ws.Reader(context.Background())
	if err != nil {
		return buf, 0, false, s.closeError(err)
	}
	if s.watched != nil {
		received(0)
	} else {
		received(frameHeader)
	}
	start := len(buf)
	var past int64
	for {
		left := limit - int64(len(buf)-start) // what may still be kept
		if cap(buf)-len(buf) < readChunk {
			grown := make([]byte, len(buf), len(buf)+readChunk+int(min(int64(2*cap(buf)-len(buf)), left)))
			copy(grown, buf)
			buf = grown
		}
		room := buf[len(buf):cap(buf)]
		if s.watched == nil {
			room = room[:readChunk] // the library fills it before it returns
		}
		n, err := r.Read(room)
		kept := min(int64(n), left)
		buf = buf[:len(buf)+int(kept)]
		past += int64(n) - kept
		if s.watched == nil && n > 0 {
			received(n)
		}
		if errors.Is(err, io.EOF) {
			return buf, int64(len(buf)-start) + past, kind == websocket.MessageBinary, nil
		}
		if err != nil {
			return buf, 0, false, s.closeError(err)
		}
	}
}

// closeError turns the library's error into a [*CloseError] where there was a close
// frame.
func (s *webSocket) closeError(err error) error {
	if frame, ok := errors.AsType[websocket.CloseError](err); ok {
		return &CloseError{Code: CloseCode(frame.Code), Reason: frame.Reason}
	}
	return err
}

func (s *webSocket) Write(ctx context.Context, message []byte) error {
	return s.ws.Write(ctx, websocket.MessageText, message)
}

func (s *webSocket) Close(ctx context.Context, code CloseCode, reason string) {
	if s.watched != nil {
		s.watched.unwatch() // the library reads on this goroutine, too, from now on
	}
	// The library waits 5 s for a silent peer; this waits for ctx.
	stop := context.AfterFunc(ctx, s.Drop)
	defer stop()
	_ = s.ws.Close(websocket.StatusCode(code), reason)
}

func (s *webSocket) Drop() {
	// The library waits up to 5 s for a close handshake that is under way. Without a
	// connection below it does not.
	if s.raw != nil {
		_ = s.raw.Close()
	}
	_ = s.ws.CloseNow()
}
