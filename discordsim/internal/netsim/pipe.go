package netsim

import (
	"math/rand/v2"
	"time"
)

// pipe is one direction of a link: the bytes under way, and the time at which
// each of them is delivered to the reader. Bytes never overtake each other, and
// one that was delivered stays delivered. A pipe without latency has no times to
// remember, only bytes.
//
// The link's lock guards all of it.
type pipe struct {
	buf []byte // buf[off:] has not been read
	off int
	// head, delivered and tail count the bytes read, delivered and written so far.
	head, delivered, tail int64
	// marks[first:] say when the bytes beyond delivered are.
	marks []mark
	first int

	closed         bool // no more bytes will be written
	closedAt       time.Time
	closeDelivered bool

	// rate is how many bytes pass a second; 0: any number. Those that have been
	// written have passed at free.
	rate int
	free time.Time

	// A muted pipe loses what is written to it; lost counts that.
	muted bool
	lost  int64

	// busy is true while a writer is in the middle of its bytes.
	busy    bool
	readBy  time.Time
	writeBy time.Time

	readable, writable cond
	rng                rand.PCG
}

// mark says that the bytes up to end are delivered at due.
type mark struct {
	end int64
	due time.Time
}

// keptBuffer is the largest buffer an empty pipe keeps, in bytes: ten thousand
// quiet links then cost little.
const keptBuffer = 4 << 10

// segment is the most that passes at once on a pipe with a rate: what an Ethernet frame
// carries of a TCP connection. Where that takes longer than segmentTime, less passes at
// once.
const (
	segment     = 1460
	segmentTime = 250 * time.Millisecond
)

// write takes bytes that are delivered at due, or as soon as those before them;
// atOnce says that due is now. On a pipe with a rate they need their time besides.
func (p *pipe) write(b []byte, due time.Time, atOnce bool) {
	if p.rate <= 0 {
		p.add(b, due, atOnce)
		return
	}
	most := max(1, min(segment, p.rate*int(segmentTime/time.Millisecond)/1000))
	for len(b) > 0 {
		part := b[:min(len(b), most)]
		if p.free.Before(due) {
			p.free = due
		}
		p.free = p.free.Add(time.Duration(len(part)) * time.Second / time.Duration(p.rate))
		p.add(part, p.free, false)
		b = b[len(part):]
	}
}

// add takes bytes that are delivered at due, or as soon as those before them.
func (p *pipe) add(b []byte, due time.Time, atOnce bool) {
	if len(p.buf)+len(b) > cap(p.buf) && p.off > len(p.buf)/2 {
		p.buf = p.buf[:copy(p.buf, p.buf[p.off:])]
		p.off = 0
	}
	p.buf = append(p.buf, b...)
	p.tail += int64(len(b))
	pending := len(p.marks) > p.first
	switch {
	case atOnce && !pending:
		p.delivered = p.tail
		return
	case pending && !due.After(p.marks[len(p.marks)-1].due):
		p.marks[len(p.marks)-1].end = p.tail
		return
	case len(p.marks) == cap(p.marks) && p.first > len(p.marks)/2:
		p.marks = p.marks[:copy(p.marks, p.marks[p.first:])]
		p.first = 0
	}
	p.marks = append(p.marks, mark{p.tail, due})
}

// deliver notes what has arrived by now.
func (p *pipe) deliver(now time.Time) {
	for p.first < len(p.marks) && !p.marks[p.first].due.After(now) {
		p.delivered = p.marks[p.first].end
		p.first++
	}
	if p.first < len(p.marks) {
		return
	}
	p.marks, p.first = p.marks[:0], 0
	p.closeDelivered = p.closeDelivered || p.closed && !p.muted && !p.closedAt.After(now)
}

// next is when something is delivered next; zero if nothing is under way.
func (p *pipe) next() time.Time {
	switch {
	case p.first < len(p.marks):
		return p.marks[p.first].due
	case p.closed && !p.closeDelivered && !p.muted:
		return p.closedAt
	}
	return time.Time{}
}

// ready is how many bytes can be read.
func (p *pipe) ready() int { return int(p.delivered - p.head) }

// read copies delivered bytes out.
func (p *pipe) read(b []byte) int {
	got := copy(b, p.buf[p.off:p.off+p.ready()])
	p.off += got
	p.head += int64(got)
	if p.off == len(p.buf) {
		p.reset(p.buf)
	}
	return got
}

// readAll gives all delivered bytes away. The pipe goes on with the spare buffer
// where it can, so that nothing is copied.
func (p *pipe) readAll(spare []byte) []byte {
	if p.delivered < p.tail {
		spare = append(spare[:0], p.buf[p.off:p.off+p.ready()]...)
		p.off += len(spare)
		p.head += int64(len(spare))
		return spare
	}
	out := p.buf[p.off:]
	p.head = p.tail
	p.reset(spare)
	return out
}

// reset empties the pipe and goes on with a buffer, unless that is large.
func (p *pipe) reset(buf []byte) {
	p.buf, p.off = buf[:0], 0
	if cap(buf) > keptBuffer {
		p.buf = nil
	}
}

// clear drops what is under way.
func (p *pipe) clear() {
	p.buf, p.off, p.marks, p.first = nil, 0, nil, 0
	p.head, p.delivered = p.tail, p.tail
}

// draw says how long the next bytes take.
func (p *pipe) draw(l Latency) time.Duration {
	if l.Jitter <= 0 {
		return max(0, l.Min)
	}
	return max(0, l.Min+time.Duration(float64(p.rng.Uint64()>>11)/(1<<53)*float64(l.Jitter)))
}
