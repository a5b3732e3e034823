package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/gateway"
)

// roundTripper is a transport that is a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A dial that fails says how far it came: the name, the connection, TLS, the upgrade. What
// HTTP answered says most; of the rest the caller's own sorting comes first.
// Statements: G-012.
func TestFailedDialSaysHowFarItCame(t *testing.T) {
	dialed := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	answered := func(status int) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Status: http.StatusText(status), Request: r, Body: io.NopCloser(strings.NewReader("")),
				Header: http.Header{"Location": {"https://example.com/"}},
			}, nil
		}
	}
	failed := func(err error) roundTripper {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	reached := func(r *http.Request) (*http.Response, error) {
		one, other := net.Pipe()
		_, _ = one.Close(), other.Close()
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{Conn: one})
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: io.EOF}
	}
	sorted := func(error) gateway.ReasonKind { return gateway.ReasonLocate }
	for _, c := range []struct {
		name     string
		answer   roundTripper
		classify func(error) gateway.ReasonKind
		want     gateway.ReasonKind
		status   int
	}{
		{"the name is not known", failed(dialed(&net.DNSError{Err: "no such host", IsNotFound: true})), nil, gateway.ReasonDNS, 0},
		{"refused", failed(dialed(errors.New("connection refused"))), nil, gateway.ReasonDial, 0},
		{"too late", failed(context.DeadlineExceeded), nil, gateway.ReasonDial, 0},
		{"given up", failed(context.Canceled), nil, gateway.ReasonDial, 0},
		{"an alert", failed(errors.New("remote error: tls: handshake failure")), nil, gateway.ReasonTLS, 0},
		{"a certificate", failed(x509.UnknownAuthorityError{}), nil, gateway.ReasonTLS, 0},
		{"something else", failed(errors.New("what is this")), nil, gateway.ReasonUpgrade, 0},
		{"a connection that says nothing else", failed(&net.OpError{Op: "write", Net: "tcp", Err: io.EOF}), nil, gateway.ReasonUpgrade, 0},
		{"cut after it was reached", reached, nil, gateway.ReasonUpgrade, 0},
		{"refused by the server", answered(http.StatusServiceUnavailable), nil, gateway.ReasonUpgrade, http.StatusServiceUnavailable},
		{"sent elsewhere", answered(http.StatusFound), nil, gateway.ReasonUpgrade, http.StatusFound},
		{"sorted by the caller", failed(dialed(errors.New("connection refused"))), sorted, gateway.ReasonLocate, 0},
		{"not sorted by the caller", failed(dialed(errors.New("connection refused"))), func(error) gateway.ReasonKind { return "" }, gateway.ReasonDial, 0},
		{"answered, whatever the caller thinks", answered(http.StatusForbidden), sorted, gateway.ReasonUpgrade, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			socket, err := gateway.WebSocketDialer{Transport: c.answer, Classify: c.classify}.Dial(t.Context(), "wss://gateway.example")
			failure, ok := errors.AsType[*gateway.ConnectError](err)
			if socket != nil || !ok || failure.Kind != c.want || failure.Status != c.status || failure.Err == nil {
				t.Fatalf("%v, %v; want %s with %d", socket, err, c.want, c.status)
			}
			if c.status != 0 && failure.Err.Error() != "the server answered "+http.StatusText(c.status)+" instead of opening a WebSocket" {
				t.Errorf("the error is %q", failure.Err)
			}
		})
	}
}

// An upgrade request names the user agent of the dialer, or that of net/http.
func TestUpgradeRequestNamesTheUserAgent(t *testing.T) {
	var agent string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { agent = r.UserAgent() }))
	defer server.Close()
	for given, want := range map[string]string{"": "Go-http-client/1.1", "DiscordBot (https://example.com, 1)": "DiscordBot (https://example.com, 1)"} {
		if _, err := (gateway.WebSocketDialer{UserAgent: given}).Dial(t.Context(), server.URL); err == nil || agent != want {
			t.Errorf("given %q, the server is told %q: %v", given, agent, err)
		}
	}
}

// rawServer answers the upgrade and hands over the connection. Then it speaks frames, as
// they are written, once the client has said something.
func rawServer(t *testing.T, speak func(net.Conn)) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(key[:]))
		_, _ = c.Read(make([]byte, 100))
		speak(c)
	}))
	t.Cleanup(server.Close)
	return server
}

// Opcodes of frames.
const (
	frameText   = 1
	frameBinary = 2
	frameClose  = 8
)

// frame is one unmasked frame.
func frame(opcode byte, payload []byte) []byte {
	f := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		f = append(f, byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 127), uint64(n))
	}
	return append(f, payload...)
}

// countingConn counts what is read from it.
type countingConn struct {
	net.Conn
	reads, bytes atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.reads.Add(1)
	c.bytes.Add(int64(n))
	return n, err
}

