package discordsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Given two sessions, when events come, then each numbers its own from 1
// without a gap.
//
// Statements: S-040.
func TestSequence(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		a := sc.identified(nil)
		sc.say("one")
		sc.say("two")
		wait(5 * time.Second)
		b := sc.identified(nil)
		sc.say("three")
		first, _ := numbers(a.all())
		second, _ := numbers(b.all())
		if !slices.Equal(first, []int64{2, 3, 4, 5}) || !slices.Equal(second, []int64{2, 3}) {
			t.Errorf("the numbers are %v and %v", first, second)
		}
	})
}

// Given somebody who watches, when a session is detached, goes on and ends, then every event
// is told with its number, and how far the client had confirmed them.
func TestSessionsAreWatched(t *testing.T) {
	var told []int64
	var ended []SessionEnd
	cfg := patient
	cfg.Dispatched = func(d Dispatch) {
		if d.Type == "MESSAGE_CREATE" {
			told = append(told, d.Seq)
		}
	}
	cfg.SessionEnded = func(e SessionEnd) { ended = append(ended, e) }
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.say("one")
		c.event("MESSAGE_CREATE")
		c.drop()
		sc.say("two")
		seqs, _ := numbers(c.reconnectAndResume().all())
		sc.Inject(Fault{Name: "session-loss"})
		wait(time.Second)
		if len(told) != 2 || len(seqs) == 0 || seqs[0] != told[1] {
			t.Errorf("the messages %v were told, and the client got %v", told, seqs)
		}
		if len(ended) != 1 || ended[0].App != sc.app.ID || ended[0].Confirmed != told[0] {
			t.Errorf("ended are %+v; the client had confirmed %d", ended, told[0])
		}
	})
}

// Given a bounded buffer, when a client resumes from before it, then op 9 false
// answers, or 4007 where that is configured; from exactly its edge it is served.
//
// Statements: S-041, S-049.
func TestReplayBuffer(t *testing.T) {
	for _, bound := range []Config{{Session: SessionConfig{ReplayEvents: 10}}, {Session: SessionConfig{ReplayBytes: 10 * 4096, ReplayEvents: -1}}} {
		for _, is4007 := range []bool{false, true} {
			cfg := patient
			cfg.Session.ReplayEvents, cfg.Session.ReplayBytes, cfg.Session.TooOldIs4007 = bound.Session.ReplayEvents, bound.Session.ReplayBytes, is4007
			withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(nil)
				c.event("GUILD_CREATE")
				c.drop()
				event := map[string]any{"x": strings.Repeat("x", 4096-len(payload("EVENT", 10, nil))-len(`{"x":""}`))}
				for range 11 {
					sc.Emit(sc.app, nil, "EVENT", event)
				}
				edge := c.seq + 1 // the first of the eleven is gone
				c.seq = edge
				next := c.reconnectAndResume()
				if seqs, _ := numbers(next.all()); len(seqs) != 11 || seqs[0] != edge+1 {
					t.Errorf("from the edge came %v", seqs)
				}
				next.drop()
				c.seq = edge - 1
				old := c.reconnectAndResume()
				if is4007 {
					old.closedWith(4007)
				} else if p := old.next(); p.Op != 9 || string(p.D) != "false" {
					t.Errorf("%s came", p.raw)
				}
				if n := sc.Sessions(sc.app); n != 0 {
					t.Errorf("%d sessions are left", n)
				}
				sc.violations()
			})
		}
	}
}

// Given a detached session, when 90 s pass, then it is deleted, the dot turns
// grey, and a RESUME is answered with op 9 false on a connection that then
// takes an IDENTIFY; in time it is answered with RESUMED.
//
// Statements: S-043, S-050.
func TestSessionLifetime(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		c.drop()
		wait(90*time.Second - time.Millisecond)
		next := c.reconnectAndResume()
		next.event("RESUMED")
		next.drop()
		start := time.Now()
		wait(90*time.Second - time.Millisecond)
		if !sc.Online(sc.app) {
			t.Error("the dot is grey too early")
		}
		wait(time.Millisecond)
		history := sc.StatusHistory(sc.app)
		if last := history[len(history)-1]; sc.Online(sc.app) || sc.Sessions(sc.app) != 0 || last.Status != "offline" || last.At.Sub(start) != 90*time.Second {
			t.Errorf("the dot went %+v", history)
		}
		late := next.reconnectAndResume()
		if p := late.next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
		late.send(2, sc.identifyData(nil))
		late.ready()
		sc.violations()
	})
	cfg := patient
	cfg.Session.Lifetime = -1
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		wait(365 * 24 * time.Hour)
		c.reconnectAndResume().event("RESUMED")
	})
}

