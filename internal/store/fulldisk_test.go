package store

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// Given a full disk, when sessions begin, go on and end meanwhile, then once there is room
// the disk has of each shard what was saved last, and a start or an end survives a power cut.
// Without the end a restart would resume a session that is dead.
//
// Statements: G-050, G-052.
func TestFullDiskForgetsNoEndOfASession(t *testing.T) {
	wantFull(t)
	end, a, later, b := gateway.Session{}, session("a", 7), session("a", 8), session("b", 1)
	quiet, busy := session("quiet", 3), session("busy", 1)
	for name, test := range map[string]struct {
		before gateway.Session // zero: none
		full   []gateway.Session
		want   gateway.Session
	}{
		"goes on":                  {a, []gateway.Session{later}, later},
		"begins":                   {end, []gateway.Session{a}, a},
		"ends":                     {a, []gateway.Session{end}, end},
		"goes on and ends":         {a, []gateway.Session{later, end}, end},
		"begins and ends":          {end, []gateway.Session{a, end}, end},
		"ends twice":               {a, []gateway.Session{end, end}, end},
		"ends and begins anew":     {a, []gateway.Session{end, b}, b},
		"is replaced":              {a, []gateway.Session{b}, b},
		"ends, begins and ends":    {a, []gateway.Session{end, b, end}, end},
		"ends, begins and goes on": {a, []gateway.Session{end, b, session("b", 2)}, session("b", 2)},
	} {
		for _, between := range []time.Duration{0, time.Minute} {
			t.Run(name+" within "+between.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fakeDisk{}
					s := f.begin(t, nil)
					shards := s.Sessions(intents)
					of := func(id int) gateway.SessionStore { return shards.SessionStore(gateway.ShardID{ID: id, Count: 3}) }
					one, two, three := of(0), of(1), of(2)
					one.Save(test.before)
					two.Save(quiet)
					three.Save(busy)
					time.Sleep(time.Minute)

					f.set(func(f *fakeDisk) { f.writeErr = errFull() })
					for _, now := range test.full {
						one.Save(now)
						busy.Seq++
						three.Save(busy)
						synctest.Wait() // it has been tried
						time.Sleep(between)
					}
					f.set(func(f *fakeDisk) { f.writeErr = nil })
					wrote := len(f.all())
					time.Sleep(lastRetry)
					synctest.Wait()

					want := map[gateway.ShardID]gateway.Session{{ID: 1, Count: 3}: quiet, {ID: 2, Count: 3}: busy}
					if test.want != end {
						want[gateway.ShardID{ID: 0, Count: 3}] = test.want
					}
					if got, _ := f.sessions(); !maps.Equal(got, want) {
						t.Errorf("the disk has %+v, want %+v", got, want)
					}
					startsOrEnds := func(now gateway.Session) bool { return now.ID != test.before.ID }
					if all := f.all(); len(all) == wrote || !all[wrote].durable && slices.ContainsFunc(test.full, startsOrEnds) {
						t.Error("what was written first would not survive a power cut")
					}
					if opens := f.opens; opens != 1 {
						t.Errorf("a database that is intact was opened %d times", opens)
					}
					shut(t, s)
					if got, _ := f.sessions(); !maps.Equal(got, want) {
						t.Errorf("after the stop the disk has %+v, want %+v", got, want)
					}
				})
			})
		}
	}
}

// Given a disk that is full until the process stops, then Close returns the error and does
// not wait for room; the log has said once why nothing is saved. If there is room by then,
// the end of the session is written, although the next try was not due.
func TestStopOnAFullDiskSaysWhatIsNotSaved(t *testing.T) {
	wantFull(t)
	for _, room := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{}
			l := newLogRecorder(t)
			s := f.begin(t, l)
			s.BeginRun()
			k := s.Sessions(intents).SessionStore(alone)
			k.Save(session("a", 7))
			time.Sleep(time.Minute)
			f.set(func(f *fakeDisk) { f.writeErr = errFull() })
			k.Save(gateway.Session{})
			s.EndRun(EndSessionEnded, "")
			time.Sleep(2 * time.Minute)
			wantIn(t, s.State().Reason, "the disk is full")
			f.set(func(f *fakeDisk) {
				if room {
					f.writeErr = nil
				}
			})
			began := time.Now()
			err := s.Close(t.Context())
			if waited := time.Since(began); waited != 0 {
				t.Errorf("the stop waited %s for room", waited)
			}
			kept, ended := f.sessions()
			if room && (err != nil || len(kept) != 0 || ended != 1) {
				t.Errorf("with room: %v, the disk has %+v", err, kept)
			}
			if !room && (!errors.Is(err, errFull()) || kept[withCount(alone)] != session("a", 7)) {
				t.Errorf("without room: %v, the disk has %+v", err, kept)
			}
			wantIn(t, l.await("nothing is saved"), "the disk is full")
			if line, again := l.said("nothing is saved"); again {
				t.Errorf("said again: %s", line)
			}
			if f.closes != 1 {
				t.Errorf("the database was closed %d times", f.closes)
			}
		})
	}
}
