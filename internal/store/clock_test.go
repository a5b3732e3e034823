package store

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// Given two runs within one boot of the machine and a clock that was set in between, then
// what the first has left is as old as the machine's uptime says, whatever the clock says.
func TestClockSetBetweenTwoRunsIsCorrected(t *testing.T) {
	const passed = 30 * time.Second
	for name, test := range map[string]struct {
		set     time.Duration
		boot    string
		resumes bool
		age     time.Duration
	}{
		"not set":               {0, "a", true, passed},
		"forward":               {2 * time.Hour, "a", true, passed},
		"back":                  {-2 * time.Hour, "a", true, passed},
		"from 1970":             {56 * 365 * day, "a", true, passed},
		"forward, another boot": {2 * time.Hour, "b", false, 2*time.Hour + passed},
		"back, another boot":    {-2 * time.Hour, "b", true, -2*time.Hour + passed},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now().Round(0)
			token := tokenlock.FingerprintOf(token)
			saved := now.Add(-passed - test.set)
			s := newStore(Options{Fingerprint: token}, "", hostInfo{
				boot: test.boot, uptime: func() time.Duration { return time.Hour + passed },
				slept: func() time.Duration { return 0 }, oom: func() oomCount { return oomCount{} },
			})
			s.load(&contents{
				runs:     []runRow{{Run: Run{Started: saved.Add(-time.Hour), Alive: saved}, boot: "a", uptime: time.Hour, ordinal: 4}},
				sessions: []sessionRow{{shard: gateway.ShardID{Count: 1}, session: gateway.Session{ID: "a", ResumeURL: "wss://a.example", Seq: 1}, version: apiVersion, token: token.String(), saved: saved}},
				entries:  []identify.Entry{{ID: 1, At: saved, State: identify.Ready}},
				history: []history.Record{
					{Kind: history.LevelRecord, At: saved.Add(-48 * time.Hour), Level: history.Offline},
					{Kind: history.LevelRecord, At: saved, Level: history.Online},
				},
				incidents: []health.Incident{{ID: "i", Start: saved, Detected: saved, End: saved, Outcome: health.OutcomeResumed}},
			})
			near := func(what string, at time.Time) {
				if age := now.Sub(at); age < test.age-time.Second || age > test.age+time.Second {
					t.Errorf("%s is %s old, want %s", what, age, test.age)
				}
			}
			near("the newest sample", s.samples[1].At)
			near("the incident", s.Journal().Recent(1)[0].Start)
			near("the session start", s.entries[1].At)
			if !s.samples[0].At.Equal(saved.Add(-48 * time.Hour)) {
				t.Errorf("the sample of an earlier run was moved to %s", s.samples[0].At)
			}
			if _, check := s.checkSession(gateway.ShardID{}, 0); (check.reason == notDropped) != test.resumes {
				t.Errorf("resumes: %v", check)
			}
			p := s.BeginRun()
			near("the last sign of life", p.LastAlive())
			if s.run.ordinal != 5 || s.run.uptime != time.Hour+passed {
				t.Errorf("the run is %+v", s.run)
			}
		})
	}
}

// Given a run whose clock was years ahead, when the next one begins with the right
// clock, then that comes after it all the same.
func TestRunsKeepTheirOrder(t *testing.T) {
	dir := t.TempDir()
	for n := range 3 {
		s, err := Open(t.Context(), Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token), Version: string(rune('a' + n))})
		if err != nil {
			t.Fatal(err)
		}
		p := s.BeginRun()
		if n > 0 && p.Version != string(rune('a'+n-1)) {
			t.Errorf("the run before %c is %q", 'a'+n, p.Version)
		}
		s.mu.Lock()
		if n == 0 {
			s.run.Started = s.run.Started.AddDate(10, 0, 0)
		}
		s.mu.Unlock()
		s.EndRun(EndSessionKept, "")
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// settableClock returns a clock of a test, and by how many nanoseconds it is set.
func settableClock() (set *atomic.Int64, c *clock.Clock) {
	set = &atomic.Int64{}
	return set, clock.New(clock.Source{
		Wall:  func() time.Time { return time.Now().Add(time.Duration(set.Load())) },
		Slept: func() (time.Duration, bool) { return 0, true },
	})
}

// Given a clock that goes ahead by ten years, then nothing is deleted for a day; a clock
// that is right again by then has cost nothing.
func TestNothingIsDeletedOverAClockThatJumped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, settable := settableClock()
		f := &fakeDisk{clock: settable}
		s := f.begin(t, nil)
		s.BeginRun()
		deleted := func(after time.Duration) (times int) {
			time.Sleep(after)
			synctest.Wait()
			f.set(func(f *fakeDisk) { times = f.tidied })
			return times
		}
		before := deleted(90 * time.Minute)
		if before != 1 {
			t.Errorf("old rows were deleted %d times before", before)
		}
		set.Store(int64(10 * 365 * day))
		if n := deleted(24*time.Hour) - before; n != 0 {
			t.Errorf("old rows are deleted too soon, %d times", n)
		}
		if n := deleted(2*time.Hour) - before; n != 2 {
			t.Errorf("then old rows are deleted %d times", n)
		}
		set.Add(int64(time.Hour)) // no day
		if n := deleted(time.Hour) - before; n != 3 {
			t.Errorf("after an hour that the clock went ahead, old rows are deleted %d times", n)
		}
		shut(t, s)
	})
}

// Given records of an earlier run and of this one, when this run gives its own anew, then
// the next one finds those in place of the old.
func TestReplacedSamplesTakeThePlaceOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	at := time.Now().Round(0).Add(-time.Hour)
	record := func(minutes int) history.Record {
		return history.Record{Kind: history.LevelRecord, At: at.Add(time.Duration(minutes) * time.Minute), Level: history.Online}
	}
	run := func(what func(history.Storage)) (read []history.Record) {
		s, err := Open(t.Context(), Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close(context.Background()) }()
		s.BeginRun()
		read, err = s.History().Load(at.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		what(s.History())
		return read
	}
	run(func(s history.Storage) { s.Append([]history.Record{record(1), record(2)}) })
	run(func(s history.Storage) {
		s.Append([]history.Record{record(3)})
		s.Replace([]history.Record{record(4)})
		s.Append([]history.Record{record(5)})
	})
	got := run(func(history.Storage) {})
	if len(got) != 4 {
		t.Fatalf("read %v", got)
	}
	for n, minute := range []int{1, 2, 4, 5} {
		if !got[n].At.Equal(record(minute).At) {
			t.Errorf("record %d is of %s", n, got[n].At)
		}
	}
}
