package fleet

import (
	"sync"

	"evergreen/gateway"
)

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

// saveMode says whether the session of a shard is saved.
type saveMode int

const (
	sessionsNow    saveMode = iota // as it changes
	sessionsLater                  // not before the shard delivers: until then an older set has what is not handled
	sessionsNoMore                 // it is no longer this shard's to resume
)

// savedSession is the [gateway.SessionStore] of one shard. It hands the session on to the
// store of the options only while the session is the one that a next run should resume.
type savedSession struct {
	store gateway.SessionStore // nil keeps nothing

	mu     sync.Mutex
	mode   saveMode
	newest gateway.Session
	known  bool // Save was called
}

// Save implements [gateway.SessionStore].
func (s *savedSession) Save(session gateway.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest, s.known = session, true
	if s.mode == sessionsNow {
		s.saveLocked(session)
	}
}

// begin saves the session from now on.
func (s *savedSession) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = sessionsNow
	if s.known {
		s.saveLocked(s.newest)
	}
}

// forget removes the session from the store. An event that is handled later does not
// bring it back.
func (s *savedSession) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = sessionsNoMore
	s.saveLocked(gateway.Session{})
}

func (s *savedSession) saveLocked(session gateway.Session) {
	if s.store != nil {
		s.store.Save(session)
	}
}

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
