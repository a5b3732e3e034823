package discordsim

import (
	"slices"
	"sort"
	"time"
)

// unrest is at heart when something was wrong, as spans of time that do not
// touch, oldest first. The verdict asks it whom to blame.
type unrest struct {
	spans   []span
	inForce int
	// settles is when the faults of one moment are over at the latest.
	settles time.Time
}

// span is a piece of time; to is zero while it is not over.
type span struct{ from, to time.Time }

// maxSpans is how many spans are remembered.
const maxSpans = 10_000

// settling is how long a fault of one moment takes to pass when it does not say
// so itself, recovery how long after a fault a client may still be busy with it.
const (
	settling = 5 * time.Second
	recovery = 3 * time.Second
)

// unrestOf is the unrest of one app, or of all.
func (s *Sim) unrestOf(app ID) *unrest {
	u := s.unrest[app]
	if u == nil {
		u = &unrest{}
		s.unrest[app] = u
	}
	return u
}

// begin notes a fault that lasts.
func (u *unrest) begin(now time.Time) {
	if u.inForce++; u.inForce == 1 {
		u.open(now)
		u.spans[len(u.spans)-1].to = time.Time{}
	}
}

// end notes that a fault which lasted is over.
func (u *unrest) end(now time.Time) {
	if u.inForce--; u.inForce == 0 {
		u.spans[len(u.spans)-1].to = later(now, u.settles)
	}
}

// moment notes a fault that strikes once and takes a while to pass.
func (u *unrest) moment(now time.Time, takes time.Duration) {
	u.settles = later(u.settles, now.Add(takes))
	if u.inForce == 0 {
		u.open(now)
		u.spans[len(u.spans)-1].to = u.settles
	}
}

// open begins a span, unless the last one reaches as far.
func (u *unrest) open(now time.Time) {
	if n := len(u.spans); n > 0 && !now.After(u.spans[n-1].to) {
		return
	}
	if len(u.spans) >= maxSpans {
		u.spans = slices.Delete(u.spans, 0, maxSpans/10)
	}
	u.spans = append(u.spans, span{from: now, to: now})
}

// touches reports whether anything was wrong, or had just been, within a piece
// of time.
func (u *unrest) touches(from, until time.Time) bool {
	i := sort.Search(len(u.spans), func(i int) bool { return u.spans[i].from.After(until) })
	if i == 0 {
		return false
	}
	last := u.spans[i-1]
	return last.to.IsZero() || last.to.Add(recovery).After(from)
}

// clear is when the last fault was over; now while one is in force.
func (u *unrest) clear(now time.Time) time.Time {
	n := len(u.spans)
	switch {
	case n == 0:
		return time.Time{}
	case u.spans[n-1].to.IsZero(), u.spans[n-1].to.After(now):
		return now
	}
	return u.spans[n-1].to
}

// disturbed reports whether a fault that could concern the app was in force, or
// had just ended, within a piece of time.
func (s *Sim) disturbed(app ID, from, until time.Time) bool {
	return s.unrestOf(0).touches(from, until) || s.unrestOf(app).touches(from, until)
}

// clearSince is when the last fault that could concern the app ended; now while
// one is in force.
func (s *Sim) clearSince(app ID, now time.Time) time.Time {
	return later(s.unrestOf(0).clear(now), s.unrestOf(app).clear(now))
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
