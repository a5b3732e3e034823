package judge

import (
	"context"
	"sync"
	"time"
)

// loadMeter measures how late the judge's own timers fire. A machine that is too busy to
// run the judge in time is too busy for the bot beside it, and nobody is blamed for that.
type loadMeter struct {
	mu     sync.Mutex
	delays []delay // oldest first
}

// delay is a time for which a timer was overdue.
type delay struct{ from, to time.Time }

// Timers are looked at every loadInterval; less than a negligibleDelay is not counted.
const (
	loadInterval    = 50 * time.Millisecond
	negligibleDelay = 20 * time.Millisecond
)

// run measures until ctx ends.
func (m *loadMeter) run(ctx context.Context) {
	timer := time.NewTimer(loadInterval)
	defer timer.Stop()
	for {
		due := time.Now().Add(loadInterval)
		timer.Reset(loadInterval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		m.note(due, time.Now())
	}
}

// note counts a timer that was due at a time and fired at another.
func (m *loadMeter) note(due, fired time.Time) {
	if fired.Sub(due) < negligibleDelay {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delays = append(m.delays, delay{due, fired})
}

// between is for how long timers were overdue between two times.
func (m *loadMeter) between(from, to time.Time) (late time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.delays {
		start, end := d.from, d.to
		if start.Before(from) {
			start = from
		}
		if end.After(to) {
			end = to
		}
		late += max(0, end.Sub(start))
	}
	return late
}
