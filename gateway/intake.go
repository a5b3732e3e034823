package gateway

import (
	"sync"
	"sync/atomic"
	"time"
)

// intake is the receiving end of the session: it decides which dispatches
// count, keeps the sequence, and moves the handled mark. Dispatches come from
// the goroutine that reads the current connection; once another connection is
// attached, whatever an older one still reads is not taken any more (G-156).
type intake struct {
	pair   ShardID
	wanted map[string]bool // nil: everything
	queue  *queue
	keeper SessionStore
	note   func(ShardEvent)
	count  *counters

	mu       sync.Mutex
	conn     *conn // whose dispatches count
	id, url  string
	accepted int64  // highest sequence number that was taken in
	seen     uint64 // the 64 numbers up to accepted, newest in bit 0
	mark     *watermark
	replay   bool // between RESUME and RESUMED
	replayed int
	left     bool // the queue was full: nothing is taken until a RESUME
	awaits   bool // another session is asked for: nothing is taken until its READY
	frozen   bool // a stop is under way: nothing is taken any more

	stopping     atomic.Bool  // frozen, for those who must not take mu
	quiet        func()       // told about every handled event while stopping
	received     atomic.Int64 // highest number that arrived, for heartbeats
	lastDispatch atomic.Int64 // UnixNano
}

// begin starts a session. The old session's mark is silenced before the new
// one speaks, so that the keeper never sees them mixed (G-050).
func (in *intake) begin(s Session) {
	w := &watermark{accepted: s.Seq}
	w.moved = func(seq int64) {
		if in.keeper != nil {
			in.keeper.Save(Session{ID: s.ID, ResumeURL: s.ResumeURL, Seq: seq})
		}
		if in.stopping.Load() {
			in.quiet()
		}
	}
	in.replace(w, s)
	w.report()
}

// announce hands READY to the handler. It is not held against the mark: the
// session is worth keeping before anybody has looked at it.
func (in *intake) announce(env envelope, now time.Time) {
	in.count.received.Add(1)
	if in.unwanted(env.typ) {
		return
	}
	in.count.queued.Add(1)
	in.queue.force(Event{
		Type: string(env.typ), Seq: env.seq, SessionID: in.session().ID, Shard: in.pair,
		Data: append([]byte(nil), env.d...), Received: now,
	})
}

// replace puts another mark and session in place.
func (in *intake) replace(w *watermark, s Session) {
	in.mu.Lock()
	old := in.mark
	in.mark = w
	in.id, in.url, in.accepted, in.seen, in.left, in.awaits = s.ID, s.ResumeURL, s.Seq, 1, false, false
	in.received.Store(s.Seq)
	in.mu.Unlock()
	if old != nil {
		old.retire()
	}
}

// lose forgets the session (G-063, G-082).
func (in *intake) lose() {
	in.replace(nil, Session{})
	if in.keeper != nil {
		in.keeper.Save(Session{})
	}
}

// session returns the session as a RESUME on this process would use it.
func (in *intake) session() Session {
	in.mu.Lock()
	defer in.mu.Unlock()
	return Session{ID: in.id, ResumeURL: in.url, Seq: in.accepted}
}

// handledSession returns the session as another process should resume it.
func (in *intake) handledSession() Session {
	in.mu.Lock()
	s, w := Session{ID: in.id, ResumeURL: in.url}, in.mark
	in.mu.Unlock()
	if w != nil {
		s.Seq = w.current()
	}
	return s
}

// attached reports whether c is the connection whose dispatches count.
func (in *intake) attached(c *conn) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.conn == c
}

