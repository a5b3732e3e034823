package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
)

// acceptedRecheck is how long credentials that REST accepts are not tried again after
// the gateway has refused them all the same. Each try costs an IDENTIFY.
const acceptedRecheck = 5 * time.Minute

// confirmation is when REST last accepted credentials after a close code.
type confirmation struct {
	credentials gateway.Credentials
	at          time.Time
}

// checksOfCode are the checks that decide after a close code. After any other code the
// token is checked.
var checksOfCode = map[gateway.CloseCode]func(*Client, context.Context, *gateway.Credentials) error{
	gateway.CloseAuthFailed:        (*Client).checkToken,
	gateway.CloseNotAuthenticated:  (*Client).checkTokenAndIntents,
	gateway.CloseInvalidShard:      (*Client).checkShardCount,
	gateway.CloseShardingRequired:  (*Client).checkShardCount,
	gateway.CloseInvalidVersion:    (*Client).failVersion,
	gateway.CloseInvalidIntents:    (*Client).checkIntentBits,
	gateway.CloseDisallowedIntents: (*Client).checkIntents,
}

// CheckCredentials asks over REST whether a bot that the gateway refused would be
// accepted now. It returns the credentials to go on with: the present token, and the
// wanted intents without those that are switched off and optional. The error says what
// is wrong and what to do; it wraps [gateway.ErrUnauthorized] if that is the token, and
// then no further request is made with it.
func (c *Client) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	next := gateway.Credentials{Token: c.token(), Intents: c.opts.Intents()}
	if next.Token == "" {
		next.Token = current.Token
	}
	inspect := checksOfCode[cause.Code]
	if inspect == nil {
		inspect = (*Client).checkToken
	}
	err := inspect(c, ctx, &next)
	if err == nil {
		err = c.confirm(cause.Code, next, current)
	}
	if err != nil {
		c.log.Warn("The bot is still refused", "code", int(cause.Code), "error", err)
		return current, err
	}
	return next, nil
}

// confirm trusts REST, but for the same credentials only once per acceptedRecheck
// (G-047). A session that was invalidated is no refusal.
func (c *Client) confirm(code gateway.CloseCode, next, current gateway.Credentials) error {
	if !code.Fatal() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.confirmed[code]
	if next == current && next == last.credentials && time.Since(last.at) < acceptedRecheck {
		return fmt.Errorf("%s (close code %d), although REST finds nothing wrong; it is tried again after %s",
			code.Meaning(), code, (acceptedRecheck - time.Since(last.at)).Round(time.Second))
	}
	c.confirmed[code] = confirmation{credentials: next, at: time.Now()}
	return nil
}

// checkToken checks the token with one request.
func (c *Client) checkToken(ctx context.Context, next *gateway.Credentials) error {
	_, err := c.user(ctx, next.Token)
	return err
}

// checkIntents checks the privileged intents and drops those that are switched off and
// optional (G-096).
func (c *Client) checkIntents(ctx context.Context, next *gateway.Credentials) error {
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
	granted, dropped, missing := c.splitIntents(next.Intents, a)
	if missing != 0 {
		return &switchedOff{intents: missing, application: a.ID}
	}
	if dropped != 0 {
		c.log.Warn("Optional intents are switched off; the bot goes on without them", "warning", droppedWarning(dropped, a))
	}
	next.Intents = granted
	return nil
}

// checkTokenAndIntents is for a session that was invalidated: the token was reset, or an
// intent switched off (G-064).
func (c *Client) checkTokenAndIntents(ctx context.Context, next *gateway.Credentials) error {
	if err := c.checkToken(ctx, next); err != nil {
		return err
	}
	return c.checkIntents(ctx, next)
}

// checkShardCount checks the number of shards against the recommended one (G-097).
func (c *Client) checkShardCount(ctx context.Context, _ *gateway.Credentials) error {
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

// failVersion always fails: only an update of this program helps.
func (c *Client) failVersion(context.Context, *gateway.Credentials) error {
	code := gateway.CloseInvalidVersion
	return errors.New(code.Meaning() + ". " + code.Remedy())
}

// checkIntentBits checks for undocumented intents: REST does not tell what the gateway
// objects to.
func (c *Client) checkIntentBits(_ context.Context, next *gateway.Credentials) error {
	if next.Intents.Unknown() == 0 {
		return nil
	}
	code := gateway.CloseInvalidIntents
	return fmt.Errorf("%s (%s). %s", code.Meaning(), next.Intents, code.Remedy())
}
