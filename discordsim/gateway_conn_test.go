package discordsim

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Given gateway URLs right and wrong, when a client dials them, then
// discontinued versions get HTTP 400, unknown ones close with 4012, unknown
// encodings and compressions with 4002, and a missing version or encoding is
// recorded.
//
// Statements: S-004.
func TestGatewayURLs(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		for query, code := range map[string]int{
			"?v=10&encoding=json": 0, "?v=9&encoding=json": 0, "": 0, "?v=11&encoding=json": 4012, "?v=6&encoding=json": 4012, "?v=x&encoding=json": 4012,
			"?v=10&encoding=xml": 4002, "?v=10&encoding=json&compress=gzip": 4002, "?v=10&encoding=json&compress=zlib-stream": 0,
		} {
			c := sc.connect("ws://gateway.discord.sim/" + query)
			if code == 0 {
				c.op(10)
			} else {
				c.closedWith(code)
			}
		}
		if _, err := sc.try("ws://gateway.discord.sim/?v=5&encoding=json", &http.Client{Transport: sc.Transport()}); err == nil || !strings.HasPrefix(err.Error(), "400") {
			t.Errorf("version 5 gave %v", err)
		}
		sc.violations("G-006")
	})
}

// Given a connection from beginning to end, when the log is read, then it has
// each payload with time, direction, opcode and size, and who closed and how.
//
// Statements: S-001, S-008.
func TestConnectionLog(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		wait(3 * time.Second)
		c.send(1, 2)
		c.op(11)
		c.closeWith(4900)
		log := sc.newest()
		if log.App != sc.app.ID || !log.Base || log.Code != 4900 || !log.ByClient || log.Closed.Sub(log.Opened) != 3*time.Second {
			t.Errorf("the log says %+v", log)
		}
		want := []Frame{{Sent: true, Op: 10}, {Op: 2}, {Sent: true, Type: "READY", Seq: 1}, {Sent: true, Type: "GUILD_CREATE", Seq: 2}, {Op: 1}, {Sent: true, Op: 11}}
		for i, f := range log.Frames {
			if f.Sent != want[i].Sent || f.Op != want[i].Op || f.Type != want[i].Type || f.Seq != want[i].Seq || f.Size == 0 || f.At.IsZero() {
				t.Errorf("frame %d is %+v, want %+v", i, f, want[i])
			}
		}
		if len(log.Frames) != len(want) || log.Frames[4].Size != len(`{"d":2,"op":1}`) || log.Frames[4].At.Sub(log.Opened) != 3*time.Second {
			t.Errorf("the frames are %+v", log.Frames)
		}
		again := c.reconnectAndResume()
		again.event("RESUMED")
		if log = sc.newest(); log.Base || log.BaseResume || !log.Closed.IsZero() {
			t.Errorf("the log says %+v", log)
		}
		sc.inject(Fault{Name: "close", Code: 4000, Text: "because"})
		again.closedWith(4000)
		if log = sc.newest(); log.Code != 4000 || log.ByClient || log.Reason != "because" {
			t.Errorf("the log says %+v", log)
		}
		third := c.reconnectAndResume()
		third.drop()
		if log = sc.newest(); log.Code != 0 || !log.ByClient {
			t.Errorf("the log says %+v", log)
		}
		fourth := c.reconnectAndResume()
		fourth.event("RESUMED")
		sc.inject(Fault{Name: "cut"})
		fourth.closedWith(0)
		if log = sc.newest(); log.Code != 0 || log.ByClient || log.Closed.IsZero() {
			t.Errorf("the log says %+v", log)
		}
		if codes := sc.Verdict(sc.app).CloseCodes; len(codes) != 1 || codes[4900] != 1 {
			t.Errorf("the client's close codes are %v", codes)
		}
	})
}

// Given bounds for the log, when more happens, then the newest is kept, of each
// app by itself, and the count of dials stays right.
//
// Statements: S-008.
func TestLogIsBounded(t *testing.T) {
	cfg := patient
	cfg.LogConns, cfg.LogFrames = 3, 4
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		other := sc.AddApp(AppConfig{})
		kept := sc.identified(map[string]any{"token": other.Token})
		for range 5 {
			wait(5 * time.Second)
			c := sc.identified(nil)
			for range 10 {
				c.send(1, 1)
			}
			c.drop()
		}
		log := sc.Connections(sc.app)
		if len(log) != 3 || log[2].ID != 6 || len(log[2].Frames) != 4 || log[2].Beats != 10 {
			t.Errorf("the log is %+v", log)
		}
		if len(sc.Connections(other)) != 1 || len(sc.Connections(nil)) != 4 || sc.Verdict(sc.app).Dials != 5 {
			t.Errorf("%d connections of the other, %d dials", len(sc.Connections(other)), sc.Verdict(sc.app).Dials)
		}
		kept.drop()
	})
	cfg.LogFrames = -1
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		sc.identified(nil)
		if n := len(sc.newest().Frames); n != 0 {
			t.Errorf("%d frames were logged", n)
		}
	})
}

