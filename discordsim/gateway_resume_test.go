package discordsim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// numbers are the sequence numbers of events, and their types.
func numbers(packets []packet) (seqs []int64, types []string) {
	for _, p := range packets {
		if p.Op == 0 {
			seqs, types = append(seqs, p.S), append(types, p.T)
		}
	}
	return seqs, types
}

// Given a dropped connection, when events come meanwhile, then a RESUME brings
// them in order, as they were, and RESUMED as the next number; READY and the
// guilds do not come again, and new events follow.
//
// Statements: S-042, S-045, S-046, S-055.
func TestResume(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		sc.say("heard")
		heard := c.event("MESSAGE_CREATE")
		c.drop()
		if !sc.Online(sc.app) || sc.Sessions(sc.app) != 1 || sc.Attached(sc.app) {
			t.Error("the session did not outlive its connection")
		}
		var missed []ID
		for i := range 3 {
			missed = append(missed, sc.say(fmt.Sprint("missed ", i)).ID)
			wait(20 * time.Second)
		}
		next := c.reconnectAndResume()
		replayed := next.all()
		seqs, types := numbers(replayed)
		if !slices.Equal(seqs, []int64{4, 5, 6, 7}) || !slices.Equal(types, []string{"MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"}) {
			t.Fatalf("%v %v came", seqs, types)
		}
		for i, p := range replayed[:3] {
			if p.object()["id"] != missed[i].String() {
				t.Errorf("event %d is %s", i, p.raw)
			}
		}
		sc.say("new")
		if p := next.next(); p.S != 8 || p.T != "MESSAGE_CREATE" {
			t.Errorf("after RESUMED came %s", p.raw)
		}
		next.send(1, 8)
		next.op(11)
		next.drop()
		next.seq = heard.S // a client that forgot what it had confirmed
		third := next.reconnectAndResume()
		seqs, types = numbers(third.all())
		if !slices.Equal(seqs, []int64{4, 5, 6, 8, 9}) || types[4] != "RESUMED" {
			t.Errorf("the second replay is %v %v", seqs, types)
		}
		v := sc.Verdict(sc.app)
		if v.Resumes != 2 || v.Resumed != 2 || v.Identifies != 1 || v.Redelivered != 7 || v.EventsTwice != 4 || v.EventsLost != 0 {
			t.Errorf("the verdict is %+v", v)
		}
		sc.violations()
	})
}

// Given a client that has everything, when it resumes, then RESUMED comes alone.
//
// Statements: S-047.
func TestResumeWithNothingMissed(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		for range 3 {
			c.drop()
			c = c.reconnectAndResume()
			if p := c.next(); p.T != "RESUMED" {
				t.Errorf("%s came", p.raw)
			}
			c.nothingWithin(time.Second)
		}
	})
}

// Given a client that makes up a number, when it resumes from it, then it is
// closed with 4007 and the session is gone, also the connection it had.
//
// Statements: S-048.
func TestResumeFromTheFuture(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		c.seq = 3
		next := c.reconnectAndResume()
		next.closedWith(4007)
		c.closedWith(0)
		if sc.Sessions(sc.app) != 0 || sc.Online(sc.app) {
			t.Errorf("%d sessions are left", sc.Sessions(sc.app))
		}
		sc.violations("G-065")
	})
}

// Given a client that makes up a session, when it resumes it, then op 9 false
// answers and that is recorded.
//
// Statements: S-050.
func TestSessionThatNeverWas(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.connect("ws://resume.discord.sim" + query)
		c.op(10)
		c.resume("made up", 1)
		if p := c.next(); p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s came", p.raw)
		}
		sc.violations("G-065")
	})
}

// Given a session, when somebody resumes it with a token that is not its own,
// then op 9 false answers, or 4004 where that is configured, and the session
// is none the worse.
//
// Statements: S-051.
func TestResumeWithWrongToken(t *testing.T) {
	for _, is4004 := range []bool{false, true} {
		cfg := patient
		cfg.Session.WrongTokenIs4004 = is4004
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			other := sc.AddApp(AppConfig{})
			c := sc.identified(nil)
			for _, token := range []string{other.Token, "nonsense", ""} {
				thief := sc.connect(c.resumeURL + query)
				thief.op(10)
				thief.send(6, map[string]any{"token": token, "session_id": c.session, "seq": 1})
				if is4004 {
					thief.closedWith(4004)
				} else if p := thief.next(); p.Op != 9 || string(p.D) != "false" {
					t.Errorf("%s came", p.raw)
				}
			}
			if !sc.Attached(sc.app) {
				t.Error("the session is gone")
			}
			next := sc.connect(c.resumeURL + query)
			next.op(10)
			next.send(6, map[string]any{"token": "Bot " + sc.app.Token, "session_id": c.session, "seq": 1})
			next.event("RESUMED")
			sc.violations("G-065") // for the prefix
		})
	}
}

// Given a client that resumes on the base gateway, then it is served, but its
// connection is cut after a minute and the log marks it, unless the resume
// gateway could not be reached, in which case nobody is blamed.
//
// Statements: S-053.
func TestResumeOnBaseGateway(t *testing.T) {
	for _, cut := range []time.Duration{0, 10 * time.Second, -1} {
		cfg := patient
		cfg.Session.BaseResumeCut = cut
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			c.drop()
			next := c.reconnectAndResumeAt(inMemory)
			next.event("RESUMED")
			if log := sc.newest(); !log.Base || !log.BaseResume {
				t.Errorf("the log says %+v", log)
			}
			sc.violations("G-008")
			start := time.Now()
			if cut < 0 {
				next.nothingWithin(time.Hour)
				return
			}
			next.closedWith(0)
			if took, want := time.Since(start), max(cut, map[bool]time.Duration{true: time.Minute}[cut == 0]); took != want {
				t.Errorf("it was cut after %s, want %s", took, want)
			}
		})
	}
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		sc.inject(Fault{Name: "resume-dead", For: time.Second})
		c.reconnectAndResumeAt(inMemory).event("RESUMED")
		sc.violations()
	})
}

// Given a client that identifies on the resume gateway, then it is served and
// that is recorded, but not where op 9 had answered its RESUME there.
//
// Statements: S-053, S-050.
func TestIdentifyOnResumeGateway(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.connect("ws://resume.discord.sim" + query)
		c.op(10)
		c.send(2, sc.identifyData(nil))
		c.ready()
		sc.violations("G-009")
	})
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.inject(Fault{Name: "resume-op9-false"})
		c := sc.identified(nil)
		c.drop()
		next := c.reconnectAndResume()
		next.op(9)
		wait(5 * time.Second)
		next.send(2, sc.identifyData(nil))
		next.ready()
		sc.violations()
	})
}

// Given a long replay, when the connection drops in the middle of it, then the
// session lives, and the next RESUME goes on from where the client was.
//
// Statements: S-054.
func TestDropDuringReplay(t *testing.T) {
	cfg := patient
	cfg.LinkWindow = 4096
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.event("GUILD_CREATE")
		c.drop()
		for i := range 200 {
			sc.say(fmt.Sprint("message ", i))
		}
		got := []int64{}
		for try := 0; ; try++ {
			next := c.reconnectAndResume()
			for range 70 {
				p := next.next()
				if p.T == "RESUMED" {
					if len(got) != 200 || !slices.IsSorted(got) || try != 2 {
						t.Errorf("%d events after %d drops", len(got), try)
					}
					return
				}
				got = append(got, p.S)
			}
			seq := next.seq
			next.drop()
			c.seq = seq
		}
	})
}
