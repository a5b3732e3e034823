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
	Observe(Note)
}

// ObserverFunc makes a function an [Observer].
type ObserverFunc func(Note)

// Observe calls f.
func (f ObserverFunc) Observe(n Note) { f(n) }

// Note is one observation: what happened, to which shard, when.
type Note struct {
	Pair Pair
	At   time.Time
	What Observation
}

// Observation is one of the types below.
type Observation interface{ observation() }

// Cause is why a connection ended or an attempt failed.
type Cause struct {
	Kind CauseKind
	// Code is the close code, for CauseClosed and CauseFatal.
	Code CloseCode
	// Text is the close reason or a detail, already free of secrets.
	Text string
	// Err is the underlying error, if any.
	Err error
	// Elapsed is how long the silence, wait or sleep lasted, where it matters.
	Elapsed time.Duration
}

// CauseKind sorts causes.
type CauseKind string

// The causes a shard can tell apart.
const (
	CauseNone           CauseKind = ""
	CauseStart          CauseKind = "start"           // first connection
	CauseLocate         CauseKind = "locate"          // the gateway address could not be learnt
	CauseDNS            CauseKind = "dns"             // the name did not resolve
	CauseDial           CauseKind = "dial"            // TCP refused, unreachable or timed out
	CauseTLS            CauseKind = "tls"             // certificate or handshake
	CauseUpgrade        CauseKind = "upgrade"         // HTTP answered, but not with a WebSocket (G-012)
	CauseNoHello        CauseKind = "no-hello"        // G-015
	CauseNoReady        CauseKind = "no-ready"        // G-044
	CauseNoResumed      CauseKind = "no-resumed"      // G-071
	CauseReconnect      CauseKind = "reconnect"       // op 7
	CauseInvalidSession CauseKind = "invalid-session" // op 9
	CauseClosed         CauseKind = "closed"          // Discord sent a close frame
	CauseReset          CauseKind = "reset"           // the connection ended without one
	CauseSilent         CauseKind = "silent"          // nothing arrives any more, rule 3
	CauseNoACK          CauseKind = "no-ack"          // heartbeats stay unanswered, G-024
	CauseSlept          CauseKind = "slept"           // the host was suspended, G-032
	CauseMalformed      CauseKind = "malformed"       // not JSON, G-118
	CauseCompression    CauseKind = "compression"     // the compressed stream broke, G-117
	CauseWrite          CauseKind = "write"           // a write failed or blocked, G-107
	CauseLapsed         CauseKind = "lapsed"          // its turn to identify had passed to others
	CauseOverflow       CauseKind = "overflow"        // the event queue was full; Discord replays the rest
	CauseFatal          CauseKind = "fatal"           // a close code that retrying cannot mend
	CauseStop           CauseKind = "stop"            // Stop or the end of Run's context
)

// String says the cause in a few words.
func (c Cause) String() string {
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
	Cause    Cause
}

// ConnectFailed is an attempt that did not reach HELLO.
type ConnectFailed struct {
	URL   string
	Cause Cause
	// Failures counts such attempts in a row; Next is the wait before the next.
	Failures int
	Next     time.Duration
}

// Disconnected is the end of a connection that had reached HELLO.
type Disconnected struct {
	Cause Cause
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

// BeatKind says why a heartbeat was sent.
type BeatKind string

// The reasons to send a heartbeat.
const (
	BeatTimed     BeatKind = "timed"     // the interval of HELLO
	BeatRequested BeatKind = "requested" // Discord asked (G-021)
	BeatProbe     BeatKind = "probe"     // nothing has arrived for a while, rule 3
)

// HeartbeatSent is a heartbeat handed to the socket. The observer hears of it
// together with what comes next, such as its answer.
type HeartbeatSent struct{ Kind BeatKind }

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
type SessionLost struct{ Cause Cause }

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

// PermitDelayed means the identify permit makes the shard wait.
type PermitDelayed struct {
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
func (PermitDelayed) observation()      {}
func (HandlerPanicked) observation()    {}
