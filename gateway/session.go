package gateway

import (
	"evergreen/identify"
	"evergreen/internal/bounds"
)

// ShardID names one shard of a bot: shard ID of Count. The zero ShardID means the
// bot is not sharded and IDENTIFY carries no shard field.
type ShardID = identify.ShardID

// Session is Discord's resumable session. READY replaces all three values at once.
type Session struct {
	// ID is the session_id of READY.
	ID string
	// ResumeURL is the resume_gateway_url of READY. If READY has none, it is the URL that
	// the connection was dialled at.
	ResumeURL string
	// Seq is the sequence number to resume from: Discord replays everything above it. It
	// is 0 while no number has come, as on servers that give READY none.
	// In a Session for a [SessionStore] it is the low-water mark of what has been
	// handled. So after a crash, what was received but not handled is replayed.
	Seq int64
}

// Resumable reports whether the session has what a RESUME needs.
func (s Session) Resumable() bool {
	return s.ID != "" && len(s.ID) <= bounds.SessionID && s.ResumeURL != "" && len(s.ResumeURL) <= bounds.Address &&
		s.Seq >= 0 && s.Seq <= bounds.Sequence.Most
}

// SessionStore saves the session to resume from.
type SessionStore interface {
	// Save is called in order whenever the session changes: when it begins and when the
	// low-water mark of the handled events moves. When it is over, Save gets the zero
	// Session. It is called on the path of events and must return at once: let another
	// goroutine write.
	Save(Session)
}
