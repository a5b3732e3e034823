package store

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// Given a disk that answers only after the start, when things are told before it has been
// read, then what was told counts, what the disk had comes before it, and both are on the
// disk.
func TestWhatIsToldBeforeTheDiskAnswersCounts(t *testing.T) {
	for _, alertToo := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			limit := func(route string, wait time.Duration) rest.Limit {
				return rest.Limit{Reason: rest.ReasonBucket, Route: route, At: now, Wait: wait}
			}
			hang := make(chan struct{})
			f := &fakeDisk{hang: hang, image: contents{
				entries:   []identify.Entry{{ID: 1, At: now, State: identify.Granted}, {ID: 2, At: now, State: identify.Ready}},
				incidents: []health.Incident{{ID: "old", Start: now.Add(-time.Hour), End: now, Outcome: health.OutcomeResumed}},
				runs:      []runRow{{Run: Run{Started: now.Add(-time.Hour), Alive: now.Add(-time.Minute)}, ordinal: 7}},
				limits:    []rest.Limit{limit("GET /a", time.Hour), limit("GET /b", time.Hour)},
				alert:     &alert.Active{Kind: alert.Offline, Thread: "old"},
			}}
			s := f.begin(t, nil)
			s.BeginRun()
			s.Identifies().Put(identify.Entry{ID: 1, At: now, State: identify.Ended})
			s.Journal().Write(health.Incident{ID: "mine", Start: now})
			s.Limits().PutLimit(limit("GET /a", 2*time.Hour))
			if alertToo {
				s.Alerts().SaveActive(&alert.Active{Kind: alert.Offline, Thread: "mine"})
			}
			close(hang)
			time.Sleep(time.Second)
			synctest.Wait()
			entries, err := s.Identifies().Entries(t.Context(), time.Time{})
			if err != nil || len(entries) != 2 || entries[0].State == identify.Granted || entries[1].State == identify.Granted {
				t.Errorf("the entries are %+v, %v", entries, err)
			}
			if got := s.Journal().Recent(5); len(got) != 2 || got[0].ID != "mine" || got[1].ID != "old" {
				t.Errorf("the incidents are %+v", got)
			}
			limits := s.Limits().Limits()
			if len(limits) != 2 || limits[0].Route != "GET /a" || limits[0].Wait != 2*time.Hour {
				t.Errorf("the limits are %+v", limits)
			}
			want := map[bool]string{false: "old", true: "mine"}[alertToo]
			if got := s.Alerts().LoadActive(); got == nil || got.Thread != want {
				t.Errorf("the alert is %+v", got)
			}
			disk := f.left()
			if disk.entries[1] != identify.Ended || disk.limits != 2 || disk.alert != want {
				t.Errorf("the disk has %+v", disk)
			}
			if _, there := disk.incidents["mine"]; !there {
				t.Error("the incident is not on the disk")
			}
			all := f.all()
			if run := all[len(all)-1].run; run == nil || run.ordinal != 8 {
				t.Errorf("the run is %+v", run)
			}
			shut(t, s)
		})
	}
}

// Given a run that was killed, then it was last alive when it last saved a session, if
// that was later than its last sign of life and not in the future.
func TestRunWasAliveWhenItLastSavedASession(t *testing.T) {
	for _, test := range []struct{ alive, saved, want time.Duration }{
		{time.Minute, 2 * time.Minute, time.Minute},
		{2 * time.Minute, time.Minute, time.Minute},
		{time.Minute, -time.Hour, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			f := &fakeDisk{image: contents{
				runs:     []runRow{{Run: Run{Started: now.Add(-time.Hour), Alive: now.Add(-test.alive)}}},
				sessions: []sessionRow{savedRow(0, 1, intents, test.saved)},
			}}
			s := f.begin(t, nil)
			if got := now.Sub(s.BeginRun().LastAlive()); got != test.want {
				t.Errorf("alive %s ago and saved %s ago: last alive %s ago", test.alive, test.saved, got)
			}
			shut(t, s)
		})
	}
}

