package disgogateway

import (
	"evergreen/fleet"
	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/sharding"
)

// Options configures what disgo has no option for. Every zero value means the
// documented default. Intents, presence, shards, compression and a session to
// resume are disgo's own options. One Options value may be used for many shards.
type Options struct {
	// API is the base of Discord's REST API, for a simulator or a proxy. WithGateway
	// and WithShardManager use it. Default: disgo's.
	API string
	// URLSource knows the gateway's URL. Default: that of gateway.WithURL, else
	// GET /gateway/bot where disgo's REST client is known, else disgo's gateway.URL.
	URLSource gateway.URLSource
	// CredentialChecker checks whether a shard that Discord refused would be accepted
	// now. Default: disgo's REST client asks where it is known; elsewhere a refused
	// shard waits for Open.
	CredentialChecker gateway.CredentialChecker
	// IdentifyLimiter decides when a shard may identify. Default: disgo's
	// WithIdentifyRateLimiter, else an [identify.Limiter] with a budget in memory,
	// which asks GET /gateway/bot where disgo's REST client is known.
	IdentifyLimiter gateway.IdentifyLimiter
	// Sessions keeps sessions from one run to the next. Default: none are kept. A
	// resumed bot gets no READY and no GUILD_CREATE, so disgo's caches begin
	// empty: keep sessions only if the bot needs no caches.
	Sessions fleet.Sessions
	// Observer is told what happens to the connections, on a goroutine of each shard.
	// Default: none; the log has the essentials.
	Observer gateway.Observer
	// Dialer opens WebSockets. Default: over the network, through the proxy and
	// with the TLS settings of gateway.WithDialer if there are any.
	Dialer gateway.Dialer
	// QueueBytes bounds the events of one shard that wait for disgo's event
	// manager. Default 64 MiB.
	QueueBytes int64
	// Timing holds the periods and deadlines of each shard. Default: those of
	// [gateway.Timing].
	Timing gateway.Timing
	// Rand returns numbers x, 0 <= x < 1, for every jitter. Default math/rand/v2.
	Rand func() float64
}

// New is disgo's gateway.New with this module's connection. It does nothing before
// Open, which also reports what is wrong with the options. New is a
// gateway.CreateFunc, so disgo's own shard manager can use it with
// sharding.WithGatewayCreateFunc.
func New(token string, handler disgo.EventHandlerFunc, opts ...disgo.ConfigOpt) disgo.Gateway {
	return Options{}.New(token, handler, opts...)
}

// New is [New] with Options.
func (o Options) New(token string, handler disgo.EventHandlerFunc, opts ...disgo.ConfigOpt) disgo.Gateway {
	return newGateway(o, func() (config, error) { return o.config(source{token: token, handler: handler}, opts), nil })
}

// NewShardManager is disgo's sharding.New with this module's connections. It does
// nothing before Open. It needs sharding.WithShardCount; [WithShardManager] can ask
// Discord for the number.
func NewShardManager(token string, handler disgo.EventHandlerFunc, opts ...sharding.ConfigOpt) *ShardManager {
	return Options{}.NewShardManager(token, handler, opts...)
}

// NewShardManager is [NewShardManager] with Options.
func (o Options) NewShardManager(token string, handler disgo.EventHandlerFunc, opts ...sharding.ConfigOpt) *ShardManager {
	return newShardManager(o, func() (source, []sharding.ConfigOpt, error) {
		return source{token: token, handler: handler}, opts, nil
	})
}
