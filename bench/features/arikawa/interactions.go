package main

import (
	"encoding/json"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/json/option"

	"evergreen/bench/features/talk"
)

type interaction struct {
	*gateway.InteractionCreateEvent
}

func (i interaction) respond(kind api.InteractionResponseType, d *api.InteractionResponseData) error {
	return client.RespondInteraction(i.ID, i.Token, api.InteractionResponse{Type: kind, Data: d})
}

func (i interaction) answer(text string) error {
	return i.respond(api.MessageInteractionWithSource, &api.InteractionResponseData{Content: option.NewNullableString(text)})
}

func (i interaction) edit(text string) error {
	return talk.Second(client.EditInteractionResponse(i.AppID, i.Token, api.EditInteractionResponseData{Content: option.NewNullableString(text)}))
}

func (i interaction) original() (*discord.Message, error) {
	return client.InteractionResponse(i.AppID, i.Token)
}

// expectInteraction waits for an interaction with such data in the guild.
func expectInteraction[T discord.InteractionData](a args) func() (interaction, T, error) {
	wait := expect(func(e *gateway.InteractionCreateEvent) bool {
		_, is := e.Data.(T)
		return is && e.GuildID == guildID(a)
	})
	return func() (interaction, T, error) {
		e, err := wait()
		if err != nil {
			var none T
			return interaction{}, none, err
		}
		d, _ := e.Data.(T)
		return interaction{e}, d, nil
	}
}

// used is a feature that waits for the use of a command.
func used(answer func(args, interaction, *discord.CommandInteraction) (data, error)) feature {
	return func(a args, ready ready) (data, error) {
		wait := expectInteraction[*discord.CommandInteraction](a)
		ready(nil)
		i, d, err := wait()
		if err != nil {
			return nil, err
		}
		return answer(a, i, d)
	}
}

// answered is a feature that goes on once a command was answered with "pong".
func answered(further func(args, interaction) (data, error)) feature {
	return used(func(a args, i interaction, _ *discord.CommandInteraction) (data, error) {
		if err := i.answer("pong"); err != nil {
			return nil, err
		}
		return further(a, i)
	})
}

// followed is a feature that goes on once the answer has a follow-up.
func followed(further func(interaction, discord.MessageID) error) feature {
	return answered(func(_ args, i interaction) (data, error) {
		more, err := client.FollowUpInteraction(i.AppID, i.Token, api.InteractionResponseData{Content: option.NewNullableString("more")})
		if err != nil {
			return nil, err
		}
		return data{"id": more.ID}, further(i, more.ID)
	})
}

// gotIt answers with "got it" and says what the options were.
func gotIt(what func(*discord.CommandInteraction) data) feature {
	return used(func(_ args, i interaction, d *discord.CommandInteraction) (data, error) {
		return what(d), i.answer("got it")
	})
}

func deferred(flags discord.MessageFlags) feature {
	return used(func(_ args, i interaction, _ *discord.CommandInteraction) (data, error) {
		if err := i.respond(api.DeferredMessageInteractionWithSource, &api.InteractionResponseData{Flags: flags}); err != nil {
			return nil, err
		}
		return nil, i.edit("late")
	})
}

// value is the value of an option as JSON has it.
func value(o discord.CommandInteractionOption) (v any) {
	_ = json.Unmarshal(o.Value, &v) // the library has read it already
	return v
}

// offered is a feature that sends a component and waits for its use.
func offered[T discord.InteractionData](component func() discord.InteractiveComponent, answer func(args, interaction, T, discord.MessageID) (data, error)) feature {
	return func(a args, ready ready) (data, error) {
		m, err := client.SendMessageComplex(channelID(a, "channel"), api.SendMessageData{Content: "choose", Components: discord.Components(component())})
		if err != nil {
			return nil, err
		}
		wait := expectInteraction[T](a)
		ready(data{"message": m.ID})
		i, d, err := wait()
		if err != nil {
			return nil, err
		}
		return answer(a, i, d, m.ID)
	}
}

