package discordsim

import (
	"testing"
	"time"
)

// Given faults one after the other and on top of each other, then the record
// tells when anything was wrong, until a little after its end, and for how long.
//
// Statements: S-100.
func TestFaultWindow(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var u faultWindow
	if u.overlaps(at(0), at(1000)) || u.within(at(0), at(1000)) != 0 {
		t.Error("there was unrest before anything")
	}
	u.begin(at(100))
	u.begin(at(110))
	u.once(at(115), 10*time.Second)
	u.end(at(112))
	u.end(at(120)) // the moment takes until 125
	u.once(at(124), 5*time.Second)
	u.once(at(200), 5*time.Second)
	u.begin(at(300))
	for _, q := range []struct {
		from, until int
		touches     bool
		lasted      time.Duration
	}{
		{0, 99, false, 0}, {0, 100, true, 0}, {0, 110, true, 10}, {110, 112, true, 2}, {126, 128, true, 2}, {130, 140, true, 0}, {133, 199, false, 0},
		{0, 250, true, 34}, {201, 203, true, 2}, {209, 299, false, 0}, {290, 310, true, 10}, {1000, 1010, true, 10},
	} {
		if got := u.overlaps(at(q.from), at(q.until)); got != q.touches {
			t.Errorf("%d to %d: %t", q.from, q.until, got)
		}
		if got := u.within(at(q.from), at(q.until)); got != q.lasted*time.Second {
			t.Errorf("%d to %d: it lasted %s", q.from, q.until, got)
		}
	}
	for i := range 3 * maxSpans {
		u.end(at(400 + 2*i))
		u.begin(at(401 + 2*i))
	}
	if len(u.spans) > maxSpans {
		t.Errorf("%d spans are kept", len(u.spans))
	}
}
