package gateway_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// story lists what the observer was told, in order: states by their word, events by their
// type. Heartbeats are left out.
func (h *harness) story() (told []string) {
	observed[gateway.Transition](h)
	for _, n := range h.recorder.All() {
		switch e := n.Event.(type) {
		case gateway.HeartbeatSent, gateway.HeartbeatACK:
		case gateway.Transition:
			told = append(told, e.To.String())
		default:
			told = append(told, reflect.TypeOf(e).Name())
		}
	}
	return told
}

// enteredAt lists when a state began, by the observer.
func (h *harness) enteredAt(state gateway.State) (at []time.Time) {
	observed[gateway.Transition](h)
	for _, n := range h.recorder.All() {
		if change, ok := n.Event.(gateway.Transition); ok && reflect.TypeOf(change.To) == reflect.TypeOf(state) {
			at = append(at, n.At)
		}
	}
	return at
}

// lastSlowly is a number for Options.Rand with which the first heartbeat of a connection
// comes at the end of the interval.
func lastSlowly() float64 { return 0.99 }

// Given a shard that identifies, is cut, asked to move, has its session interrupted and
// stops, then the observer is told each step, in the order in which they happen.
func TestObserverIsToldTheStoryInOrder(t *testing.T) {
	set := config{sim: discordsim.Config{Latency: 20 * time.Millisecond}, options: func(o *gateway.Options) { o.Presence = nil }}
	run(t, set, func(h *harness) {
		h.startLive()
		for _, fault := range []string{"cut", "op7", "op9-true"} {
			h.Advance(10 * time.Second)
			h.Inject(discordsim.Fault{Name: fault})
			h.untilResumed(10 * time.Second)
		}
		h.Advance(10 * time.Second)
		h.stop(gateway.EndSession)
		resumed := []string{"connecting to resume", "HelloReceived", "resuming", "ResumeSent", "live", "Resumed"}
		want := slices.Concat(
			[]string{"waiting for its turn to identify", "connecting to identify", "HelloReceived", "identifying", "IdentifySent", "live", "Ready"},
			[]string{"Disconnected", "waiting for the next attempt"}, resumed,
			[]string{"ReconnectRequested", "moving", "HelloReceived", "Disconnected"}, slices.Delete(slices.Clone(resumed), 1, 2),
			[]string{"SessionInvalidated", "Disconnected", "waiting for the next attempt"}, resumed,
			[]string{"draining", "Disconnected", "SessionLost", "stopped"},
		)
		if got := h.story(); !slices.Equal(got, want) {
			t.Errorf("the story is\n%s\nwant\n%s", strings.Join(got, ", "), strings.Join(want, ", "))
		}
		if got := observed[gateway.SessionInvalidated](h); len(got) != 1 || !got[0].Resumable {
			t.Errorf("op 9 is told as %+v", got)
		}
		if got := observed[gateway.Ready](h); got[0].Took < 40*time.Millisecond || got[0].Took > 100*time.Millisecond {
			t.Errorf("READY is told to have taken %s", got[0].Took)
		}
		if got := observed[gateway.IdentifySent](h); got[0].Intents != intents {
			t.Errorf("IDENTIFY is told as %+v", got[0])
		}
	})
}

