// Package scenario reads, checks and plays scenarios: a stretch of time at a
// simulated Discord, as a file that a person writes. It says what the world is
// like, what goes wrong when, and what a good bot makes of it.
//
// It uses only the public methods of [discordsim.Sim], so what it does any test
// can do too.
package scenario

import (
	"cmp"

	"evergreen/discordsim"
)

// Scenario is a stretch of time at Discord. The key tag of a field is its name in
// a file, the says tag what it means; the reader, its mistakes and the schema
// follow from them.
type Scenario struct {
	Name   string       `key:"name" must:"yes" says:"The name of the scenario, best that of its file."`
	Says   string       `key:"says" must:"yes" says:"What happens, in a sentence or two."`
	Causes []int        `key:"causes" says:"The causes of docs/runbook.md that are played, by number."`
	Seed   uint64       `key:"seed" says:"All chance comes out of it: the same seed, the same run. Default 0."`
	Config Overrides    `key:"config" says:"Rules of the simulated Discord that differ from their defaults."`
	World  World        `key:"world" says:"Who is there and what they ask the bot."`
	Steps  []Step       `key:"steps" says:"What happens, one thing an entry."`
	Expect Expectations `key:"expect" says:"What a good bot makes of it. What is left out has the default named with it."`

	// Tell, if set, hears of each step as it begins. It is called in order and
	// must return at once; it must not call the simulator.
	Tell func(Moment) `key:"-"`

	marks
}

// Overrides are the fields of [discordsim.Config] a scenario may set. The zero value of a
// field keeps the default; a time of "never" switches the rule off.
type Overrides struct {
	Latency          Span                  `key:"latency" says:"One-way delay of every link. Default 0s."`
	Jitter           Span                  `key:"jitter" says:"The most that is added to the latency at random. Default 0s."`
	Heartbeat        Span                  `key:"heartbeat" says:"The heartbeat interval in HELLO. Default 41.25s."`
	HeartbeatGrace   Span                  `key:"heartbeat_grace" never:"yes" says:"How long past the interval a heartbeat may stay out. Default 9s."`
	MissedHeartbeat  discordsim.MissedMode `key:"missed_heartbeat" of:"observed documented silent" says:"How a connection without heartbeats ends: close 1000, close 4009, or a reset. Default observed."`
	ACKDelay         Span                  `key:"ack_delay" says:"The time from a heartbeat to its answer. Default 0s."`
	StrictSequence   bool                  `key:"strict_sequence" says:"Close connections whose heartbeats carry impossible sequence numbers."`
	SessionLifetime  Span                  `key:"session_lifetime" never:"yes" says:"How long a session without a connection lives. Default 90s."`
	ReplayEvents     int                   `key:"replay_events" says:"How many events a session keeps for a replay. Default 5000."`
	TooOldIs4007     bool                  `key:"too_old_is_4007" says:"Close with 4007 where a RESUME asks for events that are no longer kept; otherwise op 9."`
	WrongTokenIs4004 bool                  `key:"wrong_token_is_4004" says:"Close with 4004 where a RESUME carries another token than the session's; otherwise op 9."`
	BaseResumeCut    Span                  `key:"base_resume_cut" never:"yes" says:"When a connection that resumed on the base gateway is cut. Default 1m."`
	IdentifyWindow   Span                  `key:"identify_window" never:"yes" says:"The time between two IDENTIFYs of one concurrency key. Default 5s."`
	StartsWindow     Span                  `key:"starts_window" says:"How long the budget of IDENTIFYs lasts. Default 24h."`
	MaxGuilds        int                   `key:"max_guilds" says:"How many guilds one shard may have. Default 2500."`
	GuildSpacing     Span                  `key:"guild_spacing" never:"yes" says:"The longest time between two GUILD_CREATEs after READY. Default 50ms."`
	ReconnectWait    Span                  `key:"reconnect_wait" never:"yes" says:"The time from op 7 to the server's own close. Default 5s."`
	ReconnectMin     Span                  `key:"reconnect_min" says:"With reconnect_max: every session gets op 7 at random moments at least that far apart."`
	ReconnectMax     Span                  `key:"reconnect_max" says:"With reconnect_min: and at most that far apart. Default: no op 7 by itself."`
	PingEvery        Span                  `key:"ping_every" says:"How often WebSocket pings are sent. Default: none are."`
	IgnorePings      bool                  `key:"ignore_pings" says:"Leave WebSocket pings unanswered."`
	SplitFrames      int                   `key:"split_frames" says:"Cut each zlib-stream message into up to so many WebSocket messages. Default 1."`
	Fragments        int                   `key:"fragments" says:"Cut each WebSocket message into up to so many fragments. Default 1."`
	AnswerGrace      Span                  `key:"answer_grace" says:"How long a command may stay unanswered before it counts as lost. Default 10s."`
}

