package main

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"

	"evergreen/bench/features/talk"
)

const thumb = "👍"

func sent(m *discord.Message) data { return data{"id": m.ID.String(), "content": m.Content} }

func send(m discord.MessageCreate) func(args) (*discord.Message, error) {
	return func(a args) (*discord.Message, error) { return client.Rest.CreateMessage(of(a, "channel"), m) }
}

func message(a args) (*discord.Message, error) {
	return client.Rest.GetMessage(of(a, "channel"), of(a, "message"))
}

func reply(allowed *discord.AllowedMentions) func(args) (*discord.Message, error) {
	return func(a args) (*discord.Message, error) {
		return send(discord.MessageCreate{Content: "hello", AllowedMentions: allowed, MessageReference: &discord.MessageReference{MessageID: talk.To(of(a, "message"))}})(a)
	}
}

func userIDs(all []discord.User) data {
	return data{"ids": talk.List(all, func(u discord.User) string { return u.ID.String() })}
}

func notes() []*discord.File {
	return []*discord.File{discord.NewFile("notes.txt", "my notes", strings.NewReader("some notes"))}
}

// afterHello is a feature that goes on once "hello" is sent.
func afterHello(further func(*discord.Message) (*discord.Message, error)) feature {
	return talk.Gives(func(a args) (*discord.Message, error) {
		m, err := send(discord.MessageCreate{Content: "hello"})(a)
		if err != nil {
			return nil, err
		}
		return further(m)
	}, sent)
}

