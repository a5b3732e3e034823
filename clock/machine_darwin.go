package clock

import "golang.org/x/sys/unix"

// The clocks that stop while the host sleeps, and that do not. Apple counts both from
// the boot.
const (
	awake     = unix.CLOCK_UPTIME_RAW
	sinceBoot = unix.CLOCK_MONOTONIC_RAW
)
