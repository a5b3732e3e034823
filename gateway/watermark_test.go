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
				w.skip(seq)
			} else {
				open[seq] = w.add(seq)
				w.confirm(seq)
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
	w.confirm(1)
	w.close()
	h.finish()
	w.skip(2)
	if told != 0 {
		t.Errorf("a session that is over was reported %d times", told)
	}
}
