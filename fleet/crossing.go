package fleet

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
)

// crossing is the change from one set of shards to another, while both have
// sessions and Discord sends each a copy of every event. It has a lane for each
// new shard: its guilds are delivered by the old set until the lane is crossed,
// and by the new one from then on. In between nothing is decided by time. What
// the old set has delivered is remembered until the new set's copy has come, and
// is then dropped; what the new set has first is held until the old set has
// delivered it, or the lane is crossed.
type crossing struct {
	to      int
	handler gateway.Handler
	lanes   []*lane
	waits   atomic.Pointer[string]
}

// remembered is how long an event that the old set delivered waits for its copy.
// It has none when it left Discord before the new session began.
const remembered = time.Minute

func newCrossing(to int, handler gateway.Handler) *crossing {
	c := &crossing{to: to, handler: handler, lanes: make([]*lane, to)}
	for id := range c.lanes {
		c.lanes[id] = &lane{
			behind: make(map[identity][]time.Time), ahead: make(map[identity][]*early), calm: make(chan struct{}, 1),
		}
	}
	return c
}

func (c *crossing) waitsFor() string {
	if text := c.waits.Load(); text != nil {
		return *text
	}
	return ""
}

// begin opens the lane of a new shard that is about to identify: whatever its
// session gets from now on, the old set's copies are remembered.
func (c *crossing) begin(pair gateway.ShardID) {
	if pair.Count == c.to {
		l := c.lanes[pair.ID]
		l.mu.Lock()
		l.open = true
		l.mu.Unlock()
	}
}

// route takes an event of either set.
func (c *crossing) route(ctx context.Context, e gateway.Event) {
	switch {
	case personal[e.Type]:
		c.handler.HandleEvent(ctx, e)
	case e.Shard.Count == c.to:
		c.lanes[e.Shard.ID].fresh(ctx, e, c.handler)
	case e.Type == "READY" || e.Type == "RESUMED":
		c.handler.HandleEvent(ctx, e)
	default:
		s := examine(e.Type, e.Data)
		c.lanes[ShardOf(s.guild, c.to)].old(ctx, e, s.identity, c.handler)
	}
}

// lane is the part of a crossing that one new shard takes over.
type lane struct {
	mu      sync.Mutex // never held while a handler runs
	open    bool       // the new shard has asked for its session
	closed  bool       // the old set delivers nothing any more
	crossed bool       // the new set delivers

	behind map[identity][]time.Time // delivered by the old set, the copy has not come
	ahead  map[identity][]*early    // come to the new set, not delivered by the old one
	held   []*early                 // the same, in order
	busy   int                      // handlers that work for the old set
	calm   chan struct{}            // one slot: busy may be 0

	ready   time.Time           // when READY came
	arrived time.Time           // when READY or the latest guild it names came
	pending map[uint64]struct{} // guilds that READY named and that have not come
}

// early is an event that the new set has first.
type early struct {
	event gateway.Event
	done  func()
	gone  bool // the old set has delivered it
}

// old takes an event of the old set: it is delivered unless the lane is closed,
// and then the new set delivers its copy.
func (l *lane) old(ctx context.Context, e gateway.Event, id identity, h gateway.Handler) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	switch copies := l.ahead[id]; {
	case len(copies) > 0:
		copies[0].gone = true
		copies[0].done()
		if l.ahead[id] = copies[1:]; len(copies) == 1 {
			delete(l.ahead, id)
		}
	case l.open:
		l.behind[id] = append(l.behind[id], time.Now())
	}
	l.busy++
	l.mu.Unlock()
	defer func() { // also when the handler panics
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.busy--; l.busy == 0 {
			select {
			case l.calm <- struct{}{}:
			default:
			}
		}
	}()
	h.HandleEvent(ctx, e)
}

// fresh takes an event of the new set.
func (l *lane) fresh(ctx context.Context, e gateway.Event, h gateway.Handler) {
	if l.takes(e) {
		h.HandleEvent(ctx, e)
	}
}

