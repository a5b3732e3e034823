package gateway_test

import (
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"
)

// untilSpare lets the first connection go silent, until the shard holds a spare.
func (h *harness) untilSpare() {
	h.T.Helper()
	connects := h.shard.Stats().Connects
	h.Inject(discordsim.Fault{Name: "black-hole", Conn: connects})
	h.Until(time.Minute, "the shard holds a spare", func() bool {
		_, suspects := h.shard.State().(gateway.Suspect)
		return suspects && h.shard.Stats().Connects == connects+1
	})
}

// Given a shard that holds a spare, when its connection is cut, then after a wait of half a
// second at most it resumes on the spare; through a longer wait, in which the spare would be
// without heartbeats, it holds none.
// Statements: G-016, G-151.
func TestSpareIsHeldThroughAShortWaitOnly(t *testing.T) {
	for name, c := range map[string]struct {
		refusals int // before the session
		wait     time.Duration
		connects int64
	}{
		"a short wait": {0, 475 * time.Millisecond, 2},
		"a long wait":  {4, 7600 * time.Millisecond, 3},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{options: func(o *gateway.Options) { o.Rand = func() float64 { return 0.95 } }}, func(h *harness) {
				if c.refusals > 0 {
					h.Inject(discordsim.Fault{Name: "refuse", Count: c.refusals})
				}
				h.startLive()
				h.untilSpare()
				dials := h.shard.Stats().Dials
				h.Inject(discordsim.Fault{Name: "cut", Conn: 1})
				h.Advance(100 * time.Millisecond)
				open := 0
				for _, conn := range h.Sim.Connections(nil) {
					if conn.Closed.IsZero() {
						open++
					}
				}
				if want := int(3 - c.connects); open != want {
					t.Errorf("%d connections are held, want %d", open, want)
				}
				took := 100*time.Millisecond + h.untilResumed(10*time.Second)
				if took < c.wait || took > c.wait+100*time.Millisecond {
					t.Errorf("the session is resumed after %s, want %s", took, c.wait)
				}
				if stats := h.shard.Stats(); stats.Connects != c.connects || stats.Dials-dials != c.connects-2 {
					t.Errorf("%d more connections were dialled; %d reached HELLO, want %d", stats.Dials-dials, stats.Connects, c.connects)
				}
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given a shard that holds a spare through a wait, when it is stopped, then both end.
// Statements: G-092.
func TestStopInAWaitDropsTheSpare(t *testing.T) {
	run(t, config{options: func(o *gateway.Options) { o.Rand = func() float64 { return 0.95 } }}, func(h *harness) {
		h.startLive()
		h.untilSpare()
		h.Inject(discordsim.Fault{Name: "cut", Conn: 1})
		h.Advance(100 * time.Millisecond)
		if _, waits := h.shard.State().(gateway.Waiting); !waits {
			t.Fatalf("the shard is %s", h.shard.State())
		}
		h.stop(gateway.KeepSession)
		for _, conn := range append(h.Sim.Connections(nil), h.Sim.Connections(h.App)...) {
			if conn.Closed.IsZero() {
				t.Errorf("connection %d is open after the stop", conn.ID)
			}
		}
		if stats := h.shard.Stats(); stats.Dials != 2 || stats.Resumes != 0 {
			t.Errorf("%d connections were dialled, want 2; %d RESUMEs were sent", stats.Dials, stats.Resumes)
		}
	})
}

// Given a link that was lost long ago, when the shard gives it up, then it does not wait
// before it resumes, and says so of no wait.
// Statements: G-073.
func TestNoWaitIsNotTold(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "half-open"})
		h.untilResumed(30 * time.Second)
		for _, change := range observed[gateway.Transition](h) {
			if wait, is := change.To.(gateway.Waiting); is && wait.For == "the next attempt" {
				t.Errorf("it was told to wait for %s", wait.For)
			}
		}
	})
}

// Given a session that ends because the shard gets other credentials while it is offline,
// then the identify limiter learns that the shard has given it up, and of no session that
// ended by itself, which would hold up the next IDENTIFY. When it learns of it, the session
// is over.
// Statements: G-098.
func TestSessionOfOtherCredentialsIsGivenUp(t *testing.T) {
	var store savedSessions
	limiter := &endsCounter{Limiter: identify.New(identify.Options{})}
	run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter, o.SessionStore = limiter, &store }}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		old := h.shard.Session()
		h.Inject(discordsim.Fault{Name: "refuse", For: 20 * time.Second})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Advance(10 * time.Second)
		limiter.onEnd = func() {
			if s := h.shard.Session(); s != (gateway.Session{}) || store.last() != s {
				t.Errorf("the session is %+v, and %+v is saved", s, store.last())
			}
		}
		same := gateway.Credentials{Token: h.App.Token, Intents: intents}
		for _, credentials := range []gateway.Credentials{same, {Token: h.App.Token, Intents: intents | gateway.IntentGuildMessageReactions}} {
			if err := h.shard.Reconfigure(credentials); err != nil {
				t.Fatal(err)
			}
			h.Advance(time.Second)
			if kept := h.shard.Session() == old; kept != (credentials == same) {
				t.Errorf("with %s the session is kept: %t", credentials, kept)
			}
		}
		limiter.onEnd = nil
		h.Until(time.Minute, "the shard is live", h.isLive)
		if limiter.stopped.Load() != 1 || limiter.ended.Load() != 0 {
			t.Errorf("%d stops and %d ends were reported, want 1 and none", limiter.stopped.Load(), limiter.ended.Load())
		}
		lost := observed[gateway.SessionLost](h)
		if len(lost) != 1 || lost[0].Reason.Kind != gateway.ReasonStart || lost[0].Reason.Text == "" {
			t.Errorf("told of %v", lost)
		}
		h.WantIdentifies(2)
	})
}

