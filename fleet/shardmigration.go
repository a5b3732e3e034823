package fleet

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
)

// shardMigration is the part of a [migration] that one new shard takes over: the
// events of its guilds. Which copy of an event is delivered never depends on time. What
// the old set has delivered is remembered until the new set's copy has come and is
// dropped. What the new set has first is buffered until the old set has delivered it, or
// until the new set takes over.
type shardMigration struct {
	limit int64    // of bytes
	turn  ctxMutex // held by the handler that runs for the new shard, from takeOver on

	mu        sync.Mutex // never held while a handler runs
	opened    bool       // the new shard has asked for its session
	takenOver bool       // the new set delivers
	draining  bool       // what was buffered is being delivered
	discarded bool       // the new set is given up: what comes is dropped
	full      fullness   // the limit was reached and something dropped: the new set cannot take over

	delivered map[eventKey][]time.Time // by the old set; the copy has not come
	buffer    []*buffered              // come to the new set, in order; with some that the old one has delivered since
	buffered  map[eventKey][]*buffered // those of buffer that the old set has not delivered, by key
	stale     int                      // how many of buffer the old set has delivered
	bytes     int64                    // what delivered and buffered take

	readyAt time.Time           // when READY came
	grownAt time.Time           // when READY or the latest guild it names came
	pending map[uint64]struct{} // guilds that READY named and that have not come

	pruned  time.Time // when delivered was last cleared of what gets no copy
	arrived barrier   // up to which the new shard's events have been looked at
}

// fullness is what has reached the limit of a shardMigration.
type fullness int

const (
	notFull       fullness = iota
	fullBuffer             // events that wait for the old set
	fullDelivered          // events of the old set whose copies have not come
)

// buffered is an event that the new set has first.
type buffered struct {
	ctx       context.Context // of the shard's handlers
	event     gateway.Event
	release   func()
	delivered bool // the old set has delivered it
}

const (
	// copyTimeout is how long the copy of an event that the old set delivered is
	// waited for. There is none when the event left Discord before the new session
	// began.
	copyTimeout = time.Minute
	// guildTimeout is how long after the last arrival of a guild the rest is
	// waited for.
	guildTimeout = 15 * time.Second
	// bufferBytes bounds what a new shard may hold back where QueueBytes is not set.
	bufferBytes = 64 << 20
	// bufferedSize is what a buffered event takes beyond its data, deliveredSize what it
	// takes to remember that one was delivered.
	bufferedSize, deliveredSize = 500, 120
)

func newShardMigration(limit int64) *shardMigration {
	if limit <= 0 {
		limit = bufferBytes
	}
	return &shardMigration{
		limit: limit, turn: make(ctxMutex, 1), delivered: make(map[eventKey][]time.Time), buffered: make(map[eventKey][]*buffered),
	}
}

// open says that the new shard is about to get a session.
func (s *shardMigration) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = true
}

// noteDelivered notes that the old set delivers an event.
func (s *shardMigration) noteDelivered(key eventKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch copies := s.buffered[key]; {
	case len(copies) > 0:
		b := copies[0]
		if s.buffered[key] = copies[1:]; len(copies) == 1 {
			delete(s.buffered, key)
		}
		s.bytes -= b.size()
		b.release()
		b.event, b.delivered = gateway.Event{}, true // its data need not wait for the others
		if s.stale++; s.stale > 64 && s.stale > len(s.buffer)/2 {
			s.buffer, s.stale = slices.DeleteFunc(s.buffer, func(b *buffered) bool { return b.delivered }), 0
		}
	case s.opened && s.reserve(deliveredSize, fullDelivered):
		s.delivered[key] = append(s.delivered[key], time.Now())
	}
}

func (b *buffered) size() int64 { return int64(len(b.event.Data)) + bufferedSize }

// reserve takes bytes of the limit; a single event may be larger. Once the limit is
// reached there is nothing to hold back any more: the old set goes on. The caller holds
// mu.
func (s *shardMigration) reserve(bytes int64, of fullness) bool {
	if s.full != notFull || s.discarded {
		return false
	}
	if s.bytes > 0 && bytes > s.limit-s.bytes {
		s.full = of
		return false
	}
	s.bytes += bytes
	return true
}

