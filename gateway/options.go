package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"evergreen/clock"
	"evergreen/identify"
)

// Never switches Timing.SilenceProbe off. It has no meaning in other fields.
const Never = -1

// Defaults of [Options].
const (
	defaultProperties  = "evergreen"
	defaultReadLimit   = 128 << 20
	defaultQueueBytes  = 64 << 20
	defaultSendQueue   = 1000
	defaultMaxAttempts = 10
)

// Defaults of [Timing]. defaultDeadAfter is half a second under ten, so that probe,
// decision and RESUME together stay within 25 s of the last byte.
const (
	defaultHeartbeatTimeout = 60 * time.Second
	defaultSilenceProbe     = 15 * time.Second
	defaultSuspectAfter     = 5 * time.Second
	defaultDeadAfter        = 9500 * time.Millisecond
	defaultGatewayURL       = 15 * time.Second
	defaultConnect          = 15 * time.Second
	defaultHello            = 10 * time.Second
	defaultReady            = 125 * time.Second
	defaultReadyWarning     = 15 * time.Second
	defaultResumed          = 15 * time.Second
	defaultWrite            = 10 * time.Second
	defaultClose            = time.Second
	defaultMove             = 4 * time.Second
	defaultBackoffLocal     = 4500 * time.Millisecond
	defaultBackoffRemote    = 25 * time.Second
	defaultBackoffReset     = 60 * time.Second
	defaultClockCheck       = 5 * time.Second
	defaultParkRecheck      = 30 * time.Second
)

// Errors that a caller can test for with errors.Is.
var (
	// ErrUnauthorized means that Discord refused the token. A [URLSource] returns it to
	// park the shard.
	ErrUnauthorized = errors.New("the bot token was refused by Discord")
	// ErrStopped is returned by calls on a shard that has been stopped.
	ErrStopped = errors.New("the shard has been stopped")
	// ErrTooLarge means that a payload exceeds the 4096 bytes Discord accepts.
	ErrTooLarge = errors.New("payload exceeds 4096 bytes")
	// ErrQueueFull means that Options.SendQueue sends are waiting already.
	ErrQueueFull = errors.New("the send queue is full")
)

// Compression selects the transport compression.
type Compression string

// The transport compressions of Discord.
const (
	// CompressZlib is the default: about 75 KiB per connection, an eighth of
	// the bytes on the wire.
	CompressZlib Compression = "zlib-stream"
	// CompressZstd costs up to 8.8 MiB per connection for its window.
	CompressZstd Compression = "zstd-stream"
	// CompressNone sends plain text.
	CompressNone Compression = "none"
)

