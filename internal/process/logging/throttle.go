package logging

import (
	"sync"
	"time"
)

// Throttle lets a few log lines through each minute, for what others can cause as often as
// they like. The zero value lets one through. Its methods may be called at the same time.
type Throttle struct {
	// Lines is how many a minute. Default 1.
	Lines int

	mu     sync.Mutex
	began  time.Time // the minute
	passed int       // in it
	held   int       // since the last line
}

// Pass reports whether a line may be written, and how many were held back since the last one.
func (t *Throttle) Pass(now time.Time) (held int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() || now.Sub(t.began) >= time.Minute {
		t.began, t.passed = now, 0
	}
	if t.passed >= max(t.Lines, 1) {
		t.held++
		return 0, false
	}
	t.passed++
	held, t.held = t.held, 0
	return held, true
}
