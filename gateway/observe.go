package gateway

import (
	"strconv"
	"time"
)

// Observer sees everything that happens to a shard. Observations arrive in
// order on a goroutine of their own, so a slow observer delays only the
// observations after its own; when it falls more than a thousand behind, the
// newest are dropped and counted in [Stats].
type Observer interface {
	Observe(Observation)
}

// ObserverFunc makes a function an [Observer].
type ObserverFunc func(Observation)

// Observe calls f.
func (f ObserverFunc) Observe(n Observation) { f(n) }

// Observation is one observation: what happened, to which shard, when.
type Observation struct {
	Shard ShardID
	At    time.Time
	Event ShardEvent
}

// ShardEvent is one of the types below.
type ShardEvent interface{ observation() }

// Reason is why a connection ended or an attempt failed.
type Reason struct {
	Kind ReasonKind
	// Code is the close code, for ReasonClosed and ReasonFatal.
	Code CloseCode
	// Text is the close reason or a detail, already free of secrets.
	Text string
	// Err is the underlying error, if any.
	Err error
	// Elapsed is how long the silence, wait or sleep lasted, where it matters.
	Elapsed time.Duration
}

// ReasonKind sorts causes.
type ReasonKind string

// The causes a shard can tell apart.
const (
	ReasonNone           ReasonKind = ""
	ReasonStart          ReasonKind = "start"           // first connection
	ReasonLocate         ReasonKind = "locate"          // the gateway address could not be learnt
	ReasonDNS            ReasonKind = "dns"             // the name did not resolve
	ReasonDial           ReasonKind = "dial"            // TCP refused, unreachable or timed out
	ReasonTLS            ReasonKind = "tls"             // certificate or handshake
	ReasonUpgrade        ReasonKind = "upgrade"         // HTTP answered, but not with a WebSocket (G-012)
	ReasonNoHello        ReasonKind = "no-hello"        // G-015
	ReasonNoReady        ReasonKind = "no-ready"        // G-044
	ReasonNoResumed      ReasonKind = "no-resumed"      // G-071
	ReasonReconnect      ReasonKind = "reconnect"       // op 7
	ReasonInvalidSession ReasonKind = "invalid-session" // op 9
	ReasonClosed         ReasonKind = "closed"          // Discord sent a close frame
	ReasonReset          ReasonKind = "reset"           // the connection ended without one
	ReasonSilent         ReasonKind = "silent"          // nothing arrives any more, rule 3
	ReasonNoACK          ReasonKind = "no-ack"          // heartbeats stay unanswered, G-024
	ReasonSlept          ReasonKind = "slept"           // the host was suspended, G-032
	ReasonMalformed      ReasonKind = "malformed"       // not JSON, G-118
	ReasonCompression    ReasonKind = "compression"     // the compressed stream broke, G-117
	ReasonWrite          ReasonKind = "write"           // a write failed or blocked, G-107
	ReasonGrantExpired   ReasonKind = "lapsed"          // its turn to identify had passed to others
	ReasonOverflow       ReasonKind = "overflow"        // the event queue was full; Discord replays the rest
	ReasonFatal          ReasonKind = "fatal"           // a close code that retrying cannot mend
	ReasonStop           ReasonKind = "stop"            // Stop or the end of Run's context
)

// String says the cause in a few words.
func (c Reason) String() string {
	text := string(c.Kind)
	switch {
	case c.Code != 0:
		text += " " + strconv.Itoa(int(c.Code))
	case c.Elapsed > 0:
		text += " after " + c.Elapsed.Round(time.Millisecond).String()
	}
	if c.Text != "" {
		text += ": " + c.Text
	} else if c.Err != nil {
		text += ": " + c.Err.Error()
	}
	return text
}

// Transition is a change of state and its cause.
type Transition struct {
	From, To State
	Reason   Reason
}

// ConnectFailed is an attempt that did not reach HELLO.
type ConnectFailed struct {
	URL    string
	Reason Reason
	// Failures counts such attempts in a row; Next is the wait before the next.
	Failures int
	Next     time.Duration
}

// Disconnected is the end of a connection that had reached HELLO.
type Disconnected struct {
	Reason Reason
	// LastByte and LastACK are when Discord was last heard and last answered.
	LastByte, LastACK time.Time
	// Session is whether the session is kept for a RESUME.
	Session bool
	// Lasted is how long the connection was live; zero if it never was.
	Lasted time.Duration
}

