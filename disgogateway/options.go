package disgogateway

import (
	"time"

	"evergreen/fleet"
	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/sharding"
)

// Options is what the connection can be told and disgo has no word for. Every
// zero value means the documented default; what disgo has a word for (intents,
// presence, shards, compression, a session to resume) is said in disgo's own
// options. One Options value may be used for many shards.
type Options struct {
	// API is the base of Discord's REST API, for a simulator or a proxy. It is
	// heeded by WithGateway, WithShardManager and Run. Default: disgo's.
	API string
	// URLSource knows the gateway's address. Default: what gateway.WithURL names,
	// else GET /gateway/bot where disgo's REST client is at hand, else disgo's
	// gateway.URL.
	URLSource gateway.URLSource
	// CredentialChecker looks whether a shard that Discord refused would be accepted now.
	// Default: a question over disgo's REST client where that is at hand; without
	// it a refused shard waits for Open.
	CredentialChecker gateway.CredentialChecker
	// IdentifyLimiter decides when a shard may identify. Default: gateway.WithIdentifyRateLimiter
	// or its like for shards, else an account in memory that knows Discord's
	// max_concurrency and the starts of the day.
	IdentifyLimiter gateway.IdentifyLimiter
	// Sessions keeps sessions from one run to the next. Default: nobody does. A
	// resumed bot gets no READY and no GUILD_CREATE, so disgo's caches begin
	// empty; keep sessions if the bot can do without.
	Sessions fleet.Sessions
	// Observer sees what happens to the connections. Default: nobody; the log
	// has the essentials anyway.
	Observer gateway.Observer
	// Dialer opens WebSockets. Default: over the network, through the proxy and
	// with the TLS settings of gateway.WithDialer if there are any.
	Dialer gateway.Dialer
	// QueueBytes bounds the events of one shard that wait for disgo's event
	// manager. Default 64 MiB.
	QueueBytes int64
	Timing     gateway.Timing
	// Rand returns numbers in [0,1) for every jitter. Default math/rand/v2.
	Rand func() float64
}

// sendTimeout is how long a Send may wait whose context has no deadline: for
// a connection, and for Discord's limit of 120 payloads a minute.
const sendTimeout = 75 * time.Second

// New is disgo's gateway.New with this module's connection: it does nothing
// before Open. It is a gateway.CreateFunc, so it can also be given to disgo's own
// shard manager with sharding.WithGatewayCreateFunc. What is wrong with the
// options is told by Open, as New has no way to.
func New(token string, handler disgo.EventHandlerFunc, opts ...disgo.ConfigOpt) disgo.Gateway {
	return Options{}.New(token, handler, opts...)
}

// New is [New] with options of the connection's own.
func (o Options) New(token string, handler disgo.EventHandlerFunc, opts ...disgo.ConfigOpt) disgo.Gateway {
	return newGateway(o, func() (config, error) { return o.config(source{token: token, handler: handler}, opts), nil })
}

// NewShardManager is disgo's sharding.New with this module's connections: it
// does nothing before Open. The number of shards must be named with
// sharding.WithShardCount; [WithShardManager] can ask Discord.
func NewShardManager(token string, handler disgo.EventHandlerFunc, opts ...sharding.ConfigOpt) *ShardManager {
	return Options{}.NewShardManager(token, handler, opts...)
}

// NewShardManager is [NewShardManager] with options of the connections' own.
func (o Options) NewShardManager(token string, handler disgo.EventHandlerFunc, opts ...sharding.ConfigOpt) *ShardManager {
	return newShardManager(o, func() (source, []sharding.ConfigOpt, error) {
		return source{token: token, handler: handler}, opts, nil
	})
}
