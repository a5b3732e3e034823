package history

import "time"

// Point is how long Discord took to answer around one moment. Zero means that
// it is not known.
type Point struct {
	At time.Time
	// Gateway is the round trip of a heartbeat, Max the longest one of the time
	// the point stands for, REST that of a request.
	Gateway, REST, Max time.Duration
}

// Rate is what was asked and done from At on for as long as Per.
type Rate struct {
	At  time.Time
	Per time.Duration
	Events
}

// mostPoints bounds an answer; neighbours are put together until it fits.
const mostPoints = 1000

// Latency tells how long Discord took to answer over the time before now, oldest
// first: as it came for up to an hour, by the minute for up to a day, by the
// hour for up to ninety.
func (h *History) Latency(window time.Duration) []Point {
	h.look()
	now := wall(h.opts.Now())
	from := now.Add(-window)
	h.mu.Lock()
	defer h.mu.Unlock()
	if window > raw {
		return points(h.pick(window, from))
	}
	// The part of the hour before this run is known by the minute.
	var early []bucket
	begun := now
	if len(h.raw) > 0 {
		begun = h.raw[0].at
	}
	for _, b := range h.minutes.buckets {
		if !b.at.Before(from) && b.at.Add(time.Minute).Before(begun) {
			early = append(early, b)
		}
	}
	list := points(early)
	for _, s := range h.raw {
		if !s.at.Before(from) {
			list = append(list, Point{At: s.at, Gateway: s.gateway, REST: s.rest, Max: s.gateway})
		}
	}
	return thin(list)
}

// Rates tells what was asked and done over the time before now, oldest first, by
// the minute for up to a day and by the hour for up to ninety. Stretches in
// which nothing happened may be missing.
func (h *History) Rates(window time.Duration) []Rate {
	h.look()
	from := wall(h.opts.Now()).Add(-window)
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Rate
	each := h.each(window)
	for _, b := range h.pick(window, from) {
		list = append(list, Rate{At: b.at, Per: each, Events: b.Events})
	}
	return list
}

// each is the length of the buckets that answer for a window.
func (h *History) each(window time.Duration) time.Duration {
	if window <= 24*time.Hour {
		return h.minutes.each
	}
	return h.hours.each
}

// pick returns the buckets that answer for a window.
func (h *History) pick(window time.Duration, from time.Time) []bucket {
	s := &h.hours
	if window <= 24*time.Hour {
		s = &h.minutes
	}
	n := 0
	for n < len(s.buckets) && !s.buckets[n].at.Add(s.each).After(from) {
		n++
	}
	return s.buckets[n:]
}

// points makes points out of buckets, those without a round trip left out.
func points(buckets []bucket) []Point {
	step := (len(buckets) + mostPoints - 1) / mostPoints
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

// thin leaves out points where there are too many.
func thin(list []Point) []Point {
	step := (len(list) + mostPoints - 1) / mostPoints
	if step <= 1 {
		return list
	}
	var kept []Point
	for n := 0; n < len(list); n += step {
		kept = append(kept, list[n])
	}
	return kept
}
