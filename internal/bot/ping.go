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

// roundTrip measures what one REST request takes. A measurement serves everyone
// who asks within roundTripAge, so that many pings do not eat the request
// budget that answers need.
type roundTrip struct {
	turn chan struct{} // holds one value while somebody measures or reads
	at   time.Time
	took time.Duration
	err  error
}

const (
	roundTripAge = 5 * time.Second
	// roundTripLimit leaves room to answer a slash command in time.
	roundTripLimit = 1500 * time.Millisecond
)

func (t *roundTrip) measure(ctx context.Context, a api) (time.Duration, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	start := time.Now()
	if !t.at.IsZero() && start.Sub(t.at) < roundTripAge {
		return t.took, t.err
	}
	ctx, cancel := context.WithTimeout(ctx, roundTripLimit)
	defer cancel()
	t.err = a.touch(ctx)
	t.at = time.Now()
	t.took = t.at.Sub(start)
	return t.took, t.err
}
