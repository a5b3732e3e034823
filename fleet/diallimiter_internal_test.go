package fleet

import (
	"testing"
	"testing/synctest"
	"time"
)

// Eight dials leave at once after a quiet time, and the others at an even rate, which
// follows the number of shards unless the operator has set one.
func TestDialsLeaveAtAnEvenRate(t *testing.T) {
	for _, c := range []struct {
		name     string
		rate     float64
		shards   int // 0: never told
		interval time.Duration
	}{
		{"before the shards are known", 0, 0, 25 * time.Millisecond},
		{"few shards", 0, 16, 25 * time.Millisecond},
		{"many shards", 0, 300, 10 * time.Millisecond},
		{"a rate of the operator's", 2, 300, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newDialLimiter(nil, c.rate)
				if c.shards > 0 {
					l.setShards(c.shards)
				}
				for range 2 { // the second time after a quiet time
					for n := range dialBurst + 3 {
						want := time.Duration(max(0, n-dialBurst+1)) * c.interval
						if got := max(0, l.reserve(time.Now())); got != want {
							t.Errorf("dial %d leaves after %s, want %s", n+1, got, want)
						}
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}
