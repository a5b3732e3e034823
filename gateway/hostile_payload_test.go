package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// injectRaw makes Discord send a payload as it is, outside of the session's order.
func (h *harness) injectRaw(text string) { h.Inject(discordsim.Fault{Name: "malformed", Text: text}) }

// Given payloads that make no sense, then each costs itself and nothing else,
// is counted, and the connection stays.
// Statements: G-109, G-110, G-119.
func TestHostilePayloadsCostThemselves(t *testing.T) {
	payloads := map[string]string{
		"unknown opcode":                 `{"t":null,"s":null,"op":77,"d":{"a":[1,2,3]}}`,
		"negative opcode":                `{"op":-4,"d":null}`,
		"fractional opcode":              `{"op":1.5,"d":null}`,
		"opcode as text":                 `{"op":"0","d":null}`,
		"no opcode":                      `{"d":{}}`,
		"empty object":                   `{}`,
		"nulls":                          `{"t":null,"s":null,"op":null,"d":null}`,
		"no d":                           `{"op":0,"t":"MESSAGE_CREATE","s":null}`,
		"seq as text":                    `{"op":0,"t":"MESSAGE_CREATE","s":"5","d":{}}`,
		"negative seq":                   `{"op":0,"t":"TYPING_START","s":-5,"d":{}}`,
		"type as number":                 `{"op":0,"t":5,"s":null,"d":{}}`,
		"unknown event":                  `{"op":0,"t":"NOT_DOCUMENTED","s":null,"d":{"x":null}}`,
		"wrong presence":                 `{"op":0,"t":"PRESENCE_UPDATE","s":null,"d":{"user":7,"status":[],"activities":"none"}}`,
		"invalid UTF-8":                  "{\"op\":0,\"t\":\"MESSAGE_UPDATE\",\"s\":null,\"d\":{\"content\":\"\xff\xfe\"}}",
		"duplicate keys":                 `{"op":0,"op":0,"t":"TYPING_START","t":"TYPING_START","s":null,"d":{},"d":{}}`,
		"HELLO again":                    `{"op":10,"d":{"heartbeat_interval":1}}`,
		"HELLO of the wrong kind":        `{"op":10,"d":"hello"}`,
		"READY without session":          `{"op":0,"t":"READY","s":null,"d":{"user":null}}`,
		"READY of the wrong kind":        `{"op":0,"t":"READY","s":null,"d":[]}`,
		"RATE_LIMITED of the wrong kind": `{"op":0,"t":"RATE_LIMITED","s":null,"d":{"opcode":"x","retry_after":-1}}`,
		"an answer to no heartbeat":      `{"op":11}`,
		"deep nesting":                   `{"op":77,"d":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
	}
	for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib, gateway.CompressZstd} {
		run(t, config{options: func(o *gateway.Options) { o.Compression = compression }}, func(h *harness) {
			h.startLive()
			h.Advance(time.Second)
			for name, text := range payloads {
				h.injectRaw(text)
				h.Post("after " + name)
				h.Advance(time.Second)
				if !h.isLive() || h.shard.Stats().Connects != 1 {
					t.Fatalf("%s, %s: the shard is %s, %q", compression, name, h.shard.State(), h.reasons())
				}
			}
			good := 0
			for _, e := range h.eventsOf("MESSAGE_CREATE") {
				if e.Seq > 0 {
					good++
				}
			}
			if good != len(payloads) {
				t.Errorf("%d of %d events arrived beside the nonsense", good, len(payloads))
			}
			h.Advance(3 * interval)
			if h.shard.Stats().Connects != 1 {
				t.Errorf("a payload did harm later: %q", h.reasons())
			}
		})
	}
}

// Given text that is no JSON, then the connection is closed with a private code
// and resumed; the same text at the same place once more costs only itself.
// Statements: G-118, G-088.
func TestTextThatIsNoJSON(t *testing.T) {
	for _, text := range []string{" ", "garbage", `{"op":0,"d":{`, `[1,2]`, `{"op":11}}`, "\x00\x01", `{"op":0,"t":"X","s":1,"d":"unterminated}`} {
		run(t, config{options: func(o *gateway.Options) { o.Compression = gateway.CompressNone }}, func(h *harness) {
			h.startLive()
			h.Advance(time.Minute)
			h.injectRaw(text)
			h.untilResumed(5 * time.Second)
			h.wantReason(gateway.ReasonMalformed)
			h.WantIdentifies(1)
			if h.shard.Stats().Skipped == 0 {
				t.Error("it was not counted")
			}
			h.NoViolations()
		})
	}
}

// Given a compressed stream that breaks, then one RESUME mends it and no event
// is lost.
// Statements: G-117, G-076, S-005, S-006.
func TestBrokenCompression(t *testing.T) {
	for _, compression := range []gateway.Compression{gateway.CompressZlib, gateway.CompressZstd} {
		t.Run(string(compression), func(t *testing.T) {
			run(t, config{options: func(o *gateway.Options) { o.Compression = compression }}, func(h *harness) {
				h.startLive()
				h.Advance(time.Minute)
				h.Inject(discordsim.Fault{Name: "corrupt"})
				h.Post("behind it")
				h.untilResumed(5 * time.Second)
				h.Until(time.Second, "the message has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 })
				h.wantReason(gateway.ReasonCompression)
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given every compression, messages split over up to seven frames and fragments
// with pings between them, then everything arrives as it was sent.
// Statements: G-006, G-113, G-114, G-115, G-116, S-005, S-006, S-010.
func TestCompressionAndFragments(t *testing.T) {
	for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib, gateway.CompressZstd} {
		for name, sim := range map[string]discordsim.Config{
			"whole":      {},
			"split":      {WebSocket: discordsim.WebSocketConfig{SplitFrames: 7}},
			"fragmented": {WebSocket: discordsim.WebSocketConfig{Fragments: 5}},
			"both":       {WebSocket: discordsim.WebSocketConfig{SplitFrames: 7, Fragments: 3, PingEvery: 7 * time.Second}},
			"isolated":   {WebSocket: discordsim.WebSocketConfig{SharedCompression: true, IgnorePings: true}},
		} {
			t.Run(fmt.Sprint(compression, " ", name), func(t *testing.T) {
				run(t, config{sim: sim, options: func(o *gateway.Options) { o.Compression = compression }}, func(h *harness) {
					h.startLive()
					for i := range 200 {
						h.Post(strings.Repeat(fmt.Sprint(i, " "), 1+i))
					}
					h.Advance(5 * time.Minute)
					events := h.eventsOf("MESSAGE_CREATE")
					if len(events) != 200 {
						t.Fatalf("%d of 200 events arrived", len(events))
					}
					for i, e := range events {
						var m struct{ Content string }
						if err := json.Unmarshal(e.Data, &m); err != nil || m.Content != strings.Repeat(fmt.Sprint(i, " "), 1+i) {
							t.Fatalf("event %d arrived as %.80q: %v", i, m.Content, err)
						}
					}
					want := string(compression)
					if compression == gateway.CompressNone {
						want = ""
					}
					if logs := h.Sim.Connections(h.App); len(logs) != 1 || logs[0].Compress != want {
						t.Errorf("connections %d, %q", len(logs), h.reasons())
					}
					h.NoViolations()
				})
			})
		}
	}
}

// Given a dispatch of 20 MB, then it is read; one beyond the read limit costs
// only itself, and its number still counts.
// Statements: G-112, G-110, G-020.
func TestHugePayloads(t *testing.T) {
	for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib} {
		options := func(o *gateway.Options) { o.Compression = compression }
		run(t, config{options: options}, func(h *harness) {
			h.startLive()
			huge := map[string]any{"id": "1", "text": strings.Repeat("Grüße! ", 20<<20/9)}
			h.Sim.Emit(h.App, h.Guild, "GUILD_UPDATE", huge)
			h.Until(10*time.Second, "it has come", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
			if n := len(h.eventsOf("GUILD_UPDATE")[0].Data); n < 20<<20 {
				t.Errorf("%d bytes arrived", n)
			}
			if h.shard.Stats().Connects != 1 {
				t.Errorf("the connection was given up: %q", h.reasons())
			}
		})
		limited := func(o *gateway.Options) { o.Compression, o.ReadLimit = compression, 1<<20 }
		run(t, config{options: limited}, func(h *harness) {
			h.startLive()
			h.Sim.Emit(h.App, h.Guild, "GUILD_UPDATE", map[string]any{"text": strings.Repeat("x", 2<<20)})
			h.Post("behind it")
			h.Until(10*time.Second, "the next has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 })
			if len(h.eventsOf("GUILD_UPDATE")) != 0 || h.shard.Stats().Skipped != 1 || h.shard.Stats().Missing != 0 {
				t.Errorf("skipped %d, missing %d", h.shard.Stats().Skipped, h.shard.Stats().Missing)
			}
			h.Advance(3 * interval)
			if h.shard.Stats().Connects != 1 {
				t.Errorf("the connection was given up: %q", h.reasons())
			}
			h.NoViolations()
		})
	}
}

// Given events that come twice, overtake each other or never come, then each
// arrives at most once, and what is missing is counted.
// Statements: G-020, S-058.
func TestWeakDelivery(t *testing.T) {
	run(t, config{sim: discordsim.Config{Seed: 3}}, func(h *harness) {
		h.startLive()
		for _, name := range []string{"duplicate", "reorder", "lost"} {
			h.Inject(discordsim.Fault{Name: name, Probability: 0.2})
		}
		for i := range 300 {
			h.Post(fmt.Sprint(i))
			h.Advance(50 * time.Millisecond)
		}
		h.Sim.LiftAll()
		h.Advance(5 * time.Second)
		seen := map[int64]bool{}
		for _, e := range h.eventsOf("MESSAGE_CREATE") {
			if seen[e.Seq] {
				t.Errorf("event %d arrived twice", e.Seq)
			}
			seen[e.Seq] = true
		}
		stats := h.shard.Stats()
		if len(seen) > 290 || len(seen) < 180 || stats.Duplicates == 0 || stats.Missing == 0 {
			t.Errorf("%d events, %d duplicates, %d missing", len(seen), stats.Duplicates, stats.Missing)
		}
		h.NoViolations()
	})
}