// Options configures a [Shard]. Credentials.Token and URLSource are required; every
// other zero value means the documented default. Without Intents hardly any event comes.
type Options struct {
	// Credentials are the token and the intents to identify with, until
	// [Shard.Reconfigure] or the CredentialChecker brings others. The token is required.
	Credentials
	// URLSource returns the base gateway URL. It is asked before each IDENTIFY, and for
	// a RESUME when the session's resume URL cannot be reached.
	URLSource URLSource
	// APIURL is the REST base that the gateway's addresses come from. It decides which of
	// them the token may be sent to, see [CheckAddress]; a resume URL that is refused is
	// replaced by the base URL. Default: what URLSource returns, which then is trusted as
	// it is.
	APIURL string
	// Shard is the shard's place among the bot's shards; zero for an unsharded bot.
	Shard ShardID
	// Presence goes into every IDENTIFY and is sent again after READY and RESUMED: after
	// RESUMED no sooner than 5 s after the last one of the session.
	// Default: none is sent.
	Presence *Presence
	// Properties is the library name that IDENTIFY reports. Default "evergreen".
	Properties string
	// LargeThreshold is the large_threshold of IDENTIFY, 50 to 250 members. Any other
	// value is left out, and Discord's own default holds.
	LargeThreshold int

	// Events names the dispatches that Handler gets. Default, nil: all of them, or none
	// without a Handler; an empty slice: none. Others are counted and neither copied nor
	// decoded, except that the shard itself reads READY, RESUMED and RATE_LIMITED.
	Events []string
	// Handler gets the events. Default: none; then Events must name none, because the
	// events would wait for ever.
	Handler Handler

	// IdentifyLimiter decides when the shard may identify. Default: an [identify.Limiter]
	// for this shard alone, without a budget of the day.
	IdentifyLimiter IdentifyLimiter
	// SessionStore saves the session for a later run. Default: it ends with the process.
	SessionStore SessionStore
	// Observer is told what happens to the shard. Default: none.
	Observer Observer
	// CredentialChecker asks whether a parked shard would be accepted again. Default:
	// none; a parked shard waits for [Shard.Reconfigure].
	CredentialChecker CredentialChecker
	// Dialer opens WebSockets. Default: a [WebSocketDialer] whose User-Agent names
	// Properties.
	Dialer Dialer

	// Session is a session to resume first, as saved by an earlier run. One that is not
	// Resumable is ignored.
	Session Session

	// Compression is the transport compression. Default CompressZlib.
	Compression Compression
	// ReadLimit is the largest payload that is kept, decompressed, in bytes; larger ones
	// are read past and counted. A compressed frame that is itself larger ends the
	// connection. Default 128 MiB.
	ReadLimit int64
	// QueueBytes bounds the events that wait for Handler, in bytes; each counts with its
	// data and 160 bytes. When it is full, further events are left with Discord and
	// fetched again by a RESUME once the queue is half empty. An empty queue takes an
	// event of any size, and READY is always taken. Default 64 MiB.
	QueueBytes int64
	// SendQueue is how many calls of [Shard.Send] may wait at the same time; one more
	// fails with [ErrQueueFull]. Default 1000.
	SendQueue int
	// MaxAttempts is after how many failures in a row [AttemptsExhausted] is reported,
	// once; the shard goes on regardless. Default 10.
	MaxAttempts int
	// Timing holds periods and deadlines, each with its default.
	Timing Timing

	// Rand returns numbers x, 0 <= x < 1, for every jitter, so that a simulation can be
	// repeated. Shards that share it call it at the same time. Default math/rand/v2.
	Rand func() float64
	// Clock tells a sleep of the host from a wall clock that was set. Those who measure
	// between moments of several shards, or of the shard and of others, share one. A test
	// has a host of its own sleep with it. Default: the machine's.
	Clock *clock.Clock
}

