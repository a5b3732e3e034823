package gateway

import (
	"testing"
	"time"
)

// Statements: G-151.
func TestBackoff(t *testing.T) {
	b := backoff{local: 5 * time.Second, remote: 30 * time.Second, rand: func() float64 { return 0.999 }}
	if d := b.delay(0, true); d >= firstTry {
		t.Errorf("first try after %v", d)
	}
	for n, want := range map[int]time.Duration{1: time.Second, 3: 4 * time.Second, 5: 16 * time.Second, 9: 30 * time.Second, 1000: 30 * time.Second} {
		if d := b.delay(n, true); d > want || d < want*9/10 {
			t.Errorf("failure %d: %v, want nearly %v", n, d, want)
		}
		if d := b.delay(n, false); d > 5*time.Second {
			t.Errorf("local failure %d: %v", n, d)
		}
	}
}
