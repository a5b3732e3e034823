package bot

import (
	"context"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// onMessage takes a message. Commands come from people only: never from the bot
// itself, another bot or a webhook (G-145), only in plain messages and replies
// (G-147), and never in an ephemeral message, which looks like a direct one but
// is an answer to an interaction (G-149).
func (b *Bot) onMessage(ctx context.Context, a arrival) error {
	m, err := readMessage(a.Data)
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
	b.watchContent(m, self)

	asked := parseCall(string(m.Content.Value), b.options.Prefix, self)
	if asked.kind == notCalled {
		return nil
	}
	if !b.seen.first(snowflake.ID(m.ID), time.Now()) {
		b.counters.duplicates.Add(1)
		return nil
	}
	// Noted here and not where commands run beside each other, in any order.
	wait := b.haste(m, asked)
	b.serve(ctx, a, func(ctx context.Context) ending {
		if asked.kind == perhapsCalled {
			self, err := b.identity.wait(ctx, b.options.HandlerTimeout)
			if err != nil {
				b.log.Warn("cannot tell whether a message mentions the bot: its own id is not known yet", "message", m.ID, "error", err)
				return ending{over: ctx.Err() == nil}
			}
			asked = parseCall(string(m.Content.Value), b.options.Prefix, self)
			wait = b.haste(m, asked)
		}
		return b.answerMessage(ctx, m, asked, wait)
	})
	return nil
}

// haste notes the use of a command and returns how long its user has to wait for it.
func (b *Bot) haste(m message, asked call) time.Duration {
	if asked.kind != calledByName {
		return 0
	}
	c := b.command(asked.name)
	if c == nil {
		return 0
	}
	return b.cool(c, snowflake.ID(m.Author.Value.ID), snowflake.ID(m.ID).Time())
}

// answerMessage gives the answer that a message is due, if any; wait is what is
// left of the user's cooldown.
func (b *Bot) answerMessage(ctx context.Context, m message, asked call, wait time.Duration) ending {
	if asked.kind == notCalled {
		return ending{over: true}
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
	if asked.kind == calledOnly {
		return b.mend(ctx, r, "You called? Ask `"+b.options.Prefix+"help` for what I can do.")
	}
	c := b.command(asked.name)
	if c == nil {
		return b.mend(ctx, r, b.unknown(asked.name, b.options.Prefix))
	}
	r.arguments = c.divide(asked.rest)
	answer, how := b.perform(ctx, c, r, wait)
	switch how {
	case cutOff:
		return ending{}
	case refused:
		return b.mend(ctx, r, answer.Text)
	}
	return b.conclude(ctx, c.Name, answer, b.reply(ctx, r, answer.Text))
}

// courtesyEvery is how often one user is told about a mistake: nobody can make
// the bot talk without end.
const courtesyEvery = 10 * time.Second

// mend tells the user about a mistake, politely and not too often.
func (b *Bot) mend(ctx context.Context, r *Request, text string) ending {
	if !b.courtesy.first(r.User, time.Now()) {
		b.counters.ignored.Add(1)
		return ending{over: true}
	}
	return b.conclude(ctx, "", Answer{}, b.reply(ctx, r, text))
}

// conclude settles an event after its answer was sent or failed. An answer that
// failed because the bot stops is left for the next run.
func (b *Bot) conclude(ctx context.Context, command string, answer Answer, err error) ending {
	switch {
	case err == nil:
		b.counters.answered.Add(1)
	case ctx.Err() != nil:
		return ending{}
	default:
		b.counters.failed.Add(1)
		b.log.Warn("an answer could not be given", "command", command, "error", err)
	}
	return ending{over: true, then: answer.Then}
}
