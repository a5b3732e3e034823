package app

import (
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/store"
)

// tells fails the test unless the newest incident has the cause and says so.
func (r *runningBot) tells(cause health.CauseID, says string) health.Incident {
	r.harness.T.Helper()
	list := r.Tracker().Incidents(1)
	if len(list) == 0 {
		r.harness.T.Fatalf("no incident tells of %s", cause)
	}
	if got := list[0].Sentence(time.Now(), time.UTC); list[0].Cause != cause || !strings.Contains(got, says) {
		r.harness.T.Errorf("%s: it says\n%s\nwant %s and in it\n%s", list[0].Cause, got, cause, says)
	}
	return list[0]
}

// becomes lets time pass in large steps until the bot has the status.
func (r *runningBot) becomes(status health.Status, most time.Duration) {
	r.harness.T.Helper()
	for began := time.Now(); r.Tracker().Snapshot().Status != status; time.Sleep(10 * time.Second) {
		if time.Since(began) > most {
			r.harness.T.Fatalf("not %s within %s: %s", status, most, r.Tracker().Snapshot().Sentence())
		}
	}
}

// Given a bot that is online, when a second program with another state folder
// starts with the same token, then the first is degraded at its next check, an
// incident and the log tell of it, and an hour after the last sign it is over.
func TestSecondProgramIsTold(t *testing.T) {
	run(t, nil, func(s *harness) {
		first := s.start(s.options()).online()
		time.Sleep(25 * time.Minute)
		if snap := first.Tracker().Snapshot(); snap.Status != health.Online {
			t.Fatalf("alone it is %s", snap.Sentence())
		}
		second := s.start(s.options()).online()
		first.becomes(health.Degraded, 11*time.Minute)
		snap := first.Tracker().Snapshot()
		if want := "connected and working, but another program uses the same token: Discord has counted 1 session start of the last day that this one did not make"; snap.Reason.String() != want || !snap.Connected || !strings.Contains(snap.Remedy.String(), "Stop the other") {
			t.Errorf("it is %s; %s", snap.Sentence(), snap.Remedy)
		}
		if !s.log.Has("Another program uses the same token") {
			t.Errorf("the log does not tell of it:\n%s", s.log)
		}
		second.stop(gateway.EndSession)
		first.becomes(health.Online, 62*time.Minute)
		for range 10 {
			time.Sleep(10 * time.Second)
			first.Tracker().Snapshot()
		}
		if i := first.tells(health.TwoInstances, "Mended; the bot was online all the while."); i.Duration(time.Now()) < 50*time.Minute || i.AtRisk(time.Now()) != 0 {
			t.Errorf("got %+v", i)
		}
		first.stop(gateway.EndSession)
	})
}

// Given another process that is known to have the lock, then the bot says who it
// is.
func TestKnownRivalIsNamed(t *testing.T) {
	run(t, nil, func(s *harness) {
		o := s.options()
		o.Conditions = func() []health.Condition {
			return []health.Condition{{Cause: health.TwoInstances, Trouble: "process 4711 runs this bot too", Since: time.Now()}}
		}
		r := s.start(o).online()
		if snap := r.Tracker().Snapshot(); snap.Status != health.Degraded || !strings.HasSuffix(snap.Reason.String(), ": process 4711 runs this bot too") {
			t.Errorf("it is %s", snap.Sentence())
		}
		r.stop(gateway.EndSession)
	})
}

// Given a host that stops the bot for ten minutes again and again, without a new
// version, then the third time is no longer called a planned stop.
func TestSleepingHostIsTold(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		for n := range 4 {
			r := s.start(f.kept(s.options())).online()
			time.Sleep(15 * time.Minute)
			switch n {
			case 0:
			case 3:
				r.tells(health.HostIdles, "the program was stopped for 10 min, as often before and without a new version: the host seems to put it to sleep. A new session was started")
			default:
				r.tells(health.PlannedStop, "the program was stopped as asked. A new session was started")
			}
			r.stop(gateway.KeepSession)
			f.shut(store.EndSessionKept)
			time.Sleep(10 * time.Minute)
		}
	})
}

// Given a deploy that stops the bot with a goodbye, then the next run tells that
// this turned the dot grey and cost a session start.
//
// Statements: G-089.
func TestDeployByGoodbyeIsTold(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		first := s.start(f.kept(s.options())).online()
		time.Sleep(5 * time.Minute)
		first.stop(gateway.EndSession)
		f.shut(store.EndSessionEnded)
		time.Sleep(3 * time.Second)
		second := s.start(f.kept(s.options())).online()
		i := second.tells(health.DeployGoodbye, "the program was stopped with a goodbye, and started again 3 s later. A new session was started; events in between were not delivered.")
		if now := time.Now(); i.ShownOffline(now) != i.Duration(now) {
			t.Errorf("grey for %s of %s", i.ShownOffline(now), i.Duration(now))
		}
		second.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
	})
}

// Given a program that is killed three times in a row, when its supervisor starts
// it again twice and then lets it be, then the next start says that the
// supervisor gave up.
func TestSupervisorThatGaveUpIsTold(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		for n := range 3 {
			r := s.start(f.kept(s.options())).online()
			time.Sleep(time.Minute)
			f.shut(store.EndNone)
			r.stop(gateway.KeepSession)
			if n < 2 {
				time.Sleep(2 * time.Second)
			}
		}
		time.Sleep(12 * time.Minute)
		r := s.start(f.kept(s.options())).online()
		i := r.tells(health.SupervisorGaveUp, "the program ended 3 times in a row and was started again each time, and after the last nobody did for 12 min")
		if i.Duration(time.Now()) < 12*time.Minute || i.Outcome != health.OutcomeNewSession {
			t.Errorf("got %+v", i)
		}
		r.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
	})
}
