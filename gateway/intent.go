package gateway

import (
	"iter"
	"strings"
)

// Intents is the set of event groups an IDENTIFY asks for.
type Intents uint64

// The intents of Discord's documentation.
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
)

const (
	// IntentsPrivileged are the intents that need a switch in the developer portal, or
	// Discord closes the connection with 4014.
	IntentsPrivileged         = IntentGuildMembers | IntentGuildPresences | IntentMessageContent
	intentsAll        Intents = 53608447 // every documented one
)

// intentInfo is what there is to know of an intent: its name in the documentation and,
// for a privileged one, the name of its switch in the developer portal. Either of its
// application flags shows that the switch is on.
type intentInfo struct {
	bit          Intents
	name         string
	portalSwitch string
	flags        uint64
}

// intentTable has a row for every documented intent, in bit order (G-144).
var intentTable = []intentInfo{
	{bit: IntentGuilds, name: "GUILDS"},
	{bit: IntentGuildMembers, name: "GUILD_MEMBERS", portalSwitch: "Server Members Intent", flags: 1<<14 | 1<<15},
	{bit: IntentGuildModeration, name: "GUILD_MODERATION"},
	{bit: IntentGuildExpressions, name: "GUILD_EXPRESSIONS"},
	{bit: IntentGuildIntegrations, name: "GUILD_INTEGRATIONS"},
	{bit: IntentGuildWebhooks, name: "GUILD_WEBHOOKS"},
	{bit: IntentGuildInvites, name: "GUILD_INVITES"},
	{bit: IntentGuildVoiceStates, name: "GUILD_VOICE_STATES"},
	{bit: IntentGuildPresences, name: "GUILD_PRESENCES", portalSwitch: "Presence Intent", flags: 1<<12 | 1<<13},
	{bit: IntentGuildMessages, name: "GUILD_MESSAGES"},
	{bit: IntentGuildMessageReactions, name: "GUILD_MESSAGE_REACTIONS"},
	{bit: IntentGuildMessageTyping, name: "GUILD_MESSAGE_TYPING"},
	{bit: IntentDirectMessages, name: "DIRECT_MESSAGES"},
	{bit: IntentDirectMessageReactions, name: "DIRECT_MESSAGE_REACTIONS"},
	{bit: IntentDirectMessageTyping, name: "DIRECT_MESSAGE_TYPING"},
	{bit: IntentMessageContent, name: "MESSAGE_CONTENT", portalSwitch: "Message Content Intent", flags: 1<<18 | 1<<19},
	{bit: IntentGuildScheduledEvents, name: "GUILD_SCHEDULED_EVENTS"},
	{bit: IntentAutoModerationConfiguration, name: "AUTO_MODERATION_CONFIGURATION"},
	{bit: IntentAutoModerationExecution, name: "AUTO_MODERATION_EXECUTION"},
	{bit: IntentGuildMessagePolls, name: "GUILD_MESSAGE_POLLS"},
	{bit: IntentDirectMessagePolls, name: "DIRECT_MESSAGE_POLLS"},
}

// Has reports whether every intent of want is in the set.
func (i Intents) Has(want Intents) bool { return i&want == want }

// Each yields the documented intents of the set one by one, in bit order.
func (i Intents) Each() iter.Seq[Intents] {
	return func(yield func(Intents) bool) {
		for _, info := range intentTable {
			if i.Has(info.bit) && !yield(info.bit) {
				return
			}
		}
	}
}

// Unknown returns the bits that are no documented intent. An IDENTIFY with any of them
// ends in close code 4013.
func (i Intents) Unknown() Intents { return i &^ intentsAll }

// Refused returns the privileged intents of the set that an application with
// these flags may not use (its portal switches are off). An IDENTIFY that asks
// for any of them ends in close code 4014. Pass flags_new when Discord sent
// it, flags otherwise.
func (i Intents) Refused(applicationFlags uint64) Intents {
	var refused Intents
	for _, info := range intentTable {
		if info.flags != 0 && i.Has(info.bit) && applicationFlags&info.flags == 0 {
			refused |= info.bit
		}
	}
	return refused
}

// Switches names the developer portal switches behind the privileged intents
// of the set, in bit order.
func (i Intents) Switches() []string {
	var names []string
	for _, info := range intentTable {
		if info.portalSwitch != "" && i.Has(info.bit) {
			names = append(names, info.portalSwitch)
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
	for _, info := range intentTable {
		if i.Has(info.bit) {
			names = append(names, info.name)
		}
	}
	if i.Unknown() != 0 {
		names = append(names, "unknown bits")
	}
	return strings.Join(names, "|")
}
