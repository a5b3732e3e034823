package gateway_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// offlineSpans lists how long the shard was without a connection that is READY or
// RESUMED, each time after the first.
func (h *harness) offlineSpans() (spans []time.Duration) {
	observed[gateway.Transition](h)
	var since time.Time
	for _, n := range h.recorder.All() {
		change, ok := n.Event.(gateway.Transition)
		if !ok {
			continue
		}
		switch was, is := gateway.Online(change.From), gateway.Online(change.To); {
		case was && !is:
			since = n.At
		case !was && is && !since.IsZero():
			spans = append(spans, n.At.Sub(since))
		}
	}
	return spans
}

// Given a session whose own host is dead for half an hour, when the base gateway
// resumes it and cuts it off every minute, as Discord does, then the shard is
// back within a second each time; and when the host is back, the shard goes
// there by itself and is not cut off any more.
// Statements: G-008, G-010, G-073, S-053.
func TestBaseGatewayStandsInForADeadHost(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 20 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		h.Advance(2 * time.Minute)
		dead := h.Inject(discordsim.Fault{Name: "resume-dead"})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.untilResumed(20 * time.Second)
		for range 30 {
			h.Advance(time.Minute)
			h.Post("is anybody there?")
		}
		h.Until(5*time.Second, "the shard is live", h.isLive)
		spans := h.offlineSpans()
		if len(spans) < 25 {
			t.Fatalf("the shard was away %d times only: the base gateway has not cut it off", len(spans))
		}
		if worst := slices.Max(spans[1:]); worst > time.Second {
			t.Errorf("after a cut by the base gateway the shard was away for %s", worst)
		}
		h.Sim.Lift(dead)
		h.Advance(time.Minute)
		connects, before := h.shard.Stats().Connects, len(h.offlineSpans())
		h.Advance(10 * time.Minute)
		if got := h.shard.Stats().Connects; got != connects || len(h.offlineSpans()) != before {
			t.Errorf("the host is back, and yet the shard has reconnected %d times", got-connects)
		}
		if worst := slices.Max(h.offlineSpans()[1:]); worst > time.Second {
			t.Errorf("on its way back to the resume URL the shard was away for %s", worst)
		}
		if got := len(h.eventsOf("MESSAGE_CREATE")); got != 30 {
			t.Errorf("%d of 30 messages came", got)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a shard that stands on the base gateway, when the session's own host
// comes back in the middle of a suspicion, after a request to reconnect or
// before a stop, then each of these is dealt with as ever.
// Statements: G-010, G-077.
func TestReturnToTheResumeURLMayBeInterrupted(t *testing.T) {
	for name, happens := range map[string]func(*harness){
		"silence": func(h *harness) { h.Inject(discordsim.Fault{Name: "black-hole", For: 8 * time.Second}) },
		"op 7":    func(h *harness) { h.Inject(discordsim.Fault{Name: "op7"}) },
		"a cut":   func(h *harness) { h.Inject(discordsim.Fault{Name: "cut"}) },
		"a stop":  func(h *harness) { h.stop(gateway.KeepSession) },
	} {
		for at := 13 * time.Second; at < 18*time.Second; at += 500 * time.Millisecond {
			t.Run(name+" after "+at.String(), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Latency: 300 * time.Millisecond}}, func(h *harness) {
					h.startLive()
					h.Advance(time.Minute)
					dead := h.Inject(discordsim.Fault{Name: "resume-dead"})
					h.Inject(discordsim.Fault{Name: "cut"})
					h.untilResumed(20 * time.Second)
					h.Sim.Lift(dead)
					h.Advance(at)
					happens(h)
					if h.stopped {
						return
					}
					h.Advance(40 * time.Second)
					h.Post("still there?")
					h.Advance(time.Minute)
					if !h.isLive() || len(h.eventsOf("MESSAGE_CREATE")) != 1 {
						t.Errorf("the shard is %s and has seen %d messages", h.shard.State(), len(h.eventsOf("MESSAGE_CREATE")))
					}
					h.WantIdentifies(1)
					h.NoViolations()
				})
			})
		}
	}
}

