// Command discordgo is the ping bot on discordgo, put together as in its
// examples.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"
)

const sends = 130

// point lets the library's addresses lead to another host. They are variables,
// each made of the one before when the program starts.
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
	dg.AddHandler(answer)
	dg.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMembers | discordgo.IntentsGuildMessages | discordgo.IntentsMessageContent
	if err = dg.Open(); err != nil {
		fmt.Println("error opening connection,", err)
		os.Exit(1)
	}
	s := make(chan os.Signal, 1)
	signal.Notify(s, syscall.SIGINT, syscall.SIGTERM)
	<-s
	_ = dg.Close()
}

func answer(s *discordgo.Session, m *discordgo.MessageCreate) {
	switch m.Content {
	case "!ping":
		if _, err := s.ChannelMessageSendReply(m.ChannelID, "pong", m.Reference()); err != nil {
			fmt.Println("no answer,", err)
		}
	case "!block":
		block, _ := time.ParseDuration(os.Getenv("PING_BLOCK"))
		time.Sleep(block)
	case "!sends":
		for range sends {
			go func() { _ = s.ChannelVoiceJoinManual(m.GuildID, "", false, false) }()
		}
	}
}
