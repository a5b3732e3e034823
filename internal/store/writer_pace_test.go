package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
)

// Given something that was written a moment ago, when a session ends, then that does not
// wait for the pace of the writer, also if an event came in between.
//
// Statements: G-050.
func TestEndOvertakesThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		k := s.Sessions(intents).SessionStore(alone)
		k.Save(session("a", 1))
		synctest.Wait()
		time.Sleep(time.Millisecond)
		k.Save(session("a", 2))
		synctest.Wait()
		if row, _ := f.last(t); row.session.Seq != 1 {
			t.Error("an event does not wait for the pace")
		}
		k.Save(gateway.Session{})
		synctest.Wait()
		if row, at := f.last(t); row.session.ID != "" || !at.Equal(time.Now()) {
			t.Errorf("the disk has %+v", row.session)
		}
		shut(t, s)
	})
}

// Given a store with nothing in it, then it never writes; one thing of any kind is written
// within the pace, the start and the end of a run at once.
func TestEachKindIsWrittenSoon(t *testing.T) {
	for name, test := range map[string]struct {
		tell func(*Store)
		soon time.Duration
	}{
		"entry":    {func(s *Store) { s.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: identify.Ready}) }, writeInterval},
		"incident": {func(s *Store) { s.Journal().Write(health.Incident{ID: "i", Start: time.Now()}) }, writeInterval},
		"samples":  {func(s *Store) { s.History().Append([]history.Record{minute(time.Now())}) }, writeInterval},
		"replaced": {func(s *Store) { s.History().Replace([]history.Record{minute(time.Now())}) }, writeInterval},
		"alert":    {func(s *Store) { s.Alerts().SaveActive(nil) }, 0},
		"limit": {func(s *Store) {
			s.Limits().PutLimit(rest.Limit{Reason: rest.ReasonGlobal, At: time.Now(), Wait: time.Hour})
		}, writeInterval},
		"no session": {func(s *Store) { s.Sessions(intents).SessionStore(alone).Save(gateway.Session{}) }, 0},
		"run":        {func(s *Store) { s.BeginRun() }, 0},
		"session":    {func(s *Store) { s.Sessions(intents).SessionStore(alone).Save(session("a", 1)) }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{}
			s := f.begin(t, nil)
			time.Sleep(time.Hour + time.Millisecond) // not at a sign of life
			synctest.Wait()
			if n := len(f.all()); n != 0 {
				t.Errorf("%s: %d writes of nothing", name, n)
			}
			test.tell(s)
			time.Sleep(test.soon)
			synctest.Wait()
			if n := len(f.all()); n != 1 {
				t.Errorf("%s: %d writes", name, n)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			rows := 0
			for _, w := range f.all() {
				rows += len(w.entries) + len(w.incidents) + len(w.history)
			}
			if rows > 1 {
				t.Errorf("%s: written %d times in a minute", name, rows)
			}
			if n := len(f.all()); n > 2 && name != "session" && name != "run" { // and the wait for the disk
				t.Errorf("%s: %d writes in a minute", name, n)
			}
			if name == "run" {
				time.Sleep(time.Second)
				s.EndRun(EndFailed, "")
				synctest.Wait()
				if all := f.all(); all[len(all)-1].run.how != EndFailed || !all[len(all)-1].durable {
					t.Error("the end of the run waits")
				}
			}
			shut(t, s)
		})
	}
}

// Given a limit of REST that is written, when it is taken back, then that is written too;
// a limit that never held is not.
func TestLimitThatIsTakenBackIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		limit := rest.Limit{Reason: rest.ReasonGlobal, Owner: "a", At: time.Now(), Wait: time.Hour}
		other := rest.Limit{Reason: rest.ReasonBucket, Route: "GET /x", At: time.Now()}
		s.Limits().PutLimit(other)
		time.Sleep(time.Second)
		if n := len(f.all()); n != 0 {
			t.Errorf("%d writes of a limit that never held", n)
		}
		s.Journal().Write(health.Incident{ID: "i", Start: time.Now()})
		time.Sleep(writeInterval)
		synctest.Wait()
		if w := f.all()[0]; w.limits != nil {
			t.Error("a limit that never held is written with others")
		}
		f.set(func(f *fakeDisk) { f.writes = nil })
		s.Limits().PutLimit(limit)
		s.Limits().PutLimit(other)
		time.Sleep(time.Second)
		if n := f.left().limits; n != 1 {
			t.Errorf("%d limits are written", n)
		}
		limit.Wait = 0
		s.Limits().PutLimit(limit)
		s.Limits().PutLimit(other)
		time.Sleep(time.Second)
		told := 0
		for _, w := range f.all() {
			if w.limits != nil {
				told++
			}
		}
		if n := f.left().limits; n != 0 || told != 2 {
			t.Errorf("%d limits are left after they were written %d times", n, told)
		}
		shut(t, s)
	})
}

