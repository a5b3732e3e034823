package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// regularHeartbeats lists when the regular heartbeats were sent.
func regularHeartbeats(h *harness) (at []time.Time) {
	observed[gateway.HeartbeatSent](h)
	for _, n := range h.recorder.All() {
		if beat, ok := n.Event.(gateway.HeartbeatSent); ok && !beat.Requested && !beat.Probe {
			at = append(at, n.At)
		}
	}
	return at
}

// Given 200 connections, then the first heartbeats are spread over the whole
// interval.
// Statements: G-016, S-038.
func TestFirstHeartbeatIsJittered(t *testing.T) {
	var tenths [10]int
	for i := range uint64(200) {
		run(t, config{sim: discordsim.Config{Seed: i}, options: withoutProbe}, func(h *harness) {
			h.start()
			h.Until(time.Minute, "HELLO has come", func() bool { return h.shard.Stats().Connects == 1 })
			hello := time.Now()
			h.Until(interval+time.Second, "the first heartbeat is sent", func() bool { return h.shard.Stats().Heartbeats == 1 })
			at := regularHeartbeats(h)[0].Sub(hello)
			if at < -time.Second || at >= interval {
				t.Fatalf("the first heartbeat came after %s", at)
			}
			tenths[min(9, max(0, int(10*at/interval)))]++
		})
	}
	for i, n := range tenths {
		if n < 5 || n > 45 {
			t.Errorf("%d of 200 first heartbeats fall into tenth %d: %v", n, i, tenths)
		}
	}
}

func withoutProbe(o *gateway.Options) { o.Timing.SilenceProbe = -1 }

// Given a HELLO with any interval, then regular heartbeats are that interval
// apart, from send to send, also while silence probes come between them.
// Statements: G-017, G-018.
func TestHeartbeatsKeepTheInterval(t *testing.T) {
	for _, every := range []time.Duration{500 * time.Millisecond, interval, time.Minute} {
		for name, options := range map[string]func(*gateway.Options){"probing": nil, "not probing": withoutProbe} {
			t.Run(fmt.Sprint(every, " ", name), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: every}}, options: options}, func(h *harness) {
					h.startLive()
					h.Advance(20 * every)
					beats := regularHeartbeats(h)
					if len(beats) < 18 {
						t.Fatalf("%d heartbeats in 20 intervals", len(beats))
					}
					for i, at := range beats[1:] {
						if gap := at.Sub(beats[i]); gap < every-time.Millisecond || gap > every+250*time.Millisecond {
							t.Errorf("heartbeats %d and %d are %s apart", i, i+1, gap)
						}
					}
					h.NoViolations()
				})
			})
		}
	}
}

// Given a live shard, when Discord asks for a heartbeat, then one leaves within
// 100 ms, and the regular ones go on as if nothing had happened.
// Statements: G-021, G-023, S-036.
func TestRequestedHeartbeat(t *testing.T) {
	run(t, config{options: withoutProbe}, func(h *harness) {
		h.startLive()
		h.Advance(3 * time.Second)
		for range 5 {
			before := h.shard.Stats().Heartbeats
			h.Inject(discordsim.Fault{Name: "server-beat"})
			h.Until(100*time.Millisecond, "the heartbeat is sent", func() bool { return h.shard.Stats().Heartbeats > before })
			h.Advance(13 * time.Second)
		}
		h.Advance(3 * interval)
		beats := regularHeartbeats(h)
		for i, at := range beats[1:] {
			if gap := at.Sub(beats[i]); gap < interval-time.Millisecond || gap > interval+250*time.Millisecond {
				t.Errorf("regular heartbeats are %s apart", gap)
			}
		}
		if h.shard.Stats().Connects != 1 {
			t.Errorf("the connection was given up: %q", h.reasons())
		}
		h.NoViolations()
	})
}

// Given a server that asks for heartbeats without end, then the shard answers
// as far as the send limit allows and is never closed for it.
// Statements: G-021, G-099.
func TestFloodOfRequestedHeartbeats(t *testing.T) {
	run(t, config{sim: discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{RequestedWithin: time.Hour}}}, func(h *harness) {
		h.startLive()
		for range 3000 {
			h.Inject(discordsim.Fault{Name: "server-beat"})
			h.Advance(50 * time.Millisecond)
		}
		if v := h.Sim.Verdict(h.App); v.MaxSends > 120 || h.shard.Stats().Connects != 1 {
			t.Errorf("%d sends a minute, %d connections", v.MaxSends, h.shard.Stats().Connects)
		}
	})
}

// Given a zombie, a connection on which events arrive and heartbeats stay
// unanswered, then it is closed with a private code when the next heartbeat is
// due, and resumed.
// Statements: G-024, G-010, G-088, S-034.
func TestZombieIsResumed(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(interval)
		zombie := h.Inject(discordsim.Fault{Name: "zombie"})
		start := time.Now()
		for h.shard.Stats().Resumes == 0 {
			h.Post("noise")
			h.Advance(time.Second)
			if time.Since(start) > 2*time.Minute {
				t.Fatal("the zombie was not noticed")
			}
		}
		h.Sim.Lift(zombie)
		h.Until(5*time.Second, "the session is resumed", func() bool { return h.shard.Stats().Resumed == 1 })
		if took := time.Since(start); took > 2*interval+5*time.Second {
			t.Errorf("it took %s", took)
		}
		h.wantReason(gateway.ReasonNoACK)
		for code := range h.Sim.Verdict(h.App).CloseCodes {
			if code != 4900 {
				t.Errorf("the client closed with %d", code)
			}
		}
		h.WantIdentifies(1)
	})
}