// Given what is told of a database when it is opened, then the log says it, and again
// only when it changes.
func TestLogTellsOfTheDatabaseOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{image: contents{lacks: "no memory is shared"}}
		l := newLogRecorder(t)
		s := f.begin(t, l)
		s.BeginRun()
		l.await("no memory is shared")
		reopen := func() {
			f.set(func(f *fakeDisk) { f.gone = true })
			time.Sleep(2 * DefaultAliveInterval)
		}
		reopen()
		if line, again := l.said("lacks what a local disk has"); again {
			t.Errorf("said again: %s", line)
		}
		f.set(func(f *fakeDisk) { f.image.lacks = "" })
		reopen()
		if line, again := l.said("lacks what a local disk has"); again {
			t.Errorf("said of nothing: %s", line)
		}
		f.set(func(f *fakeDisk) { f.image.lacks = "nothing waits for the disk" })
		reopen()
		wantIn(t, l.await("lacks what a local disk has"), "nothing waits for the disk")
		for _, odd := range []string{"cannot be read", "was damaged"} {
			if line, said := l.said(odd); said {
				t.Errorf("the log says %q", line)
			}
		}
		shut(t, s)
	})
}

// Given a database that is opened anew, then what it holds does not take the place of what
// is known, and the past is lost only if it is not in there.
func TestSecondLookChangesNothing(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeDisk{image: contents{history: []history.Record{minute(time.Now())}, lastHistory: 9}}
			s := f.begin(t, nil)
			s.BeginRun()
			f.set(func(f *fakeDisk) {
				f.gone, f.image.sessions = true, []sessionRow{savedRow(0, 1, intents, 0)}
				f.image.entries = []identify.Entry{{ID: 5, At: time.Now(), State: identify.Ready}}
				if lost {
					f.image.history = nil
				}
			})
			time.Sleep(time.Minute)
			if _, check := s.checkSession(alone, intents); check.reason != noneSaved {
				t.Errorf("a session was found: %v", check)
			}
			if entries, err := s.Identifies().Entries(t.Context(), time.Time{}); err != nil || len(entries) != 0 {
				t.Errorf("the entries are %v, %v", entries, err)
			}
			if got := s.History().Lost(); got != lost {
				t.Errorf("the past is lost: %t", got)
			}
			s.History().Replace([]history.Record{minute(time.Now())})
			time.Sleep(time.Second)
			all := f.all()
			want := int64(9)
			if lost {
				want = 0
			}
			if got := all[len(all)-1].replaced; got == nil || *got != want {
				t.Errorf("records are taken back from %v, want %d", got, want)
			}
			shut(t, s)
		})
	}
}

