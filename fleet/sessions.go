package fleet

import "evergreen/gateway"

// Sessions keeps the sessions of the shards from one run to the next: on a
// disk, or where many machines can reach them.
type Sessions interface {
	// Session is what an earlier run left for the shard to resume, or the zero
	// Session. It is called once for each shard of the [Assignment], before it runs,
	// and must not block.
	Session(gateway.ShardID) gateway.Session
	// SessionStore returns what saves the session of the shard; nil keeps nothing. It
	// is called again whenever the shard is resumed or restarted. What it returns takes
	// the place of the earlier store of the same shard.
	SessionStore(gateway.ShardID) gateway.SessionStore
}

// noSessions is the default Sessions: it keeps nothing.
type noSessions struct{}

func (noSessions) Session(gateway.ShardID) gateway.Session           { return gateway.Session{} }
func (noSessions) SessionStore(gateway.ShardID) gateway.SessionStore { return nil }

// Handover is a session that has left its fleet: what another process needs to
// resume the shard while Discord keeps the session.
type Handover struct {
	// Shard is which shard it is.
	Shard gateway.ShardID
	// Session is what to resume; zero if the shard had no session.
	Session gateway.Session
	// Intents are those of the session: another fleet must ask for the same.
	Intents gateway.Intents
}
