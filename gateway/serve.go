package gateway

import (
	"time"

	"evergreen/clock"
	"evergreen/identify"
)

// connLoop serves one connection from HELLO to its end, on the goroutine of Run.
type connLoop struct {
	*Shard
	attempt    attempt
	conn       *conn
	heartbeats *heartbeats

	liveSince         time.Time // zero before READY or RESUMED
	ackedWhileLive    bool
	requested         answerWait // since IDENTIFY or RESUME was sent
	slowReadyReported bool
	suspectSince      time.Time // zero unless suspect
	spareReady        bool      // the spare has reached HELLO and stands by
	moveBy            time.Time // after op 7: when to leave at the latest
	nextReturn        time.Time // when to dial the resume URL again; zero unless on the base URL
	draining          bool      // a stop waits for handlers

	watch  *clock.Watch
	jump   clock.Jump // of the clocks, in the last wait
	readBy time.Time  // until then what waits in the socket may not have been read
}

// A process that was stopped, or starved of time, finds that deadlines have passed while
// what would have kept them waits in its socket. When the loop comes later than it meant
// to by more than maxLate, it leaves readTime to the goroutine that reads before it
// blames the connection.
const (
	maxLate  = 100 * time.Millisecond
	readTime = 250 * time.Millisecond
)

// serve sends RESUME or IDENTIFY on a connection that has said HELLO, sends heartbeats
// and watches, until the connection ends or has to. It is all that runs on this
// goroutine while a shard is online, and it never blocks. What might block is done by a
// goroutine of the connection.
func (s *Shard) serve(a attempt) closed {
	t := &connLoop{Shard: s, attempt: a, conn: a.conn, watch: s.opts.Clock.Watch()}
	t.heartbeats = newHeartbeats(s.opts.Timing, t.conn.interval, t.conn.helloAt, s.opts.Rand())
	t.heartbeats.connecting = true
	defer func() { t.attempt.releaseGrant(identify.OutcomeRefused) }()
	s.seq.attach(t.conn, a.resume)
	if reason := t.sendResumeOrIdentify(); reason != nil {
		return t.finish(*reason)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t.count.checks.Add(1)
		if reason := t.maintainConnection(time.Now()); reason != nil {
			return t.finish(*reason)
		}
		next := t.nextCheck(time.Now())
		sleep := max(0, time.Until(next))
		timer.Reset(sleep)
		if reason := t.awaitNext(timer, sleep); reason != nil {
			t.reportJump() // it may be why the connection ended
			return t.finish(*reason)
		}
		if now := time.Now(); now.Sub(next) > maxLate {
			t.readBy = now.Add(readTime)
		}
	}
}

// sendResumeOrIdentify sends RESUME (G-066) or IDENTIFY, exactly one of them (G-037).
func (t *connLoop) sendResumeOrIdentify() *Reason {
	select {
	case c := <-t.reconfigured: // while the shard was not started, or waited for its grant
		t.credentials = c
	default:
	}
	t.requested = answerWait{time.Now(), t.conn.progress.total()}
	begin := t.beginIdentify
	if t.attempt.resume {
		begin = t.beginResume
	}
	raw, reason := begin()
	if reason == nil && !t.conn.enqueueControl(controlFrame{raw: raw}) {
		return &Reason{Kind: ReasonWrite, Text: "the connection took nothing"}
	}
	return reason
}

// beginResume returns the RESUME to send and says that it is on its way.
func (t *connLoop) beginResume() ([]byte, *Reason) {
	session := t.seq.session()
	raw, err := resumePayload(t.credentials.Token, session)
	if err != nil { // its id is longer than a RESUME can carry
		return nil, &Reason{Kind: ReasonInvalidSession, Err: err}
	}
	t.set(Resuming{From: session.Seq}, Reason{})
	t.count.resumes.Add(1)
	t.emit(ResumeSent{Seq: session.Seq, URL: t.conn.url})
	return raw, nil
}

// beginIdentify returns the IDENTIFY to send and says that it is on its way.
func (t *connLoop) beginIdentify() ([]byte, *Reason) {
	raw, err := identifyPayload(&t.opts, t.credentials, t.presence.Load())
	if err != nil { // together they are too large; the presence follows READY in any case
		raw, err = identifyPayload(&t.opts, t.credentials, nil)
	}
	if err != nil { // a CredentialChecker has brought a token that is too long
		t.attempt.releaseGrant(identify.OutcomeUnsent)
		return nil, &Reason{Kind: ReasonWrite, Err: err}
	}
	if !t.attempt.grant.Sent() {
		return nil, &Reason{Kind: ReasonGrantExpired, Elapsed: time.Since(t.conn.progress.opened)}
	}
	t.set(Identifying{}, Reason{})
	t.count.identifies.Add(1)
	t.emit(IdentifySent{Intents: t.credentials.Intents})
	return raw, nil
}

