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

	speed float64 // of [Scenario.Faster]; 0: as it is written
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
	Voice        int      `key:"voice_channels" says:"How many voice channels each guild has: voice-1 and so on. Default 0."`
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
	Undone     *int   `key:"undone" says:"Steps of people that could not be done, or were answered otherwise than they say, at most. Default 0."`
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
// defaults, its overrides and its seed, at its speed.
func (sc *Scenario) Rules() discordsim.Config {
	rules := sc.rules()
	if sc.speed <= 1 {
		return rules
	}
	faster, err := rules.Faster(sc.speed)
	if err != nil {
		panic("scenario: a speed that was possible no longer is: " + err.Error())
	}
	return faster
}

// rules is the configuration as it is written.
func (sc *Scenario) rules() discordsim.Config {
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
