// Command arikawa is a plain bot on arikawa, put together as in its simple example.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/session"
	"github.com/diamondburned/arikawa/v3/utils/json/option"
)

// point lets the library's addresses lead to another host. They are variables, each made
// of the one before when the program starts.
func point(host string) {
	api.BaseEndpoint = host
	api.Endpoint = host + api.Path + "/"
	api.EndpointGateway = api.Endpoint + "gateway"
	api.EndpointGatewayBot = api.EndpointGateway + "/bot"
	api.EndpointChannels = api.Endpoint + "channels/"
	api.EndpointInteractions = api.Endpoint + "interactions/"
	api.EndpointUsers = api.Endpoint + "users/"
	api.EndpointMe = api.EndpointUsers + "@me"
}

func main() {
	host, _, _ := strings.Cut(os.Getenv("DISCORD_API_URL"), "/api/")
	point(host)
	s := session.New("Bot " + os.Getenv("DISCORD_TOKEN"))
	s.AddIntents(gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent)
	s.AddHandler(func(m *gateway.MessageCreateEvent) {
		if m.Content != "!ping" {
			return
		}
		if _, err := s.SendMessageReply(m.ChannelID, "Pong!", m.ID); err != nil {
			log.Println("no answer:", err)
		}
	})
	s.AddHandler(func(e *gateway.InteractionCreateEvent) {
		command, ok := e.Data.(*discord.CommandInteraction)
		if !ok || command.Name != "ping" {
			return
		}
		err := s.RespondInteraction(e.ID, e.Token, api.InteractionResponse{
			Type: api.MessageInteractionWithSource,
			Data: &api.InteractionResponseData{Content: option.NewNullableString("Pong!")},
		})
		if err != nil {
			log.Println("no answer:", err)
		}
	})
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := s.Connect(ctx); err != nil {
		log.Println("cannot connect:", err)
	}
}