// receive takes an event of the new set and reports whether it is to be delivered now.
// ctx is that of the shard's handlers.
func (s *shardMigration) receive(ctx context.Context, e gateway.Event) (deliver bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Type == "READY":
		s.noteReady(e)
		return s.takenOver
	case e.Type == "RESUMED", sessionEvents[e.Type]:
		return s.takenOver // before that nothing was asked on the new session
	}
	info := readEvent(e.Type, e.Data)
	named := s.noteGuild(e, info)
	if copies := s.delivered[info.key]; len(copies) > 0 {
		if s.delivered[info.key] = copies[1:]; len(copies) == 1 {
			delete(s.delivered, info.key)
		}
		s.bytes -= deliveredSize
		return false
	}
	switch {
	case s.takenOver:
		return true
	case named:
		return false // the old set told of the guild long ago
	}
	b := &buffered{ctx: ctx, event: e}
	if !s.reserve(b.size(), fullBuffer) {
		return false
	}
	b.release = e.Hold()
	s.buffer = append(s.buffer, b)
	s.buffered[info.key] = append(s.buffered[info.key], b)
	return false
}

// deliver calls the handler when no other one runs for the new shard. If ctx ends before
// that, the event stays unhandled, and the session brings it again.
func (s *shardMigration) deliver(ctx context.Context, e gateway.Event, h gateway.Handler) {
	if s.turn.lock(ctx) != nil {
		e.Hold()
		return
	}
	defer s.turn.unlock() // also when the handler panics
	h.HandleEvent(ctx, e)
}

// noteReady notes READY and the guilds it names. The caller holds mu.
func (s *shardMigration) noteReady(e gateway.Event) {
	var ready struct {
		Guilds []struct {
			ID string `json:"id"`
		} `json:"guilds"`
	}
	_ = json.Unmarshal(e.Data, &ready) // the shard has read it; one without guilds has none to wait for
	s.pending = make(map[uint64]struct{}, len(ready.Guilds))
	for _, g := range ready.Guilds {
		s.pending[snowflake(g.ID)] = struct{}{}
	}
	s.readyAt = time.Now()
	s.grownAt = s.readyAt
}

// noteGuild reports whether the event is the first one of a guild that READY named.
// The caller holds mu.
func (s *shardMigration) noteGuild(e gateway.Event, info eventInfo) bool {
	if e.Type != "GUILD_CREATE" && e.Type != "GUILD_DELETE" {
		return false
	}
	if _, named := s.pending[info.guild]; !named {
		return false
	}
	delete(s.pending, info.guild)
	s.grownAt = time.Now()
	return true
}

// completeSince reports whether the new session is complete, and since when: every
// guild has come, or the rest stays away.
func (s *shardMigration) completeSince(now time.Time) (at time.Time, complete bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.readyAt.IsZero():
		return time.Time{}, false
	case len(s.pending) > 0 && now.Sub(s.grownAt) < guildTimeout:
		return time.Time{}, false
	}
	return s.grownAt, true
}

// fullness returns whether more was to be held back than the limit allows.
func (s *shardMigration) fullness() fullness {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// takeBuffer returns what is buffered and what the old set has not delivered. The caller
// holds mu.
func (s *shardMigration) takeBuffer() []*buffered {
	events := slices.DeleteFunc(s.buffer, func(b *buffered) bool { return b.delivered })
	s.buffer = nil
	clear(s.buffered)
	return events
}

// endDrain lets events through that came after what was buffered.
func (s *shardMigration) endDrain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = false
	s.turn.unlock()
}

func (s *shardMigration) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// prune forgets deliveries of the old set whose copy will not come: the new shard has
// had everything for longer than copyTimeout after them. While it is away or behind, its
// copies may be late.
func (s *shardMigration) prune(now time.Time, m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.delivered) == 0 || now.Sub(s.pruned) < copyTimeout/6 {
		return
	}
	if _, handled := s.arrived.check(now, time.Time{}, m); !handled {
		return
	}
	for key, times := range s.delivered {
		for len(times) > 0 && s.arrived.at.Sub(times[0]) > copyTimeout {
			times = times[1:]
			s.bytes -= deliveredSize
		}
		if len(times) == 0 {
			delete(s.delivered, key)
		} else {
			s.delivered[key] = times
		}
	}
	s.pruned, s.arrived = now, barrier{}
}

// discard drops what is buffered, and what is still to come.
func (s *shardMigration) discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discarded = true
	for _, b := range s.buffer {
		if !b.delivered {
			b.release()
		}
	}
	s.buffer = nil
}
