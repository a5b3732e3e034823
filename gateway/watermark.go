package gateway

import "sync"

// watermark knows how far a session has been handled: every event up to and
// including its value is over, so a crash may replay only what lies above.
//
// Events enter in the order they were accepted and leave in any order.
type watermark struct {
	mu       sync.Mutex
	accepted int64
	pending  []*pendingEvent // in order of acceptance; the front is the oldest
	closed   bool
	onChange func(seq int64) // told about every new value, in order, under mu
}

// pendingEvent is one event whose handling is not over.
type pendingEvent struct {
	watermark *watermark
	seq       int64
	held      bool // Hold was called: the handler says when it is over
	handled   bool
}

// skip notes an event that nobody asked for: it is over as it arrives.
func (w *watermark) skip(seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = max(w.accepted, seq)
	if len(w.pending) == 0 {
		w.reportLocked()
	}
}

// add notes an event that goes into the queue. The front stays the lowest
// number, also when Discord delivers out of order.
func (w *watermark) add(seq int64) *pendingEvent {
	h := &pendingEvent{watermark: w, seq: seq}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, h)
	for i := len(w.pending) - 1; i > 0 && w.pending[i-1].seq > seq; i-- {
		w.pending[i-1], w.pending[i] = w.pending[i], w.pending[i-1]
	}
	return h
}

// confirm confirms that the entered event found room in the queue.
func (w *watermark) confirm(seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = max(w.accepted, seq)
	if len(w.pending) == 0 {
		w.reportLocked() // it was handled in the meantime
	}
}

// remove takes an entered event back: the queue was full.
func (w *watermark) remove(h *pendingEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.handled = true
	for i := len(w.pending) - 1; i >= 0; i-- {
		if w.pending[i] == h {
			w.pending = append(w.pending[:i], w.pending[i+1:]...)
			return
		}
	}
}

// hold makes the handler responsible for ending the hold.
func (h *pendingEvent) hold() func() {
	h.watermark.mu.Lock()
	h.held = true
	h.watermark.mu.Unlock()
	return h.finish
}

// unhold leaves the end of the hold to whoever handles the event next.
func (h *pendingEvent) unhold() {
	if h == nil {
		return
	}
	h.watermark.mu.Lock()
	h.held = false
	h.watermark.mu.Unlock()
}

// handlerReturned ends the hold unless the handler has taken it.
func (h *pendingEvent) handlerReturned() {
	if h == nil {
		return
	}
	h.watermark.mu.Lock()
	taken := h.held
	h.watermark.mu.Unlock()
	if !taken {
		h.finish()
	}
}

// finish marks the event as over and moves the mark past every event that is.
func (h *pendingEvent) finish() {
	if h == nil {
		return
	}
	w := h.watermark
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.handled {
		return
	}
	h.handled = true
	before := len(w.pending)
	for len(w.pending) > 0 && w.pending[0].handled {
		w.pending[0] = nil
		w.pending = w.pending[1:]
	}
	if len(w.pending) != before {
		w.reportLocked()
	}
}

// reportLocked reports the value unless the session is over. The caller holds mu.
func (w *watermark) reportLocked() {
	if !w.closed {
		w.onChange(w.valueLocked())
	}
}

// report tells the value as it stands.
func (w *watermark) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reportLocked()
}

// close silences the mark: its session is over. When it returns, moved is
// not called any more.
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
