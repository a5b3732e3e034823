package main

import (
	"errors"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/omit"

	"evergreen/bench/features/talk"
)

func userOf(u discord.User) data {
	return data{"id": u.ID, "name": u.Username, "is_bot": u.Bot, "avatar": u.Avatar}
}

var ping = discord.SlashCommandCreate{Name: "ping", Description: "pong"}

func register(a args, command discord.ApplicationCommandCreate) (discord.ApplicationCommand, error) {
	return client.Rest.CreateGuildCommand(of(a, "app"), of(a, "guild"), command)
}

func commandOf(c discord.ApplicationCommand) data { return data{"id": c.ID()} }

func commandNames(all []discord.ApplicationCommand) []string {
	return talk.List(all, func(c discord.ApplicationCommand) string { return c.Name() })
}

// refused is a feature that Discord refuses.
func refused(do func(args) error) feature {
	return func(a args, _ ready) (data, error) {
		err := do(a)
		if refusal, is := errors.AsType[*rest.Error](err); is {
			return data{"code": refusal.Code, "status": refusal.Response.StatusCode}, nil
		}
		return nil, errors.Join(errors.New("it was not refused"), err)
	}
}

func direct(a args, content string) (*discord.Message, error) {
	ch, err := client.Rest.CreateDMChannel(of(a, "person"))
	if err != nil {
		return nil, err
	}
	return client.Rest.CreateMessage(ch.ID(), discord.MessageCreate{Content: content})
}

func directOf(a args, e *events.DMMessageCreate) bool { return e.Message.Author.ID == of(a, "person") }

func placed(m *discord.Message) data { return data{"id": m.ID, "channel": m.ChannelID} }

