package health

import "time"

// Status is the answer for a person.
type Status int

// The statuses, from the best to the worst. The order decides which one speaks
// for shards that differ.
const (
	// Online: connected and working.
	Online Status = iota
	// Degraded: connected, but something is wrong: an answer is overdue, the
	// handlers do not keep up, or some shards of several are away.
	Degraded
	// Stopping: asked to stop; it will not come back by itself.
	Stopping
	// Starting: not online yet since the start.
	Starting
	// Reconnecting: the connection is lost, the dot most likely still green.
	Reconnecting
	// Offline: away for so long, or with its session gone, that the dot is
	// grey.
	Offline
	// NeedsYou: nothing but a human can help; the reason says how.
	NeedsYou
)

// statusNames holds for each status its name for people and its name in data.
var statusNames = [...]struct{ name, id string }{
	Online:       {"Online", "online"},
	Degraded:     {"Degraded", "degraded"},
	Stopping:     {"Stopping", "stopping"},
	Starting:     {"Starting", "starting"},
	Reconnecting: {"Reconnecting", "reconnecting"},
	Offline:      {"Offline", "offline"},
	NeedsYou:     {"Needs you", "needs-you"},
}

// String returns the status for people, such as "Needs you".
func (s Status) String() string { return statusNames[s].name }

// ID returns the status for machines, such as "needs-you". It never changes.
func (s Status) ID() string { return statusNames[s].id }

// DotLife is how long Discord keeps the dot green after a connection is lost
// without a goodbye. Discord promises "a few minutes"; 90 to 110 s have been
// seen, and the shorter is assumed.
const DotLife = 90 * time.Second

// ACKDeadline is how long, beyond one heartbeat interval, the last answer may
// lie back before a connection no longer counts as connected (G-159). It is
// the default ceiling of the gateway's own patience.
const ACKDeadline = 60 * time.Second

// usualInterval stands in for the heartbeat interval until HELLO tells it.
const usualInterval = 45 * time.Second
