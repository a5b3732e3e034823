package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"evergreen/internal/bounds"
)

// noopSocket has nothing to say.
type noopSocket struct{ Socket }

func (noopSocket) Drop() {}

// newTestConn is a connection that nothing reads, for payloads by hand. Its shard has
// a session and wants these events, or with none named every one.
func newTestConn(t *testing.T, events ...string) *conn {
	t.Helper()
	s, err := New(Options{
		Credentials: Credentials{Token: "t"}, URLSource: FixedURL("ws://x"), APIURL: "http://x", Handler: HandlerFunc(func(context.Context, Event) {}), Events: events,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(s, noopSocket{}, "ws://x")
	s.seq.attach(c, false)
	s.seq.beginSession(Session{ID: "a", ResumeURL: "ws://x", Seq: 1}, newNumbering(1))
	return c
}

// effect is what one payload came to.
type effect struct {
	goesOn           bool // the connection does
	signals, skipped int
	events           int  // dispatches but READY and RESUMED
	notJSON          bool // the connection ended for it
	signal           signal
}

func effectOf(c *conn, raw []byte, size int64) effect {
	e := effect{goesOn: c.handlePayload(raw, size)}
	count := &c.shard.count
	e.signals, e.events, e.skipped = len(c.signals), int(count.received.Load()), int(count.skipped.Load())
	if e.signals > 0 {
		if e.signal = <-c.signals; e.signal.kind == sigReady || e.signal.kind == sigResumed {
			e.events--
		}
	}
	select {
	case <-c.ended:
		e.notJSON = c.reason.Kind == ReasonMalformed
		e.skipped--
	default:
	}
	return e
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
		e := effectOf(newTestConn(t), raw, int64(len(raw)))
		if e.signals+e.events+e.skipped > 1 || e.events < 0 || e.skipped < 0 {
			t.Fatalf("%q was taken for %d signals, %d events and %d mistakes", raw, e.signals, e.events, e.skipped)
		}
		if e.goesOn == e.notJSON {
			t.Fatalf("%q: not JSON %t, yet the connection goes on: %t", raw, e.notJSON, e.goesOn)
		}
		var strict struct {
			Op *int            `json:"op"`
			D  json.RawMessage `json:"d"`
		}
		if json.Unmarshal(raw, &strict) == nil && json.Valid(raw) && e.notJSON && len(raw) > 0 && raw[0] == '{' {
			t.Fatalf("%q is JSON and was taken for none", raw)
		}
		if e.signals == 0 {
			return
		}
		switch s := e.signal; s.kind {
		case sigInvalidSession:
			env, err := scanEnvelope(raw, nil)
			if s.resumable != (err == nil && string(env.d) == "true") {
				t.Fatalf("%q: resumable %t", raw, s.resumable)
			}
		case sigHello:
			if !bounds.HeartbeatInterval.Has(s.interval) {
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
		{`{"s":7,"op":11,"d":"`, 0},
		{`{"`, 0},
	} {
		e := effectOf(newTestConn(t), []byte(c.kept), 1<<30)
		if !e.goesOn || e.notJSON || e.skipped != 1 || e.events != c.dispatched {
			t.Errorf("%s: %d events, %d mistakes, not JSON %t", c.kept, e.events, e.skipped, e.notJSON)
		}
	}
}

// Given text that is no JSON, then the connection ends for it.
// Statements: G-118.
func TestNoJSONEndsTheConnection(t *testing.T) {
	c := newTestConn(t)
	if c.handlePayload([]byte(`<html>`), 6) {
		t.Fatal("the connection goes on")
	}
	<-c.ended
	if c.reason.Kind != ReasonMalformed || errors.Is(c.reason.Err, errUnexpectedEnd) {
		t.Errorf("it ended by %v", c.reason)
	}
}

// Given text that is no JSON, when it comes again at the same place of the session, then it
// costs only itself; at another place it ends the connection again.
// Statements: G-118.
func TestNoJSONAgainCostsItself(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	again := func() *conn {
		next := newConn(s, noopSocket{}, "ws://x")
		s.seq.attach(next, true)
		return next
	}
	if c.handlePayload([]byte(`<html>`), 6) {
		t.Fatal("the connection goes on the first time")
	}
	next := again()
	if skipped := s.count.skipped.Load(); !next.handlePayload([]byte(`<html>`), 6) || s.count.skipped.Load() != skipped+1 {
		t.Error("the same text at the same place ends the connection again, or is not counted")
	}
	if !next.handlePayload([]byte(`{"op":0,"t":"X","s":2,"d":{}}`), 29) || s.seq.received.Load() != 2 {
		t.Error("what follows is not taken in")
	}
	if next.handlePayload([]byte(`<html>`), 6) {
		t.Error("at another place the connection goes on")
	}
}

// A frame of a compressed stream that is larger than what is kept cannot be passed over: it
// ends the connection, and plain text of that size does not.
// Statements: G-112.
func TestCompressedFrameBeyondTheLimitEndsTheConnection(t *testing.T) {
	for _, compression := range []Compression{CompressNone, CompressZlib, CompressZstd} {
		c := newTestConn(t)
		c.shard.opts.ReadLimit = int64(len(wholeZlib))
		c.sock = &cutSocket{binary: compression != CompressNone}
		c.group.Add(1)
		c.readLoop(newInflater(compression))
		want, skipped := ReasonReset, int64(1) // at the end of what there is to read
		if compression != CompressNone {
			want, skipped = ReasonCompression, 0
		}
		if c.reason.Kind != want {
			t.Errorf("%s: it ended by %s, want %s", compression, c.reason, want)
		}
		if got := c.shard.count.skipped.Load(); got != skipped {
			t.Errorf("%s: %d payloads were handled, want %d", compression, got, skipped)
		}
	}
}

// wholeZlib is {"op":77} as the first message of a zlib stream.
const wholeZlib = "\x78\x9c\xaa\x56\xca\x2f\x50\xb2\x32\x37\xaf\x05\x00\x00\x00\xff\xff"

// cutSocket has one message, of which the half that is kept could be a whole one.
type cutSocket struct {
	noopSocket
	binary, read bool
}

func (s *cutSocket) Read(buf []byte, limit int64, received func(n int)) ([]byte, int64, bool, error) {
	if s.read {
		return buf, 0, false, errors.New("there is no more")
	}
	s.read = true
	received(2 * len(wholeZlib))
	return append(buf, wholeZlib...), 2 * limit, s.binary, nil
}
