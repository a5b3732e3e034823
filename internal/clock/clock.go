package clock

import (
	"slices"
	"sync"
	"time"
)

// Tolerance is how far two clocks may drift apart between two looks before that is a
// jump. A process may be scheduled late, and clocks are slewed.
const Tolerance = 2 * time.Second

// Source is where a [Clock] reads.
type Source struct {
	// Now reads the monotonic clock and, with Wall nil, the wall clock too. Default
	// time.Now.
	Now func() time.Time
	// Wall reads the wall clock. Default: Now. With a Wall of the caller's, as in virtual
	// time, times need no monotonic reading to count as moments of this process.
	Wall func() time.Time
	// Slept is for how long the host has slept since some moment; ok is false if that
	// is not known. Default: [Slept], or never with a Now of the caller's.
	Slept func() (slept time.Duration, ok bool)
}

// Jump is what happened to the clocks between two looks. A part within [Tolerance]
// is zero.
type Jump struct {
	// Stalled is how long the process stood still although the host ran.
	Stalled time.Duration
	// Slept is how long the host slept. Where its clocks do not tell, it is by how much
	// the wall clock went ahead: the host slept, or the clock was set.
	Slept time.Duration
	// Set is by how much the wall clock was set; negative: back.
	Set time.Duration
	// Late is by how much the monotonic clock went further than was planned: Stalled
	// and, where it does not stop for that, Slept.
	Late time.Duration
}

// Absent is how long the process did not run.
func (j Jump) Absent() time.Duration { return j.Stalled + j.Slept }

// Clock compares the machine's clocks. Its methods may be called at the same time. It
// notices a jump at the first call of any method after it, so those who share moments
// share a Clock.
type Clock struct {
	source  Source
	virtual bool // the caller has a Wall

	mu     sync.Mutex
	wall   time.Time     // the wall clock at the last reading
	at     time.Time     // the monotonic clock at the last reading
	slept  time.Duration // what the source said at the last reading
	known  bool
	sleeps []sleep
	asleep time.Duration // all sleeps together
	set    time.Duration
}

// sleep is a sleep of the host that was noticed at a time.
type sleep struct {
	noticed time.Time
	took    time.Duration
}

// maxSleeps bounds the sleeps that are remembered one by one.
const maxSleeps = 500

// New returns a clock that begins now.
func New(source Source) *Clock {
	if source.Slept == nil {
		source.Slept = Slept
		if source.Now != nil {
			source.Slept = func() (time.Duration, bool) { return 0, true }
		}
	}
	if source.Now == nil {
		source.Now = time.Now
	}
	virtual := source.Wall != nil
	if !virtual {
		source.Wall = source.Now
	}
	c := &Clock{source: source, virtual: virtual, at: source.Now(), wall: source.Wall().Round(0)}
	c.slept, c.known = source.Slept()
	return c
}

// read reads all clocks and accounts for what is out of line. The caller holds the lock.
func (c *Clock) read() {
	now, wall := c.source.Now(), c.source.Wall().Round(0)
	slept, known := c.source.Slept()
	passed := now.Sub(c.at)
	ahead := wall.Sub(c.wall) - passed
	asleep := time.Duration(0)
	switch {
	case known && c.known:
		asleep = max(0, slept-c.slept)
	case !monotonicSleeps:
		asleep = max(0, ahead) // it slept, or the clock was set
	}
	if asleep <= Tolerance {
		asleep = 0
	} else {
		if len(c.sleeps) == maxSleeps {
			c.sleeps = slices.Delete(c.sleeps, 0, 1)
		}
		c.sleeps = append(c.sleeps, sleep{now, asleep})
		c.asleep += asleep
		if !monotonicSleeps {
			ahead -= asleep
		}
	}
	if ahead > Tolerance || ahead < -Tolerance {
		c.set += ahead
	}
	c.at, c.wall, c.slept, c.known = now, wall, slept, known
}

// Watch looks at a [Clock] time and again, for one caller.
type Watch struct {
	clock       *Clock
	at          time.Time
	asleep, set time.Duration
}

// Watch returns a watch that begins now.
func (c *Clock) Watch() *Watch {
	w := &Watch{clock: c}
	w.Look(0)
	return w
}

// Look returns what happened since the last look. planned is how long the caller meant
// to take in between.
func (w *Watch) Look(planned time.Duration) Jump {
	c := w.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	j := Jump{Slept: c.asleep - w.asleep, Set: c.set - w.set}
	late := c.at.Sub(w.at) - planned
	w.at, w.asleep, w.set = c.at, c.asleep, c.set
	if late <= Tolerance {
		return j
	}
	j.Late, j.Stalled = late, late
	if monotonicSleeps {
		j.Stalled = max(0, late-j.Slept)
	}
	if j.Stalled <= Tolerance {
		j.Stalled = 0
	}
	return j
}

// Now returns the wall clock and by how much it has been set since New. A caller that
// keeps moments moves them by what set has changed by, and they stay comparable.
func (c *Clock) Now() (now time.Time, set time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	return c.wall, c.set
}

// At names a moment of this process by the wall clock as it stands now, whatever it
// showed then. A time without a monotonic reading comes from elsewhere and stays.
func (c *Clock) At(t time.Time) time.Time {
	if t.IsZero() || !c.isMoment(t) {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	return c.wall.Add(-c.between(t, c.at))
}

// isMoment reports whether a time is a moment of this process.
func (c *Clock) isMoment(t time.Time) bool { return c.virtual || t != t.Round(0) }

// Between returns how much time passed between two moments of this process, the
// host's sleep included.
func (c *Clock) Between(from, to time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	return c.between(from, to)
}

func (c *Clock) between(from, to time.Time) time.Duration {
	d := to.Sub(from)
	if monotonicSleeps || !c.isMoment(from) || !c.isMoment(to) {
		return d
	}
	for _, s := range c.sleeps {
		if from.Before(s.noticed) && !to.Before(s.noticed) {
			d += s.took
		}
	}
	return d
}
