package gateway

import "strings"

// Intents is the set of event groups an IDENTIFY asks for.
type Intents uint64

// The intents a bot may ask for. The three privileged ones also need a switch
// in the developer portal, or Discord closes the connection with 4014.
const (
	IntentGuilds                      Intents = 1 << 0
	IntentGuildMembers                Intents = 1 << 1 // privileged
	IntentGuildModeration             Intents = 1 << 2
	IntentGuildExpressions            Intents = 1 << 3
	IntentGuildIntegrations           Intents = 1 << 4
	IntentGuildWebhooks               Intents = 1 << 5
	IntentGuildInvites                Intents = 1 << 6
	IntentGuildVoiceStates            Intents = 1 << 7
	IntentGuildPresences              Intents = 1 << 8 // privileged
	IntentGuildMessages               Intents = 1 << 9
	IntentGuildMessageReactions       Intents = 1 << 10
	IntentGuildMessageTyping          Intents = 1 << 11
	IntentDirectMessages              Intents = 1 << 12
	IntentDirectMessageReactions      Intents = 1 << 13
	IntentDirectMessageTyping         Intents = 1 << 14
	IntentMessageContent              Intents = 1 << 15 // privileged
	IntentGuildScheduledEvents        Intents = 1 << 16
	IntentAutoModerationConfiguration Intents = 1 << 20
	IntentAutoModerationExecution     Intents = 1 << 21
	IntentGuildMessagePolls           Intents = 1 << 24
	IntentDirectMessagePolls          Intents = 1 << 25
	IntentsPrivileged                         = IntentGuildMembers | IntentGuildPresences | IntentMessageContent
	IntentsAll                        Intents = 53608447
	IntentsNonPrivileged                      = IntentsAll &^ IntentsPrivileged
)

// IntentInfo describes one intent: its bit, its name in the documentation,
// and for a privileged one the name of its switch in the developer portal and
// the application flags (either will do) that show it switched on.
type IntentInfo struct {
	Bit    Intents
	Name   string
	Switch string
	Flags  uint64
}

// IntentTable lists every documented intent in bit order (G-144 for the masks).
var IntentTable = []IntentInfo{
	{Bit: IntentGuilds, Name: "GUILDS"},
	{Bit: IntentGuildMembers, Name: "GUILD_MEMBERS", Switch: "Server Members Intent", Flags: 1<<14 | 1<<15},
	{Bit: IntentGuildModeration, Name: "GUILD_MODERATION"},
	{Bit: IntentGuildExpressions, Name: "GUILD_EXPRESSIONS"},
	{Bit: IntentGuildIntegrations, Name: "GUILD_INTEGRATIONS"},
	{Bit: IntentGuildWebhooks, Name: "GUILD_WEBHOOKS"},
	{Bit: IntentGuildInvites, Name: "GUILD_INVITES"},
	{Bit: IntentGuildVoiceStates, Name: "GUILD_VOICE_STATES"},
	{Bit: IntentGuildPresences, Name: "GUILD_PRESENCES", Switch: "Presence Intent", Flags: 1<<12 | 1<<13},
	{Bit: IntentGuildMessages, Name: "GUILD_MESSAGES"},
	{Bit: IntentGuildMessageReactions, Name: "GUILD_MESSAGE_REACTIONS"},
	{Bit: IntentGuildMessageTyping, Name: "GUILD_MESSAGE_TYPING"},
	{Bit: IntentDirectMessages, Name: "DIRECT_MESSAGES"},
	{Bit: IntentDirectMessageReactions, Name: "DIRECT_MESSAGE_REACTIONS"},
	{Bit: IntentDirectMessageTyping, Name: "DIRECT_MESSAGE_TYPING"},
	{Bit: IntentMessageContent, Name: "MESSAGE_CONTENT", Switch: "Message Content Intent", Flags: 1<<18 | 1<<19},
	{Bit: IntentGuildScheduledEvents, Name: "GUILD_SCHEDULED_EVENTS"},
	{Bit: IntentAutoModerationConfiguration, Name: "AUTO_MODERATION_CONFIGURATION"},
	{Bit: IntentAutoModerationExecution, Name: "AUTO_MODERATION_EXECUTION"},
	{Bit: IntentGuildMessagePolls, Name: "GUILD_MESSAGE_POLLS"},
	{Bit: IntentDirectMessagePolls, Name: "DIRECT_MESSAGE_POLLS"},
}

// Has reports whether every intent of want is in the set.
func (i Intents) Has(want Intents) bool { return i&want == want }

// Refused returns the privileged intents of the set that an application with
// these flags may not use (its portal switches are off). An IDENTIFY that asks
// for any of them ends in close code 4014. Pass flags_new when Discord sent
// it, flags otherwise (G-144).
func (i Intents) Refused(applicationFlags uint64) Intents {
	var refused Intents
	for _, info := range IntentTable {
		if info.Flags != 0 && i.Has(info.Bit) && applicationFlags&info.Flags == 0 {
			refused |= info.Bit
		}
	}
	return refused
}

// Switches names the developer portal switches behind the privileged intents
// of the set, in bit order.
func (i Intents) Switches() []string {
	var names []string
	for _, info := range IntentTable {
		if info.Switch != "" && i.Has(info.Bit) {
			names = append(names, info.Switch)
		}
	}
	return names
}

// String lists the intents by name, separated by "|".
func (i Intents) String() string {
	if i == 0 {
		return "none"
	}
	var names []string
	for _, info := range IntentTable {
		if i.Has(info.Bit) {
			names = append(names, info.Name)
		}
	}
	if unknown := i &^ IntentsAll; unknown != 0 {
		names = append(names, "unknown bits")
	}
	return strings.Join(names, "|")
}
