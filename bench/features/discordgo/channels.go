package main

import (
	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

func channelOf(c *discordgo.Channel) data { return data{"id": c.ID, "name": c.Name} }

func channelNames(all []*discordgo.Channel) data {
	return data{"names": talk.List(all, func(c *discordgo.Channel) string { return c.Name })}
}

func startThread(kind discordgo.ChannelType) func(args) (*discordgo.Channel, error) {
	return func(a args) (*discordgo.Channel, error) {
		return session.ThreadStart(a.Text("channel"), "talk", kind, 1440)
	}
}

// postTags are the tags of a post; those of another arg.
func startPost(tags ...string) func(args) (*discordgo.Channel, error) {
	return func(a args) (*discordgo.Channel, error) {
		start := &discordgo.ThreadStart{Name: "question", AppliedTags: talk.List(tags, a.Text)}
		return session.ForumThreadStartComplex(a.Text("forum"), start, &discordgo.MessageSend{Content: "how?"})
	}
}

func changeThread(change discordgo.ChannelEdit) feature {
	return talk.Done(func(a args) error {
		_, err := session.ChannelEdit(a.Text("thread"), &change)
		return err
	})
}

func threadList(get func(args) (*discordgo.ThreadsList, error)) feature {
	return talk.Gives(get, func(list *discordgo.ThreadsList) data { return channelNames(list.Threads) })
}

func inGuild(a args, guild string) bool { return guild == a.Text("guild") }

var threads = map[string]feature{
	"thread of a message": talk.Gives(func(a args) (*discordgo.Channel, error) {
		return session.MessageThreadStart(a.Text("channel"), a.Text("message"), "talk", 1440)
	}, channelOf),
	"thread create":  talk.Gives(startThread(discordgo.ChannelTypeGuildPublicThread), channelOf),
	"private thread": talk.Gives(startThread(discordgo.ChannelTypeGuildPrivateThread), channelOf),
	"forum post":     talk.Gives(startPost(), channelOf),
	"forum tags":     talk.Gives(startPost("tag"), channelOf),
	"thread message": talk.Gives(func(a args) (*discordgo.Message, error) { return session.ChannelMessageSend(a.Text("thread"), "hello") }, sent),

	"thread archive":   changeThread(discordgo.ChannelEdit{Archived: talk.To(true)}),
	"thread unarchive": changeThread(discordgo.ChannelEdit{Archived: talk.To(false)}),
	"thread lock":      changeThread(discordgo.ChannelEdit{Locked: talk.To(true)}),
	"thread edit":      changeThread(discordgo.ChannelEdit{Name: "chat", RateLimitPerUser: talk.To(10)}),

	"thread delete": talk.Done(func(a args) error {
		_, err := session.ChannelDelete(a.Text("thread"))
		return err
	}),
	"thread join":          talk.Done(func(a args) error { return session.ThreadJoin(a.Text("thread")) }),
	"thread leave":         talk.Done(func(a args) error { return session.ThreadLeave(a.Text("thread")) }),
	"thread member add":    talk.Done(func(a args) error { return session.ThreadMemberAdd(a.Text("thread"), a.Text("person")) }),
	"thread member remove": talk.Done(func(a args) error { return session.ThreadMemberRemove(a.Text("thread"), a.Text("person")) }),
	"thread members": talk.Gives(func(a args) ([]*discordgo.ThreadMember, error) {
		return session.ThreadMembers(a.Text("thread"), 100, false, "")
	},
		func(all []*discordgo.ThreadMember) data {
			return data{"ids": talk.Sorted(all, func(m *discordgo.ThreadMember) string { return m.UserID })}
		}),
	"active threads": threadList(func(a args) (*discordgo.ThreadsList, error) { return session.GuildThreadsActive(a.Text("guild")) }),
	"archived threads": threadList(func(a args) (*discordgo.ThreadsList, error) {
		return session.ThreadsArchived(a.Text("channel"), nil, 50)
	}),
	"private archived threads": threadList(func(a args) (*discordgo.ThreadsList, error) {
		return session.ThreadsPrivateArchived(a.Text("channel"), nil, 50)
	}),

	"thread create event": told(func(a args, t *discordgo.ThreadCreate) bool { return inGuild(a, t.GuildID) }, func(t *discordgo.ThreadCreate) data { return data{"name": t.Name} }),
	"person's thread":     told(func(a args, t *discordgo.ThreadCreate) bool { return inGuild(a, t.GuildID) }, func(t *discordgo.ThreadCreate) data { return data{"name": t.Name, "owner": t.OwnerID} }),
	"thread update event": told(func(a args, t *discordgo.ThreadUpdate) bool { return inGuild(a, t.GuildID) }, func(t *discordgo.ThreadUpdate) data { return data{"archived": t.ThreadMetadata.Archived} }),
	"thread delete event": told(func(a args, t *discordgo.ThreadDelete) bool { return inGuild(a, t.GuildID) }, func(t *discordgo.ThreadDelete) data { return data{"id": t.ID} }),
	"thread members event": told(func(a args, t *discordgo.ThreadMembersUpdate) bool {
		return inGuild(a, t.GuildID) && len(t.AddedMembers) > 0
	},
		func(t *discordgo.ThreadMembersUpdate) data { return data{"user": t.AddedMembers[0].UserID} }),
}

func create(change func(args, *discordgo.GuildChannelCreateData)) feature {
	return talk.Gives(func(a args) (*discordgo.Channel, error) {
		d := discordgo.GuildChannelCreateData{Name: "workshop"}
		change(a, &d)
		return session.GuildChannelCreateComplex(a.Text("guild"), d)
	}, channelOf)
}

func createType(kind discordgo.ChannelType) feature {
	return create(func(_ args, d *discordgo.GuildChannelCreateData) { d.Type = kind })
}

func inviteCodes(all []*discordgo.Invite) data {
	return data{"codes": talk.List(all, func(i *discordgo.Invite) string { return i.Code })}
}

func webhookNames(all []*discordgo.Webhook) data {
	return data{"names": talk.List(all, func(w *discordgo.Webhook) string { return w.Name })}
}

func execute(params func(args) *discordgo.WebhookParams) feature {
	return talk.Gives(func(a args) (*discordgo.Message, error) {
		return session.WebhookExecute(a.Text("webhook"), a.Text("token"), true, params(a))
	}, sent)
}

var channels = map[string]feature{
	"text channel": create(func(a args, d *discordgo.GuildChannelCreateData) { d.Topic, d.ParentID = "tools", a.Text("category") }),
	"voice channel": create(func(_ args, d *discordgo.GuildChannelCreateData) {
		d.Type, d.UserLimit = discordgo.ChannelTypeGuildVoice, 5
	}),
	"category channel":     createType(discordgo.ChannelTypeGuildCategory),
	"announcement channel": createType(discordgo.ChannelTypeGuildNews),
	"stage channel":        createType(discordgo.ChannelTypeGuildStageVoice),
	"forum channel": talk.Gives(func(a args) (*discordgo.Channel, error) {
		made, err := session.GuildChannelCreate(a.Text("guild"), "workshop", discordgo.ChannelTypeGuildForum)
		if err != nil {
			return nil, err
		}
		// Tags can only be given to one that is there.
		return session.ChannelEdit(made.ID, &discordgo.ChannelEdit{AvailableTags: &[]discordgo.ForumTag{{Name: "help"}}})
	}, channelOf),
	"private channel": create(func(a args, d *discordgo.GuildChannelCreateData) {
		d.PermissionOverwrites = []*discordgo.PermissionOverwrite{
			{ID: a.Text("guild"), Type: discordgo.PermissionOverwriteTypeRole, Deny: discordgo.PermissionViewChannel},
			{ID: a.Text("person"), Type: discordgo.PermissionOverwriteTypeMember, Allow: discordgo.PermissionViewChannel},
			{ID: a.Text("inspector"), Type: discordgo.PermissionOverwriteTypeMember, Allow: discordgo.PermissionViewChannel},
		}
	}),
	"channel fetch": talk.Gives(func(a args) (*discordgo.Channel, error) { return session.Channel(a.Text("channel")) }, channelOf),
	"channel list": talk.Gives(func(a args) ([]*discordgo.Channel, error) { return session.GuildChannels(a.Text("guild")) },
		func(all []*discordgo.Channel) data { return data{"count": len(all)} }),
	"channel edit": talk.Gives(func(a args) (*discordgo.Channel, error) {
		return session.ChannelEdit(a.Text("channel"), &discordgo.ChannelEdit{Name: "lobby", Topic: "talk", RateLimitPerUser: talk.To(5)})
	}, channelOf),
	"channel delete": talk.Done(func(a args) error {
		_, err := session.ChannelDelete(a.Text("channel"))
		return err
	}),
	"overwrite": talk.Done(func(a args) error {
		return session.ChannelPermissionSet(a.Text("channel"), a.Text("role"), discordgo.PermissionOverwriteTypeRole, 0, discordgo.PermissionSendMessages)
	}),
	"overwrite delete": talk.Done(func(a args) error { return session.ChannelPermissionDelete(a.Text("channel"), a.Text("role")) }),
	"channel order": talk.Done(func(a args) error {
		return session.GuildChannelsReorder(a.Text("guild"), []*discordgo.Channel{{ID: a.Text("channel"), Position: 3}})
	}),
	"channel create event": told(func(a args, c *discordgo.ChannelCreate) bool { return inGuild(a, c.GuildID) }, func(c *discordgo.ChannelCreate) data { return channelOf(c.Channel) }),
	"channel update event": told(func(a args, c *discordgo.ChannelUpdate) bool { return inGuild(a, c.GuildID) }, func(c *discordgo.ChannelUpdate) data { return channelOf(c.Channel) }),
	"channel delete event": told(func(a args, c *discordgo.ChannelDelete) bool { return inGuild(a, c.GuildID) }, func(c *discordgo.ChannelDelete) data { return channelOf(c.Channel) }),

	"invite create": talk.Gives(func(a args) (*discordgo.Invite, error) {
		return session.ChannelInviteCreate(a.Text("channel"), discordgo.Invite{MaxAge: 3600, MaxUses: 5})
	}, func(i *discordgo.Invite) data { return data{"code": i.Code} }),
	"invite fetch": talk.Gives(func(a args) (*discordgo.Invite, error) { return session.InviteWithCounts(a.Text("code")) },
		func(i *discordgo.Invite) data { return data{"guild": i.Guild.ID, "members": i.ApproximateMemberCount} }),
	"channel invites": talk.Gives(func(a args) ([]*discordgo.Invite, error) { return session.ChannelInvites(a.Text("channel")) }, inviteCodes),
	"guild invites":   talk.Gives(func(a args) ([]*discordgo.Invite, error) { return session.GuildInvites(a.Text("guild")) }, inviteCodes),
	"invite delete": talk.Done(func(a args) error {
		_, err := session.InviteDelete(a.Text("code"))
		return err
	}),
	"invite create event": told(func(a args, i *discordgo.InviteCreate) bool { return inGuild(a, i.GuildID) }, func(i *discordgo.InviteCreate) data { return data{"code": i.Code} }),
	"invite delete event": told(func(a args, i *discordgo.InviteDelete) bool { return inGuild(a, i.GuildID) }, func(i *discordgo.InviteDelete) data { return data{"code": i.Code} }),

	"webhook create": talk.Gives(func(a args) (*discordgo.Webhook, error) {
		return session.WebhookCreate(a.Text("channel"), "herald", "")
	},
		func(w *discordgo.Webhook) data { return data{"id": w.ID} }),
	"channel webhooks": talk.Gives(func(a args) ([]*discordgo.Webhook, error) { return session.ChannelWebhooks(a.Text("channel")) }, webhookNames),
	"guild webhooks":   talk.Gives(func(a args) ([]*discordgo.Webhook, error) { return session.GuildWebhooks(a.Text("guild")) }, webhookNames),
	"webhook fetch": talk.Gives(func(a args) (*discordgo.Webhook, error) {
		return session.WebhookWithToken(a.Text("webhook"), a.Text("token"))
	},
		func(w *discordgo.Webhook) data { return data{"name": w.Name} }),
	"webhook edit": talk.Done(func(a args) error {
		_, err := session.WebhookEdit(a.Text("webhook"), "crier", "", a.Text("channel"))
		return err
	}),
	"webhook delete": talk.Done(func(a args) error { return session.WebhookDelete(a.Text("webhook")) }),
	"webhook execute": execute(func(args) *discordgo.WebhookParams {
		return &discordgo.WebhookParams{Content: "hear", Username: "the crier", Embeds: []*discordgo.MessageEmbed{{Title: "Title"}}}
	}),
	"webhook file": execute(func(args) *discordgo.WebhookParams { return &discordgo.WebhookParams{Files: notes()} }),
	"webhook in a thread": talk.Gives(func(a args) (*discordgo.Message, error) {
		return session.WebhookThreadExecute(a.Text("webhook"), a.Text("token"), true, a.Text("thread"), &discordgo.WebhookParams{Content: "hear"})
	}, sent),
	"webhook message fetch": talk.Gives(func(a args) (*discordgo.Message, error) {
		return session.WebhookMessage(a.Text("webhook"), a.Text("token"), a.Text("message"))
	}, sent),
	"webhook message edit": talk.Done(func(a args) error {
		_, err := session.WebhookMessageEdit(a.Text("webhook"), a.Text("token"), a.Text("message"), &discordgo.WebhookEdit{Content: talk.To("changed")})
		return err
	}),
	"webhook message delete": talk.Done(func(a args) error {
		return session.WebhookMessageDelete(a.Text("webhook"), a.Text("token"), a.Text("message"))
	}),
	"webhooks event": told(func(a args, w *discordgo.WebhooksUpdate) bool { return inGuild(a, w.GuildID) }, func(w *discordgo.WebhooksUpdate) data { return data{"channel": w.ChannelID} }),
}
