package history

import (
	"cmp"
	"slices"
	"time"

	"evergreen/internal/health"
)

// All is the number of all shards together.
const All = -1

// Totals is how long each level lasted in a period; together they are its length.
type Totals struct {
	Online, Degraded, Offline, Unknown time.Duration
}

func (t *Totals) add(level Level, d time.Duration) {
	switch level {
	case Online:
		t.Online += d
	case Degraded:
		t.Degraded += d
	case Offline:
		t.Offline += d
	default:
		t.Unknown += d
	}
}

// Share returns the part of the known time, 0 to 1, in which the bot was online or
// degraded; negative if nothing is known.
func (t Totals) Share() float64 {
	up := t.Online + t.Degraded
	if up+t.Offline == 0 {
		return -1
	}
	return float64(up) / float64(up+t.Offline)
}

// Uptime is how the bot has been between two times.
type Uptime struct {
	From, To time.Time
	Totals
	// Days are the days in UTC, the oldest first; the first and the last only as far
	// as they belong to the period.
	Days []Day
}

// Day is one day of an [Uptime].
type Day struct {
	// Date is its beginning, midnight in UTC.
	Date time.Time
	Totals
	// Incidents is how many began on it. Worst is the one in which the bot was shown
	// offline for longest, or that lasted longest; nil if all were routine.
	Incidents int
	Worst     *health.Incident
}

// maxIncidents is how many incidents are read for the days.
const maxIncidents = 5000

// Uptime adds up how the bot has been in the window before now, at most 90 days;
// shard is the number of one shard, or [All].
func (h *History) Uptime(shard int, window time.Duration) Uptime {
	from, to, spans := h.spans(shard, window)
	u := Uptime{From: from, To: to}
	for day := from.UTC().Truncate(24 * time.Hour); day.Before(to); day = day.Add(24 * time.Hour) {
		u.Days = append(u.Days, Day{Date: day})
	}
	for _, s := range spans {
		u.add(s.Level, s.To.Sub(s.From))
		for n := range u.Days {
			day := &u.Days[n]
			begin, end := day.Date, day.Date.Add(24*time.Hour)
			if s.From.After(begin) {
				begin = s.From
			}
			if s.To.Before(end) {
				end = s.To
			}
			if begin.Before(end) {
				day.add(s.Level, end.Sub(begin))
			}
		}
	}
	h.addIncidents(&u, shard)
	return u
}

// Spans returns the levels in the window before now, the oldest first, without gaps;
// shard is the number of one shard, or [All].
func (h *History) Spans(shard int, window time.Duration) []Span {
	_, _, spans := h.spans(shard, window)
	return spans
}

func (h *History) spans(shard int, window time.Duration) (from, to time.Time, spans []Span) {
	h.update()
	h.mu.Lock()
	defer h.mu.Unlock()
	to = h.lastSnapshot
	from = to.Add(-min(max(window, 0), horizon))
	if shard != All {
		one := func(levels []Level) Level { return levels[0] }
		return from, to, mergeTimelines([]timeline{h.line(shard)}, from, to, one)
	}
	lines := []timeline{h.line(workLine)}
	for _, id := range h.lines() {
		if id != workLine {
			lines = append(lines, h.line(id))
		}
	}
	return from, to, mergeTimelines(lines, from, to, func(levels []Level) Level {
		all := combine(levels[1:])
		if all == Online && levels[0] == Degraded {
			return Degraded
		}
		return all
	})
}

// addIncidents fills in the incidents of the days.
func (h *History) addIncidents(u *Uptime, shard int) {
	if h.opts.Incidents == nil {
		return
	}
	for _, i := range h.opts.Incidents(maxIncidents) {
		n, found := slices.BinarySearchFunc(u.Days, i.Start.UTC().Truncate(24*time.Hour), func(d Day, t time.Time) int { return d.Date.Compare(t) })
		if !found || i.Start.Before(u.From) || shard != All && i.Shard.ID != shard {
			continue
		}
		day := &u.Days[n]
		day.Incidents++
		if !i.Routine() && (day.Worst == nil || isWorse(i, *day.Worst, u.To)) {
			day.Worst = &i
		}
	}
}

// isWorse reports whether a cost more than b.
func isWorse(a, b health.Incident, now time.Time) bool {
	return cmp.Or(cmp.Compare(a.ShownOffline(now), b.ShownOffline(now)), cmp.Compare(a.Duration(now), b.Duration(now))) > 0
}
