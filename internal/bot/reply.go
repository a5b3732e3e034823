package bot

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// reply answers a message. The first part refers to it; every part has its own
// nonce. Answers in one channel are sent one after another, so that their parts do
// not mix and each has Options.AnswerWithin. It returns nil when Discord has
// accepted every part.
func (b *Bot) reply(ctx context.Context, r *Request, text string) error {
	unlock, err := b.channels.lock(ctx, r.Channel)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(ctx, b.options.AnswerWithin)
	defer cancel()

	if !b.refusals.mayTry(r.Guild, r.Channel, time.Now()) {
		return errRefusedLately
	}
	for i, part := range split(text) {
		m := messageBody{
			Content:         part,
			Nonce:           nonceFor(r.ID, i+1),
			EnforceNonce:    true,
			AllowedMentions: noMentions,
		}
		if i == 0 && b.refusals.takesReplies(r.Channel, time.Now()) {
			m.Reference = &reference{MessageID: r.ID}
		}
		if err := b.sendMessage(ctx, r.Guild, r.Channel, m); err != nil {
			if refused, ok := errors.AsType[*requestError](err); ok && refused.Status == http.StatusForbidden {
				return b.onRefused(ctx, r, refused)
			}
			return err
		}
	}
	if b.refusals.accepted(r.Channel) {
		b.log.Info("Channel takes answers again", "channel", r.Channel)
	}
	return nil
}

// sendMessage creates one message. It returns nil when Discord has accepted it.
func (b *Bot) sendMessage(ctx context.Context, guild, channel snowflake.ID, m messageBody) error {
	err := b.retry(ctx, temporary, func(ctx context.Context) error { return b.api.createMessage(ctx, channel, m) })
	if hasCode(err, rest.JSONErrorCodeCannotReplyWithoutReadMessageHistoryPermission) && m.Reference != nil {
		b.refusals.recordNoHistory(guild, channel, time.Now())
		m.Reference = nil
		return b.sendMessage(ctx, guild, channel, m)
	}
	if hasCode(err, rest.JSONErrorCodeUnknownMessage) {
		// An earlier message with this nonce was created and deleted since.
		return nil
	}
	return err
}

// requestTimeout is for one request, with the waits and retries of the HTTP client.
const requestTimeout = 30 * time.Second

// retry repeats a request while retryable accepts its error, until it succeeds or
// ctx ends. The HTTP client retries briefly; this is for an outage that lasts.
func (b *Bot) retry(ctx context.Context, retryable func(error) bool, request func(context.Context) error) error {
	wait := time.Second
	for {
		attempt, cancel := context.WithTimeout(ctx, requestTimeout)
		err := request(attempt)
		cancel()
		if err == nil || !retryable(err) || b.sleepJittered(ctx, wait) != nil {
			return err
		}
		wait = min(2*wait, 15*time.Second)
	}
}

// sleepJittered sleeps between half of d and all of it, or returns ctx's error.
func (b *Bot) sleepJittered(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + time.Duration(b.options.Rand()*float64(d/2)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
