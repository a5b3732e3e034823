package demo

import (
	"testing"
	"time"

	"evergreen/internal/sidecar"
)

// A bot that goes away and comes back is counted from when it went, with the most that
// waited; what is under way counts too.
func TestAttendanceAddsUp(t *testing.T) {
	began := time.Now()
	at := func(s float64) time.Time { return began.Add(time.Duration(s * float64(time.Second))) }
	var a attendance
	a.note(at(-1), false, time.Time{}, 3) // before it has ever been there
	a.note(at(0), true, time.Time{}, 0)
	a.note(at(2.5), false, at(2), 1)
	a.note(at(4), false, at(2), 5)
	a.note(at(5), true, time.Time{}, 4)
	a.note(at(6), false, at(7), 2) // a clock that is ahead
	if now := a.at(at(10)); now.away != 7*time.Second || now.longest != 4*time.Second || now.waited != 7 {
		t.Errorf("away for %s, %s at most, %d waited", now.away, now.longest, now.waited)
	}
	if got := a.percent(at(10)); got != 30 {
		t.Errorf("attended for %.1f %%", got)
	}
	if a.away != 3*time.Second || a.waited != 5 {
		t.Errorf("looking has changed it: away for %s, %d waited", a.away, a.waited)
	}
}

// A bot of several shard pairs is attended if all are, and away since the first one is not.
func TestAttendanceOfSeveralShards(t *testing.T) {
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	for _, one := range []struct {
		name      string
		consumers []sidecar.ConsumerStatus
		attended  bool
		since     time.Time
		standby   bool
	}{
		{"nobody has ever come", nil, false, time.Time{}, false},
		{"all are there", []sidecar.ConsumerStatus{{Attended: true, Standby: 1}, {Attended: true, Standby: 2}}, true, time.Time{}, true},
		{"one hangs, one is away", []sidecar.ConsumerStatus{{Since: late}, {Since: early}, {Attended: true, Standby: 1}}, false, early, false},
	} {
		attended, since, _ := attendedNow(sidecar.Status{Consumers: one.consumers})
		if attended != one.attended || !since.Equal(one.since) {
			t.Errorf("%s: attended %t, since %s", one.name, attended, since)
		}
		if got := onStandby(sidecar.Status{Consumers: one.consumers}); got != one.standby {
			t.Errorf("%s: standby %t", one.name, got)
		}
	}
}
