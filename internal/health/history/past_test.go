package history

import (
	"testing"
	"time"

	"evergreen/clock"
	"evergreen/internal/health"
)

// setting gives the harness a wall clock that can be set.
func (s *harness) setting(set *time.Duration) {
	by := clock.New(clock.Source{
		Now:  func() time.Time { return s.now },
		Wall: func() time.Time { return s.now.Add(*set) },
	})
	s.tracker = health.NewTracker(health.Options{Clock: by, Source: s})
	s.history = New(Options{
		Snapshot: s.tracker.Snapshot, Incidents: s.tracker.Incidents, Storage: s.storage, Clock: by,
		REST: func() (int64, time.Duration) { return s.sent, 80 * time.Millisecond },
	})
}

// Given a bot that has been online for three hours, when the wall clock is set, then it
// has been online for as long as before, also for the next run; what was measured and
// counted moves along, and nothing lies in the future.
func TestUptimeDoesNotComeFromTheWallClock(t *testing.T) {
	for _, by := range []time.Duration{2 * time.Hour, -2 * time.Hour, 36 * time.Hour, 10 * 365 * 24 * time.Hour, -40 * 365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			s := newHarness(t)
			set := time.Duration(0)
			s.setting(&set)
			s.ready()
			s.beatFor(time.Hour)
			s.activity.Asked, s.activity.Answered = 60, 60
			s.beatFor(2 * time.Hour)
			set = by
			s.beatFor(time.Minute)
			online := Totals{Online: 3*time.Hour + time.Minute, Unknown: 21*time.Hour - time.Minute}
			s.expectTotals(24*time.Hour, online)
			now := s.now.Add(set)
			asked := int64(0)
			for _, r := range s.history.Rates(24 * time.Hour) {
				asked += r.Asked
				if r.At.After(now) || now.Sub(r.At) > 4*time.Hour {
					t.Errorf("events at %s, and it is %s", r.At, now)
				}
			}
			if asked != 60 {
				t.Errorf("%d commands", asked)
			}
			if points := s.history.Latency(time.Hour); len(points) < 80 || points[0].At.Before(now.Add(-time.Hour)) || points[len(points)-1].At.After(now) {
				t.Errorf("%d round trips", len(points))
			}

			s.history.Close()
			s.now = now
			next := s.run(nil)
			next.ready()
			next.expectTotals(24*time.Hour, online)
		})
	}
}

// Given a machine whose clock begins in the past at each boot, when it is set right, then
// the history of the runs before is there, and the time between is told as offline.
func TestClockThatBeginsInThePastHidesNothing(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(3 * time.Hour)
	s.history.Close()

	s.after(time.Hour)
	set := time.Duration(0)
	right := s.now
	s.now = time.Date(1970, 1, 1, 0, 0, 20, 0, time.UTC)
	s.setting(&set)
	s.ready()
	s.beatFor(time.Minute)
	s.expectTotals(24*time.Hour, Totals{Online: time.Minute, Unknown: 24*time.Hour - time.Minute})
	set = right.Add(time.Minute).Sub(s.now)
	s.beatFor(time.Minute)
	s.expectTotals(24*time.Hour, Totals{Online: 3*time.Hour + 2*time.Minute, Offline: time.Hour, Unknown: 20*time.Hour - 2*time.Minute})
}
