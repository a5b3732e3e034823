package discordsim

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Given connections that are new, waiting for READY, in a replay and live, when
// op 7 comes, then each gets it, and whoever does not leave is closed with 1001
// five seconds later; the session lives.
//
// Statements: S-059.
func TestReconnectAtAnyMoment(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		sc.inject(Fault{Name: "no-hello", Count: 1})
		mute := sc.connect(inMemory)
		wait(0)
		waiting := sc.connect(inMemory)
		waiting.op(10)
		live := sc.begin(nil)
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
			if reason := c.ends(1001); reason != "Discord WebSocket requesting client reconnect." || time.Since(start) != 5*time.Second {
				t.Errorf("after %s: %q", time.Since(start), reason)
			}
		}
		for range 100 {
			sc.tell("missed")
		}
		next := live.again()
		sc.inject(Fault{Name: "op7"}) // during the replay, or right behind it
		next.op(7)
		next.shut(4900)
		next.again().event("RESUMED")
		wait(time.Minute)
		if !sc.Attached(sc.app) {
			t.Error("an op 7 struck a connection that was made after it")
		}
	})
	cfg := patient
	cfg.ReconnectWait = -1
	onScene(t, cfg, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		sc.inject(Fault{Name: "op7"})
		c.op(7)
		c.quiet(time.Hour)
	})
}

// Given op 7 in place of HELLO, then new connections get nothing else, as often
// as the fault strikes.
//
// Statements: S-059.
func TestReconnectInsteadOfHello(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		sc.inject(Fault{Name: "op7-first", Count: 2})
		for range 2 {
			c := sc.connect(inMemory)
			if p := c.next(); p.Op != 7 {
				t.Errorf("%s came", p.raw)
			}
			c.ends(1001)
		}
		sc.begin(nil)
	})
}

// Given HELLO that is held back, when op 7 comes first, then HELLO follows it
// only where the fault ends before the connection does.
//
// Statements: S-059.
func TestReconnectBeforeHello(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		held := sc.inject(Fault{Name: "no-hello"})
		c := sc.connect(inMemory)
		c.quiet(time.Minute)
		sc.Lift(held)
		c.op(10)
		c.send(2, sc.identity(nil))
		c.ready()
		held = sc.inject(Fault{Name: "no-hello"})
		next := sc.connect(inMemory)
		wait(0)
		sc.inject(Fault{Name: "op7"})
		if p := next.next(); p.Op != 7 {
			t.Errorf("%s came", p.raw)
		}
		sc.Lift(held)
		next.ends(1001)
	})
}

// Given a Discord that moves its clients about, then each session gets op 7
// again and again, as far apart as configured.
//
// Statements: S-060.
func TestPeriodicReconnect(t *testing.T) {
	cfg := patient
	cfg.ReconnectMin, cfg.ReconnectMax = 15*time.Minute, time.Hour
	onScene(t, cfg, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		var gaps []time.Duration
		for range 20 {
			start := time.Now()
			c.limit = 2 * time.Hour
			c.op(7)
			gaps = append(gaps, time.Since(start))
			c.shut(4900)
			c = c.again()
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
		onScene(t, patient, AppConfig{}, func(sc *scene) {
			early := sc.connect(inMemory)
			early.op(10)
			live := sc.begin(nil)
			sc.inject(Fault{Name: name})
			for _, c := range []*client{early, live} {
				if p := c.op(9); string(p.D) != fmt.Sprint(want == 1) {
					t.Errorf("%s came", p.raw)
				}
			}
			if n := sc.Sessions(sc.app); n != want {
				t.Errorf("%d sessions after %s", n, name)
			}
			live.send(1, 1)
			live.op(11)
			early.send(1, nil)
			early.op(11)
		})
	}
}

// Given a bot that is live, when its token is reset or a privileged intent
// switched off, then all its sessions are closed with 4003 and deleted, whether
// they used the intent or not; other changes of its flags close none.
//
// Statements: S-064.
func TestSessionsTakenAway(t *testing.T) {
	for _, strike := range []func(*scene){
		func(sc *scene) { sc.inject(Fault{Name: "token-reset"}) },
		func(sc *scene) { sc.inject(Fault{Name: "intents-off"}) },
		func(sc *scene) { sc.SetFlags(sc.app, limitedFlags&^(1<<13)) },
	} {
		onScene(t, patient, AppConfig{MaxConcurrency: 2}, func(sc *scene) {
			a, b := sc.begin(map[string]any{"shard": []int{0, 2}}), sc.begin(map[string]any{"shard": []int{1, 2}, "intents": 1})
			if sc.SetFlags(sc.app, limitedFlags|1<<23); sc.Sessions(sc.app) != 2 {
				t.Error("a harmless flag closed sessions")
			}
			b.drop()
			strike(sc)
			a.ends(4003)
			if sc.Sessions(sc.app) != 0 || sc.Dot(sc.app) {
				t.Errorf("%d sessions are left", sc.Sessions(sc.app))
			}
		})
	}
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		other := sc.AddApp(AppConfig{Name: "other"})
		bystander := sc.begin(map[string]any{"token": other.Token})
		victim := sc.begin(nil)
		sc.inject(Fault{Name: "token-reset", App: sc.app.ID})
		victim.ends(4003)
		bystander.quiet(time.Minute)
	})
}