// Given waits for Discord that a deadline ends, when nothing else wakes the shard, then it
// acts at that moment and not when it next looks at its clock.
// Statements: G-044, G-071, G-080.
func TestDeadlinesAreKeptToTheMoment(t *testing.T) {
	const saved = "ws://resume.discord.sim"
	session := func(o *gateway.Options) { o.Session = gateway.Session{ID: "a", ResumeURL: saved, Seq: 1} }
	for _, c := range []struct {
		name    string
		options func(*gateway.Options)
		story   func(*harness, *scriptedServer) (took time.Duration)
		want    time.Duration
	}{
		{"READY is slow", nil, func(h *harness, s *scriptedServer) time.Duration {
			h.start()
			h.Advance(time.Second)
			s.conn(h, 0).send(`{"op":11}`) // Discord is heard
			h.Advance(time.Minute)
			slow := observed[gateway.SlowReady](h)
			if len(slow) != 1 {
				h.T.Fatalf("it was told %d times", len(slow))
			}
			return slow[0].Waited
		}, 15 * time.Second},
		{"READY does not come", func(o *gateway.Options) { o.Timing.Ready = 30 * time.Second }, func(h *harness, _ *scriptedServer) time.Duration {
			h.start()
			h.Until(time.Hour, "READY is given up", func() bool { return len(h.reasons()) > 0 })
			h.wantReason(gateway.ReasonNoReady)
			return observed[gateway.Disconnected](h)[0].Reason.Elapsed
		}, 30 * time.Second},
		{"RESUMED does not come", func(o *gateway.Options) { session(o); o.Timing.Resumed = 20 * time.Second }, func(h *harness, _ *scriptedServer) time.Duration {
			h.start()
			h.Until(time.Hour, "RESUMED is given up", func() bool { return len(h.reasons()) > 0 })
			h.wantReason(gateway.ReasonNoResumed)
			return observed[gateway.Disconnected](h)[0].Reason.Elapsed
		}, 20 * time.Second},
		{"a move comes to nothing", nil, func(h *harness, s *scriptedServer) time.Duration {
			live := s.startLive(h)
			s.mute.Store(true)
			live.send(`{"op":7,"d":null}`)
			h.Advance(time.Second)
			live.send(`{"op":7,"d":null}`) // Discord asks again, and the deadline stays
			h.Until(time.Minute, "the connection is left", func() bool { return len(h.reasons()) > 0 })
			return h.enteredAt(gateway.Connecting{})[1].Sub(h.enteredAt(gateway.Moving{})[0])
		}, 4 * time.Second},
		{"HELLO does not come", nil, func(h *harness, s *scriptedServer) time.Duration {
			s.mute.Store(true)
			h.start()
			h.Until(time.Minute, "HELLO is given up", func() bool { return len(observed[gateway.ConnectFailed](h)) > 0 })
			return observed[gateway.ConnectFailed](h)[0].Reason.Elapsed
		}, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			var server scriptedServer
			run(t, config{options: func(o *gateway.Options) {
				o.Dialer, o.Rand = &server, lastSlowly
				o.Timing.SilenceProbe, o.Timing.ClockCheck = gateway.Never, time.Hour
				if c.options != nil {
					c.options(o)
				}
			}}, func(h *harness) {
				if took := c.story(h, &server); took < c.want || took > c.want+20*time.Millisecond {
					t.Errorf("it took %s, want %s", took, c.want)
				}
			})
		})
	}
}

// Given a connection on which nothing has come since HELLO, then READY is not called slow:
// it is not Discord that is. It is once Discord is heard.
func TestReadyIsSlowOnlyIfDiscordIsHeard(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) {
		o.Dialer, o.Rand, o.Timing.SilenceProbe = &server, lastSlowly, gateway.Never
	}}, func(h *harness) {
		h.start()
		h.Advance(30 * time.Second)
		if slow := observed[gateway.SlowReady](h); len(slow) != 0 {
			t.Errorf("READY is called slow in silence: %+v", slow)
		}
		server.conn(h, 0).send(`{"op":11}`)
		h.Advance(6 * time.Second)
		if n := h.shard.Stats().ACKs; n != 0 {
			t.Errorf("%d answers count, and nothing was asked", n)
		}
		if slow := observed[gateway.SlowReady](h); len(slow) != 1 {
			t.Errorf("READY is called slow %d times", len(slow))
		}
	})
}

// Given op 7 on a live shard, when the next connection takes its time, then the shard
// stays online on the one it has, and what happens meanwhile arrives at once.
// Statements: G-080.
func TestConnectionServesOnUntilTheNextOneIsReady(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
		live := server.startLive(h)
		server.mute.Store(true)
		live.send(`{"op":7,"d":null}`)
		h.Advance(3 * time.Second)
		live.send(event("MESSAGE_CREATE", 2))
		next := server.conn(h, 1)
		if _, moving := h.shard.State().(gateway.Moving); !moving || len(h.eventsOf("MESSAGE_CREATE")) != 1 || live.isGone() {
			t.Errorf("the shard is %s and has seen %d messages", h.shard.State(), len(h.eventsOf("MESSAGE_CREATE")))
		}
		next.send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
		h.Advance(0)
		if len(next.payloads(6)) != 1 || server.count() != 2 || live.closed != 4900 {
			t.Errorf("%d RESUMEs on the next of %d connections; the one before was closed with %d", len(next.payloads(6)), server.count(), live.closed)
		}
		h.Advance(time.Minute)
		if spans := h.enteredAt(gateway.Moving{}); len(spans) != 1 {
			t.Errorf("the shard moved %d times", len(spans))
		}
	})
}

