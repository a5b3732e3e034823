package store

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// Given sessions of one shard under several numbers of shards, then that of the right
// number is found, in whatever order they were read.
//
// Statements: G-054.
func TestSessionOfTheRightNumberIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows := []sessionRow{savedRow(0, 4, intents, 0), savedRow(0, 2, intents, 0), savedRow(0, 8, intents, 0)}
		rows[1].session.Seq = 7
		for range 2 {
			s := (&fakeDisk{image: contents{sessions: rows}}).begin(t, nil)
			if got, check := s.checkSession(gateway.ShardID{ID: 0, Count: 2}, intents); got.Seq != 7 {
				t.Errorf("%+v, %v", got, check)
			}
			if _, check := s.checkSession(gateway.ShardID{ID: 0, Count: 3}, intents); check.reason != otherShards {
				t.Errorf("of another number: %v", check)
			}
			shut(t, s)
			slices.Reverse(rows)
		}
	})
}

// Given session starts that were put in any order, then they are told the oldest first.
func TestSessionStartsAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&fakeDisk{}).begin(t, nil)
		for n := range int64(50) {
			s.Identifies().Put(identify.Entry{ID: n, At: time.Now().Add(time.Duration(n*37%50) * time.Second), State: identify.Ready})
		}
		got, err := s.Identifies().Entries(t.Context(), time.Time{})
		if err != nil || len(got) != 50 || !slices.IsSortedFunc(got, func(a, b identify.Entry) int { return a.At.Compare(b.At) }) {
			t.Errorf("%d entries, %v", len(got), err)
		}
		shut(t, s)
	})
}

// Given a disk that fails in the middle of a large write, then what was told meanwhile and
// what could not be written stay within bounds together.
func TestFailedWriteStaysWithinBounds(t *testing.T) {
	wantFull(t)
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		put := func(from, to int) {
			for n := from; n < to; n++ {
				s.Identifies().Put(identify.Entry{ID: int64(n), At: time.Now(), State: identify.Unsent})
			}
		}
		samples := func(many int) { s.History().Append(make([]history.Record, many)) }
		hang := make(chan struct{})
		f.set(func(f *fakeDisk) { f.hang, f.writeErr = hang, errFull() })
		put(0, maxWaiting)
		samples(maxSamples)
		time.Sleep(writeInterval)
		synctest.Wait() // the write hangs
		put(maxWaiting, maxWaiting+10)
		samples(10)
		f.set(func(f *fakeDisk) { f.hang = nil })
		close(hang)
		synctest.Wait()
		s.mu.Lock()
		entries, waiting := len(s.changedEntries), len(s.newSamples)
		_, newest := s.changedEntries[maxWaiting+9]
		s.mu.Unlock()
		if entries != enoughWaiting || !newest || waiting != enoughSamples {
			t.Errorf("%d entries and %d samples wait", entries, waiting)
		}
		put(maxWaiting+10, 2*maxWaiting)
		s.mu.Lock()
		if n := len(s.changedEntries); n > maxWaiting {
			t.Errorf("%d entries wait", n)
		}
		s.mu.Unlock()
		f.set(func(f *fakeDisk) { f.writeErr = nil })
		shut(t, s)
	})
}

