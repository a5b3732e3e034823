package discordsim

import "time"

// MissedMode says how the server ends a connection whose heartbeats stopped.
// There are three because reports and documentation differ.
type MissedMode string

// The ways a connection without heartbeats ends.
const (
	MissedObserved   MissedMode = "observed"   // close 1000 without a reason, session kept
	MissedDocumented MissedMode = "documented" // close 4009, session deleted
	MissedSilent     MissedMode = "silent"     // TCP reset, session kept
)

// Config sets every rule of the simulated Discord that is unknown, disputed or
// wanted otherwise in a test. In it and in its groups the zero value of a field
// means the default named beside it; a negative number or duration switches the
// rule off.
type Config struct {
	// Seed makes a run reproducible: all randomness comes from it.
	Seed uint64

	// Latency is the one-way delay of every link, and Jitter the most that is
	// added to it at random; order is kept. Default: none.
	Latency, Jitter time.Duration
	// LinkWindow is how many bytes may be under way in one direction of a link
	// before its writer has to wait. Default 1 MiB.
	LinkWindow int

	Heartbeat HeartbeatConfig
	Session   SessionConfig
	Identify  IdentifyConfig
	Limits    LimitConfig
	WebSocket WebSocketConfig
	REST      RESTConfig

	// VoiceEndpoint is the host of the voice server that VOICE_SERVER_UPDATE names. Default:
	// null, which says that no server is allocated yet.
	VoiceEndpoint string

	// HiddenChannels says how the gateway shows channels that a bot may not see. Default
	// HiddenObfuscated.
	HiddenChannels HiddenMode

	// OfflineHides shows a bot offline that sends the status "offline", as documented.
	// Otherwise it is shown online, as users of two libraries report; "invisible" hides.
	OfflineHides bool

	// AnswerGrace is how long a command may stay unanswered before the verdict
	// calls it lost. Default 10 s.
	AnswerGrace time.Duration
	// LogFrames and LogConns bound the log: the newest 500 frames of a
	// connection, the newest 2,000 connections of an app.
	LogFrames, LogConns int

	// Dispatched, if set, is told every event but RESUMED as a session numbers it, also
	// those without a connection, and SessionEnded the end of a session. Neither may call
	// the simulator.
	Dispatched   func(Dispatch)
	SessionEnded func(SessionEnd)
}

// Dispatch is an event with the number that a session has given it.
type Dispatch struct {
	App     ID
	Session string
	Seq     int64
	Type    string
	// Data is its d, which must not be changed.
	Data []byte
}

// SessionEnd is the end of a session of an app.
type SessionEnd struct {
	App     ID
	Session string
	// Confirmed is the highest number that the client has confirmed; what is above may
	// never have reached it.
	Confirmed int64
}

// HeartbeatConfig sets when heartbeats are expected and how they are answered.
type HeartbeatConfig struct {
	// Interval goes into HELLO. Default 41.25 s.
	Interval time.Duration
	// Grace is how long past the interval a heartbeat may stay out. Default 9 s.
	Grace time.Duration
	// Missed says how a connection ends whose heartbeat stayed out. Default
	// MissedObserved.
	Missed MissedMode
	// RequestedWithin is how long a heartbeat asked for with op 1 may stay out.
	// Default 10 s.
	RequestedWithin time.Duration
	// ACKDelay is the time from a heartbeat to its op 11. Default: none in memory, and
	// 60 ms once [Sim.Listen] has been called.
	ACKDelay time.Duration
	// StrictSequence closes with 4007 or 4002 where a heartbeat carries a sequence
	// number it cannot have. Otherwise that is only recorded.
	StrictSequence bool
}

// SessionConfig sets how long sessions live, what a RESUME gets, and what ends
// connections.
type SessionConfig struct {
	// Lifetime is how long a session without a connection lives. Default 90 s.
	Lifetime time.Duration
	// ReplayEvents and ReplayBytes bound the replay buffer of a session. Default
	// 5,000 and 50 MB.
	ReplayEvents, ReplayBytes int
	// TooOldIs4007 closes with 4007 where a RESUME asks for events no longer
	// kept; otherwise op 9 false answers.
	TooOldIs4007 bool
	// WrongTokenIs4004 closes with 4004 where a RESUME carries another token
	// than the session's; otherwise op 9 false answers.
	WrongTokenIs4004 bool
	// BaseResumeCut is when a connection that resumed on the base gateway is cut.
	// Default 60 s.
	BaseResumeCut time.Duration
	// ReconnectWait is the time from op 7 to the server's own close with 1001.
	// Default 5 s.
	ReconnectWait time.Duration
	// ReconnectMin and ReconnectMax, when Max is set, send op 7 to every session
	// at random moments that far apart. Default: no op 7 unasked.
	ReconnectMin, ReconnectMax time.Duration
	// KeepOn and DropOn override what a server close does to the session, by
	// close code.
	KeepOn, DropOn []int
}

