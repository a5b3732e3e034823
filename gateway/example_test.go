package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// A shard under a bot of one's own: it is told which events are wanted and
// decodes only those. For Discord itself leave the Dialer out and let the URLSource
// be gateway.FixedURL("wss://gateway.discord.gg").
func Example() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	ada := sim.AddUser("ada")
	guild := sim.AddGuild("library")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})

	heard := make(chan string, 1)
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: gateway.IntentGuildMessages | gateway.IntentMessageContent},
		URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
		Dialer:      gateway.WebSocketDialer{DialContext: sim.DialContext},
		Events:      []string{"READY", "MESSAGE_CREATE"},
		Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			if e.Type == "READY" {
				sim.Say(guild.Channels[0].ID, ada.ID, "hello")
				return
			}
			var message struct{ Content string }
			if json.Unmarshal(e.Data, &message) == nil {
				heard <- message.Content
			}
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error, 1)
	go func() { done <- shard.Run(context.Background()) }()
	fmt.Println("heard:", <-heard)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println("stopped:", shard.Stop(ctx, gateway.EndSession), <-done)
	// Output:
	// heard: hello
	// stopped: <nil> <nil>
}

// A restart without a gap: the first shard pauses, and the second, which could
// be in another process, resumes its session and gets what was said in between.
func ExampleShard_Session() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	ada := sim.AddUser("ada")
	guild := sim.AddGuild("library")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})

	run := func(session gateway.Session, until string) gateway.Session {
		came := make(chan string, 10)
		shard, err := gateway.New(gateway.Options{
			Credentials: gateway.Credentials{Token: app.Token, Intents: gateway.IntentGuildMessages},
			URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:      gateway.WebSocketDialer{DialContext: sim.DialContext},
			Session:     session,
			Events:      []string{"READY", "RESUMED", "MESSAGE_CREATE"},
			Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
				came <- e.Type
			}),
		})
		if err != nil {
			fmt.Println(err)
			return session
		}
		done := make(chan error, 1)
		go func() { done <- shard.Run(context.Background()) }()
		for typ := range came {
			fmt.Println(typ)
			if typ == until {
				break
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := shard.Stop(ctx, gateway.KeepSession); err != nil {
			fmt.Println(err)
		}
		<-done
		return shard.Session()
	}

	session := run(gateway.Session{}, "READY")
	sim.Say(guild.Channels[0].ID, ada.ID, "while nobody was there")
	run(session, "RESUMED")
	fmt.Println("IDENTIFYs:", sim.Verdict(app).Identifies)
	// Output:
	// READY
	// MESSAGE_CREATE
	// RESUMED
	// IDENTIFYs: 1
}
