//go:build linux || darwin

package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonicSleeps is whether the monotonic clock goes on while the host sleeps.
const monotonicSleeps = false

// Slept returns for how long the host has slept since it was started; ok is false
// where that is not known. The difference of two answers is the sleep in between.
func Slept() (slept time.Duration, ok bool) {
	var before, boot, after unix.Timespec
	// A process that is stopped between two readings would take that for sleep.
	for range 3 {
		if unix.ClockGettime(awake, &before) != nil || unix.ClockGettime(sinceBoot, &boot) != nil || unix.ClockGettime(awake, &after) != nil {
			return 0, false
		}
		if after.Nano()-before.Nano() < int64(10*time.Millisecond) {
			break
		}
	}
	return max(0, time.Duration(boot.Nano()-before.Nano())).Truncate(time.Millisecond), true
}

// SinceBoot returns how long ago the host was started, its sleep included; ok is
// false where that is not known.
func SinceBoot() (passed time.Duration, ok bool) {
	var boot unix.Timespec
	if unix.ClockGettime(sinceBoot, &boot) != nil {
		return 0, false
	}
	return time.Duration(boot.Nano()), true
}
