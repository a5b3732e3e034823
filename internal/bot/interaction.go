package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// The first answer to an interaction must reach Discord within three seconds
// (G-141). A command that has not ended by deferAfter is deferred: the user sees
// that the bot thinks, and the answer comes as an edit.
//
// Interactions know no nonce. What keeps them from being answered twice is that
// Discord takes one first answer: the next is refused with 40060, or 10062 when
// the interaction is too old, and then an answer stands or none can be given any
// more. Everything after that is an edit of the one first answer, which may be
// repeated. Only the further parts of a long answer are messages that cannot be
// told apart from their own repetition: each is sent once and never again.
const (
	deferAfter    = 2 * time.Second
	callbackLimit = 2900 * time.Millisecond
	// callbackPause separates attempts to send a first answer.
	callbackPause = 200 * time.Millisecond
	// tokenLife is how long the later answers to an interaction are accepted.
	tokenLife = 15 * time.Minute
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
	b.activity.touch(time.Now())
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

	type performed struct {
		answer Answer
		how    outcome
	}
	results := make(chan performed, 1)
	go func() {
		answer, how := b.perform(ctx, c, r)
		results <- performed{answer, how}
	}()
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

// slash is the answer to one interaction in the making.
type slash struct {
	bot         *Bot
	interaction interaction
	due         time.Time // of the first answer
	deferred    bool
}

func (s *slash) app() snowflake.ID { return snowflake.ID(s.interaction.ApplicationID) }
func (s *slash) token() string     { return string(s.interaction.Token.Value) }

// postpone sends a deferral as the first answer. If it fails the answer is an
// edit all the same: it will show whether the deferral stood.
func (s *slash) postpone(ctx context.Context) {
	s.deferred = true
	if err := s.first(ctx, callback{Type: discord.InteractionResponseTypeDeferredCreateMessage}); err != nil {
		s.bot.log.Warn("an interaction could not be deferred", "error", err)
	}
}

// answer gives the answer; nil means that it stands, or that one stood already.
func (s *slash) answer(ctx context.Context, a Answer) error {
	parts := split(a.Text)
	if len(parts) == 0 {
		parts = []string{sayNothing}
	}
	m := outgoing{Content: parts[0], AllowedMentions: nobody}
	if a.Private {
		m.Flags = discord.MessageFlagEphemeral
	}
	if !s.deferred {
		err := s.first(ctx, callback{Type: discord.InteractionResponseTypeCreateMessage, Data: &m})
		switch {
		case said(err, rest.JSONErrorCodeInteractionAlreadyAcknowledged):
			// An attempt whose answer was lost, or a run that crashed, was first.
			// What it left may be a deferral that still waits for its answer.
			limited, cancel := context.WithTimeout(ctx, attemptLimit)
			loading, err := s.bot.api.stillLoading(limited, s.app(), s.token())
			cancel()
			if err != nil || !loading {
				return nil
			}
			s.deferred = true
		case err != nil:
			return err
		}
	}
	limited, cancel := context.WithDeadline(ctx, s.due.Add(tokenLife-callbackLimit))
	defer cancel()
	if s.deferred {
		m.Flags = 0
		err := s.bot.persist(limited, func(ctx context.Context) error {
			return s.bot.api.editOriginal(ctx, s.app(), s.token(), m)
		})
		if err != nil {
			return err
		}
	}
	for n, part := range parts[1:] {
		m.Content = part
		attempt, cancel := context.WithTimeout(limited, attemptLimit)
		err := s.bot.api.followUp(attempt, s.app(), s.token(), m)
		cancel()
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", n+2, len(parts), err)
		}
	}
	return nil
}

// first sends a first answer, again and again while that may help and the time
// for it is not over: a second one that gets through is refused.
func (s *slash) first(ctx context.Context, c callback) error {
	limited, cancel := context.WithDeadline(ctx, s.due)
	defer cancel()
	for {
		err := s.bot.api.callback(limited, snowflake.ID(s.interaction.ID), s.token(), c)
		if err == nil || !temporary(err) || s.bot.rest(limited, callbackPause) != nil {
			return err
		}
	}
}
