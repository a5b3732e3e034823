package bot

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// reply answers a message: the first part refers to it, every part has its own
// nonce (G-137) and pings nobody (G-138). Answers in one channel go out one
// after another, so their parts do not mix and each has its full time to be
// sent. It returns nil when the whole answer stands.
func (b *Bot) reply(ctx context.Context, r *Request, text string) error {
	leave, err := b.turns.wait(ctx, r.Channel)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, b.options.AnswerWithin)
	defer cancel()

	if b.silent.has(r.Channel, time.Now()) {
		return errors.New("the channel refused the bot's messages a while ago; check the bot's permissions there")
	}
	for i, part := range split(text) {
		m := outgoing{
			Content:         part,
			Nonce:           nonceFor(r.ID, i+1),
			EnforceNonce:    true,
			AllowedMentions: nobody,
		}
		if i == 0 {
			m.Reference = &reference{MessageID: r.ID}
		}
		if err := b.write(ctx, r.Channel, m); err != nil {
			return err
		}
	}
	return nil
}

// write creates one message and returns nil when it stands.
func (b *Bot) write(ctx context.Context, channel snowflake.ID, m outgoing) error {
	err := b.persist(ctx, temporary, func(ctx context.Context) error { return b.api.createMessage(ctx, channel, m) })
	if said(err, rest.JSONErrorCodeCannotReplyWithoutReadMessageHistoryPermission) && m.Reference != nil {
		m.Reference = nil
		return b.write(ctx, channel, m)
	}
	if said(err, rest.JSONErrorCodeUnknownMessage) {
		// An earlier message with this nonce stood and was deleted since.
		return nil
	}
	if refusal, ok := errors.AsType[*requestError](err); ok && refusal.Status == http.StatusForbidden {
		// Asking again and again counts towards a ban of the whole address.
		b.silent.first(channel, time.Now())
	}
	return err
}

// attemptLimit bounds one request, with all the waiting and retrying beneath it.
const attemptLimit = 30 * time.Second

// persist repeats a request for as long as again says that its error allows it,
// until it succeeds or ctx ends. The http.Client beneath retries briefly on its
// own account; this is the patience for an outage that lasts.
func (b *Bot) persist(ctx context.Context, again func(error) bool, request func(context.Context) error) error {
	pause := time.Second
	for {
		attempt, cancel := context.WithTimeout(ctx, attemptLimit)
		err := request(attempt)
		cancel()
		if err == nil || !again(err) || ctx.Err() != nil {
			return err
		}
		if b.rest(ctx, pause) != nil {
			return err
		}
		pause = min(2*pause, 15*time.Second)
	}
}

// rest lets between half of the time and all of it pass, or returns ctx's error.
func (b *Bot) rest(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause/2 + time.Duration(b.options.Rand()*float64(pause/2)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turns lets one answer at a time be written to a channel.
type turns struct {
	mu       sync.Mutex
	channels map[snowflake.ID]*turn
}

type turn struct {
	taken   chan struct{} // holds one value while somebody writes
	waiting int           // guarded by turns.mu: writers and those who wait
}

// wait waits for the channel's turn. leave ends it.
func (t *turns) wait(ctx context.Context, channel snowflake.ID) (leave func(), err error) {
	t.mu.Lock()
	mine := t.channels[channel]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		t.channels[channel] = mine
	}
	mine.waiting++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.waiting--; mine.waiting == 0 {
			delete(t.channels, channel)
		}
	}
	select {
	case mine.taken <- struct{}{}:
		return func() { <-mine.taken; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}
