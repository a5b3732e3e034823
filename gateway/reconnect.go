package gateway

import "time"

// policy decides what follows the end of a connection or a failed attempt to open one.
// It says whether to resume, to identify or to wait for a person, at which URL and
// after what wait. It reads no clock, does no I/O and knows no Shard: run.go tells it
// what happened and carries out what it returns. Only the goroutine of Run uses it.
//
// Apart from its settings, the zero value is the policy of a new shard.
type policy struct {
	backoff      backoff
	backoffReset time.Duration // Timing.BackoffReset
	maxAttempts  int           // Options.MaxAttempts

	failures            int           // attempts in a row that came to nothing
	exhausted           bool          // failures has reached maxAttempts, and a followUp has said so
	movedLive           time.Duration // how long the connections before this one were live, if op 7 ended them
	resumes             resumeStreak
	probingSession      bool   // the next attempt, or the current one, is a session probe
	sessionProbeReason  Reason // why the session is probed
	failedSessionProbes int    // session probes in a row that came to nothing
	refusals            int    // op 9 in a row that answered an IDENTIFY
	urlFailures         int    // dials of the resume URL in a row that failed
	baseURLFailed       bool   // the base URL could not be connected to
	lastVerify          time.Time
	sessionLived        time.Duration // how long the session has been live in total
}

// action is what a shard does next.
type action int

const (
	actResume       action = iota // dial and send RESUME
	actIdentify                   // dial the base URL and send IDENTIFY
	actProbeSession               // the same, to find out whether the session is to blame; it is kept meanwhile
	actVerify                     // have the credentials checked, then identify
	actPark                       // dial nothing until a person has helped
)

// followUp is what to do after the end of a connection or a failed attempt.
type followUp struct {
	do          action
	wait        time.Duration // before the next attempt
	reason      Reason        // for actPark: what the shard is parked for
	dropSession bool          // the session is over; it has to be forgotten
	exhausted   bool          // AttemptsExhausted has to be emitted
}

// closed is how a connection that had reached HELLO ended.
type closed struct {
	reason Reason
	resume bool          // it was opened to resume
	base   bool          // it led to the base URL
	live   bool          // READY or RESUMED had come
	lived  time.Duration // how long it was live; 0 if it was not
}

// dialFailure is why no connection reached HELLO.
type dialFailure struct {
	reason Reason
	resume bool
	base   bool
}

const (
	// minLived is how long a connection must have been live for its end not to
	// count as a failure. To forget earlier failures takes Timing.BackoffReset.
	minLived = 5 * time.Second
	// resumeURLTries is how often the resume URL is dialled in vain before the
	// base URL gets every second try (G-010).
	resumeURLTries = 3
	// maxRefusalWait is the longest wait after op 9 on an IDENTIFY.
	maxRefusalWait = 5 * time.Minute
	// verifyAgain is how soon a second 4003 parks instead of being verified.
	verifyAgain = time.Minute
	// firstSessionProbeGap and maxSessionProbeGap are the least and the longest time
	// between two session probes. Cut RESUMEs count only after the first of them,
	// because a restarting host cuts many within seconds.
	firstSessionProbeGap = 20 * time.Second
	maxSessionProbeGap   = 10 * time.Minute
)

// invalidResumable is the Text of a ReasonInvalidSession whose d was true.
const invalidResumable = "resumable"

// onClosed decides what follows the end of a connection. hasSession reports
// whether the shard still has a session.
func (p *policy) onClosed(c closed, hasSession bool, now time.Time) (n followUp) {
	p.sessionLived += c.lived
	switch {
	case c.reason.Kind == ReasonStop:
		return followUp{}
	case c.reason.Kind == ReasonGrantExpired:
		p.movedLive = 0
		n.do = p.resumeOrIdentify(hasSession, c.reason, now)
		return n // the connection was good; only the identify limiter makes it wait
	}
	p.countEnd(c, now, &n)
	switch {
	case p.probingSession && !c.reason.fatal():
		p.sessionProbeClosed(c, &n)
	case c.reason.Kind == ReasonInvalidSession:
		p.invalidSession(c, &n)
	case c.reason.Kind == ReasonClosed:
		p.closeCode(c, now, &n)
	default:
		n.wait = p.waitAfter(c)
	}
	p.decide(&n, hasSession, c.reason, now)
	return n
}

