package line

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// request is what an upgrade request asks for.
type request struct {
	version     int
	compression string
	url         string // of this server, as the client has found it
}

// refusal is an answer to a request that is not upgraded. Its text is for the person who has
// set up the bot.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("refused the upgrade with HTTP %d: %s", r.status, r.text)
}

// Accept answers the upgrade request of a bot's library. Run must be called on the line that
// it returns, also if the line is closed before: only Run gives the connection back.
//
// If Accept refuses, it has written the answer and returns an error that names the reason. A
// client that asks for a version other than 9 and 10 is accepted and closed with 4012, as at
// Discord, which takes up to a second; the error is a [*CloseError] then.
func Accept(w http.ResponseWriter, r *http.Request, opts Options) (*Line, error) {
	opts = opts.withDefaults()
	asked, refused := negotiate(r, opts.HostAllowed)
	if refused != nil {
		http.Error(w, refused.text, refused.status)
		return nil, refused
	}
	l := newLine(opts, asked)
	ws, err := websocket.Accept(&upgrader{ResponseWriter: w, line: l}, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // negotiate refuses every Origin
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived: func(_ context.Context, payload []byte) bool {
			l.receivePing(payload)
			return false
		},
		OnPongReceived: func(_ context.Context, payload []byte) { l.receivePong(payload) },
	})
	if err != nil {
		return nil, fmt.Errorf("refused the upgrade: %w", err)
	}
	ws.SetReadLimit(-1) // readMessage has a limit of its own
	l.ws, l.remote = ws, l.conn.RemoteAddr().String()
	limitUnacknowledged(l.conn)
	if asked.version == 0 {
		l.Close(CloseInvalidVersion, "Invalid API version.")
		return nil, l.Run(context.Background(), nil)
	}
	return l, nil
}

// negotiate reads an upgrade request. Version 0 stands for one that is not served.
func negotiate(r *http.Request, hostAllowed func(string) bool) (request, *refusal) {
	if host := hostname(r.Host); host == "" || !hostAllowed(host) {
		return request{}, &refusal{http.StatusForbidden, fmt.Sprintf("The host %.100q is not one of this server's. Connect to it by an address of this machine.", r.Host)}
	}
	if _, there := r.Header["Origin"]; there {
		return request{}, &refusal{http.StatusForbidden, "Web pages may not connect: the request has an Origin header."}
	}
	query := r.URL.Query()
	asked := request{compression: query.Get("compress"), url: "ws://" + r.Host}
	if r.TLS != nil {
		asked.url = "wss://" + r.Host
	}
	switch encoding := query.Get("encoding"); encoding {
	case "", "json":
	case "etf":
		return request{}, &refusal{http.StatusBadRequest, "The encoding etf is not served. Set the library to json; eris takes etf when the package erlpack is installed, JDA when setGatewayEncoding says so."}
	default:
		return request{}, &refusal{http.StatusBadRequest, fmt.Sprintf("The encoding %.40q is unknown. Set the library to json.", encoding)}
	}
	switch asked.compression {
	case compressNone, compressZlib, compressZstd:
	default:
		return request{}, &refusal{http.StatusBadRequest, fmt.Sprintf("The compression %.40q is unknown. There are %s, %s and none.", asked.compression, compressZlib, compressZstd)}
	}
	switch query.Get("v") {
	case "", "10":
		asked.version = 10
	case "9":
		asked.version = 9
	}
	return asked, nil
}

// hostname is the Host of a request without a port, brackets or a closing dot, in lower case.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// upgrader gives the WebSocket library a connection that it can only read. All that is
// written goes through the line's writer, so that no pong and no close frame of the library
// waits 5 s for a client that does not read, and then cuts the line.
type upgrader struct {
	http.ResponseWriter
	line *Line
}

// WriteHeader leaves the answer to an upgrade to Hijack. A server that shuts down replaces
// the Connection header of answers, and a client then refuses the connection.
func (u *upgrader) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
	}
}

// Hijack implements [http.Hijacker]. It writes the answer to the upgrade.
func (u *upgrader) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := writeUpgrade(conn, u.Header()); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	u.line.conn = conn
	in := &readOnlyConn{Conn: conn, line: u.line}
	u.line.in = in
	const least = 16 // of a bufio.Writer that is never used
	return in, bufio.NewReadWriter(buffered.Reader, bufio.NewWriterSize(io.Discard, least)), nil
}

// writeUpgrade writes the answer to an upgrade.
func writeUpgrade(conn net.Conn, header http.Header) error {
	var answer bytes.Buffer
	fmt.Fprintf(&answer, "HTTP/1.1 %d %s\r\n", http.StatusSwitchingProtocols, http.StatusText(http.StatusSwitchingProtocols))
	if err := header.Write(&answer); err != nil {
		return err
	}
	answer.WriteString("\r\n")
	if err := conn.SetWriteDeadline(time.Now().Add(upgradeTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(answer.Bytes()); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}

// upgradeTimeout is how long a client may take to read the answer to its upgrade.
const upgradeTimeout = 5 * time.Second

// errReadOnly would mean that the library writes past its buffer.
var errReadOnly = errors.New("the line's writer alone writes")
