package gateway

import (
	"time"
)

// invalidResumable marks the cause of an op 9 whose d was true.
const invalidResumable = "resumable"

// stallTolerance is how late a wake-up may be before it means that this
// process did not run.
const stallTolerance = 2 * time.Second

// attendance is one connection under the owner's eyes, from HELLO to its end.
type attendance struct {
	*Shard
	a     attempt
	c     *conn
	pulse *pulse

	liveSince time.Time // zero before READY or RESUMED
	acked     bool      // a heartbeat was answered while live
	asked     time.Time // when IDENTIFY or RESUME was sent
	warned    bool      // SlowReady was noted
	suspected time.Time // zero unless suspect
	spareHeld bool      // a spare stands ready
	moveBy    time.Time // after op 7: when to leave, spare or not
	home      time.Time // when to look for the session's own host again; zero while on it
	homing    bool      // the spare is for going there
	draining  bool      // a stop waits for handlers

	wall  time.Time // wall clock at the last look
	slept time.Duration
}

// attend serves a connection that has said HELLO: it sends RESUME or IDENTIFY,
// beats the heart and watches, until the connection ends or has to. It is the
// only code that runs while a shard is online, and it never blocks: whatever
// might is done by a goroutine of the connection.
func (s *Shard) attend(a attempt) ending {
	t := &attendance{Shard: s, a: a, c: a.conn, wall: s.opts.WallClock()}
	t.pulse = newPulse(s.opts.Timing, t.c.interval, t.c.greeted, s.opts.Rand())
	defer func() { t.a.release(OutcomeRefused) }()
	s.in.attach(t.c, a.resume)
	if cause := t.introduce(); cause != nil {
		return t.end(*cause)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t.count.turns.Add(1)
		if cause := t.look(time.Now()); cause != nil {
			return t.end(*cause)
		}
		sleep := time.Until(t.nextLook(time.Now()))
		timer.Reset(max(0, sleep))
		if cause := t.await(timer, max(0, sleep)); cause != nil {
			return t.end(*cause)
		}
	}
}

// introduce sends RESUME (G-066) or IDENTIFY, exactly one of them (G-037).
func (t *attendance) introduce() *Reason {
	deaf := &Reason{Kind: ReasonWrite, Text: "the connection took nothing"}
	t.asked = time.Now()
	if t.a.resume {
		session := t.in.session()
		raw, err := resumePayload(t.creds.Token, session)
		if err != nil {
			return deaf
		}
		t.set(Resuming{From: session.Seq}, Reason{})
		t.count.resumes.Add(1)
		t.note(ResumeSent{Seq: session.Seq, URL: t.c.url})
		if !t.c.enqueue(errand{raw: raw}) {
			return deaf
		}
		return nil
	}
	raw, err := identifyPayload(&t.opts, t.creds, t.presence.Load())
	if err != nil {
		return deaf
	}
	if !t.a.grant.Sent() {
		return &Reason{Kind: ReasonGrantExpired, Elapsed: time.Since(t.c.opened)}
	}
	t.set(Identifying{}, Reason{})
	t.count.identifies.Add(1)
	t.note(IdentifySent{Intents: t.creds.Intents})
	if !t.c.enqueue(errand{raw: raw}) {
		return deaf
	}
	return nil
}

// await waits for the next thing to happen.
func (t *attendance) await(timer *time.Timer, planned time.Duration) *Reason {
	stop := t.stop
	if t.draining {
		stop = nil
	}
	defer t.clock(planned)
	select {
	case sig := <-t.c.signals:
		return t.heed(sig)
	case <-t.c.dead:
		return t.lastWords()
	case <-timer.C:
	case <-t.spareSignal():
		return t.spareArrived()
	case sig := <-t.spareSays():
		t.heedSpare(sig)
	case <-t.drained:
	case c := <-t.mended:
		t.creds = c
	case <-stop:
		if t.liveSince.IsZero() || t.hurry.Err() != nil {
			return &Reason{Kind: ReasonStop}
		}
		t.draining = true
		t.in.freeze()
		t.dismissSpare()
		t.spareHeld, t.homing = false, false
		t.set(Draining{}, Reason{Kind: ReasonStop})
	case <-t.hurry.Done():
		return &Reason{Kind: ReasonStop}
	}
	return nil
}