// Given a clock that was set between two runs, then what is corrected is on the disk, the
// log says by how much, and nothing is corrected where the uptime is not known.
func TestCorrectedTimesAreWritten(t *testing.T) {
	const passed = 30 * time.Second
	for _, test := range []struct {
		set  time.Duration
		says string        // empty: nothing is corrected
		lost bool          // the uptime of the run before
		boot string        // of both runs
		up   time.Duration // of the machine now
	}{
		{set: 2 * time.Hour, says: "forward", boot: "a", up: time.Hour + passed}, {set: -2 * time.Hour, says: "back", boot: "a", up: time.Hour + passed},
		{set: 0, boot: "a", up: time.Hour + passed}, {set: 2 * time.Hour, lost: true, boot: "a", up: time.Hour + passed},
		{set: 2 * time.Hour, up: time.Hour + passed}, // which boot is not known
		{set: 2 * time.Hour, boot: "a", up: -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			saved := now.Add(-passed - test.set)
			before := runRow{Run: Run{Started: saved.Add(-time.Hour), Alive: saved}, boot: test.boot, uptime: time.Hour, ordinal: 4}
			if test.lost {
				before.uptime = -1
			}
			f := &fakeDisk{
				host: noHost(1),
				image: contents{
					runs:        []runRow{before},
					entries:     []identify.Entry{{ID: 1, At: saved, State: identify.Ready}},
					history:     []history.Record{{Kind: history.LevelRecord, At: saved}},
					lastHistory: 3,
					incidents: []health.Incident{
						{ID: "i", Start: saved, Detected: saved, End: saved, Outcome: health.OutcomeResumed},
						{ID: "earlier", Start: saved.Add(-24 * time.Hour), Detected: saved.Add(-24 * time.Hour), End: saved.Add(-24 * time.Hour), Outcome: health.OutcomeResumed},
					},
				},
			}
			f.host.boot, f.host.uptime = test.boot, func() time.Duration { return test.up }
			l := newLogRecorder(t)
			s := f.begin(t, l)
			time.Sleep(time.Second)
			synctest.Wait()
			var entries []identify.Entry
			var incidents []health.Incident
			var moved *movedSamples
			for _, w := range f.all() {
				entries, incidents = append(entries, w.entries...), append(incidents, w.incidents...)
				if w.moved != nil {
					moved = w.moved
				}
			}
			line, said := l.said("clock of this machine was set")
			if test.says == "" {
				if said || moved != nil || len(incidents) != 0 {
					t.Errorf("set by %s: said %q, moved %v, incidents %v", test.set, line, moved, incidents)
				}
				shut(t, s)
				return
			}
			wantIn(t, line, test.says, "2 h")
			if moved == nil || moved.by != test.set || moved.last != 3 || !moved.from.Equal(saved.Add(-time.Hour)) {
				t.Errorf("set by %s: the samples are moved %+v", test.set, moved)
			}
			if len(entries) != 1 || !entries[0].At.Equal(saved.Add(test.set)) {
				t.Errorf("set by %s: written entries %+v", test.set, entries)
			}
			if len(incidents) != 1 || incidents[0].ID != "i" || !incidents[0].Start.Equal(saved.Add(test.set)) {
				t.Errorf("set by %s: written incidents %+v", test.set, incidents)
			}
			shut(t, s)
		})
	}
}

// Given a clock that is set while the bot runs, then the start of the run moves with it.
func TestStartOfTheRunMovesWithTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, settable := settableClock()
		f := &fakeDisk{clock: settable}
		s := f.begin(t, nil)
		began := time.Now()
		s.BeginRun()
		time.Sleep(time.Minute)
		set.Store(int64(3 * time.Hour))
		time.Sleep(time.Minute)
		synctest.Wait()
		all := f.all()
		if run := all[len(all)-1].run; !run.Started.Equal(began.Add(3 * time.Hour)) {
			t.Errorf("the run began at %s, want %s", run.Started, began.Add(3*time.Hour))
		}
		shut(t, s)
	})
}

// Given a machine that tells of kills for memory, sleep and uptime, then each sign of life
// records them, and reads the kills at most once per sign of life, also if the clock goes
// back.
func TestSignOfLifeRecordsTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads, looks atomic.Int64
		began := time.Now()
		f := &fakeDisk{host: hostInfo{
			pid: 12, boot: "this boot",
			oom:    func() oomCount { reads.Add(1); return oomCount{"/bot", 3, 4} },
			slept:  func() time.Duration { looks.Add(1); return 7 * time.Second },
			uptime: func() time.Duration { return time.Hour + time.Since(began) },
		}}
		s := f.begin(t, nil)
		s.BeginRun()
		k := s.Sessions(intents).SessionStore(alone)
		for seq := range int64(1200) {
			k.Save(session("a", seq+1))
			time.Sleep(50 * time.Millisecond)
		}
		if n := reads.Load(); n < 10 || n > 16 {
			t.Errorf("the kills were read %d times in a minute", n)
		}
		runs := 0
		for _, w := range f.all() {
			if w.run != nil {
				runs++
			}
		}
		if runs > 50 {
			t.Errorf("the run was written %d times in a minute", runs)
		}
		if n := looks.Load(); n > 50 { // with each sign of life, and with each wait for the disk
			t.Errorf("the sleep was read %d times in a minute", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		all := f.all()
		run := all[len(all)-1].run
		if run == nil || run.oom != (oomCount{"/bot", 3, 4}) || run.slept != 7*time.Second || run.uptime != time.Hour+run.Alive.Sub(began) || run.PID != 12 || time.Since(run.Alive) > DefaultAliveInterval {
			t.Errorf("the run is %+v", run)
		}
		shut(t, s)
		s.oomKills(time.Now())
		before := reads.Load()
		if s.oomKills(time.Now().Add(-time.Hour)); reads.Load() == before {
			t.Error("a clock that went back keeps the kills from being read")
		}
	})
}

