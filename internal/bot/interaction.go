package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// onInteraction parses a slash command and has it answered. Other interactions
// belong to components and forms, which the bot does not make.
func (b *Bot) onInteraction(ctx context.Context, e incomingEvent) error {
	i, err := parseInteraction(e.Data)
	if err != nil {
		return err
	}
	if discord.InteractionType(i.Type.Value) != discord.InteractionTypeApplicationCommand {
		return nil
	}
	if !b.seen.add(snowflake.ID(i.ID), time.Now()) {
		b.counters.duplicates.Add(1)
		return nil
	}
	received := e.Received
	if received.IsZero() {
		received = time.Now()
	}
	b.process(ctx, e, func(ctx context.Context) completion { return b.answerInteraction(ctx, i, received) })
	return nil
}

// answerInteraction runs a slash command and replies; received is when the event
// arrived.
func (b *Bot) answerInteraction(ctx context.Context, i interaction, received time.Time) completion {
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
	s := slashReply{bot: b, interaction: i, due: received.Add(callbackTimeout)}
	name := string(i.Data.Value.Name.Value)
	if discord.ApplicationCommandType(i.Data.Value.Type.Value) == discord.ApplicationCommandTypePrimaryEntryPoint {
		return b.finish(ctx, name, Answer{}, s.launchActivity(ctx))
	}
	c := b.findCommand(name)
	if c == nil {
		return b.finish(ctx, "", Answer{}, s.send(ctx, Answer{Text: b.unknownCommand(name, "/"), Private: true}))
	}
	r.arguments = i.arguments(c)

	results := make(chan execution, 1)
	go func() { results <- b.executeRecovered(ctx, c, r) }()
	deferral := time.NewTimer(time.Until(received.Add(deferAfter)))
	defer deferral.Stop()
	var done execution
	select {
	case done = <-results:
	case <-deferral.C:
		s.sendDeferral(ctx)
		done = <-results
	}
	switch done.outcome {
	case outcomeStopped:
		return completion{}
	case outcomeRejected:
		done.answer.Private = true
	}
	return b.finish(ctx, c.Name, done.answer, s.send(ctx, done.answer))
}

// arguments returns the interaction's options by the names of parameters.
func (i interaction) arguments(c *Command) map[string]string {
	arguments := make(map[string]string, len(c.Parameters))
	for _, o := range i.Data.Value.Options.Value {
		arguments[string(o.Value.Name.Value)] = o.Value.words()
	}
	return arguments
}

// execution is what execute returns.
type execution struct {
	answer  Answer
	outcome outcome
}

// executeRecovered is execute on a goroutine of its own, where a panic would end
// the process.
func (b *Bot) executeRecovered(ctx context.Context, c *Command, r *Request) (done execution) {
	defer func() {
		if p := recover(); p != nil {
			b.counters.panics.Add(1)
			b.log.Error("Preparing an answer panicked", "command", c.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			done = execution{Answer{Text: textFailed}, outcomeAnswered}
		}
	}()
	answer, outcome := b.execute(ctx, c, r, b.cooldown(c, r.User, r.At))
	return execution{answer, outcome}
}
