package main

import (
	"errors"
	"strings"

	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

func userOf(u *discordgo.User) data {
	return data{"id": u.ID, "name": u.Username, "is_bot": u.Bot, "avatar": u.Avatar}
}

func ping() *discordgo.ApplicationCommand {
	return &discordgo.ApplicationCommand{Name: "ping", Description: "pong"}
}

func register(a args, guild string, command *discordgo.ApplicationCommand) (*discordgo.ApplicationCommand, error) {
	return session.ApplicationCommandCreate(a.Text("app"), guild, command)
}

func commandNames(all []*discordgo.ApplicationCommand) []string {
	return talk.List(all, func(c *discordgo.ApplicationCommand) string { return c.Name })
}

// refused is a feature that Discord refuses.
func refused(do func(args) error) feature {
	return func(a args, _ ready) (data, error) {
		err := do(a)
		if refusal, is := errors.AsType[*discordgo.RESTError](err); is && refusal.Message != nil {
			return data{"code": refusal.Message.Code, "status": refusal.Response.StatusCode}, nil
		}
		return nil, errors.Join(errors.New("it was not refused"), err)
	}
}

func direct(a args, content string) (*discordgo.Message, error) {
	ch, err := session.UserChannelCreate(a.Text("person"))
	if err != nil {
		return nil, err
	}
	return session.ChannelMessageSend(ch.ID, content)
}

func directOf(a args, m *discordgo.MessageCreate) bool {
	return m.GuildID == "" && m.Author.ID == a.Text("person")
}

func placed(m *discordgo.Message) data { return data{"id": m.ID, "channel": m.ChannelID} }

var account = map[string]feature{
	"own user":          talk.Gives(func(args) (*discordgo.User, error) { return session.User("@me") }, userOf),
	"own avatar":        talk.Gives(func(a args) (*discordgo.User, error) { return session.UserUpdate("", a.Text("picture"), "") }, userOf),
	"own name":          talk.Gives(func(args) (*discordgo.User, error) { return session.UserUpdate("renamed", "", "") }, userOf),
	"user fetch":        talk.Gives(func(a args) (*discordgo.User, error) { return session.User(a.Text("person")) }, userOf),
	"user update event": told(func(args, *discordgo.UserUpdate) bool { return true }, func(u *discordgo.UserUpdate) data { return data{"id": u.ID} }),
	"presence event": told(func(a args, p *discordgo.PresenceUpdate) bool {
		return inGuild(a, p.GuildID) && p.User.ID == a.Text("person")
	},
		func(p *discordgo.PresenceUpdate) data { return data{"user": p.User.ID, "status": p.Status} }),
	"application": talk.Gives(func(args) (*discordgo.Application, error) { return session.Application("@me") },
		func(app *discordgo.Application) data {
			return data{"id": app.ID, "name": app.Name, "owner": app.Owner.ID}
		}),
	"gateway information": talk.Gives(func(args) (*discordgo.GatewayBotResponse, error) { return session.GatewayBot() },
		func(g *discordgo.GatewayBotResponse) data { return data{"shards": g.Shards} }),
	"role connections": talk.Gives(func(a args) ([]*discordgo.ApplicationRoleConnectionMetadata, error) {
		_, err := session.ApplicationRoleConnectionMetadataUpdate(a.Text("app"), []*discordgo.ApplicationRoleConnectionMetadata{{
			Type: discordgo.ApplicationRoleConnectionMetadataIntegerGreaterThanOrEqual, Key: "paintings", Name: "Paintings", Description: "painted",
		}})
		if err != nil {
			return nil, err
		}
		return session.ApplicationRoleConnectionMetadata(a.Text("app"))
	}, func(all []*discordgo.ApplicationRoleConnectionMetadata) data {
		return data{"keys": talk.List(all, func(m *discordgo.ApplicationRoleConnectionMetadata) string { return m.Key })}
	}),
	"guild command": talk.Gives(func(a args) (*discordgo.ApplicationCommand, error) { return register(a, a.Text("guild"), ping()) },
		func(c *discordgo.ApplicationCommand) data { return data{"id": c.ID} }),
	"global command": func(a args, _ ready) (data, error) {
		made, err := register(a, "", &discordgo.ApplicationCommand{Name: "everywhere", Description: "pong"})
		if err != nil {
			return nil, err
		}
		all, err := session.ApplicationCommands(a.Text("app"), "")
		if err != nil {
			return nil, err
		}
		return data{"names": commandNames(all)}, session.ApplicationCommandDelete(a.Text("app"), "", made.ID)
	},
	"commands at once": talk.Gives(func(a args) ([]*discordgo.ApplicationCommand, error) {
		text := &discordgo.ApplicationCommandOption{Type: discordgo.ApplicationCommandOptionString, Name: "text", Description: "text", Required: true, Choices: []*discordgo.ApplicationCommandOptionChoice{
			{Name: "A", Value: "a"}, {Name: "B", Value: "b"},
		}}
		return session.ApplicationCommandBulkOverwrite(a.Text("app"), a.Text("guild"), []*discordgo.ApplicationCommand{
			{Name: "one", Description: "one", Options: []*discordgo.ApplicationCommandOption{text}}, {Name: "two", Description: "two"},
		})
	}, func(all []*discordgo.ApplicationCommand) data { return data{"count": len(all)} }),
	"command edit": talk.Gives(func(a args) (*discordgo.ApplicationCommand, error) {
		made, err := register(a, a.Text("guild"), ping())
		if err != nil {
			return nil, err
		}
		return session.ApplicationCommandEdit(a.Text("app"), a.Text("guild"), made.ID, &discordgo.ApplicationCommand{Name: "ping", Description: "changed"})
	}, func(c *discordgo.ApplicationCommand) data { return data{"id": c.ID} }),
	"command delete": talk.Done(func(a args) error {
		made, err := register(a, a.Text("guild"), ping())
		if err != nil {
			return err
		}
		return session.ApplicationCommandDelete(a.Text("app"), a.Text("guild"), made.ID)
	}),
	"command list": func(a args, _ ready) (data, error) {
		command := ping()
		command.NameLocalizations = &map[discordgo.Locale]string{discordgo.German: "pong"}
		command.DescriptionLocalizations = &map[discordgo.Locale]string{discordgo.German: "los"}
		if _, err := register(a, a.Text("guild"), command); err != nil {
			return nil, err
		}
		all, err := session.ApplicationCommands(a.Text("app"), a.Text("guild"))
		if err != nil {
			return nil, err
		}
		return data{"names": commandNames(all), "german": (*all[0].NameLocalizations)[discordgo.German]}, nil
	},
	"command permissions": talk.Gives(func(a args) ([]*discordgo.GuildApplicationCommandPermissions, error) {
		return session.GuildApplicationCommandsPermissions(a.Text("app"), a.Text("guild"))
	}, func(all []*discordgo.GuildApplicationCommandPermissions) data { return data{"count": len(all)} }),

	"direct message":       talk.Gives(func(a args) (*discordgo.Message, error) { return direct(a, "hello") }, placed),
	"direct message event": told(directOf, func(m *discordgo.MessageCreate) data { return data{"content": m.Content, "direct": m.GuildID == ""} }),
	"direct message answer": func(a args, ready ready) (data, error) {
		wait := expect(func(m *discordgo.MessageCreate) bool { return directOf(a, m) })
		ready(nil)
		asked, err := wait()
		if err != nil {
			return nil, err
		}
		answer, err := session.ChannelMessageSendReply(asked.ChannelID, "hello", asked.Reference())
		if err != nil {
			return nil, err
		}
		return placed(answer), nil
	},
	"direct message edit event": told(func(_ args, m *discordgo.MessageUpdate) bool { return m.GuildID == "" }, func(m *discordgo.MessageUpdate) data { return data{"content": m.Content} }),
	"direct message reaction event": told(func(a args, r *discordgo.MessageReactionAdd) bool {
		return r.GuildID == "" && r.UserID == a.Text("person")
	},
		func(r *discordgo.MessageReactionAdd) data { return data{"emoji": r.Emoji.Name} }),
	"direct message refused": refused(func(a args) error {
		_, err := direct(a, "hello")
		return err
	}),

	"unknown message": refused(func(a args) error {
		_, err := session.ChannelMessage(a.Text("channel"), "1")
		return err
	}),
	"missing access": refused(func(a args) error {
		_, err := session.ChannelMessages(a.Text("channel"), 10, "", "", "")
		return err
	}),
	"missing permissions": refused(func(a args) error { return session.GuildMemberNickname(a.Text("guild"), a.Text("owner"), "Boss") }),
	"invalid form": refused(func(a args) error {
		_, err := session.ChannelMessageSendEmbed(a.Text("channel"), &discordgo.MessageEmbed{Title: strings.Repeat("x", 300)})
		return err
	}),
	"empty message": refused(func(a args) error {
		_, err := session.ChannelMessageSend(a.Text("channel"), "")
		return err
	}),
	"SKUs": talk.Gives(func(a args) ([]*discordgo.SKU, error) { return session.SKUs(a.Text("app")) }, func(all []*discordgo.SKU) data { return data{"count": len(all)} }),
	"entitlements": talk.Gives(func(a args) ([]*discordgo.Entitlement, error) { return session.Entitlements(a.Text("app"), nil) },
		func(all []*discordgo.Entitlement) data { return data{"count": len(all)} }),
}

// cannot is what discordgo has nothing for.
var cannot = map[string]string{
	"message with a nonce": "has no nonces", "message search": "has no search", "reactions of an emoji event": "has no such event", "role gradient": "has one colour",
	"role fetch": "has no fetch of one role", "widget": "has the paths of an older API", "welcome screen": "has no welcome screen",
	"sticker create": "has no stickers over REST", "sticker list": "has no stickers over REST", "sticker edit": "has no stickers over REST", "sticker delete": "has no stickers over REST",
	"sticker packs": "has no stickers over REST", "sound create": "has no soundboard", "sound list": "has no soundboard", "sound edit": "has no soundboard", "sound delete": "has no soundboard",
	"default sounds": "has no soundboard", "sounds event": "has no soundboard", "request sounds": "has no soundboard", "play a sound": "has no soundboard",
	"bulk ban": "has no bulk ban", "own guild profile": "has no avatar and bio of a guild", "permissions while timed out": "does not look at timeouts",
	"voice state fetch": "has no voice states over REST", "stage speaker": "has no voice states over REST", "application edit": "has no edit of its application",
	"modal with a select": "has no labels", "attachment upload": "has no descriptions of files", "template": "reads the numbers of a template as texts",
	"stage event": "waits for an event of another name",
}
