package gateway

import (
	"context"
	"errors"
	"time"
)

// loop is a shard's life: connect, attend to the connection until it ends,
// judge what that means, wait, and again. It returns when the shard is to stop.
func (s *Shard) loop() {
	cause := Reason{Kind: ReasonStart}
	if s.opts.Session.Resumable() {
		s.seq.beginSession(s.opts.Session)
	}
	var wait time.Duration
	for {
		if mode, stop := s.stopping(); stop {
			s.endAfterStop(mode)
			return
		}
		if !s.wait(wait, cause) {
			continue
		}
		a, failed := s.connect(cause)
		if failed != nil {
			cause = *failed
			wait = s.judgeFailure(a, cause)
			continue
		}
		end := s.serve(a)
		cause = end.reason
		wait = s.judge(a, end)
	}
}

// endAfterStop ends what is left when no connection is attended to any more.
func (s *Shard) endAfterStop(mode StopMode) {
	s.dropSpare()
	if mode == EndSession {
		s.dropSession(Reason{Kind: ReasonStop})
	}
}

// wait lets time pass between attempts; false means a stop cut it short.
func (s *Shard) wait(wait time.Duration, cause Reason) bool {
	if wait <= 0 {
		return s.stopCtx.Err() == nil
	}
	if wait > firstTry {
		s.dropSpare() // nobody would beat its heart meanwhile
	}
	s.set(Waiting{Until: time.Now().Add(wait), For: "the next attempt", Failures: s.failures}, cause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case c := <-s.reconfigured:
			s.setCredentials(c)
		case <-s.stopCtx.Done():
			return false
		}
	}
}

// setCredentials takes new credentials over. A session belongs to the token and the
// intents it was identified with.
func (s *Shard) setCredentials(c Credentials) {
	if c != s.creds && s.seq.session().ID != "" && !Online(s.State()) {
		s.dropSession(Reason{Kind: ReasonStart, Text: "the credentials have changed"})
	}
	s.creds = c
}

// closed is how a connection that had reached HELLO came to its end.
type closed struct {
	reason Reason
	// authenticated is whether READY or RESUMED had come, lived for how long
	// the shard was live after it.
	authenticated bool
	lived         time.Duration
}

// final reports whether the end is one after which nothing can be tried again
// before a person has helped.
func (e closed) final() bool {
	return e.reason.Kind == ReasonFatal || e.reason.Kind == ReasonClosed && e.reason.Code.Policy().Verdict == VerdictPark
}

// minLived is how long a connection must have been live for its end not to
// count as a failure. Settled, which is longer, is what it takes to forget
// earlier failures (G-152).
const minLived = 5 * time.Second

// judge decides what the end of a connection means for the session and how
// long to wait before the next attempt.
func (s *Shard) judge(a attempt, end closed) time.Duration {
	lived := s.calm + end.lived
	if s.calm = 0; end.authenticated && end.reason.Kind == ReasonReconnect {
		s.calm = lived // a move is no trouble
	}
	switch {
	case end.reason.Kind == ReasonGrantExpired:
		return 0 // the connection was good; the wait is the permit's
	case end.authenticated && lived >= s.opts.Timing.BackoffReset:
		s.failures, s.exhausted = 0, false
	case end.authenticated && end.lived >= minLived:
	default:
		s.fail()
	}
	if a.resume && !end.authenticated {
		s.resumes.note(end.reason, time.Now())
	}
	if end.reason.Kind == ReasonStop {
		return 0
	}
	if s.trial.on && !end.final() {
		// What was said to the IDENTIFY does not concern the session in doubt.
		s.tried()
		if end.reason.Kind == ReasonInvalidSession {
			return s.refusalWait()
		}
		return s.backoff.delay(s.failures, isRemote(end.reason))
	}
	switch end.reason.Kind {
	case ReasonReconnect:
		// Discord asked for it: go at once, unless it does nothing else (G-077).
		if s.failures <= 2 || end.reason.Text == returnsToResumeURL {
			return 0
		}
	case ReasonReset:
		// The base gateway cuts off what it has resumed for another host. That is
		// no failure, and the way back is known to work.
		if a.base && a.resume && end.authenticated && end.lived >= minLived {
			return s.backoff.delay(0, false)
		}
	case ReasonInvalidSession:
		return s.invalidated(a, end)
	case ReasonClosed:
		return s.closed(a, end)
	case ReasonSilent, ReasonNoACK, ReasonOverflow, ReasonSlept:
		if end.authenticated {
			return 0 // the link was lost long ago: every moment counts
		}
	}
	s.giveUpDeadSession(end.reason)
	wait := s.backoff.delay(s.failures, isRemote(end.reason))
	if end.reason.Kind == ReasonNoResumed {
		wait = max(0, wait-end.reason.Elapsed) // it has been waited for an answer already
	}
	return wait
}

