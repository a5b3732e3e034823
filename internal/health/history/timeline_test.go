package history

import (
	"testing"
	"time"
)

// The levels of several shards, and the names of levels.
func TestTogether(t *testing.T) {
	for _, c := range []struct {
		levels []Level
		want   Level
	}{
		{nil, Unknown}, {[]Level{Unknown}, Unknown}, {[]Level{Unknown, Online}, Online}, {[]Level{Offline, Offline}, Offline},
		{[]Level{Offline, Online}, Degraded}, {[]Level{Degraded, Online}, Degraded}, {[]Level{Degraded, Offline}, Degraded},
	} {
		if got := combine(c.levels); got != c.want {
			t.Errorf("%v: %s", c.levels, got)
		}
	}
	if Online.String() != "online" || Level(99).String() != "unknown" {
		t.Errorf("%s %s", Online, Level(99))
	}
}

// A line corrects what was known too early, and never grows without bound.
func TestLine(t *testing.T) {
	at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	var l timeline
	for n, level := range []Level{Online, Degraded, Offline, Online} {
		l = l.add(levelChange{at(n), level})
	}
	l = l.add(levelChange{at(1), Offline})
	if len(l) != 2 || l.level() != Offline || l.at(at(0)) != Online || l.at(at(-1)) != Unknown || l.at(at(5)) != Offline {
		t.Errorf("got %v", l)
	}
	if l = l.trim(at(3)); len(l) != 1 || l[0].level != Offline {
		t.Errorf("got %v", l)
	}
	for n := range 3 * maxChanges {
		l = l.add(levelChange{at(10 + n), []Level{Online, Offline}[n%2]})
	}
	if len(l) > maxChanges {
		t.Errorf("%d marks", len(l))
	}
	if l.endsWith(make([]levelChange, maxChanges+1)) {
		t.Error("a line ends with more than it has")
	}
}
