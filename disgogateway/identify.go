package disgogateway

import (
	"context"
	"time"

	"evergreen/gateway"
	"evergreen/identify"

	disgo "github.com/disgoorg/disgo/gateway"
)

// borrowed is disgo's identify limiter as a permit.
type borrowed struct{ limiter disgo.IdentifyRateLimiter }

// Acquire waits for the limiter.
func (b borrowed) Acquire(ctx context.Context, pair gateway.ShardID, _ func(time.Time, string)) (identify.Grant, error) {
	if err := b.limiter.Wait(ctx, pair.ID); err != nil {
		return nil, err
	}
	return turn{b.limiter, pair.ID}, nil
}

type turn struct {
	limiter disgo.IdentifyRateLimiter
	shard   int
}

func (turn) Sent() bool { return true }

func (t turn) Release(identify.Outcome) { t.limiter.Unlock(t.shard) }
