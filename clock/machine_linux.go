package clock

import "golang.org/x/sys/unix"

// The clocks that stop while the host sleeps, and that do not.
const (
	awake     = unix.CLOCK_MONOTONIC
	sinceBoot = unix.CLOCK_BOOTTIME
)
