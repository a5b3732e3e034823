package main

import (
	"strconv"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"

	"evergreen/bench/features/talk"
)

type (
	use    = events.ApplicationCommandInteractionCreate
	press  = events.ComponentInteractionCreate
	submit = events.ModalSubmitInteractionCreate
)

func text(content string) discord.MessageCreate { return discord.MessageCreate{Content: content} }

func changed(content string) discord.MessageUpdate { return discord.MessageUpdate{Content: &content} }

func inGuild(a args, guild *id) bool { return guild != nil && *guild == of(a, "guild") }

// used is a feature that waits for the use of a command.
func used(answer func(*use) (data, error)) feature {
	return func(a args, ready ready) (data, error) {
		wait := expect(func(e *use) bool { return inGuild(a, e.GuildID()) })
		ready(nil)
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return answer(e)
	}
}

// answered is a feature that goes on once a command was answered with "pong".
func answered(further func(*use) (data, error)) feature {
	return used(func(e *use) (data, error) {
		if err := e.CreateMessage(text("pong")); err != nil {
			return nil, err
		}
		return further(e)
	})
}

// followed is a feature that goes on once the answer has a follow-up.
func followed(further func(*use, id) error) feature {
	return answered(func(e *use) (data, error) {
		more, err := client.Rest.CreateFollowupMessage(e.ApplicationID(), e.Token(), text("more"))
		if err != nil {
			return nil, err
		}
		return data{"id": more.ID}, further(e, more.ID)
	})
}

// gotIt answers with "got it" and says what the options were.
func gotIt(what func(discord.SlashCommandInteractionData) data) feature {
	return used(func(e *use) (data, error) {
		return what(e.SlashCommandInteractionData()), e.CreateMessage(text("got it"))
	})
}

func edit(e *use, content string) error {
	return talk.Second(client.Rest.UpdateInteractionResponse(e.ApplicationID(), e.Token(), changed(content)))
}

func deferred(ephemeral bool) feature {
	return used(func(e *use) (data, error) {
		if err := e.DeferCreateMessage(ephemeral); err != nil {
			return nil, err
		}
		return nil, edit(e, "late")
	})
}

func original(e *use) (*discord.Message, error) {
	return client.Rest.GetInteractionResponse(e.ApplicationID(), e.Token())
}

// offered is a feature that sends a component and waits for its use.
func offered(component discord.InteractiveComponent, answer func(args, *press) (data, error)) feature {
	return func(a args, ready ready) (data, error) {
		m, err := send(discord.MessageCreate{Content: "choose", Components: []discord.LayoutComponent{discord.NewActionRow(component)}})(a)
		if err != nil {
			return nil, err
		}
		wait := expect(func(e *press) bool { return inGuild(a, e.GuildID()) })
		ready(data{"message": m.ID})
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return answer(a, e)
	}
}

func choose(component discord.InteractiveComponent) feature {
	return offered(component, func(_ args, e *press) (data, error) {
		var values any
		switch d := e.Data.(type) {
		case discord.StringSelectMenuInteractionData:
			values = d.Values
		case discord.UserSelectMenuInteractionData:
			values = d.Values
		case discord.RoleSelectMenuInteractionData:
			values = d.Values
		case discord.MentionableSelectMenuInteractionData:
			values = d.Values
		case discord.ChannelSelectMenuInteractionData:
			values = d.Values
		}
		return data{"values": values}, e.CreateMessage(text("chosen"))
	})
}

// ask answers with a modal and waits for what is submitted.
func ask(a args, answer func(discord.ModalCreate) error, component discord.LabelSubComponent, what func(discord.ModalSubmitInteractionData) data) (data, error) {
	wait := expect(func(e *submit) bool { return inGuild(a, e.GuildID()) })
	if err := answer(discord.NewModalCreate("form", "form", discord.NewLabel("label", component))); err != nil {
		return nil, err
	}
	e, err := wait()
	if err != nil {
		return nil, err
	}
	return what(e.Data), e.CreateMessage(text("thanks"))
}

func written(d discord.ModalSubmitInteractionData) data { return data{"value": d.Text("text")} }

var button = discord.NewPrimaryButton("press", "press")

func digits(p discord.Permissions) string { return strconv.FormatInt(int64(p), 10) }

