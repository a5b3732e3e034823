package bot

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// onMessage parses a message and, if it asks for a command, has it answered.
// Commands come from people only.
//
//   - G-145: not from the bot itself, another bot or a webhook.
//   - G-147: only in plain messages and replies.
//   - G-149: not in an ephemeral message, which looks like a direct one but is an
//     answer to an interaction.
func (b *Bot) onMessage(ctx context.Context, e incomingEvent) error {
	m, err := parseMessage(e.Data)
	if err != nil {
		return err
	}
	author := m.Author.Value
	self := b.identity.user()
	switch {
	case author.Bot.Value, author.ID == self, bool(m.Webhook):
		return nil
	case discord.MessageFlags(m.Flags.Value).Has(discord.MessageFlagEphemeral):
		return nil
	}
	b.counters.messages.Add(1)
	b.activity.touch(time.Now())
	switch discord.MessageType(m.Type.Value) {
	case discord.MessageTypeDefault, discord.MessageTypeReply:
	default:
		return nil
	}
	b.checkContent(m, self)

	asked := b.addressing(m).parse(string(m.Content.Value))
	if asked.kind == noInvocation {
		return nil
	}
	if !b.seen.add(snowflake.ID(m.ID), time.Now()) {
		b.counters.duplicates.Add(1)
		return nil
	}
	// Here messages are still in Discord's order; goroutines of process are not.
	cooldown := b.messageCooldown(m, asked)
	b.process(ctx, e, func(ctx context.Context) completion {
		if asked.kind == unknownMention {
			if err := b.awaitIdentity(ctx, m); err != nil {
				b.log.Warn("Message may mention the bot, whose own id or role is not known yet", "message", m.ID, "error", err)
				return completion{done: ctx.Err() == nil}
			}
			asked = b.addressing(m).parse(string(m.Content.Value))
			cooldown = b.messageCooldown(m, asked)
		}
		return b.answerMessage(ctx, m, asked, cooldown)
	})
	return nil
}

// addressing is how people call the bot where the message stands.
func (b *Bot) addressing(m message) addressing {
	role, known := b.roles.of(m.GuildID)
	return addressing{
		prefix: b.options.Prefix, self: b.identity.user(), role: role, roleUnknown: !known && m.GuildID != 0,
		isCommand: func(name string) bool { return b.findCommand(name) != nil },
	}
}

// awaitIdentity waits until the bot's id is known, and asks for its role in the guild of
// the message if that is not.
func (b *Bot) awaitIdentity(ctx context.Context, m message) error {
	self, err := b.identity.waitForSelf(ctx, b.options.HandlerTimeout)
	if err != nil {
		return err
	}
	if !b.addressing(m).roleUnknown || !strings.Contains(string(m.Content.Value), "<@&") {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, b.options.HandlerTimeout)
	defer cancel()
	g, err := b.api.guild(limited, snowflake.ID(m.GuildID))
	if err != nil {
		return err
	}
	b.roles.set(m.GuildID, g.roleOf(self))
	return nil
}

// logUnsent logs an answer that could not be sent. A channel that refuses every answer is
// warned about now and then only.
func (b *Bot) logUnsent(command string, err error) {
	level, attrs := slog.LevelWarn, []any{"command", command, "error", err}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		attrs = append(attrs, refused.refusal.attrs()...)
		if !refused.warn {
			level = slog.LevelDebug
		}
	} else if answer, ok := errors.AsType[*requestError](err); ok && refusalReasons[answer.Code] != "" {
		attrs = append(attrs, "why", refusalReasons[answer.Code])
	}
	if errors.Is(err, errRefusedLately) {
		level = slog.LevelDebug
	}
	b.log.Log(context.Background(), level, "Answer could not be sent", attrs...)
}

// answerMessage runs the command that a message asks for and replies; cooldown is
// what is left of the user's cooldown.
func (b *Bot) answerMessage(ctx context.Context, m message, asked invocation, cooldown time.Duration) completion {
	if asked.kind == noInvocation {
		return completion{done: true}
	}
	b.counters.commands.Add(1)
	b.activity.command(time.Now())
	r := &Request{
		ID:       snowflake.ID(m.ID),
		Channel:  snowflake.ID(m.ChannelID),
		Guild:    snowflake.ID(m.GuildID),
		User:     snowflake.ID(m.Author.Value.ID),
		UserName: string(m.Author.Value.Name.Value),
		Prefix:   b.options.Prefix,
		At:       snowflake.ID(m.ID).Time(),
		bot:      b,
	}
	if asked.kind == mentionInvocation {
		return b.replyError(ctx, r, "You called? Ask `"+b.options.Prefix+"help` for what I can do.")
	}
	c := b.findCommand(asked.name)
	if c == nil {
		return b.replyError(ctx, r, b.unknownCommand(asked.name, b.options.Prefix))
	}
	r.arguments = c.splitArguments(asked.rest)
	answer, outcome := b.execute(ctx, c, r, cooldown)
	switch outcome {
	case outcomeStopped:
		return completion{}
	case outcomeRejected:
		return b.replyError(ctx, r, answer.Text)
	}
	return b.finish(ctx, c.Name, answer, b.reply(ctx, r, answer.Text))
}

// errorReplyInterval limits how often one user is told about a mistake, so that a
// user cannot make the bot talk without end.
const errorReplyInterval = 10 * time.Second

// replyError tells the user about a mistake, once per errorReplyInterval.
func (b *Bot) replyError(ctx context.Context, r *Request, text string) completion {
	if !b.errorReplies.add(r.User, time.Now()) {
		b.counters.ignored.Add(1)
		return completion{done: true}
	}
	return b.finish(ctx, "", Answer{}, b.reply(ctx, r, text))
}

// finish counts an answer that was sent or failed. An answer that failed because
// the bot stops is left to the next process.
func (b *Bot) finish(ctx context.Context, command string, answer Answer, err error) completion {
	switch {
	case err == nil:
		b.counters.answered.Add(1)
	case ctx.Err() != nil:
		return completion{}
	default:
		b.counters.failed.Add(1)
		b.logUnsent(command, err)
	}
	return completion{done: true, then: answer.Then}
}