// fail counts an attempt that came to nothing.
func (s *Shard) fail() {
	s.failures++
	if s.failures >= s.opts.MaxAttempts && !s.exhausted {
		s.exhausted = true
		s.emit(AttemptsExhausted{Failures: s.failures})
	}
}

// judgeFailure does the same for an attempt that never reached HELLO.
func (s *Shard) judgeFailure(a attempt, cause Reason) time.Duration {
	if cause.Kind == ReasonStop {
		return 0
	}
	if cause.Kind == ReasonClosed && cause.Code.Policy().Verdict == VerdictPark {
		cause = Reason{Kind: ReasonFatal, Code: cause.Code, Text: cause.Code.Policy().Says}
	}
	if cause.Kind == ReasonFatal {
		s.park(cause)
		return 0
	}
	s.fail()
	if s.trial.on {
		s.tried() // the base address is no better: on with the RESUMEs
	}
	if a.resume {
		s.urlFails++
	}
	if a.base {
		s.baseBad = true
	}
	remote := isRemote(cause)
	wait := s.backoff.delay(s.failures, remote)
	if cause.Kind == ReasonReconnect && s.failures <= 2 {
		wait = 0
	}
	if !remote || cause.Kind == ReasonNoHello {
		// An attempt that hung has already waited: what counts is the time between
		// attempts, so that the first one after an outage comes soon.
		wait = max(0, wait-cause.Elapsed)
	}
	s.emit(ConnectFailed{URL: a.url, Reason: cause, Failures: s.failures, Next: wait})
	return wait
}

// maxRefusalWait is the longest wait after op 9 on an IDENTIFY (G-084).
const maxRefusalWait = 5 * time.Minute

// invalidated deals with op 9 (G-081 to G-087).
func (s *Shard) invalidated(a attempt, end closed) time.Duration {
	wait := s.refusalWait()
	if end.reason.Text == invalidResumable && !s.resumes.refusedTooOften() {
		return wait
	}
	s.dropSession(end.reason)
	if a.resume || end.authenticated {
		s.refusals = 0 // a session that is over is no refusal to start another
	}
	wait <<= min(s.refusals, 8)
	s.refusals++
	return min(wait, maxRefusalWait)
}

// refusalWait is the wait after op 9 (G-081, G-082).
func (s *Shard) refusalWait() time.Duration {
	const least, spread = time.Second, 4 * time.Second
	return least + time.Duration(s.opts.Rand()*float64(spread))
}

// closed deals with a close frame by the table of close.go.
func (s *Shard) closed(a attempt, end closed) time.Duration {
	policy := end.reason.Code.Policy()
	switch policy.Verdict {
	case VerdictPark:
		s.dropSession(end.reason)
		s.park(Reason{Kind: ReasonFatal, Code: end.reason.Code, Text: policy.Says})
		return 0
	case VerdictVerify:
		if end.authenticated {
			s.dropSession(end.reason)
			s.verifyCredentials(end.reason)
			return s.backoff.delay(s.failures, true)
		}
	case VerdictIdentify:
		s.dropSession(end.reason)
	case VerdictResumeOnce:
		if a.resume && !end.authenticated {
			s.dropSession(end.reason)
		} else {
			s.resumes.lastChance = true
		}
	}
	s.giveUpDeadSession(end.reason)
	return s.backoff.delay(s.failures, true)
}

// resumeStreak counts RESUMEs in a row that did not end in RESUMED.
type resumeStreak struct {
	refusals, unanswered, cut int
	since                     time.Time
	lastChance                bool // one more failure is enough (G-062)
}

// Limits of a resume streak (rule 1, G-071, G-072, G-085).
const (
	maxDenied     = 3
	maxUnanswered = 3
	maxCut        = 5
	minCutTime    = 20 * time.Second
	maxCutTime    = 75 * time.Second
)

func (r *resumeStreak) note(cause Reason, now time.Time) {
	if r.since.IsZero() {
		r.since = now
	}
	switch cause.Kind {
	case ReasonInvalidSession:
		r.refusals++
	case ReasonNoResumed:
		r.unanswered++
	case ReasonStop:
	default:
		r.cut++
	}
}

// refusedTooOften reports whether op 9 d:true has come too often in a row.
func (r *resumeStreak) refusedTooOften() bool { return r.refusals > maxDenied }

// over reports whether Discord has said, in its way, that the session is over.
func (r *resumeStreak) over() bool {
	return r.refusedTooOften() || r.lastChance && r.refusals+r.unanswered+r.cut > 0
}