// IdentifyConfig sets what an IDENTIFY may cost, and the READY and guilds that
// answer it.
type IdentifyConfig struct {
	// Window is the time between two IDENTIFYs of one concurrency key. Default
	// 5 s. The op 9 for a breach comes after InvalidDelay. Default 2 s.
	Window, InvalidDelay time.Duration
	// EarlyExtends begins the window anew with an IDENTIFY that came too early. Otherwise
	// it does not count: libraries that identify again at once get through in the end.
	EarlyExtends bool
	// Timeout closes with 4009 a connection that has neither identified nor
	// resumed by then. Default: never.
	Timeout time.Duration
	// CountRejected counts refused IDENTIFYs in the budget too.
	CountRejected bool
	// StartsWindow is how long the identify budget lasts. Default 24 h.
	StartsWindow time.Duration
	// MaxGuilds is how many guilds one shard may have. Default 2,500.
	MaxGuilds int
	// PlainReady leaves out the undocumented fields of READY and the _trace of
	// HELLO.
	PlainReady bool
	// GuildSpacing is the longest time between two GUILD_CREATEs after READY;
	// each gap is random below it. Default 50 ms.
	GuildSpacing time.Duration
	// GuildsWithin shortens GuildSpacing for a shard whose guilds would not come within it.
	// Default 3 s where GuildSpacing has its default, else never.
	GuildsWithin time.Duration
	// VoiceStatesByIntent leaves voice_states of GUILD_CREATE empty for a session without
	// GUILD_VOICE_STATES. Otherwise they are sent to all: nothing documented excludes them.
	VoiceStatesByIntent bool
	// HugeGuild is the member count above which GUILD_CREATE lists only the bot.
	// Default 75,000.
	HugeGuild int
}

// spacingOf is the longest time between two of so many guilds.
func (c IdentifyConfig) spacingOf(guilds int) time.Duration {
	if c.GuildsWithin <= 0 || guilds == 0 {
		return c.GuildSpacing
	}
	return min(c.GuildSpacing, c.GuildsWithin/time.Duration(guilds))
}

// LimitConfig sets what a client may send on one connection.
type LimitConfig struct {
	// PayloadBytes is the largest message a client may send. Default 4096.
	PayloadBytes int
	// Sends messages may come in SendWindow, counted in a sliding window unless
	// FixedSendWindow. Default 120 in 60 s.
	Sends           int
	SendWindow      time.Duration
	FixedSendWindow bool
	// Presences presence updates may come in PresenceWindow; more are dropped and
	// recorded. Default 5 in 20 s.
	Presences      int
	PresenceWindow time.Duration
	// MembersWindow is how soon the members of one guild may be asked for again.
	// Default 30 s.
	MembersWindow time.Duration
	// QueryOptional takes a request for members with neither query nor user_ids as one for
	// all. Otherwise it closes with 4001, as is reported of Discord.
	QueryOptional bool
	// IgnoreAllMembers drops a request for all members without the intent;
	// otherwise it closes with 4001.
	IgnoreAllMembers bool
}

// WebSocketConfig sets how payloads become WebSocket frames.
type WebSocketConfig struct {
	// CloseWait is how long the server waits for the answer to its close frame.
	// Default 2 s.
	CloseWait time.Duration
	// IgnorePings leaves WebSocket pings unanswered, PingEvery sends some.
	// Default: none are sent.
	IgnorePings bool
	PingEvery   time.Duration
	// SplitFrames cuts each zlib-stream message into 1 to so many WebSocket
	// messages at random places. Default 1.
	SplitFrames int
	// Fragments cuts each WebSocket message into up to so many fragments with
	// pings between them (RFC 6455). Default 1.
	Fragments int
	// SharedCompression compresses every message by itself instead of with one
	// context for the connection: correct, larger, and some 4 KB a connection
	// cheaper. For runs with very many shards.
	SharedCompression bool
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	orInt(&c.LinkWindow, 1<<20)
	orDuration(&c.Heartbeat.Interval, 41_250*time.Millisecond)
	orDuration(&c.Heartbeat.Grace, 9*time.Second)
	if c.Heartbeat.Missed == "" {
		c.Heartbeat.Missed = MissedObserved
	}
	if c.HiddenChannels == "" {
		c.HiddenChannels = HiddenObfuscated
	}
	orDuration(&c.Heartbeat.RequestedWithin, 10*time.Second)
	orDuration(&c.Session.Lifetime, 90*time.Second)
	orInt(&c.Session.ReplayEvents, 5000)
	orInt(&c.Session.ReplayBytes, 50_000_000)
	orDuration(&c.Session.BaseResumeCut, time.Minute)
	orDuration(&c.Session.ReconnectWait, 5*time.Second)
	orDuration(&c.Identify.Window, 5*time.Second)
	orDuration(&c.Identify.InvalidDelay, 2*time.Second)
	orDuration(&c.Identify.StartsWindow, 24*time.Hour)
	orInt(&c.Identify.MaxGuilds, 2500)
	if c.Identify.GuildSpacing == 0 {
		c.Identify.GuildSpacing = 50 * time.Millisecond
		orDuration(&c.Identify.GuildsWithin, 3*time.Second)
	}
	orInt(&c.Identify.HugeGuild, 75_000)
	orInt(&c.Limits.PayloadBytes, 4096)
	orInt(&c.Limits.Sends, 120)
	orDuration(&c.Limits.SendWindow, time.Minute)
	orInt(&c.Limits.Presences, 5)
	orDuration(&c.Limits.PresenceWindow, 20*time.Second)
	orDuration(&c.Limits.MembersWindow, 30*time.Second)
	orDuration(&c.WebSocket.CloseWait, 2*time.Second)
	orInt(&c.WebSocket.SplitFrames, 1)
	orInt(&c.WebSocket.Fragments, 1)
	orDuration(&c.AnswerGrace, 10*time.Second)
	orInt(&c.LogFrames, 500)
	orInt(&c.LogConns, 2000)
	return c
}