// onDialFailed decides what follows an attempt that did not reach HELLO.
func (p *policy) onDialFailed(f dialFailure, hasSession bool, now time.Time) (n followUp) {
	switch {
	case f.reason.Kind == ReasonStop:
		return followUp{}
	case f.reason.Kind == ReasonFatal:
		return followUp{do: actPark, reason: f.reason}
	case f.reason.fatal():
		return followUp{do: actPark, reason: fatalReason(f.reason.Code)}
	}
	p.countFailure(&n)
	if p.probingSession {
		p.sessionProbeFailed() // the base URL is no better: RESUMEs go on
	}
	if f.resume {
		p.urlFailures++
	}
	if f.base {
		p.baseURLFailed = true
	}
	n.wait = p.delay(f.reason)
	if f.reason.Kind == ReasonReconnect && p.failures <= 2 {
		n.wait = 0
	}
	if !isRemote(f.reason) || f.reason.Kind == ReasonNoHello {
		// An attempt that hung has waited already. What counts is the time between
		// attempts, so that the first one after an outage comes soon.
		n.wait = max(0, n.wait-f.reason.Elapsed)
	}
	p.decide(&n, hasSession, f.reason, now)
	return n
}

// resumeOrIdentify decides what the next attempt is for. It is asked again right
// before the attempt, because a session is probed after some time.
func (p *policy) resumeOrIdentify(hasSession bool, reason Reason, now time.Time) action {
	switch {
	case !hasSession:
		return actIdentify
	case p.probingSession:
		return actProbeSession
	case p.resumes.shouldProbeSession(now, p.sessionProbeGap()):
		p.probingSession, p.sessionProbeReason = true, reason
		return actProbeSession
	}
	return actResume
}

// useBaseURL reports whether the next RESUME goes to the base URL.
func (p *policy) useBaseURL() bool {
	return p.urlFailures >= resumeURLTries && p.urlFailures%2 == 1
}

// onHello records that an attempt reached HELLO, at the base URL or not.
func (p *policy) onHello(base bool) {
	if base {
		p.baseURLFailed = false
	}
}

// onLive records READY or RESUMED. If it answered a session probe, the probed
// session is over: replaced is true and reason says why it was probed.
func (p *policy) onLive(base bool) (replaced bool, reason Reason) {
	replaced, reason = p.probingSession, p.sessionProbeReason
	p.resumes, p.refusals = resumeStreak{}, 0
	p.endSessionProbes()
	if !base {
		p.urlFailures = 0 // else the base URL stays the way back for now
	}
	return replaced, reason
}

// onMended records that the credentials are good again.
func (p *policy) onMended() { p.failures, p.exhausted = 0, false }

// onSessionDropped forgets what was known of a session that is over and returns
// how long it had been live in total.
func (p *policy) onSessionDropped() (lived time.Duration) {
	p.resumes, p.urlFailures = resumeStreak{}, 0
	p.endSessionProbes()
	lived, p.sessionLived = p.sessionLived, 0
	return lived
}

// countEnd counts the end of a connection as a failure, as none, or as the end of
// all failures before it.
func (p *policy) countEnd(c closed, now time.Time, n *followUp) {
	lived := p.movedLive + c.lived
	if p.movedLive = 0; c.live && c.reason.Kind == ReasonReconnect {
		p.movedLive = lived // Discord asked for the change: both connections count as one
	}
	switch {
	case c.live && lived >= p.backoffReset:
		p.failures, p.exhausted = 0, false
	case c.lived >= minLived:
	default:
		p.countFailure(n)
	}
	if c.resume && !c.live {
		p.resumes.record(c.reason, now)
	}
}

func (p *policy) countFailure(n *followUp) {
	p.failures++
	if p.failures >= p.maxAttempts && !p.exhausted {
		p.exhausted, n.exhausted = true, true
	}
}

// decide completes n: a session that Discord does not resume is dropped, and one
// whose RESUMEs come to nothing is probed.
func (p *policy) decide(n *followUp, hasSession bool, reason Reason, now time.Time) {
	n.dropSession = hasSession && (n.dropSession || p.resumes.isOver())
	if n.do != actPark && n.do != actVerify {
		n.do = p.resumeOrIdentify(hasSession && !n.dropSession, reason, now)
	}
}

// invalidSession applies op 9: wait one to five seconds, then resume if Discord said so,
// else identify. In answer to IDENTIFY there is nothing to resume, whatever it says.
func (p *policy) invalidSession(c closed, n *followUp) {
	n.wait = p.refusalWait()
	toIdentify := !c.resume && !c.live
	if c.reason.Text == invalidResumable && !toIdentify && !p.resumes.refusedTooOften() {
		return // G-081
	}
	n.dropSession = true                                     // G-082, G-085
	n.wait = min(n.wait<<min(p.refusals, 8), maxRefusalWait) // G-084
	p.refusals++
}

// refusalWait is the wait after op 9: one to five seconds, at random.
func (p *policy) refusalWait() time.Duration {
	const least, spread = time.Second, 4 * time.Second
	return least + time.Duration(p.backoff.rand()*float64(spread))
}

