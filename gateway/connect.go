package gateway

import (
	"context"
	"errors"
	"time"

	"evergreen/identify"
)

// attempt is one try to get a connection as far as HELLO, and what it is for.
type attempt struct {
	conn   *conn
	url    string
	resume bool
	base   bool           // the address is the base one, not the session's
	grant  identify.Grant // the right to identify, when not resuming
}

// resumeURLTries is how often the resume URL is dialled in vain before the
// base URL gets every second try (G-010).
const resumeURLTries = 3

// connect dials until HELLO. Without a session it first obtains the right to
// identify, so that nothing waits with an open connection.
func (s *Shard) connect(cause Reason) (attempt, *Reason) {
	s.giveUpDeadSession(cause)
	session := s.seq.session()
	a := attempt{resume: session.Resumable() && !s.trial.on}
	if a.resume && s.spare != nil {
		a.url = s.spare.url
		s.set(Connecting{URL: a.url, Resuming: true}, cause)
		if c, failed := s.takeSpare(); failed == nil {
			a.conn = c
			return a, nil
		}
		// The spare was only an advance; its failure is no reason to wait.
	}
	s.dropSpare()
	if !a.resume {
		grant, failed := s.acquireGrant(cause)
		switch {
		case failed != nil:
			return a, failed
		case grant == nil:
			s.tried()
			a.resume = true
		}
		a.grant = grant
	}
	a.base = !a.resume || (s.urlFails >= resumeURLTries && s.urlFails%2 == 1)
	address := session.ResumeURL
	if a.base {
		var failed *Reason
		if address, failed = s.lookUpBaseURL(cause); failed != nil {
			a.releaseGrant(identify.OutcomeUnsent)
			return a, failed
		}
	}
	s.set(Connecting{URL: address, Resuming: a.resume}, cause)
	c, url, failed := s.dialToHello(s.stopCtx, address)
	a.url = url
	if failed != nil {
		a.releaseGrant(identify.OutcomeUnsent)
		if s.stopCtx.Err() != nil {
			return a, &Reason{Kind: ReasonStop}
		}
		return a, failed
	}
	if a.base {
		s.baseBad = false
	}
	a.conn = c
	return a, nil
}

// releaseGrant ends the right to identify, if there is one.
func (a *attempt) releaseGrant(o identify.Outcome) {
	if a.grant != nil {
		a.grant.Release(o)
		a.grant = nil
	}
}

