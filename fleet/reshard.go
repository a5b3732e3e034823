package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// Reshard changes the number of shards with no gap, as Discord advises (G-124):
// a second set is brought up beside the first, through the same identify permit;
// when it is complete, it takes over; then the first set says goodbye. At every
// moment exactly one set delivers the events of a guild. Each event is told from
// its copy by what it is about, so nothing is lost and nothing comes twice, also
// where one set is ahead of the other. The handler does not notice, except that
// Event.Shard has another count: the new set's READYs, and the guilds they name,
// are not delivered.
//
// It costs one IDENTIFY for each new shard, and returns when the new set
// delivers and the old one is closed. When ctx ends before that, the new set is
// closed and everything stays as it was. The fleet must run all shards of the
// bot, and none of them may be paused. When no shard has a session, because
// Discord refuses them or cannot be reached, there is nothing to keep: the old
// set ends first, and Reshard returns once the new one runs.
func (f *Fleet) Reshard(ctx context.Context, count int) error {
	old, next, c, err := f.beginReshard(count)
	if err != nil {
		return err
	}
	if old.idle() {
		return f.replace(old, next)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.halt, cancel)()
	for _, m := range next.order {
		m.run()
	}
	if err := c.await(ctx, old, next); err != nil {
		f.abandon(c, next)
		if f.halt.Err() != nil {
			return ErrStopped
		}
		return fmt.Errorf("the bot keeps its %d shards: %w", old.assignment.Count, err)
	}
	// Nothing may stop it from here on: the lanes take a moment each.
	c.cross()
	f.mu.Lock()
	f.set, f.next = next, nil
	f.gate.size(len(next.order))
	f.mu.Unlock()
	leave, done := context.WithTimeout(context.Background(), farewell)
	defer done()
	err = stopAll(leave, old.order, gateway.EndSession)
	f.finish(c)
	return err
}

// idle reports whether no shard of the set has a session.
func (s *set) idle() bool {
	for _, m := range s.order {
		if !m.idle() {
			return false
		}
	}
	return true
}

// replace lets the new set take the place of one that delivers nothing.
func (f *Fleet) replace(old, next *set) error {
	leave, done := context.WithTimeout(context.Background(), farewell)
	defer done()
	err := stopAll(leave, old.order, gateway.EndSession)
	f.mu.Lock()
	f.set, f.next = next, nil
	f.crossing.Store(nil)
	f.gate.size(len(next.order))
	f.mu.Unlock()
	for _, m := range next.order {
		m.run()
	}
	return err
}

// farewell is how long the handlers of the old set get to finish.
const farewell = 10 * time.Second

// beginReshard makes the new set.
func (f *Fleet) beginReshard(count int) (old, next *set, c *crossing, err error) {
	if count < 1 || count > MaxCount {
		return nil, nil, nil, fmt.Errorf("a bot cannot have %d shards", count)
	}
	// No operation on a single shard may begin from here on.
	f.mu.Lock()
	old = f.set
	switch {
	case f.halt.Err() != nil:
		err = ErrStopped
	case f.next != nil, f.crossing.Load() != nil:
		err = ErrResharding
	case !f.running:
		err = errors.New("the fleet does not run")
	case !old.assignment.Whole():
		err = errors.New("other processes run shards of this bot; only a process that runs all of them can change their number by itself")
	case old.assignment.Count == count:
		err = fmt.Errorf("the bot has %d shards already", count)
	}
	for _, m := range old.members {
		if s := m.stands(); err == nil && s != Running {
			err = fmt.Errorf("shard %s is %s; resume it first", m.pair, s)
		}
	}
	if err == nil {
		f.next = &set{} // takes the place
	}
	f.mu.Unlock()
	if err != nil {
		return nil, nil, nil, err
	}
	handler := f.opts.Shard.Handler
	if handler == nil {
		handler = gateway.HandlerFunc(func(context.Context, gateway.Event) {})
	}
	c = newCrossing(count, handler)
	c.say("the new shards to be made")
	next, err = f.muster(All(count), func(gateway.ShardID) gateway.Session { return gateway.Session{} })
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.next = nil
		return nil, nil, nil, err
	}
	f.next = next
	f.crossing.Store(c)
	f.gate.size(len(old.order) + len(next.order))
	return old, next, c, nil
}

// abandon closes the new set and leaves everything as it was.
func (f *Fleet) abandon(c *crossing, next *set) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	for _, l := range c.lanes {
		l.dismiss()
	}
	_ = stopAll(ctx, next.order, gateway.EndSession)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = nil
	f.crossing.Store(nil)
	f.gate.size(len(f.set.order))
}

// finish keeps the lanes for the copies that are still to come, and then lets
// events take the straight way again.
func (f *Fleet) finish(c *crossing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.halt.Err() != nil {
		return
	}
	f.work.Go(func() {
		timer := time.NewTimer(remembered)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.halt.Done():
		}
		f.crossing.CompareAndSwap(c, nil)
	})
}

// look is how often a re-shard looks whether it can go on.
const look = 100 * time.Millisecond

// await returns when the new set may take over.
func (c *crossing) await(ctx context.Context, old, next *set) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	pruned := time.Now()
	for {
		now := time.Now()
		waits, err := c.judge(now, old, next)
		if err != nil || waits == "" {
			return err
		}
		c.say(waits)
		if now.Sub(pruned) > remembered/6 {
			pruned = now
			for i, l := range c.lanes {
				if s := next.order[i].current(); gateway.Online(s.State()) || s.Session().ID == "" {
					l.prune(now)
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("it was waited for %s: %w", waits, ctx.Err())
		}
	}
}

func (c *crossing) say(waits string) { c.waits.Store(&waits) }

// judge says what has to be waited for before the new set may take over; nothing
// when it may. An error means that it never will.
func (c *crossing) judge(now time.Time, old, next *set) (waits string, err error) {
	var full time.Time // when the last lane became complete
	for i, m := range next.order {
		state := m.current().State()
		if p, parked := state.(gateway.Parked); parked {
			return "", fmt.Errorf("the new shard %s was refused: %s", m.pair, p.Reason)
		}
		at, complete := c.lanes[i].since(now)
		if !complete || !gateway.Online(state) {
			return fmt.Sprintf("the new shard %s to be complete", m.pair), nil
		}
		if at.After(full) {
			full = at
		}
	}
	// Whatever left Discord before the new sessions were complete must have come
	// over the old ones: they have answered a heartbeat since, and the handlers
	// have got as far.
	for _, m := range old.order {
		if m.idle() {
			continue // it has nothing to deliver
		}
		shard := m.current()
		if !gateway.Online(shard.State()) || !shard.LastACK().After(full) {
			return fmt.Sprintf("the old shard %s to answer a heartbeat", m.pair), nil
		}
		if age := shard.Stats().QueuedAge; age > 0 && !now.Add(-age).After(full) {
			return fmt.Sprintf("the handlers of the old shard %s to catch up", m.pair), nil
		}
	}
	return "", nil
}

// cross lets the new set take over, all lanes side by side.
func (c *crossing) cross() {
	c.say("the handlers of the old set")
	done := make(chan struct{}, len(c.lanes))
	for _, l := range c.lanes {
		go func() {
			l.cross(context.Background(), c.handler)
			done <- struct{}{}
		}()
	}
	for range c.lanes {
		<-done
	}
}

// dismiss drops what is held for a new set that does not take over.
func (l *lane) dismiss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.held {
		e.done()
	}
	l.held = nil
	clear(l.ahead)
}
