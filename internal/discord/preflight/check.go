package preflight

import (
	"context"
	"errors"
	"time"
)

// Check asks everything that can be asked before the first IDENTIFY. What only a person
// can fix comes back as a *config.Failure with ExitConfig and the steps
// to take: a refused token, an intent that is wanted and switched off,
// or more guilds than the shards may hold. The end of ctx comes
// back as its error. Everything else is in the report: REST that does not answer
// above all, which is no reason not to start.
func (c *Client) Check(ctx context.Context) (Report, error) {
	limited, cancel := context.WithTimeout(ctx, c.opts.CheckTimeout)
	defer cancel()
	r := Report{Reached: true, Intents: c.opts.Intents()}
	for _, question := range []func(*Client, context.Context, *Report) error{
		(*Client).checkUser, (*Client).checkApplication, (*Client).checkGateway, (*Client).checkGuilds,
	} {
		err := question(c, limited, &r)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return r, ctx.Err()
		case unauthorized(err):
			return r, tokenFailure(err, c.opts.APIURL)
		}
		if off, ok := errors.AsType[*switchedOff](err); ok {
			return r, off.failure()
		}
		if few, ok := errors.AsType[*tooFewShards](err); ok {
			return r, few.failure()
		}
		if r.Reached {
			r.Reached, r.Trouble = false, err
			r.warn("Discord's REST API did not answer (%v). The bot starts nevertheless and goes on trying; what could not be checked will show when it connects.", err)
		}
		if refusal, ok := errors.AsType[*requestError](err); !ok || refusal.Status == 0 {
			break // no answer: the other questions would only take time
		}
	}
	return r, nil
}

// checkUser checks the token.
func (c *Client) checkUser(ctx context.Context, r *Report) (err error) {
	r.User, err = c.user(ctx, c.token())
	return err
}

// checkApplication checks the privileged intents and where interactions go.
func (c *Client) checkApplication(ctx context.Context, r *Report) error {
	a, err := c.application(ctx, c.token())
	if err != nil {
		return err
	}
	r.Application = a
	if a.Endpoint != "" {
		r.warn("Slash commands will not arrive: the application has an interactions endpoint URL (%s), and Discord sends interactions there instead of to the gateway. Remove it at %s/%d/information unless that is wanted.", a.Endpoint, portal, a.ID)
	}
	if !a.FlagsKnown {
		r.warn("Discord did not tell which privileged intents are switched on; if one is off, the gateway will refuse the bot (close code 4014).")
		return nil
	}
	granted, dropped, missing := c.splitIntents(c.opts.Intents(), a)
	if missing != 0 {
		return &switchedOff{intents: missing, application: a.ID}
	}
	if dropped != 0 {
		r.warn("%s", droppedWarning(dropped, a))
	}
	r.Intents, r.Dropped = granted, dropped
	return nil
}

// checkGateway reads the gateway's URL, the recommended number of shards and the
// session start limit.
func (c *Client) checkGateway(ctx context.Context, r *Report) error {
	p, err := c.freshGatewayBot(ctx)
	if err != nil {
		return err
	}
	r.URL, r.Shards, r.Limits = p.url, p.shards, p.limits
	switch {
	case p.refused != nil:
		r.warn("%s.", p.refused)
	case p.url == "":
		r.warn("GET /gateway/bot has no usable address of the gateway; it is asked again.")
	}
	if p.odd != "" {
		r.warn("GET /gateway/bot recommends %s shards, which makes no sense; it is ignored.", p.odd)
	}
	if p.limits.Total == 0 {
		r.warn("GET /gateway/bot does not tell how many session starts are left; the bot counts them itself.")
	}
	if p.shards > c.running() {
		r.warn("Discord recommends %d shards and the bot runs %d. That works up to %d guilds a shard; beyond that Discord refuses the connection.", p.shards, c.running(), perShard)
	}
	if until := r.Exhausted(); !until.IsZero() {
		r.warn("All %d session starts of the day are spent, and one more would make Discord reset the token. A new session can be started at %s (in %s); a stored one may still be resumed. Find out what spent them: a crash loop, or a second program with the same token.",
			p.limits.Total, until.Format(time.DateTime), time.Until(until).Round(time.Second))
	}
	return nil
}

// checkGuilds checks that the shards have room for the guilds.
func (c *Client) checkGuilds(_ context.Context, r *Report) error {
	guilds := r.Application.Guilds
	if guilds <= perShard*c.running() {
		return nil
	}
	return &tooFewShards{needed: max(r.Shards, (guilds+perShard-1)/perShard), running: c.running(), guilds: guilds}
}
