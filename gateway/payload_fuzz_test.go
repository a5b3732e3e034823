package gateway

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// fakeSink is a sink that only listens.
type fakeSink struct {
	dispatched, skips int
	broken            bool // a payload was no JSON
}

func (e *fakeSink) dispatch(*conn, envelope, time.Time) { e.dispatched++ }
func (e *fakeSink) ready(_ *conn, env envelope, _ time.Time) (readyData, error) {
	return parseReady(env.d)
}
func (e *fakeSink) resumed(*conn, envelope, time.Time) int { return 0 }
func (e *fakeSink) unwanted(Opcode, []byte) bool           { return false }
func (e *fakeSink) skipped(PayloadSkipped)                 { e.skips++ }
func (e *fakeSink) malformed(int64) bool                   { e.broken = true; return false }

// noopSocket has nothing to say.
type noopSocket struct{ Socket }

func (noopSocket) Drop() {}

// newTestConn is a connection that nobody reads, for payloads by hand.
func newTestConn() (*conn, *fakeSink) {
	e := &fakeSink{}
	c := &conn{sock: noopSocket{}, sink: e, count: &counters{}, signals: make(chan signal, 16), ended: make(chan struct{})}
	return c, e
}

// Whatever payload comes, it is taken for one thing, or costs itself, or is no
// JSON: nothing else, and nothing fails. Only a plain true makes an op 9
// resumable.
// Statements: G-086, G-087, G-109, G-111.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{
		`{"op":9,"d":true}`, `{"op":9,"d":false}`, `{"op":9,"d":null}`, `{"op":9,"d":"true"}`, `{"op":9,"d":1}`, `{"op":9}`, `{"op":9,"d": true }`, `{"op":9,"d":[true]}`,
		`{"op":10,"d":{"heartbeat_interval":41250}}`, `{"op":10,"d":{"heartbeat_interval":"soon"}}`, `{"op":10,"d":{"heartbeat_interval":-1}}`, `{"op":10}`,
		`{"op":0,"t":"READY","s":1,"d":{"session_id":"a","resume_gateway_url":"wss://x","user":{"id":"1"}}}`, `{"op":0,"t":"READY","s":1,"d":[]}`,
		`{"op":0,"t":"RESUMED","s":9,"d":{}}`, `{"op":0,"t":null,"s":-7,"d":null}`, `{"op":1,"d":251}`, `{"op":7,"d":null}`, `{"op":11}`, `{"op":4711,"d":{}}`, `{"op":"x"}`,
		`{"op":-1}`, `[]`, `null`, ``, `{`, "\xff\xfe", `{"d":{},"s":1e9,"t":"X","op":0.0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, e := newTestConn()
		goesOn := c.handlePayload(raw, int64(len(raw)))
		heard := len(c.signals)
		if heard+e.dispatched+e.skips > 1 {
			t.Fatalf("%q was taken for %d signals, %d events and %d mistakes", raw, heard, e.dispatched, e.skips)
		}
		if goesOn == e.broken {
			t.Fatalf("%q: no JSON %t, yet the connection goes on: %t", raw, e.broken, goesOn)
		}
		var strict struct {
			Op *int            `json:"op"`
			D  json.RawMessage `json:"d"`
		}
		if json.Unmarshal(raw, &strict) == nil && json.Valid(raw) && e.broken && len(raw) > 0 && raw[0] == '{' {
			t.Fatalf("%q is JSON and was taken for none", raw)
		}
		if heard == 0 {
			return
		}
		switch s := <-c.signals; s.kind {
		case sigInvalidSession:
			env, err := scanEnvelope(raw, nil)
			if s.resumable != (err == nil && string(env.d) == "true") {
				t.Fatalf("%q: resumable %t", raw, s.resumable)
			}
		case sigHello:
			if s.interval < minInterval || s.interval > maxInterval {
				t.Fatalf("%q: an interval of %s", raw, s.interval)
			}
		case sigReady:
			if s.ready.SessionID == "" {
				t.Fatalf("%q: READY without a session", raw)
			}
		}
	})
}

// Given a payload of which only the beginning was kept, then what stands there
// counts: an event is counted by its number, and neither costs the connection.
func TestBeginningOfAHugePayload(t *testing.T) {
	for _, c := range []struct {
		kept       string
		dispatched int
	}{
		{`{"t":"GUILD_CREATE","s":7,"op":0,"d":{"id":"1","name":"`, 1},
		{`{"t":"GUILD_CREATE","op":0,"d":{"id":"1","name":"`, 0},
		{`{"op":11,"d":"`, 0},
		{`{"`, 0},
	} {
		conn, e := newTestConn()
		if !conn.handlePayload([]byte(c.kept), 1<<30) || e.broken || e.skips != 1 || e.dispatched != c.dispatched {
			t.Errorf("%s: %d events, %d mistakes, no JSON %t", c.kept, e.dispatched, e.skips, e.broken)
		}
	}
}

// Given text that is no JSON, then the connection ends for it.
// Statements: G-118.
func TestNoJSONEndsTheConnection(t *testing.T) {
	c, _ := newTestConn()
	if c.handlePayload([]byte(`<html>`), 6) {
		t.Fatal("the connection goes on")
	}
	<-c.ended
	if c.reason.Kind != ReasonMalformed || errors.Is(c.reason.Err, errStarved) {
		t.Errorf("it ended by %v", c.reason)
	}
}
