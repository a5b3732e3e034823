package api

import (
	"time"

	"evergreen/fleet"
	"evergreen/internal/health"
)

// pageData is all that the pages show, at one moment. Nil members are not
// known, and the pages say so.
type pageData struct {
	Snap health.Snapshot
	// Journal is whether Incidents are known; they are the newest first.
	Journal   bool
	Incidents []health.Incident
	// Alike is of how many shards an incident tells, by its id, where more than
	// one had it.
	Alike    map[string]int
	Uptime   []pageUptime // windows, the shortest first
	Days     []pageDay    // oldest first
	Latency  *pageLatency
	Budget   *pageBudget
	Presence *pagePresence
	Handlers []HandlerTime
	Rates    *pageRates
	Discord  *pageDiscord
	Fleet    *fleet.Snapshot
	// Log is whether Lines are known; they are the oldest first.
	Log     bool
	Lines   []pageLine
	Version string
}

// pageUptime is how a window of time was spent.
type pageUptime struct {
	Window          string // 24h, 7d, 30d, 90d
	Uptime          float64
	Offline         time.Duration
	Known, Complete bool
}

// pageDay is how a day (UTC) was spent.
type pageDay struct {
	Date                               time.Time
	Online, Degraded, Offline, Unknown time.Duration
	Incidents                          int
	// Worst is the cause of the day's longest incident; empty if none.
	Worst health.CauseID
	// Said tells the worst in a sentence, for when its cause is not known here.
	// It may name hosts and is not for the public.
	Said string
}

// pageLatency is the round trips of a window.
type pageLatency struct {
	Window   string // 1h, 24h, 7d
	From, To time.Time
	Points   []pagePoint
}

// pagePoint is the round trips around one moment; zero is not known.
type pagePoint struct {
	At                 time.Time
	Gateway, REST, Max time.Duration
}

// pageBudget is the account of session starts.
type pageBudget struct {
	Total, Remaining, Used int
	Reset                  time.Time
}

// pagePresence is the presence that is wanted and the one Discord has.
type pagePresence struct {
	Wanted, Sent string
	SentAt       time.Time
}

// pageRates is what came in and was done, minute by minute.
type pageRates struct {
	To     time.Time
	Points []Rate
}

// pageDiscord is what Discord says of itself.
type pageDiscord struct {
	// Indicator is none, minor, major or critical.
	Indicator, Description string
}

// pageLine is a line of the log.
type pageLine struct {
	At              time.Time
	Level           string // DEBUG, INFO, WARN, ERROR
	Component, Text string
	Attrs           string // as key=value
}
