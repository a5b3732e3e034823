package line

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Progress is how far the client has got with a line's dispatches. Numbers are those of the
// session that goes on at the moment; they begin at 0 again after INVALID SESSION.
type Progress struct {
	// Written is the sequence number up to which dispatches were handed to the socket.
	Written int64
	// Confirmed is the one up to which the client has shown that it has read them.
	Confirmed int64
	// UnconfirmedBytes and UnconfirmedCount are the payloads that Dispatch has taken and the
	// client has not confirmed; bytes are counted before compression.
	UnconfirmedBytes int64
	UnconfirmedCount int
	// Stalled is since when a ping is unanswered or a write is stuck, once that is 2 s ago.
	// Zero: neither. It says nothing once the line has ended.
	Stalled time.Time
	// Pongs is false for a client that beats and has never answered a ping. Only its
	// heartbeats confirm, and it stalls only when it reads nothing.
	Pongs bool
	// LastConfirmed is when Confirmed last rose; zero: never.
	LastConfirmed time.Time
}

// flow decides when to ping and knows what was confirmed. It is arithmetic on times and
// sequence numbers: the line tells it what happened and asks it what to do.
type flow struct {
	pingDelay, stallAfter time.Duration

	unconfirmed []dispatched // oldest first
	bytes       int64        // of unconfirmed
	accepted    int64        // the last number of a dispatch; it may wait for the writer yet
	handed      int64        // the last number the writer has taken
	taken       int64        // the same, of the write that is under way
	written     int64        // the last number of a write that has ended
	confirmed   int64
	history     history

	pinged   int64     // a ping has followed all numbers up to this
	askFrom  time.Time // when the first dispatch was written that no ping has followed; zero: none
	askNow   bool      // a ping was asked for
	ping     ping      // the unanswered one
	pings    int64     // how many there were
	ponged   bool      // the client has answered one
	pongless bool
	fresh    bool // no pong has come since INVALID SESSION

	writing time.Time // since when a write makes no progress; zero: no write
}

// dispatched is a dispatch that is not confirmed.
type dispatched struct {
	seq  int64
	size int
}

// ping is a ping that is not answered. Number 0 means that there is none.
type ping struct {
	number int64
	seq    int64 // it follows all dispatches up to this one; 0: those of a session that is gone
	handed bool
	sent   time.Time // when its write ended
}

// accept records a dispatch of size bytes that will be written. Numbers must rise.
func (f *flow) accept(seq int64, size int) error {
	if seq <= f.accepted {
		return fmt.Errorf("dispatch %d after %d: sequence numbers must rise", seq, f.accepted)
	}
	f.accepted = seq
	f.unconfirmed = append(f.unconfirmed, dispatched{seq, size})
	f.bytes += int64(size)
	return nil
}

// take records that the writer has taken all that waits, and writes it.
func (f *flow) take(now time.Time) {
	f.handed, f.taken = f.accepted, f.accepted
	if f.ping.number != 0 {
		f.ping.handed = true
	}
	f.writing = now
}

// progressed records that a part of what the writer has taken is written.
func (f *flow) progressed(now time.Time) { f.writing = now }

// wrote records that all of it is.
func (f *flow) wrote(now time.Time) {
	f.writing = time.Time{}
	f.written = max(f.written, f.taken)
	if f.ping.handed && f.ping.sent.IsZero() {
		f.ping.sent = now
	}
	if f.written > f.pinged && f.askFrom.IsZero() {
		f.askFrom = now
	}
}

// request asks for a ping without delay.
func (f *flow) request() { f.askNow = f.askNow || f.accepted > f.pinged }

// pingDue reports whether a ping has to be sent. One at a time is unanswered.
func (f *flow) pingDue(now time.Time) bool {
	at := f.nextPing()
	return !at.IsZero() && !now.Before(at)
}

// nextPing is when the next ping is due, at the earliest; zero: not before something
// happens.
func (f *flow) nextPing() time.Time {
	switch {
	case f.ping.number != 0:
		return time.Time{}
	case f.askNow:
		return time.Unix(0, 0)
	case !f.askFrom.IsZero():
		return f.askFrom.Add(f.pingDelay)
	}
	return time.Time{}
}

