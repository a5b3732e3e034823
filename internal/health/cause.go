package health

// CauseID names a row of [Catalogue]. It is stored and linked to, so it never
// changes.
type CauseID string

// The causes that observations can lead to. The other rows are recognised by
// other parts of the program: the run record, the doctor, the bot.
const (
	Unknown          CauseID = "unknown"
	IntentsRefused   CauseID = "intents-refused"
	TokenRefused     CauseID = "token-refused"
	SlowHandlers     CauseID = "slow-handlers"
	HalfOpen         CauseID = "half-open"
	ReconnectLoop    CauseID = "reconnect-loop"
	IdentifyBudget   CauseID = "identify-budget"
	IPBanned         CauseID = "ip-banned"
	DNSFailure       CauseID = "dns-failure"
	ResumeDropped    CauseID = "resume-dropped"
	ProxyBlocks      CauseID = "proxy-blocks"
	DiscordOutage    CauseID = "discord-outage"
	HostSlept        CauseID = "host-slept"
	SendLimit        CauseID = "send-limit"
	ShardingRequired CauseID = "sharding-required"
	IPv6NoRoute      CauseID = "ipv6-no-route"
	CertificateBad   CauseID = "certificate-refused"
	GreenButUseless  CauseID = "green-but-useless"

	RoutineReconnect CauseID = "routine-reconnect"
	ConnectionCut    CauseID = "connection-cut"
	DiscordClosed    CauseID = "discord-closed"
	SessionEnded     CauseID = "session-ended"
	NetworkDown      CauseID = "network-down"
	GarbledStream    CauseID = "garbled-stream"
	ClientMistake    CauseID = "client-mistake"
	ClientOutdated   CauseID = "client-outdated"
	PlannedStop      CauseID = "planned-stop"
)

// Depth says how much of an outage a cause explains. When several causes show
// up in one incident, the deepest names it.
type Depth int

// The depths.
const (
	// Unexplained is only the depth of [Unknown].
	Unexplained Depth = iota
	// Symptom: that the connection ended, but not why.
	Symptom
	// Consequence: why it took longer, following from something else.
	Consequence
	// Root: why it happened.
	Root
)

// Cause is one row of the catalogue of why bots go offline.
type Cause struct {
	ID CauseID
	// Number is the place in the ranking of what keeps bots offline, 1 being
	// the most common; 0 for everyday ends of a connection.
	Number int
	Title  string
	// Recognised is how software sees it.
	Recognised string
	// Done is what this program does about it.
	Done string
	// Do is what a person has to do; empty when nothing is left to be done.
	Do    string
	Depth Depth
}

// Link is where the runbook explains the cause.
func (c Cause) Link() string { return "docs/runbook.md#" + string(c.ID) }

