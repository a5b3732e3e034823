package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// clocks reads how long the machine has been up, with sleep and without.
func clocks() (boot, monotonic time.Duration, ok bool) {
	var b, m unix.Timespec
	// The monotonic clock is read first: a moment in between counts as sleep
	// then, of less than the precision, and never makes the sleep negative.
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &m) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &b) != nil {
		return 0, 0, false
	}
	return time.Duration(b.Nano()), time.Duration(m.Nano()), true
}

func bootID() string { return "" } // without /proc it is not known
