package gateway

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Statements: G-052.
func TestWatermarkNeverPassesUnhandledEvents(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var told []int64
		w := &watermark{onChange: func(seq int64) { told = append(told, seq) }}
		open := map[int64]*pendingEvent{}
		for seq := int64(1); seq <= 200; seq++ {
			if rng.IntN(3) == 0 {
				w.accept(seq)
			} else {
				open[seq] = w.add(seq)
				w.accept(seq)
			}
			for s, h := range open {
				if rng.IntN(4) == 0 {
					h.finish()
					h.finish() // twice is once
					delete(open, s)
				}
			}
			oldest := seq + 1
			for s := range open {
				oldest = min(oldest, s)
			}
			if got := w.value(); got != oldest-1 {
				t.Fatalf("seed %d: mark %d, oldest open %d", seed, got, oldest)
			}
		}
		if !slices.IsSorted(told) {
			t.Fatalf("seed %d: the mark went back: %v", seed, told)
		}
	}
}

func TestRetiredWatermarkIsSilent(t *testing.T) {
	told := 0
	w := &watermark{onChange: func(int64) { told++ }}
	h := w.add(1)
	w.accept(1)
	w.close()
	h.finish()
	w.accept(2)
	if told != 0 {
		t.Errorf("a session that is over was reported %d times", told)
	}
}

// Given events that come out of order, late ones and ones without a number among them, then
// the mark stays below the lowest that is not handled, and one without a number counts as
// the next one.
// Statements: G-052.
func TestWatermarkOfEventsOutOfOrder(t *testing.T) {
	for name, c := range map[string]struct {
		add    []int64 // the events, in the order in which they come
		finish []int   // those that are handled then, one after another
		marks  []int64 // the mark when all have come, and after each that is handled
	}{
		"in order":               {[]int64{6, 7, 8}, []int{0, 1, 2}, []int64{5, 6, 7, 8}},
		"the last is first":      {[]int64{6, 7, 8}, []int{2, 1, 0}, []int64{5, 5, 5, 8}},
		"one comes late":         {[]int64{7, 8, 6}, []int{0, 1, 2}, []int64{5, 5, 5, 8}},
		"two come late":          {[]int64{9, 6, 7}, []int{1, 2, 0}, []int64{5, 6, 8, 9}},
		"a late one is first":    {[]int64{8, 6}, []int{1, 0}, []int64{5, 7, 8}},
		"without a number":       {[]int64{0, 6, 7}, []int{1, 2, 0}, []int64{5, 5, 5, 7}},
		"without a number, last": {[]int64{6, 0}, []int{1, 0}, []int64{5, 5, 6}},
		"nothing but those":      {[]int64{0, 0}, []int{0, 1}, []int64{5, 5, 5}},
		"a negative number":      {[]int64{-3, 6}, []int{1, 0}, []int64{5, 5, 6}},
	} {
		w := &watermark{accepted: 5, onChange: func(int64) {}}
		var events []*pendingEvent
		for _, seq := range c.add {
			events = append(events, w.add(seq))
			w.accept(seq)
		}
		marks := []int64{w.value()}
		for _, i := range c.finish {
			if w.isIdle() {
				t.Errorf("%s: nothing is pending before %d is handled", name, i)
			}
			events[i].finish()
			marks = append(marks, w.value())
		}
		if !slices.Equal(marks, c.marks) || !w.isIdle() {
			t.Errorf("%s: the marks are %v, want %v; nothing is pending: %t", name, marks, c.marks, w.isIdle())
		}
	}
}

// Given an event for which the queue has no room, when it is taken back, then the others are
// as before, and to finish it changes nothing.
func TestRemovedEventLeavesNoTrace(t *testing.T) {
	for removed := range 3 {
		var told []int64
		w := &watermark{onChange: func(seq int64) { told = append(told, seq) }}
		var events []*pendingEvent
		for seq := int64(1); seq <= 3; seq++ {
			events = append(events, w.add(seq))
		}
		w.remove(events[removed])
		events[removed].finish()
		if len(told) != 0 {
			t.Errorf("without event %d: the marks %v are told", removed+1, told)
		}
		kept := 0
		for i, p := range events {
			if i != removed {
				w.accept(p.seq)
				kept++
			}
		}
		for i, p := range events {
			if i == removed {
				continue
			}
			if w.isIdle() || w.value() != p.seq-1 && i != removed+1 {
				t.Errorf("without event %d: before event %d the mark is %d", removed+1, i+1, w.value())
			}
			p.finish()
		}
		if !w.isIdle() || len(told) != kept || told[kept-1] != w.value() {
			t.Errorf("without event %d: the marks %v are told, nothing is pending: %t", removed+1, told, w.isIdle())
		}
	}
}

// An event that is not wanted moves the mark at once, unless an event before it is pending.
// Each new value is told.
func TestUnwantedEventsMoveTheMark(t *testing.T) {
	var told []int64
	w := &watermark{onChange: func(seq int64) { told = append(told, seq) }}
	w.accept(1)
	p := w.add(2)
	w.accept(2)
	w.accept(3)
	if want := []int64{1}; !slices.Equal(told, want) || w.value() != 1 {
		t.Errorf("while the second is pending, %v are told, want %v; the mark is %d", told, want, w.value())
	}
	later := w.add(4)
	w.accept(4)
	later.finish()
	if len(told) != 1 {
		t.Errorf("what does not move the mark is told: %v", told)
	}
	p.finish()
	w.accept(2) // late
	if want := []int64{1, 4, 4}; !slices.Equal(told, want) || w.value() != 4 {
		t.Errorf("%v are told, want %v; the mark is %d", told, want, w.value())
	}
	quick := w.add(5)
	quick.finish() // before it is known that the queue had room
	w.accept(5)
	if w.value() != 5 || told[len(told)-1] != 5 {
		t.Errorf("%v are told; the mark is %d, want 5", told, w.value())
	}
}
