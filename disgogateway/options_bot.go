package disgogateway

import (
	"errors"

	"github.com/disgoorg/disgo/bot"
	disgo "github.com/disgoorg/disgo/gateway"
	disgorest "github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
)

// WithGateway takes the place of bot.WithGatewayConfigOpts or
// bot.WithDefaultGateway: the bot gets a [Gateway], and [NewRateLimiter] for REST
// unless it has a limiter of its own. token is the one given to disgo.New.
func WithGateway(token string, opts ...disgo.ConfigOpt) bot.ConfigOpt {
	return Options{}.WithGateway(token, opts...)
}

// WithShardManager takes the place of bot.WithShardManagerConfigOpts or
// bot.WithDefaultShardManager: the bot gets a [ShardManager], and
// [NewRateLimiter] for REST unless it has a limiter of its own. Without a number of
// shards Open asks for Discord's recommendation. token is the one given to
// disgo.New.
func WithShardManager(token string, opts ...sharding.ConfigOpt) bot.ConfigOpt {
	return Options{}.WithShardManager(token, opts...)
}

// errNoEventManager means that disgo.New has not returned yet, or that another
// version of disgo keeps its event manager elsewhere.
var errNoEventManager = errors.New("disgogateway: the bot has no event manager yet: open the gateway after disgo.New has returned, with the disgo version that go.mod names")

// WithGateway is [WithGateway] with Options.
func (o Options) WithGateway(token string, opts ...disgo.ConfigOpt) bot.ConfigOpt {
	// disgo makes its event manager after the options have been applied, so the
	// bot's parts are read when the gateway is opened.
	kept, option := capture(bot.WithLogger(nil), func() {})
	g := newGateway(o, func() (config, error) {
		c := *kept
		if c.EventManager == nil {
			return config{}, errNoEventManager
		}
		src := source{token: token, handler: c.EventManager.HandleGatewayEvent, log: c.Logger, rest: c.Rest}
		return o.config(src, append(c.GatewayConfigOpts[:len(c.GatewayConfigOpts):len(c.GatewayConfigOpts)], opts...)), nil
	})
	return combine(option, bot.WithGateway(g), o.withREST())
}

// WithShardManager is [WithShardManager] with Options.
func (o Options) WithShardManager(token string, opts ...sharding.ConfigOpt) bot.ConfigOpt {
	kept, option := capture(bot.WithLogger(nil), func() {})
	m := newShardManager(o, func() (source, []sharding.ConfigOpt, error) {
		c := *kept
		if c.EventManager == nil {
			return source{}, nil, errNoEventManager
		}
		src := source{token: token, handler: c.EventManager.HandleGatewayEvent, log: c.Logger, rest: c.Rest}
		return src, append(c.ShardManagerConfigOpts[:len(c.ShardManagerConfigOpts):len(c.ShardManagerConfigOpts)], opts...), nil
	})
	return combine(option, bot.WithShardManager(m), o.withREST())
}

// withREST puts rate limiter and API base in front of the bot's own REST options, so
// that those win.
func (o Options) withREST() bot.ConfigOpt {
	var put func()
	kept, option := capture(bot.WithLogger(nil), func() { put() })
	put = func() {
		c := *kept
		ours := []disgorest.ClientConfigOpt{disgorest.WithRateLimiter(NewRateLimiter())}
		if o.API != "" {
			ours = append(ours, disgorest.WithURL(o.API))
		}
		c.RestClientConfigOpts = append(ours, c.RestClientConfigOpts...)
	}
	return option
}
