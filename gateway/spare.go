package gateway

import "time"

// A live connection is replaced by another one: because Discord asks for it,
// because it has gone quiet, or because it is not where the session belongs.
// In each case a spare is dialled first, so that nobody notices.

// resumeURLRetry is how often the session's own host is dialled while the base
// gateway stands in for it. The base gateway cuts off what it has resumed for
// another host after a minute; whoever is home by then does not notice.
const resumeURLRetry = 15 * time.Second

// returnsToResumeURL is the text of the cause when a shard goes back to that host.
const returnsToResumeURL = "the address to resume at can be reached again"

// onReconnectRequested prepares to follow Discord to another host. A live connection goes on
// serving while the new one is dialled, so nobody notices (G-077, G-080).
func (t *connLoop) onReconnectRequested() *Reason {
	if t.liveSince.IsZero() {
		return &Reason{Kind: ReasonReconnect}
	}
	if t.moveBy.IsZero() && !t.draining {
		t.returning = false
		t.moveBy = time.Now().Add(t.opts.Timing.Move)
		t.dialSpare()
		t.set(Moving{}, Reason{Kind: ReasonReconnect})
	}
	return nil
}

// spareDialed is ready when the spare's dial has ended and nobody knows yet.
func (t *connLoop) spareDialed() <-chan struct{} {
	if t.spareReady && t.moveBy.IsZero() {
		return nil
	}
	return t.spareDone()
}

// onSpareDialed is the end of the spare's dial.
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
		t.returning = false
		return nil
	case t.returning:
		return &Reason{Kind: ReasonReconnect, Text: returnsToResumeURL}
	}
	t.spareReady = true // the verdict decides whether it is used
	return nil
}

// spareSignals is what Discord says on a spare that is held.
func (t *connLoop) spareSignals() <-chan signal {
	if !t.spareReady {
		return nil
	}
	return t.spare.conn.signals
}

// handleSpare answers for the spare, which has no owner yet: a heartbeat that is asked
// for is owed there too (G-021), and a connection that Discord wants to be rid of is
// none to fall back on.
func (t *connLoop) handleSpare(sig signal) {
	switch sig.kind {
	case sigHeartbeatRequest:
		if t.spare.conn.sendHeartbeat() {
			t.count.heartbeats.Add(1)
		}
	case sigReconnect, sigInvalidSession:
		t.dropSpare()
		t.spareReady = false
		t.dialSpare()
	}
}

// onBaseURL reports whether the session's own host should be looked for.
func (t *connLoop) onBaseURL() bool {
	return !t.nextReturn.IsZero() && t.moveBy.IsZero() && !t.draining && t.spare == nil
}

// maintainSpare sends for a spare where one is due: to go home (G-010), or because
// the one that is held has stood for so long that it owes heartbeats itself.
func (t *connLoop) maintainSpare(now time.Time) {
	switch {
	case t.onBaseURL() && !now.Before(t.nextReturn):
		t.nextReturn = now.Add(resumeURLRetry)
		t.returning = true
		t.dialSpare()
	case t.spareReady && !now.Before(t.spareStaleAt()):
		t.dropSpare()
		t.spareReady = false
		t.dialSpare()
	}
}

// spareStaleAt is when a held spare has stood for too long: nobody beats its heart.
// Its first heartbeat is due within one interval (G-016).
func (t *connLoop) spareStaleAt() time.Time {
	c := t.spare.conn
	return c.helloAt.Add(c.interval - c.interval/4)
}
