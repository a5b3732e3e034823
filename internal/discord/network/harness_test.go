package network

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// discord is the name under which the fake Discord is known. Only clients that
// resolve it here, or ask the fake proxy, get there: what is on loopback is
// never proxied.
const discord = "discord.test"

// fakeResolver is a resolver that knows what stands in it.
type fakeResolver struct {
	mu    sync.Mutex
	found []netip.Addr
	err   error
	hangs bool
	asked int
}

func (b *fakeResolver) set(err error, found ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err, b.found = err, nil
	for _, one := range found {
		b.found = append(b.found, netip.MustParseAddr(one))
	}
}

func (b *fakeResolver) hang(hangs bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hangs = hangs
}

func (b *fakeResolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	b.mu.Lock()
	b.asked++
	found, err, hangs := b.found, b.err, b.hangs
	b.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, err
}

// fakeNetwork is a simulated Discord on a port, plain and behind TLS.
type fakeNetwork struct {
	sim         *discordsim.Sim
	app         *discordsim.App
	plain, safe string // host:port on loopback
	trust       *tls.Config
}

func newFakeNetwork(t *testing.T) *fakeNetwork {
	t.Helper()
	sim := discordsim.New(discordsim.Config{})
	t.Cleanup(sim.Close)
	s := &fakeNetwork{sim: sim, app: sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{sim.AddGuild("one")}})}
	listener, err := sim.Listen("127.0.0.1:0")
	must(t, err)
	s.plain = listener.Addr().String()

	// The certificate of the standard library's test server is for example.com.
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	certificate := server.TLS.Certificates[0]
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	server.Close()
	s.trust = &tls.Config{RootCAs: pool, ServerName: "example.com"}
	safe, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	must(t, err)
	s.safe = safe.Addr().String()
	serve(t, safe, func(c net.Conn) { relay(c, c, s.plain) })
	return s
}

// serve handles connections until the test ends.
func serve(t *testing.T, listener net.Listener, handle func(net.Conn)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				defer func() { _ = c.Close() }()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

// relay carries bytes between a client and an address until one of them ends.
func relay(from io.Reader, back net.Conn, to string) {
	there, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = there.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(there, from)
		_ = there.Close()
	}()
	_, _ = io.Copy(back, there)
	_ = back.Close()
	<-done
}

// proxy is a proxy that knows where discord.test is.
type proxy struct {
	addr  string
	login string // user:password it wants, or empty
	deny  bool
	s     *fakeNetwork

	mu   sync.Mutex
	seen []string // what was asked for
}

func (p *proxy) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, what)
}

func (p *proxy) asked() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.seen, "\n")
}

// target is where a name leads: TLS on 443, plain on 80 and all else.
func (p *proxy) target(address string) string {
	host, port, _ := net.SplitHostPort(address)
	switch {
	case host != discord:
		return address
	case port == "443":
		return p.s.safe
	}
	return p.s.plain
}

func (s *fakeNetwork) httpProxy(t *testing.T, p *proxy) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p.addr, p.s = listener.Addr().String(), s
	serve(t, listener, func(c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		p.note(r.Method + " " + r.Host)
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.login))
		switch {
		case p.login != "" && r.Header.Get("Proxy-Authorization") != want:
			_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		case p.deny:
			_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		case r.Method == http.MethodConnect:
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			relay(in, c, p.target(r.Host))
		default:
			r.Header.Del("Proxy-Authorization")
			var head bytes.Buffer
			fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.Host)
			_ = r.Header.Write(&head)
			head.WriteString("\r\n")
			relay(io.MultiReader(&head, in), c, p.target(net.JoinHostPort(r.URL.Hostname(), "80")))
		}
	})
	return p
}

// socksProxy speaks as much SOCKS5 as is needed: no login or one by name, and
// CONNECT to a name.
func (s *fakeNetwork) socksProxy(t *testing.T, p *proxy) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p.addr, p.s = listener.Addr().String(), s
	serve(t, listener, func(c net.Conn) {
		in := bufio.NewReader(c)
		take := func(n byte) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(in, b)
			return b
		}
		methods := take(take(2)[1])
		if p.login == "" {
			_, _ = c.Write([]byte{5, 0})
		} else {
			if !bytes.Contains(methods, []byte{2}) {
				_, _ = c.Write([]byte{5, 0xff})
				return
			}
			_, _ = c.Write([]byte{5, 2})
			user := take(take(2)[1])
			password := take(take(1)[0])
			if string(user)+":"+string(password) != p.login {
				_, _ = c.Write([]byte{1, 1})
				return
			}
			_, _ = c.Write([]byte{1, 0})
		}
		if kind := take(4)[3]; kind != 3 {
			return // an address, not a name
		}
		host := string(take(take(1)[0]))
		port := binary.BigEndian.Uint16(take(2))
		address := net.JoinHostPort(host, fmt.Sprint(port))
		p.note("SOCKS " + address)
		if p.deny {
			_, _ = c.Write([]byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		relay(in, c, p.target(address))
	})
	return p
}

// transports makes a Network that trusts the fake certificate, and returns its two transports.
func transports(t *testing.T, o Options, trust *tls.Config) (rest, ws http.RoundTripper, n *Network) {
	t.Helper()
	n, err := New(o)
	must(t, err)
	r, g := n.REST().(*proxyTransport), n.Gateway().(*proxyTransport)
	r.transport.TLSClientConfig, g.transport.TLSClientConfig = trust.Clone(), trust.Clone()
	t.Cleanup(func() {
		r.CloseIdleConnections()
		g.CloseIdleConnections()
		n.Close()
	})
	return r, g, n
}

// get asks the API for the gateway's address.
func get(t *testing.T, rest http.RoundTripper, scheme string) error {
	t.Helper()
	client := &http.Client{Transport: rest, Timeout: 20 * time.Second}
	answer, err := client.Get(scheme + "://" + discord + "/api/v10/gateway")
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "url")) {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return err
}

// hello opens a WebSocket and waits for what Discord says first.
func hello(t *testing.T, ws http.RoundTripper, scheme string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	socket, err := gateway.WebSocketDialer{Transport: ws}.Dial(ctx, scheme+"://"+discord+"/?v=10&encoding=json")
	if err != nil {
		return err
	}
	defer socket.Drop()
	message, _, _, err := socket.Read(nil, 1<<16, func(int) {})
	if err == nil && !strings.Contains(string(message), "heartbeat_interval") {
		err = errors.New("not HELLO: " + string(message))
	}
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