// Given a bot that runs for three hours, then old rows are deleted once an hour, entries
// of session starts that count no more leave memory, and the file is looked for with each
// sign of life and not with each write.
func TestHousekeepingKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		s.Identifies().Put(identify.Entry{ID: 1, At: time.Now().Add(-47 * time.Hour), State: identify.Ready})
		s.Identifies().Put(identify.Entry{ID: 2, At: time.Now(), State: identify.Ready})
		k := s.Sessions(intents).SessionStore(alone)
		synctest.Wait()
		counts := func() (looks, tidied int) {
			f.set(func(f *fakeDisk) { looks, tidied = f.looks, f.tidied })
			return looks, tidied
		}
		before, _ := counts()
		for seq := range int64(60 * 20) {
			k.Save(session("a", seq+1))
			time.Sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		if looks, _ := counts(); looks-before < 12 || looks-before > 32 {
			t.Errorf("the file was looked for %d times in a minute", looks-before)
		}
		entries := func() (ids []int64) {
			list, err := s.Identifies().Entries(t.Context(), time.Time{})
			if err != nil {
				t.Error(err)
			}
			for _, e := range list {
				ids = append(ids, e.ID)
			}
			return ids
		}
		time.Sleep(58 * time.Minute)
		synctest.Wait()
		if _, tidied := counts(); tidied != 0 || len(entries()) != 2 {
			t.Errorf("within the first hour: deleted %d times, entries %v", tidied, entries())
		}
		time.Sleep(2*time.Hour + 5*time.Minute)
		synctest.Wait()
		if _, tidied := counts(); tidied != 3 || !slices.Equal(entries(), []int64{2}) {
			t.Errorf("after three hours: deleted %d times, entries %v", tidied, entries())
		}
		shut(t, s)
	})
}

// Given a busy bot whose database is deleted, then that is noticed within seconds, and a
// new one is begun.
func TestBusyBotNoticesThatItsDatabaseIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		k := s.Sessions(intents).SessionStore(alone)
		for seq := range int64(20 * 60) {
			if seq == 20*30 {
				f.set(func(f *fakeDisk) { f.gone = true })
			}
			k.Save(session("a", seq+1))
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
			if seq == 20*30+20*int64(DefaultAliveInterval/time.Second) && f.opens != 2 {
				t.Fatalf("%s later the database was opened %d times", DefaultAliveInterval, f.opens)
			}
		}
		shut(t, s)
	})
}

// Given a disk that works from the start, then the log does not say that it works again;
// after a failure it says so once, and a failure is told since when.
func TestLogSaysOnceThatTheDiskWorksAgain(t *testing.T) {
	wantFull(t)
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		l := newLogRecorder(t)
		s := f.begin(t, l)
		s.BeginRun()
		time.Sleep(time.Minute)
		if line, said := l.said("saved again"); said {
			t.Errorf("the log says %q", line)
		}
		if state := s.State(); !state.OK || state.Reason != "" {
			t.Errorf("the state is %+v", state)
		}
		began := time.Now()
		for _, failure := range []error{errFull(), errDisk} {
			f.set(func(f *fakeDisk) { f.writeErr = failure })
			time.Sleep(2 * lastRetry)
			if state := s.State(); state.OK || state.Since.Before(began) || state.Since.After(began.Add(DefaultAliveInterval)) {
				t.Errorf("the state is %+v", state)
			}
		}
		synctest.Wait()
		if f.skipped != 0 {
			t.Errorf("an intact database was set aside %d times", f.skipped)
		}
		wantIn(t, l.await("nothing is saved"), "the disk is full")
		wantIn(t, l.await("nothing is saved"), "on fire")
		began = time.Now()
		f.set(func(f *fakeDisk) { f.writeErr = nil })
		time.Sleep(5 * lastRetry)
		l.await("saved again")
		if line, again := l.said("saved"); again {
			t.Errorf("the log says %q too", line)
		}
		if state := s.State(); !state.OK || state.Since.Before(began) || state.Since.After(began.Add(lastRetry)) {
			t.Errorf("the state is %+v", state)
		}
		shut(t, s)
	})
}

