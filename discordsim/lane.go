package discordsim

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// pipe is at heart one direction of a link: a row of bytes under way, and the
// moment each of them lands at the reader. Bytes never overtake each other, and
// one that has landed stays landed. A lane without delay has no moments to
// remember, only bytes.
//
// Everything here is guarded by the link's mutex.
type pipe struct {
	buf []byte // buf[off:] has not been read
	off int
	// head, landed and tail count the bytes read, landed and written so far.
	head, landed, tail int64
	// marks[first:] say when the bytes beyond landed do land.
	marks []mark
	first int

	closed      bool // no more bytes will be written
	closedAt    time.Time
	closeLanded bool

	// muted lanes lose what is written to them; lost counts that.
	muted bool
	lost  int64

	// busy is true while a writer is in the middle of its bytes.
	busy    bool
	readBy  time.Time
	writeBy time.Time

	readable, writable cond
	chance             rand.PCG
}

// mark says that the bytes up to end land at due.
type mark struct {
	end int64
	due time.Time
}

// keptBuffer is the largest buffer an empty lane keeps, in bytes: most traffic
// of an idle shard fits, and ten thousand quiet links cost little.
const keptBuffer = 4 << 10

// write takes bytes that land at due, or as soon as those before them.
func (n *pipe) write(p []byte, due time.Time, atOnce bool) {
	if len(n.buf)+len(p) > cap(n.buf) && n.off > len(n.buf)/2 {
		n.buf = n.buf[:copy(n.buf, n.buf[n.off:])]
		n.off = 0
	}
	n.buf = append(n.buf, p...)
	n.tail += int64(len(p))
	pending := len(n.marks) > n.first
	switch {
	case atOnce && !pending:
		n.landed = n.tail
		return
	case pending && !due.After(n.marks[len(n.marks)-1].due):
		n.marks[len(n.marks)-1].end = n.tail
		return
	case len(n.marks) == cap(n.marks) && n.first > len(n.marks)/2:
		n.marks = n.marks[:copy(n.marks, n.marks[n.first:])]
		n.first = 0
	}
	n.marks = append(n.marks, mark{n.tail, due})
}

// advance notes what has landed by now.
func (n *pipe) advance(now time.Time) {
	for n.first < len(n.marks) && !n.marks[n.first].due.After(now) {
		n.landed = n.marks[n.first].end
		n.first++
	}
	if n.first < len(n.marks) {
		return
	}
	n.marks, n.first = n.marks[:0], 0
	n.closeLanded = n.closeLanded || n.closed && !n.muted && !n.closedAt.After(now)
}

// next is when something lands next; zero if nothing is under way.
func (n *pipe) next() time.Time {
	switch {
	case n.first < len(n.marks):
		return n.marks[n.first].due
	case n.closed && !n.closeLanded && !n.muted:
		return n.closedAt
	}
	return time.Time{}
}

// ready is how many bytes can be read.
func (n *pipe) ready() int { return int(n.landed - n.head) }

// read copies landed bytes out.
func (n *pipe) read(p []byte) int {
	got := copy(p, n.buf[n.off:n.off+n.ready()])
	n.off += got
	n.head += int64(got)
	if n.off == len(n.buf) {
		n.reset(n.buf)
	}
	return got
}

// readAll gives all landed bytes away. The lane goes on with the spare buffer
// where it can, so that taking does not copy.
func (n *pipe) readAll(spare []byte) []byte {
	if n.landed < n.tail {
		spare = append(spare[:0], n.buf[n.off:n.off+n.ready()]...)
		n.off += len(spare)
		n.head += int64(len(spare))
		return spare
	}
	out := n.buf[n.off:]
	n.head = n.tail
	n.reset(spare)
	return out
}

// reset empties the lane into a buffer, unless that is large.
func (n *pipe) reset(buf []byte) {
	n.buf, n.off = buf[:0], 0
	if cap(buf) > keptBuffer {
		n.buf = nil
	}
}

// clear forgets what is under way.
func (n *pipe) clear() {
	n.buf, n.off, n.marks, n.first = nil, 0, nil, 0
	n.head, n.landed = n.tail, n.tail
}

// draw picks how long the next bytes take.
func (n *pipe) draw(w latencyRange) time.Duration {
	if w.span <= 0 {
		return max(0, w.low)
	}
	return max(0, w.low+time.Duration(float64(n.chance.Uint64()>>11)/(1<<53)*float64(w.span)))
}

// cond is at heart those who wait for something, each until some time. Whoever
// makes it true wakes them; whoever knows when it will be true sets their alarm,
// which is cheaper than to wake them for setting it themselves.
type cond struct {
	lock    *sync.Mutex // held by all who call
	waiters []*waiter
	spare   *waiter // for the next who waits
}

// waiter is one who waits.
type waiter struct {
	signal chan struct{} // one slot
	timer  *time.Timer   // nil as long as there was no limit
	until  time.Time     // zero: no limit
}

// wait sleeps until wake or the given time; zero means no limit. Whoever
// returns checks again what it waited for.
func (s *cond) wait(until time.Time) {
	n := s.spare
	if s.spare = nil; n == nil {
		n = &waiter{signal: make(chan struct{}, 1)}
	}
	n.setTimer(until)
	s.waiters = append(s.waiters, n)
	s.lock.Unlock()
	var over <-chan time.Time
	if n.timer != nil {
		over = n.timer.C
	}
	select {
	case <-n.signal:
	case <-over:
	}
	s.lock.Lock()
	s.waiters = slices.DeleteFunc(s.waiters, func(other *waiter) bool { return other == n })
	if n.timer != nil {
		n.timer.Stop()
	}
	select {
	case <-n.signal: // for what has been slept through
	default:
	}
	s.spare = n
}

// wake lets all who wait look again.
func (s *cond) wake() {
	for _, n := range s.waiters {
		n.notify()
	}
}

// wakeAt lets all who wait look again at a time, if not before.
func (s *cond) wakeAt(at time.Time) {
	for _, n := range s.waiters {
		switch {
		case n.timer == nil:
			n.notify()
		case n.until.IsZero() || at.Before(n.until):
			n.setTimer(at)
		}
	}
}

func (n *waiter) setTimer(until time.Time) {
	switch n.until = until; {
	case until.IsZero():
	case n.timer == nil:
		n.timer = time.NewTimer(time.Until(until))
	default:
		n.timer.Reset(time.Until(until))
	}
}

func (n *waiter) notify() {
	select {
	case n.signal <- struct{}{}:
	default:
	}
}

// earliest is the earlier of two times of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