// Given a shard that has failed a few times and was asked to reconnect, when it
// waits before it does, then it holds no connection open without
// heartbeats.
// Statements: G-016, G-077, G-151.
func TestNoSpareIsHeldThroughABackoff(t *testing.T) {
	const often = 1500 * time.Millisecond
	set := config{sim: discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: often}}, options: func(o *gateway.Options) {
		o.Rand = func() float64 { return 0.9 }
	}}
	run(t, set, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "refuse", Count: 4})
		h.startLive()
		h.Inject(discordsim.Fault{Name: "op7"})
		h.untilResumed(20 * time.Second)
		h.Advance(10 * time.Second)
		for _, c := range h.Sim.Connections(h.App) {
			if lasted := c.Closed.Sub(c.Opened); c.Beats == 0 && !c.Closed.IsZero() && lasted > often {
				t.Errorf("connection %d stood for %s without a heartbeat", c.ID, lasted)
			}
		}
		for _, c := range h.Sim.Connections(nil) {
			if lasted := c.Closed.Sub(c.Opened); c.App == 0 && !c.Closed.IsZero() && lasted > often {
				t.Errorf("connection %d stood for %s and said nothing", c.ID, lasted)
			}
		}
		h.NoViolations()
	})
}

// Given a suspicion that lasts longer than a connection may go without its first
// heartbeat, then the spare is replaced by a fresh one before that.
// Statements: G-016, G-024.
func TestHeldSpareIsReplacedInTime(t *testing.T) {
	set := config{options: func(o *gateway.Options) {
		o.Timing = gateway.Timing{DeadAfter: 58 * time.Second}
		o.Rand = func() float64 { return 0.99 }
	}}
	run(t, set, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "black-hole"})
		h.untilResumed(2 * time.Minute)
		stood := 0
		for _, c := range h.Sim.Connections(nil) {
			if c.App != 0 {
				continue
			}
			stood++
			if lasted := c.Closed.Sub(c.Opened); c.Closed.IsZero() || lasted >= interval {
				t.Errorf("a spare stood for %s and said nothing", lasted)
			}
		}
		if stood == 0 {
			t.Error("no spare was replaced")
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a link that has gone silent, when the shard gives it up, then it tells
// for how long nothing had arrived, and not for how long it had asked.
// Statements: G-158.
func TestSilenceIsCountedFromTheLastByte(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "half-open"})
		h.untilResumed(30 * time.Second)
		for _, n := range h.recorder.All() {
			switch what := n.Event.(type) {
			case gateway.Disconnected:
				if quiet := n.At.Sub(what.LastByte); what.Reason.Kind != gateway.ReasonSilent || what.Reason.Elapsed != quiet || quiet < 20*time.Second {
					t.Errorf("the connection ended by %q, and nothing had arrived for %s", what.Reason, quiet)
				}
			case gateway.SuspicionRaised:
				if what.Silent < 20*time.Second {
					t.Errorf("the suspicion speaks of %s, and nothing has arrived for 20 s", what.Silent)
				}
			}
		}
	})
}

// Given a suspicious shard that holds a spare connection, when Discord asks both
// for a heartbeat and events keep the shard from giving the old one up, then both
// answer; and when Discord asks the spare to reconnect, then it is replaced.
// Statements: G-021, G-077.
func TestHeldSpareAnswers(t *testing.T) {
	for _, asked := range []string{"server-beat", "op7"} {
		for phase := range 6 {
			t.Run(fmt.Sprint(asked, " ", phase), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Seed: uint64(phase)}}, func(h *harness) {
					h.startLive()
					h.Advance(interval + time.Duration(phase)*interval/6)
					zombie := h.Inject(discordsim.Fault{Name: "zombie"})
					h.Until(time.Minute, "the shard holds a spare", func() bool {
						_, suspects := h.shard.State().(gateway.Suspect)
						return suspects && h.shard.Stats().Connects == 2
					})
					h.Inject(discordsim.Fault{Name: asked})
					for range 15 {
						h.Post("noise")
						h.Advance(time.Second)
					}
					h.Sim.Lift(zombie)
					h.Until(time.Minute, "the shard is live", h.isLive)
					h.Advance(2 * interval)
					h.WantIdentifies(1)
					h.NoViolations()
				})
			})
		}
	}
}

