package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
)

// Given a thousand events a second for two minutes, then the disk gets at most
// fifty small commits a second, is waited for less than once a second, is never
// more than 20 ms behind, and never ahead.
//
// Statements: G-052.
func TestWriterKeepsUpWithoutWearingTheDiskOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		k := s.Sessions(intents).SessionStore(alone)
		began := time.Now()
		const lasting = 2 * time.Minute
		for seq := int64(1); time.Since(began) < lasting; seq++ {
			k.Save(session("a", seq))
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if row, _ := f.last(t); row.session.Seq > seq || row.session.Seq < seq-20 {
				t.Fatalf("event %d has been handled, the disk has %d", seq, row.session.Seq)
			}
		}
		syncs := 0
		for _, w := range f.all() {
			if w.durable {
				syncs++
			}
		}
		if n := len(f.all()); n > 50*int(lasting.Seconds())+10 {
			t.Errorf("%d writes in %v", n, lasting)
		}
		if syncs > int(lasting.Seconds())/2+2 || syncs < int(lasting.Seconds())/2-5 {
			t.Errorf("%d syncs in %v, want one every two seconds", syncs, lasting)
		}
		shut(t, s)
	})
}

// A single event is on the disk at once, and two seconds later it survives a
// power cut. A bot with nothing to do leaves a sign of life every five seconds,
// and the disk sleeps.
func TestQuietBotLetsTheDiskSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		k := s.Sessions(intents).SessionStore(alone)
		k.Save(session("a", 1))
		time.Sleep(10 * time.Second)
		at := time.Now()
		k.Save(session("a", 2))
		time.Sleep(writeInterval)
		synctest.Wait()
		if row, when := f.last(t); row.session.Seq != 2 || when.Sub(at) > writeInterval {
			t.Errorf("seq %d written after %v", row.session.Seq, when.Sub(at))
		}
		time.Sleep(syncAfter)
		synctest.Wait()
		all := f.all()
		if newest := all[len(all)-1]; !newest.durable {
			t.Error("two seconds later it would not survive a power cut")
		}

		before, began := len(all), time.Now()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		idle, syncs := f.all()[before:], 0
		for _, w := range idle {
			if w.durable {
				syncs++
			}
			if w.run == nil || len(w.sessions) != 1 || w.sessions[0].saved.Before(began) {
				t.Fatalf("a sign of life without run or session: %+v", w.batch)
			}
		}
		if n := len(idle); n < 100 || n > 145 {
			t.Errorf("%d signs of life in ten minutes", n)
		}
		if syncs > 22 {
			t.Errorf("the disk was waited for %d times in ten idle minutes", syncs)
		}
		shut(t, s)
	})
}

// The beginning and the end of a session do not wait for anything, and do not
// get lost in a power cut.
//
// Statements: G-050.
func TestSessionsBeginAndEndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		k := s.Sessions(intents).SessionStore(alone)
		for n, now := range []gateway.Session{session("a", 7), {}, session("b", 1), session("c", 1), {}} {
			k.Save(session("b", 0)) // whatever was before in these 20 ms
			k.Save(now)
			synctest.Wait()
			row, at := f.last(t)
			if row.session != now || !at.Equal(time.Now()) {
				t.Errorf("step %d: the disk has %+v", n, row.session)
			}
			if all := f.all(); !all[len(all)-1].durable {
				t.Errorf("step %d: it would not survive a power cut", n)
			}
		}
		shut(t, s)
	})
}

// Given a disk that fails, then no caller waits for it, the state says why, it is
// tried again at growing intervals, and when it is well, the newest of
// everything is there and nothing older.
func TestBrokenDiskCostsNothingAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		l := newLogRecorder(t)
		s := f.begin(t, l)
		s.BeginRun()
		k := s.Sessions(intents).SessionStore(alone)
		k.Save(session("a", 1))
		synctest.Wait()
		if state := s.State(); !state.OK {
			t.Fatalf("state %+v", state)
		}

		f.set(func(f *fakeDisk) { f.writeErr, f.openErr = errDisk, errDisk })
		broken := time.Now()
		account, journal := s.Identifies(), s.Journal()
		for n := range int64(600) {
			k.Save(session("a", 2+n))
			account.Put(identify.Entry{ID: n + 1, At: time.Now(), State: identify.Granted})
			journal.Write(health.Incident{ID: fmt.Sprint(n), Start: time.Now()})
			if n > 30 {
				if err := account.Commit(t.Context()); err == nil {
					t.Fatal("a commit succeeded without a disk")
				}
			}
			if n < 30 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		if waited := time.Since(broken); waited > 700*time.Millisecond {
			t.Errorf("a caller waited for the disk: %v", waited)
		}
		state := s.State()
		wantIn(t, state.Reason, "the disk is on fire")
		if state.OK || state.Since.Before(broken) {
			t.Errorf("state %+v", state)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if f.opens < 15 || f.opens > 35 {
			t.Errorf("tried %d times in ten minutes", f.opens)
		}

		f.set(func(f *fakeDisk) { f.writeErr, f.openErr = nil, nil })
		before := len(f.all())
		time.Sleep(lastRetry)
		synctest.Wait()
		if state := s.State(); !state.OK {
			t.Errorf("the disk is well, the state is %+v", state)
		}
		l.await("stays online")
		l.await("saved again")
		row, _ := f.last(t)
		if row.session != session("a", 601) || row.token != s.opts.Fingerprint.String() {
			t.Errorf("the disk has %+v", row)
		}
		entries, incidents := map[int64]bool{}, map[string]bool{}
		for _, w := range f.all()[before:] {
			for _, e := range w.entries {
				entries[e.ID] = true
			}
			for _, i := range w.incidents {
				incidents[i.ID] = true
			}
		}
		if len(entries) != 600 || len(incidents) != 600 {
			t.Errorf("%d of 600 entries and %d of 600 incidents are on the disk", len(entries), len(incidents))
		}
		shut(t, s)
	})
}

