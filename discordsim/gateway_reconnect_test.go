package discordsim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Given connections that are new, waiting for READY, in a replay and live, when
// op 7 comes, then each gets it, and one that does not leave is closed with 1001 five
// seconds later; the session lives.
//
// Statements: S-059.
func TestReconnectAtAnyMoment(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.inject(Fault{Name: "no-hello", Count: 1})
		mute := sc.connect(inMemory)
		wait(0)
		waiting := sc.connect(inMemory)
		waiting.op(10)
		live := sc.identified(nil)
		sc.inject(Fault{Name: "op7"})
		start := time.Now()
		for _, c := range []*client{mute, waiting, live} {
			if p := c.op(7); string(p.D) != "null" {
				t.Errorf("%s came", p.raw)
			}
		}
		sc.inject(Fault{Name: "op7"}) // twice in a row
		for _, c := range []*client{mute, waiting, live} {
			c.op(7)
			if reason := c.closedWith(1001); reason != "Discord WebSocket requesting client reconnect." || time.Since(start) != 5*time.Second {
				t.Errorf("after %s: %q", time.Since(start), reason)
			}
		}
		for range 100 {
			sc.say("missed")
		}
		next := live.reconnectAndResume()
		sc.inject(Fault{Name: "op7"}) // during the replay, or right behind it
		next.op(7)
		next.closeWith(4900)
		next.reconnectAndResume().event("RESUMED")
		wait(time.Minute)
		if !sc.Attached(sc.app) {
			t.Error("an op 7 struck a connection that was made after it")
		}
	})
	cfg := patient
	cfg.Session.ReconnectWait = -1
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		sc.inject(Fault{Name: "op7"})
		c.op(7)
		c.nothingWithin(time.Hour)
	})
}

// Given op 7 in place of HELLO, then new connections get nothing else, as often
// as the fault strikes.
//
// Statements: S-059.
func TestReconnectInsteadOfHello(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.inject(Fault{Name: "op7-first", Count: 2})
		for range 2 {
			c := sc.connect(inMemory)
			if p := c.next(); p.Op != 7 {
				t.Errorf("%s came", p.raw)
			}
			c.closedWith(1001)
		}
		sc.identified(nil)
	})
}

// Given HELLO that is held back, when op 7 comes first, then HELLO follows it
// only where the fault ends before the connection does.
//
// Statements: S-059.
func TestReconnectBeforeHello(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		held := sc.inject(Fault{Name: "no-hello"})
		c := sc.connect(inMemory)
		c.nothingWithin(time.Minute)
		sc.Lift(held)
		c.op(10)
		c.send(2, sc.identifyData(nil))
		c.ready()
		held = sc.inject(Fault{Name: "no-hello"})
		next := sc.connect(inMemory)
		wait(0)
		sc.inject(Fault{Name: "op7"})
		if p := next.next(); p.Op != 7 {
			t.Errorf("%s came", p.raw)
		}
		sc.Lift(held)
		next.closedWith(1001)
	})
}

// Given a Discord that moves its clients about, then each session gets op 7
// again and again, as far apart as configured.
//
// Statements: S-060.
func TestPeriodicReconnect(t *testing.T) {
	cfg := patient
	cfg.Session.ReconnectMin, cfg.Session.ReconnectMax = 15*time.Minute, time.Hour
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		var gaps []time.Duration
		for range 20 {
			start := time.Now()
			c.limit = 2 * time.Hour
			c.op(7)
			gaps = append(gaps, time.Since(start))
			c.closeWith(4900)
			c = c.reconnectAndResume()
			c.event("RESUMED")
		}
		slices.Sort(gaps)
		if gaps[0] < 15*time.Minute || gaps[19] > time.Hour || gaps[19]-gaps[0] < 20*time.Minute {
			t.Errorf("op 7 came after %s to %s", gaps[0], gaps[19])
		}
	})
}

// Given connections in every state, when op 9 comes, then false deletes the
// session and true leaves it; the connection stays.
//
// Statements: S-063.
func TestInvalidSessionAtAnyMoment(t *testing.T) {
	for name, want := range map[string]int{"op9-true": 1, "op9-false": 0} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			early := sc.connect(inMemory)
			early.op(10)
			live := sc.identified(nil)
			sc.inject(Fault{Name: name})
			for _, c := range []*client{early, live} {
				if p := c.op(9); string(p.D) != fmt.Sprint(want == 1) {
					t.Errorf("%s came", p.raw)
				}
			}
			if n := sc.Sessions(sc.app); n != want {
				t.Errorf("%d sessions after %s", n, name)
			}
			if sc.Attached(sc.app) {
				t.Errorf("after %s the session still has its connection", name)
			}
			sc.say("meanwhile")
			live.nothingWithin(time.Second)
			live.send(1, 1)
			live.op(11)
			early.send(1, nil)
			early.op(11)
			// The connection may be used again, for the one or the other.
			if want == 1 {
				live.resume(live.session, live.seq)
				live.event("MESSAGE_CREATE")
				live.event("RESUMED")
			} else {
				wait(5 * time.Second)
				live.send(2, sc.identifyData(nil))
				live.event("READY")
			}
			sc.violations()
		})
	}
}

// Given a Discord that closes everybody who asks, then IDENTIFY and RESUME are
// closed with that code, which decides about the session too.
//
// Statements: S-061, S-062.
func TestAlwaysClose(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		all := sc.inject(Fault{Name: "always-close"})
		c.reconnectAndResume().closedWith(4000)
		wait(5 * time.Second)
		sc.identify(nil).closedWith(4000)
		sc.Lift(all)
		c.reconnectAndResume().event("RESUMED")
		sc.inject(Fault{Name: "always-close", Code: 4009, Text: "over"})
		if reason := c.reconnectAndResume().closedWith(4009); reason != "over" || sc.Sessions(sc.app) != 0 {
			t.Errorf("%q, %d sessions", reason, sc.Sessions(sc.app))
		}
	})
}

// Given a Discord that drops connections right after READY, or a while later,
// then READY arrives and the end without a close frame follows it.
//
// Statements: S-061.
func TestDropAfterReady(t *testing.T) {
	for delay, code := range map[time.Duration]time.Duration{0: 0, 3 * time.Second: 3 * time.Second} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			sc.inject(Fault{Name: "ready-drop", Delay: delay, Count: 1})
			c := sc.identified(nil)
			start := time.Now()
			c.closedWith(0)
			if time.Since(start) != code || sc.Sessions(sc.app) != 1 {
				t.Errorf("after %s: %d sessions", time.Since(start), sc.Sessions(sc.app))
			}
			if log := sc.newest(); log.ByClient || log.Code != 0 {
				t.Errorf("the log says %+v", log)
			}
			c.reconnectAndResume().event("RESUMED")
		})
	}
}