// HelloReceived carries the heartbeat interval of the connection.
type HelloReceived struct {
	URL      string
	Interval time.Duration
	// Took is the time from the dial to HELLO.
	Took time.Duration
}

// HeartbeatKind says why a heartbeat was sent.
type HeartbeatKind string

// The reasons to send a heartbeat.
const (
	HeartbeatTimed     HeartbeatKind = "timed"     // the interval of HELLO
	HeartbeatRequested HeartbeatKind = "requested" // Discord asked (G-021)
	HeartbeatProbe     HeartbeatKind = "probe"     // nothing has arrived for a while, rule 3
)

// HeartbeatSent is a heartbeat handed to the socket. The observer hears of it
// together with what comes next, such as its answer.
type HeartbeatSent struct{ Kind HeartbeatKind }

// HeartbeatACK is an answered heartbeat (G-031).
type HeartbeatACK struct{ Latency time.Duration }

// SuspicionRaised means an answer is overdue and a spare is being dialled.
type SuspicionRaised struct{ Silent time.Duration }

// SuspicionCleared means the answer came after all.
type SuspicionCleared struct{ After time.Duration }

// IdentifySent spends one of the day's session starts.
type IdentifySent struct{ Intents Intents }

// ResumeSent asks for the events above Seq.
type ResumeSent struct {
	Seq int64
	URL string
}

// Ready is a new session (G-048).
type Ready struct {
	SessionID        string
	UserID           string
	Username         string
	ApplicationID    string
	ApplicationFlags uint64
	Guilds           int
	// Took is the time from IDENTIFY to READY.
	Took time.Duration
}

// Resumed is the end of a replay.
type Resumed struct {
	Replayed int
	// Took is the time from RESUME to RESUMED; Gap the time from the last byte
	// of the previous connection to RESUMED (G-160).
	Took, Gap time.Duration
}

// SlowReady means READY is late while heartbeats are answered: a sign of an
// outage at Discord. The shard keeps waiting (G-044).
type SlowReady struct{ Waited time.Duration }

// ReconnectRequested is op 7.
type ReconnectRequested struct{}

// SessionInvalidated is op 9.
type SessionInvalidated struct{ Resumable bool }

// SessionLost is the end of a session that cannot be resumed any more.
type SessionLost struct{ Reason Reason }

// PayloadSkipped is input that cost only itself (G-109, G-110).
type PayloadSkipped struct {
	Why   string
	Op    Opcode
	Type  string
	Bytes int64
}

// SequenceGap means dispatches From to To never arrived.
type SequenceGap struct{ From, To int64 }

// QueueFull means events are left with Discord until handlers catch up; they
// come back by a RESUME.
type QueueFull struct{ Bytes int64 }

// QueueDrained means handlers have caught up; the shard resumes to fetch what
// it left with Discord.
type QueueDrained struct{}

// PresenceSent is an op 3 that left.
type PresenceSent struct{ Presence Presence }

// HostSlept is a jump of the clock: the process did not run for this long.
type HostSlept struct{ For time.Duration }

// AttemptsExhausted means as many attempts in a row have failed as
// Options.MaxAttempts names. The shard goes on trying.
type AttemptsExhausted struct{ Failures int }

// IdentifyDelayed means the identify permit makes the shard wait.
type IdentifyDelayed struct {
	Until time.Time
	Why   string
}

// HandlerPanicked is a contained panic of a [Handler].
type HandlerPanicked struct {
	Type  string
	Value string
	Stack string
}

func (Transition) observation()         {}
func (ConnectFailed) observation()      {}
func (Disconnected) observation()       {}
func (HelloReceived) observation()      {}
func (HeartbeatSent) observation()      {}
func (HeartbeatACK) observation()       {}
func (SuspicionRaised) observation()    {}
func (SuspicionCleared) observation()   {}
func (IdentifySent) observation()       {}
func (ResumeSent) observation()         {}
func (Ready) observation()              {}
func (Resumed) observation()            {}
func (SlowReady) observation()          {}
func (ReconnectRequested) observation() {}
func (SessionInvalidated) observation() {}
func (SessionLost) observation()        {}
func (PayloadSkipped) observation()     {}
func (SequenceGap) observation()        {}
func (QueueFull) observation()          {}
func (QueueDrained) observation()       {}
func (PresenceSent) observation()       {}
func (HostSlept) observation()          {}
func (AttemptsExhausted) observation()  {}
func (IdentifyDelayed) observation()    {}
func (HandlerPanicked) observation()    {}
