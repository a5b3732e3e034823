package peer

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage asks the system what a running process has used.
func (p *Process) Usage() (Usage, error) {
	pid := p.cmd.Process.Pid
	var u Usage
	// The clock of another process's CPU time, in nanoseconds: /proc counts in
	// steps of 10 ms, too coarse for a burst.
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return u, fmt.Errorf("the CPU clock of process %d: %w", pid, err)
	}
	u.CPU = time.Duration(ts.Nano())
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch key {
		case "VmRSS":
			u.RSS = kib << 10
		case "RssAnon":
			u.Own = kib << 10
		case "VmHWM":
			u.Peak = kib << 10
		}
	}
	return u, nil
}
