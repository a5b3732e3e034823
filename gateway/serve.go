package gateway

import (
	"time"

	"evergreen/identify"
)

// invalidResumable marks the cause of an op 9 whose d was true.
const invalidResumable = "resumable"

// stallTolerance is how late a wake-up may be before it means that this
// process did not run.
const stallTolerance = 2 * time.Second

// connLoop is one connection under the owner's eyes, from HELLO to its end.
type connLoop struct {
	*Shard
	attempt    attempt
	conn       *conn
	heartbeats *heartbeats

	liveSince         time.Time // zero before READY or RESUMED
	ackedWhileLive    bool      // a heartbeat was answered while live
	requestedAt       time.Time // when IDENTIFY or RESUME was sent
	slowReadyReported bool      // SlowReady was noted
	suspectSince      time.Time // zero unless suspect
	spareReady        bool      // a spare stands ready
	moveBy            time.Time // after op 7: when to leave, spare or not
	nextReturn        time.Time // when to look for the session's own host again; zero while on it
	returning         bool      // the spare is for going there
	draining          bool      // a stop waits for handlers

	lastWall time.Time // wall clock at the last look
	slept    time.Duration
}

// serve serves a connection that has said HELLO: it sends RESUME or IDENTIFY,
// beats the heart and watches, until the connection ends or has to. It is the
// only code that runs while a shard is online, and it never blocks: whatever
// might is done by a goroutine of the connection.
func (s *Shard) serve(a attempt) closed {
	t := &connLoop{Shard: s, attempt: a, conn: a.conn, lastWall: s.opts.WallClock()}
	t.heartbeats = newHeartbeats(s.opts.Timing, t.conn.interval, t.conn.helloAt, s.opts.Rand())
	defer func() { t.attempt.releaseGrant(identify.OutcomeRefused) }()
	s.seq.attach(t.conn, a.resume)
	if cause := t.identifyOrResume(); cause != nil {
		return t.finish(*cause)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t.count.checks.Add(1)
		if cause := t.check(time.Now()); cause != nil {
			return t.finish(*cause)
		}
		sleep := time.Until(t.nextCheck(time.Now()))
		timer.Reset(max(0, sleep))
		if cause := t.next(timer, max(0, sleep)); cause != nil {
			return t.finish(*cause)
		}
	}
}

// identifyOrResume sends RESUME (G-066) or IDENTIFY, exactly one of them (G-037).
func (t *connLoop) identifyOrResume() *Reason {
	deaf := &Reason{Kind: ReasonWrite, Text: "the connection took nothing"}
	t.requestedAt = time.Now()
	if t.attempt.resume {
		session := t.seq.session()
		raw, err := resumePayload(t.creds.Token, session)
		if err != nil {
			return deaf
		}
		t.set(Resuming{From: session.Seq}, Reason{})
		t.count.resumes.Add(1)
		t.emit(ResumeSent{Seq: session.Seq, URL: t.conn.url})
		if !t.conn.enqueueControl(controlFrame{raw: raw}) {
			return deaf
		}
		return nil
	}
	raw, err := identifyPayload(&t.opts, t.creds, t.presence.Load())
	if err != nil {
		return deaf
	}
	if !t.attempt.grant.Sent() {
		return &Reason{Kind: ReasonGrantExpired, Elapsed: time.Since(t.conn.opened)}
	}
	t.set(Identifying{}, Reason{})
	t.count.identifies.Add(1)
	t.emit(IdentifySent{Intents: t.creds.Intents})
	if !t.conn.enqueueControl(controlFrame{raw: raw}) {
		return deaf
	}
	return nil
}

// next waits for the next thing to happen.
func (t *connLoop) next(timer *time.Timer, planned time.Duration) *Reason {
	stop := t.stop
	if t.draining {
		stop = nil
	}
	defer t.detectSleep(planned)
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
		t.creds = c
	case <-stop:
		if t.liveSince.IsZero() || t.abortCtx.Err() != nil {
			return &Reason{Kind: ReasonStop}
		}
		t.draining = true
		t.seq.freeze()
		t.dropSpare()
		t.spareReady, t.returning = false, false
		t.set(Draining{}, Reason{Kind: ReasonStop})
	case <-t.abortCtx.Done():
		return &Reason{Kind: ReasonStop}
	}
	return nil
}

