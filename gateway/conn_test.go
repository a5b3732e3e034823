package gateway_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// brokenSocket is a socket on which nothing can be written. What it has to read is not
// the worse for it.
type brokenSocket struct{ *scriptedSocket }

var errBrokenPipe = errors.New("broken pipe")

func (s brokenSocket) Dial(context.Context, string) (gateway.Socket, error) { return s, nil }
func (s brokenSocket) Write(context.Context, []byte) error                  { return errBrokenPipe }

// Given a connection on which a write fails while nothing else is wrong with it, then it is
// given up for that after a moment, in which a close frame could have come, and what was
// not written does not count as sent.
// Statements: G-107.
func TestFailedWriteEndsTheConnection(t *testing.T) {
	var socket *scriptedSocket
	run(t, config{options: func(o *gateway.Options) {
		socket = newScriptedSocket()
		o.Dialer = brokenSocket{socket}
	}}, func(h *harness) {
		h.start()
		took := h.Until(time.Minute, "the connection is given up", func() bool { return len(h.reasons()) > 0 })
		end := observed[gateway.Disconnected](h)[0].Reason
		if end.Kind != gateway.ReasonWrite || !errors.Is(end.Err, errBrokenPipe) || took < time.Second || took > 2*time.Second {
			t.Errorf("after %s it ended by %s", took, end)
		}
		if sent := h.shard.Stats().Sent; sent != 0 {
			t.Errorf("%d payloads count as sent", sent)
		}
	})
	run(t, config{options: func(o *gateway.Options) {
		socket = newScriptedSocket()
		o.Dialer = brokenSocket{socket}
	}}, func(h *harness) {
		h.start()
		h.Until(time.Second, "HELLO has come", func() bool { return h.shard.Stats().Connects == 1 })
		h.Advance(500 * time.Millisecond)
		socket.fail(&gateway.CloseError{Code: 4009})
		h.Until(time.Second, "the connection has ended", func() bool { return len(h.reasons()) > 0 })
		h.wantReason(gateway.ReasonClosed)
	})
}

// Given a connection that takes nothing while Discord asks for one heartbeat after another,
// then it is given up once the earlier ones have not left, before the deadline of the write.
// Statements: G-107.
func TestHeartbeatsThatDoNotLeaveEndTheConnection(t *testing.T) {
	var socket *scriptedSocket
	run(t, config{options: func(o *gateway.Options) {
		socket = newScriptedSocket()
		socket.stuck.Store(true)
		o.Dialer = socket
	}}, func(h *harness) {
		h.start()
		h.Until(time.Second, "HELLO has come", func() bool { return h.shard.Stats().Connects == 1 })
		for range 20 {
			socket.send(`{"op":1}`)
			h.Advance(10 * time.Millisecond)
		}
		if ends := observed[gateway.Disconnected](h); len(ends) != 1 || ends[0].Reason.Kind != gateway.ReasonWrite || ends[0].Reason.Text != "earlier heartbeats have not left yet" {
			t.Errorf("the ends are %+v", ends)
		}
		if beats := h.shard.Stats().Heartbeats; beats > 9 {
			t.Errorf("%d heartbeats count as sent", beats)
		}
	})
}

// talkativeSocket goes on to speak while it is closed.
type talkativeSocket struct{ *scriptedSocket }

func (s talkativeSocket) Dial(context.Context, string) (gateway.Socket, error) { return s, nil }

func (s talkativeSocket) Close(ctx context.Context, _ gateway.CloseCode, _ string) {
	for range 100 {
		s.send(`{"op":1}`)
	}
	<-ctx.Done()
	s.Drop()
}

// Given a peer that speaks on while the connection is closed, then the stop takes as long as
// the close handshake may, and no longer.
// Statements: G-093.
func TestPeerThatSpeaksOnHoldsUpNoStop(t *testing.T) {
	run(t, config{options: func(o *gateway.Options) { o.Dialer = talkativeSocket{newScriptedSocket()} }}, func(h *harness) {
		h.start()
		h.Until(time.Second, "HELLO has come", func() bool { return h.shard.Stats().Connects == 1 })
		began := time.Now()
		h.stop(gateway.KeepSession)
		if took := time.Since(began); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("it took %s, want a second", took)
		}
	})
}

// Given a HELLO that may take two hours and takes ninety minutes, then the connection waits
// for it: no deadline of a write runs while nothing is written.
// Statements: G-015, G-107.
func TestWaitForHELLOIsNoSlowWrite(t *testing.T) {
	var socket *scriptedSocket
	run(t, config{options: func(o *gateway.Options) {
		socket = newSilentSocket()
		o.Dialer, o.Timing.Hello = socket, 2*time.Hour
	}}, func(h *harness) {
		h.start()
		h.Advance(90 * time.Minute)
		socket.send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
		h.Until(time.Second, "HELLO has come", func() bool { return h.shard.Stats().Identifies == 1 })
		if failed := observed[gateway.ConnectFailed](h); len(failed) > 0 || h.shard.Stats().Dials != 1 {
			t.Errorf("after %d dials: %v", h.shard.Stats().Dials, failed)
		}
	})
}

// slowSocket takes a second to end a read after it was dropped.
type slowSocket struct {
	*scriptedSocket
	ended atomic.Bool
}

func (s *slowSocket) Dial(context.Context, string) (gateway.Socket, error) { return s, nil }

