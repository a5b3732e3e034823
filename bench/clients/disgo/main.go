// Command disgo is the bot on disgo; package clients says what it has to do.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
)

func main() {
	token := os.Getenv("DISCORD_TOKEN")
	guilds := 0 // its handlers run one after the other
	client, err := disgo.New(token,
		bot.WithRestClientConfigOpts(rest.WithURL("http://127.0.0.1:8001/api/v10")),
		bot.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildMessages, gateway.IntentMessageContent)),
		bot.WithEventListeners(&events.ListenerAdapter{
			OnReady:              func(*events.Ready) { say("ready") },
			OnGuildReady:         func(*events.GuildReady) { guilds++ },
			OnGuildsReady:        func(*events.GuildsReady) { say("guilds", guilds) },
			OnResumed:            func(*events.Resumed) { say("resumed") },
			OnGuildJoin:          func(e *events.GuildJoin) { say("join", e.Guild.Name) },
			OnGuildChannelCreate: func(e *events.GuildChannelCreate) { say("channel", e.Channel.Name()) },
			OnGuildChannelDelete: func(e *events.GuildChannelDelete) { say("deleted", e.Channel.Name()) },
			OnGuildMessageCreate: answer,
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := client.OpenGateway(context.Background()); err != nil {
		log.Fatal(err)
	}
	select {}
}

func answer(e *events.GuildMessageCreate) {
	switch e.Message.Content {
	case "!ping":
		_, err := e.Client().Rest.CreateMessage(e.ChannelID, discord.NewMessageCreate().WithContent("pong").WithMessageReferenceByID(e.MessageID))
		if err != nil {
			log.Print("no answer: ", err)
		}
	case "!block":
		block, _ := strconv.Atoi(os.Getenv("BLOCK_SECONDS"))
		time.Sleep(time.Duration(block) * time.Second)
	case "!busy":
		err := e.Client().SetPresence(context.Background(), gateway.WithOnlineStatus(discord.OnlineStatusDND), gateway.WithPlayingActivity("busy"))
		if err != nil {
			log.Print("no presence: ", err)
		}
	}
}

func say(words ...any) { fmt.Println(append([]any{"BOT"}, words...)...) }
