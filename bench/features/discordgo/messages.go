package main

import (
	"bytes"
	"strings"
	"sync"

	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

const thumb = "👍"

func sent(m *discordgo.Message) data { return data{"id": m.ID, "content": m.Content} }

func send(m *discordgo.MessageSend) func(args) (*discordgo.Message, error) {
	return func(a args) (*discordgo.Message, error) {
		return session.ChannelMessageSendComplex(a.Text("channel"), m)
	}
}

func message(a args) (*discordgo.Message, error) {
	return session.ChannelMessage(a.Text("channel"), a.Text("message"))
}

func reply(allowed *discordgo.MessageAllowedMentions) func(args) (*discordgo.Message, error) {
	return func(a args) (*discordgo.Message, error) {
		asked, err := message(a)
		if err != nil {
			return nil, err
		}
		return session.ChannelMessageSendComplex(a.Text("channel"), &discordgo.MessageSend{Content: "hello", Reference: asked.Reference(), AllowedMentions: allowed})
	}
}

func contents(all []*discordgo.Message) []string {
	return talk.List(all, func(m *discordgo.Message) string { return m.Content })
}

func userIDs(all []*discordgo.User) data {
	return data{"ids": talk.List(all, func(u *discordgo.User) string { return u.ID })}
}

var messages = map[string]feature{
	"message create":               talk.Gives(send(&discordgo.MessageSend{Content: "hello"}), sent),
	"message reply":                talk.Gives(reply(nil), sent),
	"message reply without a ping": talk.Gives(reply(&discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}}), sent),
	"message forward": talk.Gives(func(a args) (*discordgo.Message, error) {
		return session.ChannelMessageSendComplex(a.Text("news"), &discordgo.MessageSend{Reference: &discordgo.MessageReference{
			Type: discordgo.MessageReferenceTypeForward, MessageID: a.Text("message"), ChannelID: a.Text("channel"), GuildID: a.Text("guild"),
		}})
	}, sent),
	"silent message": talk.Gives(send(&discordgo.MessageSend{Content: "hello", Flags: discordgo.MessageFlagsSuppressNotifications}), sent),
	"allowed mentions": talk.Gives(func(a args) (*discordgo.Message, error) {
		return send(&discordgo.MessageSend{
			Content:         "<@" + a.Text("person") + "> <@" + a.Text("other") + ">",
			AllowedMentions: &discordgo.MessageAllowedMentions{Users: []string{a.Text("person")}},
		})(a)
	}, sent),
	"role mention": talk.Gives(func(a args) (*discordgo.Message, error) {
		return send(&discordgo.MessageSend{Content: "<@&" + a.Text("role") + ">", AllowedMentions: &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{"roles"}}})(a)
	}, sent),
	"embed": talk.Gives(send(&discordgo.MessageSend{Embeds: []*discordgo.MessageEmbed{{
		Title: "Title", Description: "text", Color: 0x112233, Fields: []*discordgo.MessageEmbedField{{Name: "a", Value: "b", Inline: true}},
		Footer: &discordgo.MessageEmbedFooter{Text: "foot"}, Author: &discordgo.MessageEmbedAuthor{Name: "me"},
	}}}), func(m *discordgo.Message) data { return data{"id": m.ID, "title": m.Embeds[0].Title} }),
	"attachment download": talk.Gives(func(a args) (string, error) {
		m, err := message(a)
		if err != nil {
			return "", err
		}
		return talk.Download(m.Attachments[0].URL)
	}, func(text string) data { return data{"text": text} }),
	"attachment in an embed": talk.Gives(send(&discordgo.MessageSend{
		Embeds: []*discordgo.MessageEmbed{{Image: &discordgo.MessageEmbedImage{URL: "attachment://picture.png"}}},
		Files:  []*discordgo.File{{Name: "picture.png", Reader: bytes.NewReader([]byte("picture"))}},
	}), func(m *discordgo.Message) data { return data{"id": m.ID, "url": m.Embeds[0].Image.URL} }),
	"attachment edit": talk.Gives(func(a args) (*discordgo.Message, error) {
		m, err := session.ChannelFileSend(a.Text("channel"), "a.txt", strings.NewReader("a"))
		if err != nil {
			return nil, err
		}
		return session.ChannelMessageEditComplex(&discordgo.MessageEdit{
			ID: m.ID, Channel: m.ChannelID, Attachments: &[]*discordgo.MessageAttachment{}, Files: []*discordgo.File{{Name: "b.txt", Reader: strings.NewReader("b")}},
		})
	}, sent),
	"message edit": talk.Gives(func(a args) (*discordgo.Message, error) {
		m, err := session.ChannelMessageSend(a.Text("channel"), "hello")
		if err != nil {
			return nil, err
		}
		return session.ChannelMessageEdit(m.ChannelID, m.ID, "changed")
	}, sent),
	"suppress embeds": talk.Gives(func(a args) (*discordgo.Message, error) {
		m, err := send(&discordgo.MessageSend{Embeds: []*discordgo.MessageEmbed{{Title: "Title"}}})(a)
		if err != nil {
			return nil, err
		}
		return session.ChannelMessageEditComplex(&discordgo.MessageEdit{ID: m.ID, Channel: m.ChannelID, Flags: discordgo.MessageFlagsSuppressEmbeds})
	}, sent),
	"message delete": talk.Gives(func(a args) (*discordgo.Message, error) {
		m, err := session.ChannelMessageSend(a.Text("channel"), "hello")
		if err != nil {
			return nil, err
		}
		return m, session.ChannelMessageDelete(m.ChannelID, m.ID)
	}, sent),
	"bulk delete": talk.Gives(func(a args) ([]*discordgo.Message, error) {
		all, err := session.ChannelMessages(a.Text("channel"), 100, "", "", "")
		if err != nil {
			return nil, err
		}
		return all, session.ChannelMessagesBulkDelete(a.Text("channel"), talk.List(all, func(m *discordgo.Message) string { return m.ID }))
	}, func(all []*discordgo.Message) data { return data{"count": len(all)} }),
	"message fetch": talk.Gives(message, func(m *discordgo.Message) data { return data{"content": m.Content, "author": m.Author.ID} }),
	"message history": talk.Gives(func(a args) ([]*discordgo.Message, error) {
		last, err := session.ChannelMessages(a.Text("channel"), 3, "", "", "")
		if err != nil {
			return nil, err
		}
		before, err := session.ChannelMessages(a.Text("channel"), 2, last[2].ID, "", "")
		return append(last, before...), err
	}, func(all []*discordgo.Message) data { return data{"contents": contents(all)} }),
	"crosspost": talk.Gives(func(a args) (*discordgo.Message, error) {
		m, err := session.ChannelMessageSend(a.Text("news"), "news")
		if err != nil {
			return nil, err
		}
		return session.ChannelMessageCrosspost(m.ChannelID, m.ID)
	}, sent),
	"follow announcements": talk.Gives(func(a args) (*discordgo.ChannelFollow, error) {
		return session.ChannelNewsFollow(a.Text("news"), a.Text("channel"))
	},
		func(f *discordgo.ChannelFollow) data { return data{"id": f.WebhookID} }),
	"pin":   talk.Done(func(a args) error { return session.ChannelMessagePin(a.Text("channel"), a.Text("message")) }),
	"unpin": talk.Done(func(a args) error { return session.ChannelMessageUnpin(a.Text("channel"), a.Text("message")) }),
	"list pins": talk.Gives(func(a args) ([]*discordgo.Message, error) { return session.ChannelMessagesPinned(a.Text("channel")) },
		func(all []*discordgo.Message) data {
			return data{"ids": talk.List(all, func(m *discordgo.Message) string { return m.ID })}
		}),
	"typing": talk.Done(func(a args) error { return session.ChannelTyping(a.Text("channel")) }),
	"components v2": talk.Gives(send(&discordgo.MessageSend{Flags: discordgo.MessageFlagsIsComponentsV2, Components: []discordgo.MessageComponent{
		discordgo.Container{Components: []discordgo.MessageComponent{
			discordgo.TextDisplay{Content: "hello"}, discordgo.Separator{},
			discordgo.Section{Components: []discordgo.MessageComponent{discordgo.TextDisplay{Content: "side"}}, Accessory: discordgo.Button{Label: "b", CustomID: "b"}},
		}},
	}}), sent),
	"rate limit": talk.Gives(func(a args) (int, error) {
		var all sync.WaitGroup
		errs := make(chan error, 7)
		for range 7 {
			all.Go(func() {
				_, err := session.ChannelMessageSend(a.Text("channel"), "hello")
				errs <- err
			})
		}
		all.Wait()
		close(errs)
		count := 0
		for err := range errs {
			if err != nil {
				return 0, err
			}
			count++
		}
		return count, nil
	}, func(count int) data { return data{"count": count} }),

	"reaction add": talk.Done(func(a args) error { return session.MessageReactionAdd(a.Text("channel"), a.Text("message"), thumb) }),
	"custom emoji reaction": talk.Done(func(a args) error {
		return session.MessageReactionAdd(a.Text("channel"), a.Text("message"), "smile:"+a.Text("emoji"))
	}),
	"reaction remove": talk.Done(func(a args) error {
		if err := session.MessageReactionAdd(a.Text("channel"), a.Text("message"), thumb); err != nil {
			return err
		}
		return session.MessageReactionRemove(a.Text("channel"), a.Text("message"), thumb, "@me")
	}),
	"reaction of another": talk.Done(func(a args) error {
		return session.MessageReactionRemove(a.Text("channel"), a.Text("message"), thumb, a.Text("person"))
	}),
	"reactions of an emoji": talk.Done(func(a args) error {
		return session.MessageReactionsRemoveEmoji(a.Text("channel"), a.Text("message"), thumb)
	}),
	"reactions clear": talk.Done(func(a args) error { return session.MessageReactionsRemoveAll(a.Text("channel"), a.Text("message")) }),
	"reaction list": talk.Gives(func(a args) ([]*discordgo.User, error) {
		return session.MessageReactions(a.Text("channel"), a.Text("message"), thumb, 100, "", "")
	}, userIDs),

	"poll create": talk.Gives(send(&discordgo.MessageSend{Poll: &discordgo.Poll{Question: discordgo.PollMedia{Text: "Tea?"}, Duration: 2, Answers: []discordgo.PollAnswer{
		{Media: &discordgo.PollMedia{Text: "yes", Emoji: &discordgo.ComponentEmoji{Name: "🍵"}}}, {Media: &discordgo.PollMedia{Text: "no"}},
	}}}), sent),
	"poll voters": talk.Gives(func(a args) ([]*discordgo.User, error) {
		return session.PollAnswerVoters(a.Text("channel"), a.Text("message"), 1)
	}, userIDs),
	"poll end": talk.Gives(func(a args) (*discordgo.Message, error) {
		return session.PollExpire(a.Text("channel"), a.Text("message"))
	}, sent),
	"poll results": talk.Gives(message, func(m *discordgo.Message) data {
		for _, count := range m.Poll.Results.AnswerCounts {
			if count.ID == 1 {
				return data{"votes": count.Count}
			}
		}
		return data{"votes": 0}
	}),
}