// awaitNext waits for the next thing to happen, for at most planned, and handles it.
func (t *connLoop) awaitNext(timer *time.Timer, planned time.Duration) *Reason {
	stop := t.life.StopContext().Done()
	if t.draining {
		stop = nil
	}
	defer func() { t.jump = t.watch.Look(planned) }()
	select {
	case sig := <-t.conn.signals:
		return t.handle(sig)
	case <-t.conn.ended:
		return t.drainSignals()
	case <-timer.C:
	case <-t.spareDialed():
		return t.onSpareDialed()
	case sig := <-t.spareSignals():
		t.handleSpare(sig)
	case <-t.drained:
	case c := <-t.reconfigured:
		t.credentials = c
	case <-stop:
		if t.liveSince.IsZero() || t.life.AbortContext().Err() != nil {
			return &Reason{Kind: ReasonStop}
		}
		t.draining = true
		t.seq.freeze()
		t.cancelSpare()
		t.set(Draining{}, Reason{Kind: ReasonStop})
	case <-t.life.AbortContext().Done():
		return &Reason{Kind: ReasonStop}
	}
	return nil
}

// drainSignals handles what Discord said right before the connection ended.
func (t *connLoop) drainSignals() *Reason {
	for {
		select {
		case sig := <-t.conn.signals:
			if reason := t.handle(sig); reason != nil {
				return reason
			}
		default:
			reason := &t.conn.reason
			endsSession := reason.Code.meaning().effect.endsSession() // there is a code only of a close frame
			if !t.moveBy.IsZero() && !endsSession {
				// Discord cut it after asking to reconnect: one and the same event (G-079).
				return &Reason{Kind: ReasonReconnect}
			}
			return reason
		}
	}
}

// handle acts on what Discord said.
func (t *connLoop) handle(sig signal) *Reason {
	switch sig.kind {
	case sigHello:
		// Discord has answered a malformed IDENTIFY with a second HELLO; there is
		// nothing to do.
	case sigACK:
		t.onACK(sig.at)
	case sigHeartbeatRequest:
		t.heartbeats.recordRequest()
	case sigReconnect:
		t.emit(ReconnectRequested{})
		return t.onReconnectRequested()
	case sigInvalidSession:
		t.emit(SessionInvalidated{Resumable: sig.resumable})
		reason := Reason{Kind: ReasonInvalidSession}
		if sig.resumable {
			reason.Text = invalidResumable
		}
		return &reason
	case sigReady:
		sig.ready.Took = sig.at.Sub(t.requested.since)
		t.onLive(sig.at)
		t.emit(sig.ready)
		if t.attempt.grant != nil {
			grant := t.attempt.grant
			t.attempt.grant = nil
			t.group.Go(func() { grant.Release(identify.OutcomeReady) }) // it may write to a disk
		}
	case sigResumed:
		t.count.resumed.Add(1)
		gap := time.Duration(0)
		if !t.lastByte.IsZero() {
			gap = t.opts.Clock.Between(t.lastByte, sig.at)
		}
		t.onLive(sig.at)
		t.emit(Resumed{Replayed: sig.replayed, Took: sig.at.Sub(t.requested.since), Gap: gap})
	}
	return nil
}

// onACK records the answer to a heartbeat. It ends any suspicion.
func (t *connLoop) onACK(at time.Time) {
	ack, ok := t.heartbeats.recordACK(at, t.conn.progress.total())
	if !ok {
		return
	}
	t.count.acks.Add(1)
	if ack.IsRoundTrip() {
		t.Shard.latency.Store(int64(ack.Latency))
	}
	t.lastACK.Store(&at)
	t.ackedWhileLive = !t.liveSince.IsZero()
	t.emit(ack)
	if t.suspectSince.IsZero() {
		return
	}
	t.emit(SuspicionCleared{After: at.Sub(t.suspectSince)})
	t.suspectSince = time.Time{}
	if t.moveBy.IsZero() && !t.draining {
		t.cancelSpare()
		t.set(Live{}, Reason{})
	}
}

