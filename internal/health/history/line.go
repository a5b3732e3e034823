package history

import (
	"slices"
	"time"

	"evergreen/internal/health"
)

// mark is the beginning of a level.
type mark struct {
	at    time.Time
	level Level
}

// The bounds of a line: how far back it goes, how many marks it has, and how far
// back a newer insight may correct it. More than that is a clock that was set.
const (
	horizon   = 90 * 24 * time.Hour
	maxMarks  = 4000
	hindsight = 10 * time.Minute
)

// line is the levels over time, oldest first. Neighbours differ.
type line []mark

// level is that of the newest mark.
func (l line) level() Level {
	if len(l) == 0 {
		return Unknown
	}
	return l[len(l)-1].level
}

// put adds a mark. What it finds at its time or later was known too early and
// gives way.
func (l line) put(m mark) line {
	if n := len(l); n > 0 && m.at.Before(l[n-1].at.Add(-hindsight)) {
		m.at = l[n-1].at
	}
	for len(l) > 0 && !l[len(l)-1].at.Before(m.at) {
		l = l[:len(l)-1]
	}
	if l.level() == m.level {
		return l
	}
	if len(l) == maxMarks {
		l = slices.Delete(l, 0, maxMarks/4)
	}
	return append(l, m)
}

// endsWith reports whether the newest marks are these.
func (l line) endsWith(marks []mark) bool {
	if len(l) < len(marks) {
		return false
	}
	return slices.EqualFunc(l[len(l)-len(marks):], marks, func(a, b mark) bool { return a.level == b.level && a.at.Equal(b.at) })
}

// trim forgets what ended before a moment; the level at that moment stays known.
func (l line) trim(before time.Time) line {
	n := 0
	for n+1 < len(l) && !l[n+1].at.After(before) {
		n++
	}
	return slices.Delete(l, 0, n)
}

// at is the level at a moment.
func (l line) at(t time.Time) Level {
	n, found := slices.BinarySearchFunc(l, t, func(m mark, t time.Time) int { return m.at.Compare(t) })
	if found {
		n++
	}
	if n == 0 {
		return Unknown
	}
	return l[n-1].level
}

// levels says what a shard's health means as marks: the one it is at now, and
// during a loss those since the loss began.
func levels(s health.ShardSnapshot, now time.Time) []mark {
	if s.Open != nil {
		return lossLevels(*s.Open, now)
	}
	return []mark{{s.Since, levelOf[s.Status]}}
}

// lossLevels are the marks of a loss: degraded while the dot is green by
// Discord's patience alone, offline from then on. Time in which the process did
// not run is offline from its beginning.
func lossLevels(i health.Incident, now time.Time) []mark {
	if i.Downtime {
		return []mark{{i.Start, Offline}}
	}
	grey := i.ShownOffline(now)
	switch {
	case grey == 0:
		return []mark{{i.Start, Degraded}}
	case grey >= i.Duration(now):
		return []mark{{i.Start, Offline}}
	}
	return []mark{{i.Start, Degraded}, {now.Add(-grey), Offline}}
}

// Span is a stretch of time at one level.
type Span struct {
	From, To time.Time
	Level    Level
}

// sweep joins lines into spans between two moments, with how judging the levels
// of all lines at one time.
func sweep(lines []line, from, to time.Time, judge func([]Level) Level) []Span {
	cuts := []time.Time{from}
	for _, l := range lines {
		for _, m := range l {
			if m.at.After(from) && m.at.Before(to) {
				cuts = append(cuts, m.at)
			}
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	var spans []Span
	now := make([]Level, len(lines))
	for n, cut := range cuts {
		end := to
		if n+1 < len(cuts) {
			end = cuts[n+1]
		}
		if !cut.Before(end) {
			continue
		}
		for i, l := range lines {
			now[i] = l.at(cut)
		}
		level := judge(now)
		if last := len(spans) - 1; last >= 0 && spans[last].Level == level {
			spans[last].To = end
			continue
		}
		spans = append(spans, Span{cut, end, level})
	}
	return spans
}
