package disgogateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
)

// A disgo bot with this module's connection. For Discord itself a plain
// disgogateway.WithGateway(token, ...) is enough; here API, Dialer and HTTP client
// lead to a simulated one.
func ExampleWithGateway() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	ada := sim.AddUser("ada")
	guild := sim.AddGuild("library")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	own := disgogateway.Options{API: sim.APIURL(), Dialer: gateway.WebSocketDialer{DialContext: sim.DialContext}}
	transport := sim.Transport()
	defer transport.CloseIdleConnections()

	answered := make(chan string, 1)
	client, err := disgo.New(app.Token,
		own.WithGateway(app.Token, disgoway.WithIntents(disgoway.IntentGuildMessages, disgoway.IntentMessageContent)),
		bot.WithRestClientConfigOpts(rest.WithHTTPClient(&http.Client{Transport: transport})),
		bot.WithLogger(slog.New(slog.DiscardHandler)),
		bot.WithEventListenerFunc(func(e *events.MessageCreate) {
			if e.Message.Content == "!ping" {
				m, err := e.Client().Rest.CreateMessage(e.ChannelID, discord.NewMessageCreate().WithContent("pong"))
				if err == nil {
					answered <- m.Content
				}
			}
		}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.OpenGateway(ctx); err != nil {
		fmt.Println(err)
		return
	}
	sim.Say(guild.Channels[0].ID, ada.ID, "!ping")
	fmt.Println(<-answered)
	client.Close(ctx)
	fmt.Println(client.Gateway.Status())
	// Output:
	// pong
	// Disconnected
}

// The same with shards: without a number, as many as Discord recommends.
func ExampleWithShardManager() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	app := sim.AddApp(discordsim.AppConfig{Shards: 4, MaxConcurrency: 4})
	own := disgogateway.Options{API: sim.APIURL(), Dialer: gateway.WebSocketDialer{DialContext: sim.DialContext}}
	transport := sim.Transport()
	defer transport.CloseIdleConnections()

	client, err := disgo.New(app.Token,
		own.WithShardManager(app.Token, sharding.WithGatewayConfigOpts(disgoway.WithIntents(disgoway.IntentGuilds))),
		bot.WithRestClientConfigOpts(rest.WithHTTPClient(&http.Client{Transport: transport})),
		bot.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := client.OpenShardManager(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for shard := range client.ShardManager.Shards() {
		fmt.Println(shard.ShardID(), "of", shard.ShardCount(), shard.Status())
	}
	client.Close(ctx)
	// Output:
	// 0 of 4 Ready
	// 1 of 4 Ready
	// 2 of 4 Ready
	// 3 of 4 Ready
}

// The limiter alone, under disgo's REST client.
func ExampleNewRateLimiter() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	app := sim.AddApp(discordsim.AppConfig{Name: "librarian"})
	transport := sim.Transport()
	defer transport.CloseIdleConnections()

	client := rest.New(rest.NewClient(app.Token,
		rest.WithURL(sim.APIURL()),
		rest.WithHTTPClient(&http.Client{Transport: transport}),
		rest.WithRateLimiter(disgogateway.NewRateLimiter()),
		rest.WithUserAgent("DiscordBot (https://example.com, 1)"),
	))
	me, err := client.GetCurrentUser("")
	fmt.Println(me.Username, err)
	client.Close(context.Background())
	// Output: librarian <nil>
}