// attach makes c the connection whose dispatches count.
func (in *intake) attach(c *conn, resuming bool) {
	in.mu.Lock()
	in.conn, in.replay, in.replayed, in.left, in.awaits = c, resuming, 0, false, !resuming
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
func (in *intake) freeze() {
	in.mu.Lock()
	in.frozen = true
	in.mu.Unlock()
	in.stopping.Store(true)
}

// idle reports whether every event taken in has been handled.
func (in *intake) idle() bool {
	in.mu.Lock()
	w := in.mark
	in.mu.Unlock()
	_, oldest := in.queue.load()
	return (w == nil || w.idle()) && oldest.IsZero()
}

// unwanted reports whether nobody asked for the event.
func (in *intake) unwanted(typ []byte) bool {
	return in.wanted != nil && !in.wanted[string(typ)]
}

// accept takes one dispatch in. The strings READY and RESUMED have already
// been acted upon when it is called.
func (in *intake) accept(c *conn, env envelope, now time.Time) {
	in.lastDispatch.Store(now.UnixNano())
	in.mu.Lock()
	if in.conn != c || in.frozen || in.mark == nil || in.awaits {
		in.mu.Unlock()
		return
	}
	in.count.received.Add(1)
	if env.seq > in.received.Load() {
		in.received.Store(env.seq)
	}
	again := in.replay && string(env.typ) != "RESUMED"
	if again {
		in.count.replayed.Add(1)
		in.replayed++
	}
	if in.left {
		in.count.left.Add(1)
		in.mu.Unlock()
		return
	}
	if env.seq > 0 && in.repeated(env.seq) {
		in.count.duplicates.Add(1)
		in.mu.Unlock()
		return
	}
	wanted := len(env.typ) > 0 && !in.unwanted(env.typ)
	var gap SequenceGap
	// A replay has holes of its own where an earlier RESUMED stood: that one is
	// never sent again.
	if env.seq > in.accepted+1 && in.accepted > 0 && !in.replay {
		gap = SequenceGap{From: in.accepted + 1, To: env.seq - 1}
	}
	w := in.mark
	if !wanted {
		in.advance(env.seq)
		in.mu.Unlock()
		w.pass(env.seq)
	} else if !in.enqueue(env, w, now, again) {
		in.left = true
		in.count.left.Add(1)
		in.mu.Unlock()
		bytes, _ := in.queue.load()
		in.note(QueueFull{Bytes: bytes})
		return
	} else {
		in.mu.Unlock()
	}
	if gap.To > 0 {
		in.count.missing.Add(gap.To - gap.From + 1)
		in.note(gap)
	}
}

// enqueue copies the event into the queue. The caller holds mu.
func (in *intake) enqueue(env envelope, w *watermark, now time.Time, again bool) bool {
	e := Event{
		Type:      string(env.typ),
		Seq:       env.seq,
		SessionID: in.id,
		Shard:     in.pair,
		Data:      append([]byte(nil), env.d...),
		Received:  now,
		Replayed:  again,
	}
	e.held = w.enter(env.seq)
	if !in.queue.push(e) {
		w.leave(e.held)
		return false
	}
	w.settle(env.seq)
	in.count.queued.Add(1)
	in.advance(env.seq)
	return true
}

// repeated reports whether a sequence number of the last 64 has been taken in
// before. The caller holds mu.
func (in *intake) repeated(seq int64) bool {
	age := in.accepted - seq
	if age < 0 {
		return false
	}
	// Far behind: nothing sends that but a replay that starts too early.
	return age >= 64 || in.seen&(1<<uint(age)) != 0
}

// advance notes a number as taken in. The caller holds mu.
func (in *intake) advance(seq int64) {
	if seq <= 0 {
		return
	}
	if step := seq - in.accepted; step > 0 {
		if step >= 64 {
			in.seen = 0
		} else {
			in.seen <<= uint(step)
		}
		in.seen |= 1
		in.accepted = seq
		return
	}
	in.seen |= 1 << uint(in.accepted-seq)
}

// resumed takes RESUMED in, which ends the replay, and returns how many
// dispatches that held.
func (in *intake) resumed(c *conn, env envelope, now time.Time) int {
	in.accept(c, env, now)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.conn != c {
		return 0
	}
	in.replay = false
	return in.replayed
}

// owes reports whether events were left with Discord because the queue was
// full.
func (in *intake) owes() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.left
}