// Given op 7 in answer to IDENTIFY or RESUME, then the connection is left at once: there is
// nothing to serve on for.
// Statements: G-078.
func TestOp7BeforeTheConnectionIsLive(t *testing.T) {
	for _, session := range []gateway.Session{{}, {ID: "a", ResumeURL: "ws://resume.discord.sim", Seq: 1}} {
		var server scriptedServer
		run(t, config{options: func(o *gateway.Options) { o.Dialer, o.Session = &server, session }}, func(h *harness) {
			h.start()
			h.Advance(time.Second)
			server.conn(h, 0).send(`{"op":7,"d":null}`)
			h.Advance(0)
			if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{gateway.ReasonReconnect}) || len(h.enteredAt(gateway.Moving{})) != 0 {
				t.Errorf("connections ended by %q, and the shard moved %d times", got, len(h.enteredAt(gateway.Moving{})))
			}
		})
	}
}

// Given a connection that takes nothing, when Discord asks for more heartbeats than can
// wait, then it is given up at once.
// Statements: G-107.
func TestHeartbeatsThatCannotLeaveEndTheConnection(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
		live := server.startLive(h)
		live.stuck.Store(true)
		for range 12 {
			live.send(`{"op":1,"d":null}`)
			h.Advance(0)
		}
		if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{gateway.ReasonWrite}) {
			t.Errorf("connections ended by %q", got)
		}
	})
}

// Given a connection that ends right after op 7, then that is one and the same event,
// except where the close says that the session is over.
// Statements: G-079.
func TestEndAfterOp7(t *testing.T) {
	for code, want := range map[gateway.CloseCode]gateway.ReasonKind{
		0: gateway.ReasonReconnect, 1001: gateway.ReasonReconnect, 4000: gateway.ReasonReconnect,
		4004: gateway.ReasonClosed, 4009: gateway.ReasonClosed,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.startLive()
				h.Advance(10 * time.Second)
				h.Inject(discordsim.Fault{Name: "upgrade-stall", For: time.Minute})
				h.Inject(discordsim.Fault{Name: "op7"})
				h.Advance(time.Second)
				fault := discordsim.Fault{Name: "close", Code: int(code)}
				if code == 0 {
					fault.Name = "cut"
				}
				h.Inject(fault)
				h.Advance(time.Second)
				if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{want}) {
					t.Errorf("the connection ended by %q, want %q", got, want)
				}
			})
		})
	}
}

// Given a heartbeat whose answer is late, when the shard is asked to move or to stop
// meanwhile, then the suspicion and its end are told, and the state stays what it is: no
// connection is dialled for it, and the one that is dialled for the move is kept.
// Statements: G-080, G-092.
func TestSuspicionChangesNeitherAMoveNorADrain(t *testing.T) {
	for _, c := range []struct {
		name   string
		begin  func(h *harness, live *scriptedSocket)
		before time.Duration // when it begins, after the heartbeat
		state  gateway.State
		conns  int
		raised int
	}{
		{"a move before it", func(_ *harness, live *scriptedSocket) { live.send(`{"op":7,"d":null}`) }, 0, gateway.Moving{}, 2, 0},
		{"a move in it", func(_ *harness, live *scriptedSocket) { live.send(`{"op":7,"d":null}`) }, 7 * time.Second, gateway.Moving{}, 2, 1},
		{"a drain before it", func(h *harness, _ *scriptedSocket) { h.stopSoon() }, 0, gateway.Draining{}, 1, 1},
		{"a drain in it", func(h *harness, _ *scriptedSocket) { h.stopSoon() }, 7 * time.Second, gateway.Draining{}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var server scriptedServer
			var held heldEvents
			set := config{handle: held.handle, options: func(o *gateway.Options) {
				o.Dialer, o.Timing.Move, o.Timing.Hello, o.Timing.DeadAfter = &server, 40*time.Second, 40*time.Second, 30*time.Second
			}}
			run(t, set, func(h *harness) {
				live := server.startLive(h)
				live.send(`{"op":0,"t":"MESSAGE_CREATE","s":2,"d":{"content":"held"}}`)
				live.deaf.Store(true)
				server.mute.Store(true)
				sent := h.shard.Stats().Heartbeats
				h.Until(time.Minute, "a heartbeat is sent", func() bool { return h.shard.Stats().Heartbeats > sent })
				h.Advance(c.before)
				c.begin(h, live)
				h.Advance(15*time.Second - c.before)
				live.send(`{"op":11}`)
				h.Advance(time.Second)
				raised, cleared := observed[gateway.SuspicionRaised](h), observed[gateway.SuspicionCleared](h)
				if h.shard.State() != c.state || server.count() != c.conns {
					t.Errorf("the shard is %s, with %d connections, want %s with %d", h.shard.State(), server.count(), c.state, c.conns)
				}
				if len(raised) != c.raised || len(cleared) != len(raised) {
					t.Errorf("%d suspicions were told, and %d times that there is none any more", len(raised), len(cleared))
				}
				if c.conns == 2 && server.conn(h, 1).isGone() != (c.state == gateway.State(gateway.Draining{})) {
					t.Errorf("the second connection is gone: %t", server.conn(h, 1).isGone())
				}
				held.finish(0)
				h.Advance(time.Second)
			})
		})
	}
}