// Given answers to heartbeats that take 20 s while events keep coming, then the
// connection stays.
// Statements: G-025, G-026.
func TestLateAnswersAreAccepted(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "ack-delay", Delay: 20 * time.Second})
		for i := range 400 {
			h.Post("noise")
			h.Advance(time.Second)
			if i%37 == 0 {
				h.Inject(discordsim.Fault{Name: "server-beat"})
			}
		}
		if h.shard.Stats().Connects != 1 {
			t.Errorf("the connection was given up: %q", h.reasons())
		}
		h.NoViolations()
	})
}

// Given a link that is silent for longer than it takes to become suspicious and
// then answers, then the spare that was dialled is dismissed and the old
// connection stays.
// Statements: G-025.
func TestSuspicionIsCleared(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(20 * time.Second)
		h.Inject(discordsim.Fault{Name: "ack-delay", Delay: 7 * time.Second, For: 30 * time.Second})
		h.Advance(2 * time.Minute)
		if len(observed[gateway.SuspicionRaised](h)) == 0 || len(observed[gateway.SuspicionCleared](h)) == 0 {
			t.Error("no suspicion was raised and cleared")
		}
		if len(h.reasons()) != 0 {
			t.Errorf("a connection was given up: %q", h.reasons())
		}
		if h.shard.Stats().Resumes != 0 {
			t.Error("the session was moved")
		}
		h.NoViolations()
	})
}

// Given a round trip of 120 ms, then the shard knows it.
// Statements: G-031.
func TestLatencyIsMeasured(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 60 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		h.Advance(interval)
		if got := h.shard.Latency(); got < 120*time.Millisecond || got > 130*time.Millisecond {
			t.Errorf("latency %s, want 120 ms", got)
		}
		if time.Since(h.shard.LastACK()) > interval {
			t.Error("the last answer is too old")
		}
		for _, ack := range observed[gateway.HeartbeatACK](h) {
			if ack.Latency <= 0 {
				t.Error("an answer without latency was observed")
			}
		}
	})
}

// Given a replay of 10,000 events and a handler that takes 50 ms for each, then
// every heartbeat is on time.
// Statements: G-028, G-067.
func TestLongReplayWithSlowHandlers(t *testing.T) {
	slow := func(context.Context, gateway.Event) { time.Sleep(50 * time.Millisecond) }
	run(t, config{sim: discordsim.Config{Session: discordsim.SessionConfig{ReplayEvents: 20_000}, LogFrames: 50_000}, handle: slow}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "offline", For: 5 * time.Second})
		for i := range 10_000 {
			h.Post(fmt.Sprint(i))
		}
		h.Until(30*time.Second, "the session is resumed", func() bool { return h.shard.Stats().Resumed == 1 })
		h.Advance(10_000 * 50 * time.Millisecond)
		events := h.eventsOf("MESSAGE_CREATE")
		if len(events) != 10_000 {
			t.Fatalf("%d events were handled", len(events))
		}
		for i, e := range events[1:] {
			if e.Seq != events[i].Seq+1 {
				t.Fatalf("event %d follows %d", e.Seq, events[i].Seq)
			}
		}
		wantHeartbeatsOnTime(t, h)
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a handler that blocks for ten minutes and 130 payloads waiting to be
// sent, then every heartbeat is on time and the connection stays.
// Statements: G-029, G-099, S-013, S-035.
func TestBlockedHandlerAndManySendsDelayNoHeartbeat(t *testing.T) {
	handle := func(ctx context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			timer := time.NewTimer(10 * time.Minute)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
	}
	run(t, config{handle: handle}, func(h *harness) {
		h.startLive()
		h.Post("block")
		for range 130 {
			go func() {
				_ = h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, map[string]any{"guild_id": h.Guild.ID.String(), "channel_id": nil, "self_mute": false, "self_deaf": false})
			}()
		}
		h.Advance(11 * time.Minute)
		v := h.Sim.Verdict(h.App)
		if h.shard.Stats().Connects != 1 || v.MissedHeartbeats != 0 {
			t.Errorf("%d connections, %d missed heartbeats: %q", h.shard.Stats().Connects, v.MissedHeartbeats, h.reasons())
		}
		if v.MaxSends > 120 {
			t.Errorf("%d payloads in one minute", v.MaxSends)
		}
		wantHeartbeatsOnTime(t, h)
		h.NoViolations()
	})
}

// wantHeartbeatsOnTime fails the test unless the regular heartbeats of the newest
// connection are one interval apart.
func wantHeartbeatsOnTime(t *testing.T, h *harness) {
	t.Helper()
	logs := h.Sim.Connections(h.App)
	var beats []time.Time
	for _, f := range logs[len(logs)-1].Frames {
		if !f.Sent && f.Op == 1 {
			beats = append(beats, f.At)
		}
	}
	if len(beats) < 3 {
		t.Fatalf("%d heartbeats were seen", len(beats))
	}
	for i, at := range beats[1:] {
		if gap := at.Sub(beats[i]); gap > interval+time.Second {
			t.Errorf("heartbeats were %s apart", gap)
		}
	}
}
