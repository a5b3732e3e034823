package bot

import (
	"context"
	"fmt"
	"time"
)

var pingCommand = Command{
	Name:    "ping",
	Summary: "Says how fast Discord and I hear each other",
	Details: "Gateway is the time from my last heartbeat to Discord's answer. REST is the time one request to Discord's API takes.",
	Run: func(ctx context.Context, r *Request) (Answer, error) {
		gateway := "not measured yet"
		if latency := r.bot.shard().Latency(); latency > 0 {
			gateway = milliseconds(latency)
		}
		rest := "no answer"
		if took, err := r.bot.roundTrip.measure(ctx, r.bot.api); err == nil {
			rest = milliseconds(took)
		}
		return Answer{Text: fmt.Sprintf("Pong! Gateway: %s, REST: %s", gateway, rest)}, nil
	},
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// roundTrip measures what one REST request takes. A measurement is used again for
// roundTripAge, so that many pings do not use up the requests that answers need.
type roundTrip struct {
	lock chan struct{} // holds one value while it is held
	at   time.Time
	took time.Duration
	err  error
}

const (
	roundTripAge = 5 * time.Second
	// roundTripTimeout leaves room to answer a slash command in time.
	roundTripTimeout = 1500 * time.Millisecond
)

func (t *roundTrip) measure(ctx context.Context, a api) (time.Duration, error) {
	select {
	case t.lock <- struct{}{}:
		defer func() { <-t.lock }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	start := time.Now()
	if start.Sub(t.at) < roundTripAge {
		return t.took, t.err
	}
	ctx, cancel := context.WithTimeout(ctx, roundTripTimeout)
	defer cancel()
	t.err = a.touch(ctx)
	t.at = time.Now()
	t.took = t.at.Sub(start)
	return t.took, t.err
}
