package main

import (
	"strconv"
	"strings"
	"sync"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/json/option"
	"github.com/diamondburned/arikawa/v3/utils/sendpart"

	"evergreen/bench/features/talk"
)

const thumb = discord.APIEmoji("👍")

func sent(m *discord.Message) data { return data{"id": m.ID.String(), "content": m.Content} }

func send(make func(args) api.SendMessageData) func(args) (*discord.Message, error) {
	return func(a args) (*discord.Message, error) {
		return client.SendMessageComplex(channelID(a, "channel"), make(a))
	}
}

func plain(m api.SendMessageData) func(args) (*discord.Message, error) {
	return send(func(args) api.SendMessageData { return m })
}

func message(a args) (*discord.Message, error) {
	return client.Client.Message(channelID(a, "channel"), messageID(a))
}

func file(name, text string) []sendpart.File {
	return []sendpart.File{{Name: name, Reader: strings.NewReader(text)}}
}

func reply(allowed *api.AllowedMentions) feature {
	return talk.Gives(send(func(a args) api.SendMessageData {
		return api.SendMessageData{Content: "hello", Reference: &discord.MessageReference{MessageID: messageID(a)}, AllowedMentions: allowed}
	}), sent)
}

// afterHello is a feature that goes on once "hello" is sent.
func afterHello(further func(*discord.Message) (*discord.Message, error)) feature {
	return talk.Gives(func(a args) (*discord.Message, error) {
		m, err := client.SendMessage(channelID(a, "channel"), "hello")
		if err != nil {
			return nil, err
		}
		return further(m)
	}, sent)
}

func userIDs(all []discord.User) data {
	return data{"ids": talk.List(all, func(u discord.User) string { return u.ID.String() })}
}

