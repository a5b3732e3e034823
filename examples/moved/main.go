// Command moved is a bot as disgo's users write it: it repeats messages, has a
// presence and closes in order.
//
//	DISCORD_TOKEN=... go run ./examples/moved
//
// DISCORD_API_URL chooses a simulated Discord: "evergreen sim --say '!echo'" shows
// both settings. README.md shows what was changed to move it over.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"evergreen/disgogateway"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
)

func main() {
	token := os.Getenv("DISCORD_TOKEN")
	client, err := disgo.New(token,
		disgogateway.WithGateway(token,
			gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildMessages, gateway.IntentMessageContent),
			gateway.WithPresenceOpts(gateway.WithListeningActivity("you")),
		),
		bot.WithRestClientConfigOpts(rest.WithURL(cmp.Or(os.Getenv("DISCORD_API_URL"), "https://discord.com/api/v10"))),
		bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagGuilds|cache.FlagChannels)),
		bot.WithEventListeners(&events.ListenerAdapter{
			OnGuildReady:    func(e *events.GuildReady) { slog.Info("Guild ready", "name", e.Guild.Name) },
			OnMessageCreate: echo,
		}),
	)
	if err != nil {
		slog.Error("Bot cannot be made", "error", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := client.OpenGateway(ctx); err != nil && ctx.Err() == nil {
		slog.Error("Gateway cannot be opened", "error", err)
		os.Exit(1)
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client.Close(end)
}

func echo(e *events.MessageCreate) {
	text, asked := strings.CutPrefix(e.Message.Content, "!echo")
	if !asked || e.Message.Author.Bot {
		return
	}
	where := "here"
	if channel, known := e.Client().Caches.Channel(e.ChannelID); known {
		where = "in " + channel.Name()
	}
	answer := discord.NewMessageCreate().WithContentf("You said%s %s.", text, where).
		WithMessageReferenceByID(e.MessageID).WithAllowedMentions(&discord.AllowedMentions{})
	if _, err := e.Client().Rest.CreateMessage(e.ChannelID, answer); err != nil {
		slog.Error("Answer could not be sent", "error", err)
	}
}