// closeCode applies the table of close.go.
func (p *policy) closeCode(c closed, now time.Time, n *followUp) {
	switch c.reason.Code.meaning().effect {
	case parks:
		n.do, n.dropSession, n.reason = actPark, true, fatalReason(c.reason.Code)
		return
	case verifies:
		if c.live {
			again := now.Sub(p.lastVerify) < verifyAgain
			p.lastVerify = now
			if n.do, n.dropSession = actVerify, true; again {
				n.do, n.reason = actPark, fatalReason(c.reason.Code)
				n.wait = p.backoff.delay(0, true)
			}
			return
		}
	case identifies:
		n.dropSession = true
	case resumesOnce:
		p.resumes.lastChance = true // a RESUME that was closed so has been counted as one
	}
	n.wait = p.delay(c.reason)
}

// waitAfter is the wait after a connection that ended without op 9 or a close
// frame.
func (p *policy) waitAfter(c closed) time.Duration {
	switch c.reason.Kind {
	case ReasonReconnect:
		// Discord asked for it: go at once, unless it asks for nothing else (G-077).
		if p.failures <= 2 || c.reason.Text == returnsToResumeURL {
			return 0
		}
	case ReasonReset:
		// The base gateway cuts off what it has resumed for another host. That is no
		// failure, and the way back is known to work.
		if c.base && c.resume && c.lived >= minLived {
			return p.backoff.delay(0, false)
		}
	case ReasonSilent, ReasonNoACK, ReasonOverflow, ReasonSlept, ReasonStalled:
		if c.live {
			return 0 // the link was lost long ago: every moment counts
		}
	}
	wait := p.delay(c.reason)
	if c.reason.Kind == ReasonNoResumed {
		wait = max(0, wait-c.reason.Elapsed) // it has waited for the answer already
	}
	return wait
}

// delay is the backoff after a failure.
func (p *policy) delay(reason Reason) time.Duration {
	return p.backoff.delay(p.failures, isRemote(reason))
}

// A session probe is an IDENTIFY for a shard that has a session. RESUMEs have come
// to nothing too often, but Discord has not said that the session is over: either
// the session is broken or Discord is. If READY answers the probe, the new session
// replaces the old one. If the probe comes to nothing too, the session was not to
// blame: RESUMEs, which are free, go on, and the next probe waits longer. So an
// outage in which Discord ends every connection costs few IDENTIFYs, and no event
// if the session outlives it (rule 1).

// sessionProbeClosed applies the end of a session probe: what Discord said to the
// IDENTIFY does not concern the session.
func (p *policy) sessionProbeClosed(c closed, n *followUp) {
	p.sessionProbeFailed()
	if c.reason.Kind == ReasonInvalidSession {
		n.wait = p.refusalWait()
	} else {
		n.wait = p.delay(c.reason)
	}
}

// sessionProbeFailed records a session probe that came to nothing.
func (p *policy) sessionProbeFailed() {
	p.probingSession = false
	p.failedSessionProbes++
	p.resumes = resumeStreak{}
}

func (p *policy) endSessionProbes() {
	p.probingSession, p.sessionProbeReason, p.failedSessionProbes = false, Reason{}, 0
}

// sessionProbeGap is the least time between two session probes: it doubles.
func (p *policy) sessionProbeGap() time.Duration {
	return min(firstSessionProbeGap<<min(p.failedSessionProbes, 8), maxSessionProbeGap)
}

// resumeStreak counts RESUMEs in a row that did not end in RESUMED.
type resumeStreak struct {
	refused, unanswered, cut int
	since                    time.Time
	lastChance               bool // one more failure ends the session (G-062)
}

// Limits of a resume streak. The refusal after the tolerated ones ends the session; the
// last of the others has the session probed.
const (
	toleratedRefusals = 3                // op 9 with d true
	maxUnanswered     = 3                // G-071
	maxCut            = 5                // G-072
	maxCutTime        = 75 * time.Second // after that a single cut is enough
)

// record counts a RESUME that ended for reason.
func (r *resumeStreak) record(reason Reason, now time.Time) {
	if r.since.IsZero() {
		r.since = now
	}
	switch reason.Kind {
	case ReasonInvalidSession:
		r.refused++
	case ReasonNoResumed:
		r.unanswered++
	default:
		r.cut++
	}
}

// refusedTooOften reports whether op 9 with d true counts as false.
func (r *resumeStreak) refusedTooOften() bool { return r.refused > toleratedRefusals }

// isOver reports whether the last chance has come to nothing.
func (r *resumeStreak) isOver() bool { return r.lastChance && r.refused+r.unanswered+r.cut > 0 }

// shouldProbeSession reports whether an IDENTIFY should find out whether the session or
// Discord is to blame. gap is how long the streak must have lasted, except that the
// first probe does not wait for it where RESUMEs went unanswered.
func (r *resumeStreak) shouldProbeSession(now time.Time, gap time.Duration) bool {
	age := now.Sub(r.since)
	firstProbe := gap <= firstSessionProbeGap
	unanswered := r.unanswered >= maxUnanswered && (firstProbe || age >= gap)
	cutOften := r.cut >= maxCut && age >= gap
	cutForLong := r.cut > 0 && age >= max(maxCutTime, gap)
	return unanswered || cutOften || cutForLong
}
