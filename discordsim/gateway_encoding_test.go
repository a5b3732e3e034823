package discordsim

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/coder/websocket"

	"evergreen/discordsim/internal/etf"
)

// Given a client that has asked for encoding=etf, when it identifies in ETF, then HELLO and
// READY come in ETF; and a payload in JSON closes with 4002.
//
// Statements: S-004.
func TestETF(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		transport := sc.Transport()
		defer transport.CloseIdleConnections()
		ws, _, err := upgrade(sc.Sim, transport, "ws://gateway.discord.sim/?v=10&encoding=etf")
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		ws.SetReadLimit(-1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		next := func() (p packet) {
			t.Helper()
			kind, raw, err := ws.Read(ctx)
			if err != nil || kind != websocket.MessageBinary {
				t.Fatalf("got a message of the kind %v (%v), want binary", kind, err)
			}
			text, err := etf.ToJSON(raw)
			if err == nil {
				err = json.Unmarshal(text, &p)
			}
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := next(); p.Op != 10 {
			t.Fatalf("op %d instead of HELLO", p.Op)
		}
		identify, err := etf.FromJSON(marshal(map[string]any{"op": 2, "d": map[string]any{"token": sc.app.Token, "intents": 1, "properties": map[string]any{"os": "a", "browser": "b", "device": "c"}}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := ws.Write(ctx, websocket.MessageBinary, identify); err != nil {
			t.Fatal(err)
		}
		if p := next(); p.T != "READY" {
			t.Fatalf("got %s, want READY", p.T)
		}
		if err := ws.Write(ctx, websocket.MessageText, []byte(`{"op":1,"d":1}`)); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, _, err = ws.Read(ctx)
		}
		if code := websocket.CloseStatus(err); code != 4002 {
			t.Errorf("JSON ended with %d (%v), want 4002", code, err)
		}
	})
}
