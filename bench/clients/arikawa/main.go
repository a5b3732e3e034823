// Command arikawa is the bot on arikawa; package clients says what it has to do.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/session"
)

func main() {
	// REST goes to Discord directly, and Discord is simulated.
	api.EndpointChannels = os.Getenv("DISCORD_REST") + api.Path + "/channels/"
	api.EndpointGatewayBot = "http://127.0.0.1:8001/api/v9/gateway/bot"

	s := session.New("Bot " + os.Getenv("DISCORD_TOKEN"))
	s.AddIntents(gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent)
	var mu sync.Mutex
	known := map[discord.GuildID]bool{} // the guilds of READY; false: it has not come yet
	come := 0
	s.AddSyncHandler(func(r *gateway.ReadyEvent) {
		mu.Lock()
		for _, g := range r.Guilds {
			known[g.ID] = false
		}
		mu.Unlock()
		say("ready")
	})
	s.AddSyncHandler(func(g *gateway.GuildCreateEvent) {
		mu.Lock()
		defer mu.Unlock()
		switch here, listed := known[g.ID]; {
		case !listed:
			say("join", g.Name)
		case !here:
			if come++; come == len(known) {
				say("guilds", come)
			}
		}
		known[g.ID] = true
	})
	s.AddHandler(func(*gateway.ResumedEvent) { say("resumed") })
	s.AddHandler(func(c *gateway.ChannelCreateEvent) { say("channel", c.Name) })
	s.AddHandler(func(c *gateway.ChannelDeleteEvent) { say("deleted", c.Name) })
	s.AddSyncHandler(func(m *gateway.MessageCreateEvent) { answer(s, m) })
	if err := s.Connect(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func answer(s *session.Session, m *gateway.MessageCreateEvent) {
	switch m.Content {
	case "!ping":
		if _, err := s.SendMessageReply(m.ChannelID, "pong", m.ID); err != nil {
			log.Print("no answer: ", err)
		}
	case "!block":
		block, _ := strconv.Atoi(os.Getenv("BLOCK_SECONDS"))
		time.Sleep(time.Duration(block) * time.Second)
	case "!busy":
		err := s.Gateway().Send(context.Background(), &gateway.UpdatePresenceCommand{Status: discord.DoNotDisturbStatus, Activities: []discord.Activity{{Name: "busy"}}})
		if err != nil {
			log.Print("no presence: ", err)
		}
	}
}

func say(words ...any) { fmt.Println(append([]any{"BOT"}, words...)...) }
