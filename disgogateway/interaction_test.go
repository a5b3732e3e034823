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
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListeners(mux)}}, func(s *harness) {
		s.open()
		commands := []discord.ApplicationCommandCreate{discord.SlashCommandCreate{
			Name: "greet", Description: "Greets somebody",
			Options: []discord.ApplicationCommandOption{discord.ApplicationCommandOptionString{Name: "name", Description: "Whom", Required: true}},
		}}
		if err := handler.SyncCommands(s.client, commands, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			s.Sim.Interact(s.App, s.Guilds[0].Channels[0].ID, s.User.ID, "greet", "name", fmt.Sprint("reader ", i))
		}
		s.Until(time.Minute, "all are answered", func() bool { return s.Sim.Verdict(s.App).Answered == 10 })
		s.NoViolations()
	})
}

// Given a collector that a listener starts, then it gets the next messages of
// the same person, through a reconnect, and ends.
func TestCollectorsCollect(t *testing.T) {
	var collected list[string]
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
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
	})}}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		s.Post("start")
		s.Advance(time.Second)
		s.Post("one")
		s.Inject(cut)
		s.Post("two")
		s.Post("three")
		s.Until(time.Minute, "three are collected", func() bool { return collected.len() == 3 })
		if got := collected.all(); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Errorf("collected %q", got)
		}
		s.NoViolations()
	})
}

// Given a bot with caches, then they follow what happens: guilds, channels,
// members who come, and messages, also what happened while it was away.
func TestCachesFollow(t *testing.T) {
	run(t, config{bot: []bot.ConfigOpt{bot.WithCacheConfigOpts(
		cache.WithCaches(cache.FlagGuilds | cache.FlagChannels | cache.FlagMembers | cache.FlagMessages),
	)}}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		guild, channel := snowflake.ID(s.Guilds[0].ID), snowflake.ID(s.Guilds[0].Channels[0].ID)
		if g, known := s.client.Caches.Guild(guild); !known || g.Name != "reading room" {
			t.Errorf("the guild is %v, %v", g.Name, known)
		}
		if c, known := s.client.Caches.Channel(channel); !known || c.Name() != "general" {
			t.Errorf("the channel is not known: %v", known)
		}
		s.Inject(cut)
		grace := s.Sim.AddUser("grace")
		s.Sim.AddMembers(s.Guilds[0], grace)
		m := s.Post("remember this")
		s.Until(time.Minute, "both are known", func() bool {
			_, member := s.client.Caches.Member(guild, snowflake.ID(grace.ID))
			said, message := s.client.Caches.Message(channel, snowflake.ID(m.ID))
			return member && message && said.Content == "remember this"
		})
		s.Sim.Delete(m.ID)
		s.Until(time.Minute, "it is forgotten", func() bool {
			_, message := s.client.Caches.Message(channel, snowflake.ID(m.ID))
			return !message
		})
		s.NoViolations()
	})
}

// Given a command whose answer takes longer than Discord waits, then it is
// deferred, filled in later, and followed by a second message.
// Statements: G-141.
func TestAnswersMayBeDeferred(t *testing.T) {
	mux := handler.New()
	mux.SlashCommand("/search", func(_ discord.SlashCommandInteractionData, e *handler.CommandEvent) error {
		if err := e.DeferCreateMessage(false); err != nil {
			return err
		}
		go func() { // a listener is not to be kept
			time.Sleep(30 * time.Second)
			found := "found it"
			if _, err := e.UpdateInteractionResponse(discord.MessageUpdate{Content: &found}); err != nil {
				t.Error(err)
			}
			if _, err := e.CreateFollowupMessage(discord.NewMessageCreate().WithContent("and this")); err != nil {
				t.Error(err)
			}
		}()
		return nil
	})
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListeners(mux)}}, func(s *harness) {
		s.open()
		commands := []discord.ApplicationCommandCreate{discord.SlashCommandCreate{Name: "search", Description: "Searches"}}
		if err := handler.SyncCommands(s.client, commands, nil); err != nil {
			t.Fatal(err)
		}
		channel := s.Guilds[0].Channels[0].ID
		s.Sim.Interact(s.App, channel, s.User.ID, "search")
		s.Until(time.Minute, "both messages stand", func() bool {
			var texts []string
			for _, m := range s.Sim.Messages(channel) {
				texts = append(texts, m.Content)
			}
			return slices.Equal(texts, []string{"found it", "and this"})
		})
		s.NoViolations()
	})
}

// Given people who press a button, choose from a menu, fill in a form and type
// into a command, then each finds its listener with what they chose.
func TestEveryKindOfInteractionIsHeard(t *testing.T) {
	var heard list[string]
	run(t, config{bot: []bot.ConfigOpt{
		bot.WithEventListenerFunc(func(e *events.ComponentInteractionCreate) {
			switch data := e.Data.(type) {
			case discord.ButtonInteractionData:
				heard.add("button " + data.CustomID())
			case discord.StringSelectMenuInteractionData:
				heard.add(fmt.Sprint("menu ", data.Values))
			}
		}),
		bot.WithEventListenerFunc(func(e *events.ModalSubmitInteractionCreate) { heard.add("form " + e.Data.CustomID) }),
		bot.WithEventListenerFunc(func(e *events.AutocompleteInteractionCreate) { heard.add("typed " + e.Data.String("title")) }),
	}}, func(s *harness) {
		s.open()
		g := s.Guilds[0]
		send := func(kind int, data, message map[string]any) {
			d := map[string]any{
				"id": fmt.Sprint(9000 + kind), "application_id": s.App.ID, "type": kind, "token": "a-token", "version": 1, "data": data,
				"guild_id": g.ID, "channel_id": g.Channels[0].ID, "channel": map[string]any{"id": g.Channels[0].ID, "type": 0, "name": "general", "permissions": "0"},
				"member": map[string]any{"user": map[string]any{"id": s.User.ID, "username": "ada"}, "roles": []string{}, "permissions": "0", "joined_at": "2026-01-01T00:00:00Z"},
				"locale": "en-US", "guild_locale": "en-US", "app_permissions": "0", "entitlements": []any{},
				"authorizing_integration_owners": map[string]any{}, "context": 0,
			}
			if message != nil {
				d["message"] = message
			}
			s.Sim.Emit(s.App, g, "INTERACTION_CREATE", d)
		}
		message := map[string]any{
			"id": "77", "channel_id": g.Channels[0].ID, "author": map[string]any{"id": s.App.Bot.ID, "username": "bot"}, "content": "choose",
			"timestamp": "2026-01-01T00:00:00Z", "type": 0, "attachments": []any{}, "embeds": []any{}, "mentions": []any{}, "mention_roles": []any{},
		}
		send(3, map[string]any{"custom_id": "borrow", "component_type": 2}, message)
		send(3, map[string]any{"custom_id": "shelf", "component_type": 3, "values": []string{"top"}}, message)
		send(5, map[string]any{"custom_id": "review", "components": []any{}}, nil)
		send(4, map[string]any{"id": "5", "name": "find", "type": 1, "options": []any{map[string]any{"name": "title", "type": 3, "value": "Emma", "focused": true}}}, nil)
		s.Until(time.Minute, "all were heard", func() bool { return heard.len() == 4 })
		if got := heard.all(); !slices.Equal(got, []string{"button borrow", "menu [top]", "form review", "typed Emma"}) {
			t.Errorf("heard %q", got)
		}
		if n := s.gateway().Stats().Undecodable; n != 0 {
			t.Errorf("%d could not be decoded", n)
		}
	})
}
