package line_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"evergreen/internal/sidecar/line"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// peer is a WebSocket client library.
type peer interface {
	read() (string, error) // answers pings meanwhile
	write(text string) error
	close(code int)
	vanish() // without a close frame
	code(error) int
}

type gorillaPeer struct{ *gorilla.Conn }

func dialGorilla(_ context.Context, url string, trust *tls.Config) (peer, error) {
	dialer := gorilla.Dialer{TLSClientConfig: trust, EnableCompression: true}
	conn, response, err := dialer.Dial(url, nil)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	return gorillaPeer{conn}, nil
}

func (p gorillaPeer) read() (string, error) {
	_, message, err := p.ReadMessage()
	return string(message), err
}
func (p gorillaPeer) write(text string) error {
	return p.WriteMessage(gorilla.TextMessage, []byte(text))
}
func (p gorillaPeer) close(code int) {
	_ = p.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, ""), time.Now().Add(time.Minute))
}
func (p gorillaPeer) vanish() { reset(p.NetConn()) }
func (p gorillaPeer) code(err error) int {
	if closed, ok := errors.AsType[*gorilla.CloseError](err); ok {
		return closed.Code
	}
	return 0
}

type coderPeer struct {
	*websocket.Conn
	raw *net.Conn
}

func dialCoder(ctx context.Context, url string, trust *tls.Config) (peer, error) {
	p := coderPeer{raw: new(net.Conn)}
	transport := &http.Transport{TLSClientConfig: trust, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		*p.raw = conn
		return conn, err
	}}
	var err error
	p.Conn, _, err = websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, CompressionMode: websocket.CompressionContextTakeover})
	return p, err
}

func (p coderPeer) read() (string, error) {
	_, message, err := p.Read(context.Background())
	return string(message), err
}
func (p coderPeer) write(text string) error {
	return p.Write(context.Background(), websocket.MessageText, []byte(text))
}
func (p coderPeer) close(code int) { _ = p.Close(websocket.StatusCode(code), "") }
func (p coderPeer) vanish()        { reset(*p.raw); _ = p.CloseNow() }
func (p coderPeer) code(err error) int {
	return max(0, int(websocket.CloseStatus(err)))
}

// reset ends a TCP connection with a reset.
func reset(conn net.Conn) {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// Given two client libraries, over TCP and over TLS, then they are greeted, get events,
// confirm them, are closed with our code; and Run tells how they left.
func TestClientLibraries(t *testing.T) {
	type dial func(context.Context, string, *tls.Config) (peer, error)
	stories := map[string]func(t *testing.T, l *line.Line, p peer, ran <-chan error){
		"closed by us": func(t *testing.T, l *line.Line, p peer, ran <-chan error) {
			l.Close(line.CloseGoingAway, "Restarting.")
			_, err := p.read()
			if p.code(err) != line.CloseGoingAway {
				t.Errorf("the client reads %v", err)
			}
			if closed, ok := errors.AsType[*line.CloseError](<-ran); !ok || closed.Code != line.CloseGoingAway {
				t.Errorf("Run: %v", closed)
			}
		},
		"closed by us with bytes on their way": func(t *testing.T, l *line.Line, p peer, ran <-chan error) {
			if err := p.write(`{"op":3,"d":"` + strings.Repeat("x", 60<<10) + `"}`); err != nil {
				t.Error(err)
			}
			if err := p.write(`{"op":3}`); err != nil {
				t.Error(err)
			}
			_, err := p.read()
			if p.code(err) != line.CloseDecodeError {
				t.Errorf("the client reads %v", err)
			}
			if closed, ok := errors.AsType[*line.CloseError](<-ran); !ok || closed.Code != line.CloseDecodeError {
				t.Errorf("Run: %v", closed)
			}
		},
		"closed by the client": func(t *testing.T, _ *line.Line, p peer, ran <-chan error) {
			p.close(4900)
			if closed, ok := errors.AsType[*line.ClientCloseError](<-ran); !ok || closed.Code != 4900 {
				t.Errorf("Run: %v", closed)
			}
		},
		"closed by the client that reads nothing": func(t *testing.T, l *line.Line, p peer, ran <-chan error) {
			fill(t, l)
			p.close(1000)
			if closed, ok := errors.AsType[*line.ClientCloseError](<-ran); !ok || closed.Code != 1000 {
				t.Errorf("Run: %v", closed)
			}
		},
		"lost": func(t *testing.T, _ *line.Line, p peer, ran <-chan error) {
			p.vanish()
			if lost, ok := errors.AsType[*line.LostError](<-ran); !ok {
				t.Errorf("Run: %v", lost)
			}
		},
		"lost while it reads nothing": func(t *testing.T, l *line.Line, p peer, ran <-chan error) {
			fill(t, l)
			p.vanish()
			if lost, ok := errors.AsType[*line.LostError](<-ran); !ok {
				t.Errorf("Run: %v", lost)
			}
		},
	}
	for library, dial := range map[string]dial{"gorilla": dialGorilla, "coder": dialCoder} {
		for _, secure := range []bool{false, true} {
			for name, story := range stories {
				t.Run(fmt.Sprintf("%s, TLS %t, %s", library, secure, name), func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					lines, ran := make(chan *line.Line, 1), make(chan error, 1)
					server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						l, err := line.Accept(w, r, line.Options{})
						if err != nil {
							t.Error(err)
							return
						}
						lines <- l
						ran <- l.Run(ctx, func(int, json.RawMessage) error { return nil })
					}))
					defer server.Close()
					var trust *tls.Config
					scheme := "ws"
					if secure {
						server.StartTLS()
						trust = server.Client().Transport.(*http.Transport).TLSClientConfig
						scheme = "wss"
					} else {
						server.Start()
					}
					url := scheme + "://" + server.Listener.Addr().String()
					p, err := dial(ctx, url, trust)
					if err != nil {
						t.Fatal(err)
					}
					defer p.vanish()
					l := <-lines
					if l.LocalURL() != url {
						t.Errorf("the line's URL is %q", l.LocalURL())
					}
					if hello, err := p.read(); err != nil || !strings.Contains(hello, `"op":10`) {
						t.Fatalf("%v %q", err, hello)
					}
					if err := p.write(`{"op":2,"d":{}}`); err != nil {
						t.Fatal(err)
					}
					if err := l.Dispatch(ctx, "READY", 1, []byte(`{"v":10}`)); err != nil {
						t.Fatal(err)
					}
					if ready, err := p.read(); err != nil || ready != `{"t":"READY","s":1,"op":0,"d":{"v":10}}` {
						t.Fatalf("%v %q", err, ready)
					}
					confirm(ctx, t, l, p)
					story(t, l, p, ran)
				})
			}
		}
	}
}

// confirm has the client read until it has confirmed the first dispatch.
func confirm(ctx context.Context, t *testing.T, l *line.Line, p peer) {
	t.Helper()
	l.Ping()
	read := make(chan error, 1)
	go func() {
		_, err := p.read()
		read <- err
	}()
	for l.Progress().Confirmed != 1 {
		select {
		case <-l.Changed():
		case <-ctx.Done():
			t.Fatal("the client confirms nothing")
		}
	}
	if err := l.Dispatch(ctx, "X", 2, nil); err != nil { // lets the reader go
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
}

// fill dispatches until the client, which does not read, takes no more.
func fill(t *testing.T, l *line.Line) {
	t.Helper()
	large := fmt.Appendf(nil, "%q", strings.Repeat("x", 1<<20))
	for seq := int64(3); ; seq++ {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := l.Dispatch(ctx, "X", seq, large)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
