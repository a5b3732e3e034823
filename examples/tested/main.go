package main

import (
	"log"
	"os"

	"evergreen/disgogateway"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/gateway"
)

var intents = gateway.WithIntents(gateway.IntentGuildMessages, gateway.IntentMessageContent)

func main() {
	token, own := os.Getenv("DISCORD_TOKEN"), disgogateway.Options{API: os.Getenv("DISCORD_API_URL")}
	if err := own.Run(token, own.WithGateway(token, intents), bot.WithEventListenerFunc(newCounter().hear)); err != nil {
		log.Fatal(err)
	}
}
