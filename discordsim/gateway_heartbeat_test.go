package discordsim

import (
	"encoding/json"
	"testing"
	"time"
)

const interval = 41_250 * time.Millisecond

// Given a connection, when a heartbeat comes at whatever moment after HELLO,
// then op 11 answers it at once, or after the configured delay.
//
// Statements: S-016, S-034.
func TestHeartbeatIsAnswered(t *testing.T) {
	for _, delay := range []time.Duration{0, 700 * time.Millisecond} {
		cfg := patient
		cfg.Heartbeat.ACKDelay = delay
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			c := sc.connect(inMemory)
			c.op(10)
			beat := func(d any) {
				t.Helper()
				c.send(1, d)
				sent := time.Now()
				if p := c.next(); p.Op != 11 || p.at.Sub(sent) != delay {
					t.Errorf("after %s came %s", p.at.Sub(sent), p.raw)
				}
			}
			beat(nil)
			beat(0) // a library sends 0 for nothing
			c.send(2, sc.identifyData(nil))
			c.event("GUILD_CREATE")
			beat(2)
			beat(2)
			beat(1)
			sc.violations()
		})
	}
}

// Given a client whose heartbeats stop, or never begin, when the interval and
// the grace are over, then the connection ends as the mode says, and so does
// the session.
//
// Statements: S-035, S-062.
func TestMissedHeartbeat(t *testing.T) {
	for mode, want := range map[MissedMode]struct{ code, sessions int }{
		"": {1000, 1}, MissedObserved: {1000, 1}, MissedDocumented: {4009, 0}, MissedSilent: {0, 1},
	} {
		t.Run(string(mode), func(t *testing.T) {
			withClient(t, Config{Heartbeat: HeartbeatConfig{Missed: mode}}, AppConfig{}, func(sc *clientHarness) {
				c, start := sc.identified(nil), time.Now()
				wait(30 * time.Second)
				c.send(1, 1)
				if reason := c.closedWith(want.code); mode != MissedDocumented && reason != "" {
					t.Errorf("the reason is %q", reason)
				}
				if took := time.Since(start); took != 30*time.Second+interval+9*time.Second {
					t.Errorf("it took %s", took)
				}
				if n := sc.Sessions(sc.app); n != want.sessions {
					t.Errorf("%d sessions are left", n)
				}
				if n := sc.Verdict(sc.app).MissedHeartbeats; n != 1 {
					t.Errorf("%d missed heartbeats are counted", n)
				}
				start = time.Now()
				sc.connect(inMemory).closedWith(want.code)
				if took := time.Since(start); took != interval+9*time.Second {
					t.Errorf("without any heartbeat it took %s", took)
				}
			})
		})
	}
}

// Given a client that keeps the interval, then its connection stands for days;
// with another grace its tolerance is that.
//
// Statements: S-035.
func TestPunctualHeartbeats(t *testing.T) {
	withClient(t, Config{Heartbeat: HeartbeatConfig{Interval: 10 * time.Second, Grace: time.Second}}, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		for range 10_000 {
			wait(10_900 * time.Millisecond)
			c.send(1, 2)
			c.op(11)
		}
		start := time.Now()
		c.closedWith(1000)
		if took := time.Since(start); took != 11*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Given a live client, when Discord asks for a heartbeat, then an answer within
// ten seconds is taken, and without one the connection ends as if it had missed
// its own.
//
// Statements: S-036.
func TestRequestedHeartbeat(t *testing.T) {
	withClient(t, Config{}, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		sc.inject(Fault{Name: "server-beat"})
		if p := c.op(1); string(p.D) != "null" {
			t.Errorf("op 1 is %s", p.raw)
		}
		wait(9 * time.Second)
		c.send(1, 1)
		c.op(11)
		wait(5 * time.Second)
		sc.violations()
		sc.inject(Fault{Name: "server-beat"})
		start := time.Now()
		c.closedWith(1000)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		sc.violations("G-021")
	})
	withClient(t, Config{Heartbeat: HeartbeatConfig{RequestedWithin: -1}}, AppConfig{}, func(sc *clientHarness) {
		c, start := sc.identified(nil), time.Now()
		sc.inject(Fault{Name: "server-beat"})
		if c.closedWith(1000); time.Since(start) != interval+9*time.Second {
			t.Errorf("with the rule off it took %s", time.Since(start))
		}
	})
}

// Given a session, when heartbeats carry numbers it cannot have, then that is
// recorded, and closes the connection where Discord is configured strict.
//
// Statements: S-037.
func TestHeartbeatSequence(t *testing.T) {
	for _, strict := range []bool{false, true} {
		for d, code := range map[string]int{`99`: 4007, `"1"`: 4002, `1.5`: 4002, `-1`: 4002, `{}`: 4002} {
			cfg := patient
			cfg.Heartbeat.StrictSequence = strict
			withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(nil)
				c.send(1, json.RawMessage(d))
				if strict {
					c.closedWith(code)
					if want := map[int]int{4007: 0, 4002: 1}[code]; sc.Sessions(sc.app) != want {
						t.Errorf("%s: %d sessions are left", d, sc.Sessions(sc.app))
					}
				} else {
					c.op(11)
				}
				sc.violations("S-037")
			})
		}
	}
}

