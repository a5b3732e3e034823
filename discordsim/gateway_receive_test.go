package discordsim

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// padded is a heartbeat of exactly so many bytes.
func padded(size int) string {
	const frame = `{"op":1,"d":null,"x":""}`
	return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
}

// Given the limit of 4096 bytes, or another one or none, when a client sends
// exactly as many, then that is read, and one more closes with 4002.
//
// Statements: S-011.
func TestPayloadLimit(t *testing.T) {
	for limit, most := range map[int]int{0: 4096, 15_360: 15_360, -1: maxRead} {
		cfg := patient
		cfg.Limits.PayloadBytes = limit
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			c.raw(padded(most))
			c.op(11)
			c.raw(padded(most + 1))
			c.closedWith(4002)
			sc.violations("G-103")
			if n := sc.Sessions(sc.app); n != 1 {
				t.Errorf("limit %d: %d sessions are left", limit, n)
			}
		})
	}
}

// Given a client that never stops sending one message, then what is read of it
// is bounded and closed with 4002.
//
// Statements: S-011.
func TestEndlessMessage(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		w, err := c.ws.Writer(context.Background(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if _, err = w.Write(make([]byte, 100_000)); err != nil {
				break
			}
		}
		c.closedWith(4002)
		sc.violations("G-103")
	})
}

// Given what is no payload, when a client sends it, then it is closed with
// 4002.
//
// Statements: S-012.
func TestUndecodable(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		for _, text := range []string{`{`, ``, `[]`, `7`, `null`, `{}`, `{"op":null}`, `{"op":"1"}`, `{"op":1.5}`, `{"op":1}{}`, "\xff"} {
			c := sc.connect(inMemory)
			c.op(10)
			c.raw(text)
			c.closedWith(4002)
		}
		c := sc.connect(inMemory)
		c.op(10)
		if err := c.ws.Write(context.Background(), websocket.MessageBinary, []byte(`{"op":1,"d":null}`)); err != nil {
			t.Fatal(err)
		}
		c.closedWith(4002)
		for _, v := range sc.Verdict(sc.app).Violations {
			if v.Statement != "S-012" || v.App != 0 {
				t.Errorf("unexpected: %+v", v)
			}
		}
	})
}

// Given the limit of 120 payloads in 60 s, when a client sends 120 and rests,
// then it may go on; the 121st within a minute closes with 4008, and a new
// connection counts anew.
//
// Statements: S-013.
func TestSendLimit(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil) // IDENTIFY counts
		for range 119 {
			c.send(1, 1)
			wait(100 * time.Millisecond)
		}
		wait(57 * time.Second) // the window slides over the first ones
		for range 90 {
			c.send(1, 1)
		}
		wait(0)
		sc.violations()
		c.flood(40)
		c.closedWith(4008)
		sc.violations("G-099")
		next := c.reconnectAndResume()
		for range 119 {
			next.send(1, 1)
		}
		next.event("RESUMED")
		if max := sc.Verdict(sc.app).MaxSends; max != 121 {
			t.Errorf("the most in one window were %d", max)
		}
	})
}

// Given a fixed window, when a client sends many payloads around its end, then
// each window is counted by itself; in a sliding one that is too many.
//
// Statements: S-013.
func TestSendWindow(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		cfg := patient
		cfg.Limits.FixedSendWindow, cfg.Limits.Sends, cfg.Limits.SendWindow = fixed, 10, 10*time.Second
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			c := sc.connect(inMemory)
			c.op(10)
			c.send(1, nil) // the window begins
			wait(9 * time.Second)
			for range 9 {
				c.send(1, nil)
			}
			wait(time.Second)
			c.flood(9)
			if !fixed {
				c.closedWith(4008)
				return
			}
			for range 19 {
				c.op(11)
			}
			c.send(1, nil)
			c.op(11)
			c.flood(1)
			c.closedWith(4008)
		})
	}
}

