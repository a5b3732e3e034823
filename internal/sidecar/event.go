package sidecar

import (
	"encoding/json"
	"fmt"
	"strconv"

	"evergreen/gateway"
)

// eventKind is what there is to know of an event type. A type without a row needs no
// intent and is kept for bots that are away.
type eventKind struct {
	// guild and direct are the intents of which one must be asked for, in a guild and
	// outside of guilds. 0: none is needed.
	guild, direct gateway.Intents
	// liveOnly: the event is of no use to a bot that was away when it came.
	liveOnly bool
	// internal: the event is about the upstream session, and no bot gets it.
	internal bool
}

// eventKinds follows the list of intents in Discord's documentation (G-144).
var eventKinds = map[string]eventKind{
	"READY":                   {internal: true},
	"RESUMED":                 {internal: true},
	"RATE_LIMITED":            {internal: true, liveOnly: true},
	"VOICE_SERVER_UPDATE":     {liveOnly: true},
	"GUILD_MEMBERS_CHUNK":     {liveOnly: true},
	"SOUNDBOARD_SOUNDS":       {liveOnly: true},
	"CHANNEL_INFO":            {liveOnly: true},
	"INTERACTION_CREATE":      {},
	"ENTITLEMENT_CREATE":      {},
	"ENTITLEMENT_UPDATE":      {},
	"ENTITLEMENT_DELETE":      {},
	"SUBSCRIPTION_CREATE":     {},
	"SUBSCRIPTION_UPDATE":     {},
	"SUBSCRIPTION_DELETE":     {},
	"USER_UPDATE":             {},
	"GUILD_CREATE":            {guild: gateway.IntentGuilds},
	"GUILD_UPDATE":            {guild: gateway.IntentGuilds},
	"GUILD_DELETE":            {guild: gateway.IntentGuilds},
	"GUILD_ROLE_CREATE":       {guild: gateway.IntentGuilds},
	"GUILD_ROLE_UPDATE":       {guild: gateway.IntentGuilds},
	"GUILD_ROLE_DELETE":       {guild: gateway.IntentGuilds},
	"CHANNEL_CREATE":          {guild: gateway.IntentGuilds, direct: gateway.IntentDirectMessages},
	"CHANNEL_UPDATE":          {guild: gateway.IntentGuilds},
	"CHANNEL_DELETE":          {guild: gateway.IntentGuilds},
	"CHANNEL_PINS_UPDATE":     {guild: gateway.IntentGuilds, direct: gateway.IntentDirectMessages},
	"THREAD_CREATE":           {guild: gateway.IntentGuilds},
	"THREAD_UPDATE":           {guild: gateway.IntentGuilds},
	"THREAD_DELETE":           {guild: gateway.IntentGuilds},
	"THREAD_LIST_SYNC":        {guild: gateway.IntentGuilds},
	"THREAD_MEMBER_UPDATE":    {guild: gateway.IntentGuilds},
	"THREAD_MEMBERS_UPDATE":   {guild: gateway.IntentGuilds | gateway.IntentGuildMembers},
	"STAGE_INSTANCE_CREATE":   {guild: gateway.IntentGuilds},
	"STAGE_INSTANCE_UPDATE":   {guild: gateway.IntentGuilds},
	"STAGE_INSTANCE_DELETE":   {guild: gateway.IntentGuilds},
	"GUILD_MEMBER_ADD":        {guild: gateway.IntentGuildMembers},
	"GUILD_MEMBER_REMOVE":     {guild: gateway.IntentGuildMembers},
	"GUILD_BAN_ADD":           {guild: gateway.IntentGuildModeration},
	"GUILD_BAN_REMOVE":        {guild: gateway.IntentGuildModeration},
	"GUILD_EMOJIS_UPDATE":     {guild: gateway.IntentGuildExpressions},
	"GUILD_STICKERS_UPDATE":   {guild: gateway.IntentGuildExpressions},
	"INTEGRATION_CREATE":      {guild: gateway.IntentGuildIntegrations},
	"INTEGRATION_UPDATE":      {guild: gateway.IntentGuildIntegrations},
	"INTEGRATION_DELETE":      {guild: gateway.IntentGuildIntegrations},
	"WEBHOOKS_UPDATE":         {guild: gateway.IntentGuildWebhooks},
	"INVITE_CREATE":           {guild: gateway.IntentGuildInvites},
	"INVITE_DELETE":           {guild: gateway.IntentGuildInvites},
	"VOICE_STATE_UPDATE":      {guild: gateway.IntentGuildVoiceStates},
	"PRESENCE_UPDATE":         {guild: gateway.IntentGuildPresences, liveOnly: true},
	"MESSAGE_CREATE":          {guild: gateway.IntentGuildMessages, direct: gateway.IntentDirectMessages},
	"MESSAGE_UPDATE":          {guild: gateway.IntentGuildMessages, direct: gateway.IntentDirectMessages},
	"MESSAGE_DELETE":          {guild: gateway.IntentGuildMessages, direct: gateway.IntentDirectMessages},
	"MESSAGE_DELETE_BULK":     {guild: gateway.IntentGuildMessages},
	"TYPING_START":            {guild: gateway.IntentGuildMessageTyping, direct: gateway.IntentDirectMessageTyping, liveOnly: true},
	"MESSAGE_POLL_VOTE_ADD":   {guild: gateway.IntentGuildMessagePolls, direct: gateway.IntentDirectMessagePolls},
	"MESSAGE_REACTION_ADD":    {guild: gateway.IntentGuildMessageReactions, direct: gateway.IntentDirectMessageReactions},
	"MESSAGE_REACTION_REMOVE": {guild: gateway.IntentGuildMessageReactions, direct: gateway.IntentDirectMessageReactions},

	"GUILD_AUDIT_LOG_ENTRY_CREATE":           {guild: gateway.IntentGuildModeration},
	"GUILD_SOUNDBOARD_SOUND_CREATE":          {guild: gateway.IntentGuildExpressions},
	"GUILD_SOUNDBOARD_SOUND_UPDATE":          {guild: gateway.IntentGuildExpressions},
	"GUILD_SOUNDBOARD_SOUND_DELETE":          {guild: gateway.IntentGuildExpressions},
	"GUILD_SOUNDBOARD_SOUNDS_UPDATE":         {guild: gateway.IntentGuildExpressions},
	"GUILD_INTEGRATIONS_UPDATE":              {guild: gateway.IntentGuildIntegrations},
	"VOICE_CHANNEL_EFFECT_SEND":              {guild: gateway.IntentGuildVoiceStates, liveOnly: true},
	"VOICE_CHANNEL_STATUS_UPDATE":            {guild: gateway.IntentGuilds},
	"MESSAGE_POLL_VOTE_REMOVE":               {guild: gateway.IntentGuildMessagePolls, direct: gateway.IntentDirectMessagePolls},
	"MESSAGE_REACTION_REMOVE_ALL":            {guild: gateway.IntentGuildMessageReactions, direct: gateway.IntentDirectMessageReactions},
	"MESSAGE_REACTION_REMOVE_EMOJI":          {guild: gateway.IntentGuildMessageReactions, direct: gateway.IntentDirectMessageReactions},
	"GUILD_SCHEDULED_EVENT_CREATE":           {guild: gateway.IntentGuildScheduledEvents},
	"GUILD_SCHEDULED_EVENT_UPDATE":           {guild: gateway.IntentGuildScheduledEvents},
	"GUILD_SCHEDULED_EVENT_DELETE":           {guild: gateway.IntentGuildScheduledEvents},
	"GUILD_SCHEDULED_EVENT_USER_ADD":         {guild: gateway.IntentGuildScheduledEvents},
	"GUILD_SCHEDULED_EVENT_USER_REMOVE":      {guild: gateway.IntentGuildScheduledEvents},
	"AUTO_MODERATION_RULE_CREATE":            {guild: gateway.IntentAutoModerationConfiguration},
	"AUTO_MODERATION_RULE_UPDATE":            {guild: gateway.IntentAutoModerationConfiguration},
	"AUTO_MODERATION_RULE_DELETE":            {guild: gateway.IntentAutoModerationConfiguration},
	"AUTO_MODERATION_ACTION_EXECUTION":       {guild: gateway.IntentAutoModerationExecution},
	"APPLICATION_COMMAND_PERMISSIONS_UPDATE": {},
}