// Given an outage that swallows IDENTIFYs, when it ends, then READY comes, and
// heartbeats are answered all the while; but whose token or intent has gone
// meanwhile is closed.
//
// Statements: S-032.
func TestSwallowedIdentify(t *testing.T) {
	for what, code := range map[string]int{"": 0, "token": 4004, "intent": 4014} {
		onScene(t, patient, AppConfig{}, func(sc *scene) {
			outage := sc.inject(Fault{Name: "no-ready"})
			c := sc.ask(nil)
			for range 10 {
				c.quiet(40 * time.Second)
				c.send(1, nil)
				c.op(11)
			}
			if sc.Sessions(sc.app) != 0 || sc.Dot(sc.app) || sc.Verdict(sc.app).Identifies != 1 {
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
				c.ends(code)
			}
			sc.blamed()
		})
	}
}

// Given an outage that swallows one IDENTIFY, then that client waits for ever and
// the next is served; a swallowed one that gets op 9 may identify again.
//
// Statements: S-032.
func TestSwallowedForGood(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		sc.inject(Fault{Name: "no-ready", Count: 1})
		c := sc.ask(nil)
		c.quiet(time.Hour)
		sc.begin(nil)
		sc.inject(Fault{Name: "op9-false", Conn: 1})
		c.op(9)
		wait(5 * time.Second)
		c.send(2, sc.identity(nil))
		c.ready()
	})
}

// Given an outage that answers IDENTIFY with op 9 after a while, then it does,
// at no cost to the budget.
//
// Statements: S-032.
func TestIdentifyAnsweredWithOp9(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 20 * time.Second: 20 * time.Second} {
		onScene(t, patient, AppConfig{}, func(sc *scene) {
			sc.inject(Fault{Name: "ready-op9", Delay: delay, Count: 1})
			c := sc.ask(nil)
			start := time.Now()
			if p := c.next(); p.Op != 9 || string(p.D) != "false" || time.Since(start) != want {
				t.Errorf("after %s came %s", time.Since(start), p.raw)
			}
			wait(5 * time.Second)
			c.send(2, sc.identity(nil))
			c.ready()
			if left, _ := sc.budget(); left != 999 {
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
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		c.drop()
		sc.inject(Fault{Name: "stuck-session"})
		for range 8 {
			c.again().ends(0)
			wait(10 * time.Second)
		}
		sc.begin(nil)
		wait(10 * time.Second)
		if p := c.again().next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
	})
}

// Given a RESUME that Discord puts off, then op 9 true comes as often as the
// fault says, on the same connection or on others, and then RESUMED.
//
// Statements: S-057.
func TestResumePutOff(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		c.drop()
		sc.inject(Fault{Name: "resume-op9-true", Count: 3})
		next := c.again()
		for range 2 {
			if p := next.next(); p.Op != 9 || string(p.D) != "true" {
				t.Errorf("%s came", p.raw)
			}
			next.resume(c.session, 1)
		}
		next.op(9)
		next.drop()
		c.again().event("RESUMED")
	})
}

