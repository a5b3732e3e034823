package judge_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/judge"
)

// judgeSimple leads a simple client through the programme.
func judgeSimple(t *testing.T, bad habits, o judge.Options) (report judge.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Sim = discordsim.New(judge.Config(1))
		defer o.Sim.Close()
		o.App = o.Sim.AddApp(discordsim.AppConfig{Name: "simple"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			newClient(o.Sim, o.App.Token, bad).run(ctx)
		}()
		defer func() { cancel(); <-ended }()
		var err error
		if report, err = judge.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	return report
}

// Given a client that somebody wrote in an afternoon and that does nothing
// wrong, it has no violations.
func TestDecentClientIsNotAccused(t *testing.T) {
	report := judgeSimple(t, habits{}, judge.Options{Command: "!ping", Thorough: true})
	if report.Broken > 0 || report.Lost != "" {
		t.Errorf("%s", text(t, report))
	}
	if report.Kept < 70 {
		t.Errorf("only %d statements were kept:\n%s", report.Kept, text(t, report))
	}
}

// Given clients with one bad habit each, when they are judged, then the report
// names the statement the habit breaks, or notes it where Discord does not mind, and
// shows it.
func TestBadHabitsAreCaught(t *testing.T) {
	for _, c := range []struct {
		what   string
		bad    habits
		breaks []string
		notes  []string
	}{
		{"never asks for the address", habits{neverAsks: true}, nil, []string{"G-001"}},
		{"speaks before HELLO", habits{hastyHello: true}, []string{"G-014"}, nil},
		{"identifies twice", habits{twice: true}, []string{"G-037"}, nil},
		{"sends the token with its prefix", habits{prefix: true}, nil, []string{"G-033", "G-065"}},
		{"never resumes", habits{forgetful: true}, []string{"G-059", "G-060", "G-061", "G-075", "G-077", "G-081"}, []string{"G-010", "G-062", "G-078"}},
		{"closes with 1000 to begin a new session", habits{goodbye: true, forgetful: true}, []string{"G-024", "G-077"}, []string{"G-088"}},
		{"holds back its first heartbeat with its IDENTIFY", habits{holdsBack: true}, nil, []string{"G-016"}},
		{"resumes on the base address", habits{onBase: true}, []string{"G-008"}, nil},
		{"resumes from an old number", habits{stale: true}, []string{"G-065"}, nil},
		{"closes with 1000", habits{goodbye: true}, []string{"G-024", "G-077", "G-088"}, nil},
		{"ignores op 7", habits{deafTo7: true}, []string{"G-077"}, nil},
		{"does not wait after op 9", habits{hastyOn9: true}, nil, []string{"G-081"}},
		{"holds on to a session after op 9 false", habits{holdsOnOn9: true}, []string{"G-082"}, nil},
		{"sends heartbeats without a number", habits{nulls: true}, []string{"G-020"}, nil},
		{"hardly ever has jitter", habits{rareJitter: true}, []string{"G-016"}, nil},
		{"notices a dead link after three intervals", habits{slowToNotice: true}, []string{"G-024"}, nil},
		{"notices a dead link after a minute, as is in time at Discord", habits{ownPatience: true}, nil, []string{"G-024"}},
		{"waits for HELLO for a minute", habits{lateHello: true}, nil, []string{"G-015"}},
		{"stays when what comes makes no sense", habits{shrugs: true}, nil, []string{"G-118"}},
		{"asks for the address of the gateway alone", habits{asksGateway: true}, nil, []string{"G-001"}},
		{"has a User-Agent of the old form", habits{oldAgent: true}, nil, []string{"G-125"}},
		{"has no jitter", habits{noJitter: true}, []string{"G-016"}, nil},
		{"beats as it pleases", habits{fixed: true}, []string{"G-017", "G-018"}, nil},
		{"has two timers", habits{doubled: true}, []string{"G-017", "G-023", "G-030"}, nil},
		{"does not beat when asked", habits{mute: true}, []string{"G-021"}, nil},
		{"does not miss answers", habits{trusting: true}, []string{"G-024"}, nil},
		{"does not wait for READY", habits{impatient: true}, []string{"G-044"}, nil},
		{"waits for HELLO for ever", habits{patient: true}, []string{"G-015"}, nil},
		{"sends op 11", habits{op11: true}, []string{"G-022"}, nil},
		{"falls over what it does not know", habits{fragile: true}, []string{"G-109"}, nil},
		{"hammers", habits{hammers: true}, []string{"G-151", "G-152"}, nil},
		{"changes its presence all the time", habits{presences: true}, []string{"G-101"}, nil},
		{"sends opcodes nobody knows", habits{strange: true}, []string{"S-014"}, nil},
		{"has a User-Agent of its own", habits{bareAgent: true}, []string{"G-125"}, nil},
		{"answers webhooks", habits{answersAll: true}, nil, []string{"G-145", "G-147"}},
		{"answers twice", habits{answersAgain: true}, []string{"G-137"}, []string{"G-070"}},
		{"goes on after it was refused for good", habits{stubborn: true}, []string{"G-047", "G-064", "G-094"}, nil},
		{"keeps the number of an old session", habits{oldNumber: true}, []string{"G-019", "G-020"}, nil},
		{"takes its time", habits{slow: true}, nil, []string{"G-073", "G-074"}},
		{"does not beat before READY", habits{shy: true}, []string{"G-027"}, nil},
		{"never gives a session up", habits{clings: true, holdsOnOn9: true}, []string{"G-063"}, nil},
		{"waits for RESUMED for ever", habits{waits: true}, []string{"G-071"}, nil},
		{"identifies at the resume address", habits{wrongDoor: true}, []string{"G-009", "G-082"}, nil},
		{"speaks version 9", habits{oldVersion: true}, nil, []string{"G-006"}},
		{"reads a megabyte at most", habits{smallMouth: true}, []string{"G-112"}, nil},
		{"takes its time to read 20 MB", habits{ponders: true}, nil, nil},
		{"forgets the session when it cannot connect", habits{throwsAway: true}, nil, []string{"G-011", "G-012"}},
		{"does not space its IDENTIFYs", habits{hastyStart: true, hastyOn9: true}, []string{"G-038", "G-083"}, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := judge.Options{Command: "!ping", Thorough: c.bad.hammers || c.bad.clings || c.bad.waits}
			if !c.bad.smallMouth && !c.bad.ponders {
				o = o.Without("20 MB at once")
			}
			report := judgeSimple(t, c.bad, o)
			if want := min(1, len(c.breaks)); report.ExitCode() != want {
				t.Errorf("the exit code is %d, want %d:\n%s", report.ExitCode(), want, text(t, report))
			}
			var broken, noted []string
			for _, f := range report.Findings {
				if f.Verdict == judge.Noted {
					noted = append(noted, f.Statement)
				}
				if f.Verdict != judge.Broken {
					continue
				}
				broken = append(broken, f.Statement)
				if len(f.Evidence) == 0 || f.Evidence[0].What == "" {
					t.Errorf("%s is broken without evidence", f.Statement)
				}
			}
			t.Logf("broken: %s", strings.Join(broken, " "))
			for _, statement := range c.breaks {
				if !slices.Contains(broken, statement) {
					t.Errorf("%s was not found:\n%s", statement, text(t, report))
				}
			}
			for _, statement := range c.notes {
				if !slices.Contains(noted, statement) {
					t.Errorf("%s was not noted:\n%s", statement, text(t, report))
				}
			}
		})
	}
}