// drainSignals reads what a connection said right before it ended.
func (t *connLoop) drainSignals() *Reason {
	for {
		select {
		case sig := <-t.conn.signals:
			if cause := t.handle(sig); cause != nil {
				return cause
			}
		default:
			cause := &t.conn.reason
			final := cause.Kind == ReasonClosed && cause.Code.Policy().Verdict >= VerdictIdentify
			if !t.moveBy.IsZero() && !final {
				// Discord cut it after asking to reconnect: one and the same event (G-079).
				return &Reason{Kind: ReasonReconnect}
			}
			return cause
		}
	}
}

// handle acts on what Discord said.
func (t *connLoop) handle(sig signal) *Reason {
	switch sig.kind {
	case sigHello:
		// A second HELLO is what a malformed IDENTIFY once got; nothing to do.
	case sigACK:
		t.onACK(sig.at)
	case sigHeartbeatRequest:
		t.heartbeats.recordRequest()
	case sigReconnect:
		t.emit(ReconnectRequested{})
		return t.onReconnectRequested()
	case sigInvalidSession:
		t.emit(SessionInvalidated{Resumable: sig.resumable})
		cause := Reason{Kind: ReasonInvalidSession}
		if sig.resumable {
			cause.Text = invalidResumable
		}
		return &cause
	case sigReady:
		sig.ready.Took = sig.at.Sub(t.requestedAt)
		if t.trial.on {
			t.replaced()
		}
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
		if !t.lastHeard.IsZero() {
			gap = sig.at.Sub(t.lastHeard)
		}
		t.onLive(sig.at)
		t.emit(Resumed{Replayed: sig.replayed, Took: sig.at.Sub(t.requestedAt), Gap: gap})
	}
	return nil
}

// onACK notes an ACK; it ends any suspicion.
func (t *connLoop) onACK(at time.Time) {
	latency, ok := t.heartbeats.recordACK(at)
	if !ok {
		return
	}
	t.count.acks.Add(1)
	t.Shard.latency.Store(int64(latency))
	t.lastACK.Store(at.UnixNano())
	t.ackedWhileLive = t.ackedWhileLive || !t.liveSince.IsZero()
	t.emit(HeartbeatACK{Latency: latency})
	if !t.suspectSince.IsZero() {
		t.emit(SuspicionCleared{After: at.Sub(t.suspectSince)})
		t.suspectSince = time.Time{}
		if t.moveBy.IsZero() {
			t.dropSpare()
			t.spareReady, t.returning = false, false
		}
		if !t.draining {
			t.set(Live{}, Reason{})
		}
	}
}

// onLive is READY or RESUMED: the dot is green (G-069).
func (t *connLoop) onLive(at time.Time) {
	t.liveSince = at
	t.resumes, t.trial = resumeStreak{}, trial{}
	t.refusals = 0
	if t.attempt.resume && t.attempt.base {
		t.nextReturn = at.Add(resumeURLRetry) // and until then the base remains the way back
	} else {
		t.urlFails = 0
	}
	t.set(Live{}, Reason{})
	if p := t.presence.Load(); p != nil {
		t.sends.setPresence(*p)
	}
	c := t.conn
	t.group.Go(func() { t.Shard.sendLoop(c) })
}

// check judges the connection and beats its heart.
func (t *connLoop) check(now time.Time) *Reason {
	if t.slept > 0 {
		if cause := t.afterSleep(); cause != nil {
			return cause
		}
	}
	heard := t.conn.lastByte()
	switch v, quiet := t.heartbeats.check(now, heard); v {
	case noBytes:
		return &Reason{Kind: ReasonSilent, Elapsed: quiet}
	case noACK:
		return &Reason{Kind: ReasonNoACK, Elapsed: quiet}
	case suspect:
		if t.suspectSince.IsZero() && !t.liveSince.IsZero() && t.moveBy.IsZero() {
			t.suspectSince = now
			t.emit(SuspicionRaised{Silent: quiet})
			if !t.draining {
				t.set(Suspect{Silent: quiet}, Reason{Kind: ReasonSilent, Elapsed: quiet})
				t.dialSpare()
			}
		}
	}
	if cause := t.checkDeadlines(now); cause != nil {
		return cause // before a beat that would be the connection's last word
	}
	if kind, due := t.heartbeats.due(now, heard); due {
		if !t.conn.sendHeartbeat() {
			return &Reason{Kind: ReasonWrite, Text: "earlier heartbeats have not left yet"}
		}
		t.heartbeats.recordSent(now, kind)
		t.count.heartbeats.Add(1)
		t.emit(HeartbeatSent{Kind: kind})
	}
	t.maintainSpare(now)
	return nil
}

