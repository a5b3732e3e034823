package bot

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"evergreen/internal/text"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

const (
	// noticeInterval is how long after a notice about a channel the same user gets the next.
	noticeInterval = 10 * time.Minute
	// noticeTimeout is how long it may take to find out why a channel refuses and to tell
	// the user.
	noticeTimeout = 15 * time.Second
	// noticeReaction stands under a message that cannot be answered where no direct
	// message reaches its author.
	noticeReaction = "🔇"
)

// The permissions an answer needs, as Discord's settings call them.
const (
	viewChannel           = "View Channel"
	sendMessages          = "Send Messages"
	sendMessagesInThreads = "Send Messages in Threads"
)

// refusalReasons say what Discord's code means where an answer is refused for another
// reason than a permission.
var refusalReasons = map[rest.JSONErrorCode]string{
	rest.JSONErrorCodeUnknownChannel:                                        "the channel was deleted since the command was asked",
	rest.JSONErrorCodeUnknownInteraction:                                    "the answer came more than 3 s after the slash command, or another program with this token has answered it",
	rest.JSONErrorCodeOperationOnArchivedThread:                             "the thread is archived and locked",
	rest.JSONErrorCodeCannotSendMessagesToThisUser:                          "the user takes no direct messages of the bot",
	rest.JSONErrorCodeCannotSendMessagesToThisUserDueToHavingNoMutualGuilds: "the user shares no server with the bot any more",
	rest.JSONErrorCodeMessageBlockedByAutomaticModeration:                   "the server's AutoMod has blocked the answer",
}

// refusedError is an answer that its channel has refused.
type refusedError struct {
	*requestError
	refusal Refusal
	warn    bool // the operator is due a warning
}

// onRefused follows a 403 to an answer: it finds out what is in the way, records it and
// tells the user.
func (b *Bot) onRefused(ctx context.Context, r *Request, err *requestError) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	refusal, known := b.refusals.known(r.Channel)
	if !known || refusal.code != err.Code {
		refusal = b.explainRefusal(ctx, r, err)
	}
	warn := b.refusals.record(refusal, time.Now())
	b.tellRefused(ctx, r, refusal)
	return &refusedError{err, refusal, warn}
}

// explainRefusal finds out why a channel refuses. What cannot be found out is left out.
func (b *Bot) explainRefusal(ctx context.Context, r *Request, err *requestError) Refusal {
	refusal := Refusal{Channel: r.Channel, Guild: r.Guild, Why: cmp.Or(refusalReasons[err.Code], err.Message, "Discord answered 403"), code: err.Code}
	if r.Guild == 0 {
		return refusal
	}
	g, _ := b.api.guild(ctx, r.Guild)
	refusal.GuildName = string(g.Name.Value)
	switch err.Code {
	case rest.JSONErrorCodeMissingAccess:
		refusal.Permission = viewChannel
	case rest.JSONErrorCodeLackPermissionsToPerformAction:
		refusal.Permission = sendMessages
		c, _ := b.api.channel(ctx, r.Channel)
		refusal.ChannelName = string(c.Name.Value)
		if c.isThread() {
			refusal.Permission = sendMessagesInThreads
		}
		if until := b.api.timeout(ctx, r.Guild, snowflake.ID(b.identity.user())); time.Until(until) > 0 {
			refusal.Permission, refusal.until, refusal.Why = "", until, "the bot is timed out there until "+until.UTC().Format("2006-01-02 15:04 MST")
		}
	}
	if refusal.Permission != "" {
		refusal.Why = "the permission " + refusal.Permission + " is missing"
	}
	return refusal
}

// tellRefused tells the user why there is no answer: in a direct message or, if Discord
// lets none through, with a reaction where the bot may see the message.
func (b *Bot) tellRefused(ctx context.Context, r *Request, refusal Refusal) {
	if r.Guild == 0 || !b.refusals.mayTell(time.Now()) || !b.notices.add(notice{r.User, r.Channel}, time.Now()) {
		return
	}
	words := "You asked me something in " + discord.ChannelMention(r.Channel) + ", and I cannot answer there: " + refusal.Why + ". "
	if refusal.Permission != "" {
		words += "Someone who manages the server can give it to me in the settings of the channel."
	} else {
		words += "Please ask me somewhere else."
	}
	direct, err := b.api.openDirect(ctx, r.User)
	if err == nil {
		// The nonce keeps a replayed message from leading to a second notice.
		err = b.api.createMessage(ctx, direct, messageBody{Content: words, Nonce: nonceFor(r.ID, 0), EnforceNonce: true, AllowedMentions: noMentions})
	}
	if err != nil && refusal.Permission != viewChannel {
		err = b.api.react(ctx, r.Channel, r.ID, noticeReaction)
	}
	if err != nil {
		b.log.Debug("User could not be told that there is no answer", "user", r.User, "channel", r.Channel, "error", err)
	}
}

