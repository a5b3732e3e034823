package gateway

import (
	"strconv"
	"sync"
	"time"

	"evergreen/clock"
)

// Observer is told everything that happens to a shard. Observations arrive in order
// on one goroutine of the shard's own, so a slow observer delays only observations.
// When it falls more than a thousand behind, the newest are dropped and counted in
// [Stats].
type Observer interface {
	// Observe is told one observation after another. It may take its time; [Shard.Run]
	// returns only after it has seen the last one.
	Observe(Observation)
}

// ObserverFunc makes a function an [Observer].
type ObserverFunc func(Observation)

// Observe calls f.
func (f ObserverFunc) Observe(o Observation) { f(o) }

// Observation is what happened, to which shard, when.
type Observation struct {
	// Shard is Options.Shard; zero for an unsharded bot.
	Shard ShardID
	// At is when it happened, which may be before Observe is called.
	At time.Time
	// Event says what happened. It is never nil.
	Event ShardEvent
}

// ShardEvent is one of the types of this package that say what happened to a shard:
// [Transition], [Disconnected], [HeartbeatACK] and so on.
type ShardEvent interface{ observation() }

// Reason is why a connection ended or an attempt failed.
type Reason struct {
	// Kind sorts the reason; empty if there is none.
	Kind ReasonKind
	// Code is the close code, for ReasonClosed and ReasonFatal. For ReasonUpgrade it is
	// the HTTP status of the answer. Otherwise 0.
	Code CloseCode
	// Text is the close reason or a detail, free of secrets; often empty.
	Text string
	// Err is the underlying error, if any.
	Err error
	// Elapsed is how long the silence, wait, attempt or sleep lasted; 0 where that says
	// nothing.
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
	ReasonStalled        ReasonKind = "stalled"         // the process stood still
	ReasonMalformed      ReasonKind = "malformed"       // not JSON
	ReasonCompression    ReasonKind = "compression"     // the compressed stream broke
	ReasonWrite          ReasonKind = "write"           // a write failed or blocked
	ReasonGrantExpired   ReasonKind = "lapsed"          // the grant to identify had passed to another shard
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

// fatal reports whether Discord has closed the connection for something that only a
// person can mend.
func (r Reason) fatal() bool { return r.Kind == ReasonClosed && r.Code.Fatal() }

// fatalReason is the reason to park for a close code.
func fatalReason(code CloseCode) Reason {
	return Reason{Kind: ReasonFatal, Code: code, Text: code.Meaning()}
}

// Transition is a change of state and the reason for it.
type Transition struct {
	// From is the state before, To the state from now on. Both may be [Parked], when more
	// has become known of why.
	From, To State
	// Reason is why; zero for a step on the way to being online.
	Reason Reason
}

// ConnectFailed is an attempt that did not reach HELLO and will be repeated.
type ConnectFailed struct {
	// URL is the last address that was tried; empty if none was known.
	URL string
	// Reason is why the attempt failed.
	Reason Reason
	// Failures counts attempts in a row that came to nothing. One that ended before READY
	// or RESUMED, or within five seconds of it, is among them.
	Failures int
	// Next is the wait before the next attempt.
	Next time.Duration
}

// Disconnected is the end of a connection that had reached HELLO.
type Disconnected struct {
	// Reason is why the connection ended.
	Reason Reason
	// LastByte is when the last byte arrived. LastACK is when a heartbeat was last
	// answered; zero if none was while the connection was live.
	LastByte, LastACK time.Time
	// Session is whether the shard had a session when the connection ended. If the end of
	// the connection is the end of that session, [SessionLost] follows.
	Session bool
	// Lasted is how long the connection was live; zero if it never was.
	Lasted time.Duration
	// OnlyHello is whether HELLO came and then nothing at all, not even the answer to a
	// heartbeat. Again and again, it means that the way loses large packets.
	OnlyHello bool
}

// HelloReceived carries the heartbeat interval of the connection.
type HelloReceived struct {
	// URL is what was dialled, with its query.
	URL string
	// Interval is the time from one regular heartbeat to the next, 500 ms to 10 min.
	Interval time.Duration
	// Odd is what HELLO said instead, as it stands there, if that makes no sense as an
	// interval; then Interval is the usual 41.25 s. Otherwise it is empty.
	Odd string
	// Took is the time from the dial to HELLO.
	Took time.Duration
}

// HeartbeatSent is a heartbeat on its way to the socket. The observer hears of it
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
type HeartbeatACK struct {
	// Latency is how long the answer to the oldest unanswered heartbeat took.
	Latency time.Duration
	// Receiving is for how much of Latency a message was coming in, which the answer
	// cannot overtake.
	Receiving time.Duration
}

// IsRoundTrip reports whether Latency measures the round trip of the link. It does not
// where the answer spent most of it behind a message.
func (a HeartbeatACK) IsRoundTrip() bool { return 2*a.Receiving <= a.Latency }

// SuspicionRaised means that an answer is overdue in silence. A spare connection is
// dialled, unless the shard is about to stop.
type SuspicionRaised struct {
	// Silent is how long nothing has arrived.
	Silent time.Duration
}

// SuspicionCleared means that the answer came after all.
type SuspicionCleared struct {
	// After is the time since [SuspicionRaised].
	After time.Duration
}

// IdentifySent is an IDENTIFY on its way to the socket. It spends one of the day's
// session starts.
type IdentifySent struct {
	// Intents are those that the IDENTIFY asks for.
	Intents Intents
}

// ResumeSent is a RESUME on its way to the socket.
type ResumeSent struct {
	// Seq is the sequence number that the RESUME names: Discord replays what lies above.
	Seq int64
	// URL is what was dialled, with its query.
	URL string
}

// Ready is a new session. What READY does not say in a readable form is zero here.
type Ready struct {
	// SessionID is the ID of the session; never empty.
	SessionID string
	// UserID is the ID of the bot's user, Username its name.
	UserID, Username string
	// ApplicationID is the ID of the bot's application.
	ApplicationID string
	// ApplicationFlags is flags_new where READY has it, else flags. See
	// [Intents.Refused].
	ApplicationFlags uint64
	// Guilds is how many guilds READY names on this shard.
	Guilds int
	// Took is the time from IDENTIFY to READY.
	Took time.Duration
}

// Resumed is the end of a replay.
type Resumed struct {
	// Replayed is how many dispatches Discord sent again, RESUMED not among them.
	Replayed int
	// Took is the time from RESUME to RESUMED. Gap is the time from the last byte of the
	// previous live connection to RESUMED; zero if this process had none.
	Took, Gap time.Duration
}

// SlowReady means that READY is late while heartbeats are answered: a sign of an
// outage at Discord. The shard keeps waiting.
type SlowReady struct {
	// Waited is the time since IDENTIFY.
	Waited time.Duration
}

// ReconnectRequested is op 7.
type ReconnectRequested struct{}

// SessionInvalidated is op 9.
type SessionInvalidated struct {
	// Resumable is whether the d of op 9 was true: Discord asks for a RESUME.
	Resumable bool
}

// SessionLost is the end of a session that cannot be resumed any more.
type SessionLost struct {
	// Reason is how its last connection or RESUME ended. ReasonStop means a stop with
	// EndSession, ReasonStart other credentials.
	Reason Reason
}

// PayloadSkipped is a payload that could not be used. The connection serves on, except
// when it was not JSON for the first time: then the shard resumes to get it again.
type PayloadSkipped struct {
	// Why says in a few words what was wrong.
	Why string
	// Op is the opcode; -1 if it could not be read.
	Op Opcode
	// Type is the event name of a dispatch; otherwise empty.
	Type string
	// Bytes is the length of the whole payload, decompressed.
	Bytes int64
}

// AddressRefused is an address in READY that the token is not sent to. Resumes go to the
// base URL instead.
type AddressRefused struct {
	// Address is the address, at most 200 bytes of it.
	Address string
	// Err says why, see [CheckAddress].
	Err error
}

// SequenceGap means that dispatches of the session never arrived.
type SequenceGap struct {
	// From and To are the first and the last sequence number that is missing.
	From, To int64
}

// QueueFull means that events are left with Discord until handlers catch up. They
// come back by a RESUME.
type QueueFull struct {
	// Bytes is what waits, counted as Options.QueueBytes does.
	Bytes int64
}

// QueueDrained means that handlers have caught up. The shard resumes to fetch what it
// left with Discord.
type QueueDrained struct{}

// PresenceSent is an op 3 that left. The presence in an IDENTIFY is not reported.
type PresenceSent struct {
	// Presence is what was sent.
	Presence Presence
}

// HostSlept means that the host was suspended, and the process with it.
type HostSlept struct {
	// For is how long it slept, more than 2 s.
	For time.Duration
}

// ProcessStalled means that the process stood still while its host ran: it was stopped
// (SIGSTOP), its container frozen, its virtual machine paused, or the host had no time
// for it.
type ProcessStalled struct {
	// For is how much later it went on than was planned, more than 2 s.
	For time.Duration
}

// ClockSet means that the wall clock was set. The connection goes on.
type ClockSet struct {
	// By is by how much, more than 2 s; negative: back.
	By time.Duration
}

// AttemptsExhausted means that Options.MaxAttempts attempts in a row have failed. The
// shard goes on trying.
type AttemptsExhausted struct {
	// Failures counts the attempts in a row that came to nothing.
	Failures int
}

// IdentifyDelayed means that the [IdentifyLimiter] makes the shard wait.
type IdentifyDelayed struct {
	// Until is when the wait ends.
	Until time.Time
	// Why says to a person what the shard waits for.
	Why string
}

// HandlerPanicked is a panic of a [Handler] that was recovered.
type HandlerPanicked struct {
	// Type is the type of the event, such as MESSAGE_CREATE.
	Type string
	// Value is what the handler panicked with, as fmt prints it.
	Value string
	// Stack is the stack of the handler's goroutine.
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
func (AddressRefused) observation()     {}
func (SequenceGap) observation()        {}
func (QueueFull) observation()          {}
func (QueueDrained) observation()       {}
func (PresenceSent) observation()       {}
func (HostSlept) observation()          {}
func (ProcessStalled) observation()     {}
func (ClockSet) observation()           {}
func (AttemptsExhausted) observation()  {}
func (IdentifyDelayed) observation()    {}
func (HandlerPanicked) observation()    {}

// notifier carries observations to the observer on a goroutine of its own, so that an
// observer that writes to a disk cannot delay a heartbeat.
type notifier struct {
	shard    ShardID
	observer Observer // nil: observations are dropped
	clock    *clock.Clock
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

func newNotifier(shard ShardID, observer Observer, clock *clock.Clock, onDrop func()) *notifier {
	return &notifier{shard: shard, observer: observer, clock: clock, onDrop: onDrop, wake: make(chan struct{}, 1), done: make(chan struct{})}
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
	n.clock.Now() // a jump is noticed before what follows it
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