// Given a RESUME that Discord refuses or does not answer, then op 9 false comes
// and the session is gone, or nothing comes and the session expires.
//
// Statements: S-050, S-043.
func TestResumeRefusedOrIgnored(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		sc.inject(Fault{Name: "resume-op9-false"})
		next := c.again() // while the session is attached
		if p := next.next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
		c.ends(0)
		if sc.Sessions(sc.app) != 0 {
			t.Error("the session lives")
		}
	})
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		c.drop()
		sc.inject(Fault{Name: "resume-silent"})
		next := c.again()
		next.quiet(89 * time.Second)
		next.send(1, 1)
		next.op(11)
		next.quiet(2 * time.Second)
		if sc.Sessions(sc.app) != 0 {
			t.Error("the session lives")
		}
	})
}

// Given events that come twice, never, or in the wrong order, then each does as
// its fault says, as likely as the fault says, and a replay does not bring back
// what is lost.
//
// Statements: S-058.
func TestUnreliableDelivery(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		c.all()
		tell := func(n int) (seqs []int64) {
			for range n {
				sc.tell("word")
			}
			wait(2 * time.Second)
			seqs, _ = numbers(c.all())
			return seqs
		}
		twice := sc.inject(Fault{Name: "duplicate", Count: 2})
		if got := tell(3); !slices.Equal(got, []int64{3, 3, 4, 4, 5}) || twice.Struck != 2 {
			t.Errorf("doubled: %v", got)
		}
		sc.inject(Fault{Name: "lost", Count: 2})
		if got := tell(3); !slices.Equal(got, []int64{8}) {
			t.Errorf("lost: %v", got)
		}
		sc.inject(Fault{Name: "reorder", Count: 1})
		if got := tell(3); !slices.Equal(got, []int64{10, 9, 11}) {
			t.Errorf("swapped: %v", got)
		}
		sc.inject(Fault{Name: "reorder", Count: 1})
		if got := tell(1); !slices.Equal(got, []int64{12}) { // nothing overtook it
			t.Errorf("held: %v", got)
		}
		sc.inject(Fault{Name: "reorder", Count: 1})
		sc.tell("held")
		c.drop() // while it is held
		c.seq = 5
		replay, _ := numbers(c.again().all())
		if !slices.Equal(replay, []int64{8, 9, 10, 11, 12, 13, 14}) {
			t.Errorf("the replay brings %v", replay)
		}
		if v := sc.Verdict(sc.app); v.EventsLost != 2 || v.EventsTwice != 2 {
			t.Errorf("%d events lost, %d twice", v.EventsLost, v.EventsTwice)
		}
	})
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		c.all()
		often := sc.inject(Fault{Name: "lost", Probability: 0.3})
		for range 1000 {
			sc.tell("word")
		}
		if n := len(c.events()); n+often.Struck != 1000 || n < 640 || n > 760 {
			t.Errorf("%d of 1000 arrived, %d were lost", n, often.Struck)
		}
	})
}

// Given a Discord that closes everybody who asks, then IDENTIFY and RESUME are
// closed with that code, which decides about the session too.
//
// Statements: S-061, S-062.
func TestAlwaysClose(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		c.drop()
		all := sc.inject(Fault{Name: "always-close"})
		c.again().ends(4000)
		wait(5 * time.Second)
		sc.ask(nil).ends(4000)
		sc.Lift(all)
		c.again().event("RESUMED")
		sc.inject(Fault{Name: "always-close", Code: 4009, Text: "over"})
		if reason := c.again().ends(4009); reason != "over" || sc.Sessions(sc.app) != 0 {
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
		onScene(t, patient, AppConfig{}, func(sc *scene) {
			sc.inject(Fault{Name: "ready-drop", Delay: delay, Count: 1})
			c := sc.begin(nil)
			start := time.Now()
			c.ends(0)
			if time.Since(start) != code || sc.Sessions(sc.app) != 1 {
				t.Errorf("after %s: %d sessions", time.Since(start), sc.Sessions(sc.app))
			}
			if log := sc.newest(); log.ByClient || log.Code != 0 {
				t.Errorf("the log says %+v", log)
			}
			c.again().event("RESUMED")
		})
	}
}

// Given a Discord that loses sessions, then connections are cut and a RESUME is
// answered with op 9 false.
//
// Statements: S-050.
func TestSessionLoss(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		idle := sc.connect(inMemory)
		idle.op(10)
		c := sc.begin(nil)
		sc.inject(Fault{Name: "session-loss"})
		c.ends(0)
		idle.ends(0)
		if p := c.again().next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
	})
}

