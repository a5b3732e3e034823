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
	moved    func(seq int64)
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
	w.accepted = max(w.accepted, seq)
	if len(w.pending) == 0 {
		w.moved(w.accepted)
	}
	w.mu.Unlock()
}

// enter notes an event that goes into the queue.
func (w *watermark) enter(seq int64) *hold {
	h := &hold{mark: w, seq: seq}
	w.mu.Lock()
	w.accepted = max(w.accepted, seq)
	w.pending = append(w.pending, h)
	w.mu.Unlock()
	return h
}

// take makes the handler responsible for ending the hold.
func (h *hold) take() func() {
	h.mark.mu.Lock()
	h.taken = true
	h.mark.mu.Unlock()
	return h.end
}

// returned ends the hold unless the handler has taken it.
func (h *hold) returned() {
	h.mark.mu.Lock()
	taken := h.taken
	h.mark.mu.Unlock()
	if !taken {
		h.end()
	}
}

// end marks the event as over and moves the mark past every event that is.
func (h *hold) end() {
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
		w.moved(w.value())
	}
}

// value is the handled low-water mark. The caller holds mu.
func (w *watermark) value() int64 {
	if len(w.pending) == 0 {
		return w.accepted
	}
	return min(w.accepted, w.pending[0].seq-1)
}

// idle reports whether nothing is pending.
func (w *watermark) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending) == 0
}