// Given a live client, when it sends an opcode nobody knows or that only
// Discord sends, then it is closed with 4001.
//
// Statements: S-014.
func TestUnknownOpcodes(t *testing.T) {
	for _, op := range []int{0, 5, 7, 9, 10, 11, 12, 14, 37, -1, 99, 1 << 40} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			c.send(op, nil)
			c.closedWith(4001)
			sc.violations("S-014")
			early := sc.connect(inMemory)
			early.op(10)
			early.send(op, nil)
			early.closedWith(4001)
		})
	}
}

// Given a client without a session, when it sends anything but a heartbeat,
// IDENTIFY or RESUME, then it is closed with 4003, also while its IDENTIFY
// waits and after op 9.
//
// Statements: S-015.
func TestNotAuthenticated(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		for _, op := range []int{3, 4, 8, 31, 43} {
			c := sc.connect(inMemory)
			c.op(10)
			c.send(op, map[string]any{})
			c.closedWith(4003)
		}
		invalid := sc.identified(nil)
		sc.inject(Fault{Name: "op9-false"})
		invalid.send(4, map[string]any{})
		invalid.closedWith(4003)
		wait(5 * time.Second)
		sc.inject(Fault{Name: "no-ready", Count: 1})
		swallowed := sc.identify(nil)
		swallowed.send(4, map[string]any{})
		swallowed.closedWith(4003)
		sc.violations("G-104")
	})
}

// Given a payload that is on its way when op 9 takes the session, when the two pass
// each other, then nobody is to blame; what is sent after op 9 has come is.
func TestPayloadPassesOp9(t *testing.T) {
	cfg := patient
	cfg.Latency = 30 * time.Millisecond
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.send(3, map[string]any{"since": nil, "activities": []any{}, "status": "idle", "afk": false})
		sc.inject(Fault{Name: "op9-false"})
		c.op(9)
		wait(time.Second)
		sc.violations()
		c.send(3, map[string]any{"since": nil, "activities": []any{}, "status": "idle", "afk": false})
		c.closedWith(4003)
		sc.violations("G-104")
	})
}

// Given a known opcode, when its d is malformed, then IDENTIFY, RESUME and
// presence close with 4002 and the others with 4001.
//
// Statements: S-018.
func TestMalformedData(t *testing.T) {
	for _, wrong := range []struct {
		op   int
		d    any
		code int
	}{
		{8, map[string]any{"guild_id": "1"}, 4001}, {8, map[string]any{"query": ""}, 4001}, {8, []int{1}, 4001}, {8, map[string]any{"guild_id": "x", "query": ""}, 4001},
		{31, map[string]any{"guild_ids": "all"}, 4001}, {43, map[string]any{"guild_id": []int{}}, 4001}, {8, map[string]any{"guild_id": []string{"1", "2"}, "query": ""}, 4001}, {3, []int{}, 4002}, {3, nil, 4002},
	} {
		t.Run(fmt.Sprint(wrong.op, " ", wrong.d), func(t *testing.T) {
			withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(nil)
				c.send(wrong.op, wrong.d)
				c.closedWith(wrong.code)
			})
		})
	}
	for _, d := range []any{nil, 1, map[string]any{}, map[string]any{"token": "x", "session_id": "y"}, map[string]any{"token": "x", "session_id": "y", "seq": "1"},
		map[string]any{"token": "x", "session_id": 1, "seq": 1}, map[string]any{"token": "x", "session_id": "y", "seq": nil}} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			c := sc.connect(inMemory)
			c.op(10)
			c.send(6, d)
			c.closedWith(4002)
		})
	}
}

// Given a slow network, when a client sends before READY can have reached it, or
// without HELLO, then that is recorded although nothing else shows it.
func TestPayloadBeforeReady(t *testing.T) {
	cfg := patient
	cfg.Latency = 100 * time.Millisecond
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		hasty := sc.identify(nil)
		wait(190 * time.Millisecond)
		hasty.send(4, map[string]any{})
		wait(time.Second)
		sc.violations("G-104")
		sc.inject(Fault{Name: "no-hello"})
		sc.connect(inMemory).send(1, nil)
		wait(time.Second)
		sc.violations("G-014", "G-104")
	})
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		sc.identified(nil).send(4, map[string]any{})
		wait(time.Second)
		sc.violations()
	})
}
