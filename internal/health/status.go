package health

import "time"

// Status is how the bot is, for a person: from the best to the worst. Among shards
// that differ the worst counts.
type Status int

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
	// Reconnecting: the connection is lost, and Discord most likely still shows the
	// bot as online.
	Reconnecting
	// Offline: away for so long, or with its session gone, that Discord shows the
	// bot as offline.
	Offline
	// NeedsYou: only a person can help; the reason says how.
	NeedsYou
)

var statusNames = [...]struct{ name, id string }{
	Online:       {"Online", "online"},
	Degraded:     {"Degraded", "degraded"},
	Stopping:     {"Stopping", "stopping"},
	Starting:     {"Starting", "starting"},
	Reconnecting: {"Reconnecting", "reconnecting"},
	Offline:      {"Offline", "offline"},
	NeedsYou:     {"Needs you", "needs-you"},
}

// String returns the name for people, such as "Needs you".
func (s Status) String() string { return statusNames[s].name }

// ID returns the name in data, such as "needs-you". It never changes.
func (s Status) ID() string { return statusNames[s].id }

// PresenceTimeout is how long Discord shows a bot as online after its connection
// is lost without a close frame. Discord documents "a few minutes"; 90 to 110 s
// were measured.
const PresenceTimeout = 90 * time.Second

// ackDeadline is how long, beyond one heartbeat interval, the last answer may lie
// back before a connection no longer counts as connected. It is the default of
// the gateway's own limit.
const ackDeadline = 60 * time.Second

// usualInterval is assumed as the heartbeat interval until HELLO tells it.
const usualInterval = 45 * time.Second