func (s *slowSocket) Read(buf []byte, limit int64, received func(n int)) ([]byte, int64, bool, error) {
	message, size, binary, err := s.scriptedSocket.Read(buf, limit, received)
	if err != nil {
		time.Sleep(time.Second)
		s.ended.Store(true)
	}
	return message, size, binary, err
}

// Given connections whose goroutines take a moment to end, however they were ended, then the
// shard has stopped only when they have.
func TestStopWaitsForTheGoroutinesOfConnections(t *testing.T) {
	for name, end := range map[string]func(*harness, *slowSocket){
		"the stop itself": func(*harness, *slowSocket) {},
		"the peer":        func(h *harness, s *slowSocket) { s.fail(errors.New("cut")) },
		"op 9":            func(h *harness, s *slowSocket) { s.send(`{"op":9,"d":false}`) },
		"a write that lasts": func(h *harness, s *slowSocket) {
			s.stuck.Store(true)
			s.send(`{"op":1}`)
			h.Until(15*time.Second, "the connection is given up", func() bool { return len(h.reasons()) > 0 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var socket *slowSocket
			run(t, config{options: func(o *gateway.Options) {
				socket = &slowSocket{scriptedSocket: newScriptedSocket()}
				o.Dialer = socket
			}}, func(h *harness) {
				h.start()
				h.Until(time.Second, "HELLO has come", func() bool { return h.shard.Stats().Connects == 1 })
				end(h, socket)
				h.Advance(time.Millisecond)
				h.stop(gateway.KeepSession)
				if !socket.ended.Load() {
					t.Error("the connection is still being read")
				}
			})
		})
	}
}

// Given payloads that cannot be used, then each is told with what is known of it, and
// counted.
// Statements: G-109, G-112, G-118.
func TestSkippedPayloadsAreTold(t *testing.T) {
	huge := `{"t":"GUILD_UPDATE","s":3,"op":0,"d":"` + strings.Repeat("x", 3000) + `"}`
	for _, c := range []struct {
		text string
		want gateway.PayloadSkipped
	}{
		{`{"op":77,"d":[]}`, gateway.PayloadSkipped{Why: "unknown opcode", Op: 77}},
		{`{"op":0,"t":"READY","s":1,"d":{}}`, gateway.PayloadSkipped{Why: "READY has no session_id", Type: "READY"}},
		{huge, gateway.PayloadSkipped{Why: "larger than the read limit", Type: "GUILD_UPDATE"}},
		{"nonsense", gateway.PayloadSkipped{Why: "not JSON; the connection is resumed", Op: -1}},
	} {
		run(t, config{options: func(o *gateway.Options) { o.Compression, o.ReadLimit = gateway.CompressNone, 2000 }}, func(h *harness) {
			h.startLive()
			h.injectRaw(c.text)
			h.Advance(10 * time.Millisecond)
			c.want.Bytes = int64(len(c.text))
			if got := observed[gateway.PayloadSkipped](h); len(got) != 1 || got[0] != c.want || h.shard.Stats().Skipped != 1 {
				t.Errorf("%d are counted; told are %+v, want %+v", h.shard.Stats().Skipped, got, c.want)
			}
		})
	}
}

// Given a shard that is live for a while, then its counts of payloads and bytes are those of
// its peer, and the end of the connection names the last answer to a heartbeat.
func TestCountsAreThoseOfThePeer(t *testing.T) {
	for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib} {
		run(t, config{options: compressed(compression)}, func(h *harness) {
			h.startLive()
			for range 10 {
				h.Post("a message")
				h.Advance(20 * time.Second)
			}
			answered := h.shard.LastACK()
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Until(time.Second, "the connection is cut", func() bool { return len(h.reasons()) == 1 })
			if end := observed[gateway.Disconnected](h)[0]; !end.LastACK.Equal(answered) || answered.IsZero() {
				t.Errorf("the end says that the last answer came at %s, and it came at %s", end.LastACK, answered)
			}
			var sent, bytes int64
			for _, f := range h.Sim.Connections(h.App)[0].Frames {
				if f.Sent {
					bytes += int64(f.Size)
				} else {
					sent++
				}
			}
			got := h.shard.Stats()
			if got.Sent != sent || sent < 5 {
				t.Errorf("%d payloads count as sent, and %d came", got.Sent, sent)
			}
			if packed := got.WireBytes < bytes; got.Bytes != bytes || packed != (compression != gateway.CompressNone) {
				t.Errorf("%s: %d bytes count as received, %d on the wire, and %d were sent", compression, got.Bytes, got.WireBytes, bytes)
			}
		})
	}
}

// Given a READY that names no resume URL, then the session is kept all the same, with the
// address that it began at.
// Statements: G-048.
func TestReadyWithoutAResumeURL(t *testing.T) {
	var socket *scriptedSocket
	run(t, config{options: func(o *gateway.Options) {
		socket = newScriptedSocket()
		o.Dialer = socket
	}}, func(h *harness) {
		h.start()
		h.Until(time.Second, "IDENTIFY is sent", func() bool { return h.shard.Stats().Identifies == 1 })
		socket.send(`{"op":0,"t":"READY","s":1,"d":{"session_id":"a"}}`)
		h.Until(time.Second, "the shard is live", h.isLive)
		if url := observed[gateway.HelloReceived](h)[0].URL; h.shard.Session() != (gateway.Session{ID: "a", ResumeURL: url, Seq: 1}) {
			t.Errorf("the session is %+v", h.shard.Session())
		}
		if refused := observed[gateway.AddressRefused](h); len(refused) > 0 {
			t.Errorf("refused: %+v", refused)
		}
	})
}
