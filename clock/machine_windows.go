package clock

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// monotonicSleeps is whether the monotonic clock goes on while the host sleeps: Go
// reads the interrupt time of Windows.
const monotonicSleeps = true

var unbiased = windows.NewLazySystemDLL("kernel32.dll").NewProc("QueryUnbiasedInterruptTime")

// Slept returns for how long the host has slept since it was started; ok is false
// where that is not known. The difference of two answers is the sleep in between.
func Slept() (slept time.Duration, ok bool) {
	if unbiased.Find() != nil {
		return 0, false
	}
	var ticks uint64 // of 100 ns, without sleep
	if done, _, _ := unbiased.Call(uintptr(unsafe.Pointer(&ticks))); done == 0 {
		return 0, false
	}
	return max(0, windows.DurationSinceBoot()-time.Duration(ticks)*100).Truncate(time.Millisecond), true
}

// SinceBoot returns how long ago the host was started, its sleep included; ok is
// false where that is not known.
func SinceBoot() (passed time.Duration, ok bool) { return windows.DurationSinceBoot(), true }
