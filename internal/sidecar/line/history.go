package line

import "time"

// history knows what was confirmed at a time up to historySpan before the last confirmation.
type history struct{ entries []confirmation } // oldest first

// historySpan is how far back history reaches.
const historySpan = 2 * time.Second

// historyStep is how long confirmations may be merged into one, which counts as late as the
// last of them. So a history has at most 42 entries, and errs towards what was confirmed
// less.
const historyStep = 50 * time.Millisecond

// confirmation is a confirmed number, or several that came within historyStep.
type confirmation struct {
	from, at time.Time // of the first and the last of them
	seq      int64
}

// add records that seq was confirmed now.
func (h *history) add(seq int64, now time.Time) {
	if n := len(h.entries); n > 0 && now.Sub(h.entries[n-1].from) < historyStep {
		h.entries[n-1].at, h.entries[n-1].seq = now, seq
		return
	}
	old := 0
	for old+1 < len(h.entries) && now.Sub(h.entries[old+1].at) >= historySpan {
		old++
	}
	n := copy(h.entries, h.entries[old:])
	h.entries = append(h.entries[:n], confirmation{from: now, at: now, seq: seq})
}

// before is what had been confirmed at a time; 0 if that is further back than history
// reaches.
func (h *history) before(t time.Time) int64 {
	for i := len(h.entries) - 1; i >= 0; i-- {
		if !h.entries[i].at.After(t) {
			return h.entries[i].seq
		}
	}
	return 0
}

// last is when something was confirmed last; zero: never.
func (h *history) last() time.Time {
	if len(h.entries) == 0 {
		return time.Time{}
	}
	return h.entries[len(h.entries)-1].at
}
