package gateway

import "sync"

// watermark knows how far a session has been handled: every event up to and
// including its value is over, so a crash may replay only what lies above.
//
// Events enter in the order they were accepted and leave in any order.
type watermark struct {
	mu       sync.Mutex
	accepted int64
	pending  []*hold // in order of acceptance; the front is the oldest
	ended    bool
	moved    func(seq int64) // told about every new value, in order, under mu
}

// hold is one event whose handling is not over.
type hold struct {
	mark  *watermark
	seq   int64
	taken bool // Hold was called: the handler says when it is over
	over  bool
}

// pass notes an event that nobody asked for: it is over as it arrives.
func (w *watermark) pass(seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = max(w.accepted, seq)
	if len(w.pending) == 0 {
		w.tell()
	}
}

// enter notes an event that goes into the queue. The front stays the lowest
// number, also when Discord delivers out of order.
func (w *watermark) enter(seq int64) *hold {
	h := &hold{mark: w, seq: seq}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, h)
	for i := len(w.pending) - 1; i > 0 && w.pending[i-1].seq > seq; i-- {
		w.pending[i-1], w.pending[i] = w.pending[i], w.pending[i-1]
	}
	return h
}

// settle confirms that the entered event found room in the queue.
func (w *watermark) settle(seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = max(w.accepted, seq)
	if len(w.pending) == 0 {
		w.tell() // it was handled in the meantime
	}
}

// leave takes an entered event back: the queue was full.
func (w *watermark) leave(h *hold) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.over = true
	for i := len(w.pending) - 1; i >= 0; i-- {
		if w.pending[i] == h {
			w.pending = append(w.pending[:i], w.pending[i+1:]...)
			return
		}
	}
}

// take makes the handler responsible for ending the hold.
func (h *hold) take() func() {
	h.mark.mu.Lock()
	h.taken = true
	h.mark.mu.Unlock()
	return h.end
}

// untake leaves the end of the hold to whoever handles the event next.
func (h *hold) untake() {
	if h == nil {
		return
	}
	h.mark.mu.Lock()
	h.taken = false
	h.mark.mu.Unlock()
}

// returned ends the hold unless the handler has taken it.
func (h *hold) returned() {
	if h == nil {
		return
	}
	h.mark.mu.Lock()
	taken := h.taken
	h.mark.mu.Unlock()
	if !taken {
		h.end()
	}
}

// end marks the event as over and moves the mark past every event that is.
func (h *hold) end() {
	if h == nil {
		return
	}
	w := h.mark
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.over {
		return
	}
	h.over = true
	before := len(w.pending)
	for len(w.pending) > 0 && w.pending[0].over {
		w.pending[0] = nil
		w.pending = w.pending[1:]
	}
	if len(w.pending) != before {
		w.tell()
	}
}

// tell reports the value unless the session is over. The caller holds mu.
func (w *watermark) tell() {
	if !w.ended {
		w.moved(w.value())
	}
}

// report tells the value as it stands.
func (w *watermark) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell()
}

// retire silences the mark: its session is over. When it returns, moved is
// not called any more.
func (w *watermark) retire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

// value is the handled low-water mark. The caller holds mu.
func (w *watermark) value() int64 {
	if len(w.pending) == 0 {
		return w.accepted
	}
	return min(w.accepted, w.pending[0].seq-1)
}

// current is the handled low-water mark.
func (w *watermark) current() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value()
}

// idle reports whether nothing is pending.
func (w *watermark) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending) == 0
}
