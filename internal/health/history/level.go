package history

import "evergreen/internal/health"

// Level is what a moment counts as.
type Level uint8

// The levels.
const (
	// Unknown: before the first record.
	Unknown Level = iota
	// Online: connected and working.
	Online
	// Degraded: not as it should be while the dot is green or likely so: the
	// connection is lost for less long than Discord waits, some shards of
	// several are away, or events are not handled.
	Degraded
	// Offline: the dot is grey, or the process does not run.
	Offline
)

var levelNames = [...]string{"unknown", "online", "degraded", "offline"}

// String returns the level for machines, such as "degraded".
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return levelNames[Unknown]
}

// levelOf is what each status counts as when no incident says more.
var levelOf = map[health.Status]Level{
	health.Online:       Online,
	health.Degraded:     Degraded,
	health.Stopping:     Degraded,
	health.Starting:     Offline,
	health.Reconnecting: Degraded,
	health.Offline:      Offline,
	health.NeedsYou:     Offline,
}

// together makes one level out of those of several shards: some away are
// degraded, all away are offline. Shards of which nothing is known do not count.
func together(levels []Level) Level {
	online, offline, known := 0, 0, 0
	for _, l := range levels {
		if l == Unknown {
			continue
		}
		known++
		switch l {
		case Online:
			online++
		case Offline:
			offline++
		}
	}
	switch {
	case known == 0:
		return Unknown
	case online == known:
		return Online
	case offline == known:
		return Offline
	}
	return Degraded
}
