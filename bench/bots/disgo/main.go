// Command disgo is the ping bot on disgo, put together as in its examples.
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

const sends = 130

func main() {
	client, err := disgo.New(os.Getenv("DISCORD_TOKEN"),
		bot.WithGatewayConfigOpts(
			gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildMembers, gateway.IntentGuildMessages, gateway.IntentMessageContent),
		),
		bot.WithRestClientConfigOpts(rest.WithURL(os.Getenv("DISCORD_API_URL"))),
		bot.WithEventListenerFunc(answer),
	)
	if err != nil {
		slog.Error("error while building disgo", slog.Any("err", err))
		os.Exit(1)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		client.Close(end)
	}()
	if err = client.OpenGateway(context.Background()); err != nil {
		slog.Error("error while connecting to the gateway", slog.Any("err", err))
		return
	}
	s := make(chan os.Signal, 1)
	signal.Notify(s, syscall.SIGINT, syscall.SIGTERM)
	<-s
}

func answer(e *events.MessageCreate) {
	switch e.Message.Content {
	case "!ping":
		_, err := e.Client().Rest.CreateMessage(e.ChannelID, discord.NewMessageCreate().WithContent("pong").WithMessageReferenceByID(e.MessageID))
		if err != nil {
			slog.Error("no answer", slog.Any("err", err))
		}
	case "!block":
		block, _ := time.ParseDuration(os.Getenv("PING_BLOCK"))
		time.Sleep(block)
	case "!sends":
		for range sends {
			go func() { _ = e.Client().UpdateVoiceState(context.Background(), *e.GuildID, nil, false, false) }()
		}
	}
}
