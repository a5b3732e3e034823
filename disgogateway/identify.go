package disgogateway

import (
	"context"
	"time"

	"evergreen/gateway"
	"evergreen/identify"

	disgo "github.com/disgoorg/disgo/gateway"
)

// disgoLimiter is disgo's identify limiter as a permit.
type disgoLimiter struct{ limiter disgo.IdentifyRateLimiter }

// Acquire waits for the limiter.
func (b disgoLimiter) Acquire(ctx context.Context, pair gateway.ShardID, _ func(time.Time, string)) (identify.Grant, error) {
	if err := b.limiter.Wait(ctx, pair.ID); err != nil {
		return nil, err
	}
	return disgoGrant{b.limiter, pair.ID}, nil
}

type disgoGrant struct {
	limiter disgo.IdentifyRateLimiter
	shard   int
}

func (disgoGrant) Sent() bool { return true }

func (t disgoGrant) Release(identify.Outcome) { t.limiter.Unlock(t.shard) }
