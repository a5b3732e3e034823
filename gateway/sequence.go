package gateway

import (
	"sync"
	"sync/atomic"
	"time"
)

// sequence is the receiving end of the session: it decides which dispatches
// count, keeps the sequence, and moves the handled mark. Dispatches come from
// the goroutine that reads the current connection; once another connection is
// attached, whatever an older one still reads is not taken any more (G-156).
type sequence struct {
	shard  ShardID
	wanted map[string]bool // nil: everything
	queue  *queue
	store  SessionStore
	emit   func(ShardEvent)
	count  *counters

	mu            sync.Mutex
	conn          *conn // whose dispatches count
	id, url       string
	accepted      int64  // highest sequence number that was taken in
	window        uint64 // the 64 numbers up to accepted, newest in bit 0
	lowWater      *watermark
	replaying     bool // between RESUME and RESUMED
	replayed      int
	overflowed    bool // the queue was full: nothing is taken until a RESUME
	awaitingReady bool // another session is asked for: nothing is taken until its READY
	frozen        bool // a stop is under way: nothing is taken any more

	stopping     atomic.Bool  // frozen, for those who must not take mu
	onHandled    func()       // told about every handled event while stopping
	received     atomic.Int64 // highest number that arrived, for heartbeats
	lastDispatch atomic.Int64 // UnixNano
}

// beginSession starts a session. The old session's mark is silenced before the new
// one speaks, so that the keeper never sees them mixed (G-050).
func (in *sequence) beginSession(s Session) {
	w := &watermark{accepted: s.Seq}
	w.onChange = func(seq int64) {
		if in.store != nil {
			in.store.Save(Session{ID: s.ID, ResumeURL: s.ResumeURL, Seq: seq})
		}
		if in.stopping.Load() {
			in.onHandled()
		}
	}
	in.swapSession(w, s)
	w.report()
}

// queueReady hands READY to the handler. It is not held against the mark: the
// session is worth keeping before anybody has looked at it.
func (in *sequence) queueReady(env envelope, now time.Time) {
	in.count.received.Add(1)
	if in.isUnwanted(env.typ) {
		return
	}
	in.count.queued.Add(1)
	in.queue.force(Event{
		Type: string(env.typ), Seq: env.seq, SessionID: in.session().ID, Shard: in.shard,
		Data: append([]byte(nil), env.d...), Received: now,
	})
}

// swapSession puts another mark and session in place.
func (in *sequence) swapSession(w *watermark, s Session) {
	in.mu.Lock()
	old := in.lowWater
	in.lowWater = w
	in.id, in.url, in.accepted, in.window, in.overflowed, in.awaitingReady = s.ID, s.ResumeURL, s.Seq, 1, false, false
	in.received.Store(s.Seq)
	in.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// dropSession forgets the session (G-063, G-082).
func (in *sequence) dropSession() {
	in.swapSession(nil, Session{})
	if in.store != nil {
		in.store.Save(Session{})
	}
}

// session returns the session as a RESUME on this process would use it.
func (in *sequence) session() Session {
	in.mu.Lock()
	defer in.mu.Unlock()
	return Session{ID: in.id, ResumeURL: in.url, Seq: in.accepted}
}

// handledSession returns the session as another process should resume it.
func (in *sequence) handledSession() Session {
	in.mu.Lock()
	s, w := Session{ID: in.id, ResumeURL: in.url}, in.lowWater
	in.mu.Unlock()
	if w != nil {
		s.Seq = w.value()
	}
	return s
}

// isCurrent reports whether c is the connection whose dispatches count.
func (in *sequence) isCurrent(c *conn) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.conn == c
}

// attach makes c the connection whose dispatches count.
func (in *sequence) attach(c *conn, resuming bool) {
	in.mu.Lock()
	in.conn, in.replaying, in.replayed, in.overflowed, in.awaitingReady = c, resuming, 0, false, !resuming
	// What heartbeats carry is of the session that this connection is for (G-019).
	if !resuming {
		in.received.Store(0)
	} else if in.received.Load() < in.accepted {
		in.received.Store(in.accepted)
	}
	in.mu.Unlock()
	in.lastDispatch.Store(time.Now().UnixNano())
}

