package history

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"evergreen/internal/health"
)

// All stands for all shards together where a shard is asked for.
const All = -1

// Totals is how a stretch of time was spent. The four add up to it.
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

// Share is the part of the known time, 0 to 1, in which the bot was online or
// degraded; negative if nothing is known.
func (t Totals) Share() float64 {
	up := t.Online + t.Degraded
	if up+t.Offline == 0 {
		return -1
	}
	return float64(up) / float64(up+t.Offline)
}

// Uptime is how the bot has been between two moments.
type Uptime struct {
	From, To time.Time
	Totals
	// Days are the days of UTC that the time touches, oldest first; the first
	// and last of them only as far as they do.
	Days []Day
}

// Day is one day of an [Uptime].
type Day struct {
	// Date is its midnight in UTC.
	Date time.Time
	Totals
	// Incidents is how many began on it, and Worst the one that left the dot
	// grey for longest, or lasted longest; nil if there was none but routine.
	Incidents int
	Worst     *health.Incident
}

// mostIncidents is how many incidents are looked at for the days.
const mostIncidents = 5000

// Uptime adds up how the bot has been over the time before now, 90 days at most;
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
	h.tell(&u, shard)
	return u
}

// Spans returns the levels over the time before now, oldest first, without gaps;
// shard is the number of one shard, or [All].
func (h *History) Spans(shard int, window time.Duration) []Span {
	_, _, spans := h.spans(shard, window)
	return spans
}

func (h *History) spans(shard int, window time.Duration) (from, to time.Time, spans []Span) {
	h.look()
	to = wall(h.opts.Now())
	from = to.Add(-min(max(window, 0), horizon))
	h.mu.Lock()
	defer h.mu.Unlock()
	if shard != All {
		one := func(levels []Level) Level { return levels[0] }
		return from, to, sweep([]line{h.lines[shard]}, from, to, one)
	}
	lines := []line{h.lines[work]}
	for _, id := range slices.Sorted(maps.Keys(h.lines)) {
		if id != work {
			lines = append(lines, h.lines[id])
		}
	}
	return from, to, sweep(lines, from, to, func(levels []Level) Level {
		all := together(levels[1:])
		if all == Online && levels[0] == Degraded {
			return Degraded
		}
		return all
	})
}

// tell adds to the days what happened on them.
func (h *History) tell(u *Uptime, shard int) {
	if h.opts.Incidents == nil {
		return
	}
	for _, i := range h.opts.Incidents(mostIncidents) {
		n, found := slices.BinarySearchFunc(u.Days, i.Start.UTC().Truncate(24*time.Hour), func(d Day, t time.Time) int { return d.Date.Compare(t) })
		if !found || i.Start.Before(u.From) || shard != All && i.Shard.ID != shard {
			continue
		}
		day := &u.Days[n]
		day.Incidents++
		if !i.Routine() && (day.Worst == nil || worse(i, *day.Worst, u.To)) {
			day.Worst = &i
		}
	}
}

// worse reports whether one incident cost more than another.
func worse(a, b health.Incident, now time.Time) bool {
	return cmp.Or(cmp.Compare(a.ShownOffline(now), b.ShownOffline(now)), cmp.Compare(a.Duration(now), b.Duration(now))) > 0
}
