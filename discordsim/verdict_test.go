package discordsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Given a bot of one shard, when it is detached now and then, then the verdict
// has the longest gap and the sum of all, also of one that is not over.
//
// Statements: S-100.
func TestGaps(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		gaps := func(longest, all time.Duration) {
			t.Helper()
			if v := sc.Verdict(sc.app); v.LongestGap != longest || v.Detached != all {
				t.Errorf("the longest gap is %s of %s, want %s of %s", v.LongestGap, v.Detached, longest, all)
			}
		}
		wait(time.Hour) // before the first READY nothing counts
		c := sc.identified(nil)
		gaps(0, 0)
		for _, away := range []time.Duration{5, 20, 10} {
			c.drop()
			wait(away * time.Second)
			c = c.reconnectAndResume()
			c.event("RESUMED")
			wait(time.Minute)
		}
		gaps(20*time.Second, 35*time.Second)
		c.drop()
		wait(time.Minute)
		gaps(time.Minute, 95*time.Second)
		wait(time.Hour)
		sc.identified(nil)
		wait(time.Hour)
		gaps(time.Hour+time.Minute, time.Hour+95*time.Second)
		if v := sc.Verdict(sc.app); v.Online+v.Offline != 3*time.Minute+95*time.Second+2*time.Hour || v.Offline != time.Hour-30*time.Second {
			t.Errorf("green for %s, grey for %s", v.Online, v.Offline)
		}
	})
}

// Given a bot whose replies ping whom they name, then the simulator says so and
// does not count it as a broken rule; too long a message it does.
func TestAdviceIsNoBrokenRule(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		m := w.Say(w.channel, w.person.ID, "!ping")
		w.request("POST", w.messagesPath(), map[string]any{"content": "x", "message_reference": map[string]any{"message_id": m.ID}}).hasStatus(200, 0)
		if v := w.Verdict(w.app); len(v.Violations) != 1 || !v.Violations[0].Note() || len(v.Broken()) != 0 {
			t.Errorf("violations %v, of them broken %v", v.Violations, v.Broken())
		}
		w.say(strings.Repeat("x", 2001)).hasStatus(400, 50035)
		if v := w.Verdict(w.app); len(v.Violations) != 2 || len(v.Broken()) != 1 || v.Broken()[0].Note() {
			t.Errorf("violations %v, of them broken %v", v.Violations, v.Broken())
		}
	})
}

// Given a bot of many shards, when one of them is away, then that is a gap; when
// the bot moves to another number of shards, what it leaves behind is none.
//
// Statements: S-100.
func TestGapsOfShards(t *testing.T) {
	withClient(t, patient, AppConfig{MaxConcurrency: 4}, func(sc *clientHarness) {
		a := sc.identified(map[string]any{"shard": []int{0, 2}})
		b := sc.identified(map[string]any{"shard": []int{1, 2}})
		b.drop()
		wait(30 * time.Second)
		b = b.reconnectAndResume()
		b.event("RESUMED")
		var moved []*client
		for id := range 4 {
			wait(5 * time.Second)
			moved = append(moved, sc.identified(map[string]any{"shard": []int{id, 4}}))
		}
		a.closeWith(1000) // an orderly move
		b.closeWith(1000)
		wait(time.Hour)
		if v := sc.Verdict(sc.app); v.LongestGap != 30*time.Second {
			t.Errorf("the longest gap is %s", v.LongestGap)
		}
		for _, c := range moved {
			c.drop()
		}
		wait(2 * time.Minute)
		sc.identified(map[string]any{"shard": []int{0, 1}}) // a move with a gap
		wait(time.Hour)
		if v := sc.Verdict(sc.app); v.LongestGap != 2*time.Minute || v.Detached != 30*time.Second+4*2*time.Minute {
			t.Errorf("the longest gap is %s of %s", v.LongestGap, v.Detached)
		}
		sc.violations()
	})
}

// Given sessions that end with events nobody received, then these count as lost,
// and those that had been sent do not.
//
// Statements: S-100.
func TestEventsLost(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		sc.say("received")
		c.event("MESSAGE_CREATE")
		c.drop()
		for range 3 {
			sc.say("nobody is there")
		}
		wait(2 * time.Minute)
		if v := sc.Verdict(sc.app); v.EventsLost != 3 || v.Dispatched != 6 {
			t.Errorf("%d of %d events were lost", v.EventsLost, v.Dispatched)
		}
		c = sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.inject(Fault{Name: "half-open"})
		sc.say("into the void")
		sc.inject(Fault{Name: "op9-false"})
		if v := sc.Verdict(sc.app); v.EventsLost != 4 {
			t.Errorf("%d events were lost", v.EventsLost)
		}
		sc.LiftAll()
		wait(10 * time.Second)
		c = sc.identified(nil)
		c.drop()
		sc.say("fetched later")
		c.reconnectAndResume().event("RESUMED")
		if v := sc.Verdict(sc.app); v.EventsLost != 4 {
			t.Errorf("%d events were lost", v.EventsLost)
		}
	})
}

// Given clients that break rules, then each break is recorded with its time, app
// and connection, and a client that never stops fills no memory.
//
// Statements: S-100.
func TestViolations(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		other := sc.AddApp(AppConfig{})
		wait(time.Minute)
		sc.identified(map[string]any{"token": "Bot " + sc.app.Token})
		v := sc.Verdict(sc.app).Violations
		if len(v) != 1 || v[0].App != sc.app.ID || v[0].Conn != 1 || v[0].Statement != "G-033" || !v[0].At.Equal(time.Now()) || v[0].What == "" {
			t.Errorf("the violations are %+v", v)
		}
		if v := sc.Verdict(other).Violations; len(v) != 0 {
			t.Errorf("another app is blamed: %+v", v)
		}
		sc.mu.Lock()
		for i := range 3 * maxViolations {
			sc.log.violation(Violation{At: time.Now(), App: sc.app.ID, Statement: "G-125", What: fmt.Sprint(i)})
		}
		sc.mu.Unlock()
		if n := len(sc.Verdict(sc.app).Violations); n != maxViolations {
			t.Errorf("%d violations are kept", n)
		}
	})
}

// Given IDENTIFYs without properties, then that is recorded; with the old names
// of the properties it is not.
//
// Statements: S-100.
func TestProperties(t *testing.T) {
	for blame, properties := range map[string]any{"": map[string]any{"$os": "linux", "$browser": "x", "$device": "x"}, "G-033": map[string]any{"os": "linux"}} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			sc.identified(map[string]any{"properties": properties})
			if blame == "" {
				sc.violations()
			} else {
				sc.violations(blame)
			}
		})
	}
}
