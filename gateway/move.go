package gateway

import "time"

// A live connection is replaced by another one: because Discord asks for it,
// because it has gone quiet, or because it is not where the session belongs.
// In each case a spare is dialled first, so that nobody notices.

// homeEvery is how often the session's own host is dialled while the base
// gateway stands in for it. The base gateway cuts off what it has resumed for
// another host after a minute; whoever is home by then does not notice.
const homeEvery = 15 * time.Second

// movesHome is the text of the cause when a shard goes back to that host.
const movesHome = "the address to resume at can be reached again"

// move prepares to follow Discord to another host. A live connection goes on
// serving while the new one is dialled, so nobody notices (G-077, G-080).
func (t *attendance) move() *Reason {
	if t.liveSince.IsZero() {
		return &Reason{Kind: ReasonReconnect}
	}
	if t.moveBy.IsZero() && !t.draining {
		t.homing = false
		t.moveBy = time.Now().Add(t.opts.Timing.Move)
		t.prepareSpare()
		t.set(Moving{}, Reason{Kind: ReasonReconnect})
	}
	return nil
}

// spareSignal is ready when the spare's dial has ended and nobody knows yet.
func (t *attendance) spareSignal() <-chan struct{} {
	if t.spareHeld && t.moveBy.IsZero() {
		return nil
	}
	return t.spareReady()
}

// spareArrived is the end of the spare's dial.
func (t *attendance) spareArrived() *Reason {
	switch {
	case !t.moveBy.IsZero():
		select {
		case <-t.c.dead:
			return t.lastWords() // it may have ended for a better reason
		default:
		}
		return &Reason{Kind: ReasonReconnect}
	case t.spare.failed != nil:
		t.dismissSpare()
		t.homing = false
		return nil
	case t.homing:
		return &Reason{Kind: ReasonReconnect, Text: movesHome}
	}
	t.spareHeld = true // the verdict decides whether it is used
	return nil
}

// spareSays is what Discord says on a spare that is held.
func (t *attendance) spareSays() <-chan signal {
	if !t.spareHeld {
		return nil
	}
	return t.spare.conn.signals
}

// heedSpare answers for the spare, which has no owner yet: a heartbeat that is asked
// for is owed there too (G-021), and a connection that Discord wants to be rid of is
// none to fall back on.
func (t *attendance) heedSpare(sig signal) {
	switch sig.kind {
	case sigBeat:
		if t.spare.conn.beat() {
			t.count.heartbeats.Add(1)
		}
	case sigReconnect, sigInvalid:
		t.dismissSpare()
		t.spareHeld = false
		t.prepareSpare()
	}
}

// awayFromHome reports whether the session's own host should be looked for.
func (t *attendance) awayFromHome() bool {
	return !t.home.IsZero() && t.moveBy.IsZero() && !t.draining && t.spare == nil
}

// lookAround sends for a spare where one is due: to go home (G-010), or because
// the one that is held has stood for so long that it owes heartbeats itself.
func (t *attendance) lookAround(now time.Time) {
	switch {
	case t.awayFromHome() && !now.Before(t.home):
		t.home = now.Add(homeEvery)
		t.homing = true
		t.prepareSpare()
	case t.spareHeld && !now.Before(t.staleAt()):
		t.dismissSpare()
		t.spareHeld = false
		t.prepareSpare()
	}
}

// staleAt is when a held spare has stood for too long: nobody beats its heart.
// Its first heartbeat is due within one interval (G-016).
func (t *attendance) staleAt() time.Time {
	c := t.spare.conn
	return c.greeted.Add(c.interval - c.interval/4)
}
