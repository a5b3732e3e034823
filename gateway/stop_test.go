package gateway_test

import (
	"context"
	"errors"
	"sync/atomic"
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
				failed := len(observed[gateway.ConnectFailed](h))
				start, before := time.Now(), h.shard.Stats()
				h.stop(gateway.KeepSession)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("Stop took %s", took)
				}
				online := name == "live" || name == "suspect" || name == "moving"
				if drained := len(h.enteredAt(gateway.Draining{})) == 1; drained != online {
					t.Errorf("online: %t, and it was told that the shard drains: %t", online, drained)
				}
				if got := observed[gateway.ConnectFailed](h)[failed:]; len(got) > 0 {
					t.Errorf("what the stop cut off is told as a failure: %v", got)
				}
				h.Sim.LiftAll()
				h.Advance(time.Hour)
				if after := h.shard.Stats(); after.Dials != before.Dials || after.Resumes != before.Resumes {
					t.Errorf("after Stop the shard dialled %d times and sent %d RESUMEs", after.Dials-before.Dials, after.Resumes-before.Resumes)
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
	if err := shard.Send(t.Context(), gateway.OpVoiceStateUpdate, nil); !errors.Is(err, gateway.ErrStopped) {
		t.Errorf("Send returned %v", err)
	}
	if shard.Stats().Dials != 0 || shard.State() != (gateway.Stopped{}) {
		t.Errorf("the shard is %s, after %d dials", shard.State(), shard.Stats().Dials)
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
		want    time.Duration // how long Stop takes
		fails   bool
	}{
		"quick":    {2 * time.Second, false, 2 * time.Second, false},
		"slow":     {time.Hour, false, 5 * time.Second, false},
		"late":     {7500 * time.Millisecond, true, 7500 * time.Millisecond, false},
		"stubborn": {20 * time.Second, true, 8 * time.Second, true},
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
				if took := time.Since(start); took < c.want-50*time.Millisecond || took > c.want+50*time.Millisecond || (err != nil) != c.fails {
					t.Errorf("Stop took %s: %v", took, err)
				}
				if _, stopped := h.shard.State().(gateway.Stopped); stopped == c.fails {
					t.Errorf("when Stop returned, the shard was %s", h.shard.State())
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

// Given a shard that is not online, or does not stay it, when it is stopped with an event
// that is still being handled, then Stop waits for the handler as ever, and returns when it
// is done: not sooner, and no later.
// Statements: G-092.
func TestStopWaitsForHandlersWithoutAConnection(t *testing.T) {
	for name, c := range map[string]struct {
		before, after func(*harness) // the stop
	}{
		"in a backoff": {before: func(h *harness) {
			h.Inject(discordsim.Fault{Name: "refuse"})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Advance(10 * time.Second)
		}},
		"in a RESUME": {before: func(h *harness) {
			h.Inject(discordsim.Fault{Name: "resume-silent"})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Advance(5 * time.Second)
		}},
		"parked": {before: func(h *harness) {
			h.Inject(discordsim.Fault{Name: "close", Code: 4012})
			h.Advance(5 * time.Second)
		}},
		"moving": {before: func(h *harness) {
			h.Inject(discordsim.Fault{Name: "upgrade-stall"})
			h.Inject(discordsim.Fault{Name: "op7"})
			h.Advance(time.Second)
		}},
		"cut in the drain": {after: func(h *harness) { h.Inject(discordsim.Fault{Name: "cut"}) }},
		"online":           {},
	} {
		t.Run(name, func(t *testing.T) {
			const work = time.Minute
			var cancelled atomic.Bool
			handle := func(ctx context.Context, e gateway.Event) {
				if e.Type == "MESSAGE_CREATE" {
					select {
					case <-time.After(work):
					case <-ctx.Done():
						cancelled.Store(true)
					}
				}
			}
			run(t, config{handle: handle, options: func(o *gateway.Options) { o.Timing.ClockCheck = time.Hour }}, func(h *harness) {
				h.startLive()
				h.Advance(10 * time.Second)
				begun := time.Now()
				h.Post("work")
				h.Advance(10 * time.Millisecond)
				if c.before != nil {
					c.before(h)
				}
				h.stopSoon()
				if c.after != nil {
					c.after(h)
				}
				h.Advance(time.Second)
				want := gateway.State(gateway.Waiting{For: "handlers to finish"})
				if name == "online" || name == "moving" {
					want = gateway.Draining{}
				}
				if state := h.shard.State(); state != want {
					t.Errorf("while the handler is at work, the shard is %s, want %s", state, want)
				}
				<-h.ran
				if took := time.Since(begun); took != work || cancelled.Load() {
					t.Errorf("it was over after %s, the handler was cancelled: %t", took, cancelled.Load())
				}
				if len(h.eventsOf("MESSAGE_CREATE")) != 1 {
					t.Error("the event was not handled")
				}
			})
		})
	}
}

// Given a shard without a connection and a handler at work, when the context of Run ends, or
// that of Stop, then the context of the handler ends at once, and so does the shard. That it
// waits is told only if it does.
// Statements: G-092.
func TestHurriedStopWithoutAConnection(t *testing.T) {
	for _, patience := range []time.Duration{0, 3 * time.Second} {
		t.Run(patience.String(), func(t *testing.T) {
			handle := func(ctx context.Context, e gateway.Event) {
				if e.Type == "MESSAGE_CREATE" {
					<-ctx.Done()
				}
			}
			run(t, config{handle: handle}, func(h *harness) {
				h.startLive()
				h.Post("work")
				h.Advance(time.Second)
				h.Inject(discordsim.Fault{Name: "refuse"})
				h.Inject(discordsim.Fault{Name: "cut"})
				h.Advance(10 * time.Second)
				h.stopped = true
				start := time.Now()
				if patience == 0 {
					h.cancel()
				} else {
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					if err := h.shard.Stop(ctx, gateway.KeepSession); err != nil {
						t.Error(err)
					}
				}
				<-h.ran
				if took := time.Since(start); took != patience {
					t.Errorf("it was over after %s", took)
				}
				waited := false
				for _, change := range observed[gateway.Transition](h) {
					waited = waited || change.To == gateway.State(gateway.Waiting{For: "handlers to finish"})
				}
				if waited != (patience > 0) {
					t.Errorf("it was told that the shard waits for handlers: %t", waited)
				}
			})
		})
	}
}

// Given a handler that waits for a payload to be sent, when the shard is stopped while it
// has no connection, then the payload fails, and Stop does not wait for a connection.
// Statements: G-092.
func TestStopEndsSendsThatWaitForAConnection(t *testing.T) {
	failed := make(chan error, 1)
	var shard *gateway.Shard
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			time.Sleep(5 * time.Second)
			failed <- shard.Send(context.Background(), gateway.OpRequestChannelInfo, map[string]any{"guild_id": "1"})
		}
	}
	run(t, config{handle: handle}, func(h *harness) {
		failed, shard = make(chan error, 1), h.shard
		h.startLive()
		h.Post("work")
		h.Advance(time.Second)
		h.Inject(discordsim.Fault{Name: "refuse"})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Advance(10 * time.Second)
		start := time.Now()
		h.stop(gateway.KeepSession)
		if took := time.Since(start); took > time.Second {
			t.Errorf("Stop took %s", took)
		}
		if err := <-failed; !errors.Is(err, gateway.ErrStopped) {
			t.Errorf("Send returned %v", err)
		}
	})
}

// Given a context of Run that ends, then the shard stops without draining.
// Statements: G-092.
func TestEndOfRunsContextDrainsNothing(t *testing.T) {
	for range 12 { // a select that finds both a stop and an abort draws lots
		run(t, config{}, func(h *harness) {
			h.startLive()
			h.stopped = true
			h.cancel()
			<-h.ran
			if n := len(h.enteredAt(gateway.Draining{})); n != 0 {
				t.Error("it was told that the shard drains")
			}
		})
	}
}

// Given a context of Run that outlives the shard, as that of a process does, then nothing of
// the shard stays behind in it.
func TestRunLeavesNothingInItsContext(t *testing.T) {
	run(t, config{}, func(h *harness) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		waiting := &afterFuncs{Context: ctx}
		ran := make(chan struct{})
		go func() { defer close(ran); _ = h.shard.Run(waiting) }()
		h.Advance(time.Second)
		if n := waiting.waiting.Load(); n != 1 {
			t.Fatalf("%d functions wait for the end of the context", n)
		}
		if err := h.shard.Stop(context.Background(), gateway.KeepSession); err != nil {
			t.Error(err)
		}
		<-ran
		if n := waiting.waiting.Load(); n != 0 {
			t.Errorf("after Run %d functions wait for the end of its context", n)
		}
	})
}
