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
	return gives(func(a args) (*discord.ThreadChannelPost, error) {
		return client.Rest.CreatePostInThreadChannel(of(a, "forum"), discord.ThreadChannelPostCreate{
			Name: "question", Message: discord.MessageCreate{Content: "how?"}, AppliedTags: talk.List(tags, func(name string) id { return of(a, name) }),
		})
	}, func(p *discord.ThreadChannelPost) data { return threadOf(&p.GuildThread) })
}

func changeThread(change discord.GuildThreadUpdate) feature {
	return done(func(a args) error { return second(client.Rest.UpdateChannel(of(a, "thread"), change)) })
}

func create(make func(args) discord.GuildChannelCreate) feature {
	return gives(func(a args) (discord.GuildChannel, error) {
		return client.Rest.CreateGuildChannel(of(a, "guild"), make(a))
	},
		func(c discord.GuildChannel) data { return channelOf(c) })
}

var threads = map[string]feature{
	"thread of a message": gives(func(a args) (*discord.GuildThread, error) {
		return client.Rest.CreateThreadFromMessage(of(a, "channel"), of(a, "message"), discord.ThreadCreateFromMessage{Name: "talk"})
	}, threadOf),
	"thread create": gives(func(a args) (*discord.GuildThread, error) {
		return client.Rest.CreateThread(of(a, "channel"), discord.GuildPublicThreadCreate{Name: "talk"})
	}, threadOf),
	"private thread": gives(func(a args) (*discord.GuildThread, error) {
		return client.Rest.CreateThread(of(a, "channel"), discord.GuildPrivateThreadCreate{Name: "talk"})
	}, threadOf),
	"forum post": startPost(), "forum tags": startPost("tag"),
	"thread message": gives(func(a args) (*discord.Message, error) {
		return client.Rest.CreateMessage(of(a, "thread"), discord.MessageCreate{Content: "hello"})
	}, sent),
	"thread archive":       changeThread(discord.GuildThreadUpdate{Archived: talk.To(true)}),
	"thread unarchive":     changeThread(discord.GuildThreadUpdate{Archived: talk.To(false)}),
	"thread lock":          changeThread(discord.GuildThreadUpdate{Locked: talk.To(true)}),
	"thread edit":          changeThread(discord.GuildThreadUpdate{Name: talk.To("chat"), RateLimitPerUser: talk.To(10)}),
	"thread delete":        done(func(a args) error { return client.Rest.DeleteChannel(of(a, "thread")) }),
	"thread join":          done(func(a args) error { return client.Rest.JoinThread(of(a, "thread")) }),
	"thread leave":         done(func(a args) error { return client.Rest.LeaveThread(of(a, "thread")) }),
	"thread member add":    done(func(a args) error { return client.Rest.AddThreadMember(of(a, "thread"), of(a, "person")) }),
	"thread member remove": done(func(a args) error { return client.Rest.RemoveThreadMember(of(a, "thread"), of(a, "person")) }),
	"thread members": gives(func(a args) ([]discord.ThreadMember, error) { return client.Rest.GetThreadMembers(of(a, "thread")) },
		func(all []discord.ThreadMember) data {
			return data{"ids": talk.Sorted(all, func(m discord.ThreadMember) string { return m.UserID.String() })}
		}),
	"active threads": gives(func(a args) (*discord.GuildActiveThreads, error) {
		return client.Rest.GetActiveGuildThreads(of(a, "guild"))
	},
		func(found *discord.GuildActiveThreads) data { return threadNames(found.Threads) }),
	"archived threads": gives(func(a args) (*discord.GetThreads, error) {
		return client.Rest.GetPublicArchivedThreads(of(a, "channel"), time.Time{}, 50)
	},
		func(found *discord.GetThreads) data { return threadNames(found.Threads) }),
	"private archived threads": gives(func(a args) (*discord.GetThreads, error) {
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
	return gives(func(a args) (*discord.Message, error) {
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
	"channel fetch": gives(func(a args) (discord.Channel, error) { return client.Rest.GetChannel(of(a, "channel")) }, channelOf),
	"channel list":  gives(func(a args) ([]discord.GuildChannel, error) { return client.Rest.GetGuildChannels(of(a, "guild")) }, func(all []discord.GuildChannel) data { return data{"count": len(all)} }),
	"channel edit": gives(func(a args) (discord.Channel, error) {
		return client.Rest.UpdateChannel(of(a, "channel"), discord.GuildTextChannelUpdate{Name: talk.To("lobby"), Topic: talk.To("talk"), RateLimitPerUser: talk.To(5)})
	}, channelOf),
	"channel delete": done(func(a args) error { return client.Rest.DeleteChannel(of(a, "channel")) }),
	"overwrite": done(func(a args) error {
		return client.Rest.UpdatePermissionOverwrite(of(a, "channel"), of(a, "role"), discord.RolePermissionOverwriteUpdate{Deny: talk.To(discord.PermissionSendMessages)})
	}),
	"overwrite delete": done(func(a args) error { return client.Rest.DeletePermissionOverwrite(of(a, "channel"), of(a, "role")) }),
	"channel order": done(func(a args) error {
		return client.Rest.UpdateChannelPositions(of(a, "guild"), []discord.GuildChannelPositionUpdate{{ID: of(a, "channel"), Position: omit.NewPtr(3)}})
	}),
	"channel create event": told(func(a args, e *events.GuildChannelCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildChannelCreate) data { return channelOf(e.Channel) }),
	"channel update event": told(func(a args, e *events.GuildChannelUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildChannelUpdate) data { return channelOf(e.Channel) }),
	"channel delete event": told(func(a args, e *events.GuildChannelDelete) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildChannelDelete) data { return channelOf(e.Channel) }),

	"invite create": gives(func(a args) (*discord.Invite, error) {
		return client.Rest.CreateInvite(of(a, "channel"), discord.InviteCreate{MaxAge: talk.To(3600), MaxUses: talk.To(5)})
	}, func(i *discord.Invite) data { return data{"code": i.Code} }),
	"invite fetch": gives(func(a args) (*discord.Invite, error) {
		return client.Rest.GetInvite(a.Text("code"), rest.WithQueryParam("with_counts", true))
	},
		func(i *discord.Invite) data { return data{"guild": i.Guild.ID, "members": i.ApproximateMemberCount} }),
	"channel invites":     gives(func(a args) ([]discord.ExtendedInvite, error) { return client.Rest.GetChannelInvites(of(a, "channel")) }, inviteCodes),
	"guild invites":       gives(func(a args) ([]discord.ExtendedInvite, error) { return client.Rest.GetGuildInvites(of(a, "guild")) }, inviteCodes),
	"invite delete":       done(func(a args) error { return second(client.Rest.DeleteInvite(a.Text("code"))) }),
	"invite create event": told(func(a args, e *events.InviteCreate) bool { return e.ChannelID == of(a, "channel") }, func(e *events.InviteCreate) data { return data{"code": e.Code} }),
	"invite delete event": told(func(a args, e *events.InviteDelete) bool { return e.ChannelID == of(a, "channel") }, func(e *events.InviteDelete) data { return data{"code": e.Code} }),

	"webhook create": gives(func(a args) (*discord.IncomingWebhook, error) {
		return client.Rest.CreateWebhook(of(a, "channel"), discord.WebhookCreate{Name: "herald"})
	},
		func(w *discord.IncomingWebhook) data { return data{"id": w.ID()} }),
	"channel webhooks": gives(func(a args) ([]discord.Webhook, error) { return client.Rest.GetWebhooks(of(a, "channel")) }, webhookNames),
	"guild webhooks":   gives(func(a args) ([]discord.Webhook, error) { return client.Rest.GetAllWebhooks(of(a, "guild")) }, webhookNames),
	"webhook fetch": gives(func(a args) (discord.Webhook, error) {
		return client.Rest.GetWebhookWithToken(of(a, "webhook"), a.Text("token"))
	},
		func(w discord.Webhook) data { return data{"name": w.Name()} }),
	"webhook edit": done(func(a args) error {
		return second(client.Rest.UpdateWebhook(of(a, "webhook"), discord.WebhookUpdate{Name: talk.To("crier")}))
	}),
	"webhook delete": done(func(a args) error { return client.Rest.DeleteWebhook(of(a, "webhook")) }),
	"webhook execute": execute(func() discord.WebhookMessageCreate {
		return discord.WebhookMessageCreate{Content: "hear", Username: "the crier", Embeds: []discord.Embed{{Title: "Title"}}}
	}, ""),
	"webhook file":        execute(func() discord.WebhookMessageCreate { return discord.WebhookMessageCreate{Files: notes()} }, ""),
	"webhook in a thread": execute(func() discord.WebhookMessageCreate { return discord.WebhookMessageCreate{Content: "hear"} }, "thread"),
	"webhook message fetch": gives(func(a args) (*discord.Message, error) {
		return client.Rest.GetWebhookMessage(of(a, "webhook"), a.Text("token"), of(a, "message"))
	}, sent),
	"webhook message edit": done(func(a args) error {
		return second(client.Rest.UpdateWebhookMessage(of(a, "webhook"), a.Text("token"), of(a, "message"), discord.WebhookMessageUpdate{Content: talk.To("changed")}, rest.UpdateWebhookMessageParams{}))
	}),
	"webhook message delete": done(func(a args) error {
		return client.Rest.DeleteWebhookMessage(of(a, "webhook"), a.Text("token"), of(a, "message"), 0)
	}),
	"webhooks event": told(func(a args, e *events.WebhooksUpdate) bool { return e.GuildId == of(a, "guild") }, func(e *events.WebhooksUpdate) data { return data{"channel": e.ChannelID} }),
}
