package host

import (
	"time"

	"evergreen/clock"
)

// Boot tells one start of the machine from the next.
type Boot struct {
	// ID changes with every start; empty if it is not known.
	ID string
	// Time is when the machine was started; zero if it is not known.
	Time time.Time
}

// Boot reads it.
func (m Machine) Boot() Boot {
	var b Boot
	if id, ok := m.read("/proc/sys/kernel/random/boot_id"); ok {
		b.ID = id
	} else if !m.staged() {
		b.ID = bootID()
	}
	if text, ok := m.read("/proc/stat"); ok {
		if seconds, ok := field(text, "btime"); ok {
			b.Time = time.Unix(seconds, 0)
		}
	}
	return b
}

// Slept is for how long the machine was suspended since it was started, see
// [clock.Slept]; ok is false where that is not known.
func (m Machine) Slept() (slept time.Duration, ok bool) {
	if m.staged() {
		return 0, false
	}
	return clock.Slept()
}