// World is who is there.
type World struct {
	Guilds       int      `key:"guilds" says:"How many guilds the bot is in. Default 1."`
	Channels     int      `key:"channels" says:"How many channels each guild has. Default 2."`
	People       int      `key:"people" says:"How many people talk. Default 6."`
	CommandEvery Span     `key:"command_every" says:"The time between two commands of these people, give or take half. Default: they ask nothing by themselves."`
	Commands     []string `key:"commands" says:"What they write, in turns. Default: !ping."`
	Slash        []string `key:"slash" says:"Slash commands they use for every fifth command, without the slash."`
	Shards       int      `key:"shards" says:"The shard count that GET /gateway/bot recommends. Default 1."`
	Concurrency  int      `key:"concurrency" says:"How many shards may identify at once. Default 1."`
	StartsTotal  int      `key:"starts_total" says:"The budget of IDENTIFYs. Default 1000."`
	StartsUsed   int      `key:"starts_used" says:"How much of the budget is spent already."`
	EntryPoint   bool     `key:"entry_point" says:"The app has the Entry Point command that Discord makes when Activities are switched on."`
	Unprivileged bool     `key:"unprivileged" says:"Begin with all privileged intents switched off."`
}

// Step is one thing that happens: exactly one of Fault, Outage, Say, Interact,
// Event, Intents, Lift and End, at one moment or again and again.
type Step struct {
	At     *Span `key:"at" says:"When, counted from the start."`
	After  *Span `key:"after" says:"When, counted from the moment the step above is over."`
	Every  Span  `key:"every" says:"Again and again, this far apart; the first time after as long, unless at or after says when."`
	Jitter Span  `key:"jitter" says:"With every: each distance is up to so much shorter or longer."`
	Until  Span  `key:"until" says:"With every: not after this time, counted from the start. Default: the end."`

	Fault       string  `key:"fault" says:"Something goes wrong; docs/faults.md lists them."`
	For         Span    `key:"for" says:"How long it lasts. Default: until it is lifted or has struck count times."`
	Count       int     `key:"count" says:"How often the fault strikes. Default: always while it lasts."`
	Probability float64 `key:"probability" says:"The chance that the fault strikes, above 0 and up to 1. Default 1."`
	Code        int     `key:"code" says:"The close code or HTTP status."`
	Delay       Span    `key:"delay" says:"The time the fault is about."`
	Text        string  `key:"text" says:"A close reason, a body or a payload; with event: its d, as JSON."`
	Host        string  `key:"host" of:"api gateway resume" says:"Limits a network fault to one host."`
	Route       string  `key:"route" says:"Limits a REST fault to one route, such as POST /channels/{channel}/messages."`
	Shard       *int    `key:"shard" says:"Limits the fault to one shard id."`

	Outage   string  `key:"outage" of:"all gateway rest resume network guild" says:"A part of the world is gone: Discord, its gateway, its REST API, the resume address, the bot's network, or one guild."`
	Say      string  `key:"say" says:"A user writes this; it is a command the bot must answer exactly once, unless chatter says otherwise."`
	Chatter  bool    `key:"chatter" says:"With say: nobody expects an answer."`
	Interact string  `key:"interact" says:"A user uses this slash command, without the slash."`
	Event    string  `key:"event" says:"Discord sends an event of this type to the first guild, with text as its d, or with the guild."`
	Size     float64 `key:"megabytes" says:"With event: how large its d is made."`
	Times    int     `key:"times" says:"How often it is said, used or sent at that moment. Default 1."`
	Intents  string  `key:"intents" of:"on off" says:"The privileged intents are switched on or off."`
	Lift     bool    `key:"lift" says:"All faults are over."`
	End      bool    `key:"end" says:"The scenario is over. Default: a minute after everything else is."`

	marks
}

