package disgogateway

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"evergreen/gateway"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/sharding"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
)

// ShardManager is disgo's sharding.ShardManager over many [Gateway]s. Make one
// with [NewShardManager] or [WithShardManager]. All methods may be called from any
// goroutine. It is not a fleet, because disgo opens, resumes and closes each shard by
// itself and wants each to be a gateway of its own.
//
// It follows all of disgo's sharding options but WithGatewayCreateFunc: its shards
// are Gateways.
type ShardManager struct {
	options      Options
	resolve      func() (source, []sharding.ConfigOpt, error)
	once         sync.Once
	configErr    error // why it cannot be opened
	source       source
	log          *slog.Logger
	gateway      []disgo.ConfigOpt
	states       map[int]sharding.ShardState // of WithShardIDs; nil: all
	splitFactor  int                         // of a shard with too many guilds; 0: never
	closeHandler disgo.CloseHandlerFunc

	mu     sync.Mutex
	count  int
	shards map[int]*Gateway
	splits sync.WaitGroup
}

var _ sharding.ShardManager = (*ShardManager)(nil)

func newShardManager(own Options, resolve func() (source, []sharding.ConfigOpt, error)) *ShardManager {
	return &ShardManager{options: own, resolve: resolve, shards: map[int]*Gateway{}}
}

// configure reads the options when it is first called.
func (m *ShardManager) configure() error {
	m.once.Do(func() {
		m.log = slog.Default()
		src, opts, err := m.resolve()
		if m.configErr = err; err != nil {
			return
		}
		c := newConfig(opts)
		c.Logger, c.ShardSplitCount = src.log, sharding.DefaultShardSplitCount
		for _, opt := range opts {
			opt(c)
		}
		if c.Logger != nil {
			m.log = c.Logger
		}
		m.log = m.log.With("name", "sharding")
		src.log = c.Logger
		src.lock = newEventLock()
		if src.rest != nil {
			src.gatewayBot = newGatewayBot(src.rest)
		}
		switch {
		case m.options.IdentifyLimiter != nil:
		case c.IdentifyRateLimiter != nil:
			src.limiter = disgoLimiter{c.IdentifyRateLimiter}
		default:
			src.limiter = newLimiter(src.gatewayBot, m.options.Rand)
		}
		m.source, m.gateway, m.states, m.closeHandler, m.count = src, c.GatewayConfigOpts, c.ShardIDs, c.CloseHandler, c.ShardCount
		if c.AutoScaling && c.ShardSplitCount > 1 {
			m.splitFactor = c.ShardSplitCount
		}
	})
	return m.configErr
}

// shardCount returns the number of shards the bot has. It asks Discord if the options
// do not say.
func (m *ShardManager) shardCount(ctx context.Context) (int, error) {
	m.mu.Lock()
	count := m.count
	m.mu.Unlock()
	switch {
	case count > 0:
		return count, nil
	case m.source.gatewayBot == nil:
		return 0, errors.New("disgogateway: the number of shards is not known: set it with sharding.WithShardCount")
	}
	count, err := m.source.gatewayBot.shards(ctx)
	if err != nil {
		return 0, fmt.Errorf("disgogateway: the number of shards could not be asked for: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count == 0 {
		m.count = count
	}
	return m.count, nil
}

// Open starts all shards side by side. It returns when each has had its first READY or
// RESUMED or was refused, or when ctx ends. A shard that is not online by then goes on
// trying. What went wrong is in the log and in the shards' states, as disgo's interface
// has no error here.
func (m *ShardManager) Open(ctx context.Context) {
	count, err := 0, m.configure()
	if err == nil {
		count, err = m.shardCount(ctx)
	}
	if err != nil {
		m.log.Error("Shards cannot be opened", "error", err)
		return
	}
	states := m.states
	if states == nil {
		states = map[int]sharding.ShardState{}
		for id := range count {
			states[id] = sharding.ShardState{}
		}
	}
	var group sync.WaitGroup
	for _, id := range slices.Sorted(maps.Keys(states)) {
		g, fresh := m.gatewayFor(id, count, states[id])
		if !fresh {
			continue
		}
		r, err := g.startRun()
		if err != nil {
			m.log.Error("Shard cannot be opened", "shard_id", id, "error", err)
			continue
		}
		group.Go(func() {
			if err := r.waitLive(ctx); err != nil && ctx.Err() == nil && r.ctx.Err() == nil { // else it was closed
				m.log.Error("Shard could not be opened", "shard_id", id, "error", err)
				m.onRefused(g, err)
			}
		})
	}
	group.Wait()
}

// gatewayFor returns the gateway of a shard. fresh reports that it was made now.
func (m *ShardManager) gatewayFor(id, count int, state sharding.ShardState) (g *Gateway, fresh bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g = m.shards[id]; g != nil {
		return g, false
	}
	opts := append(slices.Clone(m.gateway), disgo.WithShardID(id), disgo.WithShardCount(count))
	opts = slices.Insert(opts, 0, disgo.WithCloseHandler(m.onClosed))
	if state.SessionID != "" && state.Sequence > 0 {
		opts = append(opts, disgo.WithSessionID(state.SessionID), disgo.WithSequence(state.Sequence))
		if state.ResumeURL != "" {
			opts = append(opts, disgo.WithResumeURL(state.ResumeURL))
		}
	}
	g = newGateway(m.options, func() (config, error) { return m.options.config(m.source, opts), nil })
	m.shards[id] = g
	return g, true
}

// Close closes all shards side by side, see [Gateway.Close].
func (m *ShardManager) Close(ctx context.Context) {
	m.CloseWithCode(ctx, websocket.CloseNormalClosure, "Shutting down")
}

// CloseWithCode closes all shards side by side, see [Gateway.CloseWithCode].
func (m *ShardManager) CloseWithCode(ctx context.Context, code int, message string) {
	for all := m.takeAll(); ; {
		var group sync.WaitGroup
		for _, g := range all {
			group.Go(func() { g.CloseWithCode(ctx, code, message) })
		}
		group.Wait()
		m.splits.Wait()
		if all = m.takeAll(); len(all) == 0 {
			return
		} // a split that was under way has opened them
	}
}

// takeAll returns all shards and forgets them.
func (m *ShardManager) takeAll() []*Gateway {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Collect(maps.Values(m.shards))
	clear(m.shards)
	return all
}

// OpenShard opens one shard, see [Gateway.Open]. It resumes the session that
// Options.Sessions has kept for the shard, if there is one, and else begins a new one.
func (m *ShardManager) OpenShard(ctx context.Context, shardID int) error {
	return m.ResumeShard(ctx, shardID, sharding.ShardState{})
}

// ResumeShard opens one shard with a session to resume; without an ID or a sequence
// number it is [ShardManager.OpenShard]. It fails with
// discord.ErrGatewayAlreadyConnected if the shard is open.
func (m *ShardManager) ResumeShard(ctx context.Context, shardID int, state sharding.ShardState) error {
	if err := m.configure(); err != nil {
		return err
	}
	count, err := m.shardCount(ctx)
	if err != nil {
		return err
	}
	return m.open(ctx, shardID, count, state)
}

func (m *ShardManager) open(ctx context.Context, id, count int, state sharding.ShardState) error {
	g, fresh := m.gatewayFor(id, count, state)
	if !fresh {
		return discord.ErrGatewayAlreadyConnected
	}
	err := g.Open(ctx)
	if err != nil {
		m.remove(id, g)
	}
	return err
}

func (m *ShardManager) remove(id int, g *Gateway) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shards[id] == g {
		delete(m.shards, id)
	}
}

