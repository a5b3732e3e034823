package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
)

// provisionalCount is the time in which the bot runs one shard because REST has not told
// how many it needs.
type provisionalCount struct {
	open atomic.Bool
	// wake has one slot and wakes learnShardCount.
	wake chan struct{}
}

// start reports whether the time begins; false if it has begun already.
func (g *provisionalCount) start() bool { return g.open.CompareAndSwap(false, true) }

// shardCountInterval is the time between two questions of learnShardCount.
const shardCountInterval = 15 * time.Second

// reshardRetry and reshardRetryMax bound the time between two tries of learnShardCount to
// change the number of shards: each may cost an IDENTIFY for every new shard.
const reshardRetry, reshardRetryMax = time.Minute, 30 * time.Minute

// learnShardCount asks until Discord says how many shards the bot needs, and then changes
// to that number. Where that fails it tries again.
func (a *App) learnShardCount() {
	retry := reshardRetry
	tick := time.NewTicker(shardCountInterval)
	defer tick.Stop()
	for {
		select {
		case <-a.life.StopContext().Done():
			return
		case <-tick.C:
		case <-a.provisional.wake:
		}
		needed, err := a.preflight.Shards(a.life.StopContext())
		if err != nil {
			continue
		}
		a.provisional.open.Store(false) // the new shards may connect
		if needed <= a.shardCount() || a.Reshard(a.life.StopContext(), needed) == nil {
			return
		}
		tick.Reset(retry)
		retry = min(2*retry, reshardRetryMax)
	}
}

// errMoreShards keeps a shard from identifying as the only one when there have to be
// more.
var errMoreShards = errors.New("the bot is about to run more shards")

// GatewayURL returns the gateway's URL as [preflight.Client.GatewayURL] does. It makes
// an App the [gateway.URLSource] of its shards. A URL from REST comes with the
// recommended number of shards. When the bot needs more than the one it runs
// provisionally, GatewayURL returns an error instead, so that no shard identifies with
// the wrong number.
func (a *App) GatewayURL(ctx context.Context, failed string) (string, error) {
	url, err := a.preflight.GatewayURL(ctx, failed)
	if needed := a.recommendedShards(); err != nil || needed <= 1 || !a.provisional.open.Load() {
		return url, err
	}
	select {
	case a.provisional.wake <- struct{}{}:
	default:
	}
	return "", errMoreShards
}

// recommendedShards returns the number of shards Discord last recommended, 0 if it never
// did or if that is more than one process can run.
func (a *App) recommendedShards() int {
	if n, _ := a.preflight.Recommended(); n <= fleet.MaxHere {
		return n
	}
	return 0
}

// fallbackGateway returns the gateway's URL while REST tells none: for Discord itself
// the one that it has had for years.
func (a *App) fallbackGateway() string {
	if a.opts.Gateway != "" {
		return a.opts.Gateway
	}
	if u, err := url.Parse(a.opts.Config.APIURL); err == nil && u.Hostname() == "discord.com" {
		return "wss://gateway.discord.gg"
	}
	return ""
}

// gatewayTrust is what the gateway's addresses are held against: that of the REST API, or
// the address of the options.
func (a *App) gatewayTrust() string { return cmp.Or(a.opts.Gateway, a.opts.Config.APIURL) }

// growShards changes to the recommended number of shards when Discord has refused the
// present one (close codes 4010 and 4011) and SHARDS is auto.
func (a *App) growShards(code gateway.CloseCode) {
	needed := a.recommendedShards()
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

// adviseShards logs, once for each number, that Discord recommends more shards than the
// bot runs. Only watchDuplicates calls it.
func (a *App) adviseShards() {
	needed := a.recommendedShards()
	running := a.shardCount()
	if running == 0 || needed <= max(running, a.advised) {
		return
	}
	a.advised = needed
	a.log.Warn("Discord recommends more shards than the bot runs, and refuses a shard with more than 2,500 guilds",
		"recommended", needed, "running", running, "do", fmt.Sprintf("Change their number without a gap: evergreen shards reshard %d", needed))
}