// sendPing returns the payload of a ping that follows all dispatches accepted so far.
func (f *flow) sendPing() []byte {
	f.pings++
	f.ping = ping{number: f.pings, seq: f.accepted}
	f.pinged, f.askFrom, f.askNow = f.accepted, time.Time{}, false
	return strconv.AppendInt(nil, f.pings, 10)
}

// pong records a pong. One that answers no ping changes nothing.
func (f *flow) pong(payload []byte, now time.Time) {
	if !f.ping.handed || string(payload) != strconv.FormatInt(f.ping.number, 10) {
		return
	}
	seq := f.ping.seq
	f.ping, f.ponged, f.pongless = ping{}, true, false
	if seq > 0 {
		f.fresh = false
		f.confirm(seq, now)
	}
}

// heartbeat records a heartbeat with the number that the client says it has read. A number
// that was not written, 0 among them, confirms nothing.
func (f *flow) heartbeat(seq int64, now time.Time) {
	if !f.ponged && !f.ping.sent.IsZero() && now.Sub(f.ping.sent) >= noPongAfter {
		f.pongless = true
	}
	if f.fresh && !f.pongless {
		return // it may be a number of the session that is gone
	}
	if seq <= f.handed {
		f.confirm(seq, now)
	}
}

// confirm removes what is confirmed by a number.
func (f *flow) confirm(seq int64, now time.Time) {
	n := 0
	for ; n < len(f.unconfirmed) && f.unconfirmed[n].seq <= seq; n++ {
		f.bytes -= int64(f.unconfirmed[n].size)
	}
	if n == 0 {
		return
	}
	f.confirmed = f.unconfirmed[n-1].seq
	f.written = max(f.written, f.confirmed) // the client was faster than the end of the write
	f.history.add(f.confirmed, now)
	if n < len(f.unconfirmed) {
		f.unconfirmed = slices.Delete(f.unconfirmed, 0, n)
		return
	}
	const keep = 1024
	if f.unconfirmed = f.unconfirmed[:0]; cap(f.unconfirmed) > keep {
		f.unconfirmed = nil
	}
}

// reset forgets the session: numbers begin anew.
func (f *flow) reset() {
	f.unconfirmed, f.bytes = nil, 0
	f.accepted, f.handed, f.taken, f.written, f.confirmed, f.pinged = 0, 0, 0, 0, 0, 0
	f.history = history{}
	f.askFrom, f.askNow = time.Time{}, false
	f.ping.seq = 0
	f.fresh = true
}

// stalled is since when the client owes an answer or takes no bytes, if that is stallAfter
// ago; otherwise zero.
func (f *flow) stalled(now time.Time) time.Time {
	since := f.waiting()
	if since.IsZero() || now.Sub(since) < f.stallAfter {
		return time.Time{}
	}
	return since
}

// waiting is since when the client owes an answer or takes no bytes.
func (f *flow) waiting() time.Time {
	owed := f.ping.sent
	if f.pongless || f.ping.seq <= f.confirmed {
		owed = time.Time{}
	}
	return earliest(owed, f.writing)
}

// next is when the next decision is due, after now or overdue; zero: not before something
// happens.
func (f *flow) next(now time.Time) time.Time {
	at := f.nextPing()
	if since := f.waiting(); !since.IsZero() {
		if stalls := since.Add(f.stallAfter); stalls.After(now) {
			at = earliest(at, stalls)
		}
	}
	return at
}

// progress is what the line's user may know.
func (f *flow) progress(now time.Time) Progress {
	return Progress{
		Written: f.written, Confirmed: f.confirmed,
		UnconfirmedBytes: f.bytes, UnconfirmedCount: len(f.unconfirmed),
		Stalled: f.stalled(now), Pongs: !f.pongless, LastConfirmed: f.history.last(),
	}
}

// earliest returns the earlier of two times of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
