package demo

import (
	"context"
	"time"

	"evergreen/internal/bot"
	"evergreen/internal/mishap"
)

// faultyCommands are commands a bot's owner may have added: one that takes
// its time and one that crashes. Neither may cost the connection.
var faultyCommands = []bot.Command{
	{
		Name: mishap.SlowCommand, Summary: "Thinks for a while",
		Run: func(ctx context.Context, _ *bot.Request) (bot.Answer, error) {
			timer := time.NewTimer(mishap.SlowCommandTakes)
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
		Name: mishap.CrashCommand, Summary: "Falls over its own feet",
		Run: func(context.Context, *bot.Request) (bot.Answer, error) {
			panic("the demo's crashing command was used")
		},
	},
}

// What users write and which slash commands they use.
var (
	userMessages      = []string{"!ping", "!ping", "!ping", "!status", "!help", "!help ping", "!uptime", "!about"}
	userSlashCommands = []string{"ping", "status", "help", "uptime", "about"}
)
