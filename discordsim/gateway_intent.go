package discordsim

// intent is one row of the documented table of intents.
type intent struct {
	bit  uint
	name string
	// flags are the application flags one of which a privileged intent needs
	// to be allowed: the plain one and the LIMITED one. 0: not privileged.
	flags uint64
	// guild and direct list the events the intent unlocks in guilds and in
	// direct messages.
	guild, direct []string
}

// intentTable is every documented intent; any other bit is refused.
var intentTable = []intent{
	{bit: 0, name: "GUILDS", guild: []string{
		"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE",
		"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "CHANNEL_PINS_UPDATE", "THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE",
		"THREAD_LIST_SYNC", "THREAD_MEMBER_UPDATE", "THREAD_MEMBERS_UPDATE", "STAGE_INSTANCE_CREATE", "STAGE_INSTANCE_UPDATE",
		"STAGE_INSTANCE_DELETE", "VOICE_CHANNEL_STATUS_UPDATE", "VOICE_CHANNEL_START_TIME_UPDATE",
	}},
	{bit: 1, name: "GUILD_MEMBERS", flags: 1<<14 | 1<<15, guild: []string{
		"GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE", "THREAD_MEMBERS_UPDATE",
	}},
	{bit: 2, name: "GUILD_MODERATION", guild: []string{"GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE"}},
	{bit: 3, name: "GUILD_EXPRESSIONS", guild: []string{
		"GUILD_EMOJIS_UPDATE", "GUILD_STICKERS_UPDATE", "GUILD_SOUNDBOARD_SOUND_CREATE", "GUILD_SOUNDBOARD_SOUND_UPDATE",
		"GUILD_SOUNDBOARD_SOUND_DELETE", "GUILD_SOUNDBOARD_SOUNDS_UPDATE",
	}},
	{bit: 4, name: "GUILD_INTEGRATIONS", guild: []string{
		"GUILD_INTEGRATIONS_UPDATE", "INTEGRATION_CREATE", "INTEGRATION_UPDATE", "INTEGRATION_DELETE",
	}},
	{bit: 5, name: "GUILD_WEBHOOKS", guild: []string{"WEBHOOKS_UPDATE"}},
	{bit: 6, name: "GUILD_INVITES", guild: []string{"INVITE_CREATE", "INVITE_DELETE"}},
	{bit: 7, name: "GUILD_VOICE_STATES", guild: []string{"VOICE_STATE_UPDATE", "VOICE_CHANNEL_EFFECT_SEND"}},
	{bit: 8, name: "GUILD_PRESENCES", flags: 1<<12 | 1<<13, guild: []string{"PRESENCE_UPDATE"}},
	{bit: 9, name: "GUILD_MESSAGES", guild: []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"}},
	{bit: 10, name: "GUILD_MESSAGE_REACTIONS", guild: reactionEvents},
	{bit: 11, name: "GUILD_MESSAGE_TYPING", guild: []string{"TYPING_START"}},
	{bit: 12, name: "DIRECT_MESSAGES", direct: []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "CHANNEL_PINS_UPDATE"}},
	{bit: 13, name: "DIRECT_MESSAGE_REACTIONS", direct: reactionEvents},
	{bit: 14, name: "DIRECT_MESSAGE_TYPING", direct: []string{"TYPING_START"}},
	{bit: 15, name: "MESSAGE_CONTENT", flags: 1<<18 | 1<<19},
	{bit: 16, name: "GUILD_SCHEDULED_EVENTS", guild: []string{
		"GUILD_SCHEDULED_EVENT_CREATE", "GUILD_SCHEDULED_EVENT_UPDATE", "GUILD_SCHEDULED_EVENT_DELETE",
		"GUILD_SCHEDULED_EVENT_USER_ADD", "GUILD_SCHEDULED_EVENT_USER_REMOVE",
	}},
	{bit: 20, name: "AUTO_MODERATION_CONFIGURATION", guild: []string{
		"AUTO_MODERATION_RULE_CREATE", "AUTO_MODERATION_RULE_UPDATE", "AUTO_MODERATION_RULE_DELETE",
	}},
	{bit: 21, name: "AUTO_MODERATION_EXECUTION", guild: []string{"AUTO_MODERATION_ACTION_EXECUTION"}},
	{bit: 24, name: "GUILD_MESSAGE_POLLS", guild: pollEvents},
	{bit: 25, name: "DIRECT_MESSAGE_POLLS", direct: pollEvents},
}

var (
	reactionEvents = []string{
		"MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL", "MESSAGE_REACTION_REMOVE_EMOJI",
	}
	pollEvents = []string{"MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE"}
)

const (
	intentGuilds      = 1 << 0
	intentMembers     = 1 << 1
	intentVoiceStates = 1 << 7
	intentPresences   = 1 << 8
	intentContent     = 1 << 15
)

// limitedFlags are the application flags of a small app whose owner has
// switched all three privileged intents on.
const limitedFlags = 1<<13 | 1<<15 | 1<<19

// privilegedFlags are the application flags that open the privileged intents.
const privilegedFlags = 1<<12 | 1<<13 | 1<<14 | 1<<15 | 1<<18 | 1<<19

// documentedIntents is every bit a client may send.
var documentedIntents = func() (all int64) {
	for _, i := range intentTable {
		all |= 1 << i.bit
	}
	return all
}()

// unlockedBy says for each event which intents unlock it, in guilds and in
// direct messages. An event under neither always arrives (S-067).
var unlockedBy = func() (by struct{ guild, direct map[string]int64 }) {
	by.guild, by.direct = map[string]int64{}, map[string]int64{}
	for _, i := range intentTable {
		for _, event := range i.guild {
			by.guild[event] |= 1 << i.bit
		}
		for _, event := range i.direct {
			by.direct[event] |= 1 << i.bit
		}
	}
	return by
}()

// entitled reports whether a session with these intents gets an event.
func entitled(intents int64, event string, inGuild bool) bool {
	guild, direct := unlockedBy.guild[event], unlockedBy.direct[event]
	switch {
	case guild == 0 && direct == 0:
		return true
	case inGuild:
		return intents&guild != 0
	}
	return intents&direct != 0
}

// refusedIntents lists the privileged intents asked for that the application
// may not use (S-021).
func refusedIntents(intents int64, flags uint64) (names []string) {
	for _, i := range intentTable {
		if i.flags != 0 && intents&(1<<i.bit) != 0 && flags&i.flags == 0 {
			names = append(names, i.name)
		}
	}
	return names
}