// Given a client that replies as most libraries do, so that the users it names are
// pinged, when it is judged, then that is noted, with what shows it, and nobody
// fails for it: Discord does not mind.
func TestAdviceFailsNobody(t *testing.T) {
	report := judgeSimple(t, habits{pingsAll: true}, judge.Options{Command: "!ping", Only: []string{"commands"}})
	if report.Broken > 0 || report.ExitCode() != 0 || report.Noted != 1 {
		t.Fatalf("%d broken, %d noted, exit code %d:\n%s", report.Broken, report.Noted, report.ExitCode(), text(t, report))
	}
	for _, f := range report.Findings {
		if noted := f.Verdict == judge.Noted; noted != (f.Statement == "G-138") || noted && len(f.Evidence) == 0 {
			t.Errorf("%s is %s, with %d pieces of evidence", f.Statement, f.Verdict, len(f.Evidence))
		}
	}
	if said := text(t, report); !strings.Contains(said, "\nNoted:\n  G-138  ") || !strings.Contains(said, ", noted 1, broken 0, ") {
		t.Errorf("the report does not tell it:\n%s", said)
	}
}

// Given a client that goes on on its connection after op 9, or one that waits for HELLO
// without end, then the programme goes on to its end, and the first is not accused.
func TestProgrammeGoesOnToItsEnd(t *testing.T) {
	report := judgeSimple(t, habits{reuses: true}, judge.Options{Command: "!ping"}.Without("20 MB at once"))
	if report.Broken > 0 || report.Lost != "" {
		t.Errorf("%s", text(t, report))
	}
	steps := 0
	report = judgeSimple(t, habits{waitsHello: true}, judge.Options{Tell: func(judge.Step, int, int) { steps++ }})
	if report.Lost != "" || steps < 30 {
		t.Errorf("lost in %q after %d steps", report.Lost, steps)
	}
	if f := finding(report, "G-015"); f.Verdict != judge.Broken {
		t.Errorf("G-015 is %s", f.Verdict)
	}
}