// freeze stops taking events in.
func (in *sequence) freeze() {
	in.mu.Lock()
	in.frozen = true
	in.mu.Unlock()
	in.stopping.Store(true)
}

// isIdle reports whether every event taken in has been handled.
func (in *sequence) isIdle() bool {
	in.mu.Lock()
	w := in.lowWater
	in.mu.Unlock()
	_, oldest := in.queue.load()
	return (w == nil || w.isIdle()) && oldest.IsZero()
}

// isUnwanted reports whether nobody asked for the event.
func (in *sequence) isUnwanted(typ []byte) bool {
	return in.wanted != nil && !in.wanted[string(typ)]
}

// accept takes one dispatch in. The strings READY and RESUMED have already
// been acted upon when it is called.
func (in *sequence) accept(c *conn, env envelope, now time.Time) {
	in.lastDispatch.Store(now.UnixNano())
	in.mu.Lock()
	if in.conn != c || in.frozen || in.lowWater == nil || in.awaitingReady {
		in.mu.Unlock()
		return
	}
	in.count.received.Add(1)
	if env.seq > in.received.Load() {
		in.received.Store(env.seq)
	}
	again := in.replaying && string(env.typ) != "RESUMED"
	if again {
		in.count.replayed.Add(1)
		in.replayed++
	}
	if in.overflowed {
		in.count.overflowed.Add(1)
		in.mu.Unlock()
		return
	}
	if env.seq > 0 && in.isDuplicate(env.seq) {
		in.count.duplicates.Add(1)
		in.mu.Unlock()
		return
	}
	wanted := len(env.typ) > 0 && !in.isUnwanted(env.typ)
	var gap SequenceGap
	// A replay has holes of its own where an earlier RESUMED stood: that one is
	// never sent again.
	if env.seq > in.accepted+1 && in.accepted > 0 && !in.replaying {
		gap = SequenceGap{From: in.accepted + 1, To: env.seq - 1}
	}
	w := in.lowWater
	if !wanted {
		in.advance(env.seq)
		in.mu.Unlock()
		w.skip(env.seq)
	} else if !in.enqueue(env, w, now, again) {
		in.overflowed = true
		in.count.overflowed.Add(1)
		in.mu.Unlock()
		bytes, _ := in.queue.load()
		in.emit(QueueFull{Bytes: bytes})
		return
	} else {
		in.mu.Unlock()
	}
	if gap.To > 0 {
		in.count.missing.Add(gap.To - gap.From + 1)
		in.emit(gap)
	}
}

// enqueue copies the event into the queue. The caller holds mu.
func (in *sequence) enqueue(env envelope, w *watermark, now time.Time, again bool) bool {
	e := Event{
		Type:      string(env.typ),
		Seq:       env.seq,
		SessionID: in.id,
		Shard:     in.shard,
		Data:      append([]byte(nil), env.d...),
		Received:  now,
		Replayed:  again,
	}
	e.pending = w.add(env.seq)
	if !in.queue.push(e) {
		w.remove(e.pending)
		return false
	}
	w.confirm(env.seq)
	in.count.queued.Add(1)
	in.advance(env.seq)
	return true
}

// isDuplicate reports whether a sequence number of the last 64 has been taken in
// before. The caller holds mu.
func (in *sequence) isDuplicate(seq int64) bool {
	age := in.accepted - seq
	if age < 0 {
		return false
	}
	// Far behind: nothing sends that but a replay that starts too early.
	return age >= 64 || in.window&(1<<uint(age)) != 0
}

// advance notes a number as taken in. The caller holds mu.
func (in *sequence) advance(seq int64) {
	if seq <= 0 {
		return
	}
	if step := seq - in.accepted; step > 0 {
		if step >= 64 {
			in.window = 0
		} else {
			in.window <<= uint(step)
		}
		in.window |= 1
		in.accepted = seq
		return
	}
	in.window |= 1 << uint(in.accepted-seq)
}

// endReplay takes RESUMED in, which ends the replay, and returns how many
// dispatches that held.
func (in *sequence) endReplay(c *conn, env envelope, now time.Time) int {
	in.accept(c, env, now)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.conn != c {
		return 0
	}
	in.replaying = false
	return in.replayed
}

// hasOverflow reports whether events were left with Discord because the queue was
// full.
func (in *sequence) hasOverflow() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.overflowed
}
