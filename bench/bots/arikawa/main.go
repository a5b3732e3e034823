// Command arikawa is the ping bot on arikawa, put together as in its examples.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/session"
)

const sends = 130

// point lets the library's addresses lead to another host. They are variables,
// each made of the one before when the program starts.
func point(host string) {
	api.BaseEndpoint = host
	api.Endpoint = host + api.Path + "/"
	api.EndpointGateway = api.Endpoint + "gateway"
	api.EndpointGatewayBot = api.EndpointGateway + "/bot"
	api.EndpointChannels = api.Endpoint + "channels/"
	api.EndpointUsers = api.Endpoint + "users/"
	api.EndpointMe = api.EndpointUsers + "@me"
}

func main() {
	host, _, _ := strings.Cut(os.Getenv("DISCORD_API_URL"), "/api/")
	point(host)
	s := session.New("Bot " + os.Getenv("DISCORD_TOKEN"))
	s.AddIntents(gateway.IntentGuilds | gateway.IntentGuildMembers | gateway.IntentGuildMessages | gateway.IntentMessageContent)
	s.AddHandler(func(m *gateway.MessageCreateEvent) { answer(s, m) })
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := s.Connect(ctx); err != nil {
		log.Fatalln("cannot connect:", err)
	}
}

func answer(s *session.Session, m *gateway.MessageCreateEvent) {
	switch m.Content {
	case "!ping":
		if _, err := s.SendMessageReply(m.ChannelID, "pong", m.ID); err != nil {
			log.Println("no answer:", err)
		}
	case "!block":
		block, _ := time.ParseDuration(os.Getenv("PING_BLOCK"))
		time.Sleep(block)
	case "!sends":
		for range sends {
			go func() {
				_ = s.SendGateway(context.Background(), &gateway.UpdateVoiceStateCommand{GuildID: m.GuildID, ChannelID: discord.NullChannelID})
			}()
		}
	}
}
