package sidecar

import (
	"net"
	"net/http"
	"strings"
	"time"

	"evergreen/internal/process/logging"
)

// refusals are the log lines about clients that are turned away, a few a minute of each
// kind: a client can cause them as often as it likes.
type refusals struct {
	token, connection, address, tls, plain logging.Throttle
}

// refusedTokens is how many wrong tokens a minute are told: several bots may be set up at once.
const refusedTokens = 5

func (s *Sidecar) logRefusal(t *logging.Throttle, message string, args ...any) {
	if held, ok := t.Pass(time.Now()); ok {
		if held > 0 {
			args = append(args, "others_since_the_last_line", held)
		}
		s.log.Warn(message, args...)
	}
}

// noAddress answers a request to an address that Evergreen does not have. Most often the
// library was given the wrong one, and says little about it, so the log has it too.
func (s *Sidecar) noAddress(w http.ResponseWriter, r *http.Request) {
	s.logRefusal(&s.refusals.address, "A request came to an address that is not there", "path", clipped(r.URL.Path), "from", r.RemoteAddr,
		"do", "Give the library the address that evergreen proxy setup prints: REST below /api, the gateway by WebSocket.")
	refuse(w, http.StatusNotFound, "Bots connect here as if this were Discord: the gateway by WebSocket, the REST API below /api. Run: evergreen proxy setup")
}

// clipped returns a path that a client has sent, short enough for a log.
func clipped(path string) string {
	const shown = 60
	if len(path) > shown {
		return path[:shown] + "..."
	}
	return path
}

// tlsOnPlain follows a client that speaks TLS where Evergreen does not.
func (s *Sidecar) tlsOnPlain(from net.Addr) {
	s.logRefusal(&s.refusals.tls, "A client speaks TLS, and Evergreen does not here", "from", from.String(),
		"do", "Give the library ws:// and http:// instead of wss:// and https://, or set PROXY_TLS_CERT and PROXY_TLS_KEY.")
}

// plainListener accepts connections without TLS and tells of clients that begin it.
type plainListener struct {
	net.Listener
	began func(from net.Addr) // TLS
}

// Accept implements [net.Listener].
func (l *plainListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if socket, ok := conn.(*net.TCPConn); ok {
		return &plainConn{TCPConn: socket, began: l.began}, nil
	}
	return conn, err
}

// plainConn is a connection without TLS.
type plainConn struct {
	*net.TCPConn
	began func(from net.Addr)
	read  bool
}

// handshake is the first byte of a TLS connection: the type of a handshake record.
const handshake = 0x16

// Read implements [net.Conn].
func (c *plainConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 && !c.read {
		c.read = true
		if b[0] == handshake {
			c.began(c.RemoteAddr())
		}
	}
	return n, err
}

// serverLog takes what the HTTP server logs.
type serverLog struct{ sidecar *Sidecar }

// Write implements [io.Writer].
func (l serverLog) Write(line []byte) (int, error) {
	s := l.sidecar
	if strings.Contains(string(line), "client sent an HTTP request to an HTTPS server") {
		s.logRefusal(&s.refusals.plain, "A client does not speak TLS, and Evergreen does here",
			"do", "Give the library wss:// and https:// instead of ws:// and http://, or leave out PROXY_TLS_CERT and PROXY_TLS_KEY.")
	} else {
		s.log.Debug("HTTP", "line", strings.TrimSpace(string(line)))
	}
	return len(line), nil
}
