package clock

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// machine is a machine with clocks of its own.
type machine struct {
	monotonic, slept, set time.Duration
	unknown               bool
}

// begin is a time with a monotonic reading.
var begin = time.Now()

func (m *machine) source() Source {
	return Source{
		Now:   func() time.Time { return begin.Add(m.monotonic) },
		Wall:  func() time.Time { return begin.Add(m.monotonic + m.slept + m.set) },
		Slept: func() (time.Duration, bool) { return m.slept, !m.unknown },
	}
}

// Given each thing that makes time jump, then it is told from the others, and once.
func TestJumpsAreToldApart(t *testing.T) {
	if monotonicSleeps {
		t.Skip("the machine of this test has a monotonic clock that stops in sleep")
	}
	const planned = 5 * time.Second
	tests := map[string]struct {
		after machine // beyond what was planned
		want  Jump
	}{
		"nothing":                        {machine{}, Jump{}},
		"a late wake-up":                 {machine{monotonic: 1900 * time.Millisecond}, Jump{}},
		"the process stood still":        {machine{monotonic: time.Hour}, Jump{Stalled: time.Hour, Late: time.Hour}},
		"the host slept":                 {machine{slept: time.Hour}, Jump{Slept: time.Hour}},
		"the clock was set forward":      {machine{set: time.Hour}, Jump{Set: time.Hour}},
		"the clock was set back":         {machine{set: -time.Hour}, Jump{Set: -time.Hour}},
		"from 1970 to today":             {machine{set: 56 * 365 * 24 * time.Hour}, Jump{Set: 56 * 365 * 24 * time.Hour}},
		"the clock was corrected":        {machine{set: 400 * time.Millisecond}, Jump{}},
		"it slept and the clock was set": {machine{slept: time.Hour, set: time.Minute}, Jump{Slept: time.Hour, Set: time.Minute}},
		"it stood still and slept":       {machine{monotonic: time.Minute, slept: time.Hour}, Jump{Stalled: time.Minute, Late: time.Minute, Slept: time.Hour}},
		"sleep that is not known":        {machine{slept: time.Hour, unknown: true}, Jump{Slept: time.Hour}},
		"back, and sleep is not known":   {machine{set: -time.Hour, unknown: true}, Jump{Set: -time.Hour}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := machine{unknown: test.after.unknown}
			c := New(m.source())
			w := c.Watch()
			m.monotonic += planned + test.after.monotonic
			m.slept, m.set = test.after.slept, test.after.set
			if _, set := c.Now(); set != test.want.Set {
				t.Errorf("the clock was set by %s", set)
			}
			if got := w.Look(planned); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			m.monotonic += planned
			if got := w.Look(planned); got != (Jump{}) {
				t.Errorf("told again: %+v", got)
			}
		})
	}
}

// Given moments before and after a sleep and a setting of the clock, then the time
// between them has the sleep in it and not the setting, and both are named by the clock
// as it stands now.
func TestMomentsOutliveJumps(t *testing.T) {
	if monotonicSleeps {
		t.Skip("the machine of this test has a monotonic clock that stops in sleep")
	}
	m := &machine{}
	c := New(m.source())
	w := c.Watch()
	moment := func() time.Time { return begin.Add(m.monotonic) }
	first := moment()
	m.monotonic, m.slept = time.Minute, 8*time.Hour
	w.Look(time.Minute)
	second := moment()
	m.monotonic, m.set = 2*time.Minute, -24*time.Hour
	if got := c.Between(first, second); got != 8*time.Hour+time.Minute {
		t.Errorf("between them are %s", got)
	}
	if got := c.Between(second, moment()); got != time.Minute {
		t.Errorf("since the second there are %s", got)
	}
	if got := c.Between(first, first.Add(time.Second)); got != time.Second {
		t.Errorf("between two moments before the sleep are %s", got)
	}
	today := begin.Round(0).Add(-24 * time.Hour)
	if got := c.At(first); !got.Equal(today) {
		t.Errorf("the first was at %s, want %s", got, today)
	}
	if got := c.At(second); !got.Equal(today.Add(8*time.Hour + time.Minute)) {
		t.Errorf("the second was at %s", got)
	}
	stored := begin.Round(0)
	if got := New(Source{}).At(stored); got != stored {
		t.Errorf("a time from elsewhere became %s", got)
	}
}

