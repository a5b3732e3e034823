package history

import (
	"slices"
	"time"

	"evergreen/internal/health"
)

// levelChange is the beginning of a level.
type levelChange struct {
	at    time.Time
	level Level
}

// A timeline goes back to horizon and has at most maxChanges changes. A later
// snapshot may correct it by up to maxCorrection.
const (
	horizon       = 90 * 24 * time.Hour
	maxChanges    = 4000
	maxCorrection = 10 * time.Minute
)

// timeline is the changes of level over time, the oldest first. Neighbours differ.
type timeline []levelChange

// level returns the newest level.
func (l timeline) level() Level {
	if len(l) == 0 {
		return Unknown
	}
	return l[len(l)-1].level
}

// add adds a change in place of those at its time or later.
func (l timeline) add(c levelChange) timeline {
	if n := len(l); n > 0 && c.at.Before(l[n-1].at.Add(-maxCorrection)) {
		c.at = l[n-1].at
	}
	for len(l) > 0 && !l[len(l)-1].at.Before(c.at) {
		l = l[:len(l)-1]
	}
	if l.level() == c.level {
		return l
	}
	if len(l) == maxChanges {
		l = slices.Delete(l, 0, maxChanges/4)
	}
	return append(l, c)
}

// endsWith reports whether these are the newest changes.
func (l timeline) endsWith(changes []levelChange) bool {
	if len(l) < len(changes) {
		return false
	}
	return slices.EqualFunc(l[len(l)-len(changes):], changes, func(a, b levelChange) bool { return a.level == b.level && a.at.Equal(b.at) })
}

// trim drops what ended before a time; the level at that time stays known.
func (l timeline) trim(before time.Time) timeline {
	n := 0
	for n+1 < len(l) && !l[n+1].at.After(before) {
		n++
	}
	return slices.Delete(l, 0, n)
}

// at returns the level at a time.
func (l timeline) at(t time.Time) Level {
	n, found := slices.BinarySearchFunc(l, t, func(c levelChange, t time.Time) int { return c.at.Compare(t) })
	if found {
		n++
	}
	if n == 0 {
		return Unknown
	}
	return l[n-1].level
}

// levelChanges returns the level that a shard is at, and during a loss the changes
// since the loss began.
func levelChanges(s health.ShardSnapshot, now time.Time) []levelChange {
	if s.Open != nil {
		return lossChanges(*s.Open, now)
	}
	return []levelChange{{s.Since, levelOf[s.Status]}}
}

// lossChanges returns the changes of a loss: degraded while Discord still shows the
// bot as online, offline from then on. A downtime is offline from its beginning.
func lossChanges(i health.Incident, now time.Time) []levelChange {
	if i.BeganWithPreviousRun {
		return []levelChange{{i.Start, Offline}}
	}
	offline := i.ShownOffline(now)
	switch {
	case offline == 0:
		return []levelChange{{i.Start, Degraded}}
	case offline >= i.Duration(now):
		return []levelChange{{i.Start, Offline}}
	}
	return []levelChange{{i.Start, Degraded}, {now.Add(-offline), Offline}}
}

// Span is a period at one level.
type Span struct {
	From, To time.Time
	Level    Level
}

// mergeTimelines returns the spans between two times. combined returns the level for
// the levels of all timelines at one time.
func mergeTimelines(timelines []timeline, from, to time.Time, combined func([]Level) Level) []Span {
	cuts := []time.Time{from}
	for _, l := range timelines {
		for _, m := range l {
			if m.at.After(from) && m.at.Before(to) {
				cuts = append(cuts, m.at)
			}
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	var spans []Span
	now := make([]Level, len(timelines))
	for n, cut := range cuts {
		end := to
		if n+1 < len(cuts) {
			end = cuts[n+1]
		}
		if !cut.Before(end) {
			continue
		}
		for i, l := range timelines {
			now[i] = l.at(cut)
		}
		level := combined(now)
		if last := len(spans) - 1; last >= 0 && spans[last].Level == level {
			spans[last].To = end
			continue
		}
		spans = append(spans, Span{cut, end, level})
	}
	return spans
}
