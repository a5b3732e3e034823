// Package disgogateway gives a bot written for disgo this module's connection to
// Discord. The bot keeps its code.
//
// A [Gateway] is disgo's gateway.Gateway over a [gateway.Shard], a
// [ShardManager] is disgo's sharding.ShardManager over many. A bot changes two
// lines, the import and the option that makes its connection:
//
//	client, err := disgo.New(token,
//		disgogateway.WithGateway(token, // was: bot.WithGatewayConfigOpts(
//			gateway.WithIntents(gateway.IntentGuildMessages),
//		),
//		bot.WithEventListenerFunc(onMessage),
//	)
//
// Every event waits in the shard's own queue, bounded in bytes, until disgo's event
// manager takes it. That manager has one lock for all shards and calls listeners while
// it holds it. Here a listener that never returns delays events and nothing else.
// Heartbeats go on. What the queue cannot hold is left with Discord and fetched by a
// RESUME later. An event that disgo cannot decode is counted, logged and skipped. The
// sequence number a session is kept with is that of the last event the listeners have
// finished.
//
// [NewRateLimiter] takes the place of disgo's limits for REST; the options above
// put it there too.
//
// This is the only package of the module that imports disgo's gateway.
package disgogateway