// Timing holds every period and deadline of a shard. Zero means the default; only
// SilenceProbe may be negative. [New] refuses what is above a day, or so little that the
// shard could do nothing else.
type Timing struct {
	// HeartbeatTimeout is the longest an answer to a heartbeat may stay out, whatever
	// else arrives. A regular heartbeat has to be answered before the next one is due, if
	// that is sooner. Here, as in Hello, Ready and Resumed, the time in which a message
	// comes in does not count, because no answer can overtake it: at 1 kB a second or more,
	// and for at most ten minutes. Default 60 s.
	HeartbeatTimeout time.Duration
	// SilenceProbe is how long nothing at all may arrive before an extra heartbeat asks
	// for a sign of life. Where answers have been slow it asks sooner, with the defaults
	// after 9.5 s. Default 15 s; [Never]: no probe.
	SilenceProbe time.Duration
	// SuspectAfter is how long a heartbeat may stay unanswered in silence
	// before a spare connection is dialled. Eight times the slowest of the last eight
	// round trips, at most 10 s, takes its place if that is longer. Default 5 s.
	SuspectAfter time.Duration
	// DeadAfter is how long it may stay unanswered in silence before the connection is
	// given up and the spare takes over. Where answers have been slow it is longer, with
	// the defaults up to 15 s. Default 9.5 s.
	DeadAfter time.Duration

	// GatewayURL bounds one call of the URLSource. Default 15 s.
	GatewayURL time.Duration
	// Connect bounds one call of the Dialer: DNS, TCP, TLS and upgrade together.
	// Default 15 s.
	Connect time.Duration
	// Hello is how long HELLO may take after the upgrade. Default 10 s.
	Hello time.Duration
	// Ready is how long READY may take after IDENTIFY while heartbeats are answered.
	// Keep it at two minutes or more: each IDENTIFY is spent, however it ends. That is not
	// checked. Default 125 s.
	Ready time.Duration
	// ReadyWarning is how long after IDENTIFY [SlowReady] is reported. Default 15 s.
	ReadyWarning time.Duration
	// Resumed is how long a RESUME may go without a dispatch. Default 15 s.
	Resumed time.Duration
	// Write is how long one write may take before the connection is given up.
	// Default 10 s.
	Write time.Duration
	// Close is how long a close handshake may take. Default 1 s.
	Close time.Duration
	// Move is how long the old connection serves on after op 7 while the new
	// one is prepared. Default 4 s; Discord cuts it after about 5.
	Move time.Duration

	// BackoffLocal caps the wait between attempts that fail on this side of Discord.
	// Default 4.5 s.
	BackoffLocal time.Duration
	// BackoffRemote caps the wait between attempts that fail at Discord. Default 25 s.
	BackoffRemote time.Duration
	// BackoffReset is how long a connection must be live before the failures before it
	// are forgotten. Default 60 s.
	BackoffReset time.Duration
	// ClockCheck is how often, at the least, the clocks are compared with the time that
	// was planned. That is how a sleep of the host is noticed. Default 5 s.
	ClockCheck time.Duration
	// ParkRecheck is the first wait before the credentials of a parked shard are checked;
	// it doubles up to ten minutes. After close codes 4010 and 4011 the first check comes
	// at once. Default 30 s.
	ParkRecheck time.Duration
}

// StopMode is what becomes of the session when a shard stops.
type StopMode int

// The modes of [Shard.Stop].
const (
	// KeepSession keeps the session for the next start: the bot stays online for as long
	// as Discord keeps the session (G-090).
	KeepSession StopMode = iota
	// EndSession ends the session: the bot is offline at once (G-089).
	EndSession
)

// Dialer opens sockets.
type Dialer interface {
	// Dial connects to a ws or wss URL. ctx bounds the attempt, not the socket.
	// An error is best a [*ConnectError].
	Dial(ctx context.Context, url string) (Socket, error)
}

// ConnectError tells how far a dial came.
type ConnectError struct {
	// Kind is ReasonDNS, ReasonDial, ReasonTLS, ReasonUpgrade, or what
	// [WebSocketDialer].Classify returned.
	Kind ReasonKind
	// Status is the HTTP status of a refused upgrade, else 0.
	Status int
	// Err is the underlying error. It must not be nil.
	Err error
}

// Error includes the phase.
func (e *ConnectError) Error() string { return string(e.Kind) + ": " + e.Err.Error() }

// Unwrap returns the underlying error.
func (e *ConnectError) Unwrap() error { return e.Err }

// Socket is one WebSocket. Read is called by one goroutine; the other methods may be
// called at the same time by others.
type Socket interface {
	// Read appends the next data message to buf, up to limit bytes, and reads
	// past the rest; size is the length of the whole message. received is called with
	// their number whenever bytes arrive, however few, and with 0 when a message begins
	// whose first bytes came along with the message before. It is called by one
	// goroutine at a time and not after Read has returned. At the end Read returns a
	// [*CloseError] for a close frame, any other error for a connection that just ended.
	Read(buf []byte, limit int64, received func(n int)) (message []byte, size int64, binary bool, err error)
	// Write sends one text message. If ctx ends first the socket is unusable.
	Write(ctx context.Context, message []byte) error
	// Close sends a close frame and waits for the peer's until ctx ends; then it
	// has dropped the connection.
	Close(ctx context.Context, code CloseCode, reason string)
	// Drop cuts the connection at once and unblocks all calls.
	Drop()
}