// Given a session, when its client closes with 1000 or 1001, then it is deleted
// and the dot grey at once, as others see; after any other code it lives.
//
// Statements: S-044, S-045.
func TestClientCloses(t *testing.T) {
	for _, code := range []int{1000, 1001, 1012, 4000, 4200, 4900, 3000, 1005} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			watcher := sc.AddApp(AppConfig{Name: "watcher", Guilds: []*Guild{sc.guild}})
			w := sc.identified(map[string]any{"token": watcher.Token, "intents": intentPresences})
			c := sc.identified(nil)
			w.all()
			c.closeWith(code)
			over := code == 1000 || code == 1001
			if sc.Online(sc.app) == over || (sc.Sessions(sc.app) == 0) != over || sc.Verdict(sc.app).CloseCodes[code] != 1 {
				t.Errorf("after %d there are %d sessions, codes %v", code, sc.Sessions(sc.app), sc.Verdict(sc.app).CloseCodes)
			}
			told := false
			for _, p := range w.all() {
				d := p.object()
				told = told || (p.T == "PRESENCE_UPDATE" && d["status"] == "offline" && asObject(d["user"])["id"] == sc.app.Bot.ID.String())
			}
			if told != over {
				t.Errorf("after %d the others were told: %t", code, told)
			}
		})
	}
}

// Given a client that ends its session with 1000 and begins a new one at once,
// then that is recorded; after a while, on another shard, or after op 9 it is
// not.
//
// Statements: S-044, S-100.
func TestThrownAwaySession(t *testing.T) {
	withClient(t, patient, AppConfig{MaxConcurrency: 2}, func(sc *clientHarness) {
		sc.identified(map[string]any{"shard": []int{0, 2}}).closeWith(1000)
		sc.identified(map[string]any{"shard": []int{1, 2}})
		wait(2 * time.Minute)
		c := sc.identified(map[string]any{"shard": []int{0, 2}})
		sc.inject(Fault{Name: "op9-false", Shard: new(int)})
		c.op(9)
		c.closeWith(1000)
		wait(5 * time.Second)
		c = sc.identified(map[string]any{"shard": []int{0, 2}})
		sc.violations()
		c.closeWith(1001)
		wait(5 * time.Second)
		sc.identified(map[string]any{"shard": []int{0, 2}})
		sc.violations("G-088")
	})
}

// Given an attached session, when another connection resumes it, then it moves
// there, and the older connection is dropped without a close frame.
//
// Statements: S-052.
func TestSessionMoves(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		next := c.reconnectAndResume()
		next.event("RESUMED")
		c.closedWith(0)
		sc.say("to the new one")
		next.event("MESSAGE_CREATE")
		if !sc.Attached(sc.app) || sc.Sessions(sc.app) != 1 {
			t.Errorf("%d sessions", sc.Sessions(sc.app))
		}
		wait(2 * time.Minute)
		if sc.Sessions(sc.app) != 1 {
			t.Error("the end of the older connection ended the session")
		}
		sc.violations()
	})
}

// Given a session that asked for payload compression, when it is resumed, then
// its settings go on: compression, intents, shard and presence.
//
// Statements: S-055.
func TestSettingsOutliveTheConnection(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(map[string]any{"compress": true, "intents": 1, "presence": map[string]any{"status": "idle", "activities": []any{}}})
		c.drop()
		sc.Emit(nil, sc.guild, "GUILD_UPDATE", map[string]any{"name": strings.Repeat("library ", 100)})
		sc.say("not for this session")
		next := c.reconnectAndResume()
		next.event("GUILD_UPDATE")
		if p := next.next(); p.T != "RESUMED" || next.binary != 2 {
			t.Errorf("%s came, and %d compressed messages", p.raw, next.binary)
		}
		if got := sc.StatusHistory(sc.app); len(got) != 1 || got[0].Status != "idle" {
			t.Errorf("the dot went %v", got)
		}
	})
}

// Given very many sessions that ended, then a client that asks for one which
// ended lately is no violation, and those long gone are
// forgotten.
//
// Statements: S-050.
func TestEndedSessionsAreRemembered(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		bury := func(what string) {
			sc.mu.Lock()
			defer sc.mu.Unlock()
			for i := range maxRemembered {
				sc.rememberEnded(fmt.Sprint(what, i))
			}
		}
		bury("old")
		wait(2 * deathRemembered)
		bury("new")
		if len(sc.ended) != maxRemembered || len(sc.endedOrder) != maxRemembered {
			t.Errorf("%d ended sessions are remembered", len(sc.ended))
		}
		bury("newest") // none of the others is old enough to be forgotten
		for _, name := range []string{"new7", "newest0", "old3"} {
			sc.violations()
			c := sc.connect("ws://resume.discord.sim" + query)
			c.op(10)
			c.resume(name, 1)
			c.op(9)
		}
		sc.violations("G-065")
	})
}