var messages = map[string]feature{
	"message create":               talk.Gives(plain(api.SendMessageData{Content: "hello"}), sent),
	"message reply":                reply(nil),
	"message reply without a ping": reply(&api.AllowedMentions{Parse: []api.AllowedMentionType{}, RepliedUser: option.False}),
	"message forward": talk.Gives(func(a args) (*discord.Message, error) {
		return client.SendMessageComplex(channelID(a, "news"), api.SendMessageData{Reference: &discord.MessageReference{
			Type: discord.MessageReferenceTypeForward, MessageID: messageID(a), ChannelID: channelID(a, "channel"),
		}})
	}, sent),
	"silent message": talk.Gives(plain(api.SendMessageData{Content: "hello", Flags: discord.SuppressNotifications}), sent),
	"allowed mentions": talk.Gives(send(func(a args) api.SendMessageData {
		return api.SendMessageData{Content: "<@" + a.Text("person") + "> <@" + a.Text("other") + ">", AllowedMentions: &api.AllowedMentions{Users: []discord.UserID{userID(a, "person")}}}
	}), sent),
	"role mention": talk.Gives(send(func(a args) api.SendMessageData {
		return api.SendMessageData{Content: "<@&" + a.Text("role") + ">", AllowedMentions: &api.AllowedMentions{Parse: []api.AllowedMentionType{api.AllowRoleMention}}}
	}), sent),
	"embed": talk.Gives(plain(api.SendMessageData{Embeds: []discord.Embed{{
		Title: "Title", Description: "text", Color: 0x112233, Fields: []discord.EmbedField{{Name: "a", Value: "b", Inline: true}},
		Footer: &discord.EmbedFooter{Text: "foot"}, Author: &discord.EmbedAuthor{Name: "me"},
	}}}), func(m *discord.Message) data { return data{"id": m.ID, "title": m.Embeds[0].Title} }),
	"attachment download": talk.Gives(func(a args) (string, error) {
		m, err := message(a)
		if err != nil {
			return "", err
		}
		return talk.Download(m.Attachments[0].URL)
	}, func(text string) data { return data{"text": text} }),
	"attachment in an embed": talk.Gives(send(func(args) api.SendMessageData {
		return api.SendMessageData{Embeds: []discord.Embed{{Image: &discord.EmbedImage{URL: "attachment://picture.png"}}}, Files: file("picture.png", "picture")}
	}), func(m *discord.Message) data { return data{"id": m.ID, "url": m.Embeds[0].Image.URL} }),
	"attachment edit": talk.Gives(func(a args) (*discord.Message, error) {
		m, err := client.SendMessageComplex(channelID(a, "channel"), api.SendMessageData{Files: file("a.txt", "a")})
		if err != nil {
			return nil, err
		}
		return client.EditMessageComplex(m.ChannelID, m.ID, api.EditMessageData{Attachments: &[]discord.Attachment{}, Files: file("b.txt", "b")})
	}, sent),
	"message edit": afterHello(func(m *discord.Message) (*discord.Message, error) {
		return client.EditMessage(m.ChannelID, m.ID, "changed")
	}),
	"suppress embeds": talk.Gives(func(a args) (*discord.Message, error) {
		m, err := client.SendEmbeds(channelID(a, "channel"), discord.Embed{Title: "Title"})
		if err != nil {
			return nil, err
		}
		return client.EditMessageComplex(m.ChannelID, m.ID, api.EditMessageData{Flags: talk.To(discord.SuppressEmbeds)})
	}, sent),
	"message delete": afterHello(func(m *discord.Message) (*discord.Message, error) {
		return m, client.DeleteMessage(m.ChannelID, m.ID, "")
	}),
	"bulk delete": talk.Gives(func(a args) ([]discord.Message, error) {
		all, err := client.Client.Messages(channelID(a, "channel"), 100)
		if err != nil {
			return nil, err
		}
		return all, client.DeleteMessages(channelID(a, "channel"), talk.List(all, func(m discord.Message) discord.MessageID { return m.ID }), "")
	}, func(all []discord.Message) data { return data{"count": len(all)} }),
	"message fetch": talk.Gives(message, func(m *discord.Message) data { return data{"content": m.Content, "author": m.Author.ID} }),
	"message history": talk.Gives(func(a args) ([]discord.Message, error) {
		last, err := client.Client.Messages(channelID(a, "channel"), 3)
		if err != nil {
			return nil, err
		}
		before, err := client.MessagesBefore(channelID(a, "channel"), last[2].ID, 2)
		return append(last, before...), err
	}, func(all []discord.Message) data {
		return data{"contents": talk.List(all, func(m discord.Message) string { return m.Content })}
	}),
	"message search": talk.Gives(func(a args) (api.SearchResponse, error) {
		return client.Search(guildID(a), api.SearchData{Content: "needle"})
	},
		func(r api.SearchResponse) data {
			return data{"total": r.TotalResults, "content": r.Messages[0][0].Content}
		}),
	"crosspost": talk.Gives(func(a args) (*discord.Message, error) {
		m, err := client.SendMessage(channelID(a, "news"), "news")
		if err != nil {
			return nil, err
		}
		return client.CrosspostMessage(m.ChannelID, m.ID)
	}, sent),
	"pin":   talk.Done(func(a args) error { return client.PinMessage(channelID(a, "channel"), messageID(a), "") }),
	"unpin": talk.Done(func(a args) error { return client.UnpinMessage(channelID(a, "channel"), messageID(a), "") }),
	"list pins": talk.Gives(func(a args) ([]discord.Message, error) { return client.PinnedMessages(channelID(a, "channel")) },
		func(all []discord.Message) data {
			return data{"ids": talk.List(all, func(m discord.Message) string { return m.ID.String() })}
		}),
	"typing": talk.Done(func(a args) error { return client.Typing(channelID(a, "channel")) }),
	"rate limit": talk.Gives(func(a args) (int, error) {
		var all sync.WaitGroup
		errs := make([]error, 7)
		for i := range errs {
			all.Go(func() { errs[i] = talk.Second(client.SendMessage(channelID(a, "channel"), strconv.Itoa(i))) })
		}
		all.Wait()
		for i, err := range errs {
			if err != nil {
				return i, err
			}
		}
		return len(errs), nil
	}, func(count int) data { return data{"count": count} }),

	"reaction add": talk.Done(func(a args) error { return client.React(channelID(a, "channel"), messageID(a), thumb) }),
	"custom emoji reaction": talk.Done(func(a args) error {
		return client.React(channelID(a, "channel"), messageID(a), discord.NewAPIEmoji(talk.ID[discord.EmojiID](a, "emoji"), "smile"))
	}),
	"reaction remove": talk.Done(func(a args) error {
		if err := client.React(channelID(a, "channel"), messageID(a), thumb); err != nil {
			return err
		}
		return client.Unreact(channelID(a, "channel"), messageID(a), thumb)
	}),
	"reaction of another": talk.Done(func(a args) error {
		return client.DeleteUserReaction(channelID(a, "channel"), messageID(a), userID(a, "person"), thumb)
	}),
	"reactions of an emoji": talk.Done(func(a args) error { return client.DeleteReactions(channelID(a, "channel"), messageID(a), thumb) }),
	"reactions clear":       talk.Done(func(a args) error { return client.DeleteAllReactions(channelID(a, "channel"), messageID(a)) }),
	"reaction list": talk.Gives(func(a args) ([]discord.User, error) {
		return client.Reactions(channelID(a, "channel"), messageID(a), thumb, 100)
	}, userIDs),
}