func button() discord.InteractiveComponent {
	return &discord.ButtonComponent{Label: "press", CustomID: "press"}
}

func pressed(answer func(args, interaction, discord.MessageID) (data, error)) feature {
	return offered(button, func(a args, i interaction, _ *discord.ButtonInteraction, m discord.MessageID) (data, error) {
		return answer(a, i, m)
	})
}

func choose[T discord.InteractionData](component func() discord.InteractiveComponent, values func(T) any) feature {
	return offered(component, func(_ args, i interaction, d T, _ discord.MessageID) (data, error) {
		return data{"values": values(d)}, i.answer("chosen")
	})
}

// ask answers with a modal and waits for what is submitted.
func ask(a args, i interaction, style discord.TextInputStyle) (data, error) {
	wait := expectInteraction[*discord.ModalInteraction](a)
	err := i.respond(api.ModalResponse, &api.InteractionResponseData{
		CustomID: option.NewNullableString("form"), Title: option.NewNullableString("form"),
		Components: discord.ComponentsPtr(&discord.TextInputComponent{CustomID: "text", Label: "text", Style: style}),
	})
	if err != nil {
		return nil, err
	}
	submitted, d, err := wait()
	if err != nil {
		return nil, err
	}
	text, _ := d.Components.Find("text").(*discord.TextInputComponent)
	return data{"value": text.Value}, submitted.answer("thanks")
}

func said(m *discord.Message, err error) (data, error) {
	if err != nil {
		return nil, err
	}
	return sent(m), nil
}

