//go:build !linux && !darwin && !windows

package clock

import "time"

// monotonicSleeps is whether the monotonic clock goes on while the host sleeps.
const monotonicSleeps = false

// Slept returns for how long the host has slept since it was started; it is not known
// here.
func Slept() (slept time.Duration, ok bool) { return 0, false }

// SinceBoot returns how long ago the host was started; it is not known here.
func SinceBoot() (passed time.Duration, ok bool) { return 0, false }
