package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
)

// Given a database that turns out to be damaged, or is deleted while it is in
// use, then a new one is begun at once and all that memory holds is written to
// it.
func TestNewDatabaseGetsWhatMemoryHolds(t *testing.T) {
	for name, strike := range map[string]func(*fakeDisk){
		"damaged": func(f *fakeDisk) { f.writeErr = errDamaged },
		"deleted": func(f *fakeDisk) { f.gone = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeDisk{}
				s := f.begin(t, nil)
				s.BeginRun()
				s.Sessions(intents).SessionStore(gateway.ShardID{ID: 0, Count: 2}).Save(session("a", 5))
				s.Sessions(intents).SessionStore(gateway.ShardID{ID: 1, Count: 2}).Save(session("b", 6))
				s.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: identify.Ready})
				s.Identifies().Put(identify.Entry{ID: 2, At: time.Now(), State: identify.Unsent})
				s.Journal().Write(health.Incident{ID: "i", Start: time.Now()})
				time.Sleep(time.Minute)
				synctest.Wait()
				before := len(f.all())
				f.set(strike)
				time.Sleep(DefaultAliveInterval + time.Millisecond)
				f.set(func(f *fakeDisk) { f.writeErr = nil })
				time.Sleep(lastRetry) // how often it was tried before depends on when it broke
				synctest.Wait()
				after := f.all()[before:]
				if len(after) == 0 {
					t.Fatal("nothing was written to the new database")
				}
				w := after[0]
				if len(w.sessions) != 2 || len(w.entries) != 1 || len(w.incidents) != 1 || w.run == nil {
					t.Errorf("the new database got %+v", w.batch)
				}
				if name == "damaged" && f.skipped == 0 {
					t.Error("the damaged file was not set aside")
				}
				shut(t, s)
			})
		})
	}
}

// Whatever befalls the disk and when, the last word on it is the last word that
// was said, and nothing that was not said was ever written.
//
// Statements: G-050, G-052.
func TestLastWordStands(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 7))
			f := &fakeDisk{}
			s := f.begin(t, nil)
			k := s.Sessions(intents).SessionStore(alone)
			said := map[gateway.Session]bool{}
			var newest gateway.Session
			id := 0
			for range 3000 {
				switch n := chance.IntN(100); {
				case n < 2:
					newest = gateway.Session{}
				case n < 4 || newest.ID == "":
					id++
					newest = session(fmt.Sprint("s", id), 1)
				default:
					newest.Seq++
				}
				said[newest] = true
				k.Save(newest)
				switch chance.IntN(200) {
				case 0:
					f.set(func(f *fakeDisk) { f.writeErr = errDisk })
				case 1:
					f.set(func(f *fakeDisk) { f.writeErr = errDamaged })
				case 2:
					f.set(func(f *fakeDisk) { f.openErr = errDisk })
				case 3, 4, 5:
					f.set(func(f *fakeDisk) { f.writeErr, f.openErr = nil, nil })
				}
				time.Sleep(time.Duration(chance.IntN(30)) * time.Millisecond)
			}
			f.set(func(f *fakeDisk) { f.writeErr, f.openErr = nil, nil })
			shut(t, s)
			for _, w := range f.all() {
				for _, row := range w.sessions {
					if !said[row.session] {
						t.Fatalf("seed %d: %+v was written and never said", seed, row.session)
					}
				}
			}
			if row, _ := f.last(t); row.session != newest {
				t.Errorf("seed %d: the disk has %+v, want %+v", seed, row.session, newest)
			}
		})
	}
}
