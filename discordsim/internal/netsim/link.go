// Package netsim simulates TCP connections: two ends joined by links with
// latency, jitter, a rate and a window, which can freeze, stall, lose bytes or be reset
// while they are in use. It works in real and in virtual time, and knows nothing
// of what is said over a link.
//
// A link starts no goroutine: bytes are delivered by the calls of Read and Write
// at its two ends. Only Relay runs one, and waits for it.
package netsim

import (
	"net"
	"sync"
	"time"
)

// Latency is how long bytes take one way: Min, and at random up to Jitter more.
// Either may be negative where a fault makes it so; no byte arrives before it was
// sent.
type Latency struct{ Min, Jitter time.Duration }

// Options says what New makes.
type Options struct {
	// Seed and ID decide the jitter: the same two, the same delays.
	Seed uint64
	ID   int64
	// Window is how many bytes may be under way in one direction before its
	// writer has to wait. Default: any number.
	Window  int
	Latency Latency
	// Server and Client are the addresses of the two ends.
	Server, Client net.Addr
	// OnClose, if set, is called when nothing can happen on the link any more,
	// at least once. OnCut is called once when the link is reset, after OnClose.
	// Both are called without the link's lock and must not wait.
	OnClose, OnCut func()
}

// Link is one simulated TCP connection: a pipe in each direction between a
// server's and a client's end, and what the network does to both.
//
// All methods but Relay return at once and may be called at the same time as
// each other and as those of the ends.
type Link struct {
	Options
	server, client Conn

	mu      sync.Mutex
	up      pipe // from the client to the server
	down    pipe // from the server to the client
	latency Latency
	frozen  bool
	stalled time.Time // nothing is delivered before
	broken  bool      // reset both ways
}

// New makes a link whose ends are open.
func New(o Options) *Link {
	l := &Link{Options: o, latency: o.Latency}
	l.server = Conn{link: l, in: &l.up, out: &l.down, peer: &l.client, local: o.Server, remote: o.Client}
	l.client = Conn{link: l, in: &l.down, out: &l.up, peer: &l.server, local: o.Client, remote: o.Server}
	for i, p := range []*pipe{&l.up, &l.down} {
		p.readable.lock, p.writable.lock = &l.mu, &l.mu
		p.rng.Seed(o.Seed, uint64(o.ID)<<1|uint64(i))
	}
	return l
}

// ServerConn is the server's end.
func (l *Link) ServerConn() *Conn { return &l.server }

// ClientConn is the client's end.
func (l *Link) ClientConn() *Conn { return &l.client }

// Cut resets the link: what is under way is lost and both ends fail with
// "connection reset by peer" from now on.
func (l *Link) Cut() {
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
	l.closed()
	if l.OnCut != nil {
		l.OnCut()
	}
}

func (l *Link) closed() {
	if l.OnClose != nil {
		l.OnClose()
	}
}

// Finish closes the server's end: the client reads what had been written and
// then the end of the stream. A frozen link thaws.
func (l *Link) Finish() {
	l.Thaw()
	_ = l.server.Close()
}

// Freeze makes the link half-open: nothing is delivered any more either way and
// neither end learns of it. Writers fill the window and then block.
func (l *Link) Freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliverBoth(time.Now())
	l.frozen = true
}

// Thaw delivers everything that was held, in order.
func (l *Link) Thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = false
	l.wake()
}

// Mute loses what the server writes from now on, its end of stream too, or stops
// doing so; what the client writes still arrives. What was lost stays lost.
func (l *Link) Mute(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliver(&l.down, time.Now())
	l.down.muted = on
	l.wake()
}

// MutedBytes is how many bytes Mute has cost the client so far.
func (l *Link) MutedBytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down.lost
}

// Stall delivers nothing for a while, and then everything in order.
func (l *Link) Stall(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.deliverBoth(now)
	if until := now.Add(d); until.After(l.stalled) {
		l.stalled = until
	}
	l.wake()
}

// ClientUnreachable reports whether nothing can reach the client at the moment.
func (l *Link) ClientUnreachable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frozen || l.down.muted
}

// ClientClosed reports whether the client has closed its end and the server's
// end has been told.
func (l *Link) ClientClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliver(&l.up, time.Now())
	return l.up.closeDelivered
}

// RoundTrip draws how long a packet takes there and another one back.
func (l *Link) RoundTrip() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up.draw(l.latency) + l.down.draw(l.latency)
}

// SetLatency changes how long bytes written from now on take.
func (l *Link) SetLatency(latency Latency) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latency = latency
}

// SetRates changes how many bytes a second pass to the server and to the client, of
// those written from now on; 0: any number.
func (l *Link) SetRates(up, down int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up.rate, l.down.rate = up, down
}

// isHeld reports whether nothing is delivered at the moment. The caller holds
// the link's lock, as it does for what follows.
func (l *Link) isHeld(now time.Time) bool { return l.frozen || now.Before(l.stalled) }

// deliver brings a pipe up to date, unless the link is held.
func (l *Link) deliver(p *pipe, now time.Time) {
	if !l.isHeld(now) {
		p.deliver(now)
	}
}

func (l *Link) deliverBoth(now time.Time) {
	l.deliver(&l.up, now)
	l.deliver(&l.down, now)
}

// nextDelivery is when a pipe delivers something next; zero if nothing does by
// itself.
func (l *Link) nextDelivery(p *pipe, now time.Time) time.Time {
	switch {
	case l.frozen:
		return time.Time{}
	case now.Before(l.stalled):
		return l.stalled
	}
	return p.next()
}

// wake lets all readers and writers check again.
func (l *Link) wake() {
	for _, p := range []*pipe{&l.up, &l.down} {
		p.readable.wake()
		p.writable.wake()
	}
}
