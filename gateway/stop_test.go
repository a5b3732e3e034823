package gateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given a shard in any phase of its life, when Stop is called, then it ends
// within two seconds, for good, and dials no more.
// Statements: G-090, G-092.
func TestStopIsFinalInEveryPhase(t *testing.T) {
	phases := map[string]func(*harness){
		"dial": func(h *harness) { h.Inject(discordsim.Fault{Name: "offline"}); h.start(); h.Advance(time.Second) },
		"backoff": func(h *harness) {
			h.Inject(discordsim.Fault{Name: "upgrade-status", Code: 503})
			h.start()
			h.Until(time.Hour, "the shard waits for long", func() bool {
				w, is := h.shard.State().(gateway.Waiting)
				return is && time.Until(w.Until) > 15*time.Second
			})
		},
		"hello": func(h *harness) { h.Inject(discordsim.Fault{Name: "no-hello"}); h.start(); h.Advance(time.Second) },
		"ready": func(h *harness) { h.Inject(discordsim.Fault{Name: "no-ready"}); h.start(); h.Advance(3 * time.Second) },
		"resume": func(h *harness) {
			h.startLive()
			h.Inject(discordsim.Fault{Name: "resume-silent"})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Advance(3 * time.Second)
		},
		"live": func(h *harness) { h.startLive() },
		"suspect": func(h *harness) {
			h.startLive()
			h.Inject(discordsim.Fault{Name: "half-open"})
			h.Until(time.Minute, "the shard is suspicious", func() bool { _, is := h.shard.State().(gateway.Suspect); return is })
		},
		"moving": func(h *harness) { h.startLive(); h.Inject(discordsim.Fault{Name: "op7"}); h.Advance(time.Millisecond) },
		"parked": func(h *harness) {
			h.startLive()
			h.Inject(discordsim.Fault{Name: "token-reset"})
			h.Advance(time.Minute)
		},
	}
	for name, prepare := range phases {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				prepare(h)
				start := time.Now()
				h.stop(gateway.KeepSession)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("Stop took %s", took)
				}
				dials := h.shard.Stats().Dials
				h.Sim.LiftAll()
				h.Advance(time.Hour)
				if h.shard.Stats().Dials != dials {
					t.Error("the shard dialled after Stop")
				}
			})
		})
	}
}

// Given a live shard, when it pauses, then the session stays at Discord; when
// it says goodbye, then the dot is grey at once.
// Statements: G-089, G-090, S-044, S-045.
func TestPauseKeepsTheSessionAndGoodbyeEndsIt(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		kept := h.shard.Session()
		h.stop(gateway.KeepSession)
		if !h.Sim.Online(h.App) || h.Sim.Sessions(h.App) != 1 || !kept.Resumable() {
			t.Error("the session did not survive the pause")
		}
		if codes := h.Sim.Verdict(h.App).CloseCodes; codes[4900] != 1 || len(codes) != 1 {
			t.Errorf("close codes %v", codes)
		}
	})
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.stop(gateway.EndSession)
		if h.Sim.Online(h.App) || h.Sim.Sessions(h.App) != 0 {
			t.Error("the dot is still green after goodbye")
		}
		if codes := h.Sim.Verdict(h.App).CloseCodes; codes[1000] != 1 || len(codes) != 1 {
			t.Errorf("close codes %v", codes)
		}
	})
}

// Given a shard that was stopped before it ran, then it never runs.
// Statements: G-092.
func TestStopBeforeRun(t *testing.T) {
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: "x", Intents: intents}, URLSource: gateway.FixedURL("ws://gateway.discord.sim"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := shard.Stop(context.Background(), gateway.KeepSession); err != nil {
		t.Fatal(err)
	}
	if err := shard.Run(context.Background()); err == nil {
		t.Error("Run did not refuse")
	}
	if shard.Stats().Dials != 0 {
		t.Error("the shard dialled")
	}
}

