package preflight

import (
	"context"

	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

// User is who the bot is.
type User struct {
	ID   snowflake.ID
	Name string
}

// Application is what the portal says about the bot.
type Application struct {
	ID   snowflake.ID
	Name string
	// Flags is valid if FlagsKnown.
	Flags      uint64
	FlagsKnown bool
	// Guilds is about how many guilds the bot is in; 0 while unknown.
	Guilds int
	// Endpoint is where Discord sends interactions instead of to the gateway;
	// usually empty.
	Endpoint string
}

// user asks who the token belongs to: the cheapest proof that it is good.
func (c *Client) user(ctx context.Context, token string) (User, error) {
	answer, err := c.ask(ctx, token, "/users/@me")
	if err != nil {
		return User{}, err
	}
	return User{ID: answer.id("id"), Name: plain(answer.text("username"), token)}, nil
}

// application asks what the portal says.
func (c *Client) application(ctx context.Context, token string) (Application, error) {
	answer, err := c.ask(ctx, token, "/applications/@me")
	if err != nil {
		return Application{}, err
	}
	a := Application{ID: answer.id("id"), Name: plain(answer.text("name"), token), Endpoint: plain(answer.text("interactions_endpoint_url"), token)}
	a.Guilds, _ = answer.count("approximate_guild_count")
	// flags_new has all the bits, flags only those that fit an int (G-144).
	if a.Flags, a.FlagsKnown = answer.number("flags_new"); !a.FlagsKnown {
		a.Flags, a.FlagsKnown = answer.number("flags")
	}
	return a, nil
}

// allowed divides wanted intents by the portal's switches: what can be asked
// for, what has to go without, and what stands in the way.
func (c *Client) allowed(wanted gateway.Intents, a Application) (granted, dropped, missing gateway.Intents) {
	refused := wanted.Refused(a.Flags)
	return wanted &^ refused, refused & c.opts.Optional, refused &^ c.opts.Optional
}
