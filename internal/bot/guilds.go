package bot

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

// guilds is the list of guilds the bot is in.
//
//   - G-056: READY lists them as pending; each arrives with a GUILD_CREATE.
//   - G-057: a GUILD_CREATE for a guild that READY did not list is a join.
//   - G-058: a GUILD_DELETE without "unavailable" is a leave.
type guilds struct {
	log *slog.Logger

	mu sync.Mutex
	// entries says of each guild whether it is pending: READY has listed it, and it has
	// not arrived yet. Those in an outage have arrived.
	entries map[id]bool
	// listed has the shards whose READY has listed their guilds. Then the entries
	// are the shard's whole list, and another guild is a join. A process that began
	// with a RESUME sees no READY; fetched means that REST has listed them instead.
	listed  map[gateway.ShardID]bool
	fetched bool
	timers  map[gateway.ShardID]*time.Timer // for guilds that READY listed
	stopped bool

	joined, left changes
}

func newGuilds(log *slog.Logger) guilds {
	return guilds{
		log:     log,
		entries: make(map[id]bool),
		listed:  make(map[gateway.ShardID]bool),
		timers:  make(map[gateway.ShardID]*time.Timer),
		joined:  changes{log: log, one: "Joined a guild", many: "Joined guilds"},
		left:    changes{log: log, one: "Left a guild", many: "Left guilds"},
	}
}

// guildTimeout is how long after the last arrival the bot waits for the rest.
const guildTimeout = 15 * time.Second

// ready replaces the guilds of one shard by those of READY, all pending.
func (g *guilds) ready(shard gateway.ShardID, listed []id) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for guild := range g.entries {
		if onShard(guild, shard) {
			delete(g.entries, guild)
		}
	}
	for _, guild := range listed {
		g.entries[guild] = true
	}
	g.listed[shard] = true
	g.checkArrived(shard)
}

// onShard reports whether the guild's events come over the shard.
func onShard(guild id, shard gateway.ShardID) bool {
	return shard.Count <= 1 || int(uint64(guild)>>22%uint64(shard.Count)) == shard.ID
}

// create handles a GUILD_CREATE and reports whether the bot has just joined.
func (g *guilds) create(shard gateway.ShardID, guild id) (joined bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pending, known := g.entries[guild]
	g.entries[guild] = false
	if pending {
		g.checkArrived(shard)
	}
	return !known && (g.fetched || g.isListed(guild))
}

// remove handles a GUILD_DELETE and reports whether the bot has left.
func (g *guilds) remove(shard gateway.ShardID, guild id, out bool) (left bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pending := g.entries[guild]
	if out {
		g.entries[guild] = false
	} else {
		delete(g.entries, guild)
	}
	if pending {
		g.checkArrived(shard)
	}
	return !out
}

// checkArrived logs that all guilds of the shard have arrived, or waits guildTimeout
// for the rest. The caller holds mu.
func (g *guilds) checkArrived(shard gateway.ShardID) {
	if wait := g.timers[shard]; wait != nil {
		wait.Stop()
	}
	if g.stopped {
		return
	}
	all, missing := g.countGuilds(shard)
	if missing == 0 {
		g.log.Info("All guilds have arrived", "guilds", all)
		return
	}
	g.timers[shard] = time.AfterFunc(guildTimeout, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if all, missing := g.countGuilds(shard); !g.stopped && missing > 0 {
			g.log.Warn("Some guilds have not arrived; not waiting for them any longer", "guilds", all, "missing", missing)
		}
	})
}

// countGuilds counts the guilds of a shard and those that have not arrived. The
// caller holds mu.
func (g *guilds) countGuilds(shard gateway.ShardID) (all, missing int) {
	for guild, pending := range g.entries {
		if onShard(guild, shard) {
			all++
			if pending {
				missing++
			}
		}
	}
	return all, missing
}

// addFetched adds the guilds that REST listed. Where READY has listed them too, its
// list is kept: that of REST may be older than the newest join or leave.
func (g *guilds) addFetched(list []guild) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, guild := range list {
		if guild.ID != 0 && !g.isListed(guild.ID) {
			g.entries[guild.ID] = false
		}
	}
	g.fetched = true
}

// isListed reports whether READY has listed the guilds of the guild's shard. The
// caller holds mu.
func (g *guilds) isListed(guild id) bool {
	for shard := range g.listed {
		if onShard(guild, shard) {
			return true
		}
	}
	return false
}

// isKnown reports whether all guilds of the shard are known.
func (g *guilds) isKnown(shard gateway.ShardID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fetched || g.listed[shard]
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

// stop stops all timers for good.
func (g *guilds) stop() {
	g.joined.stop()
	g.left.stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	for _, wait := range g.timers {
		wait.Stop()
	}
}

func (b *Bot) onReady(_ context.Context, e incomingEvent) error {
	r, err := parseReady(e.Data)
	if err != nil {
		return err
	}
	b.identity.update(r.User.Value.ID, r.Application.Value, false)
	var listed []id
	for _, g := range r.Guilds.Value {
		if g.Value.ID != 0 {
			listed = append(listed, g.Value.ID)
		}
	}
	b.activity.ready(time.Now())
	b.log.Info("Ready", "user", r.User.Value.Name.Value, "guilds", len(listed))
	b.guilds.ready(e.Shard, listed)
	return nil
}

// onResumed asks for the list of guilds if no READY has told it.
func (b *Bot) onResumed(_ context.Context, e incomingEvent) error {
	if !b.guilds.isKnown(e.Shard) {
		select {
		case b.guildListNeeded <- struct{}{}:
		default:
		}
	}
	return nil
}

func (b *Bot) onGuildCreate(_ context.Context, e incomingEvent) error {
	g, err := parseGuild(e.Data)
	if err != nil {
		return err
	}
	if self := b.identity.user(); self != 0 && !g.Unavailable.Value {
		b.roles.set(g.ID, g.roleOf(self))
	}
	b.forgetRefusals(g.ID)
	if b.guilds.create(e.Shard, g.ID) {
		b.guilds.joined.add("guild", g.ID, "name", g.Name.Value, "members", g.Members.Value)
	}
	return nil
}

func (b *Bot) onGuildDelete(_ context.Context, e incomingEvent) error {
	g, err := parseGuild(e.Data)
	if err != nil {
		return err
	}
	if b.guilds.remove(e.Shard, g.ID, g.Unavailable.Value) {
		b.roles.forget(g.ID)
		b.refusals.forgetGuild(snowflake.ID(g.ID))
		b.guilds.left.add("guild", g.ID)
	} else {
		b.log.Debug("Guild is unavailable", "guild", g.ID)
	}
	return nil
}
