package line

import "time"

// maxACKs is how many ACKs wait at most. A client sends one heartbeat in 41 s; one that sends
// faster than they are answered gets fewer ACKs than heartbeats.
const maxACKs = 8

// ackQueue holds when heartbeats are to be answered, in the order of their arrival.
type ackQueue struct {
	due   [maxACKs]time.Time
	count int
}

// add queues the ACK of a heartbeat that came now. It goes out after the delay, within its
// bounds, and behind those of earlier heartbeats.
func (q *ackQueue) add(now time.Time, delay time.Duration) {
	if q.count == maxACKs {
		return
	}
	q.due[q.count] = now.Add(max(minACKDelay, min(delay, maxACKDelay)))
	q.count++
}

// take reports whether an ACK is due, and removes it.
func (q *ackQueue) take(now time.Time) bool {
	if q.count == 0 || now.Before(q.due[0]) {
		return false
	}
	copy(q.due[:], q.due[1:q.count])
	q.count--
	return true
}

// next is when the next ACK is due; zero: none waits.
func (q *ackQueue) next() time.Time {
	if q.count == 0 {
		return time.Time{}
	}
	return q.due[0]
}
