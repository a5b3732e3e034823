package discordsim

import (
	"fmt"
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
		for _, cfg := range []Config{{}, {SplitFrames: 7}, {Fragments: 5}, {SplitFrames: 7, Fragments: 3}, {SharedCompression: true, SplitFrames: 3}} {
			t.Run(fmt.Sprint(mode, " ", cfg.SplitFrames, cfg.Fragments, cfg.SharedCompression), func(t *testing.T) {
				cfg.HeartbeatGrace, cfg.GuildSpacing, cfg.Seed = -1, -1, 5
				onScene(t, cfg, AppConfig{}, func(sc *scene) {
					url := inMemory
					if mode != "" {
						url += "&compress=" + mode
					}
					c := sc.connect(url)
					c.op(10)
					c.send(2, sc.identity(nil))
					c.ready()
					for i := range 50 {
						sc.tell(strings.Repeat(fmt.Sprint("message ", i, " "), i*i%97))
					}
					sc.Emit(sc.app, nil, "HUGE", map[string]any{"x": strings.Repeat("all work and no play ", 20_000)})
					c.event("HUGE")
					if compressed := mode != ""; (c.binary >= 54) != compressed || (cfg.SplitFrames > 1 && mode == "zlib-stream" && c.binary < 60) {
						t.Errorf("%d binary messages", c.binary)
					}
					c.drop()
					sc.tell("meanwhile")
					next := c.againAt(strings.Replace(url, "gateway.", "resume.", 1))
					if _, types := numbers(next.all()); !slices.Equal(types, []string{"MESSAGE_CREATE", "RESUMED"}) {
						t.Errorf("%q came", types)
					}
					sc.blamed()
				})
			})
		}
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
		onScene(t, patient, AppConfig{}, func(sc *scene) {
			c := sc.connect(inMemory + compress)
			c.op(10)
			c.send(2, sc.identity(nil))
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
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(map[string]any{"compress": true})
		c.event("GUILD_CREATE")
		sc.Emit(sc.app, nil, "SMALL", map[string]any{})
		c.event("SMALL")
		c.send(1, 1)
		c.op(11)
		if c.binary != 2 { // READY and GUILD_CREATE
			t.Errorf("%d messages were compressed", c.binary)
		}
		sc.blamed()
	})
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.connect(inMemory + "&compress=zlib-stream")
		c.op(10)
		c.send(2, sc.identity(map[string]any{"compress": true}))
		c.ready()
		sc.blamed("G-036")
	})
}

// Given a compressed connection, when the stream breaks, then the client cannot
// go on with it, and a resume loses nothing; without compression comes text that
// is no JSON.
//
// Statements: S-046.
func TestCorruptStream(t *testing.T) {
	for _, compress := range []string{"&compress=zlib-stream", "&compress=zstd-stream"} {
		onScene(t, patient, AppConfig{}, func(sc *scene) {
			c := sc.connect(inMemory + compress)
			c.op(10)
			c.send(2, sc.identity(nil))
			c.ready()
			c.event("GUILD_CREATE")
			sc.inject(Fault{Name: "corrupt"})
			sc.tell("never seen on this connection")
			wait(time.Second)
			if got := c.events(); len(got) != 0 {
				t.Errorf("%q came", got)
			}
			c.work.Wait()
			if c.end == nil || strings.Contains(c.end.Error(), "close") {
				t.Errorf("the client saw %v", c.end)
			}
			c.drop()
			if _, types := numbers(c.againAt(c.resumeURL + query + compress).all()); !slices.Equal(types, []string{"MESSAGE_CREATE", "RESUMED"}) {
				t.Errorf("%q came", types)
			}
		})
	}
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
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
	onScene(t, patient, AppConfig{}, func(sc *scene) {
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
		sc.begin(nil)
	})
}
