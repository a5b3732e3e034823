package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"evergreen/gateway"
)

// provisionalCount is open while the bot runs one shard only because Discord has not
// said how many it needs.
type provisionalCount struct {
	open atomic.Bool
	// wake wakes the goroutine that asks Discord; it has one slot.
	wake chan struct{}
}

// start opens it and reports whether it was closed.
func (g *provisionalCount) start() bool { return g.open.CompareAndSwap(false, true) }

// shardCountInterval is how often Discord is asked how many shards the bot needs while
// that is a guess.
const shardCountInterval = 15 * time.Second

// learnShardCount asks until Discord says how many shards the bot needs, and then lets it
// have them.
func (a *App) learnShardCount() {
	tick := time.NewTicker(shardCountInterval)
	defer tick.Stop()
	for {
		select {
		case <-a.life.StopContext().Done():
			return
		case <-tick.C:
		case <-a.provisional.wake:
		}
		needed, err := a.check.Shards(a.life.StopContext())
		if err != nil {
			continue
		}
		a.provisional.open.Store(false) // the shards to come may look for the gateway
		if needed > a.shardCount() {
			_ = a.Reshard(a.life.StopContext(), needed)
		}
		return
	}
}

// errMoreShards keeps a shard from identifying as the only one when it has become
// known that there have to be more.
var errMoreShards = errors.New("the bot is about to run more shards")

// GatewayURL returns the gateway's URL as [preflight.Client.GatewayURL] does. It
// makes an App the [gateway.URLSource] of its shards. A URL from REST comes with
// the recommended number of shards: when the bot needs more than the one it runs
// provisionally, GatewayURL returns an error instead, so that no shard identifies
// with the wrong number.
func (a *App) GatewayURL(ctx context.Context, failed string) (string, error) {
	url, err := a.check.GatewayURL(ctx, failed)
	if needed, _ := a.check.Recommended(); err != nil || needed <= 1 || !a.provisional.open.Load() {
		return url, err
	}
	select {
	case a.provisional.wake <- struct{}{}:
	default:
	}
	return "", errMoreShards
}

// fallbackGateway is the address to try while REST tells none: for Discord itself the
// one that it has had for years.
func (a *App) fallbackGateway() string {
	if a.opts.Gateway != "" {
		return a.opts.Gateway
	}
	if u, err := url.Parse(a.opts.Config.APIURL); err == nil && u.Hostname() == "discord.com" {
		return "wss://gateway.discord.gg"
	}
	return ""
}

// growShards is called when Discord refuses the shards as they are: if Discord is to
// decide how many there are and recommends more, the bot changes to that by
// itself. Without SHARDS=auto a person has to.
func (a *App) growShards(code gateway.CloseCode) {
	needed, _ := a.check.Recommended()
	switch {
	case code != gateway.CloseInvalidShard && code != gateway.CloseShardingRequired,
		!a.opts.Config.Shards.Auto(), needed <= a.shardCount(), !a.growing.CompareAndSwap(false, true):
		return
	}
	if !a.background(func() {
		defer a.growing.Store(false)
		_ = a.Reshard(a.life.StopContext(), needed)
	}) {
		a.growing.Store(false)
	}
}

// adviseShards says once for each number that Discord recommends more shards than
// the bot runs: before it has outgrown them there is time to change that without
// a gap. Only watchDuplicates calls it.
func (a *App) adviseShards() {
	needed, _ := a.check.Recommended()
	running := a.shardCount()
	if running == 0 || needed <= max(running, a.advised) {
		return
	}
	a.advised = needed
	a.log.Warn("Discord recommends more shards than the bot runs, and refuses a shard with more than 2,500 guilds. Change their number without a gap",
		"recommended", needed, "running", running, "command", fmt.Sprintf("evergreen shards reshard %d", needed))
}
