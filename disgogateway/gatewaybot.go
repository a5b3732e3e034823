package disgogateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bounds"
	"evergreen/internal/discord/rest"

	"github.com/disgoorg/disgo/discord"
	disgorest "github.com/disgoorg/disgo/rest"
)

// gatewayBot asks GET /gateway/bot over the bot's own REST client: the gateway's URL,
// the number of shards, the session start limit. It is a [gateway.URLSource] and a
// [gateway.CredentialChecker].
type gatewayBot struct {
	rest disgorest.Rest

	mu         sync.Mutex
	answer     *discord.GatewayBot // the last one
	at         time.Time
	askedAgain time.Time // when a URL that failed was last asked about
}

func newGatewayBot(r disgorest.Rest) *gatewayBot { return &gatewayBot{rest: r} }

const (
	// maxAnswerAge is how old an answer may be that a start is decided by.
	maxAnswerAge = 5 * time.Minute
	// askAgainInterval is how soon a URL that still fails is asked about again.
	askAgainInterval = 15 * time.Second
)

// ask returns an answer no older than age. Two callers at once may ask twice.
func (b *gatewayBot) ask(ctx context.Context, age time.Duration) (*discord.GatewayBot, time.Time, error) {
	b.mu.Lock()
	answer, at := b.answer, b.at
	b.mu.Unlock()
	if answer != nil && time.Since(at) < age {
		return answer, at, nil
	}
	at = time.Now()
	answer, err := b.rest.GetGatewayBot(disgorest.WithCtx(ctx))
	if err != nil {
		return nil, at, markUnauthorized(err)
	}
	b.mu.Lock()
	b.answer, b.at = answer, at
	b.mu.Unlock()
	return answer, at, nil
}

// markUnauthorized makes an error that means a refused token [gateway.ErrUnauthorized].
func markUnauthorized(err error) error {
	err = rest.Plain(err)
	said, ok := errors.AsType[*disgorest.Error](err)
	if errors.Is(err, rest.ErrUnauthorized) ||
		(ok && said.Response.StatusCode == http.StatusUnauthorized) {
		return fmt.Errorf("%w: %w", gateway.ErrUnauthorized, err)
	}
	return err
}

// GatewayURL implements [gateway.URLSource]. It returns the known URL, unless that
// failed and has not been asked about for askAgainInterval.
func (b *gatewayBot) GatewayURL(ctx context.Context, failed string) (string, error) {
	b.mu.Lock()
	known := ""
	if b.answer != nil {
		known = b.answer.URL
	}
	age := time.Duration(1<<63 - 1)
	switch {
	case known == "":
		age = 0
	case failed == known && time.Since(b.askedAgain) >= askAgainInterval:
		age, b.askedAgain = 0, time.Now()
	}
	b.mu.Unlock()
	answer, _, err := b.ask(ctx, age)
	switch {
	case err == nil && answer.URL != "":
		return answer.URL, nil
	case errors.Is(err, gateway.ErrUnauthorized):
		return "", err
	case known != "":
		return known, nil
	case err == nil:
		return "", errors.New("GET /gateway/bot: the answer has no url")
	}
	return "", err
}

// shards returns the number of shards that Discord recommends.
func (b *gatewayBot) shards(ctx context.Context) (int, error) {
	answer, _, err := b.ask(ctx, maxAnswerAge)
	if err != nil {
		return 0, err
	}
	if !bounds.Shards.Has(max(1, answer.Shards)) {
		return 0, fmt.Errorf("GET /gateway/bot: the answer recommends %d shards, which makes no sense", answer.Shards)
	}
	return max(1, answer.Shards), nil
}

// sessionStartLimit returns the session start limit.
func (b *gatewayBot) sessionStartLimit(ctx context.Context) (identify.SessionStartLimit, error) {
	answer, at, err := b.ask(ctx, maxAnswerAge)
	if err != nil {
		return identify.SessionStartLimit{}, err
	}
	l := answer.SessionStartLimit
	limit, ok := identify.SessionStartLimit{
		Total: l.Total, Remaining: l.Remaining, MaxConcurrency: l.MaxConcurrency, At: at,
		ResetAfter: time.Duration(min(l.ResetAfter, int(48*time.Hour/time.Millisecond))) * time.Millisecond,
	}.Bounded()
	if !ok {
		return identify.SessionStartLimit{}, errors.New("GET /gateway/bot: the answer has no usable session_start_limit")
	}
	return limit, nil
}

// CheckCredentials implements [gateway.CredentialChecker].
func (b *gatewayBot) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	if _, _, err := b.ask(ctx, 0); err != nil {
		return current, err
	}
	switch cause.Code {
	case gateway.CloseDisallowedIntents, gateway.CloseNotAuthenticated:
		app, err := b.rest.GetCurrentApplication(disgorest.WithCtx(ctx))
		if err != nil {
			return current, markUnauthorized(err)
		}
		if off := current.Intents.Refused(uint64(app.Flags)); off != 0 {
			return current, fmt.Errorf("still switched off in the developer portal: %v", off.Switches())
		}
	case gateway.CloseInvalidShard, gateway.CloseShardingRequired, gateway.CloseInvalidVersion, gateway.CloseInvalidIntents:
		return current, errors.New(cause.Code.Remedy())
	}
	return current, nil
}