// Given a session whose client has confirmed events, when a heartbeat carries
// null, then that is recorded; before the first event it is right.
//
// Statements: S-037.
func TestHeartbeatForgetsSequence(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.send(1, nil)
		c.op(11)
		sc.violations()
		c.send(1, 1)
		c.send(1, nil)
		c.op(11)
		c.op(11)
		sc.violations("G-020")
	})
}

// Given a client's heartbeats, when the log is read, then it tells how long the
// first took after HELLO and how far apart the others were, without those that
// were asked for.
//
// Statements: S-038.
func TestHeartbeatTimes(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		for _, gap := range []time.Duration{7, 40, 41, 43, 42} {
			wait(gap * time.Second)
			c.send(1, 1)
		}
		wait(time.Second)
		sc.inject(Fault{Name: "server-beat"})
		c.send(1, 1)
		log := sc.newest()
		if log.Beats != 5 || log.FirstBeat != 7*time.Second || log.BeatMin != 40*time.Second || log.BeatMax != 43*time.Second {
			t.Errorf("%d heartbeats: %s, then %s to %s", log.Beats, log.FirstBeat, log.BeatMin, log.BeatMax)
		}
	})
}

// Given a zombie connection, when heartbeats come, then none is answered while
// events flow, and the connection is not closed for it.
//
// Statements: S-039.
func TestZombie(t *testing.T) {
	withClient(t, Config{Identify: IdentifyConfig{GuildSpacing: -1}}, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		zombie := sc.inject(Fault{Name: "zombie"})
		for range 5 {
			wait(40 * time.Second)
			c.send(1, c.seq)
			sc.say("still there?")
			if p := c.next(); p.T != "MESSAGE_CREATE" {
				t.Errorf("%s came", p.raw)
			}
		}
		sc.Lift(zombie)
		c.send(1, c.seq)
		c.op(11)
		sc.violations()
	})
}

// Given a half-open link, when the server ends the connection for want of
// heartbeats, then the client does not learn of it, as in reality; the session
// lives on.
//
// Statements: S-039, S-043.
func TestHalfOpenHidesTheServersEnd(t *testing.T) {
	withClient(t, Config{Identify: IdentifyConfig{GuildSpacing: -1}}, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.inject(Fault{Name: "half-open"})
		c.send(1, 2)
		c.nothingWithin(2 * time.Minute)
		if log := sc.newest(); log.Closed.IsZero() || log.ByClient || log.Code != 1000 {
			t.Errorf("the log says %+v", log)
		}
		next := c.reconnectAndResume()
		next.event("RESUMED")
		sc.LiftAll()
		c.closedWith(0)
	})
}

// Given late answers to heartbeats, then each comes by the fault's delay later.
//
// Statements: S-034.
func TestLateAnswers(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.inject(Fault{Name: "ack-delay", Delay: 20 * time.Second, Count: 2})
		start := time.Now()
		for i := range 3 {
			c.send(1, c.seq)
			if p := c.op(11); i < 2 && p.at.Sub(start) != time.Duration(i+1)*20*time.Second {
				t.Errorf("answer %d came after %s", i, p.at.Sub(start))
			}
		}
		if took := time.Since(start); took != 40*time.Second {
			t.Errorf("three answers took %s", took)
		}
	})
}