// Given a shard that has been live for more than a minute since its last trouble,
// on two connections because Discord asked it to move in between, when the second one
// is closed, then it is back at once: a move is no trouble, and what was before is
// forgotten.
// Statements: G-077, G-152.
func TestMoveIsNoTrouble(t *testing.T) {
	for seed := range uint64(10) {
		run(t, config{sim: discordsim.Config{Seed: seed}}, func(h *harness) {
			h.startLive()
			h.Inject(discordsim.Fault{Name: "upgrade-status", For: time.Minute})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Advance(time.Minute)
			h.Until(31*time.Second, "the shard is live", h.isLive)
			h.Advance(20 * time.Second)
			h.Inject(discordsim.Fault{Name: "op7"})
			h.Advance(50 * time.Second)
			h.Inject(discordsim.Fault{Name: "close", Code: 4000})
			h.Advance(time.Millisecond)
			h.Until(time.Second, "the shard is live", h.isLive)
			h.WantIdentifies(1)
			h.NoViolations()
		})
	}
}

// holdSpare lets a shard with a scripted server suspect its connection and stand by with a
// spare, which it returns with that connection.
func holdSpare(h *harness, server *scriptedServer) (live, spare *scriptedSocket) {
	h.T.Helper()
	live = server.startLive(h)
	live.deaf.Store(true)
	h.Until(time.Minute, "the shard suspects its connection", func() bool { _, is := h.shard.State().(gateway.Suspect); return is })
	return live, server.conn(h, 1)
}

// untilGivenUp waits until a shard has given a silent connection up.
func untilGivenUp(h *harness, live *scriptedSocket) {
	h.T.Helper()
	h.Until(time.Minute, "the connection is given up", live.isGone)
	h.Advance(0)
}

// patiently has a shard give its connection up late, so that a spare stands by for long.
func patiently(server *scriptedServer) func(*gateway.Options) {
	return func(o *gateway.Options) {
		o.Dialer, o.Timing.DeadAfter, o.Presence = server, 30*time.Second, nil
		o.Rand = lastSlowly
	}
}

// Given a spare that stands by, when Discord asks for heartbeats on it, then they are sent
// and counted; when it asks the spare to leave, then another one takes its place, and the
// RESUME goes to that one.
// Statements: G-021, G-077.
func TestSpareThatStandsByIsServed(t *testing.T) {
	var server scriptedServer
	run(t, config{options: patiently(&server)}, func(h *harness) {
		live, spare := holdSpare(h, &server)
		before := h.shard.Stats().Heartbeats
		for range 3 {
			spare.send(`{"op":1,"d":null}`)
		}
		h.Advance(0)
		if sent, counted := len(spare.payloads(1)), h.shard.Stats().Heartbeats-before; sent != 3 || counted != 3 {
			t.Errorf("%d heartbeats were sent and %d counted, want 3", sent, counted)
		}
		for i, leave := range []string{`{"op":7,"d":null}`, `{"op":9,"d":true}`} {
			spare = server.conn(h, 1+i)
			spare.send(leave)
			h.Advance(0)
			if server.count() != 3+i || !spare.isGone() || spare.closed != 4900 {
				t.Fatalf("after %s there are %d connections; the spare is closed with %d", leave, server.count(), spare.closed)
			}
		}
		untilGivenUp(h, live)
		if n := len(server.conn(h, 3).payloads(6)); n != 1 || server.count() != 4 {
			t.Errorf("%d RESUMEs on the last of %d connections", n, server.count())
		}
	})
}

// Given a spare that has ended while it stood by, when the connection ends too, then
// another one is dialled at once, and no RESUME is spent on the spare.
func TestSpareThatHasEndedIsNotUsed(t *testing.T) {
	var server scriptedServer
	run(t, config{options: patiently(&server)}, func(h *harness) {
		live, spare := holdSpare(h, &server)
		spare.Drop()
		untilGivenUp(h, live)
		next := server.conn(h, 2)
		next.send(scriptedResumed)
		h.Advance(0)
		if got := h.shard.Stats(); !h.isLive() || got.Resumes != 1 || len(next.payloads(6)) != 1 {
			t.Errorf("the shard is %s, after %d RESUMEs", h.shard.State(), got.Resumes)
		}
		if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{gateway.ReasonSilent}) {
			t.Errorf("connections ended by %q", got)
		}
	})
}