var messages = map[string]feature{
	"message create":               talk.Gives(send(discord.MessageCreate{Content: "hello"}), sent),
	"message reply":                talk.Gives(reply(nil), sent),
	"message reply without a ping": talk.Gives(reply(&discord.AllowedMentions{Parse: []discord.AllowedMentionType{}}), sent),
	"message forward": talk.Gives(func(a args) (*discord.Message, error) {
		return client.Rest.CreateMessage(of(a, "news"), discord.MessageCreate{MessageReference: &discord.MessageReference{
			Type: discord.MessageReferenceTypeForward, MessageID: talk.To(of(a, "message")), ChannelID: talk.To(of(a, "channel")),
		}})
	}, sent),
	"message with a nonce": func(a args, _ ready) (data, error) {
		create := send(discord.MessageCreate{Content: "hello", Nonce: "7", EnforceNonce: true})
		first, err := create(a)
		if err != nil {
			return nil, err
		}
		again, err := create(a)
		if err != nil {
			return nil, err
		}
		return data{"id": first.ID, "again": again.ID}, nil
	},
	"silent message": talk.Gives(send(discord.MessageCreate{Content: "hello", Flags: discord.MessageFlagSuppressNotifications}), sent),
	"allowed mentions": talk.Gives(func(a args) (*discord.Message, error) {
		return send(discord.MessageCreate{Content: "<@" + a.Text("person") + "> <@" + a.Text("other") + ">", AllowedMentions: &discord.AllowedMentions{Users: []id{of(a, "person")}}})(a)
	}, sent),
	"role mention": talk.Gives(func(a args) (*discord.Message, error) {
		return send(discord.MessageCreate{Content: "<@&" + a.Text("role") + ">", AllowedMentions: &discord.AllowedMentions{Parse: []discord.AllowedMentionType{discord.AllowedMentionTypeRoles}}})(a)
	}, sent),
	"embed": talk.Gives(send(discord.MessageCreate{Embeds: []discord.Embed{{
		Title: "Title", Description: "text", Color: 0x112233, Fields: []discord.EmbedField{{Name: "a", Value: "b", Inline: talk.To(true)}},
		Footer: &discord.EmbedFooter{Text: "foot"}, Author: &discord.EmbedAuthor{Name: "me"},
	}}}), func(m *discord.Message) data { return data{"id": m.ID, "title": m.Embeds[0].Title} }),
	"attachment upload": talk.Gives(func(a args) (*discord.Message, error) { return send(discord.MessageCreate{Files: notes()})(a) },
		func(m *discord.Message) data {
			return data{"id": m.ID, "name": m.Attachments[0].Filename, "size": m.Attachments[0].Size}
		}),
	"attachment download": talk.Gives(func(a args) (string, error) {
		m, err := message(a)
		if err != nil {
			return "", err
		}
		return talk.Download(m.Attachments[0].URL)
	}, func(text string) data { return data{"text": text} }),
	"attachment in an embed": talk.Gives(send(discord.MessageCreate{
		Embeds: []discord.Embed{{Image: &discord.EmbedResource{URL: "attachment://picture.png"}}}, Files: []*discord.File{discord.NewFile("picture.png", "", bytes.NewReader([]byte("picture")))},
	}), func(m *discord.Message) data { return data{"id": m.ID, "url": m.Embeds[0].Image.URL} }),
	"attachment edit": talk.Gives(func(a args) (*discord.Message, error) {
		m, err := send(discord.MessageCreate{Files: []*discord.File{discord.NewFile("a.txt", "", strings.NewReader("a"))}})(a)
		if err != nil {
			return nil, err
		}
		return client.Rest.UpdateMessage(m.ChannelID, m.ID, discord.MessageUpdate{Attachments: &[]discord.AttachmentUpdate{}, Files: []*discord.File{discord.NewFile("b.txt", "", strings.NewReader("b"))}})
	}, sent),
	"message edit": afterHello(func(m *discord.Message) (*discord.Message, error) {
		return client.Rest.UpdateMessage(m.ChannelID, m.ID, discord.MessageUpdate{Content: talk.To("changed")})
	}),
	"suppress embeds": talk.Gives(func(a args) (*discord.Message, error) {
		m, err := send(discord.MessageCreate{Embeds: []discord.Embed{{Title: "Title"}}})(a)
		if err != nil {
			return nil, err
		}
		return client.Rest.UpdateMessage(m.ChannelID, m.ID, discord.MessageUpdate{Flags: talk.To(discord.MessageFlagSuppressEmbeds)})
	}, sent),
	"message delete": afterHello(func(m *discord.Message) (*discord.Message, error) {
		return m, client.Rest.DeleteMessage(m.ChannelID, m.ID)
	}),
	"bulk delete": talk.Gives(func(a args) ([]discord.Message, error) {
		all, err := client.Rest.GetMessages(of(a, "channel"), 0, 0, 0, 100)
		if err != nil {
			return nil, err
		}
		return all, client.Rest.BulkDeleteMessages(of(a, "channel"), talk.List(all, func(m discord.Message) id { return m.ID }))
	}, func(all []discord.Message) data { return data{"count": len(all)} }),
	"message fetch": talk.Gives(message, func(m *discord.Message) data { return data{"content": m.Content, "author": m.Author.ID} }),
	"message history": talk.Gives(func(a args) ([]discord.Message, error) {
		last, err := client.Rest.GetMessages(of(a, "channel"), 0, 0, 0, 3)
		if err != nil {
			return nil, err
		}
		before, err := client.Rest.GetMessages(of(a, "channel"), 0, last[2].ID, 0, 2)
		return append(last, before...), err
	}, func(all []discord.Message) data {
		return data{"contents": talk.List(all, func(m discord.Message) string { return m.Content })}
	}),
	"message search": talk.Gives(func(a args) (*discord.GuildMessagesSearchResult, error) {
		return client.Rest.SearchGuildMessages(context.Background(), of(a, "guild"), discord.GuildMessagesSearch{Content: "needle"})
	}, func(found *discord.GuildMessagesSearchResult) data {
		return data{"total": found.TotalResults, "content": found.Messages[0].Content}
	}),
	"crosspost": talk.Gives(func(a args) (*discord.Message, error) {
		m, err := client.Rest.CreateMessage(of(a, "news"), discord.MessageCreate{Content: "news"})
		if err != nil {
			return nil, err
		}
		return client.Rest.CrosspostMessage(m.ChannelID, m.ID)
	}, sent),
	"follow announcements": talk.Gives(func(a args) (*discord.FollowedChannel, error) {
		return client.Rest.Follow(of(a, "news"), of(a, "channel"))
	},
		func(f *discord.FollowedChannel) data { return data{"id": f.WebhookID} }),
	"pin":   talk.Done(func(a args) error { return client.Rest.PinMessage(of(a, "channel"), of(a, "message")) }),
	"unpin": talk.Done(func(a args) error { return client.Rest.UnpinMessage(of(a, "channel"), of(a, "message")) }),
	"list pins": talk.Gives(func(a args) (*discord.ChannelPins, error) {
		return client.Rest.GetChannelPins(of(a, "channel"), time.Time{}, 50)
	},
		func(pins *discord.ChannelPins) data {
			return data{"ids": talk.List(pins.Items, func(p discord.MessagePin) string { return p.Message.ID.String() })}
		}),
	"typing": talk.Done(func(a args) error { return client.Rest.SendTyping(of(a, "channel")) }),
	"components v2": talk.Gives(send(discord.MessageCreate{Flags: discord.MessageFlagIsComponentsV2, Components: []discord.LayoutComponent{discord.NewContainer(
		discord.NewTextDisplay("hello"), discord.NewSmallSeparator(), discord.NewSection(discord.NewTextDisplay("side")).WithAccessory(discord.NewPrimaryButton("b", "b")),
	)}}), sent),
	"rate limit": talk.Gives(func(a args) (int, error) {
		var all sync.WaitGroup
		errs := make([]error, 7)
		for i := range errs {
			all.Go(func() { errs[i] = talk.Second(send(discord.MessageCreate{Content: strconv.Itoa(i)})(a)) })
		}
		all.Wait()
		for i, err := range errs {
			if err != nil {
				return i, err
			}
		}
		return len(errs), nil
	}, func(count int) data { return data{"count": count} }),

	"reaction add": talk.Done(func(a args) error { return client.Rest.AddReaction(of(a, "channel"), of(a, "message"), thumb) }),
	"custom emoji reaction": talk.Done(func(a args) error {
		return client.Rest.AddReaction(of(a, "channel"), of(a, "message"), "smile:"+a.Text("emoji"))
	}),
	"reaction remove": talk.Done(func(a args) error {
		if err := client.Rest.AddReaction(of(a, "channel"), of(a, "message"), thumb); err != nil {
			return err
		}
		return client.Rest.RemoveOwnReaction(of(a, "channel"), of(a, "message"), thumb)
	}),
	"reaction of another": talk.Done(func(a args) error {
		return client.Rest.RemoveUserReaction(of(a, "channel"), of(a, "message"), thumb, of(a, "person"))
	}),
	"reactions of an emoji": talk.Done(func(a args) error {
		return client.Rest.RemoveAllReactionsForEmoji(of(a, "channel"), of(a, "message"), thumb)
	}),
	"reactions clear": talk.Done(func(a args) error { return client.Rest.RemoveAllReactions(of(a, "channel"), of(a, "message")) }),
	"reaction list": talk.Gives(func(a args) ([]discord.User, error) {
		return client.Rest.GetReactions(of(a, "channel"), of(a, "message"), thumb, discord.MessageReactionTypeNormal, 0, 100)
	}, userIDs),

	"poll create": talk.Gives(send(discord.MessageCreate{Poll: &discord.PollCreate{Question: discord.PollMedia{Text: talk.To("Tea?")}, Duration: 2, Answers: []discord.PollMedia{
		{Text: talk.To("yes"), Emoji: &discord.PartialEmoji{Name: talk.To("🍵")}}, {Text: talk.To("no")},
	}}}), sent),
	"poll voters": talk.Gives(func(a args) ([]discord.User, error) {
		return client.Rest.GetPollAnswerVotes(of(a, "channel"), of(a, "message"), 1, 0, 100)
	}, userIDs),
	"poll end": talk.Gives(func(a args) (*discord.Message, error) {
		return client.Rest.ExpirePoll(of(a, "channel"), of(a, "message"))
	}, sent),
	"poll results": talk.Gives(message, func(m *discord.Message) data {
		for _, count := range m.Poll.Results.AnswerCounts {
			if count.ID == 1 {
				return data{"votes": count.Count}
			}
		}
		return data{"votes": 0}
	}),
}