// CloseShard ends one shard's session and forgets it.
func (m *ShardManager) CloseShard(ctx context.Context, shardID int) {
	m.mu.Lock()
	g := m.shards[shardID]
	delete(m.shards, shardID)
	m.mu.Unlock()
	if g != nil {
		g.Close(ctx)
	}
}

// ShardByGuildID returns the shard that a guild's events come over; nil if the manager
// does not have it. While a shard is being split it returns the old one until the new
// one is there.
func (m *ShardManager) ShardByGuildID(guildID snowflake.ID) disgo.Gateway {
	if m.configure() != nil {
		return nil
	}
	m.mu.Lock()
	count := m.count
	m.mu.Unlock()
	for ; count > 0; count /= max(2, m.splitFactor) {
		if g := m.Shard(sharding.ShardIDByGuild(guildID, count)); g != nil {
			return g
		}
	}
	return nil
}

// Shard returns a shard; nil if the manager does not have it.
func (m *ShardManager) Shard(shardID int) disgo.Gateway {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.shards[shardID]; g != nil {
		return g
	}
	return nil // not a nil *Gateway in disgo's interface
}

// Shards returns all shards in order of their numbers. The manager may be called while
// the sequence runs.
func (m *ShardManager) Shards() iter.Seq[disgo.Gateway] {
	return func(yield func(disgo.Gateway) bool) {
		m.mu.Lock()
		shards := maps.Clone(m.shards)
		m.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(shards)) {
			if !yield(shards[id]) {
				return
			}
		}
	}
}

// onClosed is the close handler of every shard that has none of its own.
func (m *ShardManager) onClosed(g disgo.Gateway, err error, reconnect bool) {
	if own, ok := g.(*Gateway); ok && m.splitShard(own, err) {
		return
	}
	if m.closeHandler != nil {
		m.closeHandler(g, err, reconnect)
	}
}

// onRefused handles a shard that Discord refused while it was being opened.
func (m *ShardManager) onRefused(g *Gateway, err error) {
	if !m.splitShard(g, err) && m.closeHandler != nil {
		m.closeHandler(g, err, false)
	}
}

// splitShard splits a shard in too many guilds, if WithAutoScaling allows it, and
// reports whether it does. The parts are opened when the old shard is closed, as in
// disgo. A fleet can re-shard without a gap.
func (m *ShardManager) splitShard(g *Gateway, err error) bool {
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if m.splitFactor == 0 || !ok || gateway.CloseCode(closed.Code) != gateway.CloseShardingRequired {
		return false
	}
	id, old := g.ShardID(), g.ShardCount()
	m.mu.Lock()
	if m.shards[id] != g {
		m.mu.Unlock()
		return true // closed in the meantime
	}
	delete(m.shards, id)
	count := old * m.splitFactor
	m.count = max(m.count, count)
	m.splits.Add(1)
	m.mu.Unlock()
	go func() {
		defer m.splits.Done()
		g.Close(context.Background())
		m.log.Warn("Shard in too many guilds is split", "shard_id", id, "shard_count", count)
		for part := range m.splitFactor {
			part := id + part*old
			p, fresh := m.gatewayFor(part, count, sharding.ShardState{})
			if !fresh {
				continue
			}
			if _, err := p.startRun(); err != nil {
				m.log.Error("Part of a split shard cannot be opened", "shard_id", part, "error", err)
			}
		}
	}()
	return true
}
