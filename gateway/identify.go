package gateway

import (
	"context"
	"time"

	"evergreen/identify"
)

// IdentifyLimiter decides when a shard may send IDENTIFY. Discord allows one per
// concurrency key every five seconds and about a thousand a day. To break the first
// costs an op 9, to exhaust the second costs the token. [identify.Limiter] is the one
// to use, for a shard, a fleet or a bot that keeps its record on disk.
type IdentifyLimiter interface {
	// Acquire waits until the shard may identify, or until ctx ends. It is called before
	// the connection is opened. It may call announce, which never blocks, with the end
	// and the reason of a wait that a person should know of. An error that wraps
	// [ErrUnauthorized] parks the shard; any other is retried with backoff.
	Acquire(ctx context.Context, shard ShardID, announce func(until time.Time, why string)) (identify.Grant, error)
	// SessionEnded says that a session has ended for good after being live for this
	// long in total. So a crash loop can be told from a session that lasted. It never
	// blocks.
	SessionEnded(shard ShardID, lived time.Duration)
}

// StopObserver is an [IdentifyLimiter] that is told of stops too, as [identify.Limiter]
// is. Any other one is told of a session that a stop ends by SessionEnded.
type StopObserver interface {
	// Stopped says that the shard has been stopped on purpose, with its session kept or
	// ended, or that it gives its session up for other credentials: that the session
	// was short then says nothing. It never blocks.
	Stopped(shard ShardID)
}