// CloseError is a close frame from the server.
type CloseError struct {
	// Code is the close code of the frame.
	Code CloseCode
	// Reason is the text of the frame, at most 123 bytes; often empty.
	Reason string
}

// Error prints code and reason.
func (e *CloseError) Error() string {
	return Reason{Kind: ReasonClosed, Code: e.Code, Text: e.Reason}.String()
}

func setDefaults(o *Options) {
	if o.Properties == "" {
		o.Properties = defaultProperties
	}
	if o.LargeThreshold < 50 || o.LargeThreshold > 250 {
		o.LargeThreshold = 0
	}
	if o.Compression == "" {
		o.Compression = CompressZlib
	}
	if o.ReadLimit <= 0 {
		o.ReadLimit = defaultReadLimit
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = defaultQueueBytes
	}
	if o.SendQueue <= 0 {
		o.SendQueue = defaultSendQueue
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = defaultMaxAttempts
	}
	if o.Dialer == nil {
		o.Dialer = WebSocketDialer{UserAgent: "DiscordBot (https://discord.com, 1.0) " + o.Properties}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.IdentifyLimiter == nil {
		o.IdentifyLimiter = identify.New(identify.Options{Rand: o.Rand})
	}
	if o.Clock == nil {
		o.Clock = clock.New(clock.Source{})
	}
	if o.Handler == nil {
		o.Events = []string{}
	}
}

// longest bounds every field of Timing: beyond it nothing would be waited for.
const longest = 24 * time.Hour

// setDefaults fills in what is zero and returns what is wrong with the rest. least is the
// least value that makes sense: with less than that a shard would do nothing but look at
// its clock.
func (t *Timing) setDefaults() error {
	for _, f := range []struct {
		name       string
		value      *time.Duration
		def, least time.Duration
	}{
		{"HeartbeatTimeout", &t.HeartbeatTimeout, defaultHeartbeatTimeout, 100 * time.Millisecond},
		{"SilenceProbe", &t.SilenceProbe, defaultSilenceProbe, 50 * time.Millisecond},
		{"SuspectAfter", &t.SuspectAfter, defaultSuspectAfter, 10 * time.Millisecond},
		{"DeadAfter", &t.DeadAfter, defaultDeadAfter, 10 * time.Millisecond},
		{"GatewayURL", &t.GatewayURL, defaultGatewayURL, time.Millisecond},
		{"Connect", &t.Connect, defaultConnect, time.Millisecond},
		{"Hello", &t.Hello, defaultHello, time.Millisecond},
		{"Ready", &t.Ready, defaultReady, time.Millisecond},
		{"ReadyWarning", &t.ReadyWarning, defaultReadyWarning, time.Millisecond},
		{"Resumed", &t.Resumed, defaultResumed, time.Millisecond},
		{"Write", &t.Write, defaultWrite, time.Millisecond},
		{"Close", &t.Close, defaultClose, time.Millisecond},
		{"Move", &t.Move, defaultMove, time.Millisecond},
		{"BackoffLocal", &t.BackoffLocal, defaultBackoffLocal, time.Millisecond},
		{"BackoffRemote", &t.BackoffRemote, defaultBackoffRemote, time.Millisecond},
		{"BackoffReset", &t.BackoffReset, defaultBackoffReset, time.Millisecond},
		{"ClockCheck", &t.ClockCheck, defaultClockCheck, 100 * time.Millisecond},
		{"ParkRecheck", &t.ParkRecheck, defaultParkRecheck, 100 * time.Millisecond},
	} {
		switch {
		case *f.value == 0:
			*f.value = f.def
		case *f.value < 0 && f.value == &t.SilenceProbe: // Never
		case *f.value < f.least || *f.value > longest:
			return fmt.Errorf("gateway: Timing.%s is %s: want %s to %s, or 0 for the default of %s", f.name, *f.value, f.least, longest, f.def)
		}
	}
	return nil
}