// Given a host that sleeps while its clocks are being read, then that is a sleep, and no
// clock that was set back and forth.
func TestSleepBetweenTwoReadings(t *testing.T) {
	m := &machine{}
	source := m.source()
	wall, sleeps := source.Wall, false
	source.Wall = func() time.Time {
		before := wall()
		if sleeps {
			m.slept, sleeps = time.Hour, false
		}
		return before
	}
	c := New(source)
	watch := c.Watch()
	sleeps = true
	for _, want := range []Jump{{Slept: time.Hour}, {}} {
		m.monotonic += time.Minute
		if got := watch.Look(time.Minute); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// Given a wall clock that is slewed for hours, each time by less than a jump, then it was
// never set.
func TestSlewedClockIsNotSet(t *testing.T) {
	m := &machine{}
	c := New(m.source())
	watch := c.Watch()
	for range 1000 {
		m.monotonic += 10 * time.Second
		m.set += 5 * time.Millisecond
		if got := watch.Look(10 * time.Second); got != (Jump{}) {
			t.Fatalf("after %s: %+v", m.set, got)
		}
	}
}

// goTime is a time as Go's clock returns it, with a wall clock and a monotonic reading
// that need not agree: after a sleep of the host they do not.
func goTime(t testing.TB, wall, monotonic time.Duration) time.Time {
	now := begin.Add(wall)
	// The layout of time.Time: wall, ext, loc. With a monotonic reading ext is that.
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&now)).ext += int64(monotonic - wall)
	if now.Sub(begin) != monotonic || now.Round(0).Sub(begin.Round(0)) != wall {
		t.Fatal("time.Time has another layout")
	}
	return now
}

// Given Go's own clock, whose times carry a monotonic reading that stands still while the
// host sleeps and does not see the clock being set, then both are noticed by the wall
// clock, and moments are named by it: two times with such a reading are subtracted by it
// alone.
func TestWallClockIsReadWithoutItsMonotonicReading(t *testing.T) {
	if monotonicSleeps {
		t.Skip("the machine of this test has a monotonic clock that stops in sleep")
	}
	for name, test := range map[string]struct {
		asleep, set time.Duration
		known       bool
		want        Jump
	}{
		"it slept":             {asleep: 8 * time.Hour, known: true, want: Jump{Slept: 8 * time.Hour}},
		"it slept, not known":  {asleep: 8 * time.Hour, want: Jump{Slept: 8 * time.Hour}},
		"it was set":           {set: 24 * time.Hour, known: true, want: Jump{Set: 24 * time.Hour}},
		"it was set back":      {set: -24 * time.Hour, known: true, want: Jump{Set: -24 * time.Hour}},
		"it slept and was set": {asleep: time.Hour, set: -2 * time.Hour, known: true, want: Jump{Slept: time.Hour, Set: -2 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			var asleep, set, passed time.Duration
			c := New(Source{
				Now:   func() time.Time { return goTime(t, passed+asleep+set, passed) },
				Slept: func() (time.Duration, bool) { return asleep, test.known },
			})
			watch := c.Watch()
			moment := goTime(t, 0, 0)
			passed, asleep, set = time.Minute, test.asleep, test.set
			if got := watch.Look(time.Minute); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			now, by := c.Now()
			if want := begin.Round(0).Add(time.Minute + asleep + set); now != want || by != test.want.Set {
				t.Errorf("it is %s and was set by %s, want %s", now, by, want)
			}
			if got := c.Between(moment, goTime(t, passed+asleep+set, passed)); got != time.Minute+test.asleep {
				t.Errorf("%s have passed, want %s", got, time.Minute+test.asleep)
			}
			byWall := time.Minute + asleep + set
			if got := c.Between(moment.Round(0), goTime(t, byWall, passed)); got != byWall {
				t.Errorf("%s have passed since a time from elsewhere, want %s", got, byWall)
			}
			if got := c.Between(moment, now); got != byWall {
				t.Errorf("%s have passed until a time from elsewhere, want %s", got, byWall)
			}
			if got, want := c.At(moment), begin.Round(0).Add(set); got != want {
				t.Errorf("the moment was at %s, want %s", got, want)
			}
		})
	}
}

// The machine's own clocks only go ahead.
func TestMachineClocks(t *testing.T) {
	slept, ok := Slept()
	if !ok {
		t.Skip("this system does not tell for how long it slept")
	}
	if again, _ := Slept(); slept < 0 || again < slept || again > slept+time.Second {
		t.Errorf("slept %s, then %s", slept, again)
	}
	if up, ok := SinceBoot(); !ok || up < slept {
		t.Errorf("%s since the boot, of which %s asleep", up, slept)
	}
}

// Given many goroutines that look while the host sleeps, then the sleep is counted once.
func TestSleepIsCountedOnceByAll(t *testing.T) {
	const asleep = time.Hour
	var slept atomic.Int64
	c := New(Source{
		Wall:  func() time.Time { return time.Now().Add(time.Duration(slept.Load())) },
		Slept: func() (time.Duration, bool) { return time.Duration(slept.Load()), true },
	})
	watch := c.Watch()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 2_000 {
				if i == 0 && n == 1_000 {
					slept.Store(int64(asleep))
				}
				c.Now()
			}
		})
	}
	group.Wait()
	if got := watch.Look(time.Since(watch.at)); got.Slept != asleep {
		t.Errorf("it was %+v", got)
	}
}
