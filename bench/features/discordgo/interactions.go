package main

import (
	"strconv"

	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

// interaction is one that has come, and what its answer needs.
type interaction struct{ *discordgo.Interaction }

func (i interaction) respond(kind discordgo.InteractionResponseType, d *discordgo.InteractionResponseData) error {
	return session.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: kind, Data: d})
}

func (i interaction) answer(text string) error {
	return i.respond(discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: text})
}

func (i interaction) edit(text string) error {
	_, err := session.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text})
	return err
}

// user is who has used it.
func (i interaction) user() string {
	if i.Member != nil {
		return i.Member.User.ID
	}
	return i.User.ID
}

// expectInteraction waits for an interaction in the guild.
func expectInteraction(a args, kind discordgo.InteractionType) func() (interaction, error) {
	wait := expect(func(i *discordgo.InteractionCreate) bool { return inGuild(a, i.GuildID) && i.Type == kind })
	return func() (interaction, error) {
		come, err := wait()
		if err != nil {
			return interaction{}, err
		}
		return interaction{come.Interaction}, nil
	}
}

// used is a feature that waits for the use of a command.
func used(answer func(interaction) (data, error)) feature {
	return func(a args, ready ready) (data, error) {
		wait := expectInteraction(a, discordgo.InteractionApplicationCommand)
		ready(nil)
		i, err := wait()
		if err != nil {
			return nil, err
		}
		return answer(i)
	}
}

// answered is a feature that goes on once a command was answered with "pong".
func answered(further func(interaction) (data, error)) feature {
	return used(func(i interaction) (data, error) {
		if err := i.answer("pong"); err != nil {
			return nil, err
		}
		return further(i)
	})
}

// followed is a feature that goes on once the answer has a follow-up.
func followed(further func(interaction, *discordgo.Message) error) feature {
	return answered(func(i interaction) (data, error) {
		more, err := session.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "more"})
		if err != nil {
			return nil, err
		}
		return data{"id": more.ID}, further(i, more)
	})
}

// gotIt answers with "got it" and says what the options were.
func gotIt(what func(discordgo.ApplicationCommandInteractionData) data) feature {
	return used(func(i interaction) (data, error) { return what(i.ApplicationCommandData()), i.answer("got it") })
}

func deferred(flags discordgo.MessageFlags) feature {
	return used(func(i interaction) (data, error) {
		err := i.respond(discordgo.InteractionResponseDeferredChannelMessageWithSource, &discordgo.InteractionResponseData{Flags: flags})
		if err != nil {
			return nil, err
		}
		return nil, i.edit("late")
	})
}

// offered is a feature that sends a component and waits for its use.
func offered(component discordgo.MessageComponent, answer func(a args, i interaction, message string) (data, error)) feature {
	return func(a args, ready ready) (data, error) {
		m, err := send(&discordgo.MessageSend{Content: "choose", Components: []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{component}}}})(a)
		if err != nil {
			return nil, err
		}
		wait := expectInteraction(a, discordgo.InteractionMessageComponent)
		ready(data{"message": m.ID})
		i, err := wait()
		if err != nil {
			return nil, err
		}
		return answer(a, i, m.ID)
	}
}

func choose(menu discordgo.SelectMenu) feature {
	menu.CustomID = "choose"
	return offered(menu, func(_ args, i interaction, _ string) (data, error) {
		return data{"values": i.MessageComponentData().Values}, i.answer("chosen")
	})
}

// ask answers with a modal and waits for what is submitted.
func ask(a args, i interaction, style discordgo.TextInputStyle) (data, error) {
	wait := expectInteraction(a, discordgo.InteractionModalSubmit)
	err := i.respond(discordgo.InteractionResponseModal, &discordgo.InteractionResponseData{CustomID: "form", Title: "form", Components: []discordgo.MessageComponent{
		discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{CustomID: "text", Label: "text", Style: style}}},
	}})
	if err != nil {
		return nil, err
	}
	submitted, err := wait()
	if err != nil {
		return nil, err
	}
	text := submitted.ModalSubmitData().Components[0].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput)
	return data{"value": text.Value}, submitted.answer("thanks")
}

var press = discordgo.Button{Label: "press", CustomID: "press"}