// stopSoon calls Stop and does not wait for it.
func (h *harness) stopSoon() {
	h.stopped = true
	shard := h.shard
	go func() {
		if err := shard.Stop(context.Background(), gateway.KeepSession); err != nil {
			h.T.Error(err)
		}
	}()
	h.Advance(0)
}

// Given a shard that drains before a stop, when Discord asks it to reconnect, or its queue
// has been full, then it stays where it is until the handlers are done.
// Statements: G-092.
func TestDrainIsNotInterrupted(t *testing.T) {
	for name, happens := range map[string]func(live *scriptedSocket){
		"op 7":        func(live *scriptedSocket) { live.send(`{"op":7,"d":null}`) },
		"a new READY": func(live *scriptedSocket) { live.send(scriptedReady) },
		"events":      func(live *scriptedSocket) { live.send(event("MESSAGE_CREATE", 9)) },
	} {
		t.Run(name, func(t *testing.T) {
			var server scriptedServer
			next := make(chan struct{})
			set := config{
				options: func(o *gateway.Options) { o.Dialer, o.QueueBytes = &server, 1000 },
				handle: func(_ context.Context, e gateway.Event) {
					if e.Type == "MESSAGE_CREATE" {
						<-next
					}
				},
			}
			run(t, set, func(h *harness) {
				next = make(chan struct{})
				live := server.startLive(h)
				for seq := range int64(8) { // one is handled, five wait, two are left with Discord
					live.send(event("MESSAGE_CREATE", 2+seq))
					h.Advance(0)
				}
				if len(observed[gateway.QueueFull](h)) == 0 {
					t.Fatal("the queue is not full")
				}
				h.stopSoon()
				happens(live)
				for range 4 { // then the queue is half empty
					next <- struct{}{}
					h.Advance(10 * time.Second)
				}
				if _, draining := h.shard.State().(gateway.Draining); !draining || server.count() != 1 || live.isGone() {
					t.Errorf("the shard is %s, with %d connections", h.shard.State(), server.count())
				}
				close(next)
				<-h.ran
				if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{gateway.ReasonStop}) {
					t.Errorf("the connection ended by %q", got)
				}
			})
		})
	}
}

// Given an end of a connection, then its last answer is told only if it came while the
// connection was live, and as the shard itself tells it.
func TestLastAnswerOfALiveConnection(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
		if at := h.shard.LastACK(); !at.IsZero() {
			t.Errorf("before the first answer the last one came at %s", at)
		}
		h.start()
		h.Advance(30 * time.Second)
		first := server.conn(h, 0)
		first.send(scriptedReady)
		h.Advance(0)
		before := h.shard.LastACK()
		first.Drop()
		h.Advance(10 * time.Second)
		second := server.conn(h, 1)
		second.send(scriptedResumed)
		h.Advance(interval)
		last := h.shard.LastACK()
		second.Drop()
		ends := observed[gateway.Disconnected](h)
		if before.IsZero() || len(ends) != 2 || !ends[0].LastACK.IsZero() || ends[1].LastACK != last {
			t.Errorf("answers came at %s and %s, and the ends are %+v", before, last, ends)
		}
	})
}

