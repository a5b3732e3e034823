package gateway

import (
	"context"
	"time"
)

// A live connection is replaced by another one for three reasons: Discord asks for it
// (op 7), it has gone silent, or it leads to the base URL instead of the session's
// resume URL. In each case a spare connection is dialled first, as far as HELLO, while
// the live one goes on serving.

// spare is a connection that is dialled while another one still serves.
type spare struct {
	url    string
	cancel context.CancelFunc
	done   chan struct{}
	conn   *conn   // after done
	failed *Reason // after done
}

// resumeURLRetry is how often the resume URL is dialled while the base URL stands
// in for it. The base gateway cuts off after a minute what it has resumed for
// another host; a shard that has left by then is never offline.
const resumeURLRetry = 15 * time.Second

// returnsToResumeURL is the Text of a ReasonReconnect that Discord did not ask for.
const returnsToResumeURL = "the address to resume at can be reached again"

// dialSpare starts to dial a spare, unless there is one already.
func (s *Shard) dialSpare() {
	if s.spare != nil {
		return
	}
	ctx, cancel := context.WithCancel(s.life.StopContext())
	url := s.seq.session().ResumeURL
	if s.checkAddress(url) != nil {
		url = s.baseURL
	}
	sp := &spare{url: url, cancel: cancel, done: make(chan struct{})}
	s.spare = sp
	s.group.Go(func() {
		defer close(sp.done)
		sp.conn, _, sp.failed = s.dialToHello(ctx, sp.url)
	})
}

// takeSpare waits for the spare's dial and hands the connection over.
func (s *Shard) takeSpare() (*conn, *Reason) {
	sp := s.spare
	s.spare = nil
	defer sp.cancel()
	<-sp.done // dialToHello has deadlines and ends with a stop
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

// dropSpare closes a spare that is not needed any more, if there is one.
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
			sp.conn.close(closeKeepSession, Reason{Kind: ReasonStop})
		}
	})
}

// onReconnectRequested follows op 7: the connection serves on until the spare has
// reached HELLO, for at most Timing.Move (G-080).
func (t *connLoop) onReconnectRequested() *Reason {
	if t.liveSince.IsZero() {
		return &Reason{Kind: ReasonReconnect}
	}
	if t.moveBy.IsZero() && !t.draining {
		t.moveBy = time.Now().Add(t.opts.Timing.Move)
		t.dialSpare()
		t.set(Moving{}, Reason{Kind: ReasonReconnect})
	}
	return nil
}

// replaceSpare dials another spare in place of the one that is ready.
func (t *connLoop) replaceSpare() {
	t.cancelSpare()
	t.dialSpare()
}

// cancelSpare drops the spare because it is not needed any more, if there is one.
func (t *connLoop) cancelSpare() {
	t.dropSpare()
	t.spareReady = false
}

// spareDialed is ready when the spare's dial has ended and has not been looked at.
func (t *connLoop) spareDialed() <-chan struct{} {
	if t.spare == nil || t.spareReady && t.moveBy.IsZero() {
		return nil
	}
	return t.spare.done
}

// onSpareDialed moves to the spare where that is what it was dialled for.
func (t *connLoop) onSpareDialed() *Reason {
	switch {
	case !t.moveBy.IsZero():
		select {
		case <-t.conn.ended:
			return t.drainSignals() // it may have ended for a better reason
		default:
		}
		return &Reason{Kind: ReasonReconnect}
	case t.spare.failed != nil:
		t.dropSpare()
		return nil
	case !t.nextReturn.IsZero(): // the spare is at the resume URL, and the connection is not
		return &Reason{Kind: ReasonReconnect, Text: returnsToResumeURL}
	}
	t.spareReady = true // it is used if the connection turns out to be dead
	return nil
}

// spareSignals is what Discord says on a spare that is ready.
func (t *connLoop) spareSignals() <-chan signal {
	if !t.spareReady {
		return nil
	}
	return t.spare.conn.signals
}

// handleSpare answers for a spare that is ready. A heartbeat that Discord asks for
// is owed there too (G-021), and a connection that Discord wants to end is
// replaced.
func (t *connLoop) handleSpare(sig signal) {
	switch sig.kind {
	case sigHeartbeatRequest:
		if t.spare.conn.sendHeartbeat() {
			t.count.heartbeats.Add(1)
		}
	case sigReconnect, sigInvalidSession:
		t.replaceSpare()
	}
}

// wantsResumeURL reports whether the base URL stands in for the resume URL, which then
// is dialled now and then.
func (t *connLoop) wantsResumeURL() bool {
	return !t.nextReturn.IsZero() && !t.draining
}

// maintainSpare dials a spare where one is due. It is due to return to the resume URL,
// or in place of one that would soon owe heartbeats of its own.
func (t *connLoop) maintainSpare(now time.Time) {
	switch {
	case t.wantsResumeURL() && !now.Before(t.nextReturn):
		t.nextReturn = now.Add(resumeURLRetry)
		t.dialSpare()
	case t.spareReady && !now.Before(t.spareStaleAt()):
		t.replaceSpare()
	}
}

// spareStaleAt is when a spare that is ready has to be replaced. It sends no heartbeats
// by itself, and the first is due within one interval.
func (t *connLoop) spareStaleAt() time.Time {
	c := t.spare.conn
	return c.helloAt.Add(c.interval - c.interval/4)
}
