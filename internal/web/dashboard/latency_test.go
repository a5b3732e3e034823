package dashboard

import (
	"testing"
	"time"
)

// A chart shows its whole window, unless the record has only just begun: then it
// begins with the record, and shows a twelfth of the window at least.
func TestChartBeginsWithTheRecord(t *testing.T) {
	to := evening
	from := to.Add(-time.Hour)
	for first, want := range map[time.Duration]time.Duration{
		time.Hour: time.Hour, 31 * time.Minute: time.Hour, 20 * time.Minute: 20 * time.Minute, time.Minute: 5 * time.Minute, 0: 5 * time.Minute,
	} {
		if got := to.Sub(chartFrom(from, to, to.Add(-first))); got != want {
			t.Errorf("with a record of %s it shows %s, want %s", first, got, want)
		}
	}
}