// Given a spare that takes nothing, when Discord asks for more heartbeats on it than can
// wait, then those that cannot are not counted, and a RESUME that cannot leave on it gives it
// up at once.
// Statements: G-107.
func TestSpareThatTakesNothing(t *testing.T) {
	var server scriptedServer
	run(t, config{options: patiently(&server)}, func(h *harness) {
		live, spare := holdSpare(h, &server)
		h.Advance(20 * time.Second)
		spare.stuck.Store(true)
		before := h.shard.Stats().Heartbeats
		for range 20 {
			spare.send(`{"op":1,"d":null}`)
			h.Advance(0)
		}
		if n := h.shard.Stats().Heartbeats - before; n != 9 {
			t.Errorf("%d heartbeats count as sent; one is being written, and eight wait", n)
		}
		untilGivenUp(h, live)
		if got := h.reasons(); !slices.Equal(got, []gateway.ReasonKind{gateway.ReasonSilent, gateway.ReasonWrite}) {
			t.Errorf("connections ended by %q", got)
		}
		h.Advance(20 * time.Second)
		if n := len(server.conn(h, 2).payloads(6)); n != 1 {
			t.Errorf("%d RESUMEs on the next connection", n)
		}
	})
}

// Given a spare that stands by, when Discord asks the connection to reconnect, then the
// session moves to the spare at once.
// Statements: G-077.
func TestMoveUsesTheSpareThatStandsBy(t *testing.T) {
	var server scriptedServer
	run(t, config{options: patiently(&server)}, func(h *harness) {
		live, spare := holdSpare(h, &server)
		live.send(`{"op":7,"d":null}`)
		h.Advance(0)
		if n := len(spare.payloads(6)); n != 1 || server.count() != 2 || !live.isGone() {
			t.Errorf("%d RESUMEs on the spare, of %d connections", n, server.count())
		}
	})
}

// Given a suspicion that ends, then the spare is closed at once, even if it is still being
// dialled, the end is told once, and another suspicion is one again.
// Statements: G-016.
func TestSuspicionMayComeAgain(t *testing.T) {
	for _, mute := range []bool{false, true} {
		t.Run(fmt.Sprint("the spare gets no HELLO: ", mute), func(t *testing.T) {
			var server scriptedServer
			run(t, config{options: patiently(&server)}, func(h *harness) {
				live := server.startLive(h)
				server.mute.Store(mute)
				for round := range 3 {
					live.deaf.Store(true)
					h.Until(time.Minute, "the shard suspects its connection", func() bool { _, is := h.shard.State().(gateway.Suspect); return is })
					live.deaf.Store(false)
					live.send(`{"op":11}`)
					h.Advance(0)
					if spare := server.conn(h, 1+round); !spare.isGone() || !h.isLive() {
						t.Errorf("the shard is %s, and the spare has ended: %t", h.shard.State(), spare.isGone())
					}
					h.Advance(2 * interval)
					raised, cleared := len(observed[gateway.SuspicionRaised](h)), len(observed[gateway.SuspicionCleared](h))
					if raised != round+1 || cleared != round+1 || server.count() != 2+round {
						t.Errorf("%d suspicions, %d ends of one, %d connections", raised, cleared, server.count())
					}
				}
			})
		})
	}
}

// Given a suspicion that ends, or a stop, then the spare that stood by is closed at once.
// Statements: G-016, G-092.
func TestSpareIsClosedWhenItIsNotNeeded(t *testing.T) {
	for name, end := range map[string]func(*harness, *scriptedSocket){
		"the answer comes": func(_ *harness, live *scriptedSocket) { live.send(`{"op":11}`) },
		"a stop":           func(h *harness, _ *scriptedSocket) { h.stopSoon() },
	} {
		t.Run(name, func(t *testing.T) {
			var server scriptedServer
			var held heldEvents
			run(t, config{options: patiently(&server), handle: held.handle}, func(h *harness) {
				live, spare := holdSpare(h, &server)
				live.send(`{"op":0,"t":"MESSAGE_CREATE","s":2,"d":{"content":"held"}}`)
				h.Advance(0)
				end(h, live)
				h.Advance(0)
				if !spare.isGone() || spare.closed != 4900 || live.isGone() {
					t.Errorf("the spare is closed with %d, and the connection has ended: %t", spare.closed, live.isGone())
				}
				held.finish(0)
				h.Advance(0)
			})
		})
	}
}

