package gateway

import (
	"strconv"
	"sync"
	"time"
)

// Observer is told everything that happens to a shard. Observations arrive in order
// on one goroutine of the shard's own, so a slow observer delays only observations.
// When it falls more than a thousand behind, the newest are dropped and counted in
// [Stats].
type Observer interface {
	Observe(Observation)
}

// ObserverFunc makes a function an [Observer].
type ObserverFunc func(Observation)

// Observe calls f.
func (f ObserverFunc) Observe(o Observation) { f(o) }

// Observation is what happened, to which shard, when.
type Observation struct {
	Shard ShardID
	At    time.Time
	Event ShardEvent
}

// ShardEvent is one of the types of this package that say what happened to a shard:
// [Transition], [Disconnected], [HeartbeatACK] and so on.
type ShardEvent interface{ observation() }

// Reason is why a connection ended or an attempt failed.
type Reason struct {
	Kind ReasonKind
	// Code is the close code, for ReasonClosed and ReasonFatal.
	Code CloseCode
	// Text is the close reason or a detail, free of secrets.
	Text string
	// Err is the underlying error, if any.
	Err error
	// Elapsed is how long the silence, wait or sleep lasted, where that matters.
	Elapsed time.Duration
}

// ReasonKind sorts reasons. The zero ReasonKind is no reason.
type ReasonKind string

// The reasons a shard can tell apart. Their values are stored and shown: they do not
// change.
const (
	ReasonStart          ReasonKind = "start"           // first connection
	ReasonLocate         ReasonKind = "locate"          // the gateway URL could not be learnt
	ReasonDNS            ReasonKind = "dns"             // the name did not resolve
	ReasonDial           ReasonKind = "dial"            // TCP refused, unreachable or timed out
	ReasonTLS            ReasonKind = "tls"             // certificate or handshake
	ReasonUpgrade        ReasonKind = "upgrade"         // HTTP answered, but not with a WebSocket
	ReasonNoHello        ReasonKind = "no-hello"        // HELLO did not come in time
	ReasonNoReady        ReasonKind = "no-ready"        // READY did not come in time
	ReasonNoResumed      ReasonKind = "no-resumed"      // RESUMED did not come in time
	ReasonReconnect      ReasonKind = "reconnect"       // op 7
	ReasonInvalidSession ReasonKind = "invalid-session" // op 9
	ReasonClosed         ReasonKind = "closed"          // Discord sent a close frame
	ReasonReset          ReasonKind = "reset"           // the connection ended without one
	ReasonSilent         ReasonKind = "silent"          // nothing arrives any more
	ReasonNoACK          ReasonKind = "no-ack"          // bytes arrive, but heartbeats stay unanswered
	ReasonSlept          ReasonKind = "slept"           // the host was suspended
	ReasonMalformed      ReasonKind = "malformed"       // not JSON
	ReasonCompression    ReasonKind = "compression"     // the compressed stream broke
	ReasonWrite          ReasonKind = "write"           // a write failed or blocked
	ReasonGrantExpired   ReasonKind = "lapsed"          // the right to identify had passed to another shard
	ReasonOverflow       ReasonKind = "overflow"        // the event queue was full; Discord replays the rest
	ReasonFatal          ReasonKind = "fatal"           // only a person can help
	ReasonStop           ReasonKind = "stop"            // Stop, or the end of Run's context
)

// String says the reason in a few words.
func (r Reason) String() string {
	text := string(r.Kind)
	switch {
	case r.Code != 0:
		text += " " + strconv.Itoa(int(r.Code))
	case r.Elapsed > 0:
		text += " after " + r.Elapsed.Round(time.Millisecond).String()
	}
	if r.Text != "" {
		text += ": " + r.Text
	} else if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// fatal reports whether nothing can be tried again before a person has helped.
func (r Reason) fatal() bool {
	return r.Kind == ReasonFatal || r.Kind == ReasonClosed && r.Code.Fatal()
}

// fatalReason is the reason to park for a close code.
func fatalReason(code CloseCode) Reason {
	return Reason{Kind: ReasonFatal, Code: code, Text: code.Meaning()}
}

// Transition is a change of state and the reason for it.
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
	// LastByte is when the last byte arrived. LastACK is when a heartbeat was last
	// answered; zero if none was while the connection was live.
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

// HeartbeatSent is a heartbeat handed to the socket. The observer hears of it
// together with what comes next, such as its answer.
type HeartbeatSent struct {
	// Requested is whether Discord asked for it. Probe is whether it asks for a sign
	// of life, because nothing has arrived for a while. A regular one is neither.
	Requested, Probe bool
}

// Kind says in one word why the heartbeat was sent.
func (h HeartbeatSent) Kind() string {
	switch {
	case h.Requested:
		return "requested"
	case h.Probe:
		return "probe"
	}
	return "timed"
}

// HeartbeatACK is an answered heartbeat.
type HeartbeatACK struct{ Latency time.Duration }

// SuspicionRaised means that an answer is overdue in silence. A spare connection is
// being dialled.
type SuspicionRaised struct{ Silent time.Duration }

// SuspicionCleared means that the answer came after all.
type SuspicionCleared struct{ After time.Duration }

// IdentifySent is an IDENTIFY handed to the socket. It spends one of the day's session
// starts.
type IdentifySent struct{ Intents Intents }

// ResumeSent is a RESUME handed to the socket. It asks for the events above Seq.
type ResumeSent struct {
	Seq int64
	URL string
}

// Ready is a new session.
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
	// Took is the time from RESUME to RESUMED. Gap is the time from the last byte of
	// the previous connection to RESUMED.
	Took, Gap time.Duration
}