// Given WebSocket pings of the client, then they are answered, or not where
// that is switched off; and Discord sends some itself where that is switched on.
//
// Statements: S-010.
func TestPings(t *testing.T) {
	pong := func(c *client) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return c.ws.Ping(ctx)
	}
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		if err := pong(sc.identified(nil)); err != nil {
			t.Error(err)
		}
	})
	cfg := patient
	cfg.WebSocket.IgnorePings = true
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		if err := pong(c); err == nil {
			t.Error("a pong came")
		}
		c.event("GUILD_CREATE")
	})
	cfg = patient
	cfg.WebSocket.PingEvery = 10 * time.Second
	for _, answers := range []bool{true, false} {
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			pings := 0
			ws, _, err := websocket.Dial(context.Background(), inMemory, &websocket.DialOptions{
				HTTPClient:     &http.Client{Transport: sc.Transport()},
				OnPingReceived: func(context.Context, []byte) bool { pings++; return answers },
			})
			if err != nil {
				t.Fatal(err)
			}
			c := &client{sc: sc, t: t, ws: ws, http: &http.Client{}, got: make(chan packet, 100), limit: time.Minute}
			c.work.Go(func() { c.listen("") })
			c.op(10)
			wait(time.Minute + time.Second)
			c.send(1, nil)
			c.op(11)
			c.drop()
			if pings != 6 {
				t.Errorf("%d pings came in a minute", pings)
			}
		})
	}
}

// Given any close code a WebSocket can carry, when Discord closes with it, then
// the client gets it, at whatever state of the connection; those that stand for
// no close frame give none.
//
// Statements: S-061.
func TestServerCloses(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		codes := []int{1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 4000, 4001, 4014, 4321, 4999}
		for _, code := range append(codes, 1006, 1015) {
			c := sc.connect(inMemory)
			c.op(10)
			sc.inject(Fault{Name: "close", Code: code, Text: strings.Repeat("ö", 100)})
			want := map[int]int{1006: 0, 1015: 0}
			if _, frameless := want[code]; !frameless {
				want[code] = code
			}
			if reason := c.closedWith(want[code]); code != 1005 && want[code] != 0 && reason != strings.Repeat("ö", 61) {
				t.Errorf("%d came with the reason %q", code, reason)
			}
		}
		for _, code := range []int{-1, 1, 999, 1004, 1016, 2999, 5000} {
			for _, name := range []string{"close", "always-close"} {
				if _, err := sc.Inject(Fault{Name: name, Code: code}); err == nil {
					t.Errorf("%s with %d was accepted", name, code)
				}
			}
		}
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.inject(Fault{Name: "drop"}) // and without a close frame
		c.closedWith(0)
	})
}

// Given a session, when Discord closes its connection, then the code decides
// whether the session lives, unless the configuration says otherwise.
//
// Statements: S-062.
func TestWhatACloseDoesToTheSession(t *testing.T) {
	cfg := patient
	cfg.Session.KeepOn, cfg.Session.DropOn = []int{4009}, []int{4000, 1001}
	for code, kept := range map[int][2]bool{
		1000: {true, true}, 1001: {true, false}, 1006: {true, true}, 1011: {true, true}, 4000: {true, false}, 4001: {true, true}, 4002: {true, true},
		4003: {false, false}, 4004: {false, false}, 4005: {true, true}, 4007: {false, false}, 4008: {true, true}, 4009: {false, true}, 4014: {false, false}, 4321: {true, true},
	} {
		for i, cfg := range []Config{patient, cfg} {
			withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(nil)
				sc.inject(Fault{Name: "close", Code: code})
				c.closedWith(map[bool]int{true: 0, false: code}[code == 1006])
				if n := sc.Sessions(sc.app); (n == 1) != kept[i] {
					t.Errorf("after %d %d sessions are left, want it kept: %t", code, n, kept[i])
				}
			})
		}
	}
}

// Given a client that does not answer a close frame, then the connection is
// reset a little later.
//
// Statements: S-061.
func TestUnansweredClose(t *testing.T) {
	withClient(t, Config{WebSocket: WebSocketConfig{CloseWait: 3 * time.Second}}, AppConfig{}, func(sc *clientHarness) {
		conn, err := sc.DialContext(context.Background(), "tcp", "gateway.discord.sim:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.Write([]byte("GET /?v=10&encoding=json HTTP/1.1\r\nHost: gateway.discord.sim\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		sc.inject(Fault{Name: "close"})
		start := time.Now()
		for buf := make([]byte, 4096); err == nil; {
			_, err = conn.Read(buf)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// Given a client that reads nothing, when more waits for it than Discord keeps,
// then its connection is reset and the session can still be resumed.
//
// Statements: S-045.
func TestClientThatDoesNotRead(t *testing.T) {
	cfg := patient
	cfg.LinkWindow = 64 << 10
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		sc.identified(nil)
		sc.inject(Fault{Name: "half-open"})
		huge := map[string]any{"content": strings.Repeat("x", 20<<20)}
		for range 5 {
			sc.Emit(sc.app, nil, "HUGE", huge)
			wait(time.Second)
		}
		if log := sc.newest(); log.Closed.IsZero() || sc.Sessions(sc.app) != 1 || sc.Attached(sc.app) {
			t.Errorf("the log says %s, %d", log.Reason, sc.Sessions(sc.app))
		}
	})
}
