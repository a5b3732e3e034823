package disgogateway_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"evergreen/discordsim"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/handler"
)

// profileBot has a command with a sub-command, autocomplete, a user command, a button, selects
// and a modal, as a bot for disgo has them.
func profileBot() *handler.Mux {
	mux := handler.New()
	mux.SlashCommand("/profile/set", func(data discord.SlashCommandInteractionData, e *handler.CommandEvent) error {
		owner, channel, picture := data.User("owner"), data.Channel("channel"), data.Attachment("picture")
		return e.CreateMessage(discord.NewMessageCreate().
			WithContentf("%s of %s in %s with %s, %d", data.String("name"), owner.Username, channel.Name, picture.Filename, data.Int("age")).
			AddActionRow(discord.NewPrimaryButton("Edit", "/edit")).
			AddActionRow(discord.NewUserSelectMenu("/friends", "friends").WithMaxValues(3)).
			AddActionRow(discord.NewStringSelectMenu("/color", "color", discord.NewStringSelectMenuOption("Red", "r"), discord.NewStringSelectMenuOption("Blue", "b"))))
	})
	mux.Autocomplete("/profile/set", func(e *handler.AutocompleteEvent) error {
		return e.AutocompleteResult([]discord.AutocompleteChoice{discord.AutocompleteChoiceString{Name: e.Data.String("name") + "a", Value: "anna"}})
	})
	mux.UserCommand("/Greet", func(data discord.UserCommandInteractionData, e *handler.CommandEvent) error {
		return e.CreateMessage(discord.NewMessageCreate().WithContent("Hello " + data.TargetUser().Username).WithEphemeral(true))
	})
	mux.ButtonComponent("/edit", func(_ discord.ButtonInteractionData, e *handler.ComponentEvent) error {
		return e.Modal(discord.NewModalCreate("/save", "Profile").
			AddLabel("Name", discord.NewShortTextInput("name").WithMinLength(2)).
			AddLabel("Color", discord.NewStringSelectMenu("color", "color", discord.NewStringSelectMenuOption("Red", "r"), discord.NewStringSelectMenuOption("Blue", "b"))).
			AddLabel("Friend", discord.NewUserSelectMenu("friend", "friend")))
	})
	mux.SelectMenuComponent("/friends", func(data discord.SelectMenuInteractionData, e *handler.ComponentEvent) error {
		picked := data.(discord.UserSelectMenuInteractionData)
		if err := e.DeferUpdateMessage(); err != nil {
			return err
		}
		_, err := e.CreateFollowupMessage(discord.NewMessageCreate().WithContentf("%d friends, first %s", len(picked.Values), picked.Users()[0].Username))
		return err
	})
	mux.SelectMenuComponent("/color", func(data discord.SelectMenuInteractionData, e *handler.ComponentEvent) error {
		return e.UpdateMessage(discord.NewMessageUpdate().WithContent("color " + data.(discord.StringSelectMenuInteractionData).Values[0]))
	})
	mux.Modal("/save", func(e *handler.ModalEvent) error {
		if len(e.Data.Users("friend")) != 1 {
			return errors.New("no friend came")
		}
		return e.UpdateMessage(discord.NewMessageUpdate().WithContentf("%s, %s, friend %s", e.Data.Text("name"), e.Data.StringValues("color")[0], e.Data.Users("friend")[0].Username))
	})
	return mux
}

// Given a bot of disgo with commands, components and a modal, when a person uses all of them,
// then disgo reads each interaction, each answer is there, and none is lost.
func TestPeopleUseADisgoBot(t *testing.T) {
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListeners(profileBot())}}, func(s *harness) {
		s.open()
		commands := []discord.ApplicationCommandCreate{
			discord.SlashCommandCreate{Name: "profile", Description: "Profiles", Options: []discord.ApplicationCommandOption{
				discord.ApplicationCommandOptionSubCommand{Name: "set", Description: "Sets one", Options: []discord.ApplicationCommandOption{
					discord.ApplicationCommandOptionString{Name: "name", Description: "Its name", Required: true, Autocomplete: true},
					discord.ApplicationCommandOptionUser{Name: "owner", Description: "Whose", Required: true},
					discord.ApplicationCommandOptionChannel{Name: "channel", Description: "Where"},
					discord.ApplicationCommandOptionInt{Name: "age", Description: "How old"},
					discord.ApplicationCommandOptionAttachment{Name: "picture", Description: "A picture"},
				}},
			}},
			discord.UserCommandCreate{Name: "Greet"},
		}
		if err := handler.SyncCommands(s.client, commands, nil); err != nil {
			t.Fatal(err)
		}
		channel := s.Guilds[0].Channels[0]
		answered := func(id discordsim.ID, err error) discordsim.Response {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			s.Until(time.Minute, "it is answered", func() bool {
				r, _ := s.Sim.Response(id)
				return r.State == discordsim.StateAnswered
			})
			r, _ := s.Sim.Response(id)
			return r
		}
		shows := func(id discordsim.ID, want string) {
			t.Helper()
			s.Until(time.Minute, fmt.Sprintf("the message shows %q", want), func() bool {
				for _, m := range s.Sim.Messages(channel.ID) {
					if m.ID == id {
						return m.Content == want
					}
				}
				return false
			})
		}
		use := discordsim.Use{App: s.App, Channel: channel.ID, User: s.User.ID, Command: "profile set", Options: map[string]any{
			"name": "ann", "owner": s.User.ID, "channel": channel.ID, "age": 7, "picture": discordsim.File{Name: "a.png", Data: []byte("png")},
		}}
		asked, err := s.Sim.Complete(use, "name")
		if got := answered(asked, err); len(got.Choices) != 1 || got.Choices[0].Name != "anna" || got.Choices[0].Value != "anna" {
			t.Errorf("the choices are %+v", got.Choices)
		}
		asked, err = s.Sim.Use(use)
		profile := answered(asked, err).Message
		shows(profile, fmt.Sprintf("ann of %s in %s with a.png, 7", s.User.Username, channel.Name))

		asked, err = s.Sim.Use(discordsim.Use{App: s.App, Channel: channel.ID, User: s.User.ID, Command: "Greet", Target: s.User.ID})
		shows(answered(asked, err).Message, "Hello "+s.User.Username)

		asked, err = s.Sim.Press(profile, s.User.ID, "/friends", s.User.ID.String(), s.App.Bot.ID.String())
		answered(asked, err)
		s.Until(time.Minute, "the follow-up is there", func() bool {
			r, _ := s.Sim.Response(asked)
			return len(r.FollowUps) == 1
		})
		r, _ := s.Sim.Response(asked)
		shows(r.FollowUps[0], "2 friends, first "+s.User.Username)

		asked, err = s.Sim.Press(profile, s.User.ID, "/color", "Blue")
		answered(asked, err)
		shows(profile, "color b")

		asked, err = s.Sim.Press(profile, s.User.ID, "/edit")
		answered(asked, err)
		asked, err = s.Sim.Submit(asked, s.User.ID, map[string]any{"name": "Bert", "color": "Red", "friend": s.User.ID})
		answered(asked, err)
		shows(profile, "Bert, r, friend "+s.User.Username)

		if v := s.Sim.Verdict(s.App); v.Asked != 7 || v.AnsweredByReply != 7 {
			t.Errorf("the verdict is %+v", v)
		}
		s.NoViolations()
	})
}
