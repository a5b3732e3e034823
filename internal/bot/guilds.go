package bot

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"evergreen/gateway"
)

// guilds knows which guilds the bot is in. READY names them, each then arrives
// with a GUILD_CREATE (G-056); what comes beyond that is a join, and a
// GUILD_DELETE without "unavailable" a leave (G-057, G-058).
type guilds struct {
	log *slog.Logger

	mu      sync.Mutex
	entries map[id]presenceIn
	// told holds the shards whose READY has named their guilds. Then the entries
	// are the shard's whole list, and a guild beyond it is news. A run that began
	// with a RESUME sees no READY; adopted means that REST has told instead.
	told    map[gateway.ShardID]bool
	adopted bool
	waits   map[gateway.ShardID]*time.Timer // gives up on guilds that READY named
	stopped bool
}

func newGuilds(log *slog.Logger) guilds {
	return guilds{
		log:     log,
		entries: make(map[id]presenceIn),
		told:    make(map[gateway.ShardID]bool),
		waits:   make(map[gateway.ShardID]*time.Timer),
	}
}

// presenceIn is how the bot stands in one guild.
type presenceIn int

const (
	pending     presenceIn = iota // named by READY, not arrived yet
	available                     // arrived
	unavailable                   // Discord has an outage there
)

// guildPatience is how long after the last arrival the rest is waited for.
const guildPatience = 15 * time.Second

// ready begins anew for one shard: its guilds are those of READY, all pending.
func (g *guilds) ready(pair gateway.ShardID, named []id) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for guild := range g.entries {
		if shardOf(guild, pair) {
			delete(g.entries, guild)
		}
	}
	for _, guild := range named {
		g.entries[guild] = pending
	}
	g.told[pair] = true
	g.arrive(pair)
}

// shardOf reports whether the guild's events come over the shard.
func shardOf(guild id, pair gateway.ShardID) bool {
	return pair.Count <= 1 || int(uint64(guild)>>22%uint64(pair.Count)) == pair.ID
}

// create notes an arrival and reports whether the bot has just joined.
func (g *guilds) create(pair gateway.ShardID, guild id, out bool) (joined bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, known := g.entries[guild]
	g.entries[guild] = available
	if out {
		g.entries[guild] = unavailable
	}
	if known && before == pending {
		g.arrive(pair)
	}
	return !known && (g.adopted || g.told[pair] || g.toldOf(guild))
}

// remove notes a GUILD_DELETE and reports whether the bot has left.
func (g *guilds) remove(pair gateway.ShardID, guild id, out bool) (left bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, known := g.entries[guild]
	if out {
		g.entries[guild] = unavailable
	} else {
		delete(g.entries, guild)
	}
	if known && before == pending {
		g.arrive(pair)
	}
	return !out
}

// arrive looks whether all guilds of the shard are there and says so once, or
// waits a little longer for the rest. The caller holds mu.
func (g *guilds) arrive(pair gateway.ShardID) {
	if wait := g.waits[pair]; wait != nil {
		wait.Stop()
		delete(g.waits, pair)
	}
	if g.stopped {
		return
	}
	all, missing := g.tally(pair)
	if missing == 0 {
		g.log.Info("all guilds are there", "guilds", all)
		return
	}
	g.waits[pair] = time.AfterFunc(guildPatience, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if all, missing := g.tally(pair); !g.stopped && missing > 0 {
			g.log.Warn("some guilds have not arrived; going on without waiting for them", "guilds", all, "missing", missing)
		}
	})
}

// tally counts the guilds of a shard and those that have not arrived. The
// caller holds mu.
func (g *guilds) tally(pair gateway.ShardID) (all, missing int) {
	for guild, stands := range g.entries {
		if shardOf(guild, pair) {
			all++
			if stands == pending {
				missing++
			}
		}
	}
	return all, missing
}

// adopt takes over the list that REST told. Where READY has told too, it knows
// better: the list may be older than the newest join or leave.
func (g *guilds) adopt(list []guild) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, guild := range list {
		if _, known := g.entries[guild.ID]; !known && guild.ID != 0 && !g.toldOf(guild.ID) {
			g.entries[guild.ID] = available
		}
	}
	g.adopted = true
}

// toldOf reports whether the guild's shard has had its READY. The caller holds mu.
func (g *guilds) toldOf(guild id) bool {
	for pair := range g.told {
		if shardOf(guild, pair) {
			return true
		}
	}
	return false
}

// complete reports whether all guilds of the shard are known.
func (g *guilds) complete(pair gateway.ShardID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.adopted || g.told[pair]
}

// count returns how many guilds the bot is in, those in an outage included.
func (g *guilds) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.entries)
}

// Guilds is how many guilds the bot is in; 0 while that is not known, as for a
// moment in a run that began with a RESUME.
func (b *Bot) Guilds() int { return b.guilds.count() }

// stop ends all waiting.
func (g *guilds) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	for _, wait := range g.waits {
		wait.Stop()
	}
}

func (b *Bot) onReady(_ context.Context, a arrival) error {
	r, err := readReady(a.Data)
	if err != nil {
		return err
	}
	b.identity.learn(r.User.Value.ID, r.Application.Value, false)
	var named []id
	for _, g := range r.Guilds.Value {
		if g.Value.ID != 0 {
			named = append(named, g.Value.ID)
		}
	}
	b.activity.ready(time.Now())
	b.log.Info("ready", "user", r.User.Value.Name.Value, "guilds", len(named))
	b.guilds.ready(a.Shard, named)
	return nil
}

// onResumed notes that events flow again. It has no data worth reading.
func (b *Bot) onResumed(_ context.Context, a arrival) error {
	if !b.guilds.complete(a.Shard) {
		select {
		case b.listGuilds <- struct{}{}:
		default:
		}
	}
	return nil
}

func (b *Bot) onGuildCreate(_ context.Context, a arrival) error {
	g, err := readGuild(a.Data)
	if err != nil {
		return err
	}
	if b.guilds.create(a.Shard, g.ID, g.Unavailable.Value) {
		b.log.Info("joined a guild", "guild", g.ID, "name", g.Name.Value, "members", g.Members.Value)
	}
	return nil
}

func (b *Bot) onGuildDelete(_ context.Context, a arrival) error {
	g, err := readGuild(a.Data)
	if err != nil {
		return err
	}
	if b.guilds.remove(a.Shard, g.ID, g.Unavailable.Value) {
		b.log.Info("left a guild", "guild", g.ID)
	} else {
		b.log.Debug("a guild is unavailable", "guild", g.ID)
	}
	return nil
}