// wants reports whether a bot with these intents gets an event of this type.
// GUILD_MEMBER_UPDATE of the bot itself comes without an intent, so it is not in the
// table; what others there are of it, upstream has filtered.
func wants(intents gateway.Intents, event string, guild uint64) bool {
	need := eventKinds[event].guild
	if guild == 0 {
		need = eventKinds[event].direct
	}
	return need == 0 || intents&need != 0
}

// snowflake is an id as Discord sends it: a string, or from some libraries a number.
type snowflake uint64

// UnmarshalJSON takes a string or a number; null is 0.
func (s *snowflake) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if text == "null" {
		*s = 0
		return nil
	}
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return fmt.Errorf("an id is no number: %.30q", text)
	}
	*s = snowflake(n)
	return nil
}

// MarshalJSON writes a string, or null for 0.
func (s snowflake) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendQuote(nil, strconv.FormatUint(uint64(s), 10)), nil
}

// idsOf returns the id of what an event tells of, and of the guild that it belongs to; 0
// without one.
func idsOf(event string, d []byte) (id, guild uint64) {
	var in struct {
		ID    json.RawMessage `json:"id"` // in some events it is no number
		Guild snowflake       `json:"guild_id"`
	}
	_ = json.Unmarshal(d, &in)
	var own snowflake
	_ = own.UnmarshalJSON(in.ID)
	switch event {
	case "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE":
		return uint64(own), uint64(own)
	}
	return uint64(own), uint64(in.Guild)
}
