package gateway

import "evergreen/identify"

// ShardID names one shard of a bot: shard ID of Count. The zero ShardID means the
// bot is not sharded and IDENTIFY carries no shard field.
type ShardID = identify.ShardID

// Session is Discord's resumable session. The three values change together: a
// new READY replaces all of them at once (G-050).
type Session struct {
	// ID and ResumeURL come from READY (G-048).
	ID        string
	ResumeURL string
	// Seq is the sequence number to resume from: Discord replays everything
	// above it. In a Session handed to a [SessionStore] it is the handled low-water
	// mark, so that a crash replays what was received but not yet handled.
	Seq int64
}

// Resumable reports whether the session has what a RESUME needs.
func (s Session) Resumable() bool { return s.ID != "" && s.ResumeURL != "" && s.Seq > 0 }

// SessionStore is told whenever the session to resume from changes: a new READY, a
// handled event, or (with the zero Session) the loss of the session. Calls
// come from the event path, in order, and Keep must return at once: store the
// value somewhere and let another goroutine write it.
type SessionStore interface {
	Save(Session)
}
