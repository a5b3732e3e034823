package fleet

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"evergreen/gateway"
)

// shardMigration is the part of a [migration] that one new shard takes over: the
// events of its guilds. The old set delivers them until takeOver, the new one from
// then on; which copy of an event is delivered never depends on time. What the old
// set has delivered is remembered until the new set's copy has come and is dropped.
// What the new set has first is buffered until the old set has delivered it, or
// takeOver.
type shardMigration struct {
	mu        sync.Mutex // never held while a handler runs
	opened    bool       // the new shard has asked for its session
	closed    bool       // the old set delivers nothing any more
	takenOver bool       // the new set delivers

	delivered map[eventKey][]time.Time // by the old set; the copy has not come
	buffer    []*buffered              // come to the new set, not delivered by the old one; in order
	buffered  map[eventKey][]*buffered // the same, by key

	oldHandlers int           // handlers that run for the old set
	oldIdle     chan struct{} // one slot: oldHandlers may be 0

	readyAt time.Time           // when READY came
	grownAt time.Time           // when READY or the latest guild it names came
	pending map[uint64]struct{} // guilds that READY named and that have not come
}

// buffered is an event that the new set has first.
type buffered struct {
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
	// handlerTimeout is how long a handler may run for the old set after that was
	// closed; then the new set begins regardless.
	handlerTimeout = 5 * time.Second
)

func newShardMigration() *shardMigration {
	return &shardMigration{
		delivered: make(map[eventKey][]time.Time), buffered: make(map[eventKey][]*buffered), oldIdle: make(chan struct{}, 1),
	}
}

// open says that the new shard is about to get a session.
func (s *shardMigration) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = true
}

// handleOld delivers an event of the old set, unless that is closed: then the new
// set delivers its copy.
func (s *shardMigration) handleOld(ctx context.Context, e gateway.Event, key eventKey, h gateway.Handler) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	switch copies := s.buffered[key]; {
	case len(copies) > 0:
		copies[0].delivered = true
		copies[0].release()
		if s.buffered[key] = copies[1:]; len(copies) == 1 {
			delete(s.buffered, key)
		}
	case s.opened:
		s.delivered[key] = append(s.delivered[key], time.Now())
	}
	s.oldHandlers++
	s.mu.Unlock()
	defer func() { // also when the handler panics
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.oldHandlers--; s.oldHandlers == 0 {
			select {
			case s.oldIdle <- struct{}{}:
			default:
			}
		}
	}()
	h.HandleEvent(ctx, e)
}

// handleNew takes an event of the new set and reports whether it is to be
// delivered now.
func (s *shardMigration) handleNew(e gateway.Event) (deliver bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Type {
	case "READY":
		s.noteReady(e)
		return s.takenOver
	case "RESUMED":
		return s.takenOver
	}
	info := readEvent(e.Type, e.Data)
	named := s.noteGuild(e, info)
	if copies := s.delivered[info.key]; len(copies) > 0 {
		if s.delivered[info.key] = copies[1:]; len(copies) == 1 {
			delete(s.delivered, info.key)
		}
		return false
	}
	switch {
	case s.takenOver:
		return true
	case named:
		return false // the old set told of the guild long ago
	}
	b := &buffered{event: e, release: e.Hold()}
	s.buffer = append(s.buffer, b)
	s.buffered[info.key] = append(s.buffered[info.key], b)
	return false
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

// takeOver closes the old set and lets the new one deliver, what is buffered first
// and in order. Handlers that still run for the old set are waited for, for
// handlerTimeout at most, so that no two work on one guild.
func (s *shardMigration) takeOver(h gateway.Handler) {
	s.mu.Lock()
	s.closed = true
	waiting := s.oldHandlers > 0
	s.mu.Unlock()
	timer := time.NewTimer(handlerTimeout)
	defer timer.Stop()
	for waiting {
		select {
		case <-s.oldIdle:
			s.mu.Lock()
			waiting = s.oldHandlers > 0
			s.mu.Unlock()
		case <-timer.C:
			waiting = false
		}
	}
	for {
		s.mu.Lock()
		events := s.buffer
		s.buffer = nil
		clear(s.buffered)
		if len(events) == 0 {
			s.takenOver = true
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, b := range events {
			if !b.delivered {
				pass(b.event, h)
			}
		}
	}
}

// pass delivers a buffered event; a panic costs that event.
func pass(e gateway.Event, h gateway.Handler) {
	defer func() { _ = recover() }()
	e.Pass(context.Background(), h)
}

// prune forgets deliveries of the old set whose copy will not come.
func (s *shardMigration) prune(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, times := range s.delivered {
		for len(times) > 0 && now.Sub(times[0]) > copyTimeout {
			times = times[1:]
		}
		if len(times) == 0 {
			delete(s.delivered, key)
		} else {
			s.delivered[key] = times
		}
	}
}

// discard drops what is buffered.
func (s *shardMigration) discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.buffer {
		b.release()
	}
	s.buffer = nil
	clear(s.buffered)
}