// takes reports whether an event of the new set is to be delivered now.
func (l *lane) takes(e gateway.Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Type {
	case "READY":
		l.begun(e)
		return l.crossed
	case "RESUMED":
		return l.crossed
	}
	s := examine(e.Type, e.Data)
	if copies := l.behind[s.identity]; len(copies) > 0 {
		if l.behind[s.identity] = copies[1:]; len(copies) == 1 {
			delete(l.behind, s.identity)
		}
		l.settle(e, s)
		return false
	}
	if l.crossed {
		l.settle(e, s)
		return true
	}
	if l.settle(e, s) {
		return false // the old set told of the guild long ago
	}
	held := &early{event: e, done: e.Hold()}
	l.held = append(l.held, held)
	l.ahead[s.identity] = append(l.ahead[s.identity], held)
	return false
}

// begun notes READY and the guilds it names. The caller holds mu.
func (l *lane) begun(e gateway.Event) {
	var ready struct {
		Guilds []struct {
			ID string `json:"id"`
		} `json:"guilds"`
	}
	_ = json.Unmarshal(e.Data, &ready) // the shard has read it; one without guilds has none to wait for
	l.pending = make(map[uint64]struct{}, len(ready.Guilds))
	for _, g := range ready.Guilds {
		l.pending[snowflake(g.ID)] = struct{}{}
	}
	l.ready = time.Now()
	l.arrived = l.ready
}

// settle reports whether the event is the first word of a guild that READY
// named. The caller holds mu.
func (l *lane) settle(e gateway.Event, s subject) bool {
	if e.Type != "GUILD_CREATE" && e.Type != "GUILD_DELETE" {
		return false
	}
	if _, named := l.pending[s.guild]; !named {
		return false
	}
	delete(l.pending, s.guild)
	l.arrived = time.Now()
	return true
}

// since returns when the lane's session has last become fuller, and whether it is
// complete: every guild has come, or the rest stays away.
func (l *lane) since(now time.Time) (at time.Time, complete bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ready.IsZero():
		return time.Time{}, false
	case len(l.pending) > 0 && now.Sub(l.arrived) < guildPatience:
		return time.Time{}, false
	}
	return l.arrived, true
}

// guildPatience is how long after the last arrival of a guild the rest is waited
// for.
const guildPatience = 15 * time.Second

// cross closes the lane for the old set and opens it for the new one. What is
// held is delivered first, in order. A handler that still works for the old set
// is waited for, for a moment, so that no two work on one guild.
func (l *lane) cross(ctx context.Context, h gateway.Handler) {
	l.mu.Lock()
	l.closed = true
	calm := l.busy == 0
	l.mu.Unlock()
	patience := time.NewTimer(handlerPatience)
	defer patience.Stop()
	for waiting := !calm; waiting; {
		select {
		case <-l.calm:
			l.mu.Lock()
			waiting = l.busy > 0
			l.mu.Unlock()
		case <-patience.C:
			waiting = false
		case <-ctx.Done():
			waiting = false
		}
	}
	for {
		l.mu.Lock()
		held := l.held
		l.held = nil
		clear(l.ahead)
		if len(held) == 0 {
			l.crossed = true
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for _, e := range held {
			if !e.gone {
				pass(ctx, e.event, h)
			}
		}
	}
}

// handlerPatience is how long a handler may work for the old set after its lane
// was closed before the new set begins regardless.
const handlerPatience = 5 * time.Second

// pass delivers a held event; a panic costs that event.
func pass(ctx context.Context, e gateway.Event, h gateway.Handler) {
	defer func() { _ = recover() }()
	e.Pass(ctx, h)
}

// prune forgets events of the old set whose copy will not come. While the new
// shard is away its copies may be late, so nothing is forgotten then.
func (l *lane) prune(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, times := range l.behind {
		for len(times) > 0 && now.Sub(times[0]) > remembered {
			times = times[1:]
		}
		if len(times) == 0 {
			delete(l.behind, id)
		} else {
			l.behind[id] = times
		}
	}
}
