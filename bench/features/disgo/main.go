// Command disgo tries the features on disgo; package features says how.
package main

import (
	"context"
	"maps"
	"os"
	"strings"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
	"github.com/disgoorg/snowflake/v2"

	"evergreen/bench/features/talk"
)

type (
	args    = talk.Args
	data    = talk.Data
	ready   = talk.Ready
	feature = talk.Feature
	id      = snowflake.ID
)

var client *bot.Client

func main() {
	all := map[string]feature{}
	for _, group := range []map[string]feature{messages, messageEvents, threads, channels, guilds, expressions, scheduled, members, account, interactions} {
		maps.Copy(all, group)
	}
	talk.Run(connect, all, cannot)
}

func connect(how string) (data, error) {
	options := []gateway.ConfigOpt{gateway.WithIntents(gateway.IntentsAll, 1<<24, 1<<25), gateway.WithURL(strings.Replace(talk.Origin(), "http", "ws", 1))}
	switch how {
	case "payload compression":
		return nil, talk.Cannot("compresses transports only")
	case "ETF encoding":
		return nil, talk.Cannot("speaks JSON only")
	case "without compression":
		options = append(options, gateway.WithCompression(gateway.CompressionNone))
	case "zlib-stream":
		options = append(options, gateway.WithCompression(gateway.CompressionZlibStream))
	case "zstd-stream":
		options = append(options, gateway.WithCompression(gateway.CompressionZstdStream))
	}
	done := make(chan struct{}, 2)
	setup := []bot.ConfigOpt{
		bot.WithRestClientConfigOpts(rest.WithURL(talk.Origin() + "/api/v10")), bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagsAll)),
		bot.WithEventListenerFunc(func(*events.GuildsReady) { done <- struct{}{} }),
	}
	shards := 1
	if how == "two shards" {
		shards = 2
		setup = append(setup, bot.WithShardManagerConfigOpts(sharding.WithAutoScaling(true), sharding.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentsAll))))
	} else {
		setup = append(setup, bot.WithGatewayConfigOpts(options...))
	}
	made, err := disgo.New(os.Getenv("DISCORD_TOKEN"), setup...)
	if err != nil {
		return nil, err
	}
	client = made
	if shards == 2 {
		err = client.OpenShardManager(context.Background())
	} else {
		err = client.OpenGateway(context.Background())
	}
	if err != nil {
		return nil, err
	}
	for range shards {
		select {
		case <-done:
		case <-talk.Patience():
			return nil, talk.Cannot("the guilds have not come")
		}
	}
	return data{"shards": shards}, nil
}

func of(a args, name string) id { return talk.ID[id](a, name) }

// expect waits for an event.
func expect[T bot.Event](fits func(T) bool) func() (T, error) {
	return talk.Expect(func(tell func(T)) func() {
		listener := bot.NewListenerFunc(func(event T) { tell(event) })
		client.AddEventListeners(listener)
		return func() { client.RemoveEventListeners(listener) }
	}, fits)
}

// told is a feature that waits for an event.
func told[T bot.Event](fits func(args, T) bool, what func(T) data) feature {
	return talk.Told(expect[T], fits, what)
}