// acquireGrant waits for the right to identify. While a session is on trial it does
// not wait for long: there is no grant then, and no failure.
func (s *Shard) acquireGrant(cause Reason) (identify.Grant, *Reason) {
	s.set(Waiting{For: "its turn to identify", Failures: s.failures}, cause)
	ctx := s.stopCtx
	if s.trial.on {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(s.stopCtx, trialPatience)
		defer cancel()
	}
	grant, err := s.opts.IdentifyLimiter.Acquire(ctx, s.opts.Shard, func(until time.Time, why string) {
		s.emit(IdentifyDelayed{Until: until, Why: why})
	})
	if err != nil {
		if s.stopCtx.Err() != nil {
			return nil, &Reason{Kind: ReasonStop}
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		failed := lookupReason(err)
		return nil, &failed
	}
	return grant, nil
}

// lookUpBaseURL learns the base address (G-001, G-002).
func (s *Shard) lookUpBaseURL(cause Reason) (string, *Reason) {
	failed := ""
	if s.baseBad {
		failed = s.base
	}
	ctx, cancel := context.WithTimeout(s.stopCtx, s.opts.Timing.GatewayURL)
	defer cancel()
	address, err := s.opts.URLSource.GatewayURL(ctx, failed)
	if err != nil {
		if s.stopCtx.Err() != nil {
			return "", &Reason{Kind: ReasonStop}
		}
		f := lookupReason(err)
		return "", &f
	}
	s.base = address
	return address, nil
}

// dialToHello dials an address and waits for HELLO. It is called by the owner and,
// for a spare, by a goroutine beside it: it touches nothing of the owner's.
func (s *Shard) dialToHello(ctx context.Context, address string) (*conn, string, *Reason) {
	started := time.Now()
	url, err := connectURL(address, s.opts.Compression)
	if err != nil {
		return nil, address, &Reason{Kind: ReasonDial, Err: err}
	}
	s.count.dials.Add(1)
	dialCtx, cancel := context.WithTimeout(ctx, s.opts.Timing.Connect)
	defer cancel()
	sock, err := s.opts.Dialer.Dial(dialCtx, url)
	if err != nil {
		cause := dialReason(err)
		cause.Elapsed = time.Since(started)
		return nil, url, &cause
	}
	c := openConn(sock, url, &s.opts, &s.count, s, s.seq.received.Load)
	if cause := s.awaitHello(ctx, c); cause != nil {
		cause.Elapsed = time.Since(started)
		s.closeInBackground(c, *cause)
		return nil, url, cause
	}
	s.count.connects.Add(1)
	s.emit(HelloReceived{URL: url, Interval: c.interval, Took: time.Since(started)})
	return c, url, nil
}

// awaitHello returns nil when HELLO has come. Op 7 may come first, or instead
// (G-078).
func (s *Shard) awaitHello(ctx context.Context, c *conn) *Reason {
	deadline := time.NewTimer(s.opts.Timing.Hello)
	defer deadline.Stop()
	dead := c.ended
	for {
		var sig signal
		select {
		case sig = <-c.signals:
		case <-dead:
			select {
			case sig = <-c.signals: // it came right before the end
			default:
				return &c.reason
			}
		case <-deadline.C:
			return &Reason{Kind: ReasonNoHello}
		case <-ctx.Done():
			return &Reason{Kind: ReasonStop}
		}
		switch sig.kind {
		case sigHello:
			c.interval, c.helloAt = sig.interval, sig.at
			return nil
		case sigReconnect:
			s.emit(ReconnectRequested{})
			return &Reason{Kind: ReasonReconnect, Text: "before HELLO"}
		}
	}
}

// closeInBackground ends a connection without waiting: politely when that may matter to
// Discord, at once when the connection is beyond reach.
func (s *Shard) closeInBackground(c *conn, cause Reason) {
	switch cause.Kind {
	case ReasonSilent, ReasonSlept, ReasonReset, ReasonWrite, ReasonClosed:
		c.drop(cause)
		s.group.Go(c.group.Wait)
	default:
		s.group.Go(func() { c.close(CloseKeepSession, cause) })
	}
}

// dialReason sorts a dial error.
func dialReason(err error) Reason {
	if failed, ok := errors.AsType[*ConnectError](err); ok {
		return Reason{Kind: failed.Kind, Code: CloseCode(failed.Status), Err: failed.Err}
	}
	return Reason{Kind: ReasonDial, Err: err}
}

// spare is a connection that is prepared while another one still serves.
type spare struct {
	url    string
	cancel context.CancelFunc
	done   chan struct{}
	conn   *conn   // after done
	failed *Reason // after done
}

// dialSpare starts to dial a spare, unless one is on its way.
func (s *Shard) dialSpare() {
	session := s.seq.session()
	if s.spare != nil || !session.Resumable() {
		return
	}
	ctx, cancel := context.WithCancel(s.stopCtx)
	sp := &spare{url: session.ResumeURL, cancel: cancel, done: make(chan struct{})}
	s.spare = sp
	s.group.Go(func() {
		defer close(sp.done)
		sp.conn, _, sp.failed = s.dialToHello(ctx, sp.url)
	})
}

// spareDone returns a channel that is closed when the spare's dial is over.
func (s *Shard) spareDone() <-chan struct{} {
	if s.spare == nil {
		return nil
	}
	return s.spare.done
}

// takeSpare waits for the spare's dial and hands the connection over.
func (s *Shard) takeSpare() (*conn, *Reason) {
	sp := s.spare
	s.spare = nil
	defer sp.cancel()
	<-sp.done // reach has deadlines and ends with halt
	if sp.failed == nil {
		select {
		case <-sp.conn.ended:
			s.closeInBackground(sp.conn, sp.conn.reason)
			return nil, &sp.conn.reason
		default:
		}
	}
	return sp.conn, sp.failed
}

// dropSpare drops a spare that is not needed.
func (s *Shard) dropSpare() {
	sp := s.spare
	if sp == nil {
		return
	}
	s.spare = nil
	sp.cancel()
	s.group.Go(func() {
		<-sp.done
		if sp.failed == nil {
			sp.conn.close(CloseKeepSession, Reason{Kind: ReasonStop})
		}
	})
}
