package fleet

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"evergreen/gateway"
)

// migration is the change from an old set of shards to a new one. Meanwhile both have
// sessions, and Discord sends each a copy of every event. The old set delivers until the
// moment of takeOver, the new one from then on.
//
// The two never work on one guild at once. Before takeOver the gate of every old shard is
// closed and the handler behind it has returned; what arrives meanwhile waits. So until
// that moment everything can be undone, and nothing is missing.
type migration struct {
	count    int // shards of the new set
	handler  gateway.Handler
	observer gateway.Observer
	gates    []*gate                // one for each old shard
	shards   []*shardMigration      // one for each new shard
	waiting  atomic.Pointer[string] // what the change waits for, for a person
}

const (
	// checkInterval is how often a migration checks whether the new set may take over.
	checkInterval = 100 * time.Millisecond
	// handlersTimeout is how old an event of an old shard may be whose handler has not
	// returned. After that the new set does not take over any more.
	handlersTimeout = 5 * time.Minute
	// slowHandler is how long a handler runs before the other shards stop waiting for it
	// with closed gates.
	slowHandler = 5 * time.Second
)

func newMigration(old *shardSet, count int, room room, handler gateway.Handler, observer gateway.Observer) *migration {
	if handler == nil {
		handler = gateway.HandlerFunc(func(context.Context, gateway.Event) {})
	}
	m := &migration{count: count, handler: handler, observer: observer}
	for range old.order {
		m.gates = append(m.gates, newGate())
	}
	for range count {
		m.shards = append(m.shards, newShardMigration(room.queueBytes))
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
	if e.Shard.Count == m.count {
		m.routeNew(ctx, e)
	} else {
		m.routeOld(ctx, e)
	}
}

// routeOld delivers an event of the old set, unless the new one has taken over. Then that
// delivers its copy.
func (m *migration) routeOld(ctx context.Context, e gateway.Event) {
	single := sessionEvents[e.Type] // it has no copy
	gate := m.gates[e.Shard.ID]
	if !gate.enter() {
		if single {
			m.shardOf(readEvent(e.Type, e.Data)).deliver(ctx, e, m.handler)
		}
		return
	}
	defer gate.leave() // also when the handler panics
	if !single && e.Type != "READY" && e.Type != "RESUMED" {
		info := readEvent(e.Type, e.Data)
		m.shardOf(info).noteDelivered(info.key)
	}
	m.handler.HandleEvent(ctx, e)
}

// routeNew delivers an event of the new set if that has taken over and the old one has
// not delivered the copy.
func (m *migration) routeNew(ctx context.Context, e gateway.Event) {
	if s := m.shards[e.Shard.ID]; s.receive(ctx, e) {
		s.deliver(ctx, e, m.handler)
	}
}

// shardOf returns the new shard that an event comes over.
func (m *migration) shardOf(info eventInfo) *shardMigration {
	return m.shards[ShardOf(info.guild, m.count)]
}

// waitReady returns when the new set may take over: the gates are closed then, and no
// handler of the old set runs.
func (m *migration) waitReady(ctx context.Context, old, next *shardSet) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	had := make([]barrier, len(old.order)) // what Discord sent before the new set was complete
	for {
		now := time.Now()
		blockedBy, err := m.blockedBy(now, old, next, had)
		if err != nil {
			return err
		}
		if blockedBy == "" {
			blockedBy = m.closeGates(now, old)
		} else {
			m.openGates()
		}
		if blockedBy == "" {
			return nil
		}
		m.setWaitingFor(blockedBy)
		for i, shard := range m.shards {
			shard.prune(now, next.order[i])
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for %s: %w", blockedBy, ctx.Err())
		}
	}
}

// blockedBy returns what has to be waited for before the gates may be closed, and
// nothing when they may. An error means that the new set never takes over. had is kept
// from one call to the next.
func (m *migration) blockedBy(now time.Time, old, next *shardSet, had []barrier) (what string, err error) {
	if err := old.checkHandlers(m.gates); err != nil {
		return "", err
	}
	var complete time.Time // when the last new shard became complete
	for i, member := range next.order {
		state := member.current().State()
		if p, parked := state.(gateway.Parked); parked {
			return "", fmt.Errorf("the new shard %s was refused: %s", member.shardID, p.Reason)
		}
		if err := m.fullError(i, m.shards[i].fullness()); err != nil {
			return "", err
		}
		at, ok := m.shards[i].completeSince(now)
		if !ok || !gateway.Online(state) {
			return fmt.Sprintf("the new shard %s to be complete", member.shardID), nil
		}
		if at.After(complete) {
			complete = at
		}
	}
	// What Discord sent before the new sessions were complete may have no copy. An old
	// shard has all of it once a heartbeat that was sent later is answered and nothing is
	// left with Discord; then its handlers have to get through it.
	for i, member := range old.order {
		switch ready, passed := had[i].check(now, complete, member); {
		case !ready:
			return fmt.Sprintf("the old shard %s to answer a heartbeat", member.shardID), nil
		case !passed:
			return fmt.Sprintf("the handlers of the old shard %s to catch up", member.shardID), nil
		}
	}
	return "", nil
}

// barrier is a moment at which a shard had received everything that Discord sent it
// before some other moment.
type barrier struct {
	since, at time.Time
}

