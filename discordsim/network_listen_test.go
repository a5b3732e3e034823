package discordsim

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim/internal/netsim"

	"github.com/coder/websocket"
)

// listening opens the simulator on loopback ports, with the real clock.
func listening(t *testing.T, cfg Config) (*Sim, *Listener, *http.Transport) {
	t.Helper()
	s := New(cfg)
	t.Cleanup(s.Close)
	l, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: nil}
	t.Cleanup(transport.CloseIdleConnections)
	return s, l, transport
}

// dialTCP opens a gateway connection on a port and reads HELLO.
func dialTCP(t *testing.T, s *Sim, transport *http.Transport, url string) *websocket.Conn {
	t.Helper()
	ws, _, err := upgrade(s, transport, strings.TrimSuffix(url, "/")+"/?v=10&encoding=json")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	if op := opcode(t, ws); op != 10 {
		t.Fatalf("op %d instead of HELLO", op)
	}
	return ws
}

func gatewayURLOf(l *Listener) string { return "ws://" + l.Addr().String() }

// Given a simulator on a port, when a client asks REST for the gateway and goes
// there and then to the resume gateway on its own port, then both greet it.
//
// Statements: S-001.
func TestReachableOnPorts(t *testing.T) {
	s, l, transport := listening(t, Config{})
	if s.APIURL() != l.APIURL() {
		t.Fatalf("the API is at %s, not %s", s.APIURL(), l.APIURL())
	}
	status, body, err := get(transport, s.APIURL()+"/gateway")
	if err != nil || status != 200 || !strings.Contains(body, `"`+gatewayURLOf(l)+`/"`) {
		t.Fatalf("%d %s %v", status, body, err)
	}
	base := dialTCP(t, s, transport, gatewayURLOf(l))
	sendHeartbeat(t, base)
	if op := opcode(t, base); op != 11 {
		t.Fatalf("op %d instead of a heartbeat ACK", op)
	}
	s.mu.Lock()
	resume := s.resumeURL(s.conns[s.lastConn].link)
	s.mu.Unlock()
	if resume != "ws://"+l.ResumeAddr().String() {
		t.Fatalf("the resume gateway is at %s", resume)
	}
	dialTCP(t, s, transport, resume)
	if log := s.Connections(nil); !log[0].Base || log[1].Base {
		t.Fatal("the log does not tell the gateways apart")
	}
	if status, _, _ := get(transport, "http://"+l.ResumeAddr().String()+"/api/v10/gateway"); status != http.StatusNotFound {
		t.Errorf("the resume gateway serves REST: %d", status)
	}
}

// Given gateway links on a port, when they are cut, dropped or closed with the
// port, then the client's kernel sees a reset, an end of stream and a reset.
func TestEndsOnPorts(t *testing.T) {
	s, l, transport := listening(t, Config{})
	ws := dialTCP(t, s, transport, gatewayURLOf(l))
	inject(t, s, Fault{Name: "cut"})
	if err := readError(ws); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut: %v", err)
	}
	ws = dialTCP(t, s, transport, gatewayURLOf(l))
	inject(t, s, Fault{Name: "drop"})
	if err := readError(ws); !errors.Is(err, io.EOF) {
		t.Errorf("drop: %v", err)
	}
	ws = dialTCP(t, s, transport, gatewayURLOf(l))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := readError(ws); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("closed port: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a dial to a closed port: %v", err)
	}
	if s.APIURL() != "http://discord.sim/api/v10" {
		t.Errorf("the API is still at %s", s.APIURL())
	}
}

// Given a client that goes away, cleanly or not, when its link is not frozen,
// then the simulator lets go of the link.
func TestClientLeavesPort(t *testing.T) {
	s, l, transport := listening(t, Config{})
	ws := dialTCP(t, s, transport, gatewayURLOf(l))
	_ = ws.Close(4000, "bye")
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	netsim.ResetTCP(raw.(*net.TCPConn))
	eventually(t, func() bool { return len(s.net.all()) == 0 })
}

// eventually polls what the operating system's network brings about and nothing
// can be waited for.
func eventually(t *testing.T, true func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for !true() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("it did not come about within ten seconds")
		}
	}
}

