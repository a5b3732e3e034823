package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bounds"
	"evergreen/internal/text"
)

const (
	// gatewayBotAge is how old an answer may be that decides about a start (G-003).
	gatewayBotAge = 5 * time.Minute
	// failedURLRecheck is the least time between two questions about a URL that
	// fails. While the gateway is down, shards dial every few seconds.
	failedURLRecheck = 15 * time.Second
)

// gatewayBot is the answer of GET /gateway/bot.
type gatewayBot struct {
	url    string
	shards int // recommended; 0 while unknown
	// odd is what stands in the place of shards if that makes no sense.
	odd string
	// refused says why the address is not used; nil if it is, or if there is none.
	refused error
	limits  identify.SessionStartLimit
	at      time.Time // when it was asked for
}

// GatewayURL returns the base URL of the gateway (G-001). It is asked for once and
// kept; only when failed names it is it asked for again (G-002), and while that
// does not work the kept one is returned (G-005), or that of the options while
// there is none. The error wraps [gateway.ErrUnauthorized] if Discord refuses the
// token.
func (c *Client) GatewayURL(ctx context.Context, failed string) (string, error) {
	if address := c.cachedURL(failed); address != "" {
		return address, nil
	}
	err := c.refresh(ctx, failed, func() bool { return c.cachedURL(failed) != "" })
	if unauthorized(err) {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.url == "" && c.opts.Gateway != "":
		c.log.Warn("REST does not tell the address of the gateway; the usual one is used", "url", c.opts.Gateway, "error", cmp.Or(err, c.gatewayBot.refused))
		return c.opts.Gateway, nil
	case c.url == "" && err == nil && c.gatewayBot.refused != nil:
		return "", c.gatewayBot.refused
	case c.url == "" && err == nil:
		return "", errors.New("GET /gateway/bot: the answer has no usable address of the gateway")
	case c.url == "":
		return "", err
	case err != nil:
		c.log.Warn("The address of the gateway could not be asked for again; the old one is used", "url", c.url, "error", err)
	}
	return c.url, nil
}

// cachedURL returns the kept address unless it is the one that failed and may be
// asked about.
func (c *Client) cachedURL(failed string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if failed == c.url && time.Since(c.failedAskedAt) >= failedURLRecheck {
		return ""
	}
	return c.url
}

// Limits returns the session start limit, at most five minutes old. It
// is meant for identify.Options.SessionStartLimit.
func (c *Client) Limits(ctx context.Context) (identify.SessionStartLimit, error) {
	p, err := c.freshGatewayBot(ctx)
	if err == nil && p.limits.Total <= 0 {
		err = errors.New("GET /gateway/bot: the answer has no session_start_limit")
	}
	return p.limits, err
}

// Shards returns the number of shards Discord recommends, at most five minutes
// old. A number that makes no sense, or that one process cannot run, is an error.
func (c *Client) Shards(ctx context.Context) (int, error) {
	p, err := c.freshGatewayBot(ctx)
	switch {
	case err != nil:
		return 0, err
	case p.odd != "":
		return 0, fmt.Errorf("GET /gateway/bot: the answer recommends %s shards, which makes no sense", p.odd)
	case p.shards == 0:
		return 0, errors.New("GET /gateway/bot: the answer recommends no number of shards")
	case p.shards > bounds.MaxShardsHere:
		return 0, fmt.Errorf("GET /gateway/bot: the answer recommends %d shards, and one process runs %d at most", p.shards, bounds.MaxShardsHere)
	}
	return p.shards, nil
}

// Recommended returns the number of shards Discord last recommended and when,
// without asking; 0 if it never did.
func (c *Client) Recommended() (shards int, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gatewayBot.shards, c.gatewayBot.at
}

// running returns how many shards the bot has.
func (c *Client) running() int {
	if c.opts.Running == nil {
		return c.opts.Shards
	}
	if n := c.opts.Running(); n > 0 {
		return n
	}
	recommended, _ := c.Recommended()
	return max(1, recommended)
}

// freshGatewayBot returns an answer of at most gatewayBotAge.
func (c *Client) freshGatewayBot(ctx context.Context) (gatewayBot, error) {
	young := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return time.Since(c.gatewayBot.at) < gatewayBotAge
	}
	if !young() {
		if err := c.refresh(ctx, "", young); err != nil {
			return gatewayBot{}, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gatewayBot, nil
}

// refresh asks GET /gateway/bot, one call at a time; failed is the URL that could not be
// dialled, if that is why. A call that waited for another first calls enough.
func (c *Client) refresh(ctx context.Context, failed string, enough func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	select {
	case c.refreshing <- struct{}{}:
		defer func() { <-c.refreshing }()
	case <-ctx.Done():
		return fmt.Errorf("GET /gateway/bot: another request for it is still under way: %w", ctx.Err())
	}
	if enough() {
		return nil
	}
	began := time.Now()
	answer, err := c.getObject(ctx, c.token(), "/gateway/bot")
	c.mu.Lock()
	defer c.mu.Unlock()
	if failed != "" {
		c.failedAskedAt = time.Now()
	}
	if err != nil {
		return err
	}
	p := readGatewayBot(answer, c.opts.APIURL, began)
	c.gatewayBot = p
	if p.url != "" {
		c.url = p.url
	}
	return nil
}

func readGatewayBot(answer object, apiURL string, at time.Time) gatewayBot {
	p := gatewayBot{at: at, url: answer.text("url")}
	if err := gateway.CheckAddress(apiURL, p.url); err != nil {
		if p.url != "" {
			p.refused = fmt.Errorf("GET /gateway/bot names %q as the address of the gateway, which is not used: %w", text.Clip(text.OneLine(p.url), 200), err)
		}
		p.url = ""
	}
	if shards, _ := answer.count("shards"); bounds.Shards.Has(shards) {
		p.shards = shards
	} else {
		p.odd = text.OneLine(text.Clip(string(answer["shards"]), 40))
	}
	limit := answer.object("session_start_limit")
	total, hasTotal := limit.count("total")
	remaining, hasRemaining := limit.count("remaining")
	if !hasTotal || !hasRemaining {
		return p
	}
	// In milliseconds, unlike the rest of REST. Where it cannot be read, the count may
	// last for the rest of the day.
	reset := bounds.StartsReset.Most
	if ms, ok := limit.count("reset_after"); ok {
		reset = time.Duration(ms) * time.Millisecond
	}
	p.limits = identify.SessionStartLimit{Total: total, Remaining: remaining, ResetAfter: reset, At: at}
	p.limits.MaxConcurrency, _ = limit.count("max_concurrency")
	p.limits, _ = p.limits.Bounded()
	return p
}
