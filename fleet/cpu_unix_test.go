//go:build unix

package fleet_test

import (
	"syscall"
	"time"
)

// cpuTime is how long this process has used a processor.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
