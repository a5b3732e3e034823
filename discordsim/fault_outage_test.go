package discordsim

import (
	"testing"
	"time"
)

// Given an outage that swallows IDENTIFYs, when it ends, then READY comes, and
// heartbeats are answered all the while; but whose token or intent has gone
// meanwhile is closed.
//
// Statements: S-032.
func TestSwallowedIdentify(t *testing.T) {
	for what, code := range map[string]int{"": 0, "token": 4004, "intent": 4014} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			outage := sc.inject(Fault{Name: "no-ready"})
			c := sc.identify(nil)
			for range 10 {
				c.nothingWithin(40 * time.Second)
				c.send(1, nil)
				c.op(11)
			}
			if sc.Sessions(sc.app) != 0 || sc.Online(sc.app) || sc.Verdict(sc.app).Identifies != 1 {
				t.Error("a swallowed IDENTIFY made a session")
			}
			switch what {
			case "token":
				sc.ResetToken(sc.app)
			case "intent":
				sc.SetFlags(sc.app, 0)
			}
			sc.Lift(outage)
			if code == 0 {
				c.ready()
			} else {
				c.closedWith(code)
			}
			sc.violations()
		})
	}
}

// Given an outage that swallows one IDENTIFY, then that client waits for ever and
// the next is served; a swallowed one that gets op 9 may identify again.
//
// Statements: S-032.
func TestSwallowedForGood(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.inject(Fault{Name: "no-ready", Count: 1})
		c := sc.identify(nil)
		c.nothingWithin(time.Hour)
		sc.identified(nil)
		sc.inject(Fault{Name: "op9-false", Conn: 1})
		c.op(9)
		wait(5 * time.Second)
		c.send(2, sc.identifyData(nil))
		c.ready()
	})
}

// Given an outage that answers IDENTIFY with op 9 after a while, then it does,
// at no cost to the budget.
//
// Statements: S-032.
func TestIdentifyAnsweredWithOp9(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 20 * time.Second: 20 * time.Second} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			sc.inject(Fault{Name: "ready-op9", Delay: delay, Count: 1})
			c := sc.identify(nil)
			start := time.Now()
			if p := c.next(); p.Op != 9 || string(p.D) != "false" || time.Since(start) != want {
				t.Errorf("after %s came %s", time.Since(start), p.raw)
			}
			wait(5 * time.Second)
			c.send(2, sc.identifyData(nil))
			c.ready()
			if left, _ := sc.startLimit(); left != 999 {
				t.Errorf("%d are left", left)
			}
		})
	}
}

// Given a stuck session, when it is resumed, then each RESUME is reset until the
// session has expired, and then op 9 comes, while IDENTIFY works all the time.
//
// Statements: S-056.
func TestStuckSession(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		sc.inject(Fault{Name: "stuck-session"})
		for range 8 {
			c.reconnectAndResume().closedWith(0)
			wait(10 * time.Second)
		}
		sc.identified(nil)
		wait(10 * time.Second)
		if p := c.reconnectAndResume().next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
	})
}

// Given a RESUME that Discord puts off, then op 9 true comes as often as the
// fault says, on the same connection or on others, and then RESUMED.
//
// Statements: S-057.
func TestResumePutOff(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		sc.inject(Fault{Name: "resume-op9-true", Count: 3})
		next := c.reconnectAndResume()
		for range 2 {
			if p := next.next(); p.Op != 9 || string(p.D) != "true" {
				t.Errorf("%s came", p.raw)
			}
			next.resume(c.session, 1)
		}
		next.op(9)
		next.drop()
		c.reconnectAndResume().event("RESUMED")
	})
}

// Given a RESUME that Discord refuses or does not answer, then op 9 false comes
// and the session is gone, or nothing comes and the session expires.
//
// Statements: S-050, S-043.
func TestResumeRefusedOrIgnored(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		sc.inject(Fault{Name: "resume-op9-false"})
		next := c.reconnectAndResume() // while the session is attached
		if p := next.next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
		c.closedWith(0)
		if sc.Sessions(sc.app) != 0 {
			t.Error("the session lives")
		}
	})
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		sc.inject(Fault{Name: "resume-silent"})
		next := c.reconnectAndResume()
		next.nothingWithin(89 * time.Second)
		next.send(1, 1)
		next.op(11)
		next.nothingWithin(2 * time.Second)
		if sc.Sessions(sc.app) != 0 {
			t.Error("the session lives")
		}
	})
}

// Given a Discord that loses sessions, then connections are cut and a RESUME is
// answered with op 9 false.
//
// Statements: S-050.
func TestSessionLoss(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		idle := sc.connect(inMemory)
		idle.op(10)
		c := sc.identified(nil)
		sc.inject(Fault{Name: "session-loss"})
		c.closedWith(0)
		idle.closedWith(0)
		if p := c.reconnectAndResume().next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
	})
}
