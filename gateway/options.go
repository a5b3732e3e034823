package gateway

import (
	"context"
	"errors"
	"time"
)

// Errors a caller can test for with errors.Is.
var (
	// ErrUnauthorized means Discord refused the token.
	ErrUnauthorized = errors.New("the bot token was refused by Discord")
	// ErrStopped is returned by calls on a shard that has been stopped.
	ErrStopped = errors.New("the shard has been stopped")
	// ErrTooLarge means a payload exceeds the 4096 bytes Discord accepts (G-103).
	ErrTooLarge = errors.New("payload exceeds 4096 bytes")
	// ErrQueueFull means more sends are waiting than Options.SendQueue allows.
	ErrQueueFull = errors.New("the send queue is full")
)

// Compression selects the transport compression.
type Compression string

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
	// Presence goes into every IDENTIFY and is sent again after READY and
	// RESUMED (G-034).
	Presence *Presence
	// Properties is the library name IDENTIFY reports. Default "evergreen".
	Properties string
	// LargeThreshold is passed to IDENTIFY when between 50 and 250.
	LargeThreshold int

	// Events names the dispatches Handler wants; nil means all of them, an
	// empty slice none. Whatever is not wanted is never copied or decoded.
	Events  []string
	Handler Handler

	IdentifyLimiter   IdentifyLimiter   // default: a new identify.Limiter for this shard alone
	SessionStore      SessionStore      // default: nobody keeps the session
	Observer          Observer          // default: nobody watches
	CredentialChecker CredentialChecker // default: a parked shard waits for Reconfigure
	Dialer            Dialer            // default: WebSocket over TLS with a deadline for each phase

	// Session is a session to resume first, as kept by an earlier run.
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
	// MaxAttempts is how many failures in a row raise AttemptsExhausted; the
	// shard goes on regardless. Default 10.
	MaxAttempts int

	Timing Timing

	// Rand returns numbers in [0,1) for every jitter, so that a simulation can
	// be repeated. Default math/rand/v2.
	Rand func() float64
	// WallClock reads the wall clock, which runs on while a host sleeps. It is
	// compared with the monotonic clock to notice such a sleep. Default time.Now.
	WallClock func() time.Time
}

// Never switches a period of [Timing] off.
const Never = -1

// Timing holds every period and deadline of a shard. Zero values mean the
// defaults named with each field.
type Timing struct {
	// HeartbeatTimeout is the longest an answer to a heartbeat may stay out,
	// whatever else arrives. Default 60 s.
	HeartbeatTimeout time.Duration
	// SilenceProbe is how long nothing at all may arrive before an extra
	// heartbeat asks whether anybody is there. Where answers have been slow it
	// asks up to twice as soon. Default 15 s; [Never]: no probe.
	SilenceProbe time.Duration
	// SuspectAfter is how long a heartbeat may stay unanswered in silence
	// before a spare connection is dialled. Default 5 s, or eight times the
	// slowest recent round trip, at most 10 s, if that is longer.
	SuspectAfter time.Duration
	// DeadAfter is how long it may stay unanswered in silence before the
	// spare takes over. Default 9.5 s, and up to 15 s where answers have been slow.
	DeadAfter time.Duration

	GatewayURL time.Duration // learning the address. Default 15 s
	Connect    time.Duration // DNS, TCP, TLS and upgrade together. Default 15 s
	Hello      time.Duration // default 10 s (G-015)
	// Ready is how long READY may take while heartbeats are answered.
	// Default 125 s: two minutes is the least (G-044). ReadyWarning default 15 s.
	Ready        time.Duration
	ReadyWarning time.Duration
	// Resumed is how long a RESUME may go without a dispatch. Default 15 s.
	Resumed time.Duration
	Write   time.Duration // default 10 s (G-107)
	// Close is how long a close handshake may take. Default 1 s (G-093).
	Close time.Duration
	// Move is how long the old connection serves on after op 7 while the new
	// one is prepared. Default 4 s; Discord cuts it after about 5.
	Move time.Duration

	// BackoffLocal and BackoffRemote cap the wait between attempts while the
	// failure is on this side of Discord, or at Discord. Default 4.5 s and 25 s.
	BackoffLocal  time.Duration
	BackoffRemote time.Duration
	// BackoffReset is how long a connection must be live before its failures are
	// forgotten. Default 60 s (G-152).
	BackoffReset time.Duration
	// ClockCheck is how often, at the least, the wall clock is compared with the
	// time that was planned, which is how a sleep of the host is noticed (G-032).
	// Default 5 s.
	ClockCheck time.Duration
	// ParkRecheck is the first wait before a parked shard is inspected again;
	// it doubles up to ten minutes. Default 30 s.
	ParkRecheck time.Duration
}

// StopMode says how a shard leaves.
type StopMode int

const (
	// KeepSession keeps the session for the next start: the dot stays green for as
	// long as Discord keeps the session (G-090).
	KeepSession StopMode = iota
	// EndSession ends the session: the dot turns grey at once (G-089).
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

// Socket is one WebSocket. Read is called by one goroutine; the other methods
// may be called at the same time from others.
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

// Stats counts what a shard has seen since it was made. All numbers only grow.
type Stats struct {
	Received    int64 // dispatches of any kind
	Queued      int64 // dispatches handed to the queue
	Handled     int64 // events whose handling is over
	Replayed    int64 // dispatches that came during a replay
	Duplicates  int64 // dispatches dropped because their seq had been seen
	Skipped     int64 // payloads that cost only themselves
	Missing     int64 // sequence numbers that never came
	Overflowed  int64 // events left with Discord while the queue was full
	Bytes       int64 // payload bytes, decompressed
	WireBytes   int64 // payload bytes as received
	Sent        int64 // payloads sent, heartbeats included
	Heartbeats  int64
	ACKs        int64
	Identifies  int64
	Resumes     int64         // RESUMEs sent
	Resumed     int64         // RESUMEs that ended in RESUMED
	Connects    int64         // connections that reached HELLO
	Dials       int64         // connections attempted
	Panics      int64         // contained handler panics
	Unobserved  int64         // observations dropped because the observer was slow
	Checks      int64         // looks at the connection: while there is one, one every ClockCheck at least
	QueuedBytes int64         // bytes waiting now (this one shrinks too)
	QueuedAge   time.Duration // age of the oldest waiting or unfinished event
}
