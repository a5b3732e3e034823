package preflight

import (
	"context"

	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

// User is the bot's user.
type User struct {
	ID   snowflake.ID
	Name string
}

// Application is the bot's application.
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

// user requests the user of the token, which is the cheapest check of a token.
func (c *Client) user(ctx context.Context, token string) (User, error) {
	answer, err := c.getObject(ctx, token, "/users/@me")
	if err != nil {
		return User{}, err
	}
	return User{ID: answer.id("id"), Name: clean(answer.text("username"), token)}, nil
}

// application requests the application.
func (c *Client) application(ctx context.Context, token string) (Application, error) {
	answer, err := c.getObject(ctx, token, "/applications/@me")
	if err != nil {
		return Application{}, err
	}
	a := Application{ID: answer.id("id"), Name: clean(answer.text("name"), token), Endpoint: clean(answer.text("interactions_endpoint_url"), token)}
	a.Guilds, _ = answer.count("approximate_guild_count")
	// flags_new has all the bits, flags only those that fit an int (G-144).
	if a.Flags, a.FlagsKnown = answer.number("flags_new"); !a.FlagsKnown {
		a.Flags, a.FlagsKnown = answer.number("flags")
	}
	return a, nil
}

// splitIntents divides the wanted intents: those that are switched on, those that are
// off and optional, and those that are off and required.
func (c *Client) splitIntents(wanted gateway.Intents, a Application) (granted, dropped, missing gateway.Intents) {
	refused := wanted.Refused(a.Flags)
	return wanted &^ refused, refused & c.opts.Optional, refused &^ c.opts.Optional
}