// shouldProbe reports whether an IDENTIFY should find out about the session: cuts
// need some time as well as some number, because a restarting host cuts many
// quickly. least is how long a streak lasts at the least.
func (r *resumeStreak) shouldProbe(now time.Time, least time.Duration) bool {
	age := now.Sub(r.since)
	return r.unanswered >= maxUnanswered && (least <= minCutTime || age >= least) ||
		r.cut >= maxCut && age >= least || r.cut > 0 && age >= max(maxCutTime, least)
}

// giveUpDeadSession drops a session that Discord does not resume, and doubts one
// whose RESUMEs come to nothing.
func (s *Shard) giveUpDeadSession(cause Reason) {
	switch {
	case s.seq.session().ID == "" || s.trial.on:
	case s.resumes.over():
		s.dropSession(cause)
	case s.resumes.shouldProbe(time.Now(), s.trial.gap()):
		s.trial.begin(cause)
	}
}

// dropSession forgets the session.
func (s *Shard) dropSession(cause Reason) {
	s.resumes, s.trial = resumeStreak{}, trial{}
	s.urlFails = 0
	if s.seq.session().ID == "" {
		return
	}
	s.seq.dropSession()
	s.reportSessionEnd(cause)
}

// reportSessionEnd tells that a session is over, and the permit how long it had lived.
func (s *Shard) reportSessionEnd(cause Reason) {
	if w, ok := s.opts.IdentifyLimiter.(SessionWatcher); ok {
		w.SessionEnded(s.opts.Shard, s.lived)
	}
	s.lived = 0
	s.emit(SessionLost{Reason: cause})
}

// maxParkWait is the longest between two inspections of a parked shard.
const maxParkWait = 10 * time.Minute

// park waits for a human (rule 7, G-094): it dials nothing, has the credentials
// inspected from time to time, and goes on by itself when they are mended.
func (s *Shard) park(cause Reason) {
	s.dropSpare()
	s.set(Parked{Reason: cause}, cause)
	wait := s.opts.Timing.ParkRecheck
	if cause.Code == CloseInvalidShard || cause.Code == CloseShardingRequired {
		wait = 0 // how many shards are needed is asked at once (G-097)
	}
	told := ""
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			err := s.checkCredentials(cause)
			if err == nil {
				return
			}
			if found, ok := errors.AsType[Remedied](err); ok && found.Remedy() != told {
				told, cause.Err = found.Remedy(), err
				s.set(Parked{Reason: cause}, cause)
			}
			wait = min(max(2*wait, s.opts.Timing.ParkRecheck), maxParkWait)
		case c := <-s.reconfigured:
			timer.Stop()
			s.setCredentials(c)
			s.failures, s.exhausted = 0, false
			return
		case <-s.stopCtx.Done():
			timer.Stop()
			return
		}
	}
}

// credentialCheckTimeout bounds one look at the credentials over REST.
const credentialCheckTimeout = 30 * time.Second

// errNoChecker keeps a shard parked that nobody can ask about.
var errNoChecker = errors.New("there is no inspector")

// checkCredentials asks whether the shard may go on; it adopts what the inspector says.
func (s *Shard) checkCredentials(cause Reason) error {
	if s.opts.CredentialChecker == nil {
		return errNoChecker
	}
	ctx, cancel := context.WithTimeout(s.stopCtx, credentialCheckTimeout)
	defer cancel()
	c, err := s.opts.CredentialChecker.CheckCredentials(ctx, cause, s.creds)
	if err != nil {
		return err
	}
	s.setCredentials(c)
	s.failures, s.exhausted = 0, false
	return nil
}

// verifyCredentials looks at the credentials after a live session was invalidated, and
// parks if they are no good or if it happens again within a minute (G-064).
func (s *Shard) verifyCredentials(cause Reason) {
	again := !s.lastVerified.IsZero() && time.Since(s.lastVerified) < time.Minute
	s.lastVerified = time.Now()
	if again || (s.opts.CredentialChecker != nil && s.checkCredentials(cause) != nil) {
		s.park(Reason{Kind: ReasonFatal, Code: cause.Code, Text: CloseNotAuthenticated.Policy().Says})
	}
}

// lookupReason turns a refused token into a cause that parks (G-004).
func lookupReason(err error) Reason {
	if errors.Is(err, ErrUnauthorized) {
		return Reason{Kind: ReasonFatal, Code: CloseAuthFailed, Text: CloseAuthFailed.Policy().Says, Err: err}
	}
	return Reason{Kind: ReasonLocate, Err: err}
}