// Given a disk that never works, then what waits for it stays within bounds.
func TestWhatWaitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{openErr: errDisk}
		s := f.begin(t, nil)
		for n := range int64(3 * maxWaiting) {
			s.Identifies().Put(identify.Entry{ID: n, At: time.Now(), State: identify.Ready})
			s.Journal().Write(health.Incident{ID: fmt.Sprint(n), Start: time.Now().Add(time.Duration(n))})
		}
		if len(s.changedEntries) > maxWaiting || len(s.changedIncidents) > maxWaiting || len(s.ownIncidents) > maxWaiting+1 {
			t.Errorf("%d entries and %d incidents wait", len(s.changedEntries), len(s.changedIncidents))
		}
		if _, newest := s.changedEntries[3*maxWaiting-1]; !newest {
			t.Error("the newest entry gave way")
		}
		if err := s.Close(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("close: %v", err)
		}
	})
}

// Given a disk that does not answer at all, then every caller goes on, the state
// says so after five seconds, and the end of the process does not wait for it
// for longer than it is told to.
func TestHangingDiskDelaysNoCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		k := s.Sessions(intents).SessionStore(alone)
		hang := make(chan struct{})
		f.set(func(f *fakeDisk) { f.hang = hang })
		began := time.Now()
		for seq := range int64(1000) {
			k.Save(session("a", seq))
			s.Identifies().Put(identify.Entry{ID: seq})
			s.Journal().Write(health.Incident{ID: "x"})
			s.Journal().Recent(5)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("a caller waited for the disk: %v", d)
		}
		patience, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := s.Identifies().Commit(patience); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("commit: %v", err)
		}
		if state := s.State(); !state.OK {
			t.Errorf("within two seconds the state is %+v", state)
		}
		time.Sleep(hangAfter)
		wantIn(t, s.State().Reason, "has not answered for 7s")
		if err := s.Close(patience); err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		close(hang)
		shut(t, s)
		if row, _ := f.last(t); row.session.Seq != 999 {
			t.Errorf("in the end the disk has %+v", row.session)
		}
	})
}

// Given a disk that does not answer when the bot starts, then the start goes on
// after three seconds, and what the disk knew counts once it has been read.
func TestStartDoesNotWaitForAHangingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		f := &fakeDisk{hang: hang, image: contents{entries: []identify.Entry{{ID: 1, At: time.Now(), State: identify.Ready}}}}
		began := time.Now()
		s := f.begin(t, nil)
		if d := time.Since(began); d != DefaultOpenTimeout {
			t.Errorf("the start took %v", d)
		}
		if _, v := s.checkSession(alone, intents); v.reason != notRead {
			t.Errorf("check %v", v)
		}
		if _, err := s.Identifies().Entries(t.Context(), time.Time{}); err == nil {
			t.Error("an account that was never read came back")
		}
		s.Identifies().Put(identify.Entry{ID: 2, At: time.Now(), State: identify.Ready})
		close(hang)
		synctest.Wait()
		if entries, err := s.Identifies().Entries(t.Context(), time.Time{}); err != nil || len(entries) != 2 {
			t.Errorf("entries %v, %v", entries, err)
		}
		shut(t, s)
	})
}

// An entry that is committed is on the disk itself when Commit returns.
//
// Statements: G-040.
func TestCommitWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		e := identify.Entry{ID: 7, At: time.Now(), State: identify.Granted}
		s.Identifies().Put(e)
		if err := s.Identifies().Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		durable := false
		for _, w := range f.all() {
			for _, written := range w.entries {
				durable = durable || written.ID == 7 && w.durable
			}
		}
		all := f.all()
		if !durable && !all[len(all)-1].durable {
			t.Error("the entry would not survive a power cut")
		}
		f.set(func(f *fakeDisk) { f.writeErr = errDisk })
		if err := s.Identifies().Commit(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("commit on a broken disk: %v", err)
		}
		f.set(func(f *fakeDisk) { f.writeErr = nil })
		shut(t, s)
		if err := s.Identifies().Commit(t.Context()); err == nil {
			t.Error("a closed store committed")
		}
		s.Sessions(intents).SessionStore(alone).Save(session("late", 1)) // harmless
		s.Identifies().Put(e)
		s.Journal().Write(health.Incident{})
	})
}
