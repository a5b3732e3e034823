package health

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Statements: G-031.
func TestLatency(t *testing.T) {
	var w latencyWindow
	if l := summarise(w.list()); l != (Latency{}) {
		t.Errorf("got %+v", l)
	}
	w.add(Sample{At: evening, Took: time.Second})
	if l := summarise(w.list()); l != (Latency{Last: time.Second, At: evening, P50: time.Second, P95: time.Second, P99: time.Second, Samples: 1}) {
		t.Errorf("got %+v", l)
	}
	w = latencyWindow{}
	for n := range 300 {
		w.add(Sample{At: evening.Add(time.Duration(n) * time.Second), Took: time.Duration(n) * time.Millisecond})
	}
	list := w.list()
	if len(list) != latencySamples || list[0].Took != 44*time.Millisecond || list[255].Took != 299*time.Millisecond {
		t.Errorf("%d samples from %s to %s", len(list), list[0].Took, list[len(list)-1].Took)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	l := summarise(list)
	if l.P50 != 171*time.Millisecond || l.P95 != 287*time.Millisecond || l.P99 != 297*time.Millisecond || l.Last != 299*time.Millisecond {
		t.Errorf("got %+v", l)
	}
}

// Whatever round trips come, and come again, the window's percentiles are those of
// a sort of what is in it.
func TestWindowInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	w := latencyWindow{}
	for n := range 4 * latencySamples {
		w.add(Sample{At: evening.Add(time.Duration(r.IntN(n+1)) * time.Second), Took: time.Duration(r.IntN(40)) * time.Millisecond})
		if got, want := w.sum(), summarise(w.list()); got != want {
			t.Fatalf("after %d: %+v, want %+v", n+1, got, want)
		}
	}
}
