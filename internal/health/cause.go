package health

import (
	"strconv"

	"evergreen/gateway"
)

// CauseID identifies a row of [Catalogue]. It is stored and linked to, so it
// never changes.
type CauseID string

// Each has a row in [Catalogue] that explains it.
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
	ProxyFailed      CauseID = "proxy-failed"
	DiscordOutage    CauseID = "discord-outage"
	HostSlept        CauseID = "host-slept"
	ProcessStalled   CauseID = "process-stalled"
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
	PathMTU          CauseID = "path-mtu"
	GarbledStream    CauseID = "garbled-stream"
	ClientMistake    CauseID = "client-mistake"
	ClientOutdated   CauseID = "client-outdated"
	PlannedStop      CauseID = "planned-stop"

	ProcessGone          CauseID = "process-gone"
	HostIdles            CauseID = "host-idles"
	OutOfMemory          CauseID = "out-of-memory"
	ProgramCrashed       CauseID = "program-crashed"
	HostRebooted         CauseID = "host-rebooted"
	MemoryShort          CauseID = "memory-short"
	CommandsUnregistered CauseID = "commands-unregistered"
	ChannelPermission    CauseID = "channel-permission"
	DeployGoodbye        CauseID = "deploy-goodbye"
	DiskTrouble          CauseID = "disk-trouble"
	AnswersBlocked       CauseID = "answers-blocked"
	BotAway              CauseID = "bot-away"
	BotHangs             CauseID = "bot-hangs"
	BotCrashLoop         CauseID = "bot-crash-loop"
	EventsLost           CauseID = "events-lost"

	SupervisorGaveUp CauseID = "supervisor-gave-up"
	TwoInstances     CauseID = "two-instances"
	PresenceLost     CauseID = "presence-lost"
	ShortTimeouts    CauseID = "short-timeouts"
)

// Depth says how much of an outage a cause explains. When several causes show
// up in one incident, the deepest names it.
type Depth int

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
	// Happened is what went on, for a person who meets it for the first time.
	Happened string
	// Recognised is how software sees it.
	Recognised string
	// Done is what this program does about it.
	Done string
	// Do is what a person has to do; empty for nothing. DoAt is the same with the address
	// that was tried (%s); empty where no address matters.
	Do, DoAt string
	// Reproduce is how to make it happen without Discord; what stands in backticks is
	// a fault of the simulator.
	Reproduce string
	// Undetectable is why no incident ever has this cause; empty where one can.
	Undetectable string
	Depth        Depth
	// Signs are how the cause shows itself, and Codes the close codes that lead
	// to it. A sign or code belongs to one cause.
	Signs []Sign
	Codes []gateway.CloseCode
}

// Sign is one way in which a cause shows itself, in words.
type Sign struct {
	// Kind is what a shard reports; empty for what is concluded from elsewhere,
	// which has a Key instead.
	Kind gateway.ReasonKind
	Key  string
	// Says is what happened, as part of a sentence with a %s for each value.
	Says string
	// For adds how long it lasted, where that matters.
	For string
}

// key is the key of the sign's [Message].
func (s Sign) key() string {
	if s.Key != "" {
		return s.Key
	}
	return "reason." + string(s.Kind)
}

func closeKey(code gateway.CloseCode) string { return "close." + strconv.Itoa(int(code)) }

// Heading is the cause's title as a message.
func (c Cause) Heading() Message { return NewMessage("title." + string(c.ID)) }

// Remedy is what a person has to do as a message; zero when nothing is left to
// be done.
func (c Cause) Remedy() Message {
	if c.Do == "" {
		return Message{}
	}
	return NewMessage("do." + string(c.ID))
}

// Link is where the runbook explains the cause.
func (c Cause) Link() string { return "docs/runbook.md#" + string(c.ID) }

// Lookup returns the row of the cause, the row of [Unknown] if there is none.
func Lookup(id CauseID) Cause {
	if c, ok := byID[id]; ok {
		return c
	}
	return byID[Unknown]
}

// byID, byKind and byCode are the [Catalogue] by what leads to a row.
var (
	byID   = make(map[CauseID]Cause)
	byKind = make(map[gateway.ReasonKind]diagnosis)
	byCode = make(map[gateway.CloseCode]CauseID)
)

// diagnosis is what a kind of reason means.
type diagnosis struct {
	cause CauseID
	sign  Sign
}

func init() {
	for _, c := range Catalogue {
		byID[c.ID] = c
		for _, s := range c.Signs {
			if s.Kind != "" {
				byKind[s.Kind] = diagnosis{c.ID, s}
			}
		}
		for _, code := range c.Codes {
			byCode[code] = c.ID
		}
	}
}
