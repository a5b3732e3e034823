package sidecar

// numbering ties the sequence numbers of one downstream session to positions in the
// backlog. Numbers begin at 1 and have no gaps. For each number it knows the cursor that
// its confirmation gives: the position of the first event that comes after it.
type numbering struct {
	last     int64   // the last number given; 0: none yet
	cursors  []int64 // of the numbers last-len+1 to last
	snapshot int64   // the last number of READY and the guilds that followed it
	// restored: an earlier process may have given numbers that were not kept.
	restored bool
}

// maxLost is how many numbers an earlier process may have given and not kept.
const maxLost = 1 << 20

// give returns the next number, whose confirmation moves the cursor to a position.
func (n *numbering) give(cursor int64) int64 {
	n.last++
	n.cursors = append(n.cursors, cursor)
	return n.last
}

// endSnapshot says that READY and all guilds have their numbers.
func (n *numbering) endSnapshot() { n.snapshot = n.last }

// cursor returns the position that the confirmation of a number gives. It knows no
// number that was never given, or that [numbering.forget] has forgotten.
func (n *numbering) cursor(seq int64) (int64, bool) {
	i := seq - (n.last - int64(len(n.cursors))) - 1
	if i < 0 || i >= int64(len(n.cursors)) {
		return 0, false
	}
	return n.cursors[i], true
}

// advance says that everything between the last number and a position was for others.
func (n *numbering) advance(cursor int64) {
	if last := len(n.cursors) - 1; last >= 0 {
		n.cursors[last] = max(n.cursors[last], cursor)
	}
}

// rewind prepares a RESUME after a number: what was given later is given again, from the
// position it returns. It fails for a number it does not know, and for one within the
// snapshot, which cannot be repeated. In a session of an earlier process a number that is
// too high, by no more than maxLost, goes on after the last one that was kept.
func (n *numbering) rewind(seq int64) (from int64, ok bool) {
	if n.snapshot == 0 || seq < n.snapshot {
		return 0, false
	}
	if n.restored && seq > n.last && seq-n.last <= maxLost { // what the lost numbers stood for is given again
		from, ok = n.cursor(n.last)
		n.last, n.cursors = seq, []int64{from}
		return from, ok
	}
	from, ok = n.cursor(seq)
	if ok {
		n.cursors = n.cursors[:int64(len(n.cursors))-(n.last-seq)]
		n.last = seq
	}
	return from, ok
}

// forget drops the numbers whose cursor lies below a position. The last one stays.
func (n *numbering) forget(below int64) {
	drop := 0
	for drop < len(n.cursors)-1 && n.cursors[drop] < below {
		drop++
	}
	n.cursors = n.cursors[drop:]
}