// notice is what a user was told about a channel.
type notice struct{ user, channel snowflake.ID }

// attrs describes the refusal for the log, with what to do.
func (r Refusal) attrs() []any {
	attrs := []any{"channel", r.Channel}
	for _, a := range []struct{ key, value string }{{"channel_name", r.ChannelName}, {"guild_name", r.GuildName}, {"missing_permission", r.Permission}} {
		if a.value != "" {
			attrs = append(attrs, a.key, text.OneLine(a.value))
		}
	}
	if r.Guild != 0 {
		attrs = append(attrs, "guild", r.Guild)
	}
	attrs = append(attrs, "why", text.OneLine(r.Why))
	if r.Permission != "" {
		attrs = append(attrs, "do", "Give the bot's role "+r.Permission+" in the channel's settings, Permissions. It tries again at the next command.")
	}
	return attrs
}

// onPermissions follows events that may change what the bot may do in a guild: its
// channels are tried again at the next command.
func (b *Bot) onPermissions(_ context.Context, e incomingEvent) error {
	roles := e.Type == "GUILD_ROLE_CREATE" || e.Type == "GUILD_ROLE_DELETE"
	if b.refusals.isEmpty() && !roles {
		return nil // as nearly always
	}
	change, err := read[struct {
		ID      id            `json:"id"`
		GuildID id            `json:"guild_id"`
		User    lenient[user] `json:"user"`
	}](e.Data)
	if err != nil {
		return err
	}
	guild := change.GuildID
	switch e.Type {
	case "GUILD_MEMBER_UPDATE":
		if change.User.Value.ID != b.identity.user() {
			return nil
		}
	case "GUILD_UPDATE":
		guild = change.ID
	}
	if roles {
		b.roles.forget(guild) // one of them may be the bot's own
	}
	b.forgetRefusals(guild)
	return nil
}

// forgetRefusals lets the channels of a guild be tried again.
func (b *Bot) forgetRefusals(guild id) {
	if n := b.refusals.forgetGuild(snowflake.ID(guild)); n > 0 {
		b.log.Info("Permissions may have changed; channels that refused answers are tried again at the next command", "guild", guild, "channels", n)
	}
}

// channel is a channel of a guild.
type channel struct {
	Name lenient[validText] `json:"name"`
	Type lenient[int]       `json:"type"`
}

func (c channel) isThread() bool {
	switch discord.ChannelType(c.Type.Value) {
	case discord.ChannelTypeGuildNewsThread, discord.ChannelTypeGuildPublicThread, discord.ChannelTypeGuildPrivateThread:
		return true
	}
	return false
}

func (a api) channel(ctx context.Context, of snowflake.ID) (channel, error) {
	return get[channel](ctx, a, rest.GetChannel.Compile(nil, of))
}

// timeout returns until when a member may not write in a guild; zero if it may, or if that
// cannot be found out.
func (a api) timeout(ctx context.Context, guild, user snowflake.ID) time.Time {
	m, _ := get[struct {
		Until lenient[time.Time] `json:"communication_disabled_until"`
	}](ctx, a, rest.GetMember.Compile(nil, guild, user))
	return m.Until.Value
}

// openDirect returns the channel of direct messages with a user.
func (a api) openDirect(ctx context.Context, user snowflake.ID) (snowflake.ID, error) {
	var raw rawJSON
	if err := a.do(ctx, rest.CreateDMChannel.Compile(nil), map[string]any{"recipient_id": user}, &raw); err != nil {
		return 0, err
	}
	c, err := read[struct {
		ID id `json:"id"`
	}](raw)
	return snowflake.ID(c.ID), err
}

func (a api) react(ctx context.Context, channel, message snowflake.ID, emoji string) error {
	return a.do(ctx, rest.AddReaction.Compile(nil, channel, message, url.PathEscape(emoji)), nil, nil)
}
