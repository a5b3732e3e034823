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

// Limits of the answer to an interaction.
//
// G-141: the initial response must reach Discord within three seconds. A command that
// has not returned after deferAfter gets a deferred response. The user sees that the
// bot thinks, and the answer is an edit of it.
//
// Interactions have no nonce. Discord accepts one initial response; a second is refused
// with 40060, or 10062 when the interaction is too old. Everything after that edits the
// one initial response, which may be repeated. Only the further parts of a long answer
// are messages that a repetition would double. Each is sent once, and again only when
// Discord says that it was refused.
const (
	deferAfter      = 2 * time.Second
	callbackTimeout = 2900 * time.Millisecond
	// callbackRetryInterval separates attempts to send the initial response.
	callbackRetryInterval = 200 * time.Millisecond
	// callbackMinTimeout is the least an attempt gets, if there is time at all.
	callbackMinTimeout = 400 * time.Millisecond
	// tokenLife is how long an interaction can be answered.
	tokenLife = 15 * time.Minute
)

// slashReply sends the answer to one interaction. It is used by one goroutine.
type slashReply struct {
	bot         *Bot
	interaction interaction
	due         time.Time // of the initial response

	// responded means that the initial response was accepted or may have been: the
	// answer is an edit of it, and the edit shows which.
	responded bool
	// respondedEarlier means that a process that crashed sent the initial response.
	// It may have come as far as the deferral, or to the end.
	respondedEarlier bool
	// failure is why the interaction can no longer be answered.
	failure error
}

func (s *slashReply) app() snowflake.ID { return snowflake.ID(s.interaction.ApplicationID) }
func (s *slashReply) token() string     { return string(s.interaction.Token.Value) }

// launchActivity answers the Entry Point command of an app that leaves the start of its
// Activity to the bot.
func (s *slashReply) launchActivity(ctx context.Context) error {
	const launchActivity discord.InteractionResponseType = 12
	s.respond(ctx, callback{Type: launchActivity})
	return s.failure
}

// sendDeferral defers the answer.
func (s *slashReply) sendDeferral(ctx context.Context) {
	s.respond(ctx, callback{Type: discord.InteractionResponseTypeDeferredCreateMessage})
}

// respond sends the initial response and records what became of it.
func (s *slashReply) respond(ctx context.Context, c callback) (accepted bool) {
	attempts, err := s.retryCallback(ctx, c)
	switch {
	case err == nil:
		s.responded = true
		return true
	case hasCode(err, rest.JSONErrorCodeInteractionAlreadyAcknowledged):
		s.responded, s.respondedEarlier = true, attempts == 1
	case temporary(err):
		s.responded = true
		if ctx.Err() != nil {
			break // the bot stops
		}
		s.bot.log.Warn("Initial response to an interaction may not have reached Discord", "error", err)
	default:
		s.failure = err
	}
	return false
}

// retryCallback sends the initial response until it is accepted, is refused for
// good or is overdue. An attempt that hangs leaves time for another.
func (s *slashReply) retryCallback(ctx context.Context, c callback) (attempts int, err error) {
	limited, cancel := context.WithDeadline(ctx, s.due)
	defer cancel()
	for {
		attempts++
		attempt, cancel := context.WithTimeout(limited, max(time.Until(s.due)/2, callbackMinTimeout))
		err := s.bot.api.callback(attempt, snowflake.ID(s.interaction.ID), s.token(), c)
		cancel()
		if err == nil || !temporary(err) || s.bot.sleepJittered(limited, callbackRetryInterval) != nil {
			return attempts, err
		}
	}
}

// send sends the answer. It returns nil when Discord has accepted all of it, or
// had accepted one before.
func (s *slashReply) send(ctx context.Context, a Answer) error {
	parts := split(a.Text)
	m := messageBody{Content: parts[0], AllowedMentions: noMentions}
	if a.Private {
		m.Flags = discord.MessageFlagEphemeral
	}
	accepted := !s.responded && s.failure == nil &&
		s.respond(ctx, callback{Type: discord.InteractionResponseTypeCreateMessage, Data: &m})
	if s.failure != nil {
		return s.failure
	}
	ctx, cancel := context.WithDeadline(ctx, s.due.Add(tokenLife-callbackTimeout))
	defer cancel()
	if s.respondedEarlier {
		if complete, err := s.isComplete(ctx); err != nil || complete {
			return err
		}
	}
	if !accepted {
		edit := m
		edit.Flags = 0 // the initial response decided whether it is private
		err := s.bot.retry(ctx, temporary, func(ctx context.Context) error {
			return s.bot.api.editOriginal(ctx, s.app(), s.token(), edit)
		})
		if err != nil {
			return err
		}
	}
	for n, part := range parts[1:] {
		m.Content = part
		err := s.bot.retry(ctx, limited, func(ctx context.Context) error {
			return s.bot.api.followUp(ctx, s.app(), s.token(), m)
		})
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", n+2, len(parts), err)
		}
	}
	return nil
}

// isComplete reports whether the response of an earlier process is more than a
// deferral.
func (s *slashReply) isComplete(ctx context.Context) (bool, error) {
	var loading bool
	err := s.bot.retry(ctx, temporary, func(ctx context.Context) (err error) {
		loading, err = s.bot.api.isLoading(ctx, s.app(), s.token())
		return err
	})
	if gone, ok := errors.AsType[*requestError](err); ok && gone.Status == http.StatusNotFound {
		return true, nil // it was complete, and was deleted since
	}
	return !loading, err
}
