package disgogateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"evergreen/internal/discord/rest"

	disgorest "github.com/disgoorg/disgo/rest"
)

// RateLimiter is disgo's rest.RateLimiter with this module's manners. It mends
// what disgo's own gets wrong: a Reset-After of 0.75 s is waited out in full and
// not for 0 s, a global 429 that names no bucket stops every route, no more than
// 50 requests leave in a second, routes that share a bucket share its limit, and
// after Close a request fails instead of hanging. Requests of one bucket may be
// under way side by side as far as its limit allows. It has no goroutines.
//
// A token that Discord answers with 401 is not sent again for ten minutes, and
// nothing is sent while Discord blocks the address: both lead to longer blocks.
type RateLimiter struct {
	mu      sync.Mutex
	gates   *rest.Transport
	passes  map[*disgorest.CompiledEndpoint][]*rest.Reservation
	flying  int
	settled chan struct{} // one slot: nothing is under way any more
	closed  bool
}

var _ disgorest.RateLimiter = (*RateLimiter)(nil)

const (
	// maxRetries is how often disgo sends a request again that was answered 429.
	maxRetries = 10
	// limiterPatience bounds the wait of a request whose context has no deadline.
	limiterPatience = 10 * time.Minute
	// recheck is how soon a token that was answered 401 is tried again.
	recheck = 10 * time.Minute
)

// ErrRateLimiterClosed is what a request gets after Close.
var ErrRateLimiterClosed = errors.New("disgogateway: the REST client has been closed")

// NewRateLimiter returns a rate limiter for rest.WithRateLimiter. Use one for
// everything one bot sends from this host.
func NewRateLimiter() *RateLimiter {
	r := &RateLimiter{settled: make(chan struct{}, 1)}
	r.Reset()
	return r
}

// MaxRetries returns how often a request that was answered 429 may be repeated.
func (r *RateLimiter) MaxRetries() int { return maxRetries }

// Reset forgets all limits; requests under way are not waited for any more.
func (r *RateLimiter) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gates = rest.New(rest.Options{Base: elsewhere{}, Timeout: limiterPatience, TokenRecheck: recheck})
	r.passes = map[*disgorest.CompiledEndpoint][]*rest.Reservation{}
	r.flying = 0
}

// Wait returns when the request may leave, or with an error that says why it
// will not. Unlock has to follow if the error is nil.
func (r *RateLimiter) Wait(ctx context.Context, endpoint *disgorest.CompiledEndpoint) error {
	r.mu.Lock()
	gates, closed := r.gates, r.closed
	r.mu.Unlock()
	if closed {
		return ErrRateLimiterClosed
	}
	req, err := http.NewRequestWithContext(ctx, endpoint.Endpoint.Method, "https://discord.com/api/v10"+endpoint.URL, nil)
	if err != nil {
		return fmt.Errorf("disgogateway: the address of a request cannot be read: %s %s", endpoint.Endpoint.Method, endpoint.Endpoint.Route)
	}
	owner := ""
	if endpoint.Endpoint.BotAuth {
		owner = "bot"
	}
	pass, err := gates.Reserve(req, owner)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.gates != gates {
		pass.Release(nil)
	}
	if r.closed {
		return ErrRateLimiterClosed
	}
	r.passes[endpoint] = append(r.passes[endpoint], pass)
	r.flying++
	return nil
}

// Unlock takes in what the answer tells; nil means that there was none.
func (r *RateLimiter) Unlock(endpoint *disgorest.CompiledEndpoint, response *http.Response) error {
	r.mu.Lock()
	waiting := r.passes[endpoint]
	if len(waiting) == 0 {
		r.mu.Unlock()
		return nil // from before a Reset
	}
	// Whoever uses one endpoint twice at once sends the same request twice.
	pass := waiting[0]
	if len(waiting) == 1 {
		delete(r.passes, endpoint)
	} else {
		r.passes[endpoint] = waiting[1:]
	}
	if r.flying--; r.flying == 0 {
		select {
		case r.settled <- struct{}{}:
		default:
		}
	}
	r.mu.Unlock()
	pass.Release(response)
	return nil
}

// Close refuses further requests and waits for those under way until ctx ends.
func (r *RateLimiter) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for {
		r.mu.Lock()
		idle := r.flying == 0
		r.mu.Unlock()
		if idle {
			return
		}
		select {
		case <-r.settled:
		case <-ctx.Done():
			return
		}
	}
}

// elsewhere stands where the round trips would be made: disgo makes them.
type elsewhere struct{}

// RoundTrip refuses.
func (elsewhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("disgogateway: requests are sent by disgo")
}
