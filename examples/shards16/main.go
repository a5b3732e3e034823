// Command shards16 runs a bot with 16 shards in one process against a simulated
// Discord, and prints the messages of every guild.
//
// It needs no token and no network:
//
//	go run ./examples/shards16
//
// With Discord itself the only differences are the token, the gateway's URL and
// max_concurrency (both from GET /gateway/bot) and the default dialer.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	// A Discord of our own: 40 guilds, and eight shards may identify at a time.
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	user := sim.AddUser("ada")
	var guilds []*discordsim.Guild
	for i := range 40 {
		guild := sim.AddGuild(fmt.Sprint("guild ", i))
		sim.AddMembers(guild, user)
		guilds = append(guilds, guild)
	}
	app := sim.AddApp(discordsim.AppConfig{Shards: 16, MaxConcurrency: 8, Guilds: guilds})

	var heard atomic.Int64
	bot, err := fleet.New(fleet.Options{
		Assigner: fleet.All(16),
		Shard: gateway.Options{
			Credentials: gateway.Credentials{
				Token:   app.Token,
				Intents: gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent,
			},
			URLSource:       gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:          gateway.WebSocketDialer{DialContext: sim.DialContext},
			IdentifyLimiter: identify.New(identify.Options{MaxConcurrency: 8}),
			Events:          []string{"MESSAGE_CREATE"},
			Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
				var message struct {
					Content string `json:"content"`
				}
				if json.Unmarshal(e.Data, &message) == nil {
					heard.Add(1)
					fmt.Printf("shard %-5s heard %q\n", e.Shard, message.Content)
				}
			}),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(ctx) }()

	// Two buckets of eight, five seconds apart.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !bot.Progress().Done() && ctx.Err() == nil {
		fmt.Println(bot.Progress())
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	for _, guild := range guilds {
		sim.Say(guild.Channels[0].ID, user.ID, "hello from "+guild.Name)
	}
	for heard.Load() < int64(len(guilds)) && ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	fmt.Println(bot.Progress())

	// All shards pause side by side; their sessions could be resumed.
	leave, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	if err := bot.Stop(leave, gateway.KeepSession); err != nil {
		log.Print(err)
	}
	if err := <-ran; err != nil {
		log.Print(err)
	}
}
