package simtest

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"sync"

	"evergreen/gateway"
)

// Log is a log in memory. Its methods may be called at the same time.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds a line.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String is everything that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Has reports whether a text was logged.
func (l *Log) Has(text string) bool { return strings.Contains(l.String(), text) }

// Logger logs everything from debug on.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Sessions keeps sessions in memory as a disk would. The zero value is empty; its
// methods may be called at the same time.
type Sessions struct {
	mu  sync.Mutex
	all map[gateway.ShardID]gateway.Session
}

// Session is the session that was last saved for a shard.
func (s *Sessions) Session(shard gateway.ShardID) gateway.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[shard]
}

// Clone returns a copy, as a disk is after a crash.
func (s *Sessions) Clone() *Sessions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Sessions{all: maps.Clone(s.all)}
}

// SessionStore saves the sessions of a shard.
func (s *Sessions) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	return shardSessions{s, shard}
}

type shardSessions struct {
	sessions *Sessions
	shard    gateway.ShardID
}

// Save saves the shard's session.
func (s shardSessions) Save(session gateway.Session) {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	if s.sessions.all == nil {
		s.sessions.all = map[gateway.ShardID]gateway.Session{}
	}
	s.sessions.all[s.shard] = session
}
