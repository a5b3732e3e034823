package line

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"evergreen/internal/bounds"
)

// Defaults of [Options].
const (
	defaultACKDelay          = minACKDelay
	defaultHeartbeatInterval = bounds.UsualInterval
	defaultGreetTimeout      = time.Minute
	defaultPingDelay         = 250 * time.Millisecond
	defaultStallAfter        = 2 * time.Second
)

// The ACK of a heartbeat waits at least minACKDelay: an earlier one overtakes the client's own
// note of when it sent. discord.py 2.2.2 then warns that it is 41 s behind, disgo takes the
// connection for dead. It waits at most maxACKDelay.
const (
	minACKDelay = 60 * time.Millisecond
	maxACKDelay = time.Second
)

// Limits of what a client sends, in bytes. Discord's are 4096 for every payload (G-103);
// IDENTIFY is allowed more here, because none of it has to pass on as it is.
const (
	maxPayload  = 4096
	maxIdentify = 15 << 10
)

const (
	noPongAfter   = 15 * time.Second // unanswered for that long, the first ping tells that a client answers none
	closeTimeout  = time.Second      // of a close frame and the client's answer to it, together
	answerTimeout = closeTimeout / 4 // of that answer
	highWater     = 32 << 10         // bytes that may wait for the writer; one more message may follow
	maxWrite      = 64 << 10         // bytes in one write, so that slow progress is seen as progress
	maxHandling   = 8                // payloads that wait for the handler before the line reads no more
)

// Options says how a line behaves. The zero value works.
type Options struct {
	// HostAllowed reports whether the Host of an upgrade request is one of ours; host is in
	// lower case, without a port or brackets. It keeps out web pages whose name was pointed
	// at this machine (DNS rebinding). Default [IsLoopback].
	HostAllowed func(host string) bool
	// ACKDelay is how long the ACK of a heartbeat waits, asked at each one. Values beyond
	// 60 ms and 1 s count as these. Default 60 ms.
	ACKDelay func() time.Duration
	// HeartbeatInterval goes into HELLO. Default 41.25 s.
	HeartbeatInterval func() time.Duration
	// GreetTimeout is how long IDENTIFY or RESUME may take after HELLO, and after an
	// INVALID SESSION. Default 60 s.
	GreetTimeout time.Duration
	// PingDelay is how long after a dispatch was written a ping asks whether it was read. A
	// sooner answer would come before the bot has handled the event. Default 250 ms.
	PingDelay time.Duration
	// StallAfter is how long a pong or a write may take before the line counts as stalled.
	// Default 2 s.
	StallAfter time.Duration
	// Log gets what an operator may want to know. Default: nothing is logged.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.HostAllowed == nil {
		o.HostAllowed = IsLoopback
	}
	if o.ACKDelay == nil {
		o.ACKDelay = func() time.Duration { return defaultACKDelay }
	}
	if o.HeartbeatInterval == nil {
		o.HeartbeatInterval = func() time.Duration { return defaultHeartbeatInterval }
	}
	if o.GreetTimeout == 0 {
		o.GreetTimeout = defaultGreetTimeout
	}
	if o.PingDelay == 0 {
		o.PingDelay = defaultPingDelay
	}
	if o.StallAfter == 0 {
		o.StallAfter = defaultStallAfter
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// IsLoopback reports whether a host, without a port, is a name or an address that always
// means this machine.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, _ := netip.ParseAddr(host) // the zero Addr is not loopback
	return addr.Unmap().IsLoopback()
}
