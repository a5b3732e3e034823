// Command discordgo is a plain bot on discordgo, put together as in its pingpong example.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/bwmarrin/discordgo"
)

// point lets the library's addresses lead to another host. They are variables, each made
// of the one before when the program starts.
func point(host string) {
	api := host + "/api/v" + discordgo.APIVersion + "/"
	discordgo.EndpointDiscord = host + "/"
	discordgo.EndpointAPI = api
	discordgo.EndpointGuilds = api + "guilds/"
	discordgo.EndpointChannels = api + "channels/"
	discordgo.EndpointUsers = api + "users/"
	discordgo.EndpointGateway = api + "gateway"
	discordgo.EndpointGatewayBot = api + "gateway/bot"
}

func main() {
	host, _, _ := strings.Cut(os.Getenv("DISCORD_API_URL"), "/api/")
	point(host)
	dg, err := discordgo.New("Bot " + os.Getenv("DISCORD_TOKEN"))
	if err != nil {
		fmt.Println("error creating Discord session,", err)
		os.Exit(1)
	}
	dg.AddHandler(messageCreate)
	dg.AddHandler(interactionCreate)
	dg.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentsMessageContent
	if err = dg.Open(); err != nil {
		fmt.Println("error opening connection,", err)
		os.Exit(1)
	}
	fmt.Println("Bot is now running.")
	sc := make(chan os.Signal, 1)
	signal.Notify(sc, syscall.SIGINT, syscall.SIGTERM)
	<-sc
	_ = dg.Close()
}

func messageCreate(s *discordgo.Session, m *discordgo.MessageCreate) {
	if m.Content != "!ping" {
		return
	}
	if _, err := s.ChannelMessageSendReply(m.ChannelID, "Pong!", m.Reference()); err != nil {
		fmt.Println("no answer,", err)
	}
}

func interactionCreate(s *discordgo.Session, i *discordgo.InteractionCreate) {
	if i.Type != discordgo.InteractionApplicationCommand || i.ApplicationCommandData().Name != "ping" {
		return
	}
	err := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "Pong!"},
	})
	if err != nil {
		fmt.Println("no answer,", err)
	}
}
