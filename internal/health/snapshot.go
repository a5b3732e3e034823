package health

import (
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/rest"
	"evergreen/internal/discord/statuspage"
)

// Counts is what has happened to shards since the [Tracker] was made.
type Counts struct {
	Identifies  int64 // IDENTIFYs sent
	Resumes     int64 // RESUMEs sent
	Resumed     int64 // RESUMEs that ended in RESUMED
	Sessions    int64 // READYs
	Replayed    int64 // events that Discord sent again after a loss
	Missing     int64 // events that never came
	Reconnects  int64 // times back online after a loss
	Disconnects int64 // connections that ended after HELLO
	Failures    int64 // attempts that did not reach HELLO
	Requested   int64 // op 7
	Invalidated int64 // op 9
	Heartbeats  int64
	ACKs        int64
	Suspicions  int64 // times an answer was overdue
	Skipped     int64 // payloads that cost only themselves
	Panics      int64 // contained handler panics
}

func (c *Counts) add(o Counts) {
	c.Identifies += o.Identifies
	c.Resumes += o.Resumes
	c.Resumed += o.Resumed
	c.Sessions += o.Sessions
	c.Replayed += o.Replayed
	c.Missing += o.Missing
	c.Reconnects += o.Reconnects
	c.Disconnects += o.Disconnects
	c.Failures += o.Failures
	c.Requested += o.Requested
	c.Invalidated += o.Invalidated
	c.Heartbeats += o.Heartbeats
	c.ACKs += o.ACKs
	c.Suspicions += o.Suspicions
	c.Skipped += o.Skipped
	c.Panics += o.Panics
}

// Activity is what the bot has done with its events.
type Activity struct {
	// Last is when the bot last handled an event for a user; zero if never.
	Last time.Time
	// Guilds is how many guilds the bot is in; zero reports READY's number, which
	// does not follow joins and leaves.
	Guilds int
	// Username is the bot's name, for use when no READY has told it: after a RESUME
	// at the start.
	Username string
	// AwaitsBot: it is not known what to ask Discord for, because no bot has ever connected
	// to evergreen proxy.
	AwaitsBot bool
	// Undelivered is why answers do not get out; zero while they do.
	Undelivered rest.Undelivered
	// Asked counts commands, Answered those whose answer Discord has accepted,
	// Failed those that were given up.
	Asked, Answered, Failed int64
}

// Work is whether events are being handled, whether or not the bot is connected.
type Work struct {
	OK bool
	// Cause and Reason say why not; both are zero while OK.
	Cause  CauseID
	Reason Message
	sign   Message   // Reason as an incident keeps it
	since  time.Time // when it began; zero if that is not known
	remedy CauseID   // the cause of which the remedy is told
	// Stats is what the shards counted; zero without a [Source].
	Stats    gateway.Stats
	Activity Activity
	// LastPanic is the newest contained panic of a handler; its At is zero if there
	// was none.
	LastPanic Panic
}

// Panic is a contained panic of a handler.
type Panic struct {
	At    time.Time
	Event string
	Value string
}

// Change is a change of a shard's state.
type Change struct {
	At       time.Time
	From, To string
	Cause    string
}

// Snapshot is how the bot is at one moment. It is a copy that never changes.
type Snapshot struct {
	At time.Time
	// ClockSet is by how much the clock has been set since the start. All moments are
	// told by the clock as it stands now: they move when it is set.
	ClockSet time.Duration

	Status Status
	// Reason says why; Remedy what a person has to do about it, zero for nothing.
	Reason Message
	Remedy Message
	// Since is when the status began; for a bot that is not connected, when Discord
	// was last heard.
	Since time.Time
	// Ready is whether every shard has a session that is attached; Connected
	// also wants fresh answers to heartbeats.
	Ready     bool
	Connected bool
	// OfflineSince is when the first of the shards that are not connected was
	// last heard; zero while all are connected.
	OfflineSince time.Time
	Started      time.Time
	// SessionSince is when the youngest of the shards' sessions began; zero
	// unless every shard has one.
	SessionSince time.Time
	Username     string
	Guilds       int
	Work         Work
	// Conditions is what is wrong beside the connection, the gravest first.
	Conditions []Condition
	Latency    Latency
	Counts     Counts
	// Discord is what Discord's status page says; zero if that is not known.
	Discord statuspage.Status
	// Shards are in the order of their numbers.
	Shards []ShardSnapshot
	// Last is the newest incident of this run, open or not; nil if there was
	// none.
	Last *Incident
}

// Condition returns the condition with the cause; zero if it does not hold.
func (s Snapshot) Condition(cause CauseID) Condition {
	for _, c := range s.Conditions {
		if c.Cause == cause {
			return c
		}
	}
	return Condition{}
}

// IsReason reports whether the reason of the status says the condition already.
func (s Snapshot) IsReason(c Condition) bool {
	return strings.Contains(s.Reason.String(), c.status().String())
}

// Sentence returns the status and its reason in English, such as "Online: connected, and
// Discord answers".
func (s Snapshot) Sentence() string { return s.Status.String() + ": " + s.Reason.String() }

// ShardSnapshot is how one shard is at one moment.
type ShardSnapshot struct {
	Shard     gateway.ShardID
	Status    Status
	Reason    Message
	Remedy    Message
	Since     time.Time
	Ready     bool
	Connected bool
	// OfflineSince is when the shard was last heard; zero while connected.
	OfflineSince time.Time
	// State is the state of the shard's connection, see [gateway.State].
	State      string
	StateSince time.Time
	// SessionSince is when the session began; for one taken over from an
	// earlier run, when it was first resumed. Zero without a session.
	SessionSince time.Time
	// Interval is the heartbeat interval of the connection.
	Interval time.Duration
	LastACK  time.Time
	Username string
	Guilds   int
	Latency  Latency
	Samples  []Sample // the window behind Latency, oldest first
	Counts   Counts
	// Changes are the last changes of state, oldest first, at most 50.
	Changes []Change
	// Open is the open incident; nil if there is none.
	Open *Incident
}
