package gateway

import (
	"slices"
	"sync"
)

// watermark is the low-water mark of a session: every event up to and including its
// value has been handled. After a crash only what lies above is replayed.
//
// Events are added in the order they were accepted and finish in any order.
type watermark struct {
	mu       sync.Mutex
	accepted int64
	pending  []*pendingEvent // the front has the lowest number
	closed   bool
	onChange func(seq int64) // called with every new value, in order, under mu
}

// pendingEvent is an event that has not been handled yet.
type pendingEvent struct {
	watermark *watermark
	seq       int64
	held      bool // Hold was called: the handler says when it has been handled
	handled   bool
}

// add records an event that goes into the queue. The front stays the lowest number,
// also when Discord delivers out of order. An event without a number takes its place
// behind all that has been accepted.
func (w *watermark) add(seq int64) *pendingEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	if seq <= 0 {
		seq = w.accepted + 1
	}
	p := &pendingEvent{watermark: w, seq: seq}
	w.pending = append(w.pending, p)
	for i := len(w.pending) - 1; i > 0 && w.pending[i-1].seq > seq; i-- {
		w.pending[i-1], w.pending[i] = w.pending[i], w.pending[i-1]
	}
	return p
}

// accept records that an event has been accepted: an added one, for which the queue had
// room, or one that is not wanted, which counts as handled at once.
func (w *watermark) accept(seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = max(w.accepted, seq)
	if len(w.pending) == 0 {
		w.reportLocked() // an added one was handled in the meantime
	}
}

// remove takes an added event back: the queue was full.
func (w *watermark) remove(p *pendingEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = slices.DeleteFunc(w.pending, func(other *pendingEvent) bool { return other == p })
}

// hold leaves it to the handler to finish the event.
func (p *pendingEvent) hold() func() {
	p.watermark.mu.Lock()
	p.held = true
	p.watermark.mu.Unlock()
	return p.finish
}

// unhold undoes hold: the next handler finishes the event, or its return does.
func (p *pendingEvent) unhold() {
	if p == nil {
		return
	}
	p.watermark.mu.Lock()
	p.held = false
	p.watermark.mu.Unlock()
}

// handlerReturned finishes the event unless the handler holds it.
func (p *pendingEvent) handlerReturned() {
	if p == nil {
		return
	}
	p.watermark.mu.Lock()
	taken := p.held
	p.watermark.mu.Unlock()
	if !taken {
		p.finish()
	}
}

// finish marks the event as handled and moves the mark past every event that is. Further
// calls do nothing.
func (p *pendingEvent) finish() {
	if p == nil {
		return
	}
	w := p.watermark
	w.mu.Lock()
	defer w.mu.Unlock()
	p.handled = true
	before := len(w.pending)
	for len(w.pending) > 0 && w.pending[0].handled {
		w.pending[0] = nil
		w.pending = w.pending[1:]
	}
	if len(w.pending) != before {
		w.reportLocked()
	}
}

// reportLocked reports the value unless the mark is closed. The caller holds mu.
func (w *watermark) reportLocked() {
	if !w.closed {
		w.onChange(w.valueLocked())
	}
}

// report reports the value as it is.
func (w *watermark) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reportLocked()
}

// close ends all reports: the session is over. Once it has returned, onChange is not
// called any more.
func (w *watermark) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// valueLocked is the handled low-water mark. The caller holds mu.
func (w *watermark) valueLocked() int64 {
	if len(w.pending) == 0 {
		return w.accepted
	}
	return min(w.accepted, w.pending[0].seq-1)
}

// value is the handled low-water mark.
func (w *watermark) value() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.valueLocked()
}

// isIdle reports whether nothing is pending.
func (w *watermark) isIdle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending) == 0
}