// Given a client that hangs, then it is told that it is gone, and the programme goes on to
// its end once it was started again; where nobody does that, the report says with which step
// it ended.
func TestGoneBotIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(judge.Config(1))
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{Name: "simple"})
		var stop func()
		start := func() {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				newClient(sim, app.Token, habits{hangs: true}).run(ctx)
			}()
			stop = func() { cancel(); <-ended }
		}
		start()
		defer func() { stop() }()
		var gone []string
		o := judge.Options{Sim: sim, App: app, Only: []string{"op 7 instead of HELLO", "no JSON"}, Gone: func(s judge.Step, within time.Duration) {
			gone = append(gone, s.Name)
			stop()
			start()
		}}
		report, err := judge.Run(t.Context(), o)
		if err != nil || report.Lost != "" || report.Played != 2 || !slices.Equal(gone, []string{"op 7 instead of HELLO"}) {
			t.Errorf("error %v, lost in %q after %d steps, gone in %q", err, report.Lost, report.Played, gone)
		}
		if f := finding(report, "G-078"); f.Verdict != judge.Broken || !strings.Contains(f.Evidence[0].What, "no connection followed") {
			t.Errorf("G-078 is %s: %v", f.Verdict, f.Evidence)
		}
		o.Gone = nil
		report, err = judge.Run(t.Context(), o)
		if err != nil || report.Lost != "op 7 instead of HELLO" || report.Played != 1 {
			t.Errorf("error %v, lost in %q after %d steps", err, report.Lost, report.Played)
		}
	})
}

// finding is the verdict on a statement.
func finding(r judge.Report, statement string) judge.Finding {
	i := slices.IndexFunc(r.Findings, func(f judge.Finding) bool { return f.Statement == statement })
	return r.Findings[i]
}

// Given a client that stays on connections that it should leave, then the programme does not
// wait for it for long, and what it does once they are cut is not its answer.
func TestStuckConnectionIsCut(t *testing.T) {
	report := judgeSimple(t, habits{trusting: true, shrugs: true, deafTo7: true}, judge.Options{Only: []string{"op 7", "unanswered heartbeats", "dead link", "no JSON"}})
	for _, statement := range []string{"G-024", "G-077"} {
		if f := finding(report, statement); f.Verdict != judge.Broken {
			t.Errorf("%s is %s: %v", statement, f.Verdict, f.Evidence)
		}
	}
	if f := finding(report, "G-118"); f.Verdict != judge.Noted {
		t.Errorf("G-118 is %s: %v", f.Verdict, f.Evidence)
	}
	if report.Lost != "" || report.Played != 4 || report.Took > 5*time.Minute {
		t.Errorf("lost in %q after %d steps and %s", report.Lost, report.Played, report.Took)
	}
}

// Given nobody, the judge says where a bot should come to, and what has come so
// far.
func TestNobodyComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(judge.Config(1))
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{})
		_, err := judge.Run(t.Context(), judge.Options{Sim: sim, App: app, Patience: time.Minute})
		if err == nil || !strings.Contains(err.Error(), "no bot was online within 1m0s: point it at http://discord.sim/api/v10") || !strings.Contains(err.Error(), "no gateway connection") {
			t.Errorf("the error is %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := judge.Run(ctx, judge.Options{Sim: sim, App: app}); err == nil || !strings.Contains(err.Error(), "broken off") {
			t.Errorf("the error is %v", err)
		}
		if _, err := judge.Run(t.Context(), judge.Options{}); err == nil {
			t.Error("it judged without a simulator")
		}
	})
}