// endedOnly is an identify limiter that is no [gateway.StopObserver].
type endedOnly struct {
	gateway.IdentifyLimiter
	ended atomic.Int64
}

func (l *endedOnly) SessionEnded(shard gateway.ShardID, lived time.Duration) {
	l.ended.Add(1)
	l.IdentifyLimiter.SessionEnded(shard, lived)
}

// Given an identify limiter that does not want to know of stops, then it learns of the end of
// each session, also of one that a stop ends.
func TestLimiterThatObservesNoStops(t *testing.T) {
	limiter := &endedOnly{IdentifyLimiter: identify.New(identify.Options{})}
	run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter = limiter }}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "op9-false"})
		h.Until(time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		if got := limiter.ended.Load(); got != 1 {
			t.Errorf("%d ends were reported, want 1", got)
		}
		h.stop(gateway.EndSession)
		if got := limiter.ended.Load(); got != 2 {
			t.Errorf("after the stop %d ends were reported, want 2", got)
		}
	})
}

// Given a session that Discord ends, then the identify limiter learns how long it had been
// live in total, over two connections.
func TestEndOfASessionIsReported(t *testing.T) {
	limiter := &endsCounter{Limiter: identify.New(identify.Options{})}
	run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter = limiter }}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "cut"})
		h.untilResumed(10 * time.Second)
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "op9-false"})
		h.Until(time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		lived := time.Duration(limiter.lived.Load())
		if limiter.stopped.Load() != 0 || limiter.ended.Load() != 1 || lived < 119*time.Second || lived > 121*time.Second {
			t.Errorf("%d stops and %d ends were reported, after %s; want one end after two minutes", limiter.stopped.Load(), limiter.ended.Load(), lived)
		}
	})
}

// Given a session of an earlier run that lacks what a RESUME needs, then the shard identifies,
// and the session is saved nowhere.
// Statements: G-053.
func TestSessionThatCannotBeResumedIsIgnored(t *testing.T) {
	var store savedSessions
	run(t, config{options: func(o *gateway.Options) {
		o.SessionStore, o.Session = &store, gateway.Session{ID: "earlier", Seq: 7}
	}}, func(h *harness) {
		h.startLive()
		if stats := h.shard.Stats(); stats.Identifies != 1 || stats.Resumes != 0 {
			t.Errorf("%d IDENTIFYs and %d RESUMEs were sent", stats.Identifies, stats.Resumes)
		}
		for _, s := range store.list() {
			if s.ID != h.shard.Session().ID {
				t.Errorf("%+v was saved", s)
			}
		}
	})
}

// Given a shard that never had a session, when it is stopped for good, then no session is
// told to be lost, and none is saved.
func TestStopWithoutASessionLosesNone(t *testing.T) {
	var store savedSessions
	run(t, config{options: func(o *gateway.Options) { o.SessionStore = &store }}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "no-ready"})
		h.start()
		h.Advance(3 * time.Second)
		h.stop(gateway.EndSession)
		if lost := observed[gateway.SessionLost](h); len(lost) != 0 || len(store.list()) != 0 {
			t.Errorf("told of %v, and %v was saved", lost, store.list())
		}
	})
}

// Events cost the goroutine that owns the connection nothing: it is not woken for them.
// Statements: G-028.
func TestEventsDoNotWakeTheConnection(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(10 * time.Second)
		before := h.shard.Stats()
		for range 500 {
			h.Post("one of many")
			h.Advance(time.Millisecond)
		}
		after := h.shard.Stats()
		if handled, checks := after.Handled-before.Handled, after.Checks-before.Checks; handled != 500 || checks > 5 {
			t.Errorf("%d events were handled, and the connection was looked at %d times", handled, checks)
		}
	})
}

// endsCounter is an identify limiter that counts how sessions end.
type endsCounter struct {
	*identify.Limiter
	stopped, ended atomic.Int64
	lived          atomic.Int64 // how long the sessions that ended had been live, together
	onEnd          func()       // called for each, if set
}

func (c *endsCounter) Stopped(shard gateway.ShardID) {
	c.stopped.Add(1)
	if c.onEnd != nil {
		c.onEnd()
	}
	c.Limiter.Stopped(shard)
}

func (c *endsCounter) SessionEnded(shard gateway.ShardID, lived time.Duration) {
	c.ended.Add(1)
	c.lived.Add(int64(lived))
	if c.onEnd != nil {
		c.onEnd()
	}
	c.Limiter.SessionEnded(shard, lived)
}

// Given a shard that is stopped in the first seconds of its session, then the identify
// limiter learns that it was stopped, and of no session that ended by itself.
func TestStopIsNoShortSession(t *testing.T) {
	for _, mode := range []gateway.StopMode{gateway.KeepSession, gateway.EndSession} {
		limiter := &endsCounter{Limiter: identify.New(identify.Options{})}
		run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter = limiter }}, func(h *harness) {
			h.startLive()
			h.Advance(10 * time.Second)
			h.stop(mode)
			if limiter.stopped.Load() == 0 || limiter.ended.Load() != 0 {
				t.Errorf("mode %d: %d stops and %d ends were reported", mode, limiter.stopped.Load(), limiter.ended.Load())
			}
		})
	}
}