var interactions = map[string]feature{
	"slash command": answered(func(i interaction) (data, error) { return data{"user": i.user()}, nil }),
	"options of every type": gotIt(func(d discordgo.ApplicationCommandInteractionData) data {
		said := data{}
		for _, o := range d.Options {
			switch o.Type {
			case discordgo.ApplicationCommandOptionString:
				said[o.Name] = o.StringValue()
			case discordgo.ApplicationCommandOptionInteger:
				said[o.Name] = o.IntValue()
			case discordgo.ApplicationCommandOptionBoolean:
				said[o.Name] = o.BoolValue()
			case discordgo.ApplicationCommandOptionNumber:
				said[o.Name] = o.FloatValue()
			case discordgo.ApplicationCommandOptionUser:
				said[o.Name] = o.UserValue(nil).ID
			case discordgo.ApplicationCommandOptionChannel:
				said[o.Name] = o.ChannelValue(nil).ID
			case discordgo.ApplicationCommandOptionRole:
				said[o.Name] = o.RoleValue(nil, "").ID
			case discordgo.ApplicationCommandOptionAttachment:
				said[o.Name] = d.Resolved.Attachments[o.Value.(string)].Filename
			default:
				said[o.Name] = o.Value
			}
		}
		return said
	}),
	"sub-command": gotIt(func(d discordgo.ApplicationCommandInteractionData) data {
		return data{"sub": d.Options[0].Name, "value": d.Options[0].Options[0].StringValue()}
	}),
	"sub-command group": gotIt(func(d discordgo.ApplicationCommandInteractionData) data {
		sub := d.Options[0].Options[0]
		return data{"group": d.Options[0].Name, "sub": sub.Name, "value": sub.Options[0].StringValue()}
	}),
	"autocomplete": func(a args, ready ready) (data, error) {
		wait := expectInteraction(a, discordgo.InteractionApplicationCommandAutocomplete)
		ready(nil)
		i, err := wait()
		if err != nil {
			return nil, err
		}
		said := data{}
		for _, o := range i.ApplicationCommandData().Options {
			if o.Focused {
				said = data{"name": o.Name, "value": o.StringValue()}
			}
		}
		return said, i.respond(discordgo.InteractionApplicationCommandAutocompleteResult, &discordgo.InteractionResponseData{
			Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "alpha", Value: "1"}, {Name: "alps", Value: "2"}},
		})
	},
	"user command": gotIt(func(d discordgo.ApplicationCommandInteractionData) data {
		return data{"target": d.TargetID, "name": d.Resolved.Users[d.TargetID].Username}
	}),
	"message command": gotIt(func(d discordgo.ApplicationCommandInteractionData) data {
		return data{"target": d.TargetID, "content": d.Resolved.Messages[d.TargetID].Content}
	}),
	"ephemeral answer": used(func(i interaction) (data, error) {
		return nil, i.respond(discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: "pong", Flags: discordgo.MessageFlagsEphemeral})
	}),
	"deferred answer":           deferred(0),
	"deferred ephemeral answer": deferred(discordgo.MessageFlagsEphemeral),
	"follow-up":                 followed(func(interaction, *discordgo.Message) error { return nil }),
	"follow-up edit": followed(func(i interaction, more *discordgo.Message) error {
		_, err := session.FollowupMessageEdit(i.Interaction, more.ID, &discordgo.WebhookEdit{Content: talk.To("changed")})
		return err
	}),
	"follow-up delete": followed(func(i interaction, more *discordgo.Message) error {
		return session.FollowupMessageDelete(i.Interaction, more.ID)
	}),
	"answer edit": answered(func(i interaction) (data, error) { return nil, i.edit("changed") }),
	"answer fetch": answered(func(i interaction) (data, error) {
		m, err := session.InteractionResponse(i.Interaction)
		if err != nil {
			return nil, err
		}
		return sent(m), nil
	}),
	"answer delete": answered(func(i interaction) (data, error) {
		m, err := session.InteractionResponse(i.Interaction)
		if err != nil {
			return nil, err
		}
		return sent(m), session.InteractionResponseDelete(i.Interaction)
	}),
	"answer with a file": used(func(i interaction) (data, error) {
		err := i.respond(discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Files: notes()})
		if err != nil {
			return nil, err
		}
		m, err := session.InteractionResponse(i.Interaction)
		if err != nil {
			return nil, err
		}
		return sent(m), nil
	}),
	"global command in a direct message": func(a args, ready ready) (data, error) {
		contexts := []discordgo.InteractionContextType{discordgo.InteractionContextBotDM}
		if _, err := register(a, "", &discordgo.ApplicationCommand{Name: "alone", Description: "alone", Contexts: &contexts}); err != nil {
			return nil, err
		}
		wait := expect(func(i *discordgo.InteractionCreate) bool { return i.GuildID == "" })
		ready(nil)
		i, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"channel": i.ChannelID, "direct": i.Member == nil}, interaction{i.Interaction}.answer("pong")
	},
	"permissions of an interaction": func(a args, ready ready) (data, error) {
		return answered(func(i interaction) (data, error) {
			may, err := session.UserChannelPermissions(i.user(), i.ChannelID)
			return data{"own": strconv.FormatInt(i.AppPermissions, 10), "member": strconv.FormatInt(i.Member.Permissions, 10), "computed": strconv.FormatInt(may, 10)}, err
		})(a, ready)
	},

	"button": offered(press, func(_ args, i interaction, _ string) (data, error) {
		return data{"user": i.user()}, i.answer("pressed")
	}),
	"button update": offered(press, func(_ args, i interaction, message string) (data, error) {
		return data{"message": message}, i.respond(discordgo.InteractionResponseUpdateMessage, &discordgo.InteractionResponseData{Content: "updated"})
	}),
	"button deferred update": offered(press, func(_ args, i interaction, message string) (data, error) {
		if err := i.respond(discordgo.InteractionResponseDeferredMessageUpdate, nil); err != nil {
			return nil, err
		}
		return data{"message": message}, i.edit("late")
	}),
	"link button": talk.Gives(send(&discordgo.MessageSend{Content: "go", Components: []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{
		discordgo.Button{Label: "there", Style: discordgo.LinkButton, URL: "https://example.com"},
	}}}}), sent),
	"string select": choose(discordgo.SelectMenu{
		MinValues: talk.To(1), MaxValues: 2, Options: []discordgo.SelectMenuOption{{Label: "a", Value: "a"}, {Label: "b", Value: "b"}, {Label: "c", Value: "c"}},
	}),
	"user select":        choose(discordgo.SelectMenu{MenuType: discordgo.UserSelectMenu}),
	"role select":        choose(discordgo.SelectMenu{MenuType: discordgo.RoleSelectMenu}),
	"mentionable select": choose(discordgo.SelectMenu{MenuType: discordgo.MentionableSelectMenu}),
	"channel select":     choose(discordgo.SelectMenu{MenuType: discordgo.ChannelSelectMenu}),
	"modal": func(a args, ready ready) (data, error) {
		return used(func(i interaction) (data, error) { return ask(a, i, discordgo.TextInputShort) })(a, ready)
	},
	"modal of a button": offered(press, func(a args, i interaction, _ string) (data, error) { return ask(a, i, discordgo.TextInputParagraph) }),
}
