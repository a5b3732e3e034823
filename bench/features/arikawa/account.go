package main

import (
	"errors"
	"strings"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/httputil"
	"github.com/diamondburned/arikawa/v3/utils/json/option"

	"evergreen/bench/features/talk"
)

func userOf(u *discord.User) data {
	return data{"id": u.ID, "name": u.Username, "is_bot": u.Bot, "avatar": u.Avatar}
}

var ping = api.CreateCommandData{Name: "ping", Description: "pong"}

func register(a args, command api.CreateCommandData) (*discord.Command, error) {
	return client.CreateGuildCommand(appID(a), guildID(a), command)
}

func commandNames(all []discord.Command) []string {
	return talk.List(all, func(c discord.Command) string { return c.Name })
}

// refused is a feature that Discord refuses.
func refused(do func(args) error) feature {
	return func(a args, _ ready) (data, error) {
		err := do(a)
		if refusal, is := errors.AsType[*httputil.HTTPError](err); is {
			return data{"code": refusal.Code, "status": refusal.Status}, nil
		}
		return nil, errors.Join(errors.New("it was not refused"), err)
	}
}

func direct(a args, content string) (*discord.Message, error) {
	ch, err := client.CreatePrivateChannel(userID(a, "person"))
	if err != nil {
		return nil, err
	}
	return client.SendMessage(ch.ID, content)
}

func directOf(a args, e *gateway.MessageCreateEvent) bool {
	return !e.GuildID.IsValid() && e.Author.ID == userID(a, "person")
}

func placed(m *discord.Message) data { return data{"id": m.ID, "channel": m.ChannelID} }

var account = map[string]feature{
	"own user": talk.Gives(func(args) (*discord.User, error) { return client.Client.Me() }, userOf),
	"own avatar": talk.Gives(func(a args) (*discord.User, error) {
		return client.ModifyCurrentUser(api.ModifyCurrentUserData{Avatar: picture(a)})
	}, userOf),
	"own name": talk.Gives(func(args) (*discord.User, error) {
		return client.ModifyCurrentUser(api.ModifyCurrentUserData{Username: option.NewString("renamed")})
	}, userOf),
	"user fetch":        talk.Gives(func(a args) (*discord.User, error) { return client.User(userID(a, "person")) }, userOf),
	"user update event": told(func(args, *gateway.UserUpdateEvent) bool { return true }, func(e *gateway.UserUpdateEvent) data { return data{"id": e.ID} }),
	"presence event": told(func(a args, e *gateway.PresenceUpdateEvent) bool {
		return e.Presence.User.ID == userID(a, "person") && e.GuildID == guildID(a)
	},
		func(e *gateway.PresenceUpdateEvent) data { return data{"user": e.Presence.User.ID, "status": e.Status} }),
	"application": talk.Gives(func(args) (*discord.Application, error) { return client.CurrentApplication() },
		func(app *discord.Application) data {
			return data{"id": app.ID, "name": app.Name, "owner": app.Owner.ID}
		}),
	"gateway information": talk.Gives(func(args) (*api.BotData, error) { return client.BotURL() }, func(b *api.BotData) data { return data{"shards": b.Shards} }),
	"guild command":       talk.Gives(func(a args) (*discord.Command, error) { return register(a, ping) }, func(c *discord.Command) data { return data{"id": c.ID} }),
	"global command": func(a args, _ ready) (data, error) {
		made, err := client.CreateCommand(appID(a), api.CreateCommandData{Name: "everywhere", Description: "pong"})
		if err != nil {
			return nil, err
		}
		all, err := client.Commands(appID(a))
		if err != nil {
			return nil, err
		}
		return data{"names": commandNames(all)}, client.DeleteCommand(appID(a), made.ID)
	},
	"commands at once": talk.Gives(func(a args) ([]discord.Command, error) {
		text := &discord.StringOption{OptionName: "text", Description: "text", Required: true, Choices: []discord.StringChoice{{Name: "A", Value: "a"}, {Name: "B", Value: "b"}}}
		return client.BulkOverwriteGuildCommands(appID(a), guildID(a), []api.CreateCommandData{
			{Name: "one", Description: "one", Options: discord.CommandOptions{text}}, {Name: "two", Description: "two"},
		})
	}, func(all []discord.Command) data { return data{"count": len(all)} }),
	"command edit": talk.Gives(func(a args) (*discord.Command, error) {
		made, err := register(a, ping)
		if err != nil {
			return nil, err
		}
		return client.EditGuildCommand(appID(a), guildID(a), made.ID, api.CreateCommandData{Name: "ping", Description: "changed"})
	}, func(c *discord.Command) data { return data{"id": c.ID} }),
	"command delete": talk.Done(func(a args) error {
		made, err := register(a, ping)
		if err != nil {
			return err
		}
		return client.DeleteGuildCommand(appID(a), guildID(a), made.ID)
	}),
	"command permissions": talk.Gives(func(a args) ([]discord.GuildCommandPermissions, error) {
		return client.GuildCommandPermissions(appID(a), guildID(a))
	},
		func(all []discord.GuildCommandPermissions) data { return data{"count": len(all)} }),

	"direct message": talk.Gives(func(a args) (*discord.Message, error) { return direct(a, "hello") }, placed),
	"direct message event": told(directOf, func(e *gateway.MessageCreateEvent) data {
		return data{"content": e.Content, "direct": !e.GuildID.IsValid()}
	}),
	"direct message answer": func(a args, ready ready) (data, error) {
		wait := expect(func(e *gateway.MessageCreateEvent) bool { return directOf(a, e) })
		ready(nil)
		asked, err := wait()
		if err != nil {
			return nil, err
		}
		answer, err := client.SendTextReply(asked.ChannelID, "hello", asked.ID)
		if err != nil {
			return nil, err
		}
		return placed(answer), nil
	},
	"direct message edit event": told(func(_ args, e *gateway.MessageUpdateEvent) bool { return !e.GuildID.IsValid() }, func(e *gateway.MessageUpdateEvent) data { return data{"content": e.Content} }),
	"direct message reaction event": told(func(a args, e *gateway.MessageReactionAddEvent) bool {
		return !e.GuildID.IsValid() && e.UserID == userID(a, "person")
	}, func(e *gateway.MessageReactionAddEvent) data { return data{"emoji": e.Emoji.Name} }),
	"direct message refused": refused(func(a args) error { return talk.Second(direct(a, "hello")) }),

	"unknown message": refused(func(a args) error { return talk.Second(client.Client.Message(channelID(a, "channel"), 1)) }),
	"missing access":  refused(func(a args) error { return talk.Second(client.Client.Messages(channelID(a, "channel"), 10)) }),
	"missing permissions": refused(func(a args) error {
		return client.ModifyMember(guildID(a), userID(a, "owner"), api.ModifyMemberData{Nick: option.NewString("Boss")})
	}),
	"invalid form": refused(func(a args) error {
		return talk.Second(client.SendMessage(channelID(a, "channel"), strings.Repeat("x", 2001)))
	}),
}
