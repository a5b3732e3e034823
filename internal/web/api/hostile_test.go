package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health"
)

// patience bounds what a test waits for.
const patience = 10 * time.Second

// dial opens a bare connection.
func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// send writes raw bytes; a connection that the server has ended is no error.
func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}

// ends waits until the server ends the connection, and returns what it said.
func ends(t *testing.T, c net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is still open; it said %q", said)
	}
	return string(said)
}

// Every answer carries the headers that keep it out of caches, frames and other
// sites, and there are no redirects.
func TestHeadersOnEveryAnswer(t *testing.T) {
	s := serve(t, Options{Token: "a-long-token"})
	for _, path := range []string{"/livez", "/health", "/nothing", "/../x", "/metrics", "/api/v1/status", "/api/v1/events"} {
		a := ask(t, s, "GET", path)
		for name, want := range headers {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if a.Header.Get("Server") != "" || a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Location") != "" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
}

// Only GET and HEAD are served, whatever the path.
func TestMethods(t *testing.T) {
	s := serve(t, Options{})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"} {
		for _, path := range []string{"/livez", "/health"} {
			a := ask(t, s, method, path)
			if a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, HEAD" || a.fields["title"] != "Method not allowed" {
				t.Errorf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
	}
	if a := ask(t, s, "HEAD", "/health"); a.Status != http.StatusOK || a.Body != "" || a.Header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d %q %v", a.Status, a.Body, a.Header)
	}
	c := dial(t, s)
	send(t, c, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if said := ends(t, c); !strings.HasPrefix(said, "HTTP/1.1 404") {
		t.Errorf("OPTIONS *: %q", said)
	}
	c = dial(t, s)
	send(t, c, "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n")
	if said := ends(t, c); !strings.HasPrefix(said, "HTTP/1.1 404") {
		t.Errorf("CONNECT: %q", said)
	}
}

// A path has one spelling; every trick with another one leads nowhere.
func TestPathTricks(t *testing.T) {
	s := serve(t, Options{Token: "a-long-token"})
	for _, path := range []string{
		"//livez", "/livez/", "/./livez", "/x/../livez", "/%6Civez", "/livez%2F", "/livez%00", "/LIVEZ", "/livez;x", "/.env",
		"/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/livez/../health", "/assets", "/assets/", "/assets/../health", "//health", "/health/", "/%68ealth", `/\health`, "/livez%2f..%2fhealth",
	} {
		if a := ask(t, s, "GET", path); a.Status != http.StatusNotFound || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	for _, path := range []string{"/livez?x=1", "/livez?"} {
		if a := ask(t, s, "GET", path); a.Status != http.StatusOK {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}

// A request with a body is refused at once: the server does not wait for the body.
func TestBodies(t *testing.T) {
	s := serve(t, Options{Limits: Limits{Read: time.Hour, Header: time.Hour}})
	for _, request := range []string{"GET /livez", "POST /livez", "POST /nothing", "GET //x"} {
		for _, head := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked", "Content-Length: 10\r\nExpect: 100-continue"} {
			c := dial(t, s)
			send(t, c, request+" HTTP/1.1\r\nHost: x\r\n"+head+"\r\n\r\n")
			want := map[string]string{"GET /livez": "HTTP/1.1 413", "POST /livez": "HTTP/1.1 405"}[request]
			if want == "" {
				want = "HTTP/1.1 404"
			}
			if said := ends(t, c); !strings.HasPrefix(said, want) {
				t.Errorf("%s with %s: %q", request, head, said)
			}
		}
	}
	if a := ask(t, s, "GET", "/livez", func(r *http.Request) { r.Header.Set("Content-Length", "0") }); a.Status != http.StatusOK {
		t.Errorf("an empty body: %d", a.Status)
	}
}

// A head that is too large is refused, whether it is one line or many.
func TestHugeHeads(t *testing.T) {
	s := serve(t, Options{})
	for name, head := range map[string]string{
		"one header":   "X: " + strings.Repeat("x", 64<<10),
		"many headers": strings.Repeat("X: y\r\n", 20<<10) + "Z: z",
	} {
		c := dial(t, s)
		send(t, c, "GET /livez HTTP/1.1\r\nHost: x\r\n"+head+"\r\n\r\n")
		if said := ends(t, c); said != "" && !strings.HasPrefix(said, "HTTP/1.1 431") {
			t.Errorf("%s: %q", name, said)
		}
	}
	c := dial(t, s)
	send(t, c, "GET /"+strings.Repeat("x", 64<<10)+" HTTP/1.1\r\nHost: x\r\n\r\n")
	if said := ends(t, c); said != "" && !strings.HasPrefix(said, "HTTP/1.1 4") {
		t.Errorf("a huge path: %q", said)
	}
}

// What is not HTTP is refused, and two requests cannot be smuggled as one.
func TestNotHTTP(t *testing.T) {
	s := serve(t, Options{})
	for _, text := range []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", // TLS
		"GET\r\n\r\n", "GET /livez\r\n\r\n", "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", "GET /livez HTTP/1.1\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		c := dial(t, s)
		send(t, c, text)
		if said := ends(t, c); strings.Contains(said, "200 OK") {
			t.Errorf("%q: %q", text, said)
		}
	}
}

// Given a client that sends its request byte by byte and never ends it, then it
// is cut off when its time is over, although it keeps sending.
func TestSlowlorisIsCutOff(t *testing.T) {
	s := serve(t, Options{Limits: Limits{Header: 50 * time.Millisecond, Read: 50 * time.Millisecond}})
	c := dial(t, s)
	send(t, c, "GET /livez HTTP/1.1\r\nHost: x\r\n")
	stop := make(chan struct{})
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	said := ends(t, c)
	close(stop)
	<-sending
	if strings.Contains(said, "200 OK") {
		t.Errorf("it was answered: %q", said)
	}
}

// A connection that asks nothing ends, before its first request and after.
func TestIdleConnectionsEnd(t *testing.T) {
	s := serve(t, Options{Limits: Limits{Header: 50 * time.Millisecond, Read: 50 * time.Millisecond, Idle: 50 * time.Millisecond}})
	ends(t, dial(t, s))
	c := dial(t, s)
	send(t, c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if said := ends(t, c); !strings.HasPrefix(said, "HTTP/1.1 200") {
		t.Errorf("got %q", said)
	}
}

// Given far more connections than the server holds, each with half a request
// and all the time in the world, then every probe is still answered at once,
// and no more connections are held than allowed.
func TestManySlowClientsDoNotStarveProbes(t *testing.T) {
	const conns = 2
	const most = conns * waitingFactor
	s := serve(t, Options{Limits: Limits{Conns: conns, Header: time.Hour, Read: time.Hour, Idle: time.Hour}})
	attack := make([]net.Conn, 0, 6*most)
	for range 6 * most {
		c := dial(t, s)
		send(t, c, "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		attack = append(attack, c)
		if len(attack)%most == 0 {
			if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
				t.Fatalf("after %d clients a probe gets %d", len(attack), a.Status)
			}
		}
	}
	for _, c := range attack[:len(attack)-2*most] { // the oldest have had to go
		ends(t, c)
	}
	s.conns.mu.Lock()
	defer s.conns.mu.Unlock()
	if n := len(s.conns.held); n > most {
		t.Errorf("%d connections are held", n)
	}
}

// Given far more clients than the server holds who send what is no request and stay,
// while the server still says so to the last of them, then every probe is answered.
func TestWhatIsNoRequestDoesNotStarveProbes(t *testing.T) {
	const conns = 2
	const most = conns * waitingFactor
	s := serve(t, Options{Limits: Limits{Conns: conns, Idle: time.Hour}})
	for _, nonsense := range []string{"GET /health HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", DefaultHeaderBytes*2) + "\r\n\r\n", "EHLO me\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /livez HTTP/9\r\nHost: x\r\n\r\n"} {
		for n := range 4 * most {
			send(t, dial(t, s), nonsense)
			if n%most != most-1 {
				continue
			}
			if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
				t.Errorf("after %d of %.20q a probe gets %d", n, nonsense, a.Status)
			}
		}
	}
}

// A connection at work is never the one that gives way; if all are at work, the
// newcomer does, unless it is a probe.
func TestBusyConnectionsAreKept(t *testing.T) {
	arrived, block := make(chan struct{}, 2), make(chan struct{})
	s := serve(t, Options{Limits: Limits{Conns: 2}, Bot: reading(func() health.Snapshot {
		arrived <- struct{}{}
		<-block
		return online().snap
	})})
	var busy []net.Conn
	for range 2 {
		c := dial(t, s)
		send(t, c, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		<-arrived
		busy = append(busy, c)
	}
	newcomer := dial(t, s)
	send(t, newcomer, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if said := ends(t, newcomer); !strings.HasPrefix(said, "HTTP/1.1 503") || !strings.Contains(said, "Retry-After: 5") {
		t.Errorf("the newcomer got %q", said)
	}
	if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
		t.Errorf("a probe gets %d", a.Status)
	}
	close(block)
	for _, c := range busy {
		if said := ends(t, c); !strings.HasPrefix(said, "HTTP/1.1 200") {
			t.Errorf("got %q", said)
		}
	}
}

// Given a request that is being answered and one that waits, when the server is
// stopped, then the first is answered, the second is closed, and nothing new is
// accepted.
func TestGracefulStop(t *testing.T) {
	arrived, block := make(chan struct{}), make(chan struct{})
	s, done, cancel := start(t, Options{Bot: reading(func() health.Snapshot {
		close(arrived)
		<-block
		return online().snap
	})})
	idle, busy := dial(t, s), dial(t, s)
	send(t, idle, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(idle).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q %v", line, err)
	}
	send(t, busy, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	cancel()
	ends(t, idle)
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		c.Close()
		t.Error("a new connection was accepted")
	}
	close(block)
	if said := ends(t, busy); !strings.HasPrefix(said, "HTTP/1.1 200") {
		t.Errorf("the running request got %q", said)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A request that does not end is cut off when the time for stopping is over.
func TestStopHasADeadline(t *testing.T) {
	arrived, block := make(chan struct{}), make(chan struct{})
	var log strings.Builder
	s, done, cancel := start(t, Options{Log: logTo(&log), Limits: Limits{Drain: 50 * time.Millisecond}, Bot: reading(func() health.Snapshot {
		close(arrived)
		<-block
		return health.Snapshot{}
	})})
	c := dial(t, s)
	send(t, c, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	cancel()
	if said := ends(t, c); said != "" {
		t.Errorf("got %q", said)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "cut off") {
		t.Errorf("the log says %s", log.String())
	}
	close(block)
}

// start runs a server whose end the test decides.
func start(t *testing.T, o Options) (*Server, <-chan error, context.CancelFunc) {
	t.Helper()
	o.Addr = "127.0.0.1:0"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, done, cancel
}