// Given a Discord that answers no close frame, then Stop waits for it no longer
// than the close deadline.
// Statements: G-093.
func TestCloseHandshakeHasADeadline(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "half-open"})
		start := time.Now()
		h.stop(gateway.KeepSession)
		if took := time.Since(start); took < 900*time.Millisecond || took > 1500*time.Millisecond {
			t.Errorf("Stop took %s", took)
		}
	})
	run(t, config{sim: discordsim.Config{Latency: 200 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		start := time.Now()
		h.stop(gateway.KeepSession)
		if took := time.Since(start); took < 400*time.Millisecond || took > 500*time.Millisecond {
			t.Errorf("Stop took %s", took)
		}
		if codes := h.Sim.Verdict(h.App).CloseCodes; codes[4900] != 1 {
			t.Errorf("close codes %v", codes)
		}
	})
}

// Given a stop that waits for a handler, then what comes meanwhile is left with Discord, the
// stop ends as soon as the handler has finished what it holds, and the next start gets the
// rest: nothing is lost, and nothing comes twice.
// Statements: G-052, G-092.
func TestStopTakesNothingMoreIn(t *testing.T) {
	for name, typ := range map[string]string{"a message is held": "MESSAGE_CREATE", "READY is being handled": "READY"} {
		t.Run(name, func(t *testing.T) {
			var store savedSessions
			var done func()
			release := make(chan struct{})
			set := config{options: func(o *gateway.Options) { o.SessionStore = &store }, handle: func(_ context.Context, e gateway.Event) {
				switch {
				case e.Type != typ:
				case typ == "READY":
					<-release
				default:
					done = e.Hold()
				}
			}}
			run(t, set, func(h *harness) {
				release = make(chan struct{})
				done = func() { close(release) }
				h.startLive()
				if typ == "MESSAGE_CREATE" {
					h.Post("before")
				}
				h.Advance(3 * time.Second)
				h.stopped = true
				ended := make(chan time.Time, 1)
				go func() {
					if err := h.shard.Stop(context.Background(), gateway.KeepSession); err != nil {
						t.Error(err)
					}
					ended <- time.Now()
				}()
				h.Advance(time.Second)
				received := h.shard.Stats().Received
				for range 3 {
					h.Post("meanwhile")
				}
				h.Advance(1500 * time.Millisecond)
				if state := h.shard.State(); state != (gateway.Draining{}) || h.shard.Stats().Received != received {
					t.Errorf("the shard is %s, and %d events were taken in meanwhile", state, h.shard.Stats().Received-received)
				}
				finished := time.Now()
				done()
				<-h.ran
				if took := (<-ended).Sub(finished); took > 100*time.Millisecond {
					t.Errorf("the stop ended %s after the handler", took)
				}
				handled := len(h.eventsOf("MESSAGE_CREATE"))
				h.handle = nil
				h.restart(store.last())
				h.Advance(time.Second)
				if got := len(h.eventsOf("MESSAGE_CREATE")); got != handled+3 {
					t.Errorf("the next start got %d messages, want 3", got-handled)
				}
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given handlers that are still at work, then Stop waits for them until its
// context ends; one that ignores the end of its own context cannot hold it up
// for ever.
// Statements: G-092.
func TestStopWaitsForHandlers(t *testing.T) {
	for name, c := range map[string]struct {
		takes   time.Duration
		ignores bool
		within  time.Duration
		fails   bool
	}{
		"quick":    {2 * time.Second, false, 3 * time.Second, false},
		"slow":     {time.Hour, false, 7 * time.Second, false},
		"stubborn": {20 * time.Second, true, 9 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			handle := func(ctx context.Context, e gateway.Event) {
				if e.Type != "MESSAGE_CREATE" {
					return
				}
				if c.ignores {
					time.Sleep(c.takes)
					return
				}
				select {
				case <-time.After(c.takes):
				case <-ctx.Done():
				}
			}
			run(t, config{handle: handle}, func(h *harness) {
				h.startLive()
				h.Post("work")
				h.Advance(10 * time.Millisecond)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				h.stopped = true
				start := time.Now()
				err := h.shard.Stop(ctx, gateway.KeepSession)
				if took := time.Since(start); took > c.within || (err != nil) != c.fails {
					t.Errorf("Stop took %s: %v", took, err)
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Stop failed with %v", err)
				}
				<-h.ran
				if h.Sim.Sessions(h.App) != 1 {
					t.Error("the session did not survive")
				}
			})
		})
	}
}
