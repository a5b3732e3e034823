package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// Assignment returns which shards the fleet runs; the zero Assignment until that is
// decided.
func (f *Fleet) Assignment() Assignment {
	if s := f.currentSet(); s != nil {
		return s.assignment
	}
	return Assignment{}
}

// Shard returns the shard with the number, nil if the fleet does not have it. A
// pause or restart puts another one in its place, so ask again rather than keep
// it.
func (f *Fleet) Shard(id int) *gateway.Shard {
	if s := f.currentSet(); s != nil && s.members[id] != nil {
		return s.members[id].current()
	}
	return nil
}

// ShardFor returns the shard that a guild's events come over; guild 0 stands for
// direct messages. It is nil if another process runs it.
func (f *Fleet) ShardFor(guild uint64) *gateway.Shard {
	s := f.currentSet()
	if s == nil {
		return nil
	}
	if m := s.members[ShardOf(guild, s.assignment.Count)]; m != nil {
		return m.current()
	}
	return nil
}

// Shards returns the shards in order. As with [Fleet.Shard], do not keep them.
func (f *Fleet) Shards() []*gateway.Shard {
	var all []*gateway.Shard
	if s := f.currentSet(); s != nil {
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
	defer f.mu.Unlock() // of two calls the later one holds for every shard
	f.presence = &p
	var errs []error
	for _, m := range f.allMembers() {
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
	defer f.mu.Unlock() // of two calls the later one holds for every shard
	f.credentials = c
	var errs []error
	for _, m := range f.allMembers() {
		if err := m.current().Reconfigure(c); !errors.Is(err, gateway.ErrStopped) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Stats returns the sum of what the shards have counted. The age is that of the oldest
// event that waits at any of them.
func (f *Fleet) Stats() gateway.Stats {
	var sum gateway.Stats
	if s := f.currentSet(); s != nil {
		for _, m := range s.order {
			sum = sum.Plus(m.stats())
		}
	}
	return sum
}

// Latency returns the mean round trip of the shards that have one; zero if none has.
func (f *Fleet) Latency() time.Duration {
	var sum, n time.Duration
	for _, shard := range f.Shards() {
		if l := shard.Latency(); l > 0 {
			sum, n = sum+l, n+1
		}
	}
	return sum / max(1, n)
}

// State returns a state that is online only if all shards are; otherwise it is that
// of a shard that is not. Shards that were paused or moved out do not count while
// others run.
func (f *Fleet) State() gateway.State {
	s := f.currentSet()
	if s == nil {
		return gateway.Idle{}
	}
	worst, found := gateway.State(gateway.Stopped{}), false
	for _, m := range s.order {
		if m.currentMode() != Running {
			continue
		}
		state := m.current().State()
		if !found || gateway.Online(worst) && !gateway.Online(state) {
			worst, found = state, true
		}
	}
	return worst
}