// Given a run that was killed in the middle of an incident, then its end is on the disk
// too; one that began before any run ended when it began.
func TestEndOfAnOldIncidentIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		ago := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
		f := &fakeDisk{image: contents{
			runs: []runRow{
				{Run: Run{Started: ago(30), Alive: ago(20)}},
				{Run: Run{Started: ago(60), Alive: ago(50)}},
				{Run: Run{Started: ago(90), Alive: ago(35)}}, // a clock that was wrong
			},
			incidents: []health.Incident{
				{ID: "before any", Start: ago(100)}, {ID: "between", Start: ago(40)}, {ID: "in the second", Start: ago(55)}, {ID: "in the last", Start: ago(25)},
				{ID: "over", Start: ago(24), End: ago(23), Outcome: health.OutcomeResumed},
			},
		}}
		s := f.begin(t, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		ends := map[string]time.Time{}
		for _, w := range f.all() {
			for _, i := range w.incidents {
				if i.Outcome != health.OutcomeEnded {
					t.Errorf("%s is %v", i.ID, i.Outcome)
				}
				ends[i.ID] = i.End
			}
		}
		want := map[string]time.Time{"before any": ago(100), "between": ago(40), "in the second": ago(50), "in the last": ago(20)}
		if fmt.Sprint(ends) != fmt.Sprint(want) {
			t.Errorf("the ends are %v, want %v", ends, want)
		}
		shut(t, s)
	})
}

// Given what a run says of its end, then the first word counts, at most a thousand bytes
// of it and no half letter; without a run nothing is said.
func TestEndOfARunIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.EndRun(EndFailed, "too early")
		earlier := Run{Started: time.Now().Add(-time.Hour), Alive: time.Now().Add(-time.Minute)}
		if gap := s.Downtime(PreviousRun{Run: earlier, End: EndKilled}); gap != nil {
			t.Errorf("without a run there was a downtime: %+v", gap)
		}
		first := s.BeginRun()
		time.Sleep(time.Second)
		began := time.Now().Add(-time.Second)
		if again := s.BeginRun(); again != first {
			t.Errorf("asked again: %+v", again)
		}
		s.EndRun(EndFailed, strings.Repeat("ü", maxSaid))
		s.EndRun(EndSessionKept, "late")
		shut(t, s)
		all := f.all()
		run := all[len(all)-1].run
		if !run.Started.Equal(began) {
			t.Errorf("the run began at %s, want %s", run.Started, began)
		}
		if run.how != EndFailed || run.said != strings.Repeat("ü", maxSaid/2) {
			t.Errorf("%s, %d bytes are said: %.20q", run.how, len(run.said), run.said)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		s.EndRun(EndFailed, "abc"+strings.Repeat("ü", maxSaid))
		shut(t, s)
		all := f.all()
		if said := all[len(all)-1].run.said; len(said) != maxSaid-1 || !strings.HasSuffix(said, "ü") {
			t.Errorf("%d bytes are said", len(said))
		}
	})
}