// lastWords reads what a connection said right before it ended.
func (t *attendance) lastWords() *Reason {
	for {
		select {
		case sig := <-t.c.signals:
			if cause := t.heed(sig); cause != nil {
				return cause
			}
		default:
			cause := &t.c.cause
			final := cause.Kind == ReasonClosed && cause.Code.Policy().Verdict >= VerdictIdentify
			if !t.moveBy.IsZero() && !final {
				// Discord cut it after asking to reconnect: one and the same event (G-079).
				return &Reason{Kind: ReasonReconnect}
			}
			return cause
		}
	}
}

// heed acts on what Discord said.
func (t *attendance) heed(sig signal) *Reason {
	switch sig.kind {
	case sigHello:
		// A second HELLO is what a malformed IDENTIFY once got; nothing to do.
	case sigACK:
		t.answered(sig.at)
	case sigBeat:
		t.pulse.requested()
	case sigReconnect:
		t.note(ReconnectRequested{})
		return t.move()
	case sigInvalid:
		t.note(SessionInvalidated{Resumable: sig.resumable})
		cause := Reason{Kind: ReasonInvalidSession}
		if sig.resumable {
			cause.Text = invalidResumable
		}
		return &cause
	case sigReady:
		sig.ready.Took = sig.at.Sub(t.asked)
		if t.trial.on {
			t.replaced()
		}
		t.goLive(sig.at)
		t.note(sig.ready)
		if t.a.grant != nil {
			grant := t.a.grant
			t.a.grant = nil
			t.group.Go(func() { grant.Release(OutcomeReady) }) // it may write to a disk
		}
	case sigResumed:
		t.count.resumed.Add(1)
		gap := time.Duration(0)
		if !t.lastHeard.IsZero() {
			gap = sig.at.Sub(t.lastHeard)
		}
		t.goLive(sig.at)
		t.note(Resumed{Replayed: sig.replayed, Took: sig.at.Sub(t.asked), Gap: gap})
	}
	return nil
}

// answered notes an ACK; it ends any suspicion.
func (t *attendance) answered(at time.Time) {
	latency, ok := t.pulse.acked(at)
	if !ok {
		return
	}
	t.count.acks.Add(1)
	t.Shard.latency.Store(int64(latency))
	t.lastACK.Store(at.UnixNano())
	t.acked = t.acked || !t.liveSince.IsZero()
	t.note(HeartbeatACK{Latency: latency})
	if !t.suspected.IsZero() {
		t.note(SuspicionCleared{After: at.Sub(t.suspected)})
		t.suspected = time.Time{}
		if t.moveBy.IsZero() {
			t.dismissSpare()
			t.spareHeld, t.homing = false, false
		}
		if !t.draining {
			t.set(Live{}, Reason{})
		}
	}
}

// goLive is READY or RESUMED: the dot is green (G-069).
func (t *attendance) goLive(at time.Time) {
	t.liveSince = at
	t.resumes, t.trial = resumeStreak{}, trial{}
	t.refusals = 0
	if t.a.resume && t.a.base {
		t.home = at.Add(homeEvery) // and until then the base remains the way back
	} else {
		t.urlFails = 0
	}
	t.set(Live{}, Reason{})
	if p := t.presence.Load(); p != nil {
		t.out.setPresence(*p)
	}
	c := t.c
	t.group.Go(func() { t.Shard.send(c) })
}

// look judges the connection and beats its heart.
func (t *attendance) look(now time.Time) *Reason {
	if t.slept > 0 {
		if cause := t.wake(); cause != nil {
			return cause
		}
	}
	heard := t.c.lastHeard()
	switch v, quiet := t.pulse.check(now, heard); v {
	case silent:
		return &Reason{Kind: ReasonSilent, Elapsed: quiet}
	case unheeded:
		return &Reason{Kind: ReasonNoACK, Elapsed: quiet}
	case suspect:
		if t.suspected.IsZero() && !t.liveSince.IsZero() && t.moveBy.IsZero() {
			t.suspected = now
			t.note(SuspicionRaised{Silent: quiet})
			if !t.draining {
				t.set(Suspect{Silent: quiet}, Reason{Kind: ReasonSilent, Elapsed: quiet})
				t.prepareSpare()
			}
		}
	}
	if cause := t.overdue(now); cause != nil {
		return cause // before a beat that would be the connection's last word
	}
	if kind, due := t.pulse.due(now, heard); due {
		if !t.c.beat() {
			return &Reason{Kind: ReasonWrite, Text: "earlier heartbeats have not left yet"}
		}
		t.pulse.sent(now, kind)
		t.count.heartbeats.Add(1)
		t.note(HeartbeatSent{Kind: kind})
	}
	t.lookAround(now)
	return nil
}

