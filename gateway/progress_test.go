package gateway_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"

	"github.com/coder/websocket"
)

// noise is text that takes n bytes or more on the wire, whatever the compression. Its
// number makes it differ from others.
func noise(number, n int) string {
	raw := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(number), byte(number >> 8)}).Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}

// emitLarge emits an event that is as large as its text.
func (h *harness) emitLarge(text string) {
	h.Sim.Emit(h.App, h.Guild, "GUILD_UPDATE", map[string]any{"id": h.Guild.ID, "name": text})
}

// narrow lets links carry so many bytes a second.
func (h *harness) narrow(bytesPerSecond int) *discordsim.Active {
	h.T.Helper()
	return h.Inject(discordsim.Fault{Name: "bandwidth", Code: bytesPerSecond})
}

// wantUndisturbed fails the test unless one connection lived through all of it, and was
// never suspected.
func (h *harness) wantUndisturbed() {
	h.T.Helper()
	if n := h.shard.Stats().Dials; n != 1 || len(h.reasons()) != 0 {
		h.T.Errorf("%d connections were dialled, and ended by %q", n, h.reasons())
	}
	if got := observed[gateway.SuspicionRaised](h); len(got) != 0 {
		h.T.Errorf("the connection was suspected: %v", got)
	}
	if got := observed[gateway.SlowReady](h); len(got) != 0 {
		h.T.Errorf("Discord was blamed for a slow READY: %v", got)
	}
	if !h.isLive() {
		h.T.Errorf("the shard is %s", h.shard.State())
	}
	h.WantIdentifies(1)
	h.NoViolations()
}

// Given a link that takes so long for one message that heartbeats stay unanswered behind it,
// when the message comes, whichever it is and however it is compressed, then it arrives on
// the connection that it began on, and nothing is held against the connection.
func TestLargeMessageArrivesOnAThinLink(t *testing.T) {
	inTheMiddle := func(bytes, rate int) func(*harness) {
		return func(h *harness) {
			h.startLive()
			h.Advance(20 * time.Second)
			h.narrow(rate)
			h.emitLarge(noise(1, bytes))
			h.Advance(passing(bytes, rate))
			if len(h.eventsOf("GUILD_UPDATE")) != 0 {
				h.T.Fatal("the link was not narrow")
			}
			h.Until(passing(bytes, rate), "the message is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
		}
	}
	for _, c := range []struct {
		name  string
		sim   discordsim.Config
		story func(*harness)
	}{
		{"300 kB in the middle", discordsim.Config{}, inTheMiddle(300_000, 10_000)},
		{"2 MB in the middle", discordsim.Config{}, inTheMiddle(2_000_000, 40_000)},
		{"800 kB in the middle", discordsim.Config{}, inTheMiddle(800_000, 10_000)},
		{"2 MB in fragments", discordsim.Config{WebSocket: discordsim.WebSocketConfig{Fragments: 9, SplitFrames: 9}}, inTheMiddle(2_000_000, 40_000)},
		{"HELLO", discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Grace: time.Minute}}, func(h *harness) {
			h.narrow(10_000)
			h.Inject(discordsim.Fault{Name: "hello-interval", Text: `"` + noise(1, 300_000) + `"`})
			h.start()
			h.Advance(passing(300_000, 10_000))
			h.Until(time.Minute, "the shard is live", h.isLive)
		}},
		{"READY", discordsim.Config{}, func(h *harness) {
			h.App.Bot.GlobalName = noise(1, 1_500_000)
			h.narrow(10_000)
			h.start()
			h.Advance(passing(1_500_000, 10_000))
			h.Until(2*time.Minute, "the shard is live", h.isLive)
		}},
		{"GUILD_CREATE", discordsim.Config{}, func(h *harness) {
			h.Guild.Name = noise(1, 2_000_000)
			h.narrow(40_000)
			h.startLive()
			h.Advance(passing(2_000_000, 40_000))
			h.Until(time.Minute, "the guild is there", func() bool { return len(h.eventsOf("GUILD_CREATE")) == 1 })
		}},
	} {
		for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib, gateway.CompressZstd} {
			t.Run(c.name+" "+string(compression), func(t *testing.T) {
				run(t, config{sim: c.sim, options: compressed(compression)}, func(h *harness) {
					c.story(h)
					h.Advance(2 * interval)
					h.wantUndisturbed()
				})
			})
		}
	}
}