func inChannel(a args, id discord.ChannelID) bool { return id == channelID(a, "channel") }

func messageIn(a args, e *gateway.MessageCreateEvent) bool { return inChannel(a, e.ChannelID) }

func reacted(emoji discord.Emoji, user discord.UserID) data {
	return data{"emoji": emoji.Name, "user": user}
}

var messageEvents = map[string]feature{
	"message event": told(messageIn, func(e *gateway.MessageCreateEvent) data { return data{"content": e.Content, "author": e.Author.ID} }),
	"mention event": told(messageIn, func(e *gateway.MessageCreateEvent) data {
		return data{"mentions": talk.List(e.Mentions, func(u discord.GuildUser) string { return u.ID.String() })}
	}),
	"reply event": func(a args, ready ready) (data, error) {
		asked, err := client.SendMessage(channelID(a, "channel"), "ask me")
		if err != nil {
			return nil, err
		}
		wait := expect(func(e *gateway.MessageCreateEvent) bool { return messageIn(a, e) && e.Reference != nil })
		ready(data{"id": asked.ID})
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"id": e.ReferencedMessage.ID, "content": e.Content}, nil
	},
	"message edit event":   told(func(a args, e *gateway.MessageUpdateEvent) bool { return inChannel(a, e.ChannelID) }, func(e *gateway.MessageUpdateEvent) data { return sent(&e.Message) }),
	"message delete event": told(func(a args, e *gateway.MessageDeleteEvent) bool { return inChannel(a, e.ChannelID) }, func(e *gateway.MessageDeleteEvent) data { return data{"id": e.ID} }),
	"bulk delete event":    told(func(a args, e *gateway.MessageDeleteBulkEvent) bool { return inChannel(a, e.ChannelID) }, func(e *gateway.MessageDeleteBulkEvent) data { return data{"count": len(e.IDs)} }),
	"pins event":           told(func(a args, e *gateway.ChannelPinsUpdateEvent) bool { return inChannel(a, e.ChannelID) }, func(e *gateway.ChannelPinsUpdateEvent) data { return data{"channel": e.ChannelID} }),
	"typing event":         told(func(a args, e *gateway.TypingStartEvent) bool { return inChannel(a, e.ChannelID) }, func(e *gateway.TypingStartEvent) data { return data{"user": e.UserID} }),
	"attachment event":     told(messageIn, func(e *gateway.MessageCreateEvent) data { return data{"name": e.Attachments[0].Filename} }),
	"webhook message event": told(messageIn, func(e *gateway.MessageCreateEvent) data {
		return data{"content": e.Content, "webhook": e.WebhookID}
	}),
	"crosspost event":             told(func(a args, e *gateway.MessageUpdateEvent) bool { return e.ChannelID == channelID(a, "news") }, func(e *gateway.MessageUpdateEvent) data { return data{"id": e.ID, "flags": e.Flags} }),
	"reaction add event":          told(func(a args, e *gateway.MessageReactionAddEvent) bool { return e.MessageID == messageID(a) }, func(e *gateway.MessageReactionAddEvent) data { return reacted(e.Emoji, e.UserID) }),
	"reaction remove event":       told(func(a args, e *gateway.MessageReactionRemoveEvent) bool { return e.MessageID == messageID(a) }, func(e *gateway.MessageReactionRemoveEvent) data { return reacted(e.Emoji, e.UserID) }),
	"reactions of an emoji event": told(func(a args, e *gateway.MessageReactionRemoveEmojiEvent) bool { return e.MessageID == messageID(a) }, func(e *gateway.MessageReactionRemoveEmojiEvent) data { return reacted(e.Emoji, 0) }),
	"reactions clear event":       told(func(a args, e *gateway.MessageReactionRemoveAllEvent) bool { return e.MessageID == messageID(a) }, func(e *gateway.MessageReactionRemoveAllEvent) data { return data{"id": e.MessageID} }),
}