// Given a write that hangs and then fails, then a Commit that came meanwhile fails with it,
// and one that comes while the disk fails does so at once.
//
// Statements: G-153.
func TestCommitFailsWithTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		hang := make(chan struct{})
		f.set(func(f *fakeDisk) { f.hang, f.writeErr = hang, errDisk })
		failed := make(chan error, 2)
		for range 2 {
			s.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: identify.Granted})
			go func() { failed <- s.Identifies().Commit(t.Context()) }()
			time.Sleep(100 * time.Millisecond) // the first is being written, the second waits
		}
		f.set(func(f *fakeDisk) { f.hang, f.openErr = nil, errDisk })
		close(hang)
		synctest.Wait()
		for range 2 {
			select {
			case err := <-failed:
				if !errors.Is(err, errDisk) {
					t.Errorf("got %v", err)
				}
			default:
				t.Error("a Commit still waits")
			}
		}
		time.Sleep(10 * time.Minute) // it is tried again and again
		began := time.Now()
		if err := s.Identifies().Commit(t.Context()); err == nil || time.Since(began) != 0 {
			t.Errorf("while the disk fails: %v after %s", err, time.Since(began))
		}
		f.set(func(f *fakeDisk) { f.openErr, f.writeErr = nil, nil })
		time.Sleep(lastRetry)
		if err := s.Identifies().Commit(t.Context()); err != nil {
			t.Error(err)
		}
		shut(t, s)
	})
}

// Given a database that is deleted and cannot be made anew, when the process stops, then
// Close says why; where it can, the new one gets everything in one write.
func TestStopAfterTheDatabaseIsGone(t *testing.T) {
	for _, again := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{}
			s := f.begin(t, nil)
			s.BeginRun()
			s.Sessions(intents).SessionStore(alone).Save(session("a", 1))
			time.Sleep(time.Second)
			f.set(func(f *fakeDisk) {
				if f.gone, f.writes = true, nil; !again {
					f.openErr = errDisk
				}
			})
			s.EndRun(EndSessionKept, "")
			err := s.Close(context.Background())
			if !again {
				if !errors.Is(err, errDisk) {
					t.Errorf("got %v", err)
				}
				return
			}
			if row, _ := f.last(t); err != nil || row.session != session("a", 1) || f.left().run != EndSessionKept {
				t.Errorf("%v, the disk has %+v, %+v", err, row.session, f.left())
			}
		})
	}
}

// Given samples that wait for a disk that fails, then the newest of them are kept, and no
// more than enough.
func TestSamplesThatWaitAreBounded(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{openErr: errDisk}
			s := f.begin(t, nil)
			list := make([]history.Record, maxSamples+1)
			for n := range list {
				list[n] = history.Record{Kind: history.LevelRecord, At: time.Now(), Shard: n}
			}
			if replaced {
				s.History().Replace(list)
			} else {
				s.History().Append(list[:maxSamples])
				s.mu.Lock()
				if n := len(s.newSamples); n != maxSamples {
					t.Errorf("%d of %d samples wait", n, maxSamples)
				}
				s.mu.Unlock()
				s.History().Append(list[maxSamples:])
			}
			f.set(func(f *fakeDisk) { f.openErr = nil })
			time.Sleep(lastRetry)
			synctest.Wait()
			got := f.left().samples
			if len(got) != enoughSamples || got[0] != maxSamples+1-enoughSamples || got[enoughSamples-1] != maxSamples {
				t.Errorf("%d samples are written", len(got))
			}
			shut(t, s)
		})
	}
}

// Given exactly as many entries and incidents as may wait, then all of them are written;
// of one more, the oldest give way.
func TestJustAsManyAsMayWaitAreWritten(t *testing.T) {
	for _, more := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{openErr: errDisk}
			s := f.begin(t, nil)
			for n := range maxWaiting + more {
				at := time.Now().Add(time.Duration(n))
				s.Identifies().Put(identify.Entry{ID: int64(n + 1), At: at, State: identify.Unsent})
				s.Journal().Write(health.Incident{ID: fmt.Sprint(n), Start: at})
			}
			want := []int{maxWaiting, enoughWaiting}[more]
			s.mu.Lock()
			if a, b := len(s.changedEntries), len(s.changedIncidents); a != want || b != want {
				t.Errorf("of %d there wait %d entries and %d incidents", maxWaiting+more, a, b)
			}
			s.mu.Unlock()
			_ = s.Close(context.Background()) // the disk fails
		})
	}
}

