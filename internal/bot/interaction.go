package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// onInteraction takes a slash command. Other interactions belong to components
// and forms, which the bot does not make.
func (b *Bot) onInteraction(ctx context.Context, a arrival) error {
	i, err := readInteraction(a.Data)
	if err != nil {
		return err
	}
	if discord.InteractionType(i.Type.Value) != discord.InteractionTypeApplicationCommand {
		return nil
	}
	if !b.seen.first(snowflake.ID(i.ID), time.Now()) {
		b.counters.duplicates.Add(1)
		return nil
	}
	received := a.Received
	if received.IsZero() {
		received = time.Now()
	}
	b.serve(ctx, a, func(ctx context.Context) ending { return b.answerInteraction(ctx, i, received) })
	return nil
}

// answerInteraction runs a slash command and answers in time.
func (b *Bot) answerInteraction(ctx context.Context, i interaction, received time.Time) ending {
	b.counters.commands.Add(1)
	b.activity.command(time.Now())
	asker := i.asker()
	r := &Request{
		ID:       snowflake.ID(i.ID),
		Channel:  snowflake.ID(i.ChannelID),
		Guild:    snowflake.ID(i.GuildID),
		User:     snowflake.ID(asker.ID),
		UserName: string(asker.Name.Value),
		Prefix:   "/",
		At:       snowflake.ID(i.ID).Time(),
		bot:      b,
	}
	s := slash{bot: b, interaction: i, due: received.Add(callbackLimit)}
	name := string(i.Data.Value.Name.Value)
	c := b.command(name)
	if c == nil {
		return b.conclude(ctx, "", Answer{}, s.answer(ctx, Answer{Text: b.unknown(name, "/"), Private: true}))
	}
	r.arguments = i.arguments(c)

	results := make(chan performed, 1)
	go func() { results <- b.performSafely(ctx, c, r) }()
	patience := time.NewTimer(time.Until(received.Add(deferAfter)))
	defer patience.Stop()
	var done performed
	select {
	case done = <-results:
	case <-patience.C:
		s.postpone(ctx)
		done = <-results
	}
	switch done.how {
	case cutOff:
		return ending{}
	case refused:
		done.answer.Private = true
	}
	return b.conclude(ctx, c.Name, done.answer, s.answer(ctx, done.answer))
}

// arguments picks the command's parameters out of the interaction's options.
func (i interaction) arguments(c *Command) map[string]string {
	arguments := make(map[string]string, len(c.Parameters))
	for _, o := range i.Data.Value.Options.Value {
		arguments[string(o.Value.Name.Value)] = o.Value.words()
	}
	return arguments
}

// performed is what came of a command.
type performed struct {
	answer Answer
	how    outcome
}

// performSafely is perform on a goroutine of its own, where a panic would end
// the process.
func (b *Bot) performSafely(ctx context.Context, c *Command, r *Request) (done performed) {
	defer func() {
		if p := recover(); p != nil {
			b.counters.panics.Add(1)
			b.log.Error("preparing an answer panicked", "command", c.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			done = performed{Answer{Text: sayPanicked}, answered}
		}
	}()
	answer, how := b.perform(ctx, c, r, b.cool(c, r.User, r.At))
	return performed{answer, how}
}
