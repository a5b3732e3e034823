package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Pass is the leave of one request that somebody else sends: for a library that
// makes its own round trips and only wants to know when. It keeps the limits as
// [Transport.RoundTrip] does, but repeats nothing.
type Pass struct {
	t       *Transport
	ticket  *ticket
	sent    time.Time
	settled bool // guarded by Transport.mu
}

// Admit waits until a request may leave, as long as its context and
// Options.Patience allow; an error is an [*Error]. owner tells tokens apart and
// need not be one; empty is a request without a token. Every Pass must be
// settled, or its bucket waits for it.
func (t *Transport) Admit(req *http.Request, owner string) (*Pass, error) {
	k := &ticket{route: routeOf(req), owner: digest(owner), wake: make(chan struct{}, 1)}
	k.secrets = k.route.secrets
	if k.route.open {
		k.owner = ""
	}
	t.enter(k)
	ctx, cancel := context.WithTimeout(req.Context(), t.opts.Patience)
	defer cancel()
	if err := t.admit(ctx, k); err != nil {
		return nil, t.explain(k, err)
	}
	t.mu.Lock()
	t.stats.Sent++
	t.mu.Unlock()
	return &Pass{t: t, ticket: k, sent: time.Now()}, nil
}

// peeked is how much of the body of a refusal is read to see who refused and why.
const peeked = 64 << 10

// Settle takes in what came of the request; nil means that no answer did. The
// body of a refusal is looked at and can still be read in full afterwards. Only
// the first call counts.
func (p *Pass) Settle(response *http.Response) {
	p.t.mu.Lock()
	again := p.settled
	p.settled = true
	p.t.mu.Unlock()
	if again {
		return
	}
	a := answer{response: response, left: true, sent: p.sent, took: time.Since(p.sent)}
	switch {
	case response == nil:
		a.err = errors.New("no answer came")
	case response.StatusCode >= 400 && response.Body != nil:
		body := response.Body
		a.body, _ = io.ReadAll(io.LimitReader(body, peeked))
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(a.body), body), body}
	}
	if v := p.t.settle(p.ticket, a); v.event != nil {
		p.t.opts.Observe(*v.event)
	}
}
