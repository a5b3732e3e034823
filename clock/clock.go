package clock

import (
	"slices"
	"sync/atomic"
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

// Clock compares the machine's clocks. Its methods may be called at the same time and
// wait for nothing, so heartbeats can share one with whatever else the process does. It
// notices a jump at the first call of any method after it, so those who share moments
// share a Clock.
type Clock struct {
	source  Source
	virtual bool // the caller has a Wall
	last    atomic.Pointer[reading]
}

// reading is what the clocks showed, and all jumps up to then. It does not change.
type reading struct {
	wall   time.Time // the wall clock
	at     time.Time // the monotonic clock
	slept  time.Duration
	known  bool // the source knows of sleeps
	sleeps []sleep
	asleep time.Duration // all sleeps together
	set    time.Duration
}

// sleep is a sleep of the host that was noticed at a time.
type sleep struct {
	noticed time.Time
	took    time.Duration
}

const (
	// maxSleeps bounds the sleeps that are remembered one by one.
	maxSleeps = 500
	// keepEvery is how often a reading without a jump is kept to compare the next ones
	// with, so that clocks that are slewed do not drift apart for long.
	keepEvery = time.Second
)

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
	c := &Clock{source: source, virtual: virtual}
	first := c.look()
	c.last.Store(&first)
	return c
}

// look reads all clocks, with no sleep in between: it would be taken for a clock that
// is set forth and back.
func (c *Clock) look() (r reading) {
	r.slept, r.known = c.source.Slept()
	for {
		before := r.slept
		r.at, r.wall = c.source.Now(), c.source.Wall().Round(0)
		if r.slept, r.known = c.source.Slept(); r.slept-before <= Tolerance {
			return r
		}
	}
}

// read reads all clocks and accounts for what is out of line. Of goroutines that notice
// the same jump one counts it, and the others read again.
func (c *Clock) read() reading {
	for {
		last := c.last.Load() // first, so that it is the older of the two
		now := c.look()
		jumped := now.follow(last)
		if !jumped && now.at.Sub(last.at) < keepEvery {
			return now
		}
		kept := now
		if c.last.CompareAndSwap(last, &kept) {
			return now
		}
	}
}

// follow takes over the jumps up to the last reading and adds what happened since.
func (r *reading) follow(last *reading) (jumped bool) {
	r.sleeps, r.asleep, r.set = last.sleeps, last.asleep, last.set
	ahead := r.wall.Sub(last.wall) - r.at.Sub(last.at)
	asleep := time.Duration(0)
	switch {
	case r.known && last.known:
		asleep = max(0, r.slept-last.slept)
	case !monotonicSleeps:
		asleep = max(0, ahead) // it slept, or the clock was set
	}
	if asleep > Tolerance {
		jumped = true
		r.sleeps = append(slices.Clone(last.sleeps[max(0, len(last.sleeps)+1-maxSleeps):]), sleep{r.at, asleep})
		r.asleep += asleep
		if !monotonicSleeps {
			ahead -= asleep
		}
	}
	if ahead > Tolerance || ahead < -Tolerance {
		jumped = true
		r.set += ahead
	}
	return jumped
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
	r := w.clock.read()
	j := Jump{Slept: r.asleep - w.asleep, Set: r.set - w.set}
	late := r.at.Sub(w.at) - planned
	w.at, w.asleep, w.set = r.at, r.asleep, r.set
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
	r := c.read()
	return r.wall, r.set
}

// At names a moment of this process by the wall clock as it stands now, whatever it
// showed then. A time without a monotonic reading comes from elsewhere and stays.
func (c *Clock) At(t time.Time) time.Time {
	if t.IsZero() || !c.isMoment(t) {
		return t
	}
	r := c.read()
	return r.wall.Add(-c.between(r, t, r.at))
}

// isMoment reports whether a time is a moment of this process.
func (c *Clock) isMoment(t time.Time) bool { return c.virtual || t != t.Round(0) }

// Between returns how much time passed between two moments of this process, the
// host's sleep included.
func (c *Clock) Between(from, to time.Time) time.Duration { return c.between(c.read(), from, to) }

func (c *Clock) between(r reading, from, to time.Time) time.Duration {
	d := to.Sub(from)
	if monotonicSleeps || !c.isMoment(from) || !c.isMoment(to) {
		return d
	}
	for _, s := range r.sleeps {
		if from.Before(s.noticed) && !to.Before(s.noticed) {
			d += s.took
		}
	}
	return d
}
