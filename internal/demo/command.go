package demo

import (
	"context"
	"time"

	"evergreen/internal/bot"
)

// The names of the commands that misbehave, and how long the slow one takes.
const (
	slowCommand  = "ponder"
	crashCommand = "stumble"
	slowTakes    = 4 * time.Second
)

// faultyCommands are what somebody may have added to the bot: a command that takes
// its time and one that crashes. Neither may cost the connection.
var faultyCommands = []bot.Command{
	{
		Name: slowCommand, Summary: "Thinks for a while",
		Run: func(ctx context.Context, _ *bot.Request) (bot.Answer, error) {
			timer := time.NewTimer(slowTakes)
			defer timer.Stop()
			select {
			case <-timer.C:
				return bot.Answer{Text: "I have thought about it."}, nil
			case <-ctx.Done():
				return bot.Answer{}, ctx.Err()
			}
		},
	},
	{
		Name: crashCommand, Summary: "Falls over its own feet",
		Run: func(context.Context, *bot.Request) (bot.Answer, error) {
			panic("the demo's crashing command was used")
		},
	},
}

// What the crowd says and uses.
var (
	userMessages      = []string{"!ping", "!ping", "!ping", "!status", "!help", "!help ping", "!uptime", "!about"}
	userSlashCommands = []string{"ping", "status", "help", "uptime", "about"}
)
