package gateway_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/clock"
	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// Given a host that slept for longer than an interval, then the connection is
// given up at once when it wakes, without a late heartbeat, and resumed; after
// a shorter sleep a probe finds out.
// Statements: G-032.
func TestHostSleep(t *testing.T) {
	for _, slept := range []time.Duration{20 * time.Second, 3 * time.Minute, 9 * time.Hour} {
		t.Run(slept.String(), func(t *testing.T) {
			var ahead atomic.Int64
			run(t, config{
				sim: discordsim.Config{Session: discordsim.SessionConfig{Lifetime: 24 * time.Hour}},
				options: func(o *gateway.Options) {
					o.Clock = simtest.SleepyClock(&ahead)
				},
			}, func(h *harness) {
				h.startLive()
				h.Advance(time.Minute)
				ahead.Store(int64(slept))
				long := slept > interval
				h.Until(10*time.Second, "the sleep is noticed", func() bool { return len(observed[gateway.HostSlept](h)) == 1 })
				if got := observed[gateway.HostSlept](h)[0].For; got < slept-time.Second || got > slept+time.Second {
					t.Errorf("noticed a sleep of %s", got)
				}
				h.Advance(5 * time.Second)
				if resumed := h.shard.Stats().Resumed == 1; resumed != long {
					t.Errorf("resumed: %t, after a sleep of %s", resumed, slept)
				}
				if long {
					h.wantReason(gateway.ReasonSlept)
				}
				if n := len(observed[gateway.ClockSet](h)) + len(observed[gateway.ProcessStalled](h)); n != 0 {
					t.Errorf("it was taken for something else too: %d observations", n)
				}
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given a wall clock that is set forward or back while the host runs, then that is
// told as what it is, and the connection goes on: heartbeats, deadlines and silence are
// counted by the monotonic clock.
// Statements: G-032.
func TestSetClockEndsNoConnection(t *testing.T) {
	for _, by := range []time.Duration{2 * time.Hour, -2 * time.Hour, 10 * 365 * 24 * time.Hour, -50 * 365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			var set atomic.Int64
			run(t, config{options: func(o *gateway.Options) {
				o.Clock = simtest.SetClock(&set)
			}}, func(h *harness) {
				h.startLive()
				h.Advance(time.Minute)
				set.Store(int64(by))
				h.Until(10*time.Second, "the setting is noticed", func() bool { return len(observed[gateway.ClockSet](h)) == 1 })
				if got := observed[gateway.ClockSet](h)[0].By; got < by-time.Second || got > by+time.Second {
					t.Errorf("noticed %s", got)
				}
				h.Advance(3 * time.Minute)
				if n := len(observed[gateway.HostSlept](h)) + len(observed[gateway.ProcessStalled](h)) + len(observed[gateway.Disconnected](h)); n != 0 {
					t.Errorf("it was taken for something else: %d observations", n)
				}
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given a connection that Discord has ended while the process stood still, when it goes on,
// then that it stood still is told before the end that followed from it.
func TestEndOfAnAbsenceIsToldWithIt(t *testing.T) {
	var stalled atomic.Int64
	run(t, config{options: func(o *gateway.Options) { o.Clock = simtest.StalledClock(&stalled) }}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		stalled.Store(int64(2 * time.Minute))
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(10*time.Second, "the session is resumed", func() bool { return h.shard.Stats().Resumed == 1 })
		if got := observed[gateway.ProcessStalled](h); len(got) != 1 || got[0].For < 110*time.Second || got[0].For > 2*time.Minute {
			t.Errorf("observed %v", got)
		}
		h.wantReason(gateway.ReasonReset)
		h.WantIdentifies(1)
	})
}

// Given a link that went dead just before a short sleep of the host, and a clock
// that stood still meanwhile, when the host wakes, then the dead link is noticed
// as soon as without the sleep.
func TestDeadLinkIsNoticedSoonAfterAShortSleep(t *testing.T) {
	var ahead atomic.Int64
	run(t, config{options: func(o *gateway.Options) {
		o.Clock = simtest.SleepyClock(&ahead)
	}}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "half-open", For: 10 * time.Minute})
		h.Advance(16 * time.Second) // an extra heartbeat is unanswered now
		ahead.Store(int64(35 * time.Second))
		h.Until(16*time.Second, "the dead link is noticed", func() bool { return h.shard.Stats().Resumed == 1 })
		h.wantReason(gateway.ReasonSilent)
		h.NoViolations()
	})
}

// gate holds up every goroutine that comes to it while it is shut.
type gate struct {
	mu   sync.Mutex
	shut chan struct{} // nil: open
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
}

func (g *gate) pass() {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

// stoppedProcess is a process that can be stopped as by SIGSTOP: its shard neither reads
// nor writes and does not look at its clock until it goes on. What arrives meanwhile
// waits in the socket.
type stoppedProcess struct{ clock, socket gate }

// setClock has the shard of a test look at the clock of the process.
func (p *stoppedProcess) setClock(o *gateway.Options) {
	o.Clock = clock.New(clock.Source{
		Wall:  time.Now,
		Slept: func() (time.Duration, bool) { p.clock.pass(); return 0, true }, // the first that is read
	})
}

// set makes the shard of a test part of the process.
func (p *stoppedProcess) set(o *gateway.Options) {
	p.setClock(o)
	dialer := o.Dialer.(gateway.WebSocketDialer)
	dial := dialer.DialContext
	dialer.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return stoppedConn{c, &p.socket}, err
	}
	o.Dialer = dialer
}

// stop stops the process for a while. When it goes on, the goroutine that decides about
// the connection comes first, before anything that waits in the socket is read.
func (p *stoppedProcess) stop(h *harness, span time.Duration) {
	p.clock.close()
	p.socket.close()
	h.Advance(span)
	p.clock.open()
	synctest.Wait()
	p.socket.open()
	synctest.Wait()
}

type stoppedConn struct {
	net.Conn
	gate *gate
}

func (c stoppedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.gate.pass()
	return n, err
}

func (c stoppedConn) Write(b []byte) (int, error) {
	c.gate.pass()
	return c.Conn.Write(b)
}

// Given a heartbeat whose answer is on its way, when the process is stopped for no longer
// than a heartbeat interval, then its own absence is not held against the connection: the
// answer, which waits in the socket, is read before anything is decided, and the
// connection serves on. That also holds where the answer was late before the stop. After
// a longer stop the session is resumed at once. Nothing is lost either way.
// Statements: G-025, G-032.
func TestStoppedProcessHoldsItsAbsenceAgainstNoConnection(t *testing.T) {
	for name, c := range map[string]struct {
		options func(*gateway.Options)
		answer  time.Duration // how long Discord takes for it
		since   time.Duration // when the process is stopped, after the heartbeat
	}{
		"a probe":             {nil, 0, 0},
		"a regular heartbeat": {withoutProbe, 0, 0},
		"a late answer":       {nil, 8 * time.Second, 6 * time.Second},
		"a later answer":      {nil, 12 * time.Second, time.Second}, // it comes after a stop of 8 s
	} {
		for _, stopped := range []time.Duration{3 * time.Second, 4 * time.Second, 8 * time.Second, 20 * time.Second, 40 * time.Second, 60 * time.Second, 3 * time.Minute} {
			if c.answer > 10*time.Second && stopped < 8*time.Second {
				continue // too late in any case: so short a stop is not told from a late wake-up
			}
			t.Run(fmt.Sprint(name, " ", stopped), func(t *testing.T) {
				var process stoppedProcess
				set := config{
					sim: discordsim.Config{Latency: 100 * time.Millisecond, Session: discordsim.SessionConfig{Lifetime: time.Hour}},
					options: func(o *gateway.Options) {
						if c.options != nil {
							c.options(o)
						}
						process.set(o)
					},
				}
				run(t, set, func(h *harness) {
					h.startLive()
					h.Advance(time.Minute)
					sent := h.shard.Stats().Heartbeats
					if c.answer > 0 {
						h.Inject(discordsim.Fault{Name: "ack-delay", Delay: c.answer, For: interval})
					}
					h.Until(interval+time.Second, "a heartbeat is sent", func() bool { return h.shard.Stats().Heartbeats > sent })
					h.Advance(c.since)
					if got := h.shard.Stats(); got.ACKs == got.Heartbeats {
						t.Fatal("the heartbeat is answered already")
					}
					suspected := len(observed[gateway.SuspicionRaised](h))
					if c.answer < 10*time.Second {
						h.Post("while the process was stopped")
					} else { // nothing at all waits in the socket
						defer time.AfterFunc(c.answer+stopped, func() { h.Post("later") }).Stop()
					}
					sent = h.shard.Stats().Heartbeats
					process.stop(h, stopped)
					h.Advance(2 * time.Second)
					// A stop that ends before the shard meant to look at its clock is not seen.
					if stalls := observed[gateway.ProcessStalled](h); stopped > 7*time.Second &&
						(len(stalls) != 1 || stalls[0].For > stopped || stalls[0].For < stopped-5*time.Second) {
						t.Errorf("observed %v", stalls)
					}
					want := int64(1)
					if stopped > interval {
						want = 2
						h.wantReason(gateway.ReasonStalled)
					} else if stopped > 7*time.Second && h.shard.Stats().Heartbeats == sent {
						t.Error("no heartbeat tests whether the connection is still alive")
					}
					h.Advance(2 * time.Minute)
					if got := h.shard.Stats(); got.Resumes != want-1 || got.Resumed != want-1 {
						t.Errorf("%d RESUMEs, of which %d were answered: %q", got.Resumes, got.Resumed, h.reasons())
					}
					if raised := observed[gateway.SuspicionRaised](h); len(raised) > suspected && c.answer < 10*time.Second {
						t.Errorf("the connection was suspected: %v", raised[suspected:])
					}
					if !h.isLive() || len(h.eventsOf("MESSAGE_CREATE")) != 1 {
						t.Errorf("the shard is %s and has seen %d messages", h.shard.State(), len(h.eventsOf("MESSAGE_CREATE")))
					}
					h.WantIdentifies(1)
				})
			})
		}
	}
}

// Given a RESUME whose answer is on its way, when the process is stopped beyond the time
// that the answer may take, then the answer, which waits in the socket, is read, and no
// other RESUME is sent.
// Statements: G-032, G-071.
func TestStoppedProcessReadsTheAnswerToItsRESUME(t *testing.T) {
	var process stoppedProcess
	run(t, config{sim: discordsim.Config{Latency: 100 * time.Millisecond}, options: process.set}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(10*time.Second, "RESUME is sent", func() bool { return h.shard.Stats().Resumes == 1 })
		process.stop(h, 30*time.Second)
		h.Until(time.Second, "the shard is live", h.isLive)
		h.Advance(time.Minute)
		if got := h.shard.Stats(); got.Resumes != 1 || got.Resumed != 1 {
			t.Errorf("%d RESUMEs, of which %d were answered: %q", got.Resumes, got.Resumed, h.reasons())
		}
		h.WantIdentifies(1)
	})
}

// Given a connection whose HELLO is on its way, when the process is stopped beyond the time
// that HELLO may take, then HELLO, which waits in the socket, is read, and the connection is
// used. One whose HELLO has not come by then is given up.
// Statements: G-015, G-032.
func TestStoppedProcessReadsItsHELLO(t *testing.T) {
	for _, comes := range []bool{true, false} {
		t.Run(fmt.Sprint("it comes: ", comes), func(t *testing.T) {
			var process stoppedProcess
			var server scriptedServer
			server.mute.Store(true)
			run(t, config{options: func(o *gateway.Options) { process.setClock(o); o.Dialer = &server }}, func(h *harness) {
				h.start()
				h.Advance(time.Second)
				first := server.conn(h, 0)
				process.stop(h, 30*time.Second)
				if comes {
					first.send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
				}
				h.Advance(time.Second)
				if n := h.shard.Stats().Connects; comes != (n == 1) || first.isGone() == comes {
					t.Errorf("%d connections, %+v", n, observed[gateway.ConnectFailed](h))
				}
			})
		})
	}
}

// Given a suspicious shard that holds a spare connection, when the process stands still
// for longer than an interval, then the spare, on which no heartbeat was sent either, is
// dropped, however the connection before it ends: to have Discord refuse a RESUME on it
// would cost the session.
func TestSpareThatStoodStillIsNotUsed(t *testing.T) {
	for name, code := range map[string]int{"it is given up": 0, "Discord has closed it": 4000} {
		t.Run(name, func(t *testing.T) {
			var stalled atomic.Int64
			run(t, config{options: func(o *gateway.Options) { o.Clock = simtest.StalledClock(&stalled) }}, func(h *harness) {
				h.startLive()
				h.Advance(time.Minute)
				h.Inject(discordsim.Fault{Name: "zombie"})
				h.Until(time.Minute, "the shard holds a spare", func() bool { return h.shard.Stats().Connects == 2 })
				stalled.Store(int64(2 * time.Minute))
				if code != 0 {
					h.Inject(discordsim.Fault{Name: "close", Code: code})
				}
				h.Sim.LiftAll()
				h.untilResumed(15 * time.Second)
				if got := h.shard.Stats(); got.Connects != 3 || got.Resumes != 1 {
					t.Errorf("%d connections and %d RESUMEs, want a third one for the only RESUME", got.Connects, got.Resumes)
				}
				h.WantIdentifies(1)
			})
		})
	}
}