// Given a transport that does not show the bytes that arrive, then a large message arrives
// all the same.
func TestLargeMessageArrivesOverAForeignTransport(t *testing.T) {
	var transport *http.Transport
	run(t, config{options: func(o *gateway.Options) {
		dialer := o.Dialer.(gateway.WebSocketDialer)
		transport = &http.Transport{DialContext: dialer.DialContext}
		o.Dialer = gateway.WebSocketDialer{Transport: transport}
	}}, func(h *harness) {
		defer transport.CloseIdleConnections()
		h.startLive()
		h.narrow(40_000)
		h.emitLarge(noise(1, 2_000_000))
		h.Advance(passing(2_000_000, 40_000))
		h.Until(time.Minute, "the message is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
		h.Advance(interval)
		h.wantUndisturbed()
	})
}

// Given a TLS record of which a part has arrived, then that part is told, although TLS keeps
// it until the rest is there.
func TestBytesAreToldBelowTLS(t *testing.T) {
	const size, part = 10_000, 3000
	rest := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		_, _, _ = ws.Read(r.Context())
		_ = ws.Write(r.Context(), websocket.MessageText, []byte(noise(1, size)))
		_, _, _ = ws.Read(r.Context())
	}))
	defer server.Close()
	slow := &partialConn{rest: rest}
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false
	transport.DialContext = gateway.TunedDial(func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
		slow.Conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return slow, err
	})
	defer transport.CloseIdleConnections()
	socket, err := gateway.WebSocketDialer{Transport: transport}.Dial(t.Context(), strings.Replace(server.URL, "https", "wss", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Drop()
	slow.left.Store(part)
	if err := socket.Write(t.Context(), []byte("go")); err != nil {
		t.Fatal(err)
	}
	told := 0
	message, _, _, err := socket.Read(nil, 1<<20, func(n int) {
		if told += n; told == part {
			close(rest) // nothing has left TLS yet, and this has been told
		}
	})
	if err != nil || string(message) != noise(1, size) || told < len(message) {
		t.Errorf("%d bytes came, %d were told: %v", len(message), told, err)
	}
}

// partialConn gives some bytes and the rest when rest is closed.
type partialConn struct {
	net.Conn
	left atomic.Int64 // until it waits; 0: it does not
	rest chan struct{}
}

func (c *partialConn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left < 0 {
		select {
		case <-c.rest:
		case <-time.After(5 * time.Second):
			return 0, errors.New("the part that had arrived was not told")
		}
	}
	if left > 0 {
		p = p[:min(int64(len(p)), left)]
	}
	n, err := c.Conn.Read(p)
	if left > 0 {
		if left -= int64(n); left == 0 {
			left = -1
		}
		c.left.Store(left)
	}
	return n, err
}

func compressed(c gateway.Compression) func(*gateway.Options) {
	return func(o *gateway.Options) { o.Compression = c }
}

// passing is how long so many bytes take on a link with a rate, at the least.
func passing(bytes, rate int) time.Duration {
	return time.Duration(bytes) * time.Second / time.Duration(rate)
}

// Given an event that is small on the wire and large when it is unpacked, when it comes on a
// thin link, then it arrives there.
func TestLargeMessageThatWasPackedSmallArrives(t *testing.T) {
	const size = 5_000_000
	for _, compression := range []gateway.Compression{gateway.CompressZlib, gateway.CompressZstd} {
		t.Run(string(compression), func(t *testing.T) {
			run(t, config{options: compressed(compression)}, func(h *harness) {
				h.startLive()
				h.narrow(1200)
				before := h.shard.Stats()
				var text strings.Builder
				for i := range size / 250 {
					text.WriteString(strings.Repeat("a", 250) + noise(i, 3))
				}
				h.emitLarge(text.String())
				h.Advance(10 * time.Second)
				h.Until(5*time.Minute, "the message is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
				after := h.shard.Stats()
				if wire := after.WireBytes - before.WireBytes; wire < 20_000 || wire > size/20 || after.Bytes-before.Bytes < size {
					t.Errorf("%d bytes came of %d on the wire", after.Bytes-before.Bytes, wire)
				}
				h.wantUndisturbed()
			})
		})
	}
}

// Given a thin link, when what a RESUME replays takes long to come, as one large event or as
// many small ones, then RESUMED comes after all of it on the first try.
func TestLongReplayArrivesOnAThinLink(t *testing.T) {
	for _, c := range []struct {
		name         string
		events, each int
	}{{"one large event", 1, 2_000_000}, {"many small ones", 4000, 300}} {
		for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib, gateway.CompressZstd} {
			t.Run(c.name+" "+string(compression), func(t *testing.T) {
				run(t, config{options: compressed(compression)}, func(h *harness) {
					h.startLive()
					h.Advance(20 * time.Second)
					h.Inject(discordsim.Fault{Name: "offline", For: time.Second})
					for i := range c.events {
						h.emitLarge(noise(i, c.each))
					}
					h.narrow(10_000)
					h.Advance(passing(c.events*c.each, 10_000))
					if h.isLive() {
						t.Fatal("the link was not narrow")
					}
					h.Until(5*time.Minute, "the session is resumed", h.isLive)
					h.Advance(2 * interval)
					if n := len(h.eventsOf("GUILD_UPDATE")); n != c.events {
						t.Errorf("%d events came", n)
					}
					if stats := h.shard.Stats(); stats.Resumes != 1 || stats.Resumed != 1 {
						t.Errorf("%d RESUMEs, %d RESUMED: %q", stats.Resumes, stats.Resumed, h.reasons())
					}
					h.WantIdentifies(1)
					h.NoViolations()
				})
			})
		}
	}
}

// Given a link on which a message never comes to its end, when no more than a trickle of it
// comes, then the connection ends in the time that heartbeats have, and when it comes fast
// enough to be believed, after ten minutes more.
func TestMessageWithoutEndEndsTheConnection(t *testing.T) {
	for _, c := range []struct {
		name        string
		rate        int
		least, most time.Duration
		want        gateway.ReasonKind
	}{
		{"a byte a second", 1, 0, 2 * interval, gateway.ReasonNoACK},
		{"half of what is believed", 500, interval, 4 * interval, gateway.ReasonNoACK},
		{"twice of what is believed", 2000, 10 * time.Minute, 12 * time.Minute, gateway.ReasonNoACK},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.startLive()
				h.Advance(interval)
				narrow := h.Inject(discordsim.Fault{Name: "bandwidth", Code: c.rate, Text: "down"})
				h.emitLarge(noise(1, 4_000_000))
				began := time.Now()
				h.Until(c.most, "the connection is given up", func() bool { return len(h.reasons()) > 0 })
				if took := time.Since(began); took < c.least {
					t.Errorf("it was given up after %s, want %s or more", took, c.least)
				}
				h.wantReason(c.want)
				h.Sim.Lift(narrow)
				h.Until(time.Minute, "the event is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given a large message of which only a trickle comes, when HELLO, READY or RESUMED is waited
// for, then the deadline of that runs nearly as if nothing came.
func TestTrickleDelaysNoDeadlineForLong(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "hello-interval", Text: `"` + noise(1, 300_000) + `"`})
		h.narrow(500)
		h.start()
		h.Until(30*time.Second, "HELLO is given up", func() bool { return len(observed[gateway.ConnectFailed](h)) > 0 })
		if got := observed[gateway.ConnectFailed](h)[0].Reason; got.Kind != gateway.ReasonNoHello {
			t.Errorf("it ended by %s", got)
		}
	})
	run(t, config{}, func(h *harness) {
		h.App.Bot.GlobalName = noise(1, 300_000)
		h.narrow(500)
		h.start()
		h.Until(4*interval, "READY is given up", func() bool { return len(h.reasons()) > 0 })
		h.wantReason(gateway.ReasonNoACK)
	})
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "offline", For: time.Second})
		h.emitLarge(noise(1, 300_000))
		h.narrow(500)
		h.Until(90*time.Second, "RESUMED is given up", func() bool { return len(h.reasons()) > 1 })
		h.wantReason(gateway.ReasonNoResumed)
	})
}