// Expectations are what a good bot makes of a scenario. A nil field means the default
// named with it.
type Expectations struct {
	Gap        *Span  `key:"gap" says:"The longest time without a connection that is READY or RESUMED, at most. Default: any."`
	Grey       *Span  `key:"grey" says:"How long the dot is grey in all, at most. Default: any."`
	Identifies *int   `key:"identifies" says:"IDENTIFYs, at most. Default: any number."`
	Dials      *int   `key:"dials" says:"Gateway connections, at most. Default: any number."`
	Answered   *int   `key:"answered" says:"Commands answered exactly once, at least. Default 0."`
	Lost       *int   `key:"lost" says:"Commands that were never answered, at most. Default 0."`
	Twice      *int   `key:"twice" says:"Commands that were answered twice, at most. Default 0."`
	Violations *int   `key:"violations" says:"Rules of Discord's that were broken, at most. Default 0."`
	Invalid    *int   `key:"invalid_requests" says:"REST requests answered 401, 403 or 429, at most. Default: any number."`
	Ends       string `key:"ends" of:"online offline any" says:"How the bot is at the end. Default online."`
	Activity   bool   `key:"same_activity" says:"At the end the status line reads as it did at first."`

	marks
}

// marks remembers where in a file a part of a scenario stands. It is empty for
// one that was made in Go.
type marks struct {
	line int
	at   map[string]int // by key
}

func (m *marks) mark(place marks) { *m = place }

// lineOf is the line of a key, or of the whole part where the key is not given.
func (m *marks) lineOf(key string) int { return cmp.Or(m.at[key], m.line) }

// never is the time that says that a rule does not hold.
const never Span = -1

// Rules is the configuration of a simulator that the scenario wants: the
// defaults, its overrides and its seed.
func (sc *Scenario) Rules() discordsim.Config {
	o := sc.Config
	return discordsim.Config{
		Seed: sc.Seed, Latency: o.Latency.d(), Jitter: o.Jitter.d(), AnswerGrace: o.AnswerGrace.d(),
		Heartbeat: discordsim.HeartbeatConfig{
			Interval: o.Heartbeat.d(), Grace: o.HeartbeatGrace.d(), Missed: o.MissedHeartbeat,
			ACKDelay: o.ACKDelay.d(), StrictSequence: o.StrictSequence,
		},
		Session: discordsim.SessionConfig{
			Lifetime: o.SessionLifetime.d(), ReplayEvents: o.ReplayEvents, TooOldIs4007: o.TooOldIs4007, WrongTokenIs4004: o.WrongTokenIs4004,
			BaseResumeCut: o.BaseResumeCut.d(), ReconnectWait: o.ReconnectWait.d(), ReconnectMin: o.ReconnectMin.d(), ReconnectMax: o.ReconnectMax.d(),
		},
		Identify: discordsim.IdentifyConfig{
			Window: o.IdentifyWindow.d(), StartsWindow: o.StartsWindow.d(), MaxGuilds: o.MaxGuilds, GuildSpacing: o.GuildSpacing.d(),
		},
		WebSocket: discordsim.WebSocketConfig{PingEvery: o.PingEvery.d(), IgnorePings: o.IgnorePings, SplitFrames: o.SplitFrames, Fragments: o.Fragments},
	}
}
