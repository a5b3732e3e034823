package gateway

import "time"

// loop is the work of Run: connect, serve the connection until it ends, ask the
// policy what follows, do that, and again. It returns when the shard is to stop.
func (s *Shard) loop() {
	if s.opts.Session.Resumable() {
		s.seq.beginSession(s.opts.Session, newNumbering(s.opts.Session.Seq))
	}
	reason := Reason{Kind: ReasonStart}
	var wait time.Duration
	for {
		if s.life.Stopping() {
			s.endAfterStop()
			return
		}
		if !s.wait(wait, reason) {
			continue
		}
		a, failed := s.connect(reason)
		if failed != nil {
			reason = *failed
			wait = s.handleDialFailure(a, reason)
			continue
		}
		end := s.serve(a)
		reason = end.reason
		wait = s.carryOut(s.policy.onClosed(end, s.seq.hasSession(), time.Now()), reason)
	}
}

// endAfterStop ends what is left when there is no connection any more.
func (s *Shard) endAfterStop() {
	s.dropSpare()
	s.sends.close() // before the handlers, of which one may wait for its payload to be sent
	s.awaitHandlers()
	if limiter, ok := s.opts.IdentifyLimiter.(StopObserver); ok {
		limiter.Stopped(s.opts.Shard)
	}
	if StopMode(s.stopMode.Load()) == EndSession {
		s.dropSession(Reason{Kind: ReasonStop})
	}
}

// awaitHandlers waits until the handlers have finished the events that were taken in, or
// an abort.
func (s *Shard) awaitHandlers() {
	s.seq.freeze()
	aborted := s.life.AbortContext()
	if s.seq.isIdle() || aborted.Err() != nil {
		return
	}
	s.set(Waiting{For: "handlers to finish"}, Reason{Kind: ReasonStop})
	for !s.seq.isIdle() && aborted.Err() == nil {
		select {
		case <-s.drained:
		case <-aborted.Done():
		}
	}
}

// wait lets time pass between attempts. It returns false when a stop cut it short.
func (s *Shard) wait(wait time.Duration, reason Reason) bool {
	if wait <= 0 {
		return !s.life.Stopping()
	}
	if wait > firstTry {
		s.dropSpare() // no heartbeats would be sent on it meanwhile
	}
	s.set(Waiting{Until: time.Now().Add(wait), For: "the next attempt", Failures: s.policy.failures}, reason)
	over := time.After(wait)
	for {
		select {
		case <-over:
			return true
		case c := <-s.reconfigured:
			s.setCredentials(c)
		case <-s.life.StopContext().Done():
			return false
		}
	}
}

// handleDialFailure has the policy decide what follows a failed attempt, does
// that, and returns the wait before the next one.
func (s *Shard) handleDialFailure(a attempt, reason Reason) time.Duration {
	n := s.policy.onDialFailed(dialFailure{reason: reason, resume: a.resume, base: a.base}, s.seq.hasSession(), time.Now())
	wait := s.carryOut(n, reason)
	if reason.Kind != ReasonStop && n.do != actPark {
		s.emit(ConnectFailed{URL: a.url, Reason: reason, Failures: s.policy.failures, Next: wait})
	}
	return wait
}

// carryOut does what the policy decided and returns the wait before the next
// attempt. reason is why the last one ended.
func (s *Shard) carryOut(n followUp, reason Reason) time.Duration {
	if n.exhausted {
		s.emit(AttemptsExhausted{Failures: s.policy.failures})
	}
	if n.dropSession {
		s.dropSession(reason)
	}
	switch n.do {
	case actPark:
		s.park(n.reason)
	case actVerify:
		s.verifyCredentials(reason)
		return s.policy.delay(reason)
	}
	return n.wait
}

// dropSession forgets the session, if there is one, and what the policy knows of it.
func (s *Shard) dropSession(reason Reason) {
	if s.seq.hasSession() {
		s.seq.dropSession()
		s.reportSessionEnd(reason)
	}
}

// reportSessionEnd says that the session is over: to the identify limiter with
// how long it had been live, and to the observer. A session that the shard itself has
// given up is no short one.
func (s *Shard) reportSessionEnd(reason Reason) {
	lived := s.policy.onSessionDropped()
	limiter, observesStops := s.opts.IdentifyLimiter.(StopObserver)
	if byUs := reason.Kind == ReasonStop || reason.Kind == ReasonStart; byUs && observesStops {
		limiter.Stopped(s.opts.Shard)
	} else {
		s.opts.IdentifyLimiter.SessionEnded(s.opts.Shard, lived)
	}
	s.emit(SessionLost{Reason: reason})
}