// Catalogue holds every cause: the 25 of the ranking first, then the everyday
// ones.
var Catalogue = []Cause{
	{
		ID: "process-gone", Number: 1, Depth: Root,
		Title:      "The process was gone and nobody restarted it",
		Recognised: "The previous run ended without a stop record, or the host has booted since.",
		Done:       "The next start resumes the session if Discord still keeps it, and records how the last run ended.",
		Do:         "Run the bot as a service that restarts it: a systemd unit, or a container with a restart policy.",
	},
	{
		ID: "host-idles", Number: 2, Depth: Root,
		Title:      "A free or idle host put the process to sleep",
		Recognised: "SIGTERM without a deploy, or gaps whose lengths repeat.",
		Done:       "The session is saved, so that waking up within the minute resumes it.",
		Do:         "Look up the host's idle policy; a bot needs a plan that never sleeps.",
	},
	{
		ID: IntentsRefused, Number: 3, Depth: Root,
		Title:      "Privileged intents are switched off, or an intent is wrong",
		Recognised: "Close code 4013 or 4014; the application's flags.",
		Done:       "Stopped dialling. The application's flags are checked again from time to time, and the bot comes back by itself once they fit.",
		Do:         "Switch the intent on at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents), or configure the bot without it.",
	},
	{
		ID: TokenRefused, Number: 4, Depth: Root,
		Title:      "The token is wrong, was reset or has leaked",
		Recognised: "REST answers 401, or close code 4004; 4003 on a live session when it is reset.",
		Done:       "Stopped dialling, so that the address is not banned. A new token is taken up without a restart where the configuration allows it.",
		Do:         "Reset the token at https://discord.com/developers/applications (your application, Bot, Reset Token) and put the new one into DISCORD_TOKEN.",
	},
	{
		ID: SlowHandlers, Number: 5, Depth: Root,
		Title:      "Handlers are blocked or slow",
		Recognised: "The age of the oldest event in the queue; the queue is full.",
		Done:       "The connection is not affected. What does not fit is left with Discord and fetched again by a RESUME.",
		Do:         "Look for the slow handler in the log and move its work out of the way of the others.",
	},
	{
		ID: HalfOpen, Number: 6, Depth: Symptom,
		Title:      "A half-open (zombie) connection",
		Recognised: "Nothing arrives although the socket looks open; heartbeats stay unanswered.",
		Done:       "Asked with an extra heartbeat, prepared a spare connection, resumed on it.",
	},
	{
		ID: ReconnectLoop, Number: 7, Depth: Consequence,
		Title:      "A reconnect loop on a dead session",
		Recognised: "The same ending three times in a row.",
		Done:       "The session is given up after three refused RESUMEs; then a new one is started on a fresh address within the budget.",
		Do:         "If it goes on, look at https://discordstatus.com.",
	},
	{
		ID: IdentifyBudget, Number: 8, Depth: Root,
		Title:      "The budget of session starts (IDENTIFY) is used up or being saved",
		Recognised: "The ledger of IDENTIFYs; session_start_limit.",
		Done:       "Waiting: exhausting the budget would make Discord reset the token.",
		Do:         "Find out what spent the starts: a crash loop, or a second program with the same token.",
	},
	{
		ID: IPBanned, Number: 9, Depth: Root,
		Title:      "Discord has banned this address for a while",
		Recognised: "HTTP 429 with an HTML or text body, or without a Discord header.",
		Done:       "Waiting it out: knocking makes it longer.",
		Do:         "If the address is shared (free hosting), move to one of your own; find what sent so many refused requests.",
	},
	{
		ID: DNSFailure, Number: 10, Depth: Root,
		Title:      "DNS failure",
		Recognised: "The name does not resolve; the dial is never reached.",
		Done:       "Retried every few seconds.",
		Do:         "Check the resolver of this host (resolv.conf, the container's DNS). It is not Discord.",
	},
	{
		ID: "deploy-goodbye", Number: 11, Depth: Root,
		Title:      "A deploy closed the session with code 1000",
		Recognised: "The own stop reason, and an IDENTIFY right after a stop.",
		Done:       "A pause closes with a private code instead, and the next start resumes.",
		Do:         "Stop with SIGTERM, not with --goodbye, when a restart follows.",
	},
	{
		ID: "presence-lost", Number: 12, Depth: Root,
		Title:      "The presence was lost",
		Recognised: "The wanted presence differs from the one last sent in this session.",
		Done:       "Sent in every IDENTIFY, after READY and RESUMED, and on every keep-alive.",
	},
	{
		ID: ResumeDropped, Number: 13, Depth: Consequence,
		Title:      "Discord dropped RESUMEs",
		Recognised: "RESUME was sent and neither RESUMED nor a refusal came.",
		Done:       "Tried at most three times, at alternating addresses; then a new session.",
	},
	{
		ID: "out-of-memory", Number: 14, Depth: Root,
		Title:      "The kernel killed the process for memory",
		Recognised: "The cgroup's oom_kill counter; exit status 137.",
		Done:       "The memory limit is respected; a warning comes at 85 %.",
		Do:         "Give the container or host more memory.",
	},
	{
		ID: "two-instances", Number: 15, Depth: Root,
		Title:      "Two instances share one token",
		Recognised: "The lock in the state folder; answers that this one did not send; a budget that falls faster than the ledger.",
		Done:       "The second instance refuses to start.",
		Do:         "Stop the other instance, or give it a token of its own.",
	},
	{
		ID: ProxyBlocks, Number: 16, Depth: Root,
		Title:      "A proxy or firewall lets HTTPS through, but not WebSockets",
		Recognised: "REST works; the WebSocket upgrade is refused with HTTP 4xx.",
		Done:       "Retried every few seconds.",
		Do:         "Allow wss to gateway.discord.gg (port 443) on the proxy or firewall in between.",
	},
	{
		ID: DiscordOutage, Number: 17, Depth: Root,
		Title:      "Trouble at Discord",
		Recognised: "HTTP 5xx, no HELLO, or READY that does not come while heartbeats are answered.",
		Done:       "Held on without spending session starts.",
		Do:         "Nothing on this side; see https://discordstatus.com.",
	},
	{
		ID: HostSlept, Number: 18, Depth: Root,
		Title:      "The host slept or was paused",
		Recognised: "The clock jumped.",
		Done:       "Dropped the old connection at once and resumed.",
		Do:         "Keep the host awake: switch off suspend, or move the bot off the laptop.",
	},
	{
		ID: "supervisor-gave-up", Number: 19, Depth: Root,
		Title:      "The supervisor gave up restarting",
		Recognised: "The count of restarts in the store.",
		Done:       "The process never exits over what passes by itself, and exits with 78 over what does not.",
		Do:         "Mend what the last exit said, then start the service again.",
	},
	{
		ID: "short-timeouts", Number: 20, Depth: Root,
		Title:      "A time-out is set below Discord's own interval",
		Recognised: "Disconnects at a period that equals a configured value.",
		Done:       "Such values are refused or raised.",
		Do:         "Raise the time-out above the heartbeat interval (about 41 s).",
	},
	{
		ID: SendLimit, Number: 21, Depth: Root,
		Title:      "Too much was sent over the gateway",
		Recognised: "Close code 4008.",
		Done:       "Sends are limited, with slots kept free for heartbeats, and presence updates are merged.",
		Do:         "If this appears, something else sends on the same connection: please report it.",
	},
	{
		ID: ShardingRequired, Number: 22, Depth: Root,
		Title:      "The shard count does not fit the number of guilds",
		Recognised: "Close code 4010 or 4011.",
		Done:       "Stopped dialling until the configuration changes.",
		Do:         "Set the shard count to what GET /gateway/bot recommends (2,500 guilds a shard at most).",
	},
	{
		ID: IPv6NoRoute, Number: 23, Depth: Root,
		Title:      "IPv6 addresses without a route",
		Recognised: "Dials to IPv6 addresses fail as unreachable.",
		Done:       "IPv4 and IPv6 are tried side by side.",
		Do:         "Give the host an IPv6 route, or switch IPv6 off.",
	},
	{
		ID: CertificateBad, Number: 24, Depth: Root,
		Title:      "The certificate was not accepted: wrong clock or old CA store",
		Recognised: "An x509 error in the TLS handshake.",
		Done:       "Retried every few seconds.",
		Do:         "Set the clock (NTP) and update the host's CA certificates; a proxy that opens TLS needs its CA installed.",
	},
	{
		ID: GreenButUseless, Number: 25, Depth: Root,
		Title:      "Green but useless",
		Recognised: "Connected, but events are not handled or not answered.",
		Done:       "Shown as degraded: connected and working are judged apart.",
		Do:         "Check the Message Content Intent, and the log for failing handlers.",
	},
	{
		ID: RoutineReconnect, Depth: Symptom,
		Title:      "A routine reconnect that Discord asked for",
		Recognised: "Op 7; it comes several times a day.",
		Done:       "Moved to another connection and resumed.",
	},
	{
		ID: ConnectionCut, Depth: Symptom,
		Title:      "The connection was cut",
		Recognised: "It ended without a close frame.",
		Done:       "Resumed.",
	},
	{
		ID: DiscordClosed, Depth: Symptom,
		Title:      "Discord closed the connection",
		Recognised: "A close frame with a code that allows to go on.",
		Done:       "Resumed.",
	},
	{
		ID: SessionEnded, Depth: Consequence,
		Title:      "Discord ended the session",
		Recognised: "Op 9, or close code 4007 or 4009.",
		Done:       "Started a new session within the budget.",
	},
	{
		ID: NetworkDown, Depth: Root,
		Title:      "The network between this host and Discord is down",
		Recognised: "TCP refused, unreachable or timed out, or the TLS handshake broke off.",
		Done:       "Retried every few seconds.",
		Do:         "If it lasts, check this host's connection and firewall (port 443 outwards).",
	},
	{
		ID: GarbledStream, Depth: Root,
		Title:      "What arrived could not be read",
		Recognised: "The compressed stream broke, or a payload was not JSON.",
		Done:       "Resumed on a new connection; Discord sends the events again.",
		Do:         "If it repeats, something between this host and Discord alters the traffic.",
	},
	{
		ID: ClientMistake, Depth: Root,
		Title:      "A mistake of this program",
		Recognised: "Close code 4001, 4002 or 4005.",
		Done:       "Resumed.",
		Do:         "Please report it with the log lines around it.",
	},
	{
		ID: ClientOutdated, Depth: Root,
		Title:      "Discord no longer serves this version of the gateway",
		Recognised: "Close code 4012.",
		Done:       "Stopped dialling.",
		Do:         "Update this program.",
	},
	{
		ID: PlannedStop, Depth: Root,
		Title:      "Stopped as asked",
		Recognised: "A stop that was asked for.",
		Done:       "The session was kept for the next start, unless a goodbye was asked for.",
	},
	{
		ID: Unknown, Depth: Unexplained,
		Title:      "Unknown cause",
		Recognised: "None of the known signs fits.",
		Done:       "Resumed, as with any ending that does not forbid it.",
		Do:         "Please report the evidence of the incident, so that the catalogue can learn it.",
	},
}

var byID = func() map[CauseID]Cause {
	rows := make(map[CauseID]Cause, len(Catalogue))
	for _, c := range Catalogue {
		rows[c.ID] = c
	}
	return rows
}()

// Lookup returns the row of the cause, the row of [Unknown] if there is none.
func Lookup(id CauseID) Cause {
	if c, ok := byID[id]; ok {
		return c
	}
	return byID[Unknown]
}