// Given a link that dies in the middle of a message, then that is noticed as soon as on any
// other link: 9.5 s after the last byte, where a heartbeat was unanswered.
func TestLinkThatDiesInTheMiddleOfAMessageIsNoticed(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.narrow(10_000)
		h.emitLarge(noise(1, 2_000_000))
		h.Advance(100 * time.Second)
		h.Inject(discordsim.Fault{Name: "half-open", For: 10 * time.Minute})
		h.Until(9600*time.Millisecond, "the dead link is noticed", func() bool { return len(h.reasons()) > 0 })
		if got := observed[gateway.Disconnected](h)[0].Reason; got.Kind != gateway.ReasonSilent || got.Elapsed > 9700*time.Millisecond {
			t.Errorf("it was noticed as %s", got)
		}
		h.Until(5*time.Minute, "the event is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
		if stats := h.shard.Stats(); stats.Resumes != 1 {
			t.Errorf("%d RESUMEs", stats.Resumes)
		}
		h.WantIdentifies(1)
	})
}

// Given answers that come behind a large message, then they are told with what they waited
// for, and neither the latency of the shard nor its patience learns from them.
// Statements: G-031.
func TestAnswerBehindALargeMessageIsNoRoundTrip(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 60 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		h.Advance(interval)
		narrow := h.narrow(40_000)
		acks := len(observed[gateway.HeartbeatACK](h))
		h.emitLarge(noise(1, 2_000_000))
		h.Until(2*time.Minute, "the message is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
		h.Until(interval, "an answer is there", func() bool { return len(observed[gateway.HeartbeatACK](h)) > acks })
		late := observed[gateway.HeartbeatACK](h)[acks]
		if late.Latency < 5*time.Second || late.Receiving < late.Latency-time.Second || late.IsRoundTrip() {
			t.Errorf("an answer behind the message is told as %+v", late)
		}
		if got := h.shard.Latency(); got < 120*time.Millisecond || got > 150*time.Millisecond {
			t.Errorf("latency %s, want that of before", got)
		}
		h.Sim.Lift(narrow)
		h.Advance(interval)
		h.Inject(discordsim.Fault{Name: "half-open", For: 10 * time.Minute})
		h.untilResumed(25 * time.Second)
		if got := observed[gateway.SuspicionRaised](h)[0].Silent; got > 21*time.Second {
			t.Errorf("suspected after %s of silence", got)
		}
	})
}