// checkDeadlines checks the deadlines of the phase.
func (t *connLoop) checkDeadlines(now time.Time) *Reason {
	waited := now.Sub(t.requestedAt)
	timing := t.opts.Timing
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
		if idle := now.Sub(time.Unix(0, t.seq.lastDispatch.Load())); idle >= timing.Resumed {
			return &Reason{Kind: ReasonNoResumed, Elapsed: waited}
		}
	case waited >= timing.Ready:
		return &Reason{Kind: ReasonNoReady, Elapsed: waited}
	case waited >= timing.ReadyWarning && !t.slowReadyReported:
		t.slowReadyReported = true
		t.emit(SlowReady{Waited: waited})
	}
	return nil
}

// nextCheck returns when something may have to be done.
func (t *connLoop) nextCheck(now time.Time) time.Time {
	at := now.Add(t.opts.Timing.ClockCheck)
	sooner := func(u time.Time) {
		if u.Before(at) {
			at = u
		}
	}
	sooner(t.heartbeats.nextCheck(now, t.conn.lastByte()))
	timing := t.opts.Timing
	switch {
	case !t.liveSince.IsZero():
		if !t.moveBy.IsZero() {
			sooner(t.moveBy)
		}
		if t.onBaseURL() {
			sooner(t.nextReturn)
		}
		if t.spareReady {
			sooner(t.spareStaleAt())
		}
	case t.attempt.resume:
		sooner(time.Unix(0, t.seq.lastDispatch.Load()).Add(timing.Resumed))
	case !t.slowReadyReported:
		sooner(t.requestedAt.Add(timing.ReadyWarning))
	default:
		sooner(t.requestedAt.Add(timing.Ready))
	}
	return at
}

// detectSleep compares the time that passed with the time that was planned: if the
// wall clock ran on for longer, this process or its host stood still.
func (t *connLoop) detectSleep(planned time.Duration) {
	wall := t.opts.WallClock().Round(0)
	late := wall.Sub(t.lastWall.Round(0)) - planned
	t.lastWall = wall
	if late > stallTolerance {
		t.slept = late
	}
}

// afterSleep deals with a time in which the process did not run. After more than an
// interval the connection is given up at once: a late heartbeat would only find
// that out slowly (G-032). After less, a probe finds out.
func (t *connLoop) afterSleep() *Reason {
	slept := t.slept
	t.slept = 0
	t.emit(HostSlept{For: slept})
	if slept > t.conn.interval {
		return &Reason{Kind: ReasonSlept, Elapsed: slept}
	}
	t.heartbeats.shift(slept)
	t.heartbeats.recordRequest()
	return nil
}

// finish takes leave of the connection.
func (t *connLoop) finish(cause Reason) closed {
	end := closed{reason: cause, authenticated: !t.liveSince.IsZero()}
	if end.authenticated {
		end.lived = time.Since(t.liveSince)
		t.Shard.lived += end.lived
		t.Shard.lastHeard = t.conn.lastByte()
	}
	var lastACK time.Time
	if t.ackedWhileLive {
		lastACK = t.heartbeats.lastACK
	}
	if cause.Kind == ReasonStop {
		t.closeForStop()
	} else {
		t.closeInBackground(t.conn, cause)
	}
	t.emit(Disconnected{
		Reason: cause, LastByte: t.conn.lastByte(), LastACK: lastACK,
		Session: t.seq.session().Resumable(), Lasted: end.lived,
	})
	return end
}

// closeForStop is the last close of a shard's life, and the only one that is waited
// for: the frame must be out before the process goes.
func (t *connLoop) closeForStop() {
	code := CloseKeepSession
	if StopMode(t.stopMode.Load()) == EndSession {
		code = CloseGoodbye
	}
	t.conn.close(code, Reason{Kind: ReasonStop})
}