// onLive follows READY or RESUMED: the bot is online (G-069).
func (t *connLoop) onLive(at time.Time) {
	if !t.liveSince.IsZero() {
		return // a server may say READY or RESUMED again
	}
	t.liveSince, t.heartbeats.connecting = at, false
	if replaced, reason := t.policy.onLive(t.attempt.base); replaced {
		t.reportSessionEnd(reason)
	}
	if t.attempt.resume && t.attempt.base && t.checkAddress(t.seq.session().ResumeURL) == nil {
		t.nextReturn = at.Add(resumeURLRetry)
	}
	t.set(Live{}, Reason{})
	if t.attempt.resume {
		t.sends.onResumed(at, t.inherited)
	} else {
		t.sends.onReady()
	}
	t.inherited = false
	if p := t.presence.Load(); p != nil {
		t.sends.setPresence(*p)
	}
	c := t.conn
	t.group.Go(func() { t.sendLoop(c) })
}

// maintainConnection returns a reason to end the connection, or does what is due on it:
// sends a heartbeat, dials a spare.
func (t *connLoop) maintainConnection(now time.Time) *Reason {
	if t.jump != (clock.Jump{}) {
		if reason := t.afterJump(); reason != nil {
			return reason
		}
	}
	lastByte := t.conn.progress.lastByte()
	if !now.Before(t.readBy) {
		switch state, elapsed := t.heartbeats.liveness(now, lastByte, t.conn.progress.total()); state {
		case noBytes:
			return &Reason{Kind: ReasonSilent, Elapsed: elapsed}
		case noACK:
			return &Reason{Kind: ReasonNoACK, Elapsed: elapsed}
		case suspect:
			t.onSuspect(now, elapsed)
		}
		if reason := t.checkDeadlines(now); reason != nil {
			return reason // before a heartbeat that would be the last payload of the connection
		}
	}
	if kind, due := t.heartbeats.due(now, lastByte); due {
		if reason := t.sendHeartbeat(now, kind); reason != nil {
			return reason
		}
	}
	t.maintainSpare(now)
	return nil
}

// onSuspect dials a spare when an answer is overdue on a live connection.
func (t *connLoop) onSuspect(now time.Time, silence time.Duration) {
	if !t.suspectSince.IsZero() || t.liveSince.IsZero() || !t.moveBy.IsZero() {
		return
	}
	t.suspectSince = now
	t.emit(SuspicionRaised{Silent: silence})
	if !t.draining {
		t.set(Suspect{Silent: silence}, Reason{Kind: ReasonSilent, Elapsed: silence})
		t.dialSpare()
	}
}

// checkDeadlines returns a reason when a deadline of the phase has passed, or when
// the connection has done what it was kept for.
func (t *connLoop) checkDeadlines(now time.Time) *Reason {
	waited, timing := now.Sub(t.requested.since), t.opts.Timing
	receiving := t.conn.progress.total()
	counted := t.requested.counted(now, receiving)
	switch {
	case t.draining && t.seq.isIdle():
		return &Reason{Kind: ReasonStop}
	case !t.liveSince.IsZero():
		if !t.moveBy.IsZero() && !now.Before(t.moveBy) {
			return &Reason{Kind: ReasonReconnect}
		}
		if bytes, _ := t.queue.load(); t.seq.hasOverflow() && bytes <= t.opts.QueueBytes/2 && !t.draining {
			t.emit(QueueDrained{})
			return &Reason{Kind: ReasonOverflow}
		}
	case t.attempt.resume:
		// A long replay is progress; only silence is not.
		if t.sinceDispatch().counted(now, receiving) >= timing.Resumed {
			return &Reason{Kind: ReasonNoResumed, Elapsed: waited}
		}
	case counted >= timing.Ready:
		return &Reason{Kind: ReasonNoReady, Elapsed: waited} // G-044
	case counted >= timing.ReadyWarning && !t.slowReadyReported && t.heardSinceHello():
		t.slowReadyReported = true
		t.emit(SlowReady{Waited: waited})
	}
	return nil
}

// sinceDispatch is the wait for the next dispatch of a replay.
func (t *connLoop) sinceDispatch() answerWait {
	receiving := time.Duration(t.conn.dispatched.Load()) // before the time, which is stored first
	return answerWait{t.seq.dispatchedAt(), receiving}
}