// Given what is worth it, then it survives a power cut two seconds later; samples and
// limits wait for the next sign of life that does.
//
// Statements: G-052.
func TestWhatIsWorthASyncGetsItSoon(t *testing.T) {
	for name, test := range map[string]struct {
		tell  func(*Store)
		worth bool
	}{
		"event":    {func(s *Store) { s.sessionStores[withCount(alone)].Save(session("a", 2)) }, true},
		"entry":    {func(s *Store) { s.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: identify.Ready}) }, true},
		"incident": {func(s *Store) { s.Journal().Write(health.Incident{ID: "i", Start: time.Now()}) }, true},
		"samples":  {func(s *Store) { s.History().Append([]history.Record{minute(time.Now())}) }, false},
		"limit": {func(s *Store) {
			s.Limits().PutLimit(rest.Limit{Reason: rest.ReasonGlobal, At: time.Now(), Wait: time.Hour})
		}, false},
	} {
		soon := func(t *testing.T, run bool) {
			f := &fakeDisk{}
			s := f.begin(t, nil)
			if run { // else there may be nothing to write with the wait for the disk
				s.BeginRun()
			}
			if name == "event" {
				s.Sessions(intents).SessionStore(alone).Save(session("a", 1))
			}
			time.Sleep(time.Minute + time.Millisecond)
			synctest.Wait()
			durable := func() (n int) {
				for _, w := range f.all() {
					if w.durable {
						n++
					}
				}
				return n
			}
			test.tell(s)
			time.Sleep(writeInterval)
			synctest.Wait()
			before := durable()
			time.Sleep(syncAfter)
			synctest.Wait()
			if got := durable() > before; got != test.worth {
				t.Errorf("%s: two seconds later %d syncs, %d before", name, durable(), before)
			}
			time.Sleep(idleSync)
			synctest.Wait()
			if durable() == before {
				t.Errorf("%s: never synced", name)
			}
			shut(t, s)
		}
		synctest.Test(t, func(t *testing.T) { soon(t, true) })
		synctest.Test(t, func(t *testing.T) { soon(t, false) })
	}
}

// Given runs before this one, then those that began within the hour are counted, and none
// that begins in the future.
func TestStartsOfTheHourAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		began := func(ago time.Duration, how End) runRow {
			return runRow{Run: Run{Started: now.Add(-ago), Alive: now.Add(-ago), Ended: now.Add(time.Minute - ago)}, how: how}
		}
		f := &fakeDisk{image: contents{runs: []runRow{
			began(0, EndFailed), began(time.Minute, EndFailed), began(time.Hour, EndSessionEnded), began(-time.Hour, EndFailed), began(59*time.Minute, EndFailed),
		}}}
		s := f.begin(t, nil)
		if p := s.BeginRun(); p.Starts != 3 || p.BadRow != 2 || !p.LastAlive().Equal(now.Add(time.Minute)) {
			t.Errorf("%+v", p)
		}
		shut(t, s)
	})
}

// Counters that could not be read then, or stand at zero, tell apart what they can.
func TestKillsForMemoryNeedACounter(t *testing.T) {
	for _, test := range []struct {
		name     string
		run, now oomCount
		boot     string
		want     End
	}{
		{"the first of its cgroup", oomCount{"/bot", 0, -1}, oomCount{"/bot", 1, -1}, "b", EndOutOfMemory},
		{"not known then", oomCount{"/bot", -1, -1}, oomCount{"/bot", 0, 0}, "b", EndKilled},
		{"the first of the machine", oomCount{"", -1, 0}, oomCount{"", -1, 1}, "b", EndOutOfMemory},
		{"of a machine whose boot is not known", oomCount{"", -1, 0}, oomCount{"", -1, 1}, "", EndKilled},
		{"fewer than then", oomCount{"/bot", 2, 5}, oomCount{"/bot", 1, 4}, "b", EndKilled},
	} {
		if got := (runRow{boot: test.boot, oom: test.run}).inferEnd(test.boot, test.now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// Given a run that goes on or did not say how it ended, then status and doctor infer the
// end, and tell the one that was said.
func TestLookTellsHowTheRunEnded(t *testing.T) {
	for _, how := range []End{EndNone, EndFailed} {
		dir := quick(t)
		d, _ := opened(t, dir)
		r := everything().run
		r.how, r.boot, r.oom = how, thisHost().boot, oomCount{ofCgroup: -1, ofHost: -1}
		if err := d.write(&batch{run: r}); err != nil {
			t.Fatal(err)
		}
		want := how
		if how == EndNone {
			want = EndKilled
		}
		if g, err := Inspect(t.Context(), dir, tokenlock.FingerprintOf(token)); err != nil || g.Runs != 1 || g.End != want {
			t.Errorf("%+v, %v", g, err)
		}
	}
}