// SlowReady means that READY is late while heartbeats are answered: a sign of an
// outage at Discord. The shard keeps waiting.
type SlowReady struct{ Waited time.Duration }

// ReconnectRequested is op 7.
type ReconnectRequested struct{}

// SessionInvalidated is op 9.
type SessionInvalidated struct{ Resumable bool }

// SessionLost is the end of a session that cannot be resumed any more.
type SessionLost struct{ Reason Reason }

// PayloadSkipped is a payload that could not be used. It cost only itself.
type PayloadSkipped struct {
	Why   string
	Op    Opcode
	Type  string
	Bytes int64
}

// SequenceGap means that dispatches From to To never arrived.
type SequenceGap struct{ From, To int64 }

// QueueFull means that events are left with Discord until handlers catch up. They
// come back by a RESUME.
type QueueFull struct{ Bytes int64 }

// QueueDrained means that handlers have caught up. The shard resumes to fetch what it
// left with Discord.
type QueueDrained struct{}

// PresenceSent is an op 3 that left.
type PresenceSent struct{ Presence Presence }

// HostSlept is a jump of the clock: the process did not run for this long.
type HostSlept struct{ For time.Duration }

// AttemptsExhausted means that Options.MaxAttempts attempts in a row have failed. The
// shard goes on trying.
type AttemptsExhausted struct{ Failures int }

// IdentifyDelayed means that the [IdentifyLimiter] makes the shard wait, until when and
// why.
type IdentifyDelayed struct {
	Until time.Time
	Why   string
}

// HandlerPanicked is a panic of a [Handler] that was recovered: the type of the event,
// what it panicked with, and its stack.
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

// notifier carries observations to the observer on a goroutine of its own, so that an
// observer that writes to a disk cannot delay a heartbeat.
type notifier struct {
	shard    ShardID
	observer Observer // nil: observations are dropped
	onDrop   func()
	wake     chan struct{} // one slot: something was added, or it is closed
	done     chan struct{}

	mu      sync.Mutex
	pending []Observation
	closed  bool
}

// notifierDepth is how far an observer may fall behind before observations are
// dropped.
const notifierDepth = 1024

func newNotifier(shard ShardID, observer Observer, onDrop func()) *notifier {
	return &notifier{shard: shard, observer: observer, onDrop: onDrop, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// run hands observations over until close. Its two slices take turns, so neither is
// larger than the observer was ever behind.
func (n *notifier) run() {
	defer close(n.done)
	var batch []Observation
	for range n.wake {
		n.mu.Lock()
		batch, n.pending = n.pending, batch[:0]
		closed := n.closed
		n.mu.Unlock()
		for i, o := range batch {
			batch[i] = Observation{}
			n.observer.Observe(o)
		}
		if closed {
			return
		}
	}
}

// emit passes an event on, or drops it when the observer is too far behind.
func (n *notifier) emit(event ShardEvent) {
	if n.observer == nil {
		return
	}
	n.mu.Lock()
	room := len(n.pending) < notifierDepth
	if room {
		n.pending = append(n.pending, Observation{Shard: n.shard, At: time.Now(), Event: event})
	}
	n.mu.Unlock()
	if !room {
		n.onDrop()
		return
	}
	// The answer to a heartbeat comes in a moment. To wake the observer for both would
	// be most of what an idle shard costs it.
	if _, waits := event.(HeartbeatSent); !waits {
		n.notify()
	}
}

func (n *notifier) notify() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// close waits until the observer has seen everything. Nothing may be emitted any
// more.
func (n *notifier) close() {
	if n.observer == nil {
		return
	}
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.notify()
	<-n.done
}