// Given something that was written at once, then the next sign of life comes an interval
// after it: the run and its sessions were in that write too.
func TestUrgentWriteIsASignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		synctest.Wait()
		time.Sleep(3 * time.Second)
		s.Alerts().SaveActive(nil)
		synctest.Wait()
		before := len(f.all())
		if urgent := f.all()[before-1]; urgent.run == nil {
			t.Error("the run was not in the write")
		}
		time.Sleep(DefaultAliveInterval - time.Millisecond)
		synctest.Wait()
		if n := len(f.all()) - before; n != 0 {
			t.Errorf("%d writes within the interval", n)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if n := len(f.all()) - before; n != 1 {
			t.Errorf("%d writes after it", n)
		}
		shut(t, s)
	})
}

// Given other writes in between, then a run gives a sign of life as often as without them.
func TestOtherWritesDelayNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		for range 120 {
			s.History().Append([]history.Record{minute(time.Now())})
			time.Sleep(time.Second)
		}
		last := f.all()[0].at
		for _, w := range f.all() {
			if w.run == nil {
				continue
			}
			if since := w.at.Sub(last); since > DefaultAliveInterval+time.Second {
				t.Fatalf("a sign of life came %s after the one before", since)
			}
			last = w.at
		}
		if since := time.Since(last); since > DefaultAliveInterval+time.Second {
			t.Errorf("the last sign of life came %s ago", since)
		}
		shut(t, s)
	})
}

// Given shards of which one is busy, then the sessions of the others are written with signs
// of life and not with each event.
func TestQuietSessionIsNotWrittenWithEachEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		shards := s.Sessions(intents)
		shards.SessionStore(gateway.ShardID{ID: 0, Count: 2}).Save(session("quiet", 1))
		busy := shards.SessionStore(gateway.ShardID{ID: 1, Count: 2})
		for seq := range int64(20 * 60) {
			busy.Save(session("busy", seq+1))
			time.Sleep(50 * time.Millisecond)
		}
		written := map[string]int{}
		for _, w := range f.all() {
			for _, row := range w.sessions {
				written[row.session.ID]++
			}
		}
		if written["busy"] < 1000 || written["quiet"] < 12 || written["quiet"] > 50 {
			t.Errorf("in a minute the sessions were written %v times", written)
		}
		shut(t, s)
	})
}

// Given a write that fails and need not survive a power cut, then the next try does not wait
// for the disk itself either.
func TestNextTryWaitsForTheDiskOnlyIfTheFirstDid(t *testing.T) {
	wantFull(t)
	for _, urgent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{}
			s := f.begin(t, nil)
			k := s.Sessions(intents).SessionStore(alone)
			k.Save(session("a", 1))
			time.Sleep(time.Second)
			f.set(func(f *fakeDisk) { f.writeErr = errFull() })
			if k.Save(session("a", 2)); urgent {
				k.Save(session("b", 1))
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			wrote := len(f.all())
			f.set(func(f *fakeDisk) { f.writeErr = nil })
			time.Sleep(firstRetry)
			synctest.Wait()
			if all := f.all(); len(all) != wrote+1 || all[wrote].durable != urgent {
				t.Errorf("urgent: %t, %d writes, the first is durable: %t", urgent, len(all)-wrote, all[wrote].durable)
			}
			shut(t, s)
		})
	}
}

// Given a database that is deleted, when the process stops, then the new one survives a power
// cut.
func TestStopWaitsForTheDiskOfANewDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		s.Sessions(intents).SessionStore(alone).Save(session("a", 1))
		time.Sleep(time.Minute)
		f.set(func(f *fakeDisk) { f.gone, f.writes = true, nil })
		shut(t, s)
		if all := f.all(); len(all) == 0 || !all[len(all)-1].durable || len(all[len(all)-1].sessions) != 1 {
			t.Errorf("the new database got %d writes", len(all))
		}
	})
}

// Given a limit that is taken back while the disk fails for some time, then the disk learns
// that it is over.
func TestLimitThatIsTakenBackIsForgottenOnceTheDiskWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		limit := rest.Limit{Reason: rest.ReasonGlobal, At: time.Now(), Wait: time.Hour}
		s.Limits().PutLimit(limit)
		time.Sleep(time.Second)
		f.set(func(f *fakeDisk) { f.writeErr = errDisk })
		limit.Wait = 0
		s.Limits().PutLimit(limit)
		time.Sleep(time.Minute)
		f.set(func(f *fakeDisk) { f.writeErr = nil })
		time.Sleep(lastRetry)
		synctest.Wait()
		if n := f.left().limits; n != 0 {
			t.Errorf("the disk has %d limits", n)
		}
		shut(t, s)
	})
}

// Given a store with nothing in it, when something urgent turns out to be nothing, and when it
// is closed, then nothing is written.
func TestNothingIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.EndRun(EndFailed, "") // of a run that has not begun
		time.Sleep(time.Minute)
		shut(t, s)
		if n := len(f.all()); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}