var interactions = map[string]feature{
	"slash command": answered(func(e *use) (data, error) { return data{"user": e.User().ID}, nil }),
	"options of every type": gotIt(func(d discord.SlashCommandInteractionData) data {
		return data{
			"s": d.String("s"), "i": d.Int("i"), "b": d.Bool("b"), "n": d.Float("n"), "user": d.User("user").ID, "channel": d.Channel("channel").ID,
			"role": d.Role("role").ID, "mentionable": d.Snowflake("mentionable"), "attachment": d.Attachment("attachment").Filename,
		}
	}),
	"sub-command": gotIt(func(d discord.SlashCommandInteractionData) data {
		return data{"sub": *d.SubCommandName, "value": d.String("value")}
	}),
	"sub-command group": gotIt(func(d discord.SlashCommandInteractionData) data {
		return data{"group": *d.SubCommandGroupName, "sub": *d.SubCommandName, "value": d.String("value")}
	}),
	"autocomplete": func(a args, ready ready) (data, error) {
		wait := expect(func(e *events.AutocompleteInteractionCreate) bool { return inGuild(a, e.GuildID()) })
		ready(nil)
		e, err := wait()
		if err != nil {
			return nil, err
		}
		focused := e.Data.Focused()
		return data{"name": focused.Name, "value": focused.String()}, e.AutocompleteResult([]discord.AutocompleteChoice{
			discord.AutocompleteChoiceString{Name: "alpha", Value: "1"}, discord.AutocompleteChoiceString{Name: "alps", Value: "2"},
		})
	},
	"user command": used(func(e *use) (data, error) {
		u := e.UserCommandInteractionData().TargetUser()
		return data{"target": u.ID, "name": u.Username}, e.CreateMessage(text("got it"))
	}),
	"message command": used(func(e *use) (data, error) {
		m := e.MessageCommandInteractionData().TargetMessage()
		return data{"target": m.ID, "content": m.Content}, e.CreateMessage(text("got it"))
	}),
	"ephemeral answer": used(func(e *use) (data, error) {
		return nil, e.CreateMessage(discord.MessageCreate{Content: "pong", Flags: discord.MessageFlagEphemeral})
	}),
	"deferred answer":           deferred(false),
	"deferred ephemeral answer": deferred(true),
	"follow-up":                 followed(func(*use, id) error { return nil }),
	"follow-up edit": followed(func(e *use, more id) error {
		return talk.Second(client.Rest.UpdateFollowupMessage(e.ApplicationID(), e.Token(), more, changed("changed")))
	}),
	"follow-up delete": followed(func(e *use, more id) error {
		return client.Rest.DeleteFollowupMessage(e.ApplicationID(), e.Token(), more)
	}),
	"answer edit": answered(func(e *use) (data, error) { return nil, edit(e, "changed") }),
	"answer fetch": answered(func(e *use) (data, error) {
		m, err := original(e)
		if err != nil {
			return nil, err
		}
		return sent(m), nil
	}),
	"answer delete": answered(func(e *use) (data, error) {
		m, err := original(e)
		if err != nil {
			return nil, err
		}
		return sent(m), client.Rest.DeleteInteractionResponse(e.ApplicationID(), e.Token())
	}),
	"answer with a file": used(func(e *use) (data, error) {
		if err := e.CreateMessage(discord.MessageCreate{Files: notes()}); err != nil {
			return nil, err
		}
		m, err := original(e)
		if err != nil {
			return nil, err
		}
		return sent(m), nil
	}),
	"global command in a direct message": func(a args, ready ready) (data, error) {
		_, err := client.Rest.CreateGlobalCommand(of(a, "app"), discord.SlashCommandCreate{Name: "alone", Description: "alone", Contexts: []discord.InteractionContextType{discord.InteractionContextTypeBotDM}})
		if err != nil {
			return nil, err
		}
		wait := expect(func(e *use) bool { return e.GuildID() == nil })
		ready(nil)
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"channel": e.Channel().ID(), "direct": e.Member() == nil}, e.CreateMessage(text("pong"))
	},
	"permissions of an interaction": func(a args, ready ready) (data, error) {
		return answered(func(e *use) (data, error) {
			may, err := computed(a)
			return data{"own": digits(*e.AppPermissions()), "member": digits(e.Member().Permissions), "computed": digits(may)}, err
		})(a, ready)
	},

	"button": offered(button, func(_ args, e *press) (data, error) {
		return data{"user": e.User().ID}, e.CreateMessage(text("pressed"))
	}),
	"button update": offered(button, func(_ args, e *press) (data, error) {
		return data{"message": e.Message.ID}, e.UpdateMessage(changed("updated"))
	}),
	"button deferred update": offered(button, func(_ args, e *press) (data, error) {
		if err := e.DeferUpdateMessage(); err != nil {
			return nil, err
		}
		return data{"message": e.Message.ID}, talk.Second(client.Rest.UpdateInteractionResponse(e.ApplicationID(), e.Token(), changed("late")))
	}),
	"link button": talk.Gives(send(discord.MessageCreate{Content: "go", Components: []discord.LayoutComponent{discord.NewActionRow(discord.NewLinkButton("there", "https://example.com"))}}), sent),
	"string select": choose(discord.NewStringSelectMenu("choose", "", discord.NewStringSelectMenuOption("a", "a"), discord.NewStringSelectMenuOption("b", "b"),
		discord.NewStringSelectMenuOption("c", "c")).WithMinValues(1).WithMaxValues(2)),
	"user select":        choose(discord.NewUserSelectMenu("choose", "")),
	"role select":        choose(discord.NewRoleSelectMenu("choose", "")),
	"mentionable select": choose(discord.NewMentionableSelectMenu("choose", "")),
	"channel select":     choose(discord.NewChannelSelectMenu("choose", "")),
	"modal": func(a args, ready ready) (data, error) {
		return used(func(e *use) (data, error) {
			return ask(a, func(m discord.ModalCreate) error { return e.Modal(m) }, discord.NewShortTextInput("text"), written)
		})(a, ready)
	},
	"modal of a button": offered(button, func(a args, e *press) (data, error) {
		return ask(a, func(m discord.ModalCreate) error { return e.Modal(m) }, discord.NewParagraphTextInput("text"), written)
	}),
	"modal with a select": func(a args, ready ready) (data, error) {
		menu := discord.NewStringSelectMenu("pick", "", discord.NewStringSelectMenuOption("a", "a"), discord.NewStringSelectMenuOption("b", "b"))
		return used(func(e *use) (data, error) {
			return ask(a, func(m discord.ModalCreate) error { return e.Modal(m) }, menu, func(d discord.ModalSubmitInteractionData) data { return data{"values": d.StringValues("pick")} })
		})(a, ready)
	},
}