// Given a session that is resumed at the base URL, because its own host cannot be reached,
// then that is dialled every 15 s, to the moment, and the shard moves there as soon as it
// answers. A shard that is about to stop dials nothing.
// Statements: G-010.
func TestResumeURLIsDialledEvery15Seconds(t *testing.T) {
	for _, stops := range []bool{false, true} {
		t.Run(fmt.Sprint("stops: ", stops), func(t *testing.T) {
			var server scriptedServer
			var held heldEvents
			server.refuse("resume")
			run(t, config{handle: held.handle, options: func(o *gateway.Options) {
				o.Dialer, o.Rand = &server, lastSlowly
				o.Timing.SilenceProbe, o.Timing.ClockCheck = gateway.Never, time.Hour
				o.Session = gateway.Session{ID: "a", ResumeURL: "ws://resume.discord.sim", Seq: 1}
			}}, func(h *harness) {
				h.start()
				h.Until(time.Minute, "the base URL is dialled", func() bool { return server.count() == 1 })
				base := server.conn(h, 0)
				base.send(scriptedResumed)
				base.send(`{"op":0,"t":"MESSAGE_CREATE","s":3,"d":{"content":"held"}}`)
				h.Advance(0)
				if resumed := observed[gateway.Resumed](h); len(resumed) != 1 || resumed[0].Gap != 0 {
					t.Errorf("RESUMED is told as %+v; this process had no connection before", resumed)
				}
				before := h.shard.Stats().Dials
				for i := range int64(3) {
					h.Advance(15*time.Second - time.Millisecond)
					if n := h.shard.Stats().Dials - before; n != i {
						t.Errorf("%d dials before second %d", n, 15*(i+1))
					}
					h.Advance(time.Millisecond)
					if n := h.shard.Stats().Dials - before; n != i+1 {
						t.Errorf("%d dials in second %d", n, 15*(i+1))
					}
				}
				server.refuse("")
				if stops {
					h.stopSoon()
					h.Advance(time.Minute)
					if n := h.shard.Stats().Dials - before; n != 3 || base.isGone() {
						t.Errorf("%d dials, and the connection has ended: %t", n, base.isGone())
					}
					held.finish(0)
					h.Advance(0)
					return
				}
				held.finish(0)
				h.Advance(15 * time.Second)
				if n := len(server.conn(h, 1).payloads(6)); n != 1 || !base.isGone() {
					t.Errorf("%d RESUMEs at the resume URL", n)
				}
				if end := observed[gateway.Disconnected](h); len(end) != 1 || end[0].Reason.Kind != gateway.ReasonReconnect || end[0].Reason.Text == "" {
					t.Errorf("the connection ended by %+v", end)
				}
			})
		})
	}
}

// Given a suspicion, then the spare that stands by is replaced to the moment when three
// quarters of an interval have passed, before it would owe a heartbeat.
// Statements: G-016.
func TestHeldSpareIsReplacedToTheMoment(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) {
		patiently(&server)(o)
		o.Timing.DeadAfter, o.Timing.HeartbeatTimeout, o.Timing.ClockCheck = 10*time.Minute, 10*time.Minute, time.Hour
	}}, func(h *harness) {
		_, spare := holdSpare(h, &server)
		h.Until(time.Minute, "the spare is replaced", spare.isGone)
		hellos := simtest.Observed[gateway.HelloReceived](&h.recorder)
		if stood := hellos[2].At.Sub(hellos[1].At); stood < interval*3/4 || stood > interval*3/4+20*time.Millisecond {
			t.Errorf("the spare was replaced after %s", stood)
		}
	})
}

// Given READY in answer to RESUME, which no Discord says, then that is a new session.
func TestReadyInAnswerToRESUME(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) {
		o.Dialer, o.Session = &server, gateway.Session{ID: "b", ResumeURL: "ws://resume.discord.sim", Seq: 7}
	}}, func(h *harness) {
		server.startLive(h)
		if got := h.shard.Session(); got.ID != "a" {
			t.Errorf("the session is %+v", got)
		}
	})
}
