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
	"evergreen/internal/discord/rest"

	"github.com/disgoorg/disgo/discord"
	disgorest "github.com/disgoorg/disgo/rest"
)

// gatewayBot asks what a connection has to know before it can be made, over the
// bot's own REST client: where the gateway is, how many shards, what may be spent.
type gatewayBot struct {
	rest disgorest.Rest

	mu         sync.Mutex
	answer     *discord.GatewayBot // the last one
	at         time.Time
	askedAgain time.Time // when an address that failed was last asked about
}

func newGatewayBot(r disgorest.Rest) *gatewayBot { return &gatewayBot{rest: r} }

const (
	// maxAnswerAge is how old an answer may be that a start is decided by (G-003).
	maxAnswerAge = 5 * time.Minute
	// askAgainPause is how soon an address that still fails is asked about again.
	askAgainPause = 15 * time.Second
)

// ask returns an answer no older than age. The lock is not held meanwhile: two
// at once ask twice, which is harmless.
func (q *gatewayBot) ask(ctx context.Context, age time.Duration) (*discord.GatewayBot, time.Time, error) {
	q.mu.Lock()
	answer, at := q.answer, q.at
	q.mu.Unlock()
	if answer != nil && time.Since(at) < age {
		return answer, at, nil
	}
	at = time.Now()
	answer, err := q.rest.GetGatewayBot(disgorest.WithCtx(ctx))
	if err != nil {
		return nil, at, markUnauthorized(err)
	}
	q.mu.Lock()
	q.answer, q.at = answer, at
	q.mu.Unlock()
	return answer, at, nil
}

// markUnauthorized marks an error that says that the token is no good.
func markUnauthorized(err error) error {
	err = rest.Plain(err)
	said, ok := errors.AsType[*disgorest.Error](err)
	if errors.Is(err, rest.ErrUnauthorized) ||
		(ok && said.Response != nil && said.Response.StatusCode == http.StatusUnauthorized) {
		return fmt.Errorf("%w: %w", gateway.ErrUnauthorized, err)
	}
	return err
}

// GatewayURL returns the base address (G-001): the known one, unless it failed and
// has not been asked about for a while (G-002, G-005).
func (q *gatewayBot) GatewayURL(ctx context.Context, failed string) (string, error) {
	q.mu.Lock()
	known := ""
	if q.answer != nil {
		known = q.answer.URL
	}
	age := time.Duration(1<<63 - 1)
	if known != "" && failed == known && time.Since(q.askedAgain) >= askAgainPause {
		age, q.askedAgain = 0, time.Now()
	}
	q.mu.Unlock()
	answer, _, err := q.ask(ctx, age)
	switch {
	case err == nil && answer.URL != "":
		return answer.URL, nil
	case errors.Is(err, gateway.ErrUnauthorized):
		return "", err
	case known != "":
		return known, nil
	case err == nil:
		return "", errors.New("GET /gateway/bot: the answer has no address of the gateway")
	}
	return "", err
}

// shards returns the number of shards Discord recommends.
func (q *gatewayBot) shards(ctx context.Context) (int, error) {
	answer, _, err := q.ask(ctx, maxAnswerAge)
	if err != nil {
		return 0, err
	}
	return max(1, answer.Shards), nil
}

// sessionStartLimit returns the session start limit.
func (q *gatewayBot) sessionStartLimit(ctx context.Context) (identify.SessionStartLimit, error) {
	answer, at, err := q.ask(ctx, maxAnswerAge)
	if err != nil {
		return identify.SessionStartLimit{}, err
	}
	l := answer.SessionStartLimit
	if l.Total <= 0 {
		return identify.SessionStartLimit{}, errors.New("GET /gateway/bot: the answer has no session_start_limit")
	}
	return identify.SessionStartLimit{
		Total: l.Total, Remaining: l.Remaining, MaxConcurrency: max(1, l.MaxConcurrency), At: at,
		ResetAfter: time.Duration(min(l.ResetAfter, int(48*time.Hour/time.Millisecond))) * time.Millisecond,
	}, nil
}

// CheckCredentials looks whether a bot that Discord refused would be accepted now,
// without spending an IDENTIFY (G-096 to G-098).
func (q *gatewayBot) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	if _, _, err := q.ask(ctx, 0); err != nil {
		return current, err
	}
	switch cause.Code {
	case gateway.CloseDisallowedIntents, gateway.CloseNotAuthenticated:
		app, err := q.rest.GetCurrentApplication(disgorest.WithCtx(ctx))
		if err != nil {
			return current, markUnauthorized(err)
		}
		if off := current.Intents.Refused(uint64(app.Flags)); off != 0 {
			return current, fmt.Errorf("still switched off in the developer portal: %v", off.Switches())
		}
	case gateway.CloseInvalidShard, gateway.CloseShardingRequired, gateway.CloseInvalidVersion, gateway.CloseInvalidIntents:
		return current, errors.New(cause.Code.Policy().Remedy)
	}
	return current, nil
}
