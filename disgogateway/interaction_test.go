package disgogateway_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/handler"
	"github.com/disgoorg/snowflake/v2"
)

// Given a slash command behind disgo's router, registered over REST, when people
// use it, then each use is answered exactly once and in time.
// Statements: G-141.
func TestSlashCommandsAreAnswered(t *testing.T) {
	mux := handler.New()
	mux.SlashCommand("/greet", func(data discord.SlashCommandInteractionData, e *handler.CommandEvent) error {
		return e.CreateMessage(discord.NewMessageCreate().WithContent("Hello, " + data.String("name") + "!"))
	})
	play(t, setting{bot: []bot.ConfigOpt{bot.WithEventListeners(mux)}}, func(s *stage) {
		s.open()
		commands := []discord.ApplicationCommandCreate{discord.SlashCommandCreate{
			Name: "greet", Description: "Greets somebody",
			Options: []discord.ApplicationCommandOption{discord.ApplicationCommandOptionString{Name: "name", Description: "Whom", Required: true}},
		}}
		if err := handler.SyncCommands(s.client, commands, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			s.sim.Interact(s.app, s.guilds[0].Channels[0].ID, s.ada.ID, "greet", "name", fmt.Sprint("reader ", i))
		}
		s.until(time.Minute, "all are answered", func() bool { return s.sim.Verdict(s.app).Answered == 10 })
		s.faultless()
	})
}

// Given a collector that a listener starts, then it gets the next messages of
// the same person, through a reconnect, and ends.
func TestCollectorsCollect(t *testing.T) {
	var collected notebook[string]
	play(t, setting{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
		if e.Message.Content != "start" {
			return
		}
		// As disgo wants it: a listener must not wait for another event itself.
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			messages, end := bot.NewEventCollector(e.Client(), func(next *events.MessageCreate) bool {
				return next.Message.Author.ID == e.Message.Author.ID && next.Message.Content != "start"
			})
			defer end()
			for range 3 {
				select {
				case m := <-messages:
					collected.add(m.Message.Content)
				case <-ctx.Done():
					return
				}
			}
		}()
	})}}, func(s *stage) {
		s.open()
		s.pass(time.Second)
		s.say("start")
		s.pass(time.Second)
		s.say("one")
		s.inject(cut)
		s.say("two")
		s.say("three")
		s.until(time.Minute, "three are collected", func() bool { return collected.len() == 3 })
		if got := collected.list(); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Errorf("collected %q", got)
		}
		s.faultless()
	})
}

// Given a bot with caches, then they follow what happens: guilds, channels,
// members who come, and messages, also what happened while it was away.
func TestCachesFollow(t *testing.T) {
	play(t, setting{bot: []bot.ConfigOpt{bot.WithCacheConfigOpts(
		cache.WithCaches(cache.FlagGuilds | cache.FlagChannels | cache.FlagMembers | cache.FlagMessages),
	)}}, func(s *stage) {
		s.open()
		s.pass(time.Second)
		guild, channel := snowflake.ID(s.guilds[0].ID), snowflake.ID(s.guilds[0].Channels[0].ID)
		if g, known := s.client.Caches.Guild(guild); !known || g.Name != "reading room" {
			t.Errorf("the guild is %v, %v", g.Name, known)
		}
		if c, known := s.client.Caches.Channel(channel); !known || c.Name() != "general" {
			t.Errorf("the channel is not known: %v", known)
		}
		s.inject(cut)
		grace := s.sim.AddUser("grace")
		s.sim.AddMembers(s.guilds[0], grace)
		m := s.say("remember this")
		s.until(time.Minute, "both are known", func() bool {
			_, member := s.client.Caches.Member(guild, snowflake.ID(grace.ID))
			said, message := s.client.Caches.Message(channel, snowflake.ID(m.ID))
			return member && message && said.Content == "remember this"
		})
		s.sim.Delete(m.ID)
		s.until(time.Minute, "it is forgotten", func() bool {
			_, message := s.client.Caches.Message(channel, snowflake.ID(m.ID))
			return !message
		})
		s.faultless()
	})
}