// Given a connection that dies after HELLO, then that it brought nothing else is told only
// if it was asked by a heartbeat, and never of one that was live.
func TestOnlyHello(t *testing.T) {
	for name, c := range map[string]struct {
		probe time.Duration
		ready bool
		heard bool
		want  bool
	}{
		"asked":            {0, false, false, true},
		"asked, and heard": {0, false, true, false},
		"not asked":        {gateway.Never, false, false, false},
		"live":             {0, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var server scriptedServer
			run(t, config{options: func(o *gateway.Options) {
				o.Dialer, o.Rand, o.Timing.SilenceProbe, o.Timing.Ready = &server, lastSlowly, c.probe, 30*time.Second
			}}, func(h *harness) {
				h.start()
				h.Advance(0)
				live := server.conn(h, 0)
				live.deaf.Store(true)
				if c.ready {
					live.send(scriptedReady)
				}
				if c.heard {
					h.Advance(time.Second)
					live.send(`{"op":11}`)
				}
				h.Until(3*time.Minute, "the connection has ended", func() bool { return len(h.reasons()) > 0 })
				if end := observed[gateway.Disconnected](h)[0]; end.OnlyHello != c.want {
					t.Errorf("only HELLO: %t, by %q", end.OnlyHello, end.Reason)
				}
				if n := len(observed[gateway.SuspicionRaised](h)); (n > 0) != c.ready {
					t.Errorf("live: %t, and it was suspected %d times", c.ready, n)
				}
			})
		})
	}
}

// Given a first message that is not JSON, before any event, then it ends the connection as
// any other does.
// Statements: G-118.
func TestFirstMessageThatIsNoJSON(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
		h.start()
		h.Advance(0)
		server.conn(h, 0).send("}{")
		h.Advance(0)
		h.wantReason(gateway.ReasonMalformed)
	})
}

// Given a shard on which nothing happens but events, then it looks at its connection at
// least every ClockCheck, and no more often for events that are handled in time.
func TestChecksKeepTheirPace(t *testing.T) {
	run(t, config{options: withoutProbe}, func(h *harness) {
		h.startLive()
		h.Advance(time.Second)
		before := h.shard.Stats().Checks
		for range 600 {
			h.Post("one of many")
			h.Advance(100 * time.Millisecond)
		}
		if n := h.shard.Stats().Checks - before; n < 12 || n > 30 {
			t.Errorf("%d checks in a minute", n)
		}
		if n := len(observed[gateway.SuspicionCleared](h)) + len(observed[gateway.SuspicionRaised](h)); n != 0 {
			t.Errorf("%d observations of suspicions on a healthy connection", n)
		}
	})
}

// Given a session ID that no RESUME can carry, when the connection ends, then the session
// is over and another one begins; one that is only longer than any other is resumed.
// Statements: G-103.
func TestSessionIDThatIsTooLong(t *testing.T) {
	for length, resumed := range map[int]bool{2000: true, 5000: false} {
		var server scriptedServer
		run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
			h.start()
			h.Advance(time.Second)
			server.conn(h, 0).send(strings.Replace(scriptedReady, `"a"`, `"`+strings.Repeat("a", length)+`"`, 1))
			h.Until(time.Second, "the shard is live", h.isLive)
			server.conn(h, 0).send(`{"op":7,"d":null}`)
			h.Advance(20 * time.Second)
			last := server.conn(h, server.count()-1)
			if got := len(last.payloads(6)) == 1; got != resumed || got == (len(last.payloads(2)) == 1) {
				t.Errorf("%d bytes: %d RESUMEs and %d IDENTIFYs", length, len(last.payloads(6)), len(last.payloads(2)))
			}
			if lost := observed[gateway.SessionLost](h); resumed != (len(lost) == 0) || !resumed && lost[0].Reason.Kind != gateway.ReasonInvalidSession {
				t.Errorf("%d bytes: lost sessions %+v", length, lost)
			}
		})
	}
}

// Given an answer that comes right before the end of the connection, when the shard finds
// both at once, then the answer counts, and not the end.
// Statements: G-082.
func TestWhatWasSaidBeforeTheEndCounts(t *testing.T) {
	for range 10 { // a select that finds both draws lots
		var process stoppedProcess
		var server scriptedServer
		run(t, config{options: func(o *gateway.Options) { process.setClock(o); o.Dialer = &server }}, func(h *harness) {
			live := server.startLive(h)
			process.clock.close()
			live.send(`{"op":11}`) // it keeps the shard at its clock
			h.Advance(0)
			live.send(`{"op":9,"d":false}`)
			h.Advance(0)
			live.Drop()
			h.Advance(0)
			process.clock.open()
			h.Advance(0)
			if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{gateway.ReasonInvalidSession}) {
				t.Errorf("the connection ended by %q", got)
			}
		})
	}
}
