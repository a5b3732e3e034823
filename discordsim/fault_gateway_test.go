package discordsim

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// Given a bot that is live, when its token is reset or a privileged intent
// switched off, then all its sessions are closed with 4003 and deleted, whether
// they used the intent or not; other changes of its flags close none.
//
// Statements: S-064.
func TestSessionsTakenAway(t *testing.T) {
	for _, strike := range []func(*clientHarness){
		func(sc *clientHarness) { sc.inject(Fault{Name: "token-reset"}) },
		func(sc *clientHarness) { sc.inject(Fault{Name: "intents-off"}) },
		func(sc *clientHarness) { sc.SetFlags(sc.app, limitedFlags&^(1<<13)) },
	} {
		withClient(t, patient, AppConfig{MaxConcurrency: 2}, func(sc *clientHarness) {
			a, b := sc.identified(map[string]any{"shard": []int{0, 2}}), sc.identified(map[string]any{"shard": []int{1, 2}, "intents": 1})
			if sc.SetFlags(sc.app, limitedFlags|1<<23); sc.Sessions(sc.app) != 2 {
				t.Error("a harmless flag closed sessions")
			}
			b.drop()
			strike(sc)
			a.closedWith(4003)
			if sc.Sessions(sc.app) != 0 || sc.Online(sc.app) {
				t.Errorf("%d sessions are left", sc.Sessions(sc.app))
			}
		})
	}
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		other := sc.AddApp(AppConfig{Name: "other"})
		bystander := sc.identified(map[string]any{"token": other.Token})
		victim := sc.identified(nil)
		sc.inject(Fault{Name: "token-reset", App: sc.app.ID})
		victim.closedWith(4003)
		bystander.nothingWithin(time.Minute)
	})
}

// Given events that come twice, never, or in the wrong order, then each does as
// its fault says, as likely as the fault says, and a replay does not bring back
// what is lost.
//
// Statements: S-058.
func TestUnreliableDelivery(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.all()
		tell := func(n int) (seqs []int64) {
			for range n {
				sc.say("word")
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
		sc.say("held")
		c.drop() // while it is held
		c.seq = 5
		replay, _ := numbers(c.reconnectAndResume().all())
		if !slices.Equal(replay, []int64{8, 9, 10, 11, 12, 13, 14}) {
			t.Errorf("the replay brings %v", replay)
		}
		if v := sc.Verdict(sc.app); v.EventsLost != 2 || v.EventsTwice != 2 {
			t.Errorf("%d events lost, %d twice", v.EventsLost, v.EventsTwice)
		}
	})
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.all()
		often := sc.inject(Fault{Name: "lost", Probability: 0.3})
		for range 1000 {
			sc.say("word")
		}
		if n := len(c.events()); n+often.Struck != 1000 || n < 640 || n > 760 {
			t.Errorf("%d of 1000 arrived, %d were lost", n, often.Struck)
		}
	})
}

// Given an outage, then connections are cut and new ones refused with 503; one of
// a single bot lets the others be and cuts that bot whenever it asks for a
// session. What is detached can be resumed afterwards.
//
// Statements: S-065, S-099.
func TestOutage(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		sc.inject(Fault{Name: "outage", For: time.Minute})
		c.closedWith(0)
		if _, err := sc.try(inMemory, &http.Client{Transport: sc.Transport()}); err == nil || err.Error()[:3] != "503" {
			t.Errorf("a dial gave %v", err)
		}
		wait(time.Minute)
		c.reconnectAndResume().event("RESUMED")
	})
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		other := sc.AddApp(AppConfig{Name: "other"})
		c, bystander := sc.identified(nil), sc.identified(map[string]any{"token": other.Token})
		sc.inject(Fault{Name: "outage", App: sc.app.ID, For: time.Minute})
		c.closedWith(0)
		c.reconnectAndResume().closedWith(0)
		sc.identify(nil).closedWith(0)
		bystander.nothingWithin(30 * time.Second)
		wait(30 * time.Second)
		c.reconnectAndResume().event("RESUMED")
		sc.violations()
	})
}

// Given two bots of two shards, when a fault is aimed at one bot, one shard or
// one connection, then it strikes nobody else; Count, For and Probability bound
// it, and the list of faults tells what has been.
//
// Statements: S-099.
func TestFaultsLimitedToATarget(t *testing.T) {
	withClient(t, patient, AppConfig{MaxConcurrency: 2}, func(sc *clientHarness) {
		other := sc.AddApp(AppConfig{Name: "other", MaxConcurrency: 2})
		var all []*client
		for _, token := range []string{sc.app.Token, other.Token} {
			for id := range 2 {
				all = append(all, sc.identified(map[string]any{"token": token, "shard": []int{id, 2}}))
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
		all[1].closedWith(0)
		for i, c := range all {
			if i == 1 {
				continue
			}
			c.send(1, 1)
			if i == 0 {
				c.nothingWithin(9 * time.Second)
			} else {
				c.op(11)
			}
		}
		wait(time.Second)
		all[0].send(1, 1)
		all[0].op(11)
		if struck := sc.Injected(); len(struck) != 8 || struck[6].Name != "zombie" || struck[6].Struck != 1 || struck[6].Ended.Sub(struck[6].Began) != 10*time.Second {
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
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		for _, name := range Faults() {
			if DescribeFault(name).Description == "" {
				t.Errorf("%s says nothing", name)
			}
			sc.inject(Fault{Name: name})
		}
		if DescribeFault("nonsense") != (FaultInfo{}) {
			t.Error("a fault nobody knows says something")
		}
		sc.LiftAll()
		for _, a := range sc.Injected() {
			if a.Ended.IsZero() {
				t.Errorf("%s is not over", a.Name)
			}
		}
		c.drop()
		wait(time.Hour)
		sc.SetFlags(sc.app, limitedFlags)
		sc.identified(nil)
	})
}

// Given a session that Discord takes away, when op 9 falls into a black hole, then what
// the client sends on the strength of it is no mistake of the client's; where op 9 has
// arrived long ago, it is one.
//
// Statements: S-063.
func TestSwallowedOp9(t *testing.T) {
	for swallowed, want := range map[bool][]string{true: nil, false: {"G-104"}} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			wait(time.Minute)
			if swallowed {
				sc.inject(Fault{Name: "black-hole"})
			}
			sc.inject(Fault{Name: "op9-false"})
			wait(10 * time.Second)
			c.send(3, map[string]any{"since": nil, "activities": []any{}, "status": "online", "afk": false})
			wait(time.Second)
			sc.violations(want...)
		})
	}
}