var account = map[string]feature{
	"own user": talk.Gives(func(args) (*discord.OAuth2User, error) { return client.Rest.GetCurrentUser("") }, func(u *discord.OAuth2User) data { return userOf(u.User) }),
	"own avatar": talk.Gives(func(a args) (*discord.OAuth2User, error) {
		return client.Rest.UpdateCurrentUser(discord.UserUpdate{Avatar: omit.New(picture(a))})
	}, func(u *discord.OAuth2User) data { return userOf(u.User) }),
	"own name": talk.Gives(func(args) (*discord.OAuth2User, error) {
		return client.Rest.UpdateCurrentUser(discord.UserUpdate{Username: "renamed"})
	}, func(u *discord.OAuth2User) data { return userOf(u.User) }),
	"user fetch":        talk.Gives(func(a args) (*discord.User, error) { return client.Rest.GetUser(of(a, "person")) }, func(u *discord.User) data { return userOf(*u) }),
	"user update event": told(func(args, *events.SelfUpdate) bool { return true }, func(e *events.SelfUpdate) data { return data{"id": e.SelfUser.ID} }),
	"presence event": told(func(a args, e *events.PresenceUpdate) bool {
		return e.PresenceUser.ID == of(a, "person") && e.GuildID == of(a, "guild")
	},
		func(e *events.PresenceUpdate) data { return data{"user": e.PresenceUser.ID, "status": e.Status} }),
	"application": talk.Gives(func(args) (*discord.Application, error) { return client.Rest.GetCurrentApplication() },
		func(app *discord.Application) data {
			return data{"id": app.ID, "name": app.Name, "owner": app.Owner.ID}
		}),
	"application edit": talk.Gives(func(args) (*discord.Application, error) {
		return client.Rest.UpdateCurrentApplication(discord.ApplicationUpdate{Description: talk.To("paints")})
	}, func(app *discord.Application) data { return data{"description": app.Description} }),
	"gateway information": talk.Gives(func(args) (*discord.GatewayBot, error) { return client.Rest.GetGatewayBot() }, func(g *discord.GatewayBot) data { return data{"shards": g.Shards} }),
	"role connections": talk.Gives(func(a args) ([]discord.ApplicationRoleConnectionMetadata, error) {
		_, err := client.Rest.UpdateApplicationRoleConnectionMetadata(of(a, "app"), []discord.ApplicationRoleConnectionMetadata{{
			Type: discord.ApplicationRoleConnectionMetadataTypeIntegerGreaterThanOrEqual, Key: "paintings", Name: "Paintings", Description: "painted",
		}})
		if err != nil {
			return nil, err
		}
		return client.Rest.GetApplicationRoleConnectionMetadata(of(a, "app"))
	}, func(all []discord.ApplicationRoleConnectionMetadata) data {
		return data{"keys": talk.List(all, func(m discord.ApplicationRoleConnectionMetadata) string { return m.Key })}
	}),
	"guild command": talk.Gives(func(a args) (discord.ApplicationCommand, error) { return register(a, ping) }, commandOf),
	"global command": func(a args, _ ready) (data, error) {
		made, err := client.Rest.CreateGlobalCommand(of(a, "app"), discord.SlashCommandCreate{Name: "everywhere", Description: "pong"})
		if err != nil {
			return nil, err
		}
		all, err := client.Rest.GetGlobalCommands(of(a, "app"), false)
		if err != nil {
			return nil, err
		}
		return data{"names": commandNames(all)}, client.Rest.DeleteGlobalCommand(of(a, "app"), made.ID())
	},
	"commands at once": talk.Gives(func(a args) ([]discord.ApplicationCommand, error) {
		text := discord.ApplicationCommandOptionString{Name: "text", Description: "text", Required: true, Choices: []discord.ApplicationCommandOptionChoiceString{{Name: "A", Value: "a"}, {Name: "B", Value: "b"}}}
		return client.Rest.SetGuildCommands(of(a, "app"), of(a, "guild"), []discord.ApplicationCommandCreate{
			discord.SlashCommandCreate{Name: "one", Description: "one", Options: []discord.ApplicationCommandOption{text}}, discord.SlashCommandCreate{Name: "two", Description: "two"},
		})
	}, func(all []discord.ApplicationCommand) data { return data{"count": len(all)} }),
	"command edit": talk.Gives(func(a args) (discord.ApplicationCommand, error) {
		made, err := register(a, ping)
		if err != nil {
			return nil, err
		}
		return client.Rest.UpdateGuildCommand(of(a, "app"), of(a, "guild"), made.ID(), discord.SlashCommandUpdate{Description: talk.To("changed")})
	}, commandOf),
	"command delete": talk.Done(func(a args) error {
		made, err := register(a, ping)
		if err != nil {
			return err
		}
		return client.Rest.DeleteGuildCommand(of(a, "app"), of(a, "guild"), made.ID())
	}),
	"command list": func(a args, _ ready) (data, error) {
		command := ping
		command.NameLocalizations = map[discord.Locale]string{discord.LocaleGerman: "pong"}
		command.DescriptionLocalizations = map[discord.Locale]string{discord.LocaleGerman: "los"}
		if _, err := register(a, command); err != nil {
			return nil, err
		}
		all, err := client.Rest.GetGuildCommands(of(a, "app"), of(a, "guild"), true)
		if err != nil {
			return nil, err
		}
		return data{"names": commandNames(all), "german": all[0].NameLocalizations()[discord.LocaleGerman]}, nil
	},
	"command permissions": talk.Gives(func(a args) ([]discord.ApplicationCommandPermissions, error) {
		return client.Rest.GetGuildCommandsPermissions(of(a, "app"), of(a, "guild"))
	}, func(all []discord.ApplicationCommandPermissions) data { return data{"count": len(all)} }),

	"direct message":       talk.Gives(func(a args) (*discord.Message, error) { return direct(a, "hello") }, placed),
	"direct message event": told(directOf, func(e *events.DMMessageCreate) data { return data{"content": e.Message.Content, "direct": true} }),
	"direct message answer": func(a args, ready ready) (data, error) {
		wait := expect(func(e *events.DMMessageCreate) bool { return directOf(a, e) })
		ready(nil)
		asked, err := wait()
		if err != nil {
			return nil, err
		}
		answer, err := client.Rest.CreateMessage(asked.ChannelID, discord.MessageCreate{Content: "hello", MessageReference: &discord.MessageReference{MessageID: &asked.MessageID}})
		if err != nil {
			return nil, err
		}
		return placed(answer), nil
	},
	"direct message edit event":     told(func(args, *events.DMMessageUpdate) bool { return true }, func(e *events.DMMessageUpdate) data { return data{"content": e.Message.Content} }),
	"direct message reaction event": told(func(a args, e *events.DMMessageReactionAdd) bool { return e.UserID == of(a, "person") }, func(e *events.DMMessageReactionAdd) data { return data{"emoji": *e.Emoji.Name} }),
	"direct message refused":        refused(func(a args) error { return talk.Second(direct(a, "hello")) }),

	"unknown message": refused(func(a args) error { return talk.Second(client.Rest.GetMessage(of(a, "channel"), 1)) }),
	"missing access":  refused(func(a args) error { return talk.Second(client.Rest.GetMessages(of(a, "channel"), 0, 0, 0, 10)) }),
	"missing permissions": refused(func(a args) error {
		return talk.Second(client.Rest.UpdateMember(of(a, "guild"), of(a, "owner"), discord.MemberUpdate{Nick: talk.To("Boss")}))
	}),
	"invalid form": refused(func(a args) error {
		return talk.Second(send(discord.MessageCreate{Embeds: []discord.Embed{{Title: strings.Repeat("x", 300)}}})(a))
	}),
	"empty message": refused(func(a args) error { return talk.Second(send(discord.MessageCreate{})(a)) }),
	"SKUs":          talk.Gives(func(a args) ([]discord.SKU, error) { return client.Rest.GetSKUs(of(a, "app")) }, func(all []discord.SKU) data { return data{"count": len(all)} }),
	"entitlements": talk.Gives(func(a args) ([]discord.Entitlement, error) {
		return client.Rest.GetEntitlements(of(a, "app"), rest.GetEntitlementsParams{})
	},
		func(all []discord.Entitlement) data { return data{"count": len(all)} }),
}

// cannot is what disgo has nothing for.
var cannot = map[string]string{"widget": "has no widgets", "rule acts": "reads the keyword by another name",
	"integrations": "does not read integrations", "poll vote event": "does not read the event", "poll unvote event": "does not read the event"}
