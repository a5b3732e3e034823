// Command discordgo is the bot on discordgo; package clients says what it has to do.
package main

import (
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
)

func main() {
	// REST goes to Discord directly, and Discord is simulated.
	discordgo.EndpointChannels = os.Getenv("DISCORD_REST") + "/api/v" + discordgo.APIVersion + "/channels/"
	discordgo.EndpointGateway = "http://127.0.0.1:8001/api/v9/gateway"
	discordgo.EndpointGatewayBot = "http://127.0.0.1:8001/api/v9/gateway/bot"

	s, err := discordgo.New("Bot " + os.Getenv("DISCORD_TOKEN"))
	if err != nil {
		log.Fatal(err)
	}
	s.LogLevel = discordgo.LogInformational
	s.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentsMessageContent
	s.SyncEvents = true // so that READY is handled before the guilds
	var mu sync.Mutex
	known := map[string]bool{} // the guilds of READY; false: it has not come yet
	come := 0
	s.AddHandler(func(_ *discordgo.Session, r *discordgo.Ready) {
		mu.Lock()
		for _, g := range r.Guilds {
			known[g.ID] = false
		}
		mu.Unlock()
		say("ready")
	})
	s.AddHandler(func(_ *discordgo.Session, g *discordgo.GuildCreate) {
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
	s.AddHandler(func(*discordgo.Session, *discordgo.Resumed) { say("resumed") })
	s.AddHandler(func(_ *discordgo.Session, c *discordgo.ChannelCreate) { say("channel", c.Name) })
	s.AddHandler(func(_ *discordgo.Session, c *discordgo.ChannelDelete) { say("deleted", c.Name) })
	s.AddHandler(answer)
	if err := s.Open(); err != nil {
		log.Fatal(err)
	}
	select {}
}

func answer(s *discordgo.Session, m *discordgo.MessageCreate) {
	switch m.Content {
	case "!ping":
		if _, err := s.ChannelMessageSendReply(m.ChannelID, "pong", m.Reference()); err != nil {
			log.Print("no answer: ", err)
		}
	case "!block":
		block, _ := strconv.Atoi(os.Getenv("BLOCK_SECONDS"))
		time.Sleep(time.Duration(block) * time.Second)
	case "!channels":
		say(append([]any{"channels"}, channels(s.State)...)...)
	case "!busy":
		err := s.UpdateStatusComplex(discordgo.UpdateStatusData{Status: "dnd", Activities: []*discordgo.Activity{{Name: "busy"}}})
		if err != nil {
			log.Print("no presence: ", err)
		}
	}
}

// channels are the ids of the channels in the library's cache.
func channels(state *discordgo.State) (ids []any) {
	state.RLock()
	defer state.RUnlock()
	var all []string
	for _, g := range state.Guilds {
		for _, c := range g.Channels {
			all = append(all, c.ID)
		}
	}
	slices.Sort(all)
	for _, id := range all {
		ids = append(ids, id)
	}
	return ids
}

func say(words ...any) { fmt.Println(append([]any{"BOT"}, words...)...) }
