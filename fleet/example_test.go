package fleet_test

import (
	"context"
	"fmt"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
)

// A bot with two shards in one process, against a simulated Discord.
func Example() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	app := sim.AddApp(discordsim.AppConfig{MaxConcurrency: 2})

	bot, err := fleet.New(fleet.Options{
		Assigner: fleet.All(2),
		Shard: gateway.Options{
			Credentials:     gateway.Credentials{Token: app.Token, Intents: gateway.IntentGuilds},
			URLSource:       gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:          gateway.WebSocketDialer{DialContext: sim.DialContext},
			IdentifyLimiter: identify.New(identify.Options{MaxConcurrency: 2}),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(context.Background()) }()
	for !bot.Progress().Done() {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(bot.Progress())

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Stop(ctx, gateway.KeepSession); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-ran)
	// Output:
	// 2 of 2 shards online
	// <nil>
}

// What an operator may write into SHARDS.
func ExampleParseAssignment() {
	a, err := fleet.ParseAssignment("0-3,8/16")
	fmt.Println(a, a.Count, a.IDs, err)
	_, err = fleet.ParseAssignment("16/16")
	fmt.Println(err)
	// Output:
	// 0-3,8/16 16 [0 1 2 3 8] <nil>
	// there is no shard 16 of 16; they are numbered from 0 to 15
}