// nextCheck returns when something may have to be done.
func (t *connLoop) nextCheck(now time.Time) time.Time {
	if now.Before(t.readBy) {
		return t.readBy
	}
	at := now.Add(t.opts.Timing.ClockCheck)
	sooner := func(u time.Time) {
		if u.Before(at) {
			at = u
		}
	}
	receiving := t.conn.progress.total()
	sooner(t.heartbeats.nextCheck(now, t.conn.progress.lastByte(), receiving))
	timing := t.opts.Timing
	switch {
	case !t.liveSince.IsZero():
		if !t.moveBy.IsZero() {
			sooner(t.moveBy)
		}
		if t.wantsResumeURL() {
			sooner(t.nextReturn)
		}
		if t.spareReady {
			sooner(t.spareStaleAt())
		}
	case t.attempt.resume:
		sooner(t.sinceDispatch().until(timing.Resumed, receiving))
	case now.Before(t.requested.until(timing.ReadyWarning, receiving)):
		sooner(t.requested.until(timing.ReadyWarning, receiving))
	default:
		sooner(t.requested.until(timing.Ready, receiving))
	}
	return at
}

// afterJump follows a jump of the clocks. After more than an interval in which the
// process did not run the connection is given up at once, because a late heartbeat would
// notice a dead one slowly (G-032). After a shorter absence an extra heartbeat tests
// whether the connection is still alive. A wall clock that was set ends no connection: it
// says nothing of it. But a virtual machine that was paused may show just like that, so it
// is tested as well.
func (t *connLoop) afterJump() *Reason {
	if t.reportJump() {
		kind := ReasonStalled
		if t.jump.Slept > t.jump.Stalled {
			kind = ReasonSlept
		}
		return &Reason{Kind: kind, Elapsed: t.jump.Absent()}
	}
	t.heartbeats.shift(t.jump.Late)
	t.heartbeats.recordRequest()
	return nil
}

// heardSinceHello reports whether anything has arrived after HELLO.
func (t *connLoop) heardSinceHello() bool { return t.conn.progress.lastByte().After(t.conn.helloAt) }

// onlyHello reports whether a connection that ends for this reason has brought HELLO and
// then nothing, not even the answer to a heartbeat.
func (t *connLoop) onlyHello(reason Reason) bool {
	switch reason.Kind {
	case ReasonSilent, ReasonNoACK, ReasonNoResumed, ReasonNoReady:
		return t.liveSince.IsZero() && len(t.heartbeats.unacked) > 0 && !t.heardSinceHello()
	}
	return false
}

// reportJump reports what made time jump in the last wait. It tells whether the process
// did not run for more than an interval; then a spare has sent no heartbeats either, and
// is dropped: a RESUME that Discord refused on it would cost the session.
func (t *connLoop) reportJump() (long bool) {
	if t.jump.Stalled > 0 {
		t.emit(ProcessStalled{For: t.jump.Stalled})
	}
	if t.jump.Slept > 0 {
		t.emit(HostSlept{For: t.jump.Slept})
	}
	if t.jump.Set != 0 {
		t.emit(ClockSet{By: t.jump.Set})
	}
	if long = t.jump.Absent() > t.conn.interval; long {
		t.cancelSpare()
	}
	return long
}

// finish ends the connection for a reason and reports it.
func (t *connLoop) finish(reason Reason) closed {
	end := closed{reason: reason, resume: t.attempt.resume, base: t.attempt.base, live: !t.liveSince.IsZero()}
	if end.live {
		end.lived = time.Since(t.liveSince)
		t.Shard.lastByte = t.conn.progress.lastByte()
	}
	var lastACK time.Time
	if t.ackedWhileLive {
		lastACK = t.heartbeats.lastACK
	}
	if reason.Kind == ReasonStop {
		t.closeForStop()
	} else {
		t.closeInBackground(t.conn, reason)
	}
	t.emit(Disconnected{
		Reason: reason, LastByte: t.conn.progress.lastByte(), LastACK: lastACK,
		Session: t.seq.hasSession(), Lasted: end.lived, OnlyHello: t.onlyHello(reason),
	})
	return end
}

// closeForStop sends the last close frame of a shard. It is the only one that is
// waited for: the frame must have left before the process ends.
func (t *connLoop) closeForStop() {
	code := closeKeepSession
	if StopMode(t.stopMode.Load()) == EndSession {
		code = closeEndSession
	}
	t.conn.close(code, Reason{Kind: ReasonStop})
}
