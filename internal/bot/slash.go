package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
// told apart from their own repetition: each is sent once, and again only when
// Discord says that it did not take it.
const (
	deferAfter    = 2 * time.Second
	callbackLimit = 2900 * time.Millisecond
	// callbackPause separates attempts to send a first answer, and
	// callbackPatience is the least an attempt gets, if there is time at all.
	callbackPause    = 200 * time.Millisecond
	callbackPatience = 400 * time.Millisecond
	// tokenLife is how long the later answers to an interaction are accepted.
	tokenLife = 15 * time.Minute
)

// slash is the answer to one interaction in the making.
type slash struct {
	bot         *Bot
	interaction interaction
	due         time.Time // of the first answer

	// begun means that a first answer stands or may stand: the answer is an edit
	// of it. The edit shows whether it does.
	begun bool
	// preceded means that somebody else gave the first answer: a run that
	// crashed. It may have come as far as the deferral, or to the end.
	preceded bool
	// refused is why no answer can be given any more.
	refused error
}

func (s *slash) app() snowflake.ID { return snowflake.ID(s.interaction.ApplicationID) }
func (s *slash) token() string     { return string(s.interaction.Token.Value) }

// postpone sends a deferral as the first answer.
func (s *slash) postpone(ctx context.Context) {
	s.begin(ctx, callback{Type: discord.InteractionResponseTypeDeferredCreateMessage})
}

// begin sends a first answer and notes what came of it.
func (s *slash) begin(ctx context.Context, c callback) (stands bool) {
	attempts, err := s.first(ctx, c)
	switch {
	case err == nil:
		s.begun = true
		return true
	case said(err, rest.JSONErrorCodeInteractionAlreadyAcknowledged):
		s.begun, s.preceded = true, attempts == 1
	case temporary(err):
		s.begun = true
		if ctx.Err() != nil {
			break // the bot stops
		}
		s.bot.log.Warn("it is not clear whether the first answer to an interaction has reached Discord", "error", err)
	default:
		s.refused = err
	}
	return false
}

// first sends a first answer, again and again while that may help and the time
// for it is not over: a second one that gets through is refused. An attempt that
// hangs leaves time for another.
func (s *slash) first(ctx context.Context, c callback) (attempts int, err error) {
	limited, cancel := context.WithDeadline(ctx, s.due)
	defer cancel()
	for {
		attempts++
		attempt, cancel := context.WithTimeout(limited, max(time.Until(s.due)/2, callbackPatience))
		err := s.bot.api.callback(attempt, snowflake.ID(s.interaction.ID), s.token(), c)
		cancel()
		if err == nil || !temporary(err) || s.bot.rest(limited, callbackPause) != nil {
			return attempts, err
		}
	}
}

// answer gives the answer; nil means that it stands, or that one stood already.
func (s *slash) answer(ctx context.Context, a Answer) error {
	parts := split(a.Text)
	m := outgoing{Content: parts[0], AllowedMentions: nobody}
	if a.Private {
		m.Flags = discord.MessageFlagEphemeral
	}
	stands := !s.begun && s.refused == nil &&
		s.begin(ctx, callback{Type: discord.InteractionResponseTypeCreateMessage, Data: &m})
	if s.refused != nil {
		return s.refused
	}
	ctx, cancel := context.WithDeadline(ctx, s.due.Add(tokenLife-callbackLimit))
	defer cancel()
	if s.preceded {
		if finished, err := s.finished(ctx); err != nil || finished {
			return err
		}
	}
	if !stands {
		edit := m
		edit.Flags = 0 // whether it is private was settled by the first answer
		err := s.bot.persist(ctx, temporary, func(ctx context.Context) error {
			return s.bot.api.editOriginal(ctx, s.app(), s.token(), edit)
		})
		if err != nil {
			return err
		}
	}
	for n, part := range parts[1:] {
		m.Content = part
		err := s.bot.persist(ctx, limited, func(ctx context.Context) error {
			return s.bot.api.followUp(ctx, s.app(), s.token(), m)
		})
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", n+2, len(parts), err)
		}
	}
	return nil
}

// finished reports whether the answer that somebody else began is more than a
// deferral that still waits for its end.
func (s *slash) finished(ctx context.Context) (bool, error) {
	var loading bool
	err := s.bot.persist(ctx, temporary, func(ctx context.Context) (err error) {
		loading, err = s.bot.api.stillLoading(ctx, s.app(), s.token())
		return err
	})
	if gone, ok := errors.AsType[*requestError](err); ok && gone.Status == http.StatusNotFound {
		return true, nil // it stood and was deleted since
	}
	return !loading, err
}
