package history

import (
	"slices"
	"time"
)

// past is what earlier runs have left: it does not change, and stays apart from what this
// run adds. So a clock that is set moves this run against it, and one that begins in the
// past, as on a machine without a clock that runs on, hides none of it for good.
type past struct {
	timelines      map[int]timeline
	minutes, hours series
}

func newMinutes() series { return series{kind: MinuteRecord, length: time.Minute} }
func newHours() series   { return series{kind: HourRecord, length: time.Hour} }

// newPast makes the past of records, and returns what has to be added to them: the
// offline time since the last sign of life, and the hour in which the last run ended.
func newPast(records []Record, alive, now time.Time) (p past, opening []Record) {
	p = past{timelines: make(map[int]timeline), minutes: newMinutes(), hours: newHours()}
	known := map[time.Time]bool{} // hours
	for _, r := range records {
		switch r.At = r.At.Round(0); r.Kind {
		case LevelRecord:
			p.timelines[r.Shard] = p.timelines[r.Shard].add(levelChange{r.At, r.Level})
		case MinuteRecord:
			p.minutes.add(r.At, r.Sums)
		case HourRecord:
			p.hours.add(r.At, r.Sums)
			known[r.At.UTC().Truncate(time.Hour)] = true
		}
		if r.At.After(alive) {
			alive = r.At
		}
	}
	// The hour in which the previous run ended is added up from its minutes.
	for _, m := range p.minutes.buckets {
		if hour := m.at.Truncate(time.Hour); !known[hour] {
			p.hours.add(hour, m.Sums)
		}
	}
	for n, b := range p.hours.buckets {
		if !known[b.at] && !b.at.Add(time.Hour).After(now) {
			opening = append(opening, p.hours.record(n))
		}
	}
	for shard, l := range p.timelines {
		if shard == workLine || l.level() == Unknown {
			continue
		}
		if offline := l.add(levelChange{alive, Offline}); len(offline) != len(l) {
			p.timelines[shard] = offline
			opening = append(opening, Record{Kind: LevelRecord, At: alive, Shard: shard, Level: Offline})
		}
	}
	p.minutes.handedOut, p.hours.handedOut = len(p.minutes.buckets), len(p.hours.buckets)
	return p, opening
}

// records returns all of it.
func (p past) records() []Record { return recordsOf(p.timelines, &p.minutes, &p.hours) }

// recordsOf returns the records of timelines and of the buckets that have been handed
// out.
func recordsOf(timelines map[int]timeline, kept ...*series) (all []Record) {
	for id, l := range timelines {
		for _, m := range l {
			all = append(all, Record{Kind: LevelRecord, At: m.at, Shard: id, Level: m.level})
		}
	}
	for _, s := range kept {
		for n := range s.handedOut {
			all = append(all, s.record(n))
		}
	}
	return all
}

// lines are the numbers of all timelines. The caller holds the lock.
func (h *History) lines() []int {
	var ids []int
	for id := range h.past.timelines {
		ids = append(ids, id)
	}
	for id := range h.timelines {
		if _, known := h.past.timelines[id]; !known {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// line returns the timeline of earlier runs and this one. The caller holds the lock.
func (h *History) line(id int) timeline {
	before, own := h.past.timelines[id], h.timelines[id]
	if len(own) == 0 {
		return before
	}
	n := len(before)
	for n > 0 && !before[n-1].at.Before(own[0].at) {
		n--
	}
	return append(slices.Clone(before[:n]), own...)
}

// level returns the newest level of a timeline. The caller holds the lock.
func (h *History) level(id int) Level {
	if own := h.timelines[id]; len(own) > 0 {
		return own.level()
	}
	return h.past.timelines[id].level()
}

// setClock moves the moments of this run when the clock is set. The storage gets them
// anew. The caller holds the lock.
func (h *History) setClock(set time.Duration) {
	by := set - h.clockSet
	if by == 0 {
		return
	}
	h.clockSet = set
	for _, t := range []*time.Time{&h.lastSnapshot, &h.countsSince, &h.presenceAt} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	for _, l := range h.timelines {
		for n := range l {
			l[n].at = l[n].at.Add(by)
		}
	}
	for n := range h.samples {
		h.samples[n].at = h.samples[n].at.Add(by)
	}
	h.minutes, h.hours = h.minutes.moved(by), h.hours.moved(by)
	h.lastRestate = time.Time{}
	h.pending = nil
	h.opts.Storage.Replace(h.ownRecords())
}

// moved returns the series with its buckets elsewhere.
func (s *series) moved(by time.Duration) series {
	m := series{kind: s.kind, length: s.length}
	for n, b := range s.buckets {
		if m.add(b.at.Add(by), b.Sums); n < s.handedOut {
			m.handedOut = len(m.buckets)
		}
	}
	return m
}

// with returns the buckets of both series, the oldest first; those of the same time are
// added up.
func (s *series) with(o series) []bucket {
	all := slices.Clone(s.buckets)
	for _, b := range o.buckets {
		n, found := slices.BinarySearchFunc(all, b.at, func(b bucket, t time.Time) int { return b.at.Compare(t) })
		if !found {
			all = slices.Insert(all, n, bucket{at: b.at})
		}
		all[n].add(b.Sums)
	}
	return all
}