// Given latency and a stall on a port, when a client sends a heartbeat, then its
// ACK comes that much later.
func TestDelaysOnPorts(t *testing.T) {
	s, l, transport := listening(t, Config{Latency: 20 * time.Millisecond})
	ws := dialTCP(t, s, transport, gatewayURLOf(l))
	for _, least := range []time.Duration{40 * time.Millisecond, 100 * time.Millisecond} {
		start := time.Now()
		sendHeartbeat(t, ws)
		opcode(t, ws)
		if d := time.Since(start); d < least || d > least+5*time.Second {
			t.Errorf("the ACK took %s, want %s", d, least)
		}
		inject(t, s, Fault{Name: "stall", Delay: 100 * time.Millisecond})
	}
}

// Given a half-open link on a port, when the client sends, then nothing comes
// back, and the link ends when the client's side or the fault does.
//
// Statements: S-039.
func TestHalfOpenOnPort(t *testing.T) {
	s, l, transport := listening(t, Config{})
	first, second := dialTCP(t, s, transport, gatewayURLOf(l)), dialTCP(t, s, transport, gatewayURLOf(l))
	a := inject(t, s, Fault{Name: "half-open"})
	sendHeartbeat(t, first)
	nothingFor(t, first, 50*time.Millisecond)
	s.Lift(a)
	if err := readError(second); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	eventually(t, func() bool { return len(s.net.all()) == 0 })
}

// Given faults against new connections, when a client connects to a port, then
// its connection is reset, or hangs until the network is back and is dead then.
func TestRefusedOnPorts(t *testing.T) {
	s, l, transport := listening(t, Config{})
	for _, fault := range []Fault{{Name: "refuse"}, {Name: "unreachable"}, {Name: "dns", Host: "api"}, {Name: "tls"}} {
		a := inject(t, s, fault)
		if _, _, err := get(transport, l.APIURL()+"/gateway"); err == nil {
			t.Errorf("%s lets clients in", fault.Name)
		}
		s.Lift(a)
	}
	dead := inject(t, s, Fault{Name: "resume-dead"})
	if _, _, err := upgrade(s, transport, "ws://"+l.ResumeAddr().String()+"/?v=10&encoding=json"); err == nil {
		t.Error("resume-dead lets clients in")
	}
	s.Lift(dead)

	offline := inject(t, s, Fault{Name: "offline"})
	failed := make(chan error, 1)
	go func() {
		_, _, err := get(transport, l.APIURL()+"/gateway")
		failed <- err
	}()
	eventually(t, func() bool { return len(s.net.all()) == 1 })
	s.Lift(offline)
	if err := <-failed; err == nil {
		t.Error("a connection from before outlived the network")
	}
	if status, _, err := get(transport, l.APIURL()+"/gateway"); status != 200 {
		t.Errorf("after all faults: %d, %v", status, err)
	}
}

// Given many clients on a port, when all ask and connect at once, then each is
// answered.
func TestManyOnPort(t *testing.T) {
	s, l, _ := listening(t, Config{REST: RESTConfig{GlobalLimit: -1}})
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for range 5 {
				if status, body, err := get(transport, l.APIURL()+"/gateway"); status != 200 {
					t.Errorf("%d %q %v", status, body, err)
				}
			}
			ws, _, err := upgrade(s, transport, gatewayURLOf(l)+"/?v=10&encoding=json")
			if err != nil {
				t.Error(err)
				return
			}
			defer ws.CloseNow()
			if _, raw, err := ws.Read(t.Context()); err != nil {
				t.Errorf("no HELLO but %q, %v", raw, err)
			}
		})
	}
	all.Wait()
}

// Given an address that other machines could reach, when the simulator shall
// listen there, then it refuses unless that is said to be wanted.
func TestListenRefusesPublicAddresses(t *testing.T) {
	s := New(Config{})
	defer s.Close()
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.com:80", "8080"} {
		if l, err := s.Listen(addr); err == nil {
			_ = l.Close()
			t.Errorf("it listens on %q", addr)
		}
	}
	l, err := s.ListenAnywhere("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Listen(l.Addr().String())
	if err == nil {
		_ = second.Close()
		t.Error("two listeners share a port")
	}
}

// Given a simulator on a port, then heartbeats are answered as late as Discord would at the
// soonest, unless the configuration says otherwise.
//
// Statements: S-034.
func TestHeartbeatsOnAPortAreAnsweredAsFromAfar(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{0: portACKDelay, time.Second: time.Second, -1: -1} {
		s := New(Config{Heartbeat: HeartbeatConfig{ACKDelay: configured}})
		defer s.Close()
		if _, err := s.Listen("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if got := s.Config().Heartbeat.ACKDelay; got != want {
			t.Errorf("configured as %s it is %s, want %s", configured, got, want)
		}
	}
}
