package fleet

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
)

// migration is the change from an old set of shards to a new one. Meanwhile both have
// sessions, and Discord sends each a copy of every event. Which set delivers is decided
// for each new shard by itself, see [shardMigration].
type migration struct {
	count   int // shards of the new set
	handler gateway.Handler
	shards  []*shardMigration
	waiting atomic.Pointer[string] // what the change waits for, for a person
}

// checkInterval is how often a migration checks whether the new set may take over.
const checkInterval = 100 * time.Millisecond

func newMigration(count int, handler gateway.Handler) *migration {
	m := &migration{count: count, handler: handler, shards: make([]*shardMigration, count)}
	for id := range m.shards {
		m.shards[id] = newShardMigration()
	}
	return m
}

func (m *migration) setWaitingFor(text string) { m.waiting.Store(&text) }

func (m *migration) waitingFor() string {
	if text := m.waiting.Load(); text != nil {
		return *text
	}
	return ""
}

// openShard is called when a shard is about to identify. From now on the session
// of a new shard gets events, so copies are expected of what the old set delivers.
func (m *migration) openShard(shard gateway.ShardID) {
	if shard.Count == m.count {
		m.shards[shard.ID].open()
	}
}

// route takes an event of either set.
func (m *migration) route(ctx context.Context, e gateway.Event) {
	switch {
	case sessionEvents[e.Type]:
		m.handler.HandleEvent(ctx, e)
	case e.Shard.Count == m.count:
		if m.shards[e.Shard.ID].handleNew(e) {
			m.handler.HandleEvent(ctx, e)
		}
	case e.Type == "READY" || e.Type == "RESUMED":
		m.handler.HandleEvent(ctx, e)
	default:
		info := readEvent(e.Type, e.Data)
		m.shards[ShardOf(info.guild, m.count)].handleOld(ctx, e, info.key, m.handler)
	}
}

// waitReady returns when the new set may take over.
func (m *migration) waitReady(ctx context.Context, old, next *shardSet) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	pruned := time.Now()
	for {
		now := time.Now()
		blockedBy, err := m.blockedBy(now, old, next)
		if err != nil || blockedBy == "" {
			return err
		}
		m.setWaitingFor(blockedBy)
		if now.Sub(pruned) > copyTimeout/6 {
			pruned = now
			for i, shard := range m.shards {
				// While the new shard is away its copies may be late.
				if s := next.order[i].current(); gateway.Online(s.State()) || s.Session().ID == "" {
					shard.prune(now)
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for %s: %w", blockedBy, ctx.Err())
		}
	}
}

// blockedBy returns what has to be waited for before the new set may take over, and
// nothing when it may. An error means that it never will.
func (m *migration) blockedBy(now time.Time, old, next *shardSet) (what string, err error) {
	var complete time.Time // when the last new shard became complete
	for i, member := range next.order {
		state := member.current().State()
		if p, parked := state.(gateway.Parked); parked {
			return "", fmt.Errorf("the new shard %s was refused: %s", member.shardID, p.Reason)
		}
		at, ok := m.shards[i].completeSince(now)
		if !ok || !gateway.Online(state) {
			return fmt.Sprintf("the new shard %s to be complete", member.shardID), nil
		}
		if at.After(complete) {
			complete = at
		}
	}
	// The old set may go once Discord has answered a heartbeat of each old shard after
	// that moment and its queue has passed it. Then the handlers have had all that
	// Discord sent before the new sessions were complete.
	for _, member := range old.order {
		if member.hasNoSession() {
			continue // it has nothing to deliver
		}
		shard := member.current()
		if !gateway.Online(shard.State()) || !shard.LastACK().After(complete) {
			return fmt.Sprintf("the old shard %s to answer a heartbeat", member.shardID), nil
		}
		if age := shard.Stats().QueuedAge; age > 0 && !now.Add(-age).After(complete) {
			return fmt.Sprintf("the handlers of the old shard %s to catch up", member.shardID), nil
		}
	}
	return "", nil
}

// takeOver lets the new set deliver, all its shards side by side.
func (m *migration) takeOver() {
	m.setWaitingFor("the handlers of the old set")
	var group sync.WaitGroup
	for _, shard := range m.shards {
		group.Go(func() { shard.takeOver(m.handler) })
	}
	group.Wait()
}

// discard drops what is buffered for a new set that does not take over.
func (m *migration) discard() {
	for _, shard := range m.shards {
		shard.discard()
	}
}
