package history

import "time"

// Window is a stretch of time before now that a person can ask for.
type Window struct {
	// Name is as in an address or a request, such as 24h. It never changes.
	Name   string
	Length time.Duration
}

// The windows of each record, the shortest first.
var (
	UptimeWindows  = []Window{{"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"90d", 90 * 24 * time.Hour}}
	LatencyWindows = []Window{{"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}}
	RateWindows    = []Window{{"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"90d", 90 * 24 * time.Hour}}
)
