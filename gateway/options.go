package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"evergreen/identify"
)

// Never switches a period of [Timing] off.
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

// Options configures a [Shard]. Token, Intents and URLSource are required; every
// other zero value means the documented default.
type Options struct {
	Credentials
	URLSource URLSource
	// Shard is the shard's place among the bot's shards; zero for an unsharded bot.
	Shard ShardID
	// Presence goes into every IDENTIFY and is sent again after READY and RESUMED.
	Presence *Presence
	// Properties is the library name that IDENTIFY reports. Default "evergreen".
	Properties string
	// LargeThreshold is passed to IDENTIFY when between 50 and 250.
	LargeThreshold int

	// Events names the dispatches that Handler gets; nil means all of them, an empty
	// slice none. Others are counted, and never copied or decoded.
	Events []string
	// Handler gets the events. Default: there are none.
	Handler Handler

	IdentifyLimiter   IdentifyLimiter   // default: an identify.Limiter for this shard alone
	SessionStore      SessionStore      // default: the session ends with the process
	Observer          Observer          // default: none
	CredentialChecker CredentialChecker // default: a parked shard waits for Reconfigure
	Dialer            Dialer            // default: WebSocket over TLS with a deadline for each phase

	// Session is a session to resume first, as saved by an earlier run.
	Session Session

	Compression Compression // default CompressZlib
	// ReadLimit is the largest payload that is kept, decompressed, in bytes;
	// larger ones are read past and counted. Default 128 MiB.
	ReadLimit int64
	// QueueBytes bounds the events that wait for Handler. When it is full,
	// further events are left with Discord and fetched again by a RESUME once
	// the queue is half empty. Default 64 MiB.
	QueueBytes int64
	// SendQueue bounds the sends that wait for the rate limit. Default 1000.
	SendQueue int
	// MaxAttempts is how many failures in a row are reported as [AttemptsExhausted]; the
	// shard goes on regardless. Default 10.
	MaxAttempts int
	// Timing holds periods and deadlines, each with its default.
	Timing Timing

	// Rand returns numbers in [0,1) for every jitter, so that a simulation can be
	// repeated. Default math/rand/v2.
	Rand func() float64
	// WallClock reads the wall clock, which runs on while a host sleeps. It is
	// compared with the monotonic clock to notice such a sleep. Default time.Now.
	WallClock func() time.Time
}

// Timing holds every period and deadline of a shard. Zero means the default.
type Timing struct {
	// HeartbeatTimeout is the longest an answer to a heartbeat may stay out,
	// whatever else arrives. Default 60 s.
	HeartbeatTimeout time.Duration
	// SilenceProbe is how long nothing at all may arrive before an extra heartbeat asks
	// for a sign of life. Where answers have been slow it asks up to twice as soon.
	// Default 15 s; [Never]: no probe.
	SilenceProbe time.Duration
	// SuspectAfter is how long a heartbeat may stay unanswered in silence
	// before a spare connection is dialled. Default 5 s, or eight times the
	// slowest recent round trip, at most 10 s, if that is longer.
	SuspectAfter time.Duration
	// DeadAfter is how long it may stay unanswered in silence before the
	// spare takes over. Default 9.5 s, and up to 15 s where answers have been slow.
	DeadAfter time.Duration

	GatewayURL time.Duration // one call of the URLSource. Default 15 s
	Connect    time.Duration // DNS, TCP, TLS and upgrade together. Default 15 s
	Hello      time.Duration // from the upgrade to HELLO. Default 10 s
	// Ready is how long READY may take while heartbeats are answered; two minutes is the
	// least. Default 125 s.
	Ready time.Duration
	// ReadyWarning is after how long [SlowReady] is reported. Default 15 s.
	ReadyWarning time.Duration
	// Resumed is how long a RESUME may go without a dispatch. Default 15 s.
	Resumed time.Duration
	// Write is how long one write may take. Default 10 s.
	Write time.Duration
	// Close is how long a close handshake may take. Default 1 s.
	Close time.Duration
	// Move is how long the old connection serves on after op 7 while the new
	// one is prepared. Default 4 s; Discord cuts it after about 5.
	Move time.Duration

	// BackoffLocal and BackoffRemote cap the wait between attempts while the
	// failure is on this side of Discord, or at Discord. Default 4.5 s and 25 s.
	BackoffLocal  time.Duration
	BackoffRemote time.Duration
	// BackoffReset is how long a connection must be live before its failures are
	// forgotten. Default 60 s.
	BackoffReset time.Duration
	// ClockCheck is how often, at the least, the wall clock is compared with the
	// time that was planned, which is how a sleep of the host is noticed.
	// Default 5 s.
	ClockCheck time.Duration
	// ParkRecheck is the first wait before the credentials of a parked shard are checked;
	// it doubles up to ten minutes. Default 30 s.
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
	// Kind is ReasonDNS, ReasonDial, ReasonTLS or ReasonUpgrade.
	Kind ReasonKind
	// Status is the HTTP status of a refused upgrade, else 0.
	Status int
	Err    error
}

// Error includes the phase.
func (e *ConnectError) Error() string { return string(e.Kind) + ": " + e.Err.Error() }

// Unwrap returns the underlying error.
func (e *ConnectError) Unwrap() error { return e.Err }

// Socket is one WebSocket. Read is called by one goroutine; the other methods may be
// called at the same time by others.
type Socket interface {
	// Read appends the next data message to buf, up to limit bytes, and reads
	// past the rest; size is the length of the whole message. alive is called
	// whenever bytes arrive. At the end it returns a [*CloseError] for a close
	// frame, any other error for a connection that just ended.
	Read(buf []byte, limit int64, alive func()) (message []byte, size int64, binary bool, err error)
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
	Code   CloseCode
	Reason string
}

// Error prints code and reason.
func (e *CloseError) Error() string {
	return Reason{Kind: ReasonClosed, Code: e.Code, Text: e.Reason}.String()
}

func setDefaults(o *Options) {
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	t := &o.Timing
	or(&t.HeartbeatTimeout, defaultHeartbeatTimeout)
	or(&t.SilenceProbe, defaultSilenceProbe)
	or(&t.SuspectAfter, defaultSuspectAfter)
	or(&t.DeadAfter, defaultDeadAfter)
	or(&t.GatewayURL, defaultGatewayURL)
	or(&t.Connect, defaultConnect)
	or(&t.Hello, defaultHello)
	or(&t.Ready, defaultReady)
	or(&t.ReadyWarning, defaultReadyWarning)
	or(&t.Resumed, defaultResumed)
	or(&t.Write, defaultWrite)
	or(&t.Close, defaultClose)
	or(&t.Move, defaultMove)
	or(&t.BackoffLocal, defaultBackoffLocal)
	or(&t.BackoffRemote, defaultBackoffRemote)
	or(&t.BackoffReset, defaultBackoffReset)
	or(&t.ClockCheck, defaultClockCheck)
	or(&t.ParkRecheck, defaultParkRecheck)
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
	if o.WallClock == nil {
		o.WallClock = time.Now
	}
	if o.Handler == nil && o.Events == nil {
		o.Events = []string{}
	}
}
