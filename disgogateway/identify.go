package disgogateway

import (
	"context"
	"time"

	"evergreen/gateway"
	"evergreen/identify"

	disgo "github.com/disgoorg/disgo/gateway"
)

// disgoLimiter is disgo's identify limiter as a [gateway.IdentifyLimiter].
type disgoLimiter struct{ limiter disgo.IdentifyRateLimiter }

// Acquire implements [gateway.IdentifyLimiter].
func (l disgoLimiter) Acquire(ctx context.Context, shard gateway.ShardID, _ func(time.Time, string)) (identify.Grant, error) {
	if err := l.limiter.Wait(ctx, shard.ID); err != nil {
		return nil, err
	}
	return disgoGrant{l.limiter, shard.ID}, nil
}

// SessionEnded does nothing: disgo's limiter does not ask how long a session lasted.
func (disgoLimiter) SessionEnded(gateway.ShardID, time.Duration) {}

type disgoGrant struct {
	limiter disgo.IdentifyRateLimiter
	shard   int
}

func (disgoGrant) Sent() bool { return true }

func (g disgoGrant) Release(identify.Outcome) { g.limiter.Unlock(g.shard) }
