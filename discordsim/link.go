package discordsim

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is at heart one TCP connection as the simulated network carries it: two
// lanes between two ends, and what the network does to them. In memory the
// client holds the other end; on a port a relay does, between it and the real
// connection.
//
// The controls cut, finish, freeze, thaw, mute and stall are called with the
// simulator's lock held and return at once. The link's own mutex ranks below
// that lock: nothing here calls into the simulator while holding it.
type link struct {
	id int64
	// remote is the client's address with its port.
	remote string
	// listener is the port the client came in by; nil in memory.
	listener *Listener

	// host is what the client wanted to reach: hostAPI, hostGateway or
	// hostResume. On a port, where one address serves the first two, it becomes
	// hostGateway with the upgrade. reached is the Host header of the upgrade,
	// upgraded whether there was one. The simulator's lock guards them.
	host     string
	reached  string
	upgraded bool

	net            *network
	window         int
	server, client linkConn
	resetWire      func()      // resets the real connection; nil in memory
	hijacked       atomic.Bool // the connection left the HTTP server
	served         sync.Once   // the server's goroutine is done with the link

	mu      sync.Mutex
	up      pipe // from the client to the server
	down    pipe // from the server to the client
	weather latencyRange
	frozen  bool
	stalled time.Time // until then nothing lands
	broken  bool      // reset both ways
}

// latencyRange is how long bytes take one way: low, and up to span more.
type latencyRange struct{ low, span time.Duration }

// newLink makes a link between two addresses that nothing knows of yet.
func newLink(n *network, id int64, host string, server, client net.Addr, w latencyRange) *link {
	l := &link{id: id, remote: client.String(), host: host, net: n, window: n.sim.cfg.LinkWindow, weather: w}
	l.server = linkConn{link: l, in: &l.up, out: &l.down, peer: &l.client, local: server, remote: client}
	l.client = linkConn{link: l, in: &l.down, out: &l.up, peer: &l.server, local: client, remote: server}
	for i, a := range []*pipe{&l.up, &l.down} {
		a.readable.lock, a.writable.lock = &l.mu, &l.mu
		a.chance.Seed(n.sim.cfg.Seed, uint64(id)<<1|uint64(i))
	}
	return l
}

// cut resets the link: what is under way is lost and both ends get "connection
// reset by peer" from now on.
func (l *link) cut() {
	l.mu.Lock()
	if l.broken {
		l.mu.Unlock()
		return
	}
	l.broken = true
	l.up.clear()
	l.down.clear()
	l.wake()
	l.mu.Unlock()
	l.net.forget(l)
	if l.resetWire != nil {
		l.resetWire()
	}
}

// finish closes the server's end: the client reads what had been written and
// then the end of the stream, without a close frame. A frozen link thaws.
func (l *link) finish() {
	l.thaw()
	_ = l.server.Close()
}

// freeze makes the link half-open (S-039): nothing lands any more either way
// and neither end learns of it. Writers fill the window and then block.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.land(&l.up, now)
	l.land(&l.down, now)
	l.frozen = true
}

// thaw lets everything that was held land, in order.
func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = false
	l.wake()
}

// mute swallows what the server writes from now on, its end of stream too; what
// the client writes still lands. What was swallowed is lost for good.
func (l *link) mute(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.land(&l.down, time.Now())
	l.down.muted = on
	l.wake()
}

// mutedBytes is how many bytes a mute has cost the client so far.
func (l *link) mutedBytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down.lost
}

// stall lets nothing land for a while, and then everything in order.
func (l *link) stall(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.land(&l.up, now)
	l.land(&l.down, now)
	if until := now.Add(d); until.After(l.stalled) {
		l.stalled = until
	}
	l.wake()
}

// clientUnreachable reports whether nothing can reach the client at the moment.
func (l *link) clientUnreachable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frozen || l.down.muted
}

// clientClosed reports whether the client has closed its end and the server's end
// has been told.
func (l *link) clientClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.land(&l.up, time.Now())
	return l.up.closeLanded
}

// roundTrip picks how long a packet takes there and another one back.
func (l *link) roundTrip() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up.draw(l.weather) + l.down.draw(l.weather)
}

// setLatency changes how long bytes written from now on take.
func (l *link) setLatency(w latencyRange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.weather = w
}

// held reports whether nothing lands at the moment. It wants the link's mutex,
// as the rest below does.
func (l *link) held(now time.Time) bool { return l.frozen || now.Before(l.stalled) }

// land notes what has landed in a lane by now.
func (l *link) land(a *pipe, now time.Time) {
	if !l.held(now) {
		a.advance(now)
	}
}

// nextLanding is when something in a lane lands next; zero if nothing does by
// itself.
func (l *link) nextLanding(a *pipe, now time.Time) time.Time {
	switch {
	case l.frozen:
		return time.Time{}
	case now.Before(l.stalled):
		return l.stalled
	}
	return a.next()
}

// wake lets all who wait look again.
func (l *link) wake() {
	for _, a := range []*pipe{&l.up, &l.down} {
		a.readable.wake()
		a.writable.wake()
	}
}
