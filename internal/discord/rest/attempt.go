package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// send makes one attempt and reads the body of the answer.
func (t *Transport) send(ctx context.Context, req *http.Request, body requestBody) (a answer) {
	stream, err := body.next()
	if err != nil {
		return answer{err: fmt.Errorf("the request's body cannot be read again: %w", err)}
	}
	var cancel context.CancelFunc
	if body.large {
		var stalled context.CancelCauseFunc
		ctx, stalled = context.WithCancelCause(ctx)
		timeout := time.AfterFunc(t.opts.AttemptTimeout, func() { stalled(context.DeadlineExceeded) })
		cancel = func() { timeout.Stop(); stalled(nil) }
		stream = &movingBody{stream, func() { timeout.Reset(t.opts.AttemptTimeout) }}
	} else {
		ctx, cancel = context.WithTimeout(ctx, t.opts.AttemptTimeout)
	}
	defer cancel()
	var connected atomic.Bool // the hook may run on a goroutine of the base's
	attempt := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	attempt.Body, attempt.ContentLength = stream, body.length
	if stream == http.NoBody {
		attempt.Body = nil
	}
	attempt.GetBody = body.again
	if body.again == nil || attempt.Body == nil {
		attempt.GetBody = nil
	}

	a.sent = time.Now()
	a.response, a.err = t.opts.Base.RoundTrip(attempt)
	a.took = time.Since(a.sent)
	if a.err != nil {
		a.response = nil
		_, traced := t.opts.Base.(*http.Transport)
		a.reached = !neverSent(a.err) && (connected.Load() || !traced)
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			a.err = fmt.Errorf("none came within %s: %w", span(a.took), context.DeadlineExceeded)
		}
		return a
	}
	a.reached = true
	a.read(ctx, t.large)
	return a
}

// movingBody is a large body that tells when a part of it is on its way: then the time of
// the attempt begins anew.
type movingBody struct {
	io.ReadCloser
	moved func()
}

// Read reads the next part.
func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.moved()
	}
	return n, err
}

// neverSent reports whether an error proves that no byte of the request was sent,
// because no connection was made.
func neverSent(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