// Given a run before this one, then its crash, how long the machine slept since and how
// often it was started are told as far as they are known.
func TestPreviousRunTellsWhatIsKnown(t *testing.T) {
	kills := oomCount{"/bot", 1, 5}
	for name, test := range map[string]struct {
		run   runRow
		crash string
		slept time.Duration // now
		want  PreviousRun
	}{
		"killed":          {run: runRow{boot: "this boot", oom: kills}, want: PreviousRun{End: EndKilled}},
		"crashed":         {run: runRow{boot: "this boot", oom: kills}, crash: "panic: no", want: PreviousRun{End: EndCrashed, Said: "panic: no"}},
		"out of memory":   {run: runRow{boot: "this boot", oom: oomCount{"/bot", 0, 5}}, crash: "panic: no", want: PreviousRun{End: EndOutOfMemory}},
		"said how":        {run: runRow{boot: "this boot", oom: kills, how: EndFailed, said: "so"}, crash: "panic: no", want: PreviousRun{End: EndFailed, Said: "so"}},
		"slept":           {run: runRow{boot: "this boot", oom: kills, slept: time.Minute}, slept: time.Hour, want: PreviousRun{End: EndKilled, Slept: 59 * time.Minute}},
		"not slept":       {run: runRow{boot: "this boot", oom: kills, slept: time.Hour}, slept: time.Minute, want: PreviousRun{End: EndKilled}},
		"sleep not known": {run: runRow{boot: "this boot", oom: kills, slept: -1}, slept: time.Hour, want: PreviousRun{End: EndKilled}},
		"nor now":         {run: runRow{boot: "this boot", oom: kills, slept: 0}, slept: -1, want: PreviousRun{End: EndKilled}},
		"another boot":    {run: runRow{boot: "that boot", oom: kills, slept: time.Minute}, slept: time.Hour, want: PreviousRun{End: EndRebooted}},
	} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			test.run.Started, test.run.Alive = now.Add(-2*time.Hour), now.Add(-time.Hour)
			f := &fakeDisk{image: contents{runs: []runRow{test.run}}, host: hostInfo{
				pid: 1, boot: "this boot", oom: func() oomCount { return kills },
				slept: func() time.Duration { return test.slept }, uptime: func() time.Duration { return -1 },
			}}
			s := f.beginWith(t, nil, Options{PreviousCrash: test.crash})
			got := s.BeginRun()
			if got.End != test.want.End || got.Said != test.want.Said || got.Slept != test.want.Slept {
				t.Errorf("%s: %+v", name, got)
			}
			shut(t, s)
		})
	}
}

// Given a run with and without a version, then the sentence and the attributes of the log
// name it if there is one.
func TestRunIsDescribed(t *testing.T) {
	p := PreviousRun{Run: Run{Started: time.Unix(0, 0), Alive: time.Unix(60, 0), PID: 5}, End: EndKilled}
	if text, attrs := p.String(), fmt.Sprint(p.Attrs()...); strings.Contains(text, "version") || strings.Contains(attrs, "version") || !strings.Contains(attrs, "1m0s") {
		t.Errorf("%s; %s", text, attrs)
	}
	p.Version = "1.2"
	wantIn(t, p.String(), "process 5, version 1.2)", "at 1970-01-01 00:01:00 UTC, after 1m0s")
	if attrs := p.Attrs(); attrs[len(attrs)-2] != "version" || attrs[len(attrs)-1] != "1.2" {
		t.Errorf("the attributes are %v", attrs)
	}
}

// Given an entry of an IDENTIFY that was not sent after all, then it does not count.
func TestUnsentIdentifyDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&fakeDisk{}).begin(t, nil)
		for _, state := range []identify.State{identify.Granted, identify.Unsent} {
			s.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: state})
			entries, err := s.Identifies().Entries(t.Context(), time.Time{})
			if want := map[identify.State]int{identify.Granted: 1}[state]; err != nil || len(entries) != want {
				t.Errorf("%d entries count, %v", len(entries), err)
			}
		}
		shut(t, s)
	})
}

// Given a token that does not change, or that of another bot, then nothing is written.
func TestOnlyANewTokenOfTheBotIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.Sessions(intents).SessionStore(alone).Save(session("a", 1))
		time.Sleep(time.Second)
		before := len(f.all())
		s.Rotate(s.opts.Fingerprint)
		other := s.opts.Fingerprint
		s.Rotate(tokenlock.FingerprintOf("OTg3NjU0MzIxMDEyMzQ1Njc4.GabcDE.another-bot"))
		synctest.Wait()
		if len(f.all()) != before || s.opts.Fingerprint != other {
			t.Errorf("%d writes", len(f.all())-before)
		}
		shut(t, s)
	})
}
