package disgogateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"evergreen/internal/discord/rest"

	disgorest "github.com/disgoorg/disgo/rest"
)

// RateLimiter is disgo's rest.RateLimiter over this module's rate limits. All
// methods may be called from any goroutine; every Wait that returns nil must be
// followed by Unlock. It has no goroutine of its own.
//
// It corrects what disgo's own limiter gets wrong. A Reset-After of 0.75 s is waited
// out in full and not for 0 s. A global 429 that names no bucket stops every route. No
// more than 50 requests leave in a second. Routes that share a bucket share its limit.
// After Close a request fails instead of hanging. Requests of one bucket may be in
// flight side by side as far as its limit allows.
//
// A token that Discord answers with 401 is not sent again for ten minutes. Nothing is
// sent while Discord blocks the address. Both would lead to longer blocks.
type RateLimiter struct {
	mu           sync.Mutex
	transport    *rest.Transport
	reservations map[*disgorest.CompiledEndpoint][]*rest.Reservation
	inFlight     int
	ended        chan struct{} // one slot: a request has ended
	closed       bool
}

var _ disgorest.RateLimiter = (*RateLimiter)(nil)

const (
	// maxRetries is how often disgo repeats a request that was answered 429.
	maxRetries = 10
	// limiterTimeout bounds the wait of a request whose context has no deadline.
	limiterTimeout = 10 * time.Minute
	// tokenRecheck is how soon a token that was answered 401 is tried again.
	tokenRecheck = 10 * time.Minute
)

// errLimiterClosed is the error of a request after Close.
var errLimiterClosed = fmt.Errorf("disgogateway: the REST client has been closed: %w", net.ErrClosed)

// NewRateLimiter returns a rate limiter for rest.WithRateLimiter. Use one for
// everything one bot sends from this host.
func NewRateLimiter() *RateLimiter {
	r := &RateLimiter{ended: make(chan struct{}, 1)}
	r.Reset()
	return r
}

// MaxRetries returns how often a request that was answered 429 may be repeated.
func (r *RateLimiter) MaxRetries() int { return maxRetries }

// Reset forgets all limits. Close no longer waits for the requests in flight.
func (r *RateLimiter) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.transport = rest.New(rest.Options{Base: noRoundTrips{}, Timeout: limiterTimeout, TokenRecheck: tokenRecheck})
	r.reservations = map[*disgorest.CompiledEndpoint][]*rest.Reservation{}
	r.inFlight = 0
}

// Wait returns when the request may leave. An error says why it may not: ctx has ended,
// or the limiter is closed (the error wraps [net.ErrClosed]). Unlock must follow if the
// error is nil.
func (r *RateLimiter) Wait(ctx context.Context, endpoint *disgorest.CompiledEndpoint) error {
	r.mu.Lock()
	transport, closed := r.transport, r.closed
	r.mu.Unlock()
	if closed {
		return errLimiterClosed
	}
	req, err := http.NewRequestWithContext(ctx, endpoint.Endpoint.Method, "https://discord.com/api/v10"+endpoint.URL, nil)
	if err != nil {
		return fmt.Errorf("disgogateway: the address of a request cannot be read: %s %s", endpoint.Endpoint.Method, endpoint.Endpoint.Route)
	}
	owner := ""
	if endpoint.Endpoint.BotAuth {
		owner = "bot"
	}
	reservation, err := transport.Reserve(req, owner)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.transport != transport {
		reservation.Release(nil)
	}
	if r.closed {
		return errLimiterClosed
	}
	r.reservations[endpoint] = append(r.reservations[endpoint], reservation)
	r.inFlight++
	return nil
}

// Unlock ends a request and learns from its response; nil means there was none.
func (r *RateLimiter) Unlock(endpoint *disgorest.CompiledEndpoint, response *http.Response) error {
	r.mu.Lock()
	waiting := r.reservations[endpoint]
	if len(waiting) == 0 {
		r.mu.Unlock()
		return nil // from before a Reset
	}
	// Two requests of one endpoint are the same request.
	reservation := waiting[0]
	if len(waiting) == 1 {
		delete(r.reservations, endpoint)
	} else {
		r.reservations[endpoint] = waiting[1:]
	}
	r.inFlight--
	r.mu.Unlock()
	select {
	case r.ended <- struct{}{}:
	default:
	}
	reservation.Release(response)
	return nil
}

// Close refuses further requests and waits for those in flight until ctx ends.
func (r *RateLimiter) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for {
		r.mu.Lock()
		idle := r.inFlight == 0
		r.mu.Unlock()
		if idle {
			return
		}
		select {
		case <-r.ended:
		case <-ctx.Done():
			return
		}
	}
}

// noRoundTrips is the base of a transport that only limits: disgo makes the round
// trips.
type noRoundTrips struct{}

// RoundTrip implements [http.RoundTripper].
func (noRoundTrips) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("disgogateway: requests are sent by disgo")
}