// RESTConfig sets the rules of the REST API.
type RESTConfig struct {
	// RefuseUserAgent refuses a missing or foreign User-Agent with 403 40333
	// (S-082). Off, it is only recorded as a violation.
	RefuseUserAgent bool
	// NonceWindow is how long enforce_nonce remembers a nonce. Default 5 min.
	NonceWindow time.Duration
	// NoncePerChannel narrows that memory from the author to the author in one
	// channel.
	NoncePerChannel bool
	// EventLag is the longest an event stays behind the answer that caused it,
	// when the answer goes first. Default 20 ms.
	EventLag time.Duration
	// GlobalLimit is the number of requests a second per token. Default 50.
	GlobalLimit int
	// InvalidLimit answers of 401, 403 or 429 within InvalidWindow ban an
	// address for BanFor. Default 10,000 in 10 min, 1 h. BanForm is the response:
	// "1015" in plain text, "html" with Retry-After, or "json" without
	// retry_after; all three have been seen in the wild. Default "1015".
	InvalidLimit  int
	InvalidWindow time.Duration
	BanFor        time.Duration
	BanForm       string
	// BodyLimit and FileLimit bound a request and one file of it, in bytes.
	// Default 25 MiB and 10 MiB.
	BodyLimit, FileLimit int64
	// ReadTimeout bounds the reading of one body. Default 30 s.
	ReadTimeout time.Duration
	// InteractionDeadline is the time for the first answer to an interaction,
	// InteractionLife that of its token. Default 3 s and 15 min.
	InteractionDeadline, InteractionLife time.Duration
	// DailyCreates is the number of new commands a day in one scope. Default 200.
	DailyCreates int
	// Grace is how long after a "stop" has been sent a request may still be on
	// its way before it counts as a violation. Default 500 ms.
	Grace time.Duration
	// RetryWindow is how soon the same request after 401, 403 or 404 counts as
	// a forbidden retry. Default 1 min.
	RetryWindow time.Duration

	// CloseGaps moves channels and roles down into the gap that a deleted one leaves, with
	// an event for each. Otherwise they stay where they are: on Discord positions may have
	// gaps, and two may share one.
	CloseGaps bool
	// SlowmodeForBots holds bots without BYPASS_SLOWMODE to the slow mode of a channel: 429
	// with code 20016. Otherwise bots are unaffected, as documented.
	SlowmodeForBots bool

	limits map[string]rateLimit // replaces rows of the bucket table, for tests of this package
}

// withDefaults fills in what was left zero.
func (c RESTConfig) withDefaults() RESTConfig {
	orDuration(&c.NonceWindow, 5*time.Minute)
	orDuration(&c.EventLag, 20*time.Millisecond)
	orInt(&c.GlobalLimit, 50)
	orInt(&c.InvalidLimit, 10_000)
	orDuration(&c.InvalidWindow, 10*time.Minute)
	orDuration(&c.BanFor, time.Hour)
	if c.BanForm == "" {
		c.BanForm = banPlain
	}
	orInt(&c.BodyLimit, 25<<20)
	orInt(&c.FileLimit, 10<<20)
	orDuration(&c.ReadTimeout, 30*time.Second)
	orDuration(&c.InteractionDeadline, 3*time.Second)
	orDuration(&c.InteractionLife, 15*time.Minute)
	orInt(&c.DailyCreates, 200)
	orDuration(&c.Grace, 500*time.Millisecond)
	orDuration(&c.RetryWindow, time.Minute)
	return c
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

func orInt[N int | int64](n *N, otherwise N) {
	if *n == 0 {
		*n = otherwise
	}
}