// untraced is a transport that does not show its connection.
type untraced struct{ http.RoundTripper }

func (u untraced) RoundTrip(r *http.Request) (*http.Response, error) {
	return u.RoundTripper.RoundTrip(r.Clone(context.Background()))
}

// Given messages of any size, then each is appended to what the caller has, up to the
// limit, its whole length is told, and the bytes that arrive are told as far as the
// transport shows them. A close frame is told as one, and after a drop nothing is read.
// Statements: G-112.
func TestSocketReadsMessages(t *testing.T) {
	const limit = 5000
	sizes := []int{0, 1, 125, 4095, 4096, 4097, limit - 1, limit, limit + 1, 70_000, 1 << 20}
	foreign := &http.Transport{}
	defer foreign.CloseIdleConnections()
	for _, c := range []struct {
		name    string
		dialer  gateway.WebSocketDialer
		watched bool
	}{
		{"a transport of its own", gateway.WebSocketDialer{}, true},
		{"a foreign transport", gateway.WebSocketDialer{Transport: foreign}, false},
		{"a transport that shows nothing", gateway.WebSocketDialer{Transport: untraced{foreign}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := []byte(noise(1, 1<<20))
			server := rawServer(t, func(conn net.Conn) {
				for i, size := range sizes {
					_, _ = conn.Write(frame([]byte{frameText, frameBinary}[i%2], content[:size]))
				}
				_, _ = conn.Write(frame(frameClose, append([]byte{0x0f, 0xa9}, "Session timed out"...)))
				_, _ = io.Copy(io.Discard, conn)
			})
			var wire countingConn
			if c.watched {
				c.dialer.DialContext = func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
					wire.Conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
					return &wire, err
				}
			}
			socket, err := c.dialer.Dial(t.Context(), server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Drop()
			before := wire.bytes.Load()
			if err := socket.Write(t.Context(), []byte("go")); err != nil {
				t.Fatal(err)
			}
			told, want := int64(0), int64(0)
			received := func(n int) { told += int64(n) }
			for i, size := range sizes {
				buf := append(make([]byte, 0, 100*i), "the message before"...)
				message, length, binary, err := socket.Read(buf, limit, received)
				if err != nil || length != int64(size) || binary != (i%2 == 1) || !bytes.Equal(message, append(buf, content[:min(size, limit)]...)) {
					t.Errorf("of %d bytes, binary: %t, came %d of %d, binary: %t, %v", size, i%2 == 1, len(message)-len(buf), length, binary, err)
				}
				if most := max(cap(buf), len(buf)+limit+4096); cap(message) > most {
					t.Errorf("of %d bytes there is room for %d, want %d at most", size, cap(message), most)
				}
				want += int64(2 + size)
			}
			_, _, _, err = socket.Read(nil, limit, received)
			if frame, ok := errors.AsType[*gateway.CloseError](err); !ok || frame.Code != 4009 || frame.Reason != "Session timed out" {
				t.Errorf("the close frame is read as %v", err)
			}
			if c.watched {
				want = wire.bytes.Load() - before
			}
			if told != want {
				t.Errorf("%d bytes were told, want %d", told, want)
			}
			socket.Drop()
			if _, _, _, err = socket.Read(nil, limit, received); err == nil {
				t.Error("something was read from a socket that was dropped")
			}
		})
	}
}