// check reports whether the shard has received what Discord sent before since, and
// whether its handlers have had that too. A shard without a session gets nothing more.
func (b *barrier) check(now, since time.Time, m *member) (received, handled bool) {
	shard := m.current()
	if b.at.IsZero() || since.After(b.since) {
		state, overflow := shard.State(), shard.HasOverflow() // in this order: a RESUME ends the overflow before it is online
		answered := shard.LastACK().Add(-shard.Latency()).After(since)
		if !m.hasNoSession() && !(gateway.Online(state) && !overflow && answered) {
			return false, false
		}
		b.since, b.at = since, now
	}
	age := shard.Stats().QueuedAge
	return true, age == 0 || now.Add(-age).After(b.at)
}

// handlersAdvice is what a person does about handlers that are too far behind.
const handlersAdvice = ". Let HandleEvent return sooner, or do long work elsewhere with Event.Hold, and change the number again once they have caught up"

// checkHandlers returns an error when the handlers of a shard are further behind than a
// migration waits for. Of several it names one whose handler is at work. There are no
// gates before the migration begins.
func (s *shardSet) checkHandlers(gates []*gate) error {
	var late error
	for i, m := range s.order {
		age := m.current().Stats().QueuedAge
		if age < handlersTimeout {
			continue
		}
		err := fmt.Errorf("%w: an event of shard %s has waited %s for its handler to return, and the most is %s; the shard goes on with it%s",
			ErrHandlersBehind, m.shardID, age.Round(time.Second), handlersTimeout, handlersAdvice)
		if gates == nil || gates[i].isBusy() {
			return err
		}
		late = err
	}
	return late
}

// fullError says that too much had to be held back for a new shard; nil: it had not.
func (m *migration) fullError(id int, full fullness) error {
	shard := gateway.ShardID{ID: id, Count: m.count}
	switch full {
	case fullBuffer:
		return fmt.Errorf("%w: more events than QueueBytes allows have come over the new shard %s and wait until the old shards have handled them; those go on%s",
			ErrHandlersBehind, shard, handlersAdvice)
	case fullDelivered:
		return fmt.Errorf("the new shard %s is too far behind the old ones, which go on: too many events have come over those and not over it; change the number again when its connection is better", shard)
	}
	return nil
}

// closeGates lets no further event of the old set through, and returns which handler is
// to be waited for; nothing when all have returned. While a handler takes its time, the
// gates of the other shards stay open, so that no guild waits for that of another.
func (m *migration) closeGates(now time.Time, old *shardSet) (busy string) {
	slow := false
	for _, g := range m.gates {
		slow = g.noteSlow(now) || slow
	}
	for i, g := range m.gates {
		if g.set(!slow || g.isSlow()); busy == "" && g.isBusy() {
			busy = fmt.Sprintf("a handler of the old shard %s to return", old.order[i].shardID)
		}
	}
	return busy
}

func (m *migration) openGates() {
	for _, g := range m.gates {
		g.set(false)
	}
}

// takeOver lets the new set deliver: first what is buffered, in order, on goroutines that
// run starts. It calls save in the moment in which neither set delivers. The gates are
// closed and no handler runs.
func (m *migration) takeOver(save func(), run func(func())) error {
	for _, s := range m.shards {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	for id, s := range m.shards {
		if err := m.fullError(id, s.full); err != nil {
			return err
		}
	}
	save()
	for _, s := range m.shards {
		s.takenOver = true
		if events := s.takeBuffer(); len(events) > 0 {
			s.draining = true
			s.turn <- struct{}{} // free: nothing was delivered before
			run(func() { m.drain(s, events) })
		}
	}
	for _, g := range m.gates {
		g.takeOver()
	}
	return nil
}

// drain delivers what was buffered, before anything else. It ends when the shard no
// longer waits for handlers; what is left stays held, and the session brings it again.
func (m *migration) drain(s *shardMigration, events []*buffered) {
	defer s.endDrain()
	for _, b := range events {
		if b.ctx.Err() != nil {
			return
		}
		m.pass(b)
	}
}

// pass delivers a buffered event. A panic costs that event and is reported as a shard
// does.
func (m *migration) pass(b *buffered) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		b.release()
		if m.observer != nil {
			m.observer.Observe(gateway.Observation{
				Shard: b.event.Shard, At: time.Now(),
				Event: gateway.HandlerPanicked{Type: b.event.Type, Value: fmt.Sprint(v), Stack: string(debug.Stack())},
			})
		}
	}()
	b.event.Pass(b.ctx, m.handler)
}

// isOver reports whether no copy of what the old set has delivered can still come, and
// everything that was buffered is delivered.
func (m *migration) isOver(now, tookOver time.Time, next *shardSet, had []barrier) bool {
	over := now.Sub(tookOver) >= copyTimeout
	for i, s := range m.shards {
		s.prune(now, next.order[i])
		if over = over && !s.isDraining(); over {
			_, over = had[i].check(now, tookOver.Add(copyTimeout), next.order[i])
		}
	}
	return over
}

// discard gives the new set up: what is buffered is dropped, and the old set delivers as
// ever.
func (m *migration) discard() {
	for _, s := range m.shards {
		s.discard()
	}
	m.openGates()
}
