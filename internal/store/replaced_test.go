package store

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	machine "evergreen/internal/process/host"
)

// Given a database in whose place an older one is put, as from a backup, then all that
// memory holds is written to it: above all that a session and an alert are over.
//
// Statements: G-050.
func TestReplacedDatabaseLearnsWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		k := s.Sessions(intents).SessionStore(alone)
		k.Save(session("a", 1))
		s.Alerts().SaveActive(&alert.Active{Kind: alert.Offline, Thread: "t"})
		s.Limits().PutLimit(rest.Limit{Reason: rest.ReasonGlobal, At: time.Now(), Wait: time.Hour})
		s.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: identify.Ready})
		s.Journal().Write(health.Incident{ID: "i", Start: time.Now(), Outcome: health.OutcomeResumed})
		time.Sleep(time.Second)
		k.Save(gateway.Session{})
		s.Alerts().SaveActive(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		f.set(func(f *fakeDisk) { f.gone, f.writes = true, nil })
		time.Sleep(2 * DefaultAliveInterval)
		synctest.Wait()
		kept, ended := f.sessions()
		disk := f.left()
		if len(kept) != 0 || ended != 1 || disk.alert != "none" || disk.limits != 1 || disk.entries[1] != identify.Ready || disk.incidents["i"] != health.OutcomeResumed {
			t.Errorf("the disk has %+v, %d sessions ended, %+v", kept, ended, disk)
		}
		if first := f.all()[0]; first.run == nil || len(first.sessions) != 1 {
			t.Error("that is not in the first write")
		}
		if all := f.all(); len(all) > 1 && all[1].at.Equal(all[0].at) {
			t.Error("it is written twice")
		}
		shut(t, s)
	})
}

// Given a database that turns out to be damaged, then a new one takes its place in the same
// moment; if that one is damaged too, the next try waits.
func TestDamagedDatabaseIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		time.Sleep(time.Second)
		f.set(func(f *fakeDisk) { f.writeErr = errDamaged })
		s.Sessions(intents).SessionStore(alone).Save(session("a", 1))
		synctest.Wait()
		if f.skipped != 1 || f.opens != 2 {
			t.Errorf("opened %d times, %d of them anew", f.opens, f.skipped)
		}
		time.Sleep(2*firstRetry - time.Millisecond)
		synctest.Wait()
		if f.opens != 2 {
			t.Errorf("opened %d times", f.opens)
		}
		f.set(func(f *fakeDisk) { f.writeErr = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		if row, _ := f.last(t); row.session != session("a", 1) {
			t.Errorf("the disk has %+v", row)
		}
		shut(t, s)
	})
}

// Given samples of which nothing is lost, then they are written, however often that is
// asked.
func TestAskingWhetherSamplesAreLostLosesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.History().Append([]history.Record{minute(time.Now())})
		if s.History().Lost() {
			t.Error("nothing is lost")
		}
		shut(t, s)
		if n := len(f.left().samples); n != 1 {
			t.Errorf("%d samples are written", n)
		}
	})
}

// Given a clock that was set between two runs and a disk that fails at first, then the
// samples of the run before are moved once it works.
func TestSamplesAreMovedWhenTheDiskWorks(t *testing.T) {
	wantFull(t)
	for _, failure := range []error{errFull(), errDisk} {
		synctest.Test(t, func(t *testing.T) {
			saved := time.Now().Add(-2 * time.Hour)
			f := &fakeDisk{host: noHost(1), writeErr: failure, image: contents{
				runs:        []runRow{{Run: Run{Started: saved.Add(-time.Hour), Alive: saved}, boot: "a", uptime: time.Hour}},
				history:     []history.Record{{Kind: history.LevelRecord, At: saved}},
				lastHistory: 3,
			}}
			f.host.boot, f.host.uptime = "a", func() time.Duration { return time.Hour }
			s := f.begin(t, nil)
			time.Sleep(10 * time.Second)
			f.set(func(f *fakeDisk) { f.writeErr = nil })
			time.Sleep(lastRetry)
			synctest.Wait()
			moves := 0
			for _, w := range f.all() {
				if w.moved != nil && w.moved.by == 2*time.Hour && w.moved.last == 3 {
					moves++
				}
			}
			if moves != 1 {
				t.Errorf("after %v: moved %d times", failure, moves)
			}
			shut(t, s)
		})
	}
}

// The facts of this machine are those that the system tells, as far as it tells them.
func TestThisMachineIsRead(t *testing.T) {
	h := thisHost()
	if up, known := clock.SinceBoot(); (h.uptime() >= 0) != known || known && h.uptime() < up {
		t.Errorf("the uptime is %s, want %s", h.uptime(), up)
	}
	if slept, known := (machine.Machine{}).Slept(); (h.slept() >= 0) != known || known && h.slept() < slept {
		t.Errorf("the machine slept %s, want %s", h.slept(), slept)
	}
}

// Given more incidents than may wait, all of them written, when a new database takes the place
// of the old one, then it gets those that memory holds.
func TestNewDatabaseGetsTheNewestIncidents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		for n := range maxWaiting + 10 {
			s.Journal().Write(health.Incident{ID: fmt.Sprint(n), Start: time.Now().Add(time.Duration(n)), Outcome: health.OutcomeResumed})
			if n%1000 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Minute)
		f.set(func(f *fakeDisk) { f.gone, f.writes = true, nil })
		time.Sleep(time.Minute)
		shut(t, s)
		got := f.left().incidents
		if _, newest := got[fmt.Sprint(maxWaiting+9)]; len(got) != health.MemoryJournalSize || !newest {
			t.Errorf("the new database has %d incidents, the newest: %t", len(got), newest)
		}
	})
}

// Given a database that was deleted and then put back, before the history has asked, then the
// history still learns that what it has is to be written again.
func TestLostPastIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{image: contents{history: []history.Record{minute(time.Now())}, lastHistory: 1}}
		s := f.begin(t, nil)
		s.BeginRun()
		for _, there := range []contents{{}, f.image} {
			f.set(func(f *fakeDisk) { f.gone, f.image = true, there })
			time.Sleep(2 * DefaultAliveInterval)
		}
		if !s.History().Lost() {
			t.Error("nothing was lost")
		}
		shut(t, s)
	})
}