func messageIn(a args, e *events.MessageCreate) bool { return e.ChannelID == of(a, "channel") }

func reacted(emoji discord.PartialEmoji, user id) data {
	return data{"emoji": *emoji.Name, "user": user}
}

var messageEvents = map[string]feature{
	"message event": told(messageIn, func(e *events.MessageCreate) data {
		return data{"content": e.Message.Content, "author": e.Message.Author.ID}
	}),
	"mention event": told(messageIn, func(e *events.MessageCreate) data {
		return data{"mentions": talk.List(e.Message.Mentions, func(u discord.User) string { return u.ID.String() })}
	}),
	"reply event": func(a args, ready ready) (data, error) {
		asked, err := send(discord.MessageCreate{Content: "ask me"})(a)
		if err != nil {
			return nil, err
		}
		wait := expect(func(e *events.MessageCreate) bool { return messageIn(a, e) && e.Message.MessageReference != nil })
		ready(data{"id": asked.ID})
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"id": e.Message.ReferencedMessage.ID, "content": e.Message.Content}, nil
	},
	"message edit event":   told(func(a args, e *events.MessageUpdate) bool { return e.ChannelID == of(a, "channel") }, func(e *events.MessageUpdate) data { return sent(&e.Message) }),
	"message delete event": told(func(a args, e *events.MessageDelete) bool { return e.ChannelID == of(a, "channel") }, func(e *events.MessageDelete) data { return data{"id": e.MessageID} }),
	"bulk delete event": func(a args, ready ready) (data, error) {
		// disgo tells of each message on its own.
		gone := make(chan id, 100)
		wait := expect(func(e *events.MessageDelete) bool {
			if e.ChannelID == of(a, "channel") {
				gone <- e.MessageID
			}
			return e.ChannelID == of(a, "channel")
		})
		ready(nil)
		_, err := wait()
		for before := 0; before < len(gone); before = len(gone) {
			time.Sleep(100 * time.Millisecond) // until no more come
		}
		return data{"count": len(gone)}, err
	},
	"pins event":       told(func(a args, e *events.GuildChannelPinsUpdate) bool { return e.ChannelID == of(a, "channel") }, func(e *events.GuildChannelPinsUpdate) data { return data{"channel": e.ChannelID} }),
	"typing event":     told(func(a args, e *events.UserTypingStart) bool { return e.ChannelID == of(a, "channel") }, func(e *events.UserTypingStart) data { return data{"user": e.UserID} }),
	"attachment event": told(messageIn, func(e *events.MessageCreate) data { return data{"name": e.Message.Attachments[0].Filename} }),
	"webhook message event": told(messageIn, func(e *events.MessageCreate) data {
		return data{"content": e.Message.Content, "webhook": *e.Message.WebhookID}
	}),
	"crosspost event": told(func(a args, e *events.MessageUpdate) bool { return e.ChannelID == of(a, "news") }, func(e *events.MessageUpdate) data { return data{"id": e.MessageID, "flags": e.Message.Flags} }),

	"reaction add event":          told(func(a args, e *events.MessageReactionAdd) bool { return e.MessageID == of(a, "message") }, func(e *events.MessageReactionAdd) data { return reacted(e.Emoji, e.UserID) }),
	"reaction remove event":       told(func(a args, e *events.MessageReactionRemove) bool { return e.MessageID == of(a, "message") }, func(e *events.MessageReactionRemove) data { return reacted(e.Emoji, e.UserID) }),
	"reactions of an emoji event": told(func(a args, e *events.MessageReactionRemoveEmoji) bool { return e.MessageID == of(a, "message") }, func(e *events.MessageReactionRemoveEmoji) data { return reacted(e.Emoji, 0) }),
	"reactions clear event":       told(func(a args, e *events.MessageReactionRemoveAll) bool { return e.MessageID == of(a, "message") }, func(e *events.MessageReactionRemoveAll) data { return data{"id": e.MessageID} }),
}
