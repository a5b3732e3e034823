// Package bounds is the one table of which numbers from outside are believed: those of
// Discord's answers, and of servers that are not Discord's.
//
// A number beyond its bounds costs nothing but itself. It is replaced, by the nearest
// bound or by what is usual, where the row says so.
package bounds

import "time"

// Range is from when to when a number makes sense, both ends included.
type Range[N ~int | ~int64] struct{ Least, Most N }

// Has reports whether a number makes sense.
func (r Range[N]) Has(n N) bool { return n >= r.Least && n <= r.Most }

// Clamp returns the number, or the bound that it lies beyond.
func (r Range[N]) Clamp(n N) N { return max(r.Least, min(n, r.Most)) }

// Of the gateway.
var (
	// HeartbeatInterval is heartbeat_interval of HELLO (G-018). UsualInterval takes the
	// place of one that makes no sense: with less than half a second between them,
	// heartbeats alone would break the limit of 120 payloads a minute.
	HeartbeatInterval = Range[time.Duration]{500 * time.Millisecond, 10 * time.Minute}
	// Sequence is s of a dispatch, up to what JSON numbers hold exactly. One beyond it
	// counts as absent.
	Sequence = Range[int64]{1, 1<<53 - 1}
)

const (
	// UsualInterval is the heartbeat interval that Discord has asked for since 2017.
	UsualInterval = 41_250 * time.Millisecond
	// SequenceStep is how many sequence numbers may be missing at once. After more than
	// that a second number has to confirm that the server counts from there.
	SequenceStep = 1_000_000
	// SessionID and Address are the most bytes of a session_id and of an address.
	// RESUME has to hold both within 4096 bytes.
	SessionID, Address = 1024, 1024
)

// Of GET /gateway/bot.
const (
	// MaxShards is the most shards of a bot in all its processes. Discord names no
	// limit; this one keeps a mistyped number from taking all memory.
	MaxShards = 100_000
	// MaxShardsHere is the most of them that one process runs. With more, only to decide
	// which one identifies next would take the processor for itself.
	MaxShardsHere = 4096
)

var (
	// Shards is how many shards Discord may recommend to a bot. Another number counts
	// as none.
	Shards = Range[int]{1, MaxShards}
	// StartsTotal is total of session_start_limit. With another one all of it is
	// ignored.
	StartsTotal = Range[int]{1, 1_000_000}
	// StartsReset is reset_after of session_start_limit: the count is that of a day. The
	// nearest bound takes the place of others.
	StartsReset = Range[time.Duration]{0, 24 * time.Hour}
	// MaxConcurrency is max_concurrency of session_start_limit. Discord's largest is far
	// below; the nearest bound takes the place of others.
	MaxConcurrency = Range[int]{1, 256}
)

// RateLimited is retry_after of RATE_LIMITED, in seconds.
const RateLimited = 3600.0
