package gateway

import (
	"sync/atomic"
	"time"
)

// progress measures for how long a connection has been receiving: the time in which it
// was in the middle of a message and the rest of it came in at minReceiveRate or more.
//
// The goroutine that reads the connection calls received and messageEnded. The other
// methods may be called by any goroutine at any time.
type progress struct {
	opened time.Time
	inside bool          // in the middle of a message
	live   bool          // READY or RESUMED has come; all that comes before counts as one message
	at     time.Duration // when bytes last arrived, after opened

	lastByteAt atomic.Int64 // at, for others
	receiving  atomic.Int64 // the sum
}

// minReceiveRate is how many bytes a second keep the deadlines from running. No bot can
// follow what happens with less, so a trickle below it comes from a broken proxy.
const minReceiveRate = 1000

// maxReceiving is how much of a wait may pass in receiving and not count. It bounds how
// long a peer can keep a connection for which it answers nothing. At 10 kB a second 6 MB
// pass meanwhile, which is more than Discord sends of the largest guilds.
const maxReceiving = 10 * time.Minute

// received records that n bytes have arrived, or with 0 that a message begins with bytes
// that had arrived before.
func (p *progress) received(n int) {
	if n > 0 {
		now := time.Since(p.opened)
		if p.inside {
			p.receiving.Add(int64(min(now-p.at, time.Duration(n)*(time.Second/minReceiveRate))))
		}
		p.at = now
		p.lastByteAt.Store(int64(now))
	}
	p.inside = true
}

// messageEnded records that all bytes of a message have been read.
func (p *progress) messageEnded() { p.inside = !p.live }

// lastByte is when the last byte arrived, by the monotonic clock: a wall clock that is
// set makes no link silent.
func (p *progress) lastByte() time.Time { return p.opened.Add(time.Duration(p.lastByteAt.Load())) }

// total is for how long the connection has been receiving since it was opened.
func (p *progress) total() time.Duration { return time.Duration(p.receiving.Load()) }

// answerWait is a wait for an answer of Discord's. An answer comes behind every message that
// was sent before it, so the time in which a message comes in does not count, up to
// maxReceiving. Deadlines of answers therefore bound what counts, and a large message on
// a thin link is not taken for silence.
type answerWait struct {
	since     time.Time
	receiving time.Duration // progress.total then
}

// excused is how much of the wait does not count.
func (w answerWait) excused(receiving time.Duration) time.Duration {
	return min(receiving-w.receiving, maxReceiving)
}

// counted is how long the wait has been, as far as it counts. receiving is
// progress.total now.
func (w answerWait) counted(now time.Time, receiving time.Duration) time.Duration {
	return now.Sub(w.since) - w.excused(receiving)
}

// until is when the wait has counted to limit, if nothing more is received.
func (w answerWait) until(limit time.Duration, receiving time.Duration) time.Time {
	return w.since.Add(limit + w.excused(receiving))
}
