package gateway

import (
	"context"
	"errors"
	"time"
)

// attempt is one try to get a connection as far as HELLO, and what it is for.
type attempt struct {
	conn   *conn
	url    string
	resume bool
	base   bool  // the address is the base one, not the session's
	grant  Grant // the right to identify, when not resuming
}

// resumeURLTries is how often the resume URL is dialled in vain before the
// base URL gets every second try (G-010).
const resumeURLTries = 3

// connect dials until HELLO. Without a session it first obtains the right to
// identify, so that nothing waits with an open connection.
func (s *Shard) connect(cause Reason) (attempt, *Reason) {
	s.giveUpDeadSession(cause)
	session := s.in.session()
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
	s.dismissSpare()
	if !a.resume {
		grant, failed := s.acquire(cause)
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
		if address, failed = s.locate(cause); failed != nil {
			a.release(OutcomeUnsent)
			return a, failed
		}
	}
	s.set(Connecting{URL: address, Resuming: a.resume}, cause)
	c, url, failed := s.reach(s.halt, address)
	a.url = url
	if failed != nil {
		a.release(OutcomeUnsent)
		if s.halt.Err() != nil {
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

// release ends the right to identify, if there is one.
func (a *attempt) release(o Outcome) {
	if a.grant != nil {
		a.grant.Release(o)
		a.grant = nil
	}
}

// acquire waits for the right to identify. While a session is on trial it does
// not wait for long: there is no grant then, and no failure.
func (s *Shard) acquire(cause Reason) (Grant, *Reason) {
	s.set(Waiting{For: "its turn to identify", Failures: s.failures}, cause)
	ctx := s.halt
	if s.trial.on {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(s.halt, trialPatience)
		defer cancel()
	}
	grant, err := s.opts.IdentifyLimiter.Acquire(ctx, s.opts.Shard, func(until time.Time, why string) {
		s.note(IdentifyDelayed{Until: until, Why: why})
	})
	if err != nil {
		if s.halt.Err() != nil {
			return nil, &Reason{Kind: ReasonStop}
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		failed := fatalLocate(err)
		return nil, &failed
	}
	return grant, nil
}

// locate learns the base address (G-001, G-002).
func (s *Shard) locate(cause Reason) (string, *Reason) {
	failed := ""
	if s.baseBad {
		failed = s.base
	}
	ctx, cancel := context.WithTimeout(s.halt, s.opts.Timing.GatewayURL)
	defer cancel()
	address, err := s.opts.URLSource.GatewayURL(ctx, failed)
	if err != nil {
		if s.halt.Err() != nil {
			return "", &Reason{Kind: ReasonStop}
		}
		f := fatalLocate(err)
		return "", &f
	}
	s.base = address
	return address, nil
}

// reach dials an address and waits for HELLO. It is called by the owner and,
// for a spare, by a goroutine beside it: it touches nothing of the owner's.
func (s *Shard) reach(ctx context.Context, address string) (*conn, string, *Reason) {
	started := time.Now()
	url, err := gatewayURL(address, s.opts.Compression)
	if err != nil {
		return nil, address, &Reason{Kind: ReasonDial, Err: err}
	}
	s.count.dials.Add(1)
	dialCtx, cancel := context.WithTimeout(ctx, s.opts.Timing.Connect)
	defer cancel()
	sock, err := s.opts.Dialer.Dial(dialCtx, url)
	if err != nil {
		cause := dialCause(err)
		cause.Elapsed = time.Since(started)
		return nil, url, &cause
	}
	c := openConn(sock, url, &s.opts, &s.count, s, s.in.received.Load)
	if cause := s.awaitHello(ctx, c); cause != nil {
		cause.Elapsed = time.Since(started)
		s.retire(c, *cause)
		return nil, url, cause
	}
	s.count.connects.Add(1)
	s.note(HelloReceived{URL: url, Interval: c.interval, Took: time.Since(started)})
	return c, url, nil
}

// awaitHello returns nil when HELLO has come. Op 7 may come first, or instead
// (G-078).
func (s *Shard) awaitHello(ctx context.Context, c *conn) *Reason {
	deadline := time.NewTimer(s.opts.Timing.Hello)
	defer deadline.Stop()
	dead := c.dead
	for {
		var sig signal
		select {
		case sig = <-c.signals:
		case <-dead:
			select {
			case sig = <-c.signals: // it came right before the end
			default:
				return &c.cause
			}
		case <-deadline.C:
			return &Reason{Kind: ReasonNoHello}
		case <-ctx.Done():
			return &Reason{Kind: ReasonStop}
		}
		switch sig.kind {
		case sigHello:
			c.interval, c.greeted = sig.interval, sig.at
			return nil
		case sigReconnect:
			s.note(ReconnectRequested{})
			return &Reason{Kind: ReasonReconnect, Text: "before HELLO"}
		}
	}
}

// retire ends a connection without waiting: politely when that may matter to
// Discord, at once when the connection is beyond reach.
func (s *Shard) retire(c *conn, cause Reason) {
	switch cause.Kind {
	case ReasonSilent, ReasonSlept, ReasonReset, ReasonWrite, ReasonClosed:
		c.drop(cause)
		s.group.Go(c.group.Wait)
	default:
		s.group.Go(func() { c.leave(CloseKeepSession, cause) })
	}
}

// dialCause sorts a dial error.
func dialCause(err error) Reason {
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

// prepareSpare starts to dial a spare, unless one is on its way.
func (s *Shard) prepareSpare() {
	session := s.in.session()
	if s.spare != nil || !session.Resumable() {
		return
	}
	ctx, cancel := context.WithCancel(s.halt)
	sp := &spare{url: session.ResumeURL, cancel: cancel, done: make(chan struct{})}
	s.spare = sp
	s.group.Go(func() {
		defer close(sp.done)
		sp.conn, _, sp.failed = s.reach(ctx, sp.url)
	})
}

// spareReady returns a channel that is closed when the spare's dial is over.
func (s *Shard) spareReady() <-chan struct{} {
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
		case <-sp.conn.dead:
			s.retire(sp.conn, sp.conn.cause)
			return nil, &sp.conn.cause
		default:
		}
	}
	return sp.conn, sp.failed
}

// dismissSpare drops a spare that is not needed.
func (s *Shard) dismissSpare() {
	sp := s.spare
	if sp == nil {
		return
	}
	s.spare = nil
	sp.cancel()
	s.group.Go(func() {
		<-sp.done
		if sp.failed == nil {
			sp.conn.leave(CloseKeepSession, Reason{Kind: ReasonStop})
		}
	})
}
