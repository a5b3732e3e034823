package gateway

import (
	"sync"
	"sync/atomic"
	"time"
)

// sequence is the receiving side of the session. It decides which dispatches count,
// keeps the sequence numbers and moves the low-water mark of what has been handled.
//
// Dispatches come from the goroutine that reads the current connection. Once
// another connection is attached, what an older one still reads does not count
// (G-156). Everything below mu is guarded by it.
type sequence struct {
	shard     ShardID
	wanted    map[string]bool // nil: everything
	queue     *queue
	store     SessionStore
	emit      func(ShardEvent)
	onHandled func() // called for every handled event after freeze
	count     *counters
	began     time.Time

	received     atomic.Int64 // highest number that arrived, for heartbeats
	lastDispatch atomic.Int64 // after began
	stopping     atomic.Bool  // frozen, for the watermark's callback, which must not take mu

	mu            sync.Mutex
	conn          *conn // whose dispatches count
	id, url       string
	numbers       numbering
	lowWater      *watermark // nil without a session
	replaying     bool       // between RESUME and RESUMED
	replayed      int
	overflowed    bool // the queue was full: nothing is taken in until a RESUME
	awaitingReady bool // IDENTIFY was sent: nothing is taken in until its READY
	frozen        bool // a stop is under way: nothing is taken in any more
}

// beginSession starts a session. The old session's mark is closed before the new
// one reports, so that the store never sees them mixed (G-050).
func (q *sequence) beginSession(s Session, numbers numbering) {
	w := q.newWatermark(s)
	q.swapSession(w, s, numbers)
	w.report()
}

// newWatermark returns the mark of a session, which saves it.
func (q *sequence) newWatermark(s Session) *watermark {
	w := &watermark{accepted: s.Seq}
	w.onChange = func(seq int64) {
		if q.store != nil {
			q.store.Save(Session{ID: s.ID, ResumeURL: s.ResumeURL, Seq: seq})
		}
		if q.stopping.Load() {
			q.onHandled()
		}
	}
	return w
}

// renumber goes on with the session where the server counts anew, right before seq. The
// caller holds mu.
func (q *sequence) renumber(seq int64) {
	w := q.newWatermark(Session{ID: q.id, ResumeURL: q.url, Seq: seq - 1})
	q.lowWater.close() // the store never sees the numbers mixed
	q.lowWater, q.numbers = w, newNumbering(seq-1)
	q.received.Store(seq)
	w.report()
}

// onReady starts the session of READY and passes READY to the handler. READY does
// not hold the mark back: the session is worth keeping before it is handled.
func (q *sequence) onReady(c *conn, data readyData, env envelope, now time.Time) {
	if !q.isCurrent(c) {
		return
	}
	q.beginSession(Session{ID: data.sessionID, ResumeURL: data.resumeURL, Seq: env.seq}, readyNumbering(env.seq))
	q.count.received.Add(1)
	if q.isUnwanted(env.typ) {
		return
	}
	q.count.queued.Add(1)
	q.queue.force(Event{
		Type: string(env.typ), Seq: env.seq, SessionID: data.sessionID, Shard: q.shard,
		Data: append([]byte(nil), env.d...), Received: now,
	})
}

// onResumed takes RESUMED in, which ends the replay, and returns how many
// dispatches were replayed.
func (q *sequence) onResumed(c *conn, env envelope, now time.Time) int {
	q.accept(c, env, now)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.conn != c {
		return 0
	}
	q.replaying = false
	return q.replayed
}

// dropSession forgets the session.
func (q *sequence) dropSession() {
	q.swapSession(nil, Session{}, numbering{})
	if q.store != nil {
		q.store.Save(Session{})
	}
}

// swapSession puts another mark and session in place.
func (q *sequence) swapSession(w *watermark, s Session, numbers numbering) {
	q.mu.Lock()
	old := q.lowWater
	q.lowWater = w
	q.id, q.url, q.numbers, q.overflowed, q.awaitingReady = s.ID, s.ResumeURL, numbers, false, false
	q.received.Store(s.Seq)
	q.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// hasSession reports whether there is a session to resume.
func (q *sequence) hasSession() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.id != ""
}

// session returns the session as a RESUME of this process uses it.
func (q *sequence) session() Session {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Session{ID: q.id, ResumeURL: q.url, Seq: q.numbers.accepted}
}

// handledSession returns the session as another process should resume it.
func (q *sequence) handledSession() Session {
	q.mu.Lock()
	s, w := Session{ID: q.id, ResumeURL: q.url}, q.lowWater
	q.mu.Unlock()
	if w != nil {
		s.Seq = w.value()
	}
	return s
}