var interactions = map[string]feature{
	"slash command": answered(func(_ args, i interaction) (data, error) { return data{"user": i.SenderID()}, nil }),
	"options of every type": gotIt(func(d *discord.CommandInteraction) data {
		all := data{}
		for _, o := range d.Options {
			if all[o.Name] = value(o); o.Name == "attachment" {
				id, _ := o.SnowflakeValue()
				all[o.Name] = d.Resolved.Attachments[discord.AttachmentID(id)].Filename
			}
		}
		return all
	}),
	"sub-command": gotIt(func(d *discord.CommandInteraction) data {
		return data{"sub": d.Options[0].Name, "value": value(d.Options[0].Options[0])}
	}),
	"sub-command group": gotIt(func(d *discord.CommandInteraction) data {
		sub := d.Options[0].Options[0]
		return data{"group": d.Options[0].Name, "sub": sub.Name, "value": value(sub.Options[0])}
	}),
	"autocomplete": func(a args, ready ready) (data, error) {
		wait := expectInteraction[*discord.AutocompleteInteraction](a)
		ready(nil)
		i, d, err := wait()
		if err != nil {
			return nil, err
		}
		focused := d.Options.Focused()
		return data{"name": focused.Name, "value": focused.String()}, i.respond(api.AutocompleteResult, &api.InteractionResponseData{
			Choices: api.AutocompleteStringChoices{{Name: "alpha", Value: "1"}, {Name: "alps", Value: "2"}},
		})
	},
	"user command": gotIt(func(d *discord.CommandInteraction) data {
		return data{"target": d.TargetID, "name": d.Resolved.Users[discord.UserID(d.TargetID)].Username}
	}),
	"message command": gotIt(func(d *discord.CommandInteraction) data {
		return data{"target": d.TargetID, "content": d.Resolved.Messages[discord.MessageID(d.TargetID)].Content}
	}),
	"ephemeral answer": used(func(_ args, i interaction, _ *discord.CommandInteraction) (data, error) {
		return nil, i.respond(api.MessageInteractionWithSource, &api.InteractionResponseData{Content: option.NewNullableString("pong"), Flags: discord.EphemeralMessage})
	}),
	"deferred answer":           deferred(0),
	"deferred ephemeral answer": deferred(discord.EphemeralMessage),
	"follow-up":                 followed(func(interaction, discord.MessageID) error { return nil }),
	"follow-up edit": followed(func(i interaction, more discord.MessageID) error {
		return talk.Second(client.EditInteractionFollowup(i.AppID, more, i.Token, api.EditInteractionResponseData{Content: option.NewNullableString("changed")}))
	}),
	"follow-up delete": followed(func(i interaction, more discord.MessageID) error {
		return client.DeleteInteractionFollowup(i.AppID, more, i.Token)
	}),
	"answer edit":  answered(func(_ args, i interaction) (data, error) { return nil, i.edit("changed") }),
	"answer fetch": answered(func(_ args, i interaction) (data, error) { return said(i.original()) }),
	"answer delete": answered(func(_ args, i interaction) (data, error) {
		m, err := i.original()
		if err != nil {
			return nil, err
		}
		return sent(m), client.DeleteInteractionResponse(i.AppID, i.Token)
	}),
	"answer with a file": used(func(_ args, i interaction, _ *discord.CommandInteraction) (data, error) {
		if err := i.respond(api.MessageInteractionWithSource, &api.InteractionResponseData{Files: file("notes.txt", "some notes")}); err != nil {
			return nil, err
		}
		return said(i.original())
	}),
	"global command in a direct message": func(a args, ready ready) (data, error) {
		if _, err := client.CreateCommand(appID(a), api.CreateCommandData{Name: "alone", Description: "alone"}); err != nil {
			return nil, err
		}
		wait := expect(func(e *gateway.InteractionCreateEvent) bool { return !e.GuildID.IsValid() })
		ready(nil)
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"channel": e.ChannelID, "direct": e.Member == nil}, interaction{e}.answer("pong")
	},

	"button": pressed(func(_ args, i interaction, _ discord.MessageID) (data, error) {
		return data{"user": i.SenderID()}, i.answer("pressed")
	}),
	"button update": pressed(func(_ args, i interaction, m discord.MessageID) (data, error) {
		return data{"message": m}, i.respond(api.UpdateMessage, &api.InteractionResponseData{Content: option.NewNullableString("updated")})
	}),
	"button deferred update": pressed(func(_ args, i interaction, m discord.MessageID) (data, error) {
		if err := i.respond(api.DeferredMessageUpdate, nil); err != nil {
			return nil, err
		}
		return data{"message": m}, i.edit("late")
	}),
	"link button": talk.Gives(plain(api.SendMessageData{Content: "go", Components: discord.Components(&discord.ButtonComponent{Label: "there", Style: discord.LinkButtonStyle("https://example.com")})}), sent),
	"string select": choose(func() discord.InteractiveComponent {
		return &discord.StringSelectComponent{CustomID: "choose", ValueLimits: [2]int{1, 2}, Options: []discord.SelectOption{{Label: "a", Value: "a"}, {Label: "b", Value: "b"}, {Label: "c", Value: "c"}}}
	}, func(d *discord.StringSelectInteraction) any { return d.Values }),
	"user select":        choose(func() discord.InteractiveComponent { return &discord.UserSelectComponent{CustomID: "choose"} }, func(d *discord.UserSelectInteraction) any { return d.Values }),
	"role select":        choose(func() discord.InteractiveComponent { return &discord.RoleSelectComponent{CustomID: "choose"} }, func(d *discord.RoleSelectInteraction) any { return d.Values }),
	"mentionable select": choose(func() discord.InteractiveComponent { return &discord.MentionableSelectComponent{CustomID: "choose"} }, func(d *discord.MentionableSelectInteraction) any { return d.Values }),
	"channel select":     choose(func() discord.InteractiveComponent { return &discord.ChannelSelectComponent{CustomID: "choose"} }, func(d *discord.ChannelSelectInteraction) any { return d.Values }),
	"modal": used(func(a args, i interaction, _ *discord.CommandInteraction) (data, error) {
		return ask(a, i, discord.TextInputShortStyle)
	}),
	"modal of a button": pressed(func(a args, i interaction, _ discord.MessageID) (data, error) {
		return ask(a, i, discord.TextInputParagraphStyle)
	}),
}
