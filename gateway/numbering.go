package gateway

import "evergreen/internal/bounds"

// numbering follows the sequence numbers of one session and decides which dispatches
// are new. The numbers begin where the server begins: with READY on Discord, behind it
// or at 0 elsewhere. It is arithmetic: sequence tells it each number and does what it
// returns.
type numbering struct {
	accepted int64  // highest number that was taken in; 0: none
	from     int64  // what accepted was when the last RESUME was sent
	window   uint64 // which of the 64 numbers up to accepted were, newest in bit 0
	stray    int64  // the last number, if it was far ahead of accepted; else 0
	isNew    bool   // the next dispatch is new, whatever its number: the replay is over
}

// place is what a sequence number says of a dispatch.
type place int

const (
	placeNew    place = iota // not taken in before: ahead, or late
	placeAgain               // taken in before
	placeBeside              // new, without a number that means anything
	placeAnew                // new, and the server counts from here
)

// newNumbering begins behind a number up to which all has been handled.
func newNumbering(handled int64) numbering {
	return numbering{accepted: handled, from: handled, window: ^uint64(0)}
}

// readyNumbering begins with the number of READY. It is not taken: where a server does
// not count READY, the first event has the same number.
func readyNumbering(ready int64) numbering { return numbering{accepted: ready} }

// place judges the number of a dispatch that is neither READY nor RESUMED.
func (n *numbering) place(seq int64, replaying bool) place {
	isNew, stray := n.isNew && !replaying, n.stray
	if seq <= 0 {
		return placeBeside
	}
	n.isNew, n.stray = false, 0
	behind := n.accepted - seq
	switch {
	case n.isTaken(seq) && isNew:
		return placeAnew
	case n.isTaken(seq):
		return placeAgain
	case behind < 64 && (n.accepted == 0 || -behind <= bounds.SequenceStep):
		return placeNew
	case isNew, stray > 0 && seq > stray && seq-stray < 64:
		return placeAnew
	case behind >= 64:
		return placeAgain // too old to know, and a command answered twice is the worse
	}
	n.stray = seq
	return placeBeside
}

// placeResumed judges the number of RESUMED, which ends a replay. A number that lies
// before what was resumed from means that the server counts anew on this connection.
func (n *numbering) placeResumed(seq int64) place {
	switch {
	case seq <= 0:
		n.isNew = true
		return placeBeside
	case seq == n.accepted:
		return placeAgain
	case seq <= n.from:
		return placeAnew
	}
	return n.place(seq, false)
}

// isTaken reports whether one of the last 64 numbers has been taken in. A shift by 64 or
// more leaves no bit, here and in advance. So nothing further behind is remembered, and a
// number that is ahead, whose age is a very large uint64, is not taken.
func (n *numbering) isTaken(seq int64) bool {
	return n.window&(1<<uint64(n.accepted-seq)) != 0
}

// advance records a number as taken in. 0, for a dispatch without a number, changes
// nothing that place returns.
func (n *numbering) advance(seq int64) {
	step := max(0, seq-n.accepted)
	n.window <<= uint64(step)
	n.accepted += step
	n.window |= 1 << uint64(n.accepted-seq)
}