func inChannel(a args, channel string) bool { return channel == a.Text("channel") }

func messageIn(a args, m *discordgo.MessageCreate) bool { return inChannel(a, m.ChannelID) }

func ofMessage(a args, r *discordgo.MessageReaction) bool { return r.MessageID == a.Text("message") }

func reacted(r *discordgo.MessageReaction) data {
	return data{"id": r.MessageID, "emoji": r.Emoji.Name, "user": r.UserID}
}

var messageEvents = map[string]feature{
	"message event": told(messageIn, func(m *discordgo.MessageCreate) data { return data{"content": m.Content, "author": m.Author.ID} }),
	"mention event": told(messageIn, func(m *discordgo.MessageCreate) data {
		return data{"mentions": talk.List(m.Mentions, func(u *discordgo.User) string { return u.ID })}
	}),
	"reply event": func(a args, ready ready) (data, error) {
		asked, err := session.ChannelMessageSend(a.Text("channel"), "ask me")
		if err != nil {
			return nil, err
		}
		wait := expect(func(m *discordgo.MessageCreate) bool { return messageIn(a, m) && m.MessageReference != nil })
		ready(data{"id": asked.ID})
		m, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"id": m.ReferencedMessage.ID, "content": m.Content}, nil
	},
	"message edit event":   told(func(a args, m *discordgo.MessageUpdate) bool { return inChannel(a, m.ChannelID) }, func(m *discordgo.MessageUpdate) data { return sent(m.Message) }),
	"message delete event": told(func(a args, m *discordgo.MessageDelete) bool { return inChannel(a, m.ChannelID) }, func(m *discordgo.MessageDelete) data { return data{"id": m.ID} }),
	"bulk delete event":    told(func(a args, m *discordgo.MessageDeleteBulk) bool { return inChannel(a, m.ChannelID) }, func(m *discordgo.MessageDeleteBulk) data { return data{"count": len(m.Messages)} }),
	"pins event":           told(func(a args, p *discordgo.ChannelPinsUpdate) bool { return inChannel(a, p.ChannelID) }, func(p *discordgo.ChannelPinsUpdate) data { return data{"channel": p.ChannelID} }),
	"typing event":         told(func(a args, t *discordgo.TypingStart) bool { return inChannel(a, t.ChannelID) }, func(t *discordgo.TypingStart) data { return data{"user": t.UserID} }),
	"attachment event":     told(messageIn, func(m *discordgo.MessageCreate) data { return data{"name": m.Attachments[0].Filename} }),
	"webhook message event": told(messageIn, func(m *discordgo.MessageCreate) data {
		return data{"content": m.Content, "webhook": m.WebhookID}
	}),
	"crosspost event": told(func(a args, m *discordgo.MessageUpdate) bool { return m.ChannelID == a.Text("news") }, func(m *discordgo.MessageUpdate) data { return data{"id": m.ID, "flags": m.Flags} }),

	"reaction add event": told(func(a args, r *discordgo.MessageReactionAdd) bool { return ofMessage(a, r.MessageReaction) },
		func(r *discordgo.MessageReactionAdd) data { return reacted(r.MessageReaction) }),
	"reaction remove event": told(func(a args, r *discordgo.MessageReactionRemove) bool { return ofMessage(a, r.MessageReaction) },
		func(r *discordgo.MessageReactionRemove) data { return reacted(r.MessageReaction) }),
	"reactions clear event": told(func(a args, r *discordgo.MessageReactionRemoveAll) bool { return ofMessage(a, r.MessageReaction) },
		func(r *discordgo.MessageReactionRemoveAll) data { return data{"id": r.MessageID} }),

	"poll vote event": told(func(a args, v *discordgo.MessagePollVoteAdd) bool { return v.MessageID == a.Text("message") },
		func(v *discordgo.MessagePollVoteAdd) data { return data{"user": v.UserID, "answer": v.AnswerID} }),
	"poll unvote event": told(func(a args, v *discordgo.MessagePollVoteRemove) bool { return v.MessageID == a.Text("message") },
		func(v *discordgo.MessagePollVoteRemove) data { return data{"user": v.UserID, "answer": v.AnswerID} }),
}
