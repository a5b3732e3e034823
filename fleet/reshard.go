package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// stopTimeout is how long the handlers of a set that is given up get to finish.
const stopTimeout = 10 * time.Second

// Reshard changes the number of shards without a gap. It brings up a second set beside
// the first, through the same identify limiter; when that is complete, it takes over;
// then the first set ends its sessions. At every moment exactly one set delivers the
// events of a guild. Each event is matched with its copy by its content. So nothing is
// lost and nothing comes twice, also where one set is ahead of the other. The handler
// does not notice, except that Event.Shard has another Count: the new set's READYs, and
// the guilds they name, are not delivered.
//
// It costs one IDENTIFY for each new shard, and returns when the new set delivers and
// the old one is closed. When ctx ends before that, the new set is closed and
// everything stays as it was. The fleet must run all shards of the bot, and none of
// them may be paused. When no shard has a session, because Discord refuses them or
// cannot be reached, there is nothing to keep. Then the old set ends first, and Reshard
// returns once the new one runs.
func (f *Fleet) Reshard(ctx context.Context, count int) error {
	old, next, m, err := f.beginReshard(count)
	if err != nil {
		return err
	}
	if old.hasNoSession() {
		return f.replaceSet(old, next)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.life.StopContext(), cancel)()
	for _, member := range next.order {
		member.run()
	}
	if err := m.waitReady(ctx, old, next); err != nil {
		f.rollBack(m, next)
		if f.life.Stopping() {
			return ErrStopped
		}
		return fmt.Errorf("the bot keeps its %d shards: %w", old.assignment.Count, err)
	}
	// From here on nothing may end it: each shard is taken over within seconds.
	m.takeOver() // G-124: the new set is complete before the old one is closed.
	f.setShards(next)
	err = stopWithin(stopTimeout, old, gateway.EndSession)
	f.endMigration(m)
	return err
}

// beginReshard makes the new set.
func (f *Fleet) beginReshard(count int) (old, next *shardSet, m *migration, err error) {
	if err := All(count).Validate(); err != nil {
		return nil, nil, nil, fmt.Errorf("the number of shards cannot become %d: %w", count, err)
	}
	if old, err = f.reserveReshard(count); err != nil {
		return nil, nil, nil, err
	}
	handler := f.opts.Shard.Handler
	if handler == nil {
		handler = gateway.HandlerFunc(func(context.Context, gateway.Event) {})
	}
	m = newMigration(count, handler)
	m.setWaitingFor("the new shards to be made")
	next, err = f.newShards(All(count), func(gateway.ShardID) gateway.Session { return gateway.Session{} })
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.nextSet = nil
		return nil, nil, nil, err
	}
	f.nextSet = next
	f.migration.Store(m)
	f.dialLimiter.setShards(len(old.order) + len(next.order))
	return old, next, m, nil
}

// reserveReshard checks whether the number may be changed. From here on no
// operation on a single shard can begin.
func (f *Fleet) reserveReshard(count int) (old *shardSet, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old = f.set
	switch {
	case f.life.Stopping():
		return nil, ErrStopped
	case f.nextSet != nil, f.migration.Load() != nil:
		return nil, ErrResharding
	case !f.running:
		return nil, errors.New("the fleet does not run")
	case !old.assignment.Whole():
		return nil, errors.New("other processes run shards of this bot; only a process that runs all of them can change their number by itself")
	case old.assignment.Count == count:
		return nil, fmt.Errorf("the bot has %d shards already", count)
	}
	for _, m := range old.order {
		if mode := m.currentMode(); mode != Running {
			return nil, fmt.Errorf("shard %s is %s; resume it first", m.shardID, mode)
		}
	}
	f.nextSet = &shardSet{}
	return old, nil
}

// setShards makes the new set the one that delivers.
func (f *Fleet) setShards(next *shardSet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set, f.nextSet = next, nil
	f.dialLimiter.setShards(len(next.order))
}

// replaceSet puts the new set in the place of one that delivers nothing.
func (f *Fleet) replaceSet(old, next *shardSet) error {
	err := stopWithin(stopTimeout, old, gateway.EndSession)
	f.setShards(next)
	f.migration.Store(nil)
	for _, m := range next.order {
		m.run()
	}
	return err
}

// rollBack closes the new set and leaves everything as it was.
func (f *Fleet) rollBack(m *migration, next *shardSet) {
	m.discard()
	_ = stopWithin(stopTimeout, next, gateway.EndSession)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nextSet = nil
	f.migration.Store(nil)
	f.dialLimiter.setShards(len(f.set.order))
}

// endMigration keeps the migration for the copies that are still to come. Then
// events go straight to the handler again.
func (f *Fleet) endMigration(m *migration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.life.Stopping() {
		return
	}
	f.work.Go(func() {
		timer := time.NewTimer(copyTimeout)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.life.StopContext().Done():
		}
		f.migration.CompareAndSwap(m, nil)
	})
}

// stopWithin stops a set whose handlers get limited time.
func stopWithin(limit time.Duration, set *shardSet, mode gateway.StopMode) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return stopAll(ctx, set.order, mode)
}
