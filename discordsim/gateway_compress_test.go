package discordsim

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Given each way to compress, with and without messages cut into pieces and
// fragments, when many events come, then every message of the server is
// compressed, HELLO included, and decodes with one context for the connection;
// a resumed connection begins a new one.
//
// Statements: S-005, S-006.
func TestTransportCompression(t *testing.T) {
	for _, mode := range []string{"", "zlib-stream", "zstd-stream"} {
		for _, cfg := range []Config{{}, {WebSocket: WebSocketConfig{SplitFrames: 7}}, {WebSocket: WebSocketConfig{Fragments: 5}}, {WebSocket: WebSocketConfig{SplitFrames: 7, Fragments: 3}}, {WebSocket: WebSocketConfig{SharedCompression: true, SplitFrames: 3}}} {
			t.Run(fmt.Sprint(mode, " ", cfg.WebSocket.SplitFrames, cfg.WebSocket.Fragments, cfg.WebSocket.SharedCompression), func(t *testing.T) {
				cfg.Heartbeat.Grace, cfg.Identify.GuildSpacing, cfg.Seed = -1, -1, 5
				withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
					url := inMemory
					if mode != "" {
						url += "&compress=" + mode
					}
					c := sc.connect(url)
					c.op(10)
					c.send(2, sc.identifyData(nil))
					c.ready()
					for i := range 50 {
						sc.say(strings.Repeat(fmt.Sprint("message ", i, " "), i*i%97))
					}
					sc.Emit(sc.app, nil, "HUGE", map[string]any{"x": strings.Repeat("all work and no play ", 20_000)})
					c.event("HUGE")
					if compressed := mode != ""; (c.binary >= 54) != compressed || (cfg.WebSocket.SplitFrames > 1 && mode == "zlib-stream" && c.binary < 60) {
						t.Errorf("%d binary messages", c.binary)
					}
					c.drop()
					sc.say("meanwhile")
					next := c.reconnectAndResumeAt(strings.Replace(url, "gateway.", "resume.", 1))
					if _, types := numbers(next.all()); !slices.Equal(types, []string{"MESSAGE_CREATE", "RESUMED"}) {
						t.Errorf("%q came", types)
					}
					sc.violations()
				})
			})
		}
	}
}

// Given messages of a zlib stream, when they are cut into pieces, then the last piece ends
// with the whole marker and no other does, wherever the marker's bytes stand.
//
// Statements: S-005.
func TestZlibStreamIsNeverCutInsideItsMarker(t *testing.T) {
	c := &conn{splitRand: rand.New(rand.NewPCG(1, 2))}
	cuts := 0
	for _, body := range []string{"", "x", "\x00\x00\xff\xff", "\x00\x00\xff\xff\x00\x00\xff", strings.Repeat("\x00\x00\xff\xffab", 5), "a message"} {
		for range 500 {
			whole := body + syncMarker
			parts := c.splitStream([]byte(whole), 7)
			if got := string(bytes.Join(parts, nil)); got != whole {
				t.Fatalf("%q became %q", whole, parts)
			}
			for i, part := range parts {
				if last := i == len(parts)-1; len(part) == 0 || bytes.HasSuffix(part, []byte(syncMarker)) != last {
					t.Fatalf("%q was cut into %q", whole, parts)
				}
			}
			cuts += len(parts) - 1
		}
	}
	if cuts < 1000 {
		t.Errorf("only %d cuts", cuts)
	}
}

// Given an event of 20 MB, when it is sent, then it arrives whole, whatever the
// compression.
//
// Statements: S-005, S-006.
func TestHugeEvent(t *testing.T) {
	var text []byte
	for i := uint64(1); len(text) < 20<<20; i++ {
		text = append(strconv.AppendUint(text, i*0x9E3779B97F4A7C15, 36), '.')
	}
	whole := string(text)
	for _, compress := range []string{"", "&compress=zlib-stream", "&compress=zstd-stream"} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			c := sc.connect(inMemory + compress)
			c.op(10)
			c.send(2, sc.identifyData(nil))
			c.ready()
			sc.Emit(sc.app, nil, "HUGE", map[string]any{"x": whole})
			if got, _ := c.event("HUGE").object()["x"].(string); got != whole {
				t.Errorf("%d of %d bytes came", len(got), len(whole))
			}
		})
	}
}

// Given an IDENTIFY that asks for payload compression, then some messages come
// compressed by themselves and others as text; beside transport compression it
// has no effect and is recorded.
//
// Statements: S-007.
func TestPayloadCompression(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(map[string]any{"compress": true})
		c.event("GUILD_CREATE")
		sc.Emit(sc.app, nil, "SMALL", map[string]any{})
		c.event("SMALL")
		c.send(1, 1)
		c.op(11)
		if c.binary != 2 { // READY and GUILD_CREATE
			t.Errorf("%d messages were compressed", c.binary)
		}
		sc.violations()
	})
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.connect(inMemory + "&compress=zlib-stream")
		c.op(10)
		c.send(2, sc.identifyData(map[string]any{"compress": true}))
		c.ready()
		sc.violations("G-036")
	})
}