// attach makes c the connection whose dispatches count. It was opened to resume or
// to identify.
func (q *sequence) attach(c *conn, resuming bool) {
	q.mu.Lock()
	q.conn, q.replaying, q.replayed, q.overflowed, q.awaitingReady = c, resuming, 0, false, !resuming
	// Heartbeats carry the number of the session that this connection is for.
	if !resuming {
		q.received.Store(0)
	} else {
		q.numbers.from = q.numbers.accepted
		q.received.Store(max(q.received.Load(), q.numbers.accepted))
	}
	q.mu.Unlock()
	q.lastDispatch.Store(int64(time.Since(q.began)))
}

// dispatchedAt is when a dispatch last arrived, or the connection began to count.
func (q *sequence) dispatchedAt() time.Time {
	return q.began.Add(time.Duration(q.lastDispatch.Load()))
}

// isCurrent reports whether c is the connection whose dispatches count.
func (q *sequence) isCurrent(c *conn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.conn == c
}

// freeze stops taking events in.
func (q *sequence) freeze() {
	q.mu.Lock()
	q.frozen = true
	q.mu.Unlock()
	q.stopping.Store(true)
}

// isIdle reports whether every event that was taken in has been handled.
func (q *sequence) isIdle() bool {
	q.mu.Lock()
	w := q.lowWater
	q.mu.Unlock()
	_, oldest := q.queue.load()
	return (w == nil || w.isIdle()) && oldest.IsZero()
}

// hasOverflow reports whether events were left with Discord because the queue was
// full.
func (q *sequence) hasOverflow() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.overflowed
}

// isUnwanted reports whether Options.Events leaves the event out.
func (q *sequence) isUnwanted(typ []byte) bool {
	return q.wanted != nil && !q.wanted[string(typ)]
}

// accept takes one dispatch in, except READY, which onReady takes. When the queue is
// full it leaves this and all further events with Discord, until a RESUME.
func (q *sequence) accept(c *conn, env envelope, now time.Time) {
	q.lastDispatch.Store(int64(now.Sub(q.began)))
	q.mu.Lock()
	if q.conn != c || q.frozen || q.lowWater == nil || q.awaitingReady {
		q.mu.Unlock()
		return
	}
	isResumed := string(env.typ) == "RESUMED"
	var at place
	if isResumed && q.replaying {
		at = q.numbers.placeResumed(env.seq)
	} else {
		at = q.numbers.place(env.seq, q.replaying)
	}
	if at == placeAnew {
		q.renumber(env.seq)
	}
	q.count.received.Add(1)
	seq := env.seq // its place among the numbers; 0: none
	if at == placeBeside {
		seq = 0
	}
	q.received.Store(max(q.received.Load(), seq))
	again := q.replaying && !isResumed
	if again {
		q.count.replayed.Add(1)
		q.replayed++
	}
	if q.overflowed {
		q.count.overflowed.Add(1)
		q.mu.Unlock()
		return
	}
	if at == placeAgain {
		q.count.duplicates.Add(1)
		q.mu.Unlock()
		return
	}
	wanted := len(env.typ) > 0 && !q.isUnwanted(env.typ)
	var gap SequenceGap
	// A replay has holes of its own where an earlier RESUMED stood: that one is
	// never sent again.
	if accepted := q.numbers.accepted; seq > accepted+1 && accepted > 0 && !q.replaying {
		gap = SequenceGap{From: accepted + 1, To: seq - 1}
	}
	w := q.lowWater
	if wanted && !q.enqueue(env, seq, w, now, again) {
		q.overflowed = true
		q.count.overflowed.Add(1)
		q.mu.Unlock()
		bytes, _ := q.queue.load()
		q.emit(QueueFull{Bytes: bytes})
		return
	}
	q.numbers.advance(seq)
	w.accept(seq)
	q.mu.Unlock()
	if gap.To > 0 {
		q.count.missing.Add(gap.To - gap.From + 1)
		q.emit(gap)
	}
}

// enqueue copies the event into the queue; seq is its place among the numbers. It reports
// false if there is no room. The caller holds mu.
func (q *sequence) enqueue(env envelope, seq int64, w *watermark, now time.Time, again bool) bool {
	e := Event{
		Type:      string(env.typ),
		Seq:       env.seq,
		SessionID: q.id,
		Shard:     q.shard,
		Data:      append([]byte(nil), env.d...),
		Received:  now,
		Replayed:  again,
	}
	e.pending = w.add(seq)
	if !q.queue.push(e) {
		w.remove(e.pending)
		return false
	}
	q.count.queued.Add(1)
	return true
}
