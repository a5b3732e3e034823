package main

import (
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/omit"

	"evergreen/bench/features/talk"
)

func channelOf(c discord.Channel) data { return data{"id": c.ID(), "name": c.Name()} }

func threadOf(t *discord.GuildThread) data { return data{"id": t.ID(), "name": t.Name()} }

func threadNames(all []discord.GuildThread) data {
	return data{"names": talk.List(all, func(t discord.GuildThread) string { return t.Name() })}
}

func startPost(tags ...string) feature {
	return talk.Gives(func(a args) (*discord.ThreadChannelPost, error) {
		return client.Rest.CreatePostInThreadChannel(of(a, "forum"), discord.ThreadChannelPostCreate{
			Name: "question", Message: discord.MessageCreate{Content: "how?"}, AppliedTags: talk.List(tags, func(name string) id { return of(a, name) }),
		})
	}, func(p *discord.ThreadChannelPost) data { return threadOf(&p.GuildThread) })
}

func changeThread(change discord.GuildThreadUpdate) feature {
	return talk.Done(func(a args) error { return talk.Second(client.Rest.UpdateChannel(of(a, "thread"), change)) })
}

func create(make func(args) discord.GuildChannelCreate) feature {
	return talk.Gives(func(a args) (discord.GuildChannel, error) {
		return client.Rest.CreateGuildChannel(of(a, "guild"), make(a))
	},
		func(c discord.GuildChannel) data { return channelOf(c) })
}

var threads = map[string]feature{
	"thread of a message": talk.Gives(func(a args) (*discord.GuildThread, error) {
		return client.Rest.CreateThreadFromMessage(of(a, "channel"), of(a, "message"), discord.ThreadCreateFromMessage{Name: "talk"})
	}, threadOf),
	"thread create": talk.Gives(func(a args) (*discord.GuildThread, error) {
		return client.Rest.CreateThread(of(a, "channel"), discord.GuildPublicThreadCreate{Name: "talk"})
	}, threadOf),
	"private thread": talk.Gives(func(a args) (*discord.GuildThread, error) {
		return client.Rest.CreateThread(of(a, "channel"), discord.GuildPrivateThreadCreate{Name: "talk"})
	}, threadOf),
	"forum post": startPost(), "forum tags": startPost("tag"),
	"thread message": talk.Gives(func(a args) (*discord.Message, error) {
		return client.Rest.CreateMessage(of(a, "thread"), discord.MessageCreate{Content: "hello"})
	}, sent),
	"thread archive":       changeThread(discord.GuildThreadUpdate{Archived: talk.To(true)}),
	"thread unarchive":     changeThread(discord.GuildThreadUpdate{Archived: talk.To(false)}),
	"thread lock":          changeThread(discord.GuildThreadUpdate{Locked: talk.To(true)}),
	"thread edit":          changeThread(discord.GuildThreadUpdate{Name: talk.To("chat"), RateLimitPerUser: talk.To(10)}),
	"thread delete":        talk.Done(func(a args) error { return client.Rest.DeleteChannel(of(a, "thread")) }),
	"thread join":          talk.Done(func(a args) error { return client.Rest.JoinThread(of(a, "thread")) }),
	"thread leave":         talk.Done(func(a args) error { return client.Rest.LeaveThread(of(a, "thread")) }),
	"thread member add":    talk.Done(func(a args) error { return client.Rest.AddThreadMember(of(a, "thread"), of(a, "person")) }),
	"thread member remove": talk.Done(func(a args) error { return client.Rest.RemoveThreadMember(of(a, "thread"), of(a, "person")) }),
	"thread members": talk.Gives(func(a args) ([]discord.ThreadMember, error) { return client.Rest.GetThreadMembers(of(a, "thread")) },
		func(all []discord.ThreadMember) data {
			return data{"ids": talk.Sorted(all, func(m discord.ThreadMember) string { return m.UserID.String() })}
		}),
	"active threads": talk.Gives(func(a args) (*discord.GuildActiveThreads, error) {
		return client.Rest.GetActiveGuildThreads(of(a, "guild"))
	},
		func(found *discord.GuildActiveThreads) data { return threadNames(found.Threads) }),
	"archived threads": talk.Gives(func(a args) (*discord.GetThreads, error) {
		return client.Rest.GetPublicArchivedThreads(of(a, "channel"), time.Time{}, 50)
	},
		func(found *discord.GetThreads) data { return threadNames(found.Threads) }),
	"private archived threads": talk.Gives(func(a args) (*discord.GetThreads, error) {
		return client.Rest.GetPrivateArchivedThreads(of(a, "channel"), time.Time{}, 50)
	}, func(found *discord.GetThreads) data { return threadNames(found.Threads) }),
	"thread create event":  told(func(a args, e *events.ThreadCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.ThreadCreate) data { return data{"name": e.Thread.Name()} }),
	"person's thread":      told(func(a args, e *events.ThreadCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.ThreadCreate) data { return data{"name": e.Thread.Name(), "owner": e.Thread.OwnerID} }),
	"thread update event":  told(func(a args, e *events.ThreadUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.ThreadUpdate) data { return data{"archived": e.Thread.ThreadMetadata.Archived} }),
	"thread delete event":  told(func(a args, e *events.ThreadDelete) bool { return e.GuildID == of(a, "guild") }, func(e *events.ThreadDelete) data { return data{"id": e.ThreadID} }),
	"thread members event": told(func(a args, e *events.ThreadMemberAdd) bool { return e.GuildID == of(a, "guild") }, func(e *events.ThreadMemberAdd) data { return data{"user": e.ThreadMemberID} }),
}

