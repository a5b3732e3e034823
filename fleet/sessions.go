package fleet

import "evergreen/gateway"

// Sessions keeps the sessions of the shards from one run to the next: on a
// disk, or where many machines can reach them.
type Sessions interface {
	// Session is what an earlier run left for the shard to resume, or the zero
	// Session. It is asked once for each shard, before it runs, and must not
	// block.
	Session(gateway.ShardID) gateway.Session
	// SessionStore is told whenever the session of the shard changes; nil keeps
	// nothing. It takes the place of an earlier one of the same shard.
	SessionStore(gateway.ShardID) gateway.SessionStore
}

// noSessions is the default Sessions: it keeps nothing.
type noSessions struct{}

func (noSessions) Session(gateway.ShardID) gateway.Session           { return gateway.Session{} }
func (noSessions) SessionStore(gateway.ShardID) gateway.SessionStore { return nil }

// Handover is a session that has left its fleet: what another process needs to
// resume the shard while Discord keeps the session.
type Handover struct {
	Shard   gateway.ShardID
	Session gateway.Session
	Intents gateway.Intents
}
