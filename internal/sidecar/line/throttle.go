package line

import "time"

// A client is read at readRate bytes a second once it has sent readBurst bytes faster than
// that. Discord allows 120 payloads of at most 4 KiB a minute, which is 8 KiB a second, so
// only floods meet this. They must not take the processor from other lines.
const (
	readRate  = 64 << 10
	readBurst = 1 << 20
)

// throttle decides how long a client waits to be read.
type throttle struct {
	spent float64 // bytes above the rate
	last  time.Time
}

// wait records that n bytes were read now and returns how long the next read waits.
func (t *throttle) wait(n int, now time.Time) time.Duration {
	t.spent = max(0, t.spent-readRate*now.Sub(t.last).Seconds())
	t.last = now
	t.spent += float64(n)
	if t.spent <= readBurst {
		return 0
	}
	return time.Duration((t.spent - readBurst) / readRate * float64(time.Second))
}