// Given two messages that arrive together, then the beginning of the second is told,
// although no byte of it arrives any more.
func TestBeginningOfAMessageIsToldWithoutBytes(t *testing.T) {
	server := rawServer(t, func(c net.Conn) {
		_, _ = c.Write(append(frame(frameText, []byte("one")), frame(frameText, []byte("two"))...))
		_, _ = io.Copy(io.Discard, c)
	})
	socket, err := gateway.WebSocketDialer{}.Dial(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Drop()
	_ = socket.Write(t.Context(), []byte("go"))
	for i, want := range []string{"one", "two"} {
		var told []int
		message, _, _, err := socket.Read(nil, 100, func(n int) { told = append(told, n) })
		if string(message) != want || err != nil {
			t.Fatalf("%q, %v; want %q", message, err, want)
		}
		if i == 1 && (len(told) == 0 || told[0] != 0) {
			t.Errorf("the second message is told as %v", told)
		}
	}
}

// Given a large message that has arrived, then it is read in large pieces: the room grows
// with the message, and the connection is asked as seldom.
func TestLargeMessageIsReadInLargePieces(t *testing.T) {
	const size = 4 << 20
	server := rawServer(t, func(c net.Conn) {
		_, _ = c.Write(frame(frameText, make([]byte, size)))
		_, _ = io.Copy(io.Discard, c)
	})
	var wire countingConn
	socket, err := gateway.WebSocketDialer{DialContext: func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
		wire.Conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return &wire, err
	}}.Dial(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Drop()
	_ = socket.Write(t.Context(), []byte("go"))
	message, _, _, err := socket.Read(nil, math.MaxInt64, func(int) {})
	if err != nil || len(message) != size || cap(message) > 2*size+2*4096 {
		t.Fatalf("%d bytes came, with room for %d: %v", len(message), cap(message), err)
	}
	if n := wire.reads.Load(); n > size/4096/2 {
		t.Errorf("the connection was read %d times", n)
	}
}

// Given a socket whose transport does not show its connection, then a drop ends a read
// under way all the same.
func TestDropEndsARead(t *testing.T) {
	for _, c := range []struct {
		name string
		hide bool
	}{{"shown", false}, {"not shown", true}} {
		t.Run(c.name, func(t *testing.T) {
			gone := make(chan struct{})
			server := rawServer(t, func(c net.Conn) {
				_, _ = io.Copy(io.Discard, c)
				close(gone)
			})
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			dialer := gateway.WebSocketDialer{Transport: transport}
			if c.hide {
				dialer.Transport = untraced{transport}
			}
			socket, err := dialer.Dial(t.Context(), server.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = socket.Write(t.Context(), []byte("go"))
			read := make(chan error)
			go func() {
				_, _, _, err := socket.Read(nil, 100, func(int) {})
				read <- err
			}()
			socket.Drop()
			if err := <-read; err == nil {
				t.Error("the read has ended without an error")
			}
			<-gone
		})
	}
}

// Given a message of which only the beginning arrives, then that is no message but an error.
func TestMessageThatIsCutIsAnError(t *testing.T) {
	server := rawServer(t, func(c net.Conn) { _, _ = c.Write(frame(frameText, make([]byte, 1000))[:500]) })
	socket, err := gateway.WebSocketDialer{}.Dial(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Drop()
	_ = socket.Write(t.Context(), []byte("go"))
	_, _, _, err = socket.Read(nil, 2000, func(int) {})
	if _, closed := errors.AsType[*gateway.CloseError](err); err == nil || closed {
		t.Errorf("the error is %v", err)
	}
}

// afterFuncs is a context that counts the functions that wait for its end.
type afterFuncs struct {
	context.Context
	waiting atomic.Int32
}

// Value hides the context below, which would be asked instead.
func (c *afterFuncs) Value(any) any { return nil }

func (c *afterFuncs) AfterFunc(f func()) func() bool {
	c.waiting.Add(1)
	stop := context.AfterFunc(c.Context, f)
	return func() bool { c.waiting.Add(-1); return stop() }
}

// Given a close that reads what Discord still sends, then those bytes are told to no call of
// Read: it has returned.
func TestCloseTellsNoBytes(t *testing.T) {
	server := rawServer(t, func(c net.Conn) {
		_, _ = c.Write(frame(frameText, []byte("one")))
		_, _ = c.Read(make([]byte, 100)) // the close frame of the client
		_, _ = c.Write(append(frame(frameText, []byte("two")), frame(frameClose, []byte{0x13, 0x24})...))
		_, _ = io.Copy(io.Discard, c)
	})
	socket, err := gateway.WebSocketDialer{}.Dial(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = socket.Write(t.Context(), []byte("go"))
	told := 0
	if _, _, _, err := socket.Read(nil, 100, func(int) { told++ }); err != nil {
		t.Fatal(err)
	}
	before := told
	ctx := &afterFuncs{Context: t.Context()}
	socket.Close(ctx, 4900, "")
	if n := ctx.waiting.Load(); n != 0 {
		t.Errorf("%d functions wait for the end of the context", n)
	}
	if told != before {
		t.Error("a call of Read that had returned was told of bytes")
	}
	if err := socket.Write(t.Context(), []byte("more")); err == nil {
		t.Error("something was written after the close")
	}
}

// Given an upgrade that is refused on a connection that could serve on, then the connection
// is closed: the next attempt has a transport of its own.
func TestRefusedUpgradeLeavesNoConnection(t *testing.T) {
	closed := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	if _, err := (gateway.WebSocketDialer{}).Dial(t.Context(), server.URL); err == nil {
		t.Error("the upgrade was not refused")
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open")
	}
	server.Close()
}

// A dial of the caller's gets five seconds, and its context ends with it.
func TestDialContextHasADeadline(t *testing.T) {
	var given context.Context
	left := time.Duration(0)
	_, err := gateway.WebSocketDialer{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		deadline, _ := ctx.Deadline()
		given, left = ctx, time.Until(deadline)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}}.Dial(t.Context(), "ws://gateway.example")
	if err == nil || left < 4*time.Second || left > 5*time.Second || given.Err() == nil {
		t.Errorf("%v; the dial had %s, and its context has ended: %v", err, left, given.Err())
	}
}
