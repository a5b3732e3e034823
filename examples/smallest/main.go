// Command smallest answers !ping: DISCORD_TOKEN=... go run ./examples/smallest
package main

import (
	"log"
	"os"

	"evergreen/disgogateway"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
)

func main() {
	token, own := os.Getenv("DISCORD_TOKEN"), disgogateway.Options{API: os.Getenv("DISCORD_API_URL")}
	intents := gateway.WithIntents(gateway.IntentGuildMessages, gateway.IntentMessageContent)
	if err := own.Run(token, own.WithGateway(token, intents), bot.WithEventListenerFunc(answer)); err != nil {
		log.Fatal(err)
	}
}

func answer(e *events.MessageCreate) {
	if e.Message.Content == "!ping" {
		pong := discord.NewMessageCreate().WithContent("pong").WithMessageReferenceByID(e.MessageID)
		_, _ = e.Client().Rest.CreateMessage(e.ChannelID, pong.WithAllowedMentions(&discord.AllowedMentions{}))
	}
}
