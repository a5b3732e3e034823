// Command disgo is a plain bot on disgo, put together as in its ping_pong example.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
)

func main() {
	client, err := disgo.New(os.Getenv("DISCORD_TOKEN"),
		bot.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildMessages, gateway.IntentMessageContent)),
		bot.WithRestClientConfigOpts(rest.WithURL(os.Getenv("DISCORD_API_URL"))),
		bot.WithEventListenerFunc(onMessageCreate),
		bot.WithEventListenerFunc(onCommand),
	)
	if err != nil {
		slog.Error("error while building disgo", slog.Any("err", err))
		os.Exit(1)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		client.Close(ctx)
	}()
	if err = client.OpenGateway(context.Background()); err != nil {
		slog.Error("errors while connecting to gateway", slog.Any("err", err))
		return
	}
	slog.Info("example is now running.")
	s := make(chan os.Signal, 1)
	signal.Notify(s, syscall.SIGINT, syscall.SIGTERM)
	<-s
}

func onMessageCreate(event *events.MessageCreate) {
	if event.Message.Author.Bot || event.Message.Content != "!ping" {
		return
	}
	_, _ = event.Client().Rest.CreateMessage(event.ChannelID, discord.NewMessageCreate().WithContent("Pong!").WithMessageReferenceByID(event.MessageID))
}

func onCommand(event *events.ApplicationCommandInteractionCreate) {
	if event.Data.CommandName() == "ping" {
		_ = event.CreateMessage(discord.NewMessageCreate().WithContent("Pong!"))
	}
}