// overdue checks the deadlines of the phase.
func (t *attendance) overdue(now time.Time) *Reason {
	waited := now.Sub(t.asked)
	timing := t.opts.Timing
	switch {
	case t.draining && t.in.idle():
		return &Reason{Kind: ReasonStop}
	case !t.liveSince.IsZero():
		if !t.moveBy.IsZero() && !now.Before(t.moveBy) {
			return &Reason{Kind: ReasonReconnect}
		}
		if bytes, _ := t.queue.load(); t.in.owes() && bytes <= t.opts.QueueBytes/2 && !t.draining {
			t.note(QueueDrained{})
			return &Reason{Kind: ReasonOverflow}
		}
	case t.a.resume:
		// A long replay is progress; only silence is not.
		if idle := now.Sub(time.Unix(0, t.in.lastDispatch.Load())); idle >= timing.Resumed {
			return &Reason{Kind: ReasonNoResumed, Elapsed: waited}
		}
	case waited >= timing.Ready:
		return &Reason{Kind: ReasonNoReady, Elapsed: waited}
	case waited >= timing.ReadyWarning && !t.warned:
		t.warned = true
		t.note(SlowReady{Waited: waited})
	}
	return nil
}

// nextLook returns when something may have to be done.
func (t *attendance) nextLook(now time.Time) time.Time {
	at := now.Add(t.opts.Timing.ClockCheck)
	sooner := func(u time.Time) {
		if u.Before(at) {
			at = u
		}
	}
	sooner(t.pulse.wake(now, t.c.lastHeard()))
	timing := t.opts.Timing
	switch {
	case !t.liveSince.IsZero():
		if !t.moveBy.IsZero() {
			sooner(t.moveBy)
		}
		if t.awayFromHome() {
			sooner(t.home)
		}
		if t.spareHeld {
			sooner(t.staleAt())
		}
	case t.a.resume:
		sooner(time.Unix(0, t.in.lastDispatch.Load()).Add(timing.Resumed))
	case !t.warned:
		sooner(t.asked.Add(timing.ReadyWarning))
	default:
		sooner(t.asked.Add(timing.Ready))
	}
	return at
}

// clock compares the time that passed with the time that was planned: if the
// wall clock ran on for longer, this process or its host stood still.
func (t *attendance) clock(planned time.Duration) {
	wall := t.opts.WallClock().Round(0)
	late := wall.Sub(t.wall.Round(0)) - planned
	t.wall = wall
	if late > stallTolerance {
		t.slept = late
	}
}

// wake deals with a time in which the process did not run. After more than an
// interval the connection is given up at once: a late heartbeat would only find
// that out slowly (G-032). After less, a probe finds out.
func (t *attendance) wake() *Reason {
	slept := t.slept
	t.slept = 0
	t.note(HostSlept{For: slept})
	if slept > t.c.interval {
		return &Reason{Kind: ReasonSlept, Elapsed: slept}
	}
	t.pulse.excuse(slept)
	t.pulse.requested()
	return nil
}

// end takes leave of the connection.
func (t *attendance) end(cause Reason) ending {
	end := ending{cause: cause, authenticated: !t.liveSince.IsZero()}
	if end.authenticated {
		end.lived = time.Since(t.liveSince)
		t.Shard.lived += end.lived
		t.Shard.lastHeard = t.c.lastHeard()
	}
	var lastACK time.Time
	if t.acked {
		lastACK = t.pulse.lastACK
	}
	if cause.Kind == ReasonStop {
		t.depart()
	} else {
		t.retire(t.c, cause)
	}
	t.note(Disconnected{
		Reason: cause, LastByte: t.c.lastHeard(), LastACK: lastACK,
		Session: t.in.session().Resumable(), Lasted: end.lived,
	})
	return end
}

// depart is the last close of a shard's life, and the only one that is waited
// for: the frame must be out before the process goes.
func (t *attendance) depart() {
	code := CloseKeepSession
	if StopMode(t.stopMode.Load()) == EndSession {
		code = CloseGoodbye
	}
	t.c.leave(code, Reason{Kind: ReasonStop})
}
