package discordsim

import (
	"slices"
	"sort"
	"time"
)

// faultWindow records when faults were in force, as spans of time that do not
// touch, oldest first. The verdict excuses by it what no client could have done.
type faultWindow struct {
	spans   []span
	inForce int
	// settles is when the effects of momentary faults have passed.
	settles time.Time
}

// span is a piece of time; to is zero while it is not over.
type span struct{ from, to time.Time }

// maxSpans is how many spans are remembered.
const maxSpans = 10_000

// defaultSettling is how long the effect of a momentary fault lasts when it has no Delay,
// recovery how long after a fault a client may still be busy with it.
const (
	defaultSettling = 5 * time.Second
	recovery        = 3 * time.Second
)

// begin notes a fault that lasts.
func (w *faultWindow) begin(now time.Time) {
	if w.inForce++; w.inForce == 1 {
		w.open(now)
		w.spans[len(w.spans)-1].to = time.Time{}
	}
}

// end notes that a fault which lasted is over.
func (w *faultWindow) end(now time.Time) {
	if w.inForce--; w.inForce == 0 {
		w.spans[len(w.spans)-1].to = later(now, w.settles)
	}
}

// once notes a fault that strikes once and takes a while to pass.
func (w *faultWindow) once(now time.Time, takes time.Duration) {
	w.settles = later(w.settles, now.Add(takes))
	if w.inForce == 0 {
		w.open(now)
		w.spans[len(w.spans)-1].to = w.settles
	}
}

// open begins a span, unless the last one reaches as far.
func (w *faultWindow) open(now time.Time) {
	if n := len(w.spans); n > 0 && !now.After(w.spans[n-1].to) {
		return
	}
	if len(w.spans) >= maxSpans {
		w.spans = slices.Delete(w.spans, 0, maxSpans/10)
	}
	w.spans = append(w.spans, span{from: now, to: now})
}

// overlaps reports whether anything was wrong, or had just been, within a piece
// of time.
func (w *faultWindow) overlaps(from, until time.Time) bool {
	i := sort.Search(len(w.spans), func(i int) bool { return w.spans[i].from.After(until) })
	if i == 0 {
		return false
	}
	last := w.spans[i-1]
	return last.to.IsZero() || last.to.Add(recovery).After(from)
}

// within is for how long something was wrong within a piece of time.
func (w *faultWindow) within(from, until time.Time) (d time.Duration) {
	for _, s := range slices.Backward(w.spans) {
		if !s.to.IsZero() && !s.to.After(from) {
			break
		}
		begin, end := later(s.from, from), until
		if !s.to.IsZero() && s.to.Before(until) {
			end = s.to
		}
		d += max(0, end.Sub(begin))
	}
	return d
}

// faultWindows are when faults limited to one app, or to none, were in force: any,
// and those that keep a connected bot from answering.
type faultWindows struct{ any, hindering faultWindow }

func (s *Sim) windowsOf(app ID) *faultWindows {
	w := s.faultWindows[app]
	if w == nil {
		w = &faultWindows{}
		s.faultWindows[app] = w
	}
	return w
}

// forKind calls do for the windows that a fault belongs to.
func (w *faultWindows) forKind(f Fault, do func(*faultWindow)) {
	do(&w.any)
	if f.hinders() {
		do(&w.hindering)
	}
}

// harmlessFaults are the faults that do not keep a bot with a connection from
// answering: they change how events and heartbeats go, or concern only those
// that want a connection.
var harmlessFaults = []string{
	"zombie", "ack-delay", "duplicate", "lost", "reorder", "malformed", "server-beat", "rest-skew", "hello-interval", "ready-seq", "resumed-seq", "ready-url", "gateway-bot", "op7-first", "no-hello", "no-ready", "ready-op9",
	"ready-drop", "always-close", "resume-op9-true", "resume-op9-false", "resume-silent", "resume-dead", "stuck-session",
}

// smallDelay is a latency that excuses nothing.
const smallDelay = 500 * time.Millisecond

// hinders reports whether the fault can keep a connected bot from answering.
func (f Fault) hinders() bool {
	return !slices.Contains(harmlessFaults, f.Name) && (f.Name != "latency" || f.Delay+f.textDuration() > smallDelay)
}

// faultWithin reports whether a fault that could concern the app was in force, or
// had just ended, within a piece of time.
func (s *Sim) faultWithin(app ID, from, until time.Time) bool {
	return s.windowsOf(0).any.overlaps(from, until) || s.windowsOf(app).any.overlaps(from, until)
}

// hinderedWithin is faultWithin for the faults that can keep a connected bot from
// answering.
func (s *Sim) hinderedWithin(app ID, from, until time.Time) bool {
	return s.windowsOf(0).hindering.overlaps(from, until) || s.windowsOf(app).hindering.overlaps(from, until)
}

// undisturbed is for how long nothing kept a connected bot from answering within a
// piece of time, at least.
func (s *Sim) undisturbed(app ID, from, until time.Time) time.Duration {
	return until.Sub(from) - s.windowsOf(0).hindering.within(from, until) - s.windowsOf(app).hindering.within(from, until)
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
