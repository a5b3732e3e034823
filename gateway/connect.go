package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"evergreen/identify"
)

// attempt is one try to get a connection as far as HELLO, and what it is for.
type attempt struct {
	conn   *conn
	url    string
	resume bool
	base   bool           // the URL is the base one, not the session's
	grant  identify.Grant // to identify; nil when resuming
}

// sessionProbeGrantTimeout is how long a session probe waits for a grant. It is short,
// because no RESUME is tried meanwhile.
const sessionProbeGrantTimeout = 10 * time.Second

// connect opens a connection and waits for HELLO. To identify, it first acquires a
// grant, so that no open connection waits for it. It returns a reason when
// no connection reached HELLO.
func (s *Shard) connect(reason Reason) (attempt, *Reason) {
	a := attempt{}
	session := s.seq.session()
	if s.policy.resumeOrIdentify(session.ID != "", reason, time.Now()) == actResume {
		a.resume = true
	}
	if a.resume && s.spare != nil {
		a.url = s.spare.url
		s.set(Connecting{URL: a.url, Resuming: true}, reason)
		if c, failed := s.takeSpare(); failed == nil {
			a.conn = c
			return a, nil
		}
		// A failed spare is not a failed attempt: dial again at once.
	}
	s.dropSpare()
	if !a.resume {
		grant, failed := s.acquireGrant(reason)
		switch {
		case failed != nil:
			return a, failed
		case grant == nil:
			s.policy.sessionProbeFailed()
			a.resume = true
		}
		a.grant = grant
	}
	a.base = !a.resume || s.policy.useBaseURL() || !s.mayResumeAt(session.ResumeURL)
	address := session.ResumeURL
	if a.base {
		var failed *Reason
		if address, failed = s.lookUpBaseURL(); failed != nil {
			a.releaseGrant(identify.OutcomeUnsent)
			return a, failed
		}
	}
	s.set(Connecting{URL: address, Resuming: a.resume}, reason)
	c, url, failed := s.dialToHello(s.life.StopContext(), address)
	a.url = url
	if failed != nil {
		a.releaseGrant(identify.OutcomeUnsent)
		if s.life.Stopping() {
			return a, &Reason{Kind: ReasonStop}
		}
		return a, failed
	}
	s.policy.onHello(a.base)
	a.conn = c
	return a, nil
}

// releaseGrant ends the grant, if there is one.
func (a *attempt) releaseGrant(o identify.Outcome) {
	if a.grant != nil {
		a.grant.Release(o)
		a.grant = nil
	}
}

// acquireGrant waits for a grant to identify. A session probe does not wait for long:
// both results are nil then.
func (s *Shard) acquireGrant(reason Reason) (identify.Grant, *Reason) {
	s.set(Waiting{For: "its turn to identify", Failures: s.policy.failures}, reason)
	ctx := s.life.StopContext()
	if s.policy.probingSession {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(s.life.StopContext(), sessionProbeGrantTimeout)
		defer cancel()
	}
	grant, err := s.opts.IdentifyLimiter.Acquire(ctx, s.opts.Shard, func(until time.Time, why string) {
		s.emit(IdentifyDelayed{Until: until, Why: why})
	})
	if err != nil {
		if s.life.Stopping() {
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

// lookUpBaseURL asks the URLSource for the base URL.
func (s *Shard) lookUpBaseURL() (string, *Reason) {
	failed := ""
	if s.policy.baseURLFailed {
		failed = s.baseURL
	}
	ctx, cancel := context.WithTimeout(s.life.StopContext(), s.opts.Timing.GatewayURL)
	defer cancel()
	address, err := s.opts.URLSource.GatewayURL(ctx, failed)
	if err != nil {
		if s.life.Stopping() {
			return "", &Reason{Kind: ReasonStop}
		}
		f := lookupReason(err)
		return "", &f
	}
	if s.opts.APIURL == "" {
		s.apiURL.Store(&address) // it comes from the caller, and the session's URL is held to it
	} else if err := s.checkAddress(address); err != nil {
		err = fmt.Errorf("the address of the gateway is not used, %s: %w", strconv.Quote(address[:min(len(address), 200)]), err)
		return "", &Reason{Kind: ReasonLocate, Err: err}
	}
	s.baseURL = address
	return address, nil
}

// lookupReason is the reason for an error of the URLSource or the IdentifyLimiter:
// a refused token parks the shard.
func lookupReason(err error) Reason {
	if errors.Is(err, ErrUnauthorized) {
		r := fatalReason(CloseAuthFailed)
		r.Err = err
		return r
	}
	return Reason{Kind: ReasonLocate, Err: err}
}

// dialToHello dials a URL and waits for HELLO. The goroutine of Run calls it and,
// for a spare, another one beside it: it uses nothing that the first one owns.
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
		reason := dialReason(err)
		reason.Elapsed = time.Since(started)
		return nil, url, &reason
	}
	c := newConn(s, sock, url)
	c.start()
	if reason := s.awaitHello(ctx, c); reason != nil {
		reason.Elapsed = time.Since(started)
		s.closeInBackground(c, *reason)
		return nil, url, reason
	}
	s.count.connects.Add(1)
	s.emit(HelloReceived{URL: url, Interval: c.interval, Odd: c.odd, Took: time.Since(started)})
	return c, url, nil
}

// awaitHello returns nil when HELLO has come. Op 7 may come first, or instead
// (G-078).
func (s *Shard) awaitHello(ctx context.Context, c *conn) *Reason {
	opened := answerWait{since: c.progress.opened}
	planned, watch := s.opts.Timing.Hello, s.opts.Clock.Watch()
	deadline := time.NewTimer(planned)
	defer deadline.Stop()
	for {
		var sig signal
		select {
		case sig = <-c.signals:
		case <-c.ended:
			select {
			case sig = <-c.signals: // it came right before the end
			default:
				return &c.reason
			}
		case <-deadline.C:
			jump := watch.Look(planned)
			planned = time.Until(opened.until(s.opts.Timing.Hello, c.progress.total()))
			if planned <= 0 && jump.Late > 0 {
				planned = readTime // the process stood still, and HELLO may wait in the socket
			}
			if planned <= 0 {
				return &Reason{Kind: ReasonNoHello} // G-015
			}
			deadline.Reset(planned)
			continue
		case <-ctx.Done():
			return &Reason{Kind: ReasonStop}
		}
		switch sig.kind {
		case sigHello:
			c.interval, c.odd, c.helloAt = sig.interval, sig.odd, sig.at
			return nil
		case sigReconnect:
			s.emit(ReconnectRequested{})
			return &Reason{Kind: ReasonReconnect, Text: "before HELLO"}
		}
	}
}

// closeInBackground ends a connection without waiting for it. It drops a connection
// that cannot or need not be sent a close frame, and closes any other with one.
func (s *Shard) closeInBackground(c *conn, reason Reason) {
	switch reason.Kind {
	case ReasonSilent, ReasonSlept, ReasonStalled, ReasonReset, ReasonWrite, ReasonClosed:
		c.drop(reason)
		s.group.Go(c.group.Wait)
	default:
		s.group.Go(func() { c.close(closeKeepSession, reason) })
	}
}

// dialReason is the reason for an error of the Dialer.
func dialReason(err error) Reason {
	if failed, ok := errors.AsType[*ConnectError](err); ok {
		return Reason{Kind: failed.Kind, Code: CloseCode(failed.Status), Err: failed.Err}
	}
	return Reason{Kind: ReasonDial, Err: err}
}
