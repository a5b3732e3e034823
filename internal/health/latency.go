package health

import (
	"math"
	"slices"
	"time"
)

// latencySamples is how many answered heartbeats the percentiles cover: about
// three hours at Discord's interval.
const latencySamples = 256

// Latency sums up the round trips of heartbeats (G-031). The percentiles are
// those of the last 256, by nearest rank; all are zero when there were none.
type Latency struct {
	Last          time.Duration
	At            time.Time // of Last
	P50, P95, P99 time.Duration
	Samples       int
}

// Sample is one answered heartbeat.
type Sample struct {
	At   time.Time
	Took time.Duration
}

// latencyWindow keeps the newest samples in a ring, and their summary until
// another sample is added.
type latencyWindow struct {
	samples []Sample
	next    int
	latency Latency
	stale   bool // latency is not that of the samples
}

func (w *latencyWindow) add(s Sample) {
	w.stale = true
	if len(w.samples) < latencySamples {
		w.samples = append(w.samples, s)
		return
	}
	w.samples[w.next] = s
	w.next = (w.next + 1) % latencySamples
}

// list returns the samples, oldest first.
func (w *latencyWindow) list() []Sample {
	if w.next == 0 {
		return slices.Clone(w.samples)
	}
	return slices.Concat(w.samples[w.next:], w.samples[:w.next])
}

// sum returns the summary of the samples.
func (w *latencyWindow) sum() Latency {
	if w.stale {
		w.latency, w.stale = summarise(w.list()), false
	}
	return w.latency
}

// summarise computes the percentiles of samples in any order.
func summarise(samples []Sample) Latency {
	if len(samples) == 0 {
		return Latency{}
	}
	l := Latency{Samples: len(samples)}
	sorted := make([]time.Duration, len(samples))
	for i, s := range samples {
		sorted[i] = s.Took
		if l.At.IsZero() || s.At.After(l.At) {
			l.At, l.Last = s.At, s.Took
		}
	}
	slices.Sort(sorted)
	rank := func(p float64) time.Duration {
		return sorted[int(math.Ceil(p*float64(len(sorted))))-1]
	}
	l.P50, l.P95, l.P99 = rank(0.50), rank(0.95), rank(0.99)
	return l
}
