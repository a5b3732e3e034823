package rest

import (
	"context"
	"errors"
	"net/http"
	"time"
)

const (
	// backoffSpan is the range of the first wait after a failure. It doubles with
	// each failure, up to backoffCap.
	backoffSpan = 500 * time.Millisecond
	backoffCap  = 8 * time.Second
)

// do sends the request until an answer is final or no attempt is left. It waits within ctx
// and sends within sending. It returns the last answer, whose response is nil and whose err
// is set if Discord never answered, or the error of acquire if there was no answer before
// it.
func (t *Transport) do(ctx, sending context.Context, req *http.Request, r *request, body requestBody) (answer, error) {
	repeatable := r.route.repeatable(body.nonce)
	var last answer
	limits, failures := 0, 0
	for sent := false; ; sent = true {
		if err := t.acquire(ctx, r); err != nil {
			if !sent {
				body.close()
			}
			if last.response != nil && req.Context().Err() == nil {
				return last, nil
			}
			return answer{}, err
		}
		last = t.attempt(sending, req, r, body, sent)
		out := t.release(r, last)
		for _, e := range out.events {
			t.opts.Observe(e)
		}
		switch {
		case out.err != nil:
			return answer{}, out.err
		case !body.replayable():
			return last, nil
		case out.rateLimited:
			if limits++; limits > maxLimits {
				return last, nil
			}
			continue // acquire waits
		case !out.failed || (last.reached && !repeatable && !unprocessed[last.status()]):
			return last, nil
		}
		failures++
		wait := max(t.backoff(failures), out.wait)
		if failures >= t.opts.Tries || !fits(ctx, wait) {
			return last, nil
		}
		t.opts.Observe(Event{
			Reason: out.reason, At: time.Now(), Request: r.route.name(), Resource: r.route.resource,
			Wait: wait, Status: last.status(), Try: failures, Err: scrub(last.err, r.secrets),
		})
		if !sleep(ctx, wait) { // the caller has given up, because the wait fits
			return answer{}, ctx.Err()
		}
	}
}

// attempt sends once and counts it. The reservation is released even if the base
// panics.
func (t *Transport) attempt(ctx context.Context, req *http.Request, r *request, body requestBody, again bool) answer {
	t.mu.Lock()
	t.stats.Sent++
	if again {
		t.stats.Retries++
	}
	t.mu.Unlock()
	returned := false
	defer func() {
		if !returned {
			t.release(r, answer{err: errors.New("the connection panicked"), reached: true})
		}
	}()
	a := t.send(ctx, req, body)
	returned = true
	return a
}

// unprocessed are the answers that say that Discord did not process the request:
// the service takes none, or the proxy in front of it could not reach it. After
// them any request may be sent again.
var unprocessed = map[int]bool{
	http.StatusServiceUnavailable: true,
	521:                           true, // the origin refused the connection
	523:                           true, // the origin is unreachable
}

// backoff is the wait after this many failures: full jitter over a range that
// doubles.
func (t *Transport) backoff(failures int) time.Duration {
	span := min(backoffCap, backoffSpan<<min(failures-1, 10))
	return time.Duration(t.opts.Rand() * float64(span))
}

// fits reports whether a wait ends before ctx does, which has a deadline.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() == nil && time.Until(deadline) > wait
}

// sleep returns false if ctx ends first.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
