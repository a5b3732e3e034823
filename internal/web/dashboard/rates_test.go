package dashboard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health/history"
)

// The hour of what flows through the bot: each minute has its place, what is
// older or of another day has none, and the minute that goes on is filled up by
// what the one before was like, so that the rate does not fall to zero at every
// full minute.
func TestRatesPerMinute(t *testing.T) {
	to := evening.Truncate(time.Minute).Add(15 * time.Second)
	ago := func(minutes int, n int64) history.Rate {
		return history.Rate{At: to.Truncate(time.Minute).Add(-time.Duration(minutes) * time.Minute), Per: time.Minute, Events: history.Events{Received: n}}
	}
	got := perMinute(rates{To: to, Points: []history.Rate{ago(60, 99), ago(59, 7), ago(1, 40), ago(0, 10), ago(-1, 99)}}, func(r history.Rate) int64 { return r.Received })
	want := make([]float64, 60)
	want[0], want[58], want[59] = 7, 40, 10+40*0.75
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	path := ratePath(got, 40)
	if bars := strings.Count(path, "M"); bars != 3 || !strings.Contains(path, "M174.0 28v-28.0h2.2v28.0z") {
		t.Errorf("%d bars: %s", bars, path)
	}
	if path := ratePath(make([]float64, 60), 0); path != "" {
		t.Errorf("nothing happened and is drawn: %s", path)
	}
}

// Rates are told so that small ones still say something.
func TestRateText(t *testing.T) {
	for rate, want := range map[float64]string{0: "0", 0.25: "0.2", 3: "3.0", 9.94: "9.9", 10: "10", 166.4: "166"} {
		if got := rateText(rate); got != want {
			t.Errorf("%g is %q, want %q", rate, got, want)
		}
	}
}
