package rest

import (
	"context"
	"time"
)

type patienceKey struct{}

// WithPatience returns a context for a request that waits no longer than patience for rate
// limits and between attempts. What takes longer, such as a 429 with a long Retry-After, is
// returned, for a caller who waits by itself. Sending is not counted.
func WithPatience(ctx context.Context, patience time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, patience)
}

// waiting returns the context in which a request waits.
func waiting(ctx context.Context) (context.Context, context.CancelFunc) {
	if patience, ok := ctx.Value(patienceKey{}).(time.Duration); ok {
		return context.WithTimeout(ctx, patience)
	}
	return context.WithCancel(ctx)
}
