package discordsim

import "time"

// MissedMode says how the server ends a connection whose heartbeats stopped
// (S-035). The three differ because reports and documentation do.
type MissedMode string

// The ways a connection without heartbeats ends.
const (
	MissedObserved   MissedMode = "observed"   // close 1000 without a reason, session kept
	MissedDocumented MissedMode = "documented" // close 4009, session deleted
	MissedSilent     MissedMode = "silent"     // TCP reset, session kept
)

// Config sets every rule of the simulated Discord that is unknown, disputed or
// wanted otherwise in a test. The zero value of a field means the default named
// beside it; a negative number or span switches the rule off.
type Config struct {
	// Seed makes a run reproducible: all chance comes from it.
	Seed uint64

	// Latency is the one-way delay of every link, and Jitter the most that is
	// added to it at random; order is kept. Default: none.
	Latency, Jitter time.Duration
	// LinkWindow is how many bytes may be under way in one direction of a link
	// before its writer has to wait: 1 MiB.
	LinkWindow int

	// HeartbeatInterval goes into HELLO (S-003): 41,250 ms.
	HeartbeatInterval time.Duration
	// HeartbeatGrace is how long past the interval a heartbeat may stay out
	// (S-035): 9 s. MissedHeartbeat says what then happens: MissedObserved.
	HeartbeatGrace  time.Duration
	MissedHeartbeat MissedMode
	// RequestedWithin is how long a heartbeat asked for with op 1 may stay out
	// (S-036): 10 s.
	RequestedWithin time.Duration
	// ACKDelay is the time from a heartbeat to its op 11 (S-034): none.
	ACKDelay time.Duration
	// StrictHeartbeatSeq closes with 4007 or 4002 where a heartbeat carries a
	// sequence number it cannot have (S-037). Otherwise that is only recorded.
	StrictHeartbeatSeq bool

	// SessionLifetime is how long a session without a connection lives (S-043): 90 s.
	SessionLifetime time.Duration
	// ReplayEvents and ReplayBytes bound the replay buffer of a session (S-041):
	// 5,000 and 50 MB.
	ReplayEvents, ReplayBytes int
	// TooOldIs4007 closes with 4007 where a RESUME asks for events no longer
	// kept; otherwise op 9 false answers (S-049).
	TooOldIs4007 bool
	// WrongTokenIs4004 closes with 4004 where a RESUME carries another token
	// than the session's; otherwise op 9 false answers (S-051).
	WrongTokenIs4004 bool
	// BaseResumeCut is when a connection that resumed on the base gateway is
	// cut (S-053): 60 s.
	BaseResumeCut time.Duration

	// PayloadLimit is the largest message a client may send, in bytes (S-011): 4096.
	PayloadLimit int
	// SendLimit messages may come in SendWindow on one connection (S-013): 120
	// in 60 s, counted in a sliding window unless FixedSendWindow.
	SendLimit       int
	SendWindow      time.Duration
	FixedSendWindow bool
	// PresenceLimit presence updates may come in PresenceWindow (S-076): 5 in
	// 20 s; more are dropped and recorded.
	PresenceLimit  int
	PresenceWindow time.Duration
	// MembersWindow is how soon the members of one guild may be asked for again
	// (S-079): 30 s.
	MembersWindow time.Duration
	// IgnoreAllMembers drops a request for all members without the intent;
	// otherwise it closes with 4001 (S-078).
	IgnoreAllMembers bool

	// IdentifyWindow is the time between two IDENTIFYs of one concurrency key
	// (S-026): 5 s. The op 9 for a breach comes after InvalidDelay: 2 s.
	IdentifyWindow, InvalidDelay time.Duration
	// IdentifyTimeout closes with 4009 a connection that has neither identified
	// nor resumed by then. Default: never.
	IdentifyTimeout time.Duration
	// CountRejected counts refused IDENTIFYs in the budget too (S-024).
	CountRejected bool
	// StartsWindow is how long the identify budget lasts (S-024): 24 h.
	StartsWindow time.Duration
	// MaxGuilds is how many guilds one shard may have (S-023): 2,500.
	MaxGuilds int
	// PlainReady leaves out the undocumented fields of READY (S-028) and the
	// _trace of HELLO (S-003).
	PlainReady bool
	// GuildSpacing is the longest time between two GUILD_CREATEs after READY;
	// each gap is random below it (S-029): 50 ms.
	GuildSpacing time.Duration
	// HugeGuild is the member count above which GUILD_CREATE lists only the bot
	// (S-030): 75,000.
	HugeGuild int

	// ReconnectWait is the time from op 7 to the server's own close with 1001
	// (S-059): 5 s.
	ReconnectWait time.Duration
	// ReconnectMin and ReconnectMax, when Max is set, send op 7 to every
	// session at random moments that far apart (S-060).
	ReconnectMin, ReconnectMax time.Duration
	// CloseWait is how long the server waits for the answer to its close frame: 2 s.
	CloseWait time.Duration
	// KeepSessionOn and DropSessionOn override what a server close does to the
	// session (S-062), by code.
	KeepSessionOn, DropSessionOn []int

	// IgnorePings leaves WebSocket pings unanswered, PingEvery sends some (S-010).
	IgnorePings bool
	PingEvery   time.Duration
	// SplitFrames cuts each zlib-stream message into 1 to so many WebSocket
	// messages at random places (S-005). Default: 1.
	SplitFrames int
	// Fragments cuts each WebSocket message into up to so many fragments with
	// pings between them (RFC 6455). Default: 1.
	Fragments int
	// SharedCompression compresses every message by itself instead of with one
	// context for the connection: correct, larger, and some 4 KB a connection
	// cheaper. For runs with very many shards.
	SharedCompression bool

	// AnswerGrace is how long a command may stay unanswered before the verdict
	// calls it lost (S-100): 10 s.
	AnswerGrace time.Duration
	// LogFrames and LogConns bound the log (S-008): the newest 500 frames of a
	// connection, the newest 2,000 connections of an app.
	LogFrames, LogConns int

	// REST sets the REST side.
	REST RESTConfig
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	orInt(&c.LinkWindow, 1<<20)
	orSpan(&c.HeartbeatInterval, 41_250*time.Millisecond)
	orSpan(&c.HeartbeatGrace, 9*time.Second)
	if c.MissedHeartbeat == "" {
		c.MissedHeartbeat = MissedObserved
	}
	orSpan(&c.RequestedWithin, 10*time.Second)
	orSpan(&c.SessionLifetime, 90*time.Second)
	orInt(&c.ReplayEvents, 5000)
	orInt(&c.ReplayBytes, 50_000_000)
	orSpan(&c.BaseResumeCut, time.Minute)
	orInt(&c.PayloadLimit, 4096)
	orInt(&c.SendLimit, 120)
	orSpan(&c.SendWindow, time.Minute)
	orInt(&c.PresenceLimit, 5)
	orSpan(&c.PresenceWindow, 20*time.Second)
	orSpan(&c.MembersWindow, 30*time.Second)
	orSpan(&c.IdentifyWindow, 5*time.Second)
	orSpan(&c.InvalidDelay, 2*time.Second)
	orSpan(&c.StartsWindow, 24*time.Hour)
	orInt(&c.MaxGuilds, 2500)
	orSpan(&c.GuildSpacing, 50*time.Millisecond)
	orInt(&c.HugeGuild, 75_000)
	orSpan(&c.ReconnectWait, 5*time.Second)
	orSpan(&c.CloseWait, 2*time.Second)
	orInt(&c.SplitFrames, 1)
	orInt(&c.Fragments, 1)
	orSpan(&c.AnswerGrace, 10*time.Second)
	orInt(&c.LogFrames, 500)
	orInt(&c.LogConns, 2000)
	return c
}
