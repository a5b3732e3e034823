package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// voiceState is a payload that means nothing: the bot leaves a voice channel it was
// never in.
func (h *harness) voiceState() map[string]any {
	return map[string]any{"guild_id": h.Guild.ID.String(), "channel_id": nil, "self_mute": false, "self_deaf": false}
}

// Given 300 payloads and a thousand presences at once, then no more than 120
// leave in any minute, of presences no more than 5 in any 20 s, heartbeats
// among them are on time, and the last presence wins.
// Statements: G-099, G-100, G-101, G-105, G-106, S-013, S-076.
func TestSendLimits(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		sent := make(chan error, 300)
		for range 300 {
			go func() { sent <- h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, h.voiceState()) }()
		}
		for i := range 1000 {
			err := h.shard.SetPresence(gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: fmt.Sprint("number ", i)}}})
			if err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				h.Advance(time.Second)
			}
		}
		h.Advance(6 * time.Minute)
		if len(sent) != 300 {
			t.Errorf("%d of 300 payloads have left", len(sent))
		}
		for range 300 {
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
		v := h.Sim.Verdict(h.App)
		if v.MaxSends > 120 || v.MaxSends < 90 {
			t.Errorf("%d payloads in one minute", v.MaxSends)
		}
		if v.MaxPresences > 5 {
			t.Errorf("%d presences in 20 s", v.MaxPresences)
		}
		history := h.Sim.StatusHistory(h.App)
		if last := history[len(history)-1]; last.Activity != "number 999" {
			t.Errorf("the bot shows %q", last.Activity)
		}
		if h.shard.Stats().Connects != 1 {
			t.Errorf("the connection was given up: %q", h.reasons())
		}
		wantHeartbeatsOnTime(t, h)
		h.NoViolations()
	})
}

// Given a live shard that has sent nothing for an hour, when a presence is set or a payload
// sent, then it leaves at once, and that is told of the presence.
// Statements: G-105.
func TestWhatIsSentLeavesAtOnce(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(70 * time.Minute)
		before := len(observed[gateway.PresenceSent](h))
		if err := h.shard.SetPresence(gateway.Presence{Status: gateway.StatusDND}); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Millisecond)
		sent := observed[gateway.PresenceSent](h)
		if history := h.Sim.StatusHistory(h.App); len(sent) != before+1 || sent[before].Presence.Status != gateway.StatusDND || history[len(history)-1].Status != "dnd" {
			t.Errorf("told of the presences %+v; the bot shows %+v", sent[before:], history[len(history)-1])
		}
		h.Advance(70 * time.Minute)
		start := time.Now()
		if err := h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, h.voiceState()); err != nil || time.Since(start) > time.Millisecond {
			t.Errorf("it left after %s: %v", time.Since(start), err)
		}
	})
}

// Given payloads waiting when a connection ends, then they leave on the next
// one, after RESUMED and after READY alike; nothing leaves before.
// Statements: G-104, G-105.
func TestQueuedSendsSurviveReconnects(t *testing.T) {
	for _, name := range []string{"cut", "session-loss"} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.startLive()
				sent := make(chan error, 200)
				for range 200 {
					go func() { sent <- h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, h.voiceState()) }()
				}
				h.Advance(time.Second)
				h.Inject(discordsim.Fault{Name: name})
				h.Until(time.Minute, "the shard is live", h.isLive)
				h.Advance(3 * time.Minute)
				for range 200 {
					if err := <-sent; err != nil {
						t.Fatal(err)
					}
				}
				h.NoViolations()
			})
		})
	}
}

// Given what must not be sent, then the caller gets an error and the connection
// nothing: too large, not a caller's opcode, a presence Discord would refuse, a
// full queue, a caller that has given up, a stopped shard.
// Statements: G-035, G-102, G-103.
func TestUnsendablePayloads(t *testing.T) {
	options := func(o *gateway.Options) { o.SendQueue = 3 }
	run(t, config{options: options}, func(h *harness) {
		outage := h.Inject(discordsim.Fault{Name: "no-ready"})
		h.start()
		h.Advance(time.Second)
		ctx := context.Background()
		if err := h.shard.Send(ctx, gateway.OpVoiceStateUpdate, strings.Repeat("x", 5000)); !errors.Is(err, gateway.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		for _, op := range []gateway.Opcode{1, 2, 3, 6, 11, 99} {
			if err := h.shard.Send(ctx, op, nil); err == nil {
				t.Errorf("%s was taken", op)
			}
		}
		for _, p := range []gateway.Presence{{}, {Status: "away"}, {Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: ""}}}} {
			if err := h.shard.SetPresence(p); err == nil {
				t.Errorf("%+v was taken", p)
			}
		}
		waiting := make(chan error, 3)
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		go func() { waiting <- h.shard.Send(short, gateway.OpVoiceStateUpdate, h.voiceState()) }()
		for range 2 {
			go func() { waiting <- h.shard.Send(ctx, gateway.OpVoiceStateUpdate, h.voiceState()) }()
		}
		h.Advance(time.Second)
		if err := h.shard.Send(ctx, gateway.OpVoiceStateUpdate, h.voiceState()); !errors.Is(err, gateway.ErrQueueFull) {
			t.Errorf("queue full: %v", err)
		}
		h.Advance(10 * time.Second)
		if err := <-waiting; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up: %v", err)
		}
		second, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := h.shard.Send(second, gateway.OpVoiceStateUpdate, h.voiceState()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in the place of what was given up: %v", err)
		}
		h.stop(gateway.KeepSession)
		for range 2 {
			if err := <-waiting; !errors.Is(err, gateway.ErrStopped) {
				t.Errorf("stopped: %v", err)
			}
		}
		if err := h.shard.Send(ctx, gateway.OpVoiceStateUpdate, h.voiceState()); !errors.Is(err, gateway.ErrStopped) {
			t.Errorf("after Stop: %v", err)
		}
		h.Sim.Lift(outage)
		h.NoViolations()
	})
	huge := gateway.Options{
		Credentials: gateway.Credentials{Token: strings.Repeat("x", 4090), Intents: intents}, URLSource: gateway.FixedURL("ws://gateway.discord.sim"),
	}
	if _, err := gateway.New(huge); !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("an IDENTIFY that is too large: %v", err)
	}
}