// Given a zombie on which large events come whole, one after the other, then that is no
// receiving: it is noticed when the next heartbeat is due, on a new session and on one that
// was resumed.
// Statements: G-024.
func TestBusyZombieIsNoticed(t *testing.T) {
	for _, resumed := range []bool{false, true} {
		run(t, config{}, func(h *harness) {
			h.startLive()
			if resumed {
				h.Inject(discordsim.Fault{Name: "cut"})
				h.untilResumed(10 * time.Second)
			}
			h.Advance(interval)
			ended := len(h.reasons())
			h.Inject(discordsim.Fault{Name: "zombie"})
			for began := time.Now(); len(h.reasons()) == ended; h.Advance(500 * time.Millisecond) {
				if time.Since(began) > 2*interval {
					t.Fatalf("resumed: %t, the zombie was not noticed", resumed)
				}
				h.emitLarge(noise(1, 3000))
			}
			h.wantReason(gateway.ReasonNoACK)
		})
	}
}

// Given a replay of which one event takes long to come, when nothing but answers to
// heartbeats follows it, then RESUMED is given up as long after it as after any other.
func TestDeadlineOfRESUMEDCountsFromTheLastEvent(t *testing.T) {
	for _, parts := range []int{1, 100} {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) {
			var socket *scriptedSocket
			run(t, config{options: func(o *gateway.Options) {
				socket = newScriptedSocket()
				o.Dialer, o.Session = socket, gateway.Session{ID: "a", ResumeURL: "ws://resume.discord.sim", Seq: 1}
			}}, func(h *harness) {
				socket.sendSlowly(`{"t":"GUILD_UPDATE","s":2,"op":0,"d":{}}`, parts, time.Second)
				h.start()
				h.Until(2*time.Minute, "the event is there", func() bool { return len(h.eventsOf("GUILD_UPDATE")) == 1 })
				took := h.Until(time.Minute, "RESUMED is given up", func() bool { return len(h.reasons()) > 0 })
				h.wantReason(gateway.ReasonNoResumed)
				if took < 14*time.Second || took > 16*time.Second {
					t.Errorf("it was given up %s after the event", took)
				}
			})
		})
	}
}
