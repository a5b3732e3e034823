package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// member finds a shard of the set that delivers, unless the number of shards is
// being changed: until that is over the shards are not to be touched.
func (f *Fleet) member(id int) (*member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.next != nil:
		return nil, ErrResharding
	case f.set == nil || f.set.members[id] == nil:
		return nil, fmt.Errorf("shard %d: %w", id, ErrNoShard)
	}
	return f.set.members[id], nil
}

// Pause stops one shard and keeps its session for [Fleet.Resume]: events wait at
// Discord for as long as it keeps the session, about a minute or two. ctx bounds
// how long handlers are waited for. Pausing a paused shard does nothing.
func (f *Fleet) Pause(ctx context.Context, id int) error {
	m, err := f.member(id)
	if err != nil {
		return err
	}
	return m.hold(ctx, func() error {
		if m.stands() == MovedOut {
			return errMoved
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
	return m.hold(ctx, func() error {
		switch m.stands() {
		case Running:
			return nil
		case MovedOut:
			return errMoved
		}
		return m.unpause(m.current().Session())
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
	return m.hold(ctx, func() error {
		if m.stands() == MovedOut {
			return errMoved
		}
		if err := m.pause(ctx, mode, Paused); err != nil {
			return err
		}
		session := m.current().Session()
		if mode == gateway.EndSession {
			session = gateway.Session{}
		}
		return m.unpause(session)
	})
}

// MoveOut stops one shard and returns its session as data, for another process
// to go on with. This fleet forgets the session, so that a restart does not
// resume what now belongs elsewhere.
func (f *Fleet) MoveOut(ctx context.Context, id int) (Handover, error) {
	m, err := f.member(id)
	if err != nil {
		return Handover{}, err
	}
	var out Handover
	err = m.hold(ctx, func() error {
		if m.stands() == MovedOut {
			return errMoved
		}
		if err := m.pause(ctx, gateway.KeepSession, MovedOut); err != nil {
			m.stand(Paused)
			return err
		}
		out = Handover{Shard: m.pair, Session: m.current().Session(), Intents: f.opts.Shard.Intents}
		m.forget()
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
	m, err := f.place(h)
	if err != nil {
		return err
	}
	if m == nil {
		return nil
	}
	return m.hold(ctx, func() error {
		if m.stands() != MovedOut {
			return fmt.Errorf("shard %s: it already runs here", m.pair)
		}
		return m.unpause(h.Session)
	})
}

// place finds the place of a shard that is to move in. A shard that never was
// here gets a new one and runs at once; then there is nothing left to do.
func (f *Fleet) place(h Handover) (*member, error) {
	f.mu.Lock()
	s, busy := f.set, f.next != nil
	f.mu.Unlock()
	switch {
	case f.halt.Err() != nil:
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
	m, err := f.newMember(h.Shard, h.Session)
	if err != nil {
		return nil, err
	}
	if !f.join(m) {
		return nil, fmt.Errorf("shard %s: it already runs here", m.pair)
	}
	m.run()
	return nil, nil
}

// join adds a member to the set. The set is replaced, never changed: others are
// reading it.
func (f *Fleet) join(m *member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.set
	if old.members[m.pair.ID] != nil || old.assignment.Count != m.pair.Count {
		return false
	}
	s := &set{assignment: Assignment{Count: m.pair.Count}, members: map[int]*member{m.pair.ID: m}}
	for id, other := range old.members {
		s.members[id] = other
	}
	for id := range m.pair.Count {
		if member := s.members[id]; member != nil {
			s.order = append(s.order, member)
			s.assignment.IDs = append(s.assignment.IDs, id)
		}
	}
	f.set = s
	f.gate.size(len(s.order))
	return true
}

// Assignment returns the shards of the fleet; the zero one while that is open.
func (f *Fleet) Assignment() Assignment {
	if s := f.current(); s != nil {
		return s.assignment
	}
	return Assignment{}
}

// Shard returns the shard with the number, nil if the fleet does not have it. A
// pause or restart puts another one in its place, so ask again rather than keep
// it.
func (f *Fleet) Shard(id int) *gateway.Shard {
	if s := f.current(); s != nil && s.members[id] != nil {
		return s.members[id].current()
	}
	return nil
}

// ShardFor returns the shard that a guild's events come over; guild 0 stands for
// direct messages. It is nil if another process runs it.
func (f *Fleet) ShardFor(guild uint64) *gateway.Shard {
	s := f.current()
	if s == nil {
		return nil
	}
	if m := s.members[ShardOf(guild, s.assignment.Count)]; m != nil {
		return m.current()
	}
	return nil
}

// Shards returns the shards in order; what is said of [Fleet.Shard] holds.
func (f *Fleet) Shards() []*gateway.Shard {
	var all []*gateway.Shard
	if s := f.current(); s != nil {
		for _, m := range s.order {
			all = append(all, m.current())
		}
	}
	return all
}

// SetPresence gives all shards a presence, those included that are paused or
// made later.
func (f *Fleet) SetPresence(p gateway.Presence) error {
	if err := p.Validate(); err != nil {
		return err
	}
	f.mu.Lock()
	f.presence = &p
	members := f.allMembers()
	f.mu.Unlock()
	var errs []error
	for _, m := range members {
		if err := m.current().SetPresence(p); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Send sends a payload on the shard of a guild, as [gateway.Shard.Send] does.
func (f *Fleet) Send(ctx context.Context, guild uint64, op gateway.Opcode, d any) error {
	shard := f.ShardFor(guild)
	if shard == nil {
		return fmt.Errorf("the shard of guild %d: %w", guild, ErrNoShard)
	}
	return shard.Send(ctx, op, d)
}

// Reconfigure changes the token or the intents of every shard, those included
// that are made later.
func (f *Fleet) Reconfigure(c gateway.Credentials) error {
	if c.Token == "" {
		return errors.New("fleet: a bot token is required")
	}
	f.mu.Lock()
	f.creds = c
	members := f.allMembers()
	f.mu.Unlock()
	var errs []error
	for _, m := range members {
		if err := m.current().Reconfigure(c); err != nil && !errors.Is(err, gateway.ErrStopped) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Stats sums up what the shards have counted. The age is that of the oldest
// event that waits at any of them.
func (f *Fleet) Stats() gateway.Stats {
	var sum gateway.Stats
	if s := f.current(); s != nil {
		for _, m := range s.order {
			sum = sum.Plus(m.stats())
		}
	}
	return sum
}

// Latency is the mean round trip of the shards that have one.
func (f *Fleet) Latency() time.Duration {
	var sum, n time.Duration
	for _, shard := range f.Shards() {
		if l := shard.Latency(); l > 0 {
			sum, n = sum+l, n+1
		}
	}
	return sum / max(1, n)
}

// State is the state of the shard that fares worst: live only when all are.
// Shards that were paused or moved out on purpose do not count while others run.
func (f *Fleet) State() gateway.State {
	s := f.current()
	if s == nil {
		return gateway.Idle{}
	}
	worst, found := gateway.State(gateway.Stopped{}), false
	for _, m := range s.order {
		if m.stands() != Running {
			continue
		}
		state := m.current().State()
		if !found || gateway.Online(worst) && !gateway.Online(state) {
			worst, found = state, true
		}
	}
	return worst
}