func inviteCodes(all []discord.ExtendedInvite) data {
	return data{"codes": talk.List(all, func(i discord.ExtendedInvite) string { return i.Code })}
}

func webhookNames(all []discord.Webhook) data {
	return data{"names": talk.List(all, func(w discord.Webhook) string { return w.Name() })}
}

func execute(message func() discord.WebhookMessageCreate, thread string) feature {
	return talk.Gives(func(a args) (*discord.Message, error) {
		return client.Rest.CreateWebhookMessage(of(a, "webhook"), a.Text("token"), message(), rest.CreateWebhookMessageParams{Wait: true, ThreadID: of(a, thread)})
	}, sent)
}

var channels = map[string]feature{
	"text channel": create(func(a args) discord.GuildChannelCreate {
		return discord.GuildTextChannelCreate{Name: "workshop", Topic: "tools", ParentID: of(a, "category")}
	}),
	"voice channel": create(func(args) discord.GuildChannelCreate {
		return discord.GuildVoiceChannelCreate{Name: "workshop", UserLimit: 5}
	}),
	"category channel":     create(func(args) discord.GuildChannelCreate { return discord.GuildCategoryChannelCreate{Name: "workshop"} }),
	"announcement channel": create(func(args) discord.GuildChannelCreate { return discord.GuildNewsChannelCreate{Name: "workshop"} }),
	"stage channel":        create(func(args) discord.GuildChannelCreate { return discord.GuildStageVoiceChannelCreate{Name: "workshop"} }),
	"forum channel": create(func(args) discord.GuildChannelCreate {
		return discord.GuildForumChannelCreate{Name: "workshop", AvailableTags: []discord.ChannelTag{{Name: "help"}}}
	}),
	"private channel": create(func(a args) discord.GuildChannelCreate {
		return discord.GuildTextChannelCreate{Name: "workshop", PermissionOverwrites: []discord.PermissionOverwrite{
			discord.RolePermissionOverwrite{RoleID: of(a, "guild"), Deny: discord.PermissionViewChannel},
			discord.MemberPermissionOverwrite{UserID: of(a, "person"), Allow: discord.PermissionViewChannel},
			discord.MemberPermissionOverwrite{UserID: of(a, "inspector"), Allow: discord.PermissionViewChannel},
		}}
	}),
	"channel fetch": talk.Gives(func(a args) (discord.Channel, error) { return client.Rest.GetChannel(of(a, "channel")) }, channelOf),
	"channel list":  talk.Gives(func(a args) ([]discord.GuildChannel, error) { return client.Rest.GetGuildChannels(of(a, "guild")) }, func(all []discord.GuildChannel) data { return data{"count": len(all)} }),
	"channel edit": talk.Gives(func(a args) (discord.Channel, error) {
		return client.Rest.UpdateChannel(of(a, "channel"), discord.GuildTextChannelUpdate{Name: talk.To("lobby"), Topic: talk.To("talk"), RateLimitPerUser: talk.To(5)})
	}, channelOf),
	"channel delete": talk.Done(func(a args) error { return client.Rest.DeleteChannel(of(a, "channel")) }),
	"overwrite": talk.Done(func(a args) error {
		return client.Rest.UpdatePermissionOverwrite(of(a, "channel"), of(a, "role"), discord.RolePermissionOverwriteUpdate{Deny: talk.To(discord.PermissionSendMessages)})
	}),
	"overwrite delete": talk.Done(func(a args) error { return client.Rest.DeletePermissionOverwrite(of(a, "channel"), of(a, "role")) }),
	"channel order": talk.Done(func(a args) error {
		return client.Rest.UpdateChannelPositions(of(a, "guild"), []discord.GuildChannelPositionUpdate{{ID: of(a, "channel"), Position: omit.NewPtr(3)}})
	}),
	"channel create event": told(func(a args, e *events.GuildChannelCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildChannelCreate) data { return channelOf(e.Channel) }),
	"channel update event": told(func(a args, e *events.GuildChannelUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildChannelUpdate) data { return channelOf(e.Channel) }),
	"channel delete event": told(func(a args, e *events.GuildChannelDelete) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildChannelDelete) data { return channelOf(e.Channel) }),

	"invite create": talk.Gives(func(a args) (*discord.Invite, error) {
		return client.Rest.CreateInvite(of(a, "channel"), discord.InviteCreate{MaxAge: talk.To(3600), MaxUses: talk.To(5)})
	}, func(i *discord.Invite) data { return data{"code": i.Code} }),
	"invite fetch": talk.Gives(func(a args) (*discord.Invite, error) {
		return client.Rest.GetInvite(a.Text("code"), rest.WithQueryParam("with_counts", true))
	},
		func(i *discord.Invite) data { return data{"guild": i.Guild.ID, "members": i.ApproximateMemberCount} }),
	"channel invites":     talk.Gives(func(a args) ([]discord.ExtendedInvite, error) { return client.Rest.GetChannelInvites(of(a, "channel")) }, inviteCodes),
	"guild invites":       talk.Gives(func(a args) ([]discord.ExtendedInvite, error) { return client.Rest.GetGuildInvites(of(a, "guild")) }, inviteCodes),
	"invite delete":       talk.Done(func(a args) error { return talk.Second(client.Rest.DeleteInvite(a.Text("code"))) }),
	"invite create event": told(func(a args, e *events.InviteCreate) bool { return e.ChannelID == of(a, "channel") }, func(e *events.InviteCreate) data { return data{"code": e.Code} }),
	"invite delete event": told(func(a args, e *events.InviteDelete) bool { return e.ChannelID == of(a, "channel") }, func(e *events.InviteDelete) data { return data{"code": e.Code} }),

	"webhook create": talk.Gives(func(a args) (*discord.IncomingWebhook, error) {
		return client.Rest.CreateWebhook(of(a, "channel"), discord.WebhookCreate{Name: "herald"})
	},
		func(w *discord.IncomingWebhook) data { return data{"id": w.ID()} }),
	"channel webhooks": talk.Gives(func(a args) ([]discord.Webhook, error) { return client.Rest.GetWebhooks(of(a, "channel")) }, webhookNames),
	"guild webhooks":   talk.Gives(func(a args) ([]discord.Webhook, error) { return client.Rest.GetAllWebhooks(of(a, "guild")) }, webhookNames),
	"webhook fetch": talk.Gives(func(a args) (discord.Webhook, error) {
		return client.Rest.GetWebhookWithToken(of(a, "webhook"), a.Text("token"))
	},
		func(w discord.Webhook) data { return data{"name": w.Name()} }),
	"webhook edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateWebhook(of(a, "webhook"), discord.WebhookUpdate{Name: talk.To("crier")}))
	}),
	"webhook delete": talk.Done(func(a args) error { return client.Rest.DeleteWebhook(of(a, "webhook")) }),
	"webhook execute": execute(func() discord.WebhookMessageCreate {
		return discord.WebhookMessageCreate{Content: "hear", Username: "the crier", Embeds: []discord.Embed{{Title: "Title"}}}
	}, ""),
	"webhook file":        execute(func() discord.WebhookMessageCreate { return discord.WebhookMessageCreate{Files: notes()} }, ""),
	"webhook in a thread": execute(func() discord.WebhookMessageCreate { return discord.WebhookMessageCreate{Content: "hear"} }, "thread"),
	"webhook message fetch": talk.Gives(func(a args) (*discord.Message, error) {
		return client.Rest.GetWebhookMessage(of(a, "webhook"), a.Text("token"), of(a, "message"))
	}, sent),
	"webhook message edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateWebhookMessage(of(a, "webhook"), a.Text("token"), of(a, "message"), discord.WebhookMessageUpdate{Content: talk.To("changed")}, rest.UpdateWebhookMessageParams{}))
	}),
	"webhook message delete": talk.Done(func(a args) error {
		return client.Rest.DeleteWebhookMessage(of(a, "webhook"), a.Text("token"), of(a, "message"), 0)
	}),
	"webhooks event": told(func(a args, e *events.WebhooksUpdate) bool { return e.GuildId == of(a, "guild") }, func(e *events.WebhooksUpdate) data { return data{"channel": e.ChannelID} }),
}