// Given RATE_LIMITED in answer to a request for members, then the next one for
// that guild waits as long as told; other payloads do not.
// Statements: G-108, S-079.
func TestRateLimitedIsObeyed(t *testing.T) {
	options := func(o *gateway.Options) { o.Intents |= gateway.IntentGuildMembers }
	run(t, config{options: options}, func(h *harness) {
		h.startLive()
		ctx := context.Background()
		all := map[string]any{"guild_id": h.Guild.ID.String(), "query": "", "limit": 0}
		for range 2 {
			if err := h.shard.Send(ctx, gateway.OpRequestGuildMembers, all); err != nil {
				t.Fatal(err)
			}
		}
		h.Until(time.Second, "RATE_LIMITED has come", func() bool { return len(h.eventsOf("RATE_LIMITED")) == 1 })
		start := time.Now()
		if err := h.shard.Send(ctx, gateway.OpVoiceStateUpdate, h.voiceState()); err != nil || time.Since(start) > time.Second {
			t.Errorf("another payload waited %s: %v", time.Since(start), err)
		}
		if err := h.shard.Send(ctx, gateway.OpRequestGuildMembers, all); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 28*time.Second || waited > 31*time.Second {
			t.Errorf("the request waited %s", waited)
		}
		h.Until(time.Second, "the members have come", func() bool { return len(h.eventsOf("GUILD_MEMBERS_CHUNK")) == 2 })
		h.NoViolations()
	})
}

// Given a link that takes nothing any more, when the write deadline has passed,
// then the connection counts as dead and the session is resumed.
// Statements: G-107.
func TestBlockedWriteEndsTheConnection(t *testing.T) {
	options := func(o *gateway.Options) {
		o.Timing.SilenceProbe = -1
		o.Timing.HeartbeatTimeout = 10 * time.Minute
		o.Timing.SuspectAfter, o.Timing.DeadAfter = 10*time.Minute, 20*time.Minute
	}
	run(t, config{sim: discordsim.Config{LinkWindow: 256, Heartbeat: discordsim.HeartbeatConfig{Interval: 5 * time.Minute}}, options: options}, func(h *harness) {
		h.startLive()
		h.Advance(time.Second)
		h.Inject(discordsim.Fault{Name: "half-open"})
		for range 20 {
			go func() { _ = h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, h.voiceState()) }()
		}
		if took := h.untilResumed(time.Minute); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		h.wantReason(gateway.ReasonWrite)
	})
}

// Given a connection that has carried heartbeats for an hour, when one of them does not
// leave, then the write deadline counts from that one: the connection is dead a
// deadline after it and no sooner.
// Statements: G-107.
func TestBlockedHeartbeatEndsTheConnection(t *testing.T) {
	options := func(o *gateway.Options) {
		o.Timing.SilenceProbe = -1
		o.Timing.HeartbeatTimeout = 10 * time.Minute
		o.Timing.SuspectAfter, o.Timing.DeadAfter = 10*time.Minute, 20*time.Minute
		o.Timing.Write = 7 * time.Second
	}
	run(t, config{sim: discordsim.Config{LinkWindow: 16, Heartbeat: discordsim.HeartbeatConfig{Interval: 20 * time.Second, Grace: -1}}, options: options}, func(h *harness) {
		h.startLive()
		h.Advance(time.Hour)
		if n := h.shard.Stats().Dials; n != 1 {
			t.Fatalf("%d dials so far", n)
		}
		h.Inject(discordsim.Fault{Name: "half-open"})
		if took := h.untilResumed(10 * time.Minute); took < 7*time.Second || took > 29*time.Second {
			t.Errorf("it took %s", took)
		}
		h.wantReason(gateway.ReasonWrite)
	})
}

// Given an uplink that takes long for what waits to be sent, when the shard sends as much as
// it may, then its heartbeats leave in time, because little waits in the kernel.
func TestSendsDelayNoHeartbeatOnAThinUplink(t *testing.T) {
	tuned := &bufferedConn{}
	run(t, config{options: func(o *gateway.Options) {
		dialer := o.Dialer.(gateway.WebSocketDialer)
		dial := dialer.DialContext
		dialer.DialContext = func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
			tuned.Conn, err = dial(ctx, network, addr)
			return tuned, err
		}
		o.Dialer = dialer
	}}, func(h *harness) {
		h.startLive()
		if tuned.bytes <= 0 || tuned.bytes > 32<<10 {
			t.Fatalf("%d bytes may wait in the kernel", tuned.bytes)
		}
	})
	run(t, config{sim: discordsim.Config{LinkWindow: tuned.bytes}}, func(h *harness) {
		h.startLive()
		h.Advance(20 * time.Second)
		h.narrow(10_000)
		for range 100 {
			go func() {
				_ = h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, map[string]any{"guild_id": h.Guild.ID.String(), "channel_id": nil, "padding": strings.Repeat("x", 3500)})
			}()
		}
		h.Advance(5 * time.Minute)
		h.wantUndisturbed()
	})
}

// bufferedConn is a connection whose write buffer can be set.
type bufferedConn struct {
	net.Conn
	bytes int
}

func (c *bufferedConn) SetWriteBuffer(bytes int) error {
	c.bytes = bytes
	return nil
}
