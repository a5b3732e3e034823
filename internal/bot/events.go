package bot

import (
	"context"
	"maps"
	"slices"

	"evergreen/gateway"
)

// Intents returns what the bot asks Discord for: guilds, their messages and
// members, the content of messages, and direct messages. presences adds the
// presences of members; they too need a switch in the developer portal.
func Intents(presences bool) gateway.Intents {
	intents := gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentGuildMembers |
		gateway.IntentMessageContent | gateway.IntentDirectMessages
	if presences {
		intents |= gateway.IntentGuildPresences
	}
	return intents
}

// eventHandlers has a function for each event. Its error means that the event could
// not be read.
var eventHandlers = map[string]func(*Bot, context.Context, incomingEvent) error{
	"READY":               (*Bot).onReady,
	"RESUMED":             (*Bot).onResumed,
	"GUILD_CREATE":        (*Bot).onGuildCreate,
	"GUILD_DELETE":        (*Bot).onGuildDelete,
	"GUILD_MEMBER_ADD":    (*Bot).onMemberAdd,
	"GUILD_MEMBER_UPDATE": (*Bot).onPermissions,
	"GUILD_UPDATE":        (*Bot).onPermissions,
	"GUILD_ROLE_CREATE":   (*Bot).onPermissions,
	"GUILD_ROLE_UPDATE":   (*Bot).onPermissions,
	"GUILD_ROLE_DELETE":   (*Bot).onPermissions,
	"CHANNEL_CREATE":      (*Bot).onPermissions,
	"CHANNEL_UPDATE":      (*Bot).onPermissions,
	"CHANNEL_DELETE":      (*Bot).onPermissions,
	"THREAD_UPDATE":       (*Bot).onPermissions,
	"THREAD_DELETE":       (*Bot).onPermissions,
	"MESSAGE_CREATE":      (*Bot).onMessage,
	"INTERACTION_CREATE":  (*Bot).onInteraction,
}

// Events returns the dispatches the bot wants, for [gateway.Options].
func Events() []string {
	return slices.Sorted(maps.Keys(eventHandlers))
}
