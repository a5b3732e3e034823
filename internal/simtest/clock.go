package simtest

import (
	"sync/atomic"
	"time"

	"evergreen/clock"
)

// SleepyClock returns the clock of a host that has slept for as long as slept says: its
// wall clock went on and its monotonic clock did not.
func SleepyClock(slept *atomic.Int64) *clock.Clock {
	return clock.New(clock.Source{
		Wall:  func() time.Time { return time.Now().Add(time.Duration(slept.Load())) },
		Slept: func() (time.Duration, bool) { return time.Duration(slept.Load()), true },
	})
}

// SetClock returns the clock of a host that never sleeps and whose wall clock was set by
// as much as set says.
func SetClock(set *atomic.Int64) *clock.Clock {
	return clock.New(clock.Source{
		Wall:  func() time.Time { return time.Now().Add(time.Duration(set.Load())) },
		Slept: func() (time.Duration, bool) { return 0, true },
	})
}

// StalledClock returns the clock of a process that has stood still for as long as
// stalled says: all clocks of its host went on.
func StalledClock(stalled *atomic.Int64) *clock.Clock {
	return clock.New(clock.Source{
		Now:   func() time.Time { return time.Now().Add(time.Duration(stalled.Load())) },
		Slept: func() (time.Duration, bool) { return 0, true },
	})
}
