package history

import (
	"slices"
	"time"
)

// Point is how long Discord took to answer around one time. Zero means not known.
type Point struct {
	At time.Time
	// Gateway is the round trip of a heartbeat, REST that of a request, and Max the
	// longest of a heartbeat in the period that the point stands for.
	Gateway, REST, Max time.Duration
}

// Rate is the events and commands of a period of length Per from At on.
type Rate struct {
	At  time.Time
	Per time.Duration
	Events
}

// maxPoints is how many points a query returns; neighbours are merged.
const maxPoints = 1000

// Latency returns how long Discord took to answer in the window before now, the
// oldest first: each round trip for up to an hour, by the minute for up to a day, by
// the hour for up to ninety days.
func (h *History) Latency(window time.Duration) []Point {
	h.update()
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.lastSnapshot
	from := now.Add(-window)
	if window > sampleAge {
		return makePoints(h.bucketsFor(window, from))
	}
	// The part of the hour before this process started is known by the minute.
	var early []bucket
	begun := now
	if len(h.samples) > 0 {
		begun = h.samples[0].at
	}
	for _, b := range h.past.minutes.with(h.minutes) {
		if !b.at.Before(from) && b.at.Add(time.Minute).Before(begun) {
			early = append(early, b)
		}
	}
	list := makePoints(early)
	for _, s := range h.samples {
		if !s.at.Before(from) {
			list = append(list, Point{At: s.at, Gateway: s.gateway, REST: s.rest, Max: s.gateway})
		}
	}
	return thinOut(list)
}

// Rates returns the events and commands of the window before now, the oldest first,
// by the minute for up to a day and by the hour for up to ninety days. Periods in
// which nothing happened may be missing.
func (h *History) Rates(window time.Duration) []Rate {
	h.update()
	h.mu.Lock()
	defer h.mu.Unlock()
	from := h.lastSnapshot.Add(-window)
	var list []Rate
	each := h.bucketLength(window)
	for _, b := range h.bucketsFor(window, from) {
		list = append(list, Rate{At: b.at, Per: each, Events: b.Events})
	}
	return list
}

// bucketLength returns the length of the buckets for a window.
func (h *History) bucketLength(window time.Duration) time.Duration {
	if window <= 24*time.Hour {
		return h.minutes.length
	}
	return h.hours.length
}

// bucketsFor returns the buckets of a window.
func (h *History) bucketsFor(window time.Duration, from time.Time) []bucket {
	all, length := h.past.hours.with(h.hours), h.hours.length
	if window <= 24*time.Hour {
		all, length = h.past.minutes.with(h.minutes), h.minutes.length
	}
	return slices.DeleteFunc(all, func(b bucket) bool { return !b.at.Add(length).After(from) || b.at.After(h.lastSnapshot) })
}

// makePoints returns a point for each bucket with round trips.
func makePoints(buckets []bucket) []Point {
	step := (len(buckets) + maxPoints - 1) / maxPoints
	var list []Point
	for n := 0; n < len(buckets); n += step {
		sums := Sums{}
		for _, b := range buckets[n:min(n+step, len(buckets))] {
			sums.add(b.Sums)
		}
		if sums.Gateway.N+sums.REST.N > 0 {
			list = append(list, Point{At: buckets[n].at, Gateway: sums.Gateway.Mean(), REST: sums.REST.Mean(), Max: sums.Gateway.Max})
		}
	}
	return list
}

// thinOut drops points evenly until at most maxPoints are left.
func thinOut(list []Point) []Point {
	step := (len(list) + maxPoints - 1) / maxPoints
	if step <= 1 {
		return list
	}
	var kept []Point
	for n := 0; n < len(list); n += step {
		kept = append(kept, list[n])
	}
	return kept
}
