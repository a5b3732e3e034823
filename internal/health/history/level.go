package history

import "evergreen/internal/health"

// Level is what a time counts as.
type Level uint8

const (
	// Unknown: before the first record.
	Unknown Level = iota
	// Online: connected and working.
	Online
	// Degraded: something is wrong while Discord most likely shows the bot as online:
	// the connection is lost for less than [health.PresenceTimeout], some shards of
	// several are not connected, or events are not handled.
	Degraded
	// Offline: Discord shows the bot as offline, or the process does not run.
	Offline
)

var levelNames = [...]string{"unknown", "online", "degraded", "offline"}

// String returns the name in data, such as "degraded".
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return levelNames[Unknown]
}

// levelOf is what each status counts as without an incident.
var levelOf = map[health.Status]Level{
	health.Online:       Online,
	health.Degraded:     Degraded,
	health.Stopping:     Degraded,
	health.Starting:     Offline,
	health.Reconnecting: Degraded,
	health.Offline:      Offline,
	health.NeedsYou:     Offline,
}

// combine returns the level of several shards: offline if all are, online if all
// are, else degraded. Shards of which nothing is known do not count.
func combine(levels []Level) Level {
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
