package disgogateway

import (
	"errors"

	"github.com/disgoorg/disgo/bot"
	disgo "github.com/disgoorg/disgo/gateway"
	disgorest "github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
)

// WithGateway stands in the place of bot.WithGatewayConfigOpts or
// bot.WithDefaultGateway: the bot gets a [Gateway], and [NewRateLimiter] for REST
// unless it has named a limiter itself. token is the one given to disgo.New.
func WithGateway(token string, opts ...disgo.ConfigOpt) bot.ConfigOpt {
	return Options{}.WithGateway(token, opts...)
}

// WithShardManager stands in the place of bot.WithShardManagerConfigOpts or
// bot.WithDefaultShardManager: the bot gets a [ShardManager], and
// [NewRateLimiter] for REST unless it has named a limiter itself. Without a
// number of shards Discord's recommendation is asked for when it is opened. token
// is the one given to disgo.New.
func WithShardManager(token string, opts ...sharding.ConfigOpt) bot.ConfigOpt {
	return Options{}.WithShardManager(token, opts...)
}

// errNoEventManager says that disgo does not keep its event manager where it did.
var errNoEventManager = errors.New("disgogateway: the bot has no event manager yet: open the gateway after disgo.New has returned, with the disgo version that go.mod names")

// WithGateway is [WithGateway] with options of the connection's own.
func (o Options) WithGateway(token string, opts ...disgo.ConfigOpt) bot.ConfigOpt {
	// disgo makes its event manager after the options have been applied, so what
	// belongs to the bot is looked at when the gateway is opened.
	kept, option := capture(bot.WithLogger(nil), func() {})
	g := newGateway(o, func() (config, error) {
		c := *kept
		if c == nil || c.EventManager == nil {
			return config{}, errNoEventManager
		}
		src := source{token: token, handler: c.EventManager.HandleGatewayEvent, log: c.Logger, rest: c.Rest}
		return o.config(src, append(c.GatewayConfigOpts[:len(c.GatewayConfigOpts):len(c.GatewayConfigOpts)], opts...)), nil
	})
	return combine(option, bot.WithGateway(g), o.withREST())
}

// WithShardManager is [WithShardManager] with options of the connections' own.
func (o Options) WithShardManager(token string, opts ...sharding.ConfigOpt) bot.ConfigOpt {
	kept, option := capture(bot.WithLogger(nil), func() {})
	m := newShardManager(o, func() (source, []sharding.ConfigOpt, error) {
		c := *kept
		if c == nil || c.EventManager == nil {
			return source{}, nil, errNoEventManager
		}
		src := source{token: token, handler: c.EventManager.HandleGatewayEvent, log: c.Logger, rest: c.Rest}
		return src, append(c.ShardManagerConfigOpts[:len(c.ShardManagerConfigOpts):len(c.ShardManagerConfigOpts)], opts...), nil
	})
	return combine(option, bot.WithShardManager(m), o.withREST())
}

// withREST puts limiter and address in front of the bot's own REST options, so
// that any of those wins.
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
