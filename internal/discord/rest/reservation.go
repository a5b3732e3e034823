package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Reservation is the leave of one request that somebody else sends: for a library that
// makes its own round trips and only wants to know when. It keeps the limits as
// [Transport.RoundTrip] does, but repeats nothing.
type Reservation struct {
	t        *Transport
	request  *request
	sent     time.Time
	released bool // guarded by Transport.mu
}

// Reserve waits until a request may leave, as long as its context and
// Options.Timeout allow; an error is an [*Error]. owner tells tokens apart and
// need not be one; empty is a request without a token. Every Pass must be
// settled, or its bucket waits for it.
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

// maxRefusalBody is how much of the body of a refusal is read to see who refused and why.
const maxRefusalBody = 64 << 10

// Release takes in what came of the request; nil means that no answer did. The
// body of a refusal is looked at and can still be read in full afterwards. Only
// the first call counts.
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
	case response == nil:
		a.err = errors.New("no answer came")
	case response.StatusCode >= 400 && response.Body != nil:
		body := response.Body
		a.body, _ = io.ReadAll(io.LimitReader(body, maxRefusalBody))
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(a.body), body), body}
	}
	if v := p.t.release(p.request, a); v.event != nil {
		p.t.opts.Observe(*v.event)
	}
}
