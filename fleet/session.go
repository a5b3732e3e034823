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

// forgetful is what keeps sessions when nobody does.
type forgetful struct{}

func (forgetful) Session(gateway.ShardID) gateway.Session           { return gateway.Session{} }
func (forgetful) SessionStore(gateway.ShardID) gateway.SessionStore { return nil }

// Handover is a session that has left its fleet: what another process needs to
// go on with the shard by a RESUME, while Discord keeps the session.
type Handover struct {
	Shard   gateway.ShardID
	Session gateway.Session
	Intents gateway.Intents
}