// Given a compressed connection, when the stream breaks, then the client cannot
// go on with it, and a resume loses nothing; without compression comes text that
// is no JSON.
//
// Statements: S-046.
func TestCorruptStream(t *testing.T) {
	for _, compress := range []string{"&compress=zlib-stream", "&compress=zstd-stream"} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			c := sc.connect(inMemory + compress)
			c.op(10)
			c.send(2, sc.identifyData(nil))
			c.ready()
			c.event("GUILD_CREATE")
			sc.inject(Fault{Name: "corrupt"})
			sc.say("never seen on this connection")
			wait(time.Second)
			if got := c.events(); len(got) != 0 {
				t.Errorf("%q came", got)
			}
			c.work.Wait()
			if c.end == nil || strings.Contains(c.end.Error(), "close") {
				t.Errorf("the client saw %v", c.end)
			}
			c.drop()
			if _, types := numbers(c.reconnectAndResumeAt(c.resumeURL + query + compress).all()); !slices.Equal(types, []string{"MESSAGE_CREATE", "RESUMED"}) {
				t.Errorf("%q came", types)
			}
		})
	}
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.inject(Fault{Name: "corrupt"})
		sc.inject(Fault{Name: "malformed"})
		sc.inject(Fault{Name: "malformed", Text: `{"op":0,"t":`})
		for _, want := range []string{"}{ not a payload", `{"t":null,"s":null,"op":77,"d":{"nobody":["knows",null]}}`, `{"op":0,"t":`} {
			if p := c.next(); p.raw != want {
				t.Errorf("%q came, want %q", p.raw, want)
			}
		}
		if log := sc.newest().Frames; log[len(log)-1].Op != -1 || !log[len(log)-1].Sent {
			t.Errorf("the log ends with %+v", log[len(log)-1])
		}
	})
}

// Given an upgrade that is none, then the answer is an HTTP error and the
// simulator goes on.
//
// Statements: S-004.
func TestNoUpgrade(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		transport := sc.Transport()
		defer transport.CloseIdleConnections()
		req, _ := http.NewRequest(http.MethodGet, "http://gateway.discord.sim/?v=10&encoding=json", nil)
		req.Header.Set("Upgrade", "websocket")
		req.Header.Set("Connection", "Upgrade")
		answer, err := transport.RoundTrip(req)
		if err != nil || answer.StatusCode < 400 {
			t.Fatalf("%v, %v", answer, err)
		}
		_ = answer.Body.Close()
		sc.identified(nil)
	})
}

// Given a zlib stream of short and long messages, some of them again and again and
// some that have never been, then a receiver that knows only the stream reads each
// as soon as it is there, and what has been said before costs little.
//
// Statements: S-005.
func TestStreamRefersBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	p := newCompressor("zlib-stream", false)
	var stream bytes.Buffer
	var reader io.ReadCloser
	read := func(want []byte) int {
		t.Helper()
		raw, binary := p.encode(outFrame{raw: want})
		if !binary || !bytes.HasSuffix(raw, []byte{0, 0, 0xff, 0xff}) {
			t.Fatalf("%q is packed as % x", want, raw)
		}
		stream.Write(raw)
		if reader == nil {
			reader, _ = zlib.NewReader(&stream)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(reader, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q came as %q: %v", want, got, err)
		}
		return len(raw)
	}
	ack := []byte(`{"t":null,"s":null,"op":11,"d":null}`)
	event := []byte(`{"t":"EVENT","s":7,"op":0,"d":{"text":"` + strings.Repeat("once upon a time there was a bot, ", 40) + `"}}`)
	hello := read([]byte(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}`))
	if first, again := read(ack), read(ack); first >= hello || again > 10 {
		t.Errorf("HELLO has %d bytes, the first answer to a heartbeat %d, the next %d", hello, first, again)
	}
	if first, again := read(event), read(event); first > len(event)/5 || again > 60 {
		t.Errorf("an event of %d bytes has %d, and %d when it comes again", len(event), first, again)
	}
	text := make([]byte, 300_000)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyz\xff\x00"[rng.IntN(28)]
	}
	for range 3000 {
		length := []int{1, 2, 5, 40, 128, 1000}[rng.IntN(6)]
		if rng.IntN(100) == 0 {
			length = 70_000
		}
		message := slices.Clone(text[:length])
		if rng.IntN(2) == 0 {
			at := rng.IntN(len(text) - length)
			message = slices.Clone(text[at : at+length])
		}
		message[rng.IntN(length)] ^= byte(rng.IntN(256))
		read(message)
	}
	for length := range 300 {
		message := text[length : 2*length+1]
		for range 3 {
			read(message)
		}
	}
	if cap(p.window) > 4*reach {
		t.Errorf("%d bytes are kept of a stream", cap(p.window))
	}
}

func BenchmarkPack(b *testing.B) {
	ack := []byte(`{"t":null,"s":null,"op":11,"d":null}`)
	event := []byte(`{"t":"MESSAGE_CREATE","s":7,"op":0,"d":{"content":"` + strings.Repeat("hello there, friend of bots; ", 30) + `"}}`)
	for name, raw := range map[string][]byte{"ack": ack, "1k": event, "100k": bytes.Repeat(event, 100)} {
		b.Run(name, func(b *testing.B) {
			p := newCompressor("zlib-stream", false)
			var size int
			for b.Loop() {
				packed, _ := p.encode(outFrame{raw: raw})
				size = len(packed)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
