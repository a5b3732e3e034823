package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// acceptedRecheck is how long credentials that REST finds good are not tried again
// after the gateway refused them all the same. Each try costs an IDENTIFY.
const acceptedRecheck = 5 * time.Minute

// acceptance is when credentials were last found good after a close code.
type acceptance struct {
	credentials gateway.Credentials
	at          time.Time
}

// inspections say which questions answer for a close code. A code without a line
// has its token checked.
var inspections = map[gateway.CloseCode]func(*Client, context.Context, *gateway.Credentials) error{
	gateway.CloseAuthFailed:        (*Client).inspectToken,
	gateway.CloseNotAuthenticated:  (*Client).inspectAll,
	gateway.CloseInvalidShard:      (*Client).inspectShards,
	gateway.CloseShardingRequired:  (*Client).inspectShards,
	gateway.CloseInvalidVersion:    (*Client).inspectVersion,
	gateway.CloseInvalidIntents:    (*Client).inspectBits,
	gateway.CloseDisallowedIntents: (*Client).inspectIntents,
}

// CheckCredentials asks over REST whether a bot that the gateway refused would be
// accepted now. It returns the credentials to go on
// with: the token as it is configured now, and the wanted intents without those
// that are switched off and optional. The error says what is still wrong and
// where to mend it; it wraps [gateway.ErrUnauthorized] if that is the token,
// and then no further request is made with that token.
func (c *Client) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	next := gateway.Credentials{Token: c.token(), Intents: c.opts.Intents}
	if next.Token == "" {
		next.Token = current.Token
	}
	inspect := inspections[cause.Code]
	if inspect == nil {
		inspect = (*Client).inspectToken
	}
	err := inspect(c, ctx, &next)
	if err == nil {
		err = c.accept(cause.Code, next, current)
	}
	if err != nil {
		c.log.Warn("The bot is still refused", "code", int(cause.Code), "error", err)
		return current, err
	}
	return next, nil
}

// accept believes REST, but for the same credentials not again and again
// (G-047). A session that was invalidated is no refusal.
func (c *Client) accept(code gateway.CloseCode, next, current gateway.Credentials) error {
	if !code.Fatal() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last, again := c.acceptance[code]
	if again && next == current && next == last.credentials && time.Since(last.at) < acceptedRecheck {
		return fmt.Errorf("%s (close code %d), although REST finds nothing wrong; it is tried again after %s",
			code.Meaning(), code, (acceptedRecheck - time.Since(last.at)).Round(time.Second))
	}
	c.acceptance[code] = acceptance{credentials: next, at: time.Now()}
	return nil
}

// inspectToken asks whether the token is good, with one request.
func (c *Client) inspectToken(ctx context.Context, next *gateway.Credentials) error {
	_, err := c.user(ctx, next.Token)
	return err
}

// inspectIntents asks for the portal's switches and does without those that are
// off and optional (G-096).
func (c *Client) inspectIntents(ctx context.Context, next *gateway.Credentials) error {
	if next.Intents&gateway.IntentsPrivileged == 0 {
		return nil
	}
	a, err := c.application(ctx, next.Token)
	if err != nil {
		return err
	}
	if !a.FlagsKnown {
		return errors.New("GET /applications/@me: the answer has no flags, so it is not known which intents are switched on")
	}
	granted, dropped, missing := c.allowed(next.Intents, a)
	if missing != 0 {
		return &switchedOff{intents: missing, application: a.ID}
	}
	if dropped != 0 {
		c.log.Warn(startsWithout(dropped, a))
	}
	next.Intents = granted
	return nil
}

// inspectAll is for a session that was invalidated: the token was reset, or an
// intent switched off (G-064).
func (c *Client) inspectAll(ctx context.Context, next *gateway.Credentials) error {
	if err := c.inspectToken(ctx, next); err != nil {
		return err
	}
	return c.inspectIntents(ctx, next)
}

// inspectShards asks how many shards Discord wants by now (G-097).
func (c *Client) inspectShards(ctx context.Context, _ *gateway.Credentials) error {
	began := time.Now()
	if err := c.refresh(ctx, "", func() bool { _, at := c.Recommended(); return at.After(began) }); err != nil {
		return err
	}
	needed, _ := c.Recommended()
	if needed > c.running() {
		return &tooFewShards{needed: needed, running: c.running()}
	}
	return nil
}

// inspectVersion knows that only an update helps.
func (c *Client) inspectVersion(context.Context, *gateway.Credentials) error {
	code := gateway.CloseInvalidVersion
	return errors.New(code.Meaning() + ". " + code.Remedy())
}

// inspectBits looks for intents that no documentation knows: REST cannot tell
// what the gateway objects to.
func (c *Client) inspectBits(_ context.Context, next *gateway.Credentials) error {
	if next.Intents.Unknown() == 0 {
		return nil
	}
	code := gateway.CloseInvalidIntents
	return fmt.Errorf("%s (%s). %s", code.Meaning(), next.Intents, code.Remedy())
}
