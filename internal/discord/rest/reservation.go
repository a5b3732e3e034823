package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// Reservation is the place of one request that the caller sends by itself: for a
// library that makes its own round trips and asks only when. Get one with
// [Transport.Reserve] and end it with [Reservation.Release]. Nothing is retried.
type Reservation struct {
	t        *Transport
	request  *request
	sent     time.Time
	released bool // guarded by Transport.mu
}

// Reserve waits until a request may be sent, as long as its context and
// Options.Timeout allow. An error is an [*Error]. owner tells tokens apart and need
// not be one; empty is a request without a token. Every Reservation must be
// released: until then its bucket waits for the answer.
func (t *Transport) Reserve(req *http.Request, owner string) (*Reservation, error) {
	r := &request{route: routeOf(req), owner: digest(owner), woken: make(chan struct{}, 1)}
	r.secrets = r.route.secrets
	if r.route.open {
		r.owner = ""
	}
	t.register(r)
	ctx, cancel := context.WithTimeout(req.Context(), t.opts.Timeout)
	defer cancel()
	if err := t.acquire(ctx, r); err != nil {
		return nil, t.explain(r, err)
	}
	t.mu.Lock()
	t.stats.Sent++
	t.mu.Unlock()
	return &Reservation{t: t, request: r, sent: time.Now()}, nil
}

// maxRefusalBody is how much of the body of an answer of 4xx or 5xx is read, in
// bytes.
const maxRefusalBody = 64 << 10

// boundedBody is a body that fails with ErrTooLarge after so many bytes.
type boundedBody struct {
	io.Reader
	io.Closer
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		if n, err := b.Reader.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, ErrTooLarge
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Release gives the reservation back and learns from the response; nil means that
// none came. The body of a response of 4xx or 5xx is read, and can still be read in
// full afterwards; any body fails with [ErrTooLarge] once it is longer than Discord's
// answers are. Only the first call counts.
func (p *Reservation) Release(response *http.Response) {
	p.t.mu.Lock()
	again := p.released
	p.released = true
	p.t.mu.Unlock()
	if again {
		return
	}
	a := answer{response: response, reached: true, sent: p.sent, took: time.Since(p.sent)}
	switch {
	case response == nil, response.Body == nil:
	default:
		body := response.Body
		if response.StatusCode >= 400 {
			a.body, _ = io.ReadAll(io.LimitReader(body, maxRefusalBody))
		}
		response.Body = &boundedBody{Reader: io.MultiReader(bytes.NewReader(a.body), body), Closer: body, left: maxAnswer}
	}
	for _, e := range p.t.release(p.request, a).events {
		p.t.opts.Observe(e)
	}
}
