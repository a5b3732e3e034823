package fleet

import (
	"context"
	"errors"
	"fmt"

	"evergreen/gateway"
)

// member returns a shard of the set that delivers. While the number of shards is
// being changed it returns [ErrResharding].
func (f *Fleet) member(id int) (*member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.nextSet != nil:
		return nil, ErrResharding
	case f.set == nil || f.set.members[id] == nil:
		return nil, fmt.Errorf("shard %d: %w", id, ErrNoShard)
	}
	return f.set.members[id], nil
}

// Pause stops one shard and keeps its session for [Fleet.Resume]. Events wait at
// Discord for as long as it keeps the session, about a minute or two. ctx bounds how
// long handlers are waited for. Pausing a paused shard does nothing.
func (f *Fleet) Pause(ctx context.Context, id int) error {
	m, err := f.member(id)
	if err != nil {
		return err
	}
	return m.operate(ctx, func() error {
		if m.currentMode() == MovedOut {
			return errMovedOut
		}
		return m.pause(ctx, gateway.KeepSession, Paused)
	})
}

// Resume lets a paused shard go on, with a RESUME if Discord still has its
// session. Resuming a running shard does nothing.
func (f *Fleet) Resume(ctx context.Context, id int) error {
	m, err := f.member(id)
	if err != nil {
		return err
	}
	return m.operate(ctx, func() error {
		switch m.currentMode() {
		case Running:
			return nil
		case MovedOut:
			return errMovedOut
		}
		return m.resume(m.current().Session())
	})
}

// Restart ends the connection of one shard and begins another: with
// [gateway.KeepSession] by a RESUME, which costs nothing; with [gateway.EndSession] with a
// new session, which costs an IDENTIFY.
func (f *Fleet) Restart(ctx context.Context, id int, mode gateway.StopMode) error {
	m, err := f.member(id)
	if err != nil {
		return err
	}
	return m.operate(ctx, func() error {
		if m.currentMode() == MovedOut {
			return errMovedOut
		}
		if err := m.pause(ctx, mode, Paused); err != nil {
			return err
		}
		session := m.current().Session()
		if mode == gateway.EndSession {
			session = gateway.Session{}
		}
		return m.resume(session)
	})
}

// MoveOut stops one shard and returns its session as data, for another process
// to go on with. This fleet forgets the session, so that a restart does not
// resume what now belongs to that process.
func (f *Fleet) MoveOut(ctx context.Context, id int) (Handover, error) {
	m, err := f.member(id)
	if err != nil {
		return Handover{}, err
	}
	var out Handover
	err = m.operate(ctx, func() error {
		if m.currentMode() == MovedOut {
			return errMovedOut
		}
		if err := m.pause(ctx, gateway.KeepSession, MovedOut); err != nil {
			m.setMode(Paused)
			return err
		}
		out = Handover{Shard: m.shardID, Session: m.current().Session(), Intents: f.opts.Shard.Intents}
		m.savedSession().forget()
		return nil
	})
	return out, err
}

// MoveIn runs a shard that has moved out of another process, or out of this one,
// from its session. It fails for a shard that this fleet already runs, or that
// was begun with other intents.
func (f *Fleet) MoveIn(ctx context.Context, h Handover) error {
	if h.Intents != f.opts.Shard.Intents {
		return fmt.Errorf("shard %s: its session was begun with other intents (%s) than this bot's (%s)", h.Shard, h.Intents, f.opts.Shard.Intents)
	}
	m, err := f.memberFor(h)
	if err != nil {
		return err
	}
	if m == nil {
		return nil
	}
	return m.operate(ctx, func() error {
		if m.currentMode() != MovedOut {
			return fmt.Errorf("shard %s: it already runs here", m.shardID)
		}
		return m.resume(h.Session)
	})
}

// memberFor returns the member for a shard that is to move in. For a shard that never
// ran here it makes one, runs it and returns nil: nothing is left to do.
func (f *Fleet) memberFor(h Handover) (*member, error) {
	f.mu.Lock()
	s, busy := f.set, f.nextSet != nil
	f.mu.Unlock()
	switch {
	case f.life.Stopping():
		return nil, ErrStopped
	case busy:
		return nil, ErrResharding
	case s == nil:
		return nil, errors.New("the fleet does not know its shards yet")
	case h.Shard.Count != s.assignment.Count || h.Shard.ID < 0 || h.Shard.ID >= h.Shard.Count:
		return nil, fmt.Errorf("shard %s does not belong to a bot with %d shards", h.Shard, s.assignment.Count)
	case s.members[h.Shard.ID] != nil:
		return s.members[h.Shard.ID], nil
	}
	m, err := f.newMember(h.Shard, h.Session, f.roomOf(len(s.order)+1), sessionsNow)
	if err != nil {
		return nil, err
	}
	if !f.addMember(m) {
		return nil, fmt.Errorf("shard %s: it already runs here", m.shardID)
	}
	m.run()
	return nil, nil
}

// addMember adds a member to the set. The set is replaced, never changed: other
// goroutines read it without a lock.
func (f *Fleet) addMember(m *member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.set
	if old.members[m.shardID.ID] != nil || old.assignment.Count != m.shardID.Count {
		return false
	}
	s := &shardSet{assignment: Assignment{Count: m.shardID.Count}, members: map[int]*member{m.shardID.ID: m}}
	for id, other := range old.members {
		s.members[id] = other
	}
	for id := range m.shardID.Count {
		if member := s.members[id]; member != nil {
			s.order = append(s.order, member)
			s.assignment.IDs = append(s.assignment.IDs, id)
		}
	}
	f.set = s
	f.updateMembersLocked(m)
	f.dialLimiter.setShards(len(s.order))
	return true
}