// Given an outage, then connections are cut and new ones refused with 503; one of
// a single bot lets the others be and cuts that bot whenever it asks for a
// session. What is detached can be resumed afterwards.
//
// Statements: S-065, S-099.
func TestOutage(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		sc.inject(Fault{Name: "outage", For: time.Minute})
		c.ends(0)
		if _, err := sc.try(inMemory, &http.Client{Transport: sc.Transport()}); err == nil || err.Error()[:3] != "503" {
			t.Errorf("a dial gave %v", err)
		}
		wait(time.Minute)
		c.again().event("RESUMED")
	})
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		other := sc.AddApp(AppConfig{Name: "other"})
		c, bystander := sc.begin(nil), sc.begin(map[string]any{"token": other.Token})
		sc.inject(Fault{Name: "outage", App: sc.app.ID, For: time.Minute})
		c.ends(0)
		c.again().ends(0)
		sc.ask(nil).ends(0)
		bystander.quiet(30 * time.Second)
		wait(30 * time.Second)
		c.again().event("RESUMED")
		sc.blamed()
	})
}

// Given two bots of two shards, when a fault is aimed at one bot, one shard or
// one connection, then it strikes nobody else; Count, For and Probability bound
// it, and the list of faults tells what has been.
//
// Statements: S-099.
func TestAim(t *testing.T) {
	onScene(t, patient, AppConfig{MaxConcurrency: 2}, func(sc *scene) {
		other := sc.AddApp(AppConfig{Name: "other", MaxConcurrency: 2})
		var all []*client
		for _, token := range []string{sc.app.Token, other.Token} {
			for id := range 2 {
				all = append(all, sc.begin(map[string]any{"token": token, "shard": []int{id, 2}}))
			}
		}
		one := 1
		for _, aim := range []struct {
			fault Fault
			hits  []int
		}{
			{Fault{App: sc.app.ID}, []int{0, 1}}, {Fault{Shard: &one}, []int{1, 3}}, {Fault{App: other.ID, Shard: &one}, []int{3}},
			{Fault{Conn: 3}, []int{2}}, {Fault{App: sc.app.ID, Conn: 3}, nil}, {Fault{}, []int{0, 1, 2, 3}},
		} {
			aim.fault.Name = "op9-true"
			a := sc.inject(aim.fault)
			for i, c := range all {
				got := 0
				for _, p := range c.all() {
					if p.Op == 9 {
						got++
					}
				}
				if want := slices.Contains(aim.hits, i); (got == 1) != want {
					t.Errorf("%+v struck client %d %d times", aim.fault, i, got)
				}
			}
			if a.Struck != max(1, len(aim.hits)) || a.Ended.IsZero() {
				t.Errorf("%+v struck %d times", aim.fault, a.Struck)
			}
		}
		sc.inject(Fault{Name: "zombie", For: 10 * time.Second, Conn: 1})
		sc.inject(Fault{Name: "cut", Conn: 2})
		all[1].ends(0)
		for i, c := range all {
			if i == 1 {
				continue
			}
			c.send(1, 1)
			if i == 0 {
				c.quiet(9 * time.Second)
			} else {
				c.op(11)
			}
		}
		wait(time.Second)
		all[0].send(1, 1)
		all[0].op(11)
		if struck := sc.Struck(); len(struck) != 8 || struck[6].Name != "zombie" || struck[6].Struck != 1 || struck[6].Ended.Sub(struck[6].Began) != 10*time.Second {
			t.Errorf("the faults were %+v", struck)
		}
		if _, err := sc.Inject(Fault{Name: "nonsense"}); err == nil {
			t.Error("a fault nobody knows was accepted")
		}
	})
}

// Given every fault there is, then it says what it does, and lifting all of them
// leaves a Discord that works.
//
// Statements: S-099.
func TestEveryFaultCanBeLifted(t *testing.T) {
	onScene(t, patient, AppConfig{}, func(sc *scene) {
		c := sc.begin(nil)
		for _, name := range Faults() {
			if Describe(name) == "" {
				t.Errorf("%s says nothing", name)
			}
			sc.inject(Fault{Name: name})
		}
		if Describe("nonsense") != "" {
			t.Error("a fault nobody knows says something")
		}
		sc.LiftAll()
		for _, a := range sc.Struck() {
			if a.Ended.IsZero() {
				t.Errorf("%s is not over", a.Name)
			}
		}
		c.drop()
		wait(time.Hour)
		sc.SetFlags(sc.app, limitedFlags)
		sc.begin(nil)
	})
}
