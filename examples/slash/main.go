// Command slash is a bot with one slash command: it registers /greet at every start,
// which changes nothing if it is registered, and answers it.
//
//	DISCORD_TOKEN=... go run ./examples/slash
//
// DISCORD_API_URL chooses a simulated Discord: "evergreen sim --slash greet"
// shows both settings.
package main

import (
	"log"
	"log/slog"
	"os"

	"evergreen/disgogateway"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
)

var commands = []discord.ApplicationCommandCreate{
	discord.SlashCommandCreate{
		Name: "greet", Description: "Greets somebody",
		Options: []discord.ApplicationCommandOption{
			discord.ApplicationCommandOptionString{Name: "name", Description: "Whom to greet"},
		},
	},
}

func main() {
	token, own := os.Getenv("DISCORD_TOKEN"), disgogateway.Options{API: os.Getenv("DISCORD_API_URL")}
	err := own.Run(token,
		own.WithGateway(token), // interactions need no intents
		bot.WithEventListenerFunc(func(e *events.Ready) {
			if _, err := e.Client().Rest.SetGlobalCommands(e.Application.ID, commands); err != nil {
				slog.Error("Commands could not be registered", "error", err)
			}
		}),
		bot.WithEventListenerFunc(greet),
	)
	if err != nil {
		log.Fatal(err)
	}
}

func greet(e *events.ApplicationCommandInteractionCreate) {
	data := e.SlashCommandInteractionData()
	if data.CommandName() != "greet" {
		return
	}
	name, named := data.OptString("name")
	if !named {
		name = e.User().Username
	}
	if err := e.CreateMessage(discord.NewMessageCreate().WithContent("Hello, " + name + "!")); err != nil {
		slog.Error("Greeting could not be sent", "error", err)
	}
}
