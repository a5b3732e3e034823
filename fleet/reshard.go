package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// stopTimeout is how long the handlers of a set that ends get to finish.
const stopTimeout = 10 * time.Second

// Reshard changes the number of shards without a gap. It brings up a second set beside
// the first, through the same identify limiter; when that is complete, it takes over;
// then the first set ends its sessions. At every moment exactly one set delivers the
// events of a guild, and never do handlers of both work at once. Each event is matched
// with its copy by its content. So nothing is lost and nothing comes twice, also where
// one set is ahead of the other. The handler does not notice, except that Event.Shard
// has another Count: the new set's READYs, and the guilds they name, are not delivered.
//
// It costs one IDENTIFY for each new shard, and returns when the new set delivers and
// the old one is closed. The new set takes over once the handlers of the old one have
// returned. It fails with [ErrHandlersBehind] when an event of the old set has waited
// for its handler to return for five minutes, or when a new shard would have to hold
// back more events than QueueBytes; before any IDENTIFY is spent if that is so from the
// start. When it fails, and when ctx or the fleet ends before the new set takes over, the
// new set is closed and everything stays as it was. When ctx ends after that, handlers
// that hold events of the old set are not waited for.
//
// The fleet must run all shards of the bot, and none of them may be paused. When no
// shard has a session, because Discord refuses them or cannot be reached, and no handler
// is at work, there is nothing to keep. Then the old set ends first, and Reshard returns
// once the new one runs.
func (f *Fleet) Reshard(ctx context.Context, count int) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the number of shards was not changed: %w", err)
	}
	old, next, m, err := f.beginReshard(count)
	if err != nil {
		return err
	}
	f.failed.Store(nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.life.StopContext(), cancel)()
	if err := f.reshard(ctx, old, next, m); err != nil {
		f.failed.Store(&FailedReshard{To: count, At: time.Now(), Err: err})
		return err
	}
	return nil
}

// reshard puts the new set in the place of the old one.
func (f *Fleet) reshard(ctx context.Context, old, next *shardSet, m *migration) (err error) {
	if old.deliversNothing() {
		return f.replaceSet(ctx, old, next)
	}
	for _, member := range next.order {
		member.run()
	}
	if err = m.waitReady(ctx, old, next); err == nil {
		err = f.takeOver(m, old, next) // G-124: the new set is complete before the old one is closed.
	}
	if err != nil {
		f.rollBack(m, next)
		if f.life.Stopping() {
			return ErrStopped
		}
		return fmt.Errorf("the bot keeps its number of shards, %d: %w", old.assignment.Count, err)
	}
	if err := stopWithin(ctx, stopTimeout, old); err != nil {
		return fmt.Errorf("the bot has %d shards now, but an old one could not be closed: %w", next.assignment.Count, err)
	}
	return nil
}

// beginReshard makes the new set.
func (f *Fleet) beginReshard(count int) (old, next *shardSet, m *migration, err error) {
	if err := All(count).Validate(); err != nil {
		return nil, nil, nil, fmt.Errorf("the number of shards cannot become %d: %w", count, err)
	}
	if old, err = f.reserveReshard(count); err != nil {
		return nil, nil, nil, err
	}
	m = newMigration(old, count, f.roomOf(count), f.opts.Shard.Handler, f.opts.Shard.Observer)
	m.setWaitingFor("the new shards to be made")
	next, err = f.newShards(All(count), sessionsLater, func(gateway.ShardID) gateway.Session { return gateway.Session{} })
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.nextSet = nil
		return nil, nil, nil, err
	}
	f.nextSet = next
	f.updateMembersLocked(next.order...)
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
	case f.nextSet != nil:
		return nil, ErrResharding
	case f.migration.Load() != nil:
		return nil, fmt.Errorf("%w: copies of events of the earlier shards may still come, for a minute or two, or handlers have not returned", ErrResharding)
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
	if err := old.checkHandlers(nil); err != nil {
		return nil, fmt.Errorf("the bot keeps its number of shards, %d: %w", old.assignment.Count, err)
	}
	f.nextSet = &shardSet{assignment: Assignment{Count: count}}
	return old, nil
}

// takeOver makes the new set the one that delivers. From here on nothing undoes it.
func (f *Fleet) takeOver(m *migration, old, next *shardSet) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.life.Stopping() {
		return ErrStopped
	}
	// In this order: whenever the process dies, the sessions that are saved have all that
	// is not handled.
	save := func() {
		next.saveSessions()
		old.forgetSessions()
	}
	if err := m.takeOver(save, f.work.Go); err != nil {
		return err
	}
	f.setShardsLocked(next)
	f.work.Go(func() { f.endMigration(m, next) })
	return nil
}

// setShardsLocked puts the new set in the place of the old one. The caller holds mu.
func (f *Fleet) setShardsLocked(next *shardSet) {
	f.set, f.nextSet = next, nil
	f.dialLimiter.setShards(len(next.order))
}

// replaceSet puts the new set in the place of one that delivers nothing.
func (f *Fleet) replaceSet(ctx context.Context, old, next *shardSet) error {
	err := stopWithin(ctx, stopTimeout, old)
	old.forgetSessions()
	next.saveSessions()
	f.mu.Lock()
	f.setShardsLocked(next)
	f.migration.Store(nil)
	f.mu.Unlock()
	for _, m := range next.order {
		m.run()
	}
	if f.life.Stopping() {
		return ErrStopped
	}
	return err
}

// rollBack closes the new set and leaves everything as it was.
func (f *Fleet) rollBack(m *migration, next *shardSet) {
	m.discard()
	_ = stopWithin(context.Background(), stopTimeout, next) // no handler works for it
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nextSet = nil
	f.migration.Store(nil)
	f.dialLimiter.setShards(len(f.set.order))
}

// endMigration keeps the migration for the copies that are still to come and for what is
// buffered. Then events go straight to the handler again.
func (f *Fleet) endMigration(m *migration, next *shardSet) {
	tick := time.NewTicker(copyTimeout / 12)
	defer tick.Stop()
	tookOver, had := time.Now(), make([]barrier, len(next.order))
	for !m.isOver(time.Now(), tookOver, next, had) {
		select {
		case <-tick.C:
		case <-f.life.StopContext().Done():
			return // what is still handled is matched to the end
		}
	}
	f.migration.Store(nil)
}

// stopWithin ends the sessions of a set whose handlers get limited time.
func stopWithin(ctx context.Context, limit time.Duration, set *shardSet) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return stopAll(ctx, set.order, gateway.EndSession)
}
