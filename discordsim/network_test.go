package discordsim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

const inMemory = "ws://gateway.discord.sim/?v=10&encoding=json"

// inSimBubble runs a story in virtual time against a simulator of its own. That
// the bubble ends shows that closing leaves no goroutine.
func inSimBubble(t *testing.T, cfg Config, story func(t *testing.T, s *Sim)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(cfg)
		defer s.Close()
		story(t, s)
	})
}

// took checks how long something takes.
func took(t *testing.T, want time.Duration, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if got := time.Since(start); got != want {
		t.Fatalf("took %s, want %s", got, want)
	}
}

func inject(t *testing.T, s *Sim, f Fault) *Active {
	t.Helper()
	a, err := s.Inject(f)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// upgrade opens a WebSocket through a transport.
func upgrade(s *Sim, transport http.RoundTripper, url string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
}

// awaitHello opens a gateway connection in memory and reads HELLO.
func awaitHello(t *testing.T, s *Sim, url string) *websocket.Conn {
	t.Helper()
	ws, _, err := upgrade(s, s.Transport(), url)
	if err != nil {
		t.Fatal(err)
	}
	if op := opcode(t, ws); op != 10 {
		t.Fatalf("op %d instead of HELLO", op)
	}
	return ws
}

func opcode(t *testing.T, ws *websocket.Conn) int {
	t.Helper()
	_, raw, err := ws.Read(context.Background())
	var payload struct{ Op int }
	if err != nil || json.Unmarshal(raw, &payload) != nil {
		t.Fatalf("no payload but %q, %v", raw, err)
	}
	return payload.Op
}

func sendHeartbeat(t *testing.T, ws *websocket.Conn) {
	t.Helper()
	if err := ws.Write(context.Background(), websocket.MessageText, []byte(`{"op":1,"d":null}`)); err != nil {
		t.Fatal(err)
	}
}

// awaitACK checks that a heartbeat is answered, and how soon.
func awaitACK(t *testing.T, ws *websocket.Conn, want time.Duration) {
	t.Helper()
	took(t, want, func() {
		sendHeartbeat(t, ws)
		if op := opcode(t, ws); op != 11 {
			t.Fatalf("op %d instead of a heartbeat ACK", op)
		}
	})
}

// readError reads until the connection fails and gives the error.
func readError(ws *websocket.Conn) error {
	defer ws.CloseNow()
	for {
		if _, _, err := ws.Read(context.Background()); err != nil {
			return err
		}
	}
}

// nothingFor checks that nothing comes for a while, not even an end.
func nothingFor(t *testing.T, ws *websocket.Conn, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if _, raw, err := ws.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%q, %v came where nothing should", raw, err)
	}
}

func get(transport http.RoundTripper, url string) (status int, body string, err error) {
	req, _ := http.NewRequest(http.MethodGet, url, nil)
	req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// Given a simulator in memory, when a client asks REST for the gateway and goes
// there, and then to the resume gateway, then both greet it, and the log tells
// them apart.
//
// Statements: S-001.
func TestReachableInMemory(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		status, body, err := get(s.Transport(), s.APIURL()+"/gateway")
		var where struct{ URL string }
		if err != nil || status != 200 || json.Unmarshal([]byte(body), &where) != nil || where.URL == "" {
			t.Fatalf("%d %s %v", status, body, err)
		}
		base := awaitHello(t, s, where.URL+"?v=10&encoding=json")
		defer base.CloseNow()
		resume := awaitHello(t, s, s.resumeURL(nil)+"?v=10&encoding=json")
		defer resume.CloseNow()
		log := s.Connections(nil)
		if len(log) != 2 || !log[0].Base || log[1].Base {
			t.Fatalf("the log does not tell the gateways apart: %+v", log)
		}
	})
}

// Given a simulator in memory, when a client asks for what is not there, then
// each answer is the proper one.
func TestUnknownHosts(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		for url, want := range map[string]int{
			"http://gateway.discord.sim/":                  http.StatusUpgradeRequired,
			"http://gateway.discord.sim/other":             http.StatusNotFound,
			"http://gateway.discord.sim/api/v10/gateway":   http.StatusNotFound,
			"http://resume.discord.sim:80/api/v10/gateway": http.StatusNotFound,
			"http://discord.sim/index.html":                http.StatusNotFound,
		} {
			if status, body, err := get(s.Transport(), url); status != want {
				t.Errorf("%s: %d %q %v, want %d", url, status, body, err, want)
			}
		}
		_, err := s.DialContext(t.Context(), "tcp", "example.com:443")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
			t.Errorf("an unknown host: %v", err)
		}
		if _, err := s.DialContext(t.Context(), "udp", "discord.sim:80"); err == nil {
			t.Error("there is no UDP")
		}
	})
}

// Given latency, when a client connects and speaks, then the dial takes a round
// trip, and so does every answer.
func TestLatencyOfDialAndAnswer(t *testing.T) {
	inSimBubble(t, Config{Latency: 100 * time.Millisecond}, func(t *testing.T, s *Sim) {
		took(t, 200*time.Millisecond, func() {
			c, err := s.DialContext(t.Context(), "tcp", "gateway.discord.sim:443")
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		})
		var ws *websocket.Conn
		// HELLO follows the answer to the upgrade without a pause.
		took(t, 400*time.Millisecond, func() { ws = awaitHello(t, s, inMemory) })
		defer ws.CloseNow()
		awaitACK(t, ws, 200*time.Millisecond)
	})
}

// Given a thousand shards in memory, when each sends a heartbeat, then each gets
// its ACK, and closing leaves nothing behind.
func TestThousandConnections(t *testing.T) {
	inSimBubble(t, Config{Heartbeat: HeartbeatConfig{Interval: time.Hour}}, func(t *testing.T, s *Sim) {
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				ws := awaitHello(t, s, inMemory)
				awaitACK(t, ws, 0)
				if err := readError(ws); err == nil {
					t.Error("the connection never ended")
				}
			})
		}
		synctest.Wait()
		if n := len(s.net.all()); n != 1000 {
			t.Errorf("%d links", n)
		}
		s.Close()
		all.Wait()
		if n := len(s.net.all()); n != 0 {
			t.Errorf("%d links are left", n)
		}
	})
}

// Given a client that dials while there is no network, one whose upgrade is
// never answered and one that is idle, when the simulator closes, then all of
// them are told at once.
func TestCloseUnblocksAll(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		idle := s.Transport()
		if _, _, err := get(idle, s.APIURL()+"/gateway"); err != nil {
			t.Fatal(err)
		}
		inject(t, s, Fault{Name: "offline", Host: "resume"})
		inject(t, s, Fault{Name: "upgrade-stall", Host: "gateway"})
		errs := make(chan error, 2)
		go func() { _, err := s.DialContext(context.Background(), "tcp", "resume.discord.sim:80"); errs <- err }()
		go func() {
			_, _, err := upgrade(s, s.Transport(), inMemory)
			errs <- err
		}()
		synctest.Wait()
		s.Close()
		for range 2 {
			if err := <-errs; err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		if _, err := s.DialContext(t.Context(), "tcp", "discord.sim:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a dial after closing: %v", err)
		}
		if _, err := s.Listen("127.0.0.1:0"); err == nil {
			t.Error("a closed simulator listens")
		}
	})
}
