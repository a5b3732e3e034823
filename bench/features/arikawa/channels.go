package main

import (
	"time"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/api/webhook"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/httputil"
	"github.com/diamondburned/arikawa/v3/utils/httputil/httpdriver"
	"github.com/diamondburned/arikawa/v3/utils/json/option"

	"net/http"

	"evergreen/bench/features/talk"
)

func channelOf(c *discord.Channel) data { return data{"id": c.ID, "name": c.Name} }

func channelNames(all []discord.Channel) data {
	return data{"names": talk.List(all, func(c discord.Channel) string { return c.Name })}
}

func startThread(kind discord.ChannelType) feature {
	return talk.Gives(func(a args) (*discord.Channel, error) {
		return client.StartThreadWithoutMessage(channelID(a, "channel"), api.StartThreadData{Name: "talk", Type: kind, AutoArchiveDuration: discord.OneDayArchive})
	}, channelOf)
}

func change(channel string, what api.ModifyChannelData) feature {
	return talk.Done(func(a args) error { return client.ModifyChannel(channelID(a, channel), what) })
}

func create(what func(args) api.CreateChannelData) feature {
	return talk.Gives(func(a args) (*discord.Channel, error) {
		d := what(a)
		d.Name = "workshop"
		return client.CreateChannel(guildID(a), d)
	}, channelOf)
}

func createType(kind discord.ChannelType) feature {
	return create(func(args) api.CreateChannelData { return api.CreateChannelData{Type: kind} })
}

func inviteCodes(all []discord.Invite) data {
	return data{"codes": talk.List(all, func(i discord.Invite) string { return i.Code })}
}

func webhookNames(all []discord.Webhook) data {
	return data{"names": talk.List(all, func(w discord.Webhook) string { return w.Name })}
}

func webhookID(a args) discord.WebhookID { return talk.ID[discord.WebhookID](a, "webhook") }

// hook is a webhook by its token.
func hook(a args) *webhook.Client {
	requests := httputil.NewClient()
	requests.Client = httpdriver.WrapClient(http.Client{Transport: talk.Transport{}})
	return webhook.NewCustom(webhookID(a), a.Text("token"), requests)
}

func execute(what func(args) webhook.ExecuteData) feature {
	return talk.Gives(func(a args) (*discord.Message, error) { return hook(a).ExecuteAndWait(what(a)) }, sent)
}

var channels = map[string]feature{
	"thread of a message": talk.Gives(func(a args) (*discord.Channel, error) {
		return client.StartThreadWithMessage(channelID(a, "channel"), messageID(a), api.StartThreadData{Name: "talk", AutoArchiveDuration: discord.OneDayArchive})
	}, channelOf),
	"thread create":        startThread(discord.GuildPublicThread),
	"private thread":       startThread(discord.GuildPrivateThread),
	"thread message":       talk.Gives(func(a args) (*discord.Message, error) { return client.SendMessage(channelID(a, "thread"), "hello") }, sent),
	"thread archive":       change("thread", api.ModifyChannelData{Archived: option.True}),
	"thread unarchive":     change("thread", api.ModifyChannelData{Archived: option.False}),
	"thread lock":          change("thread", api.ModifyChannelData{Locked: option.True}),
	"thread edit":          change("thread", api.ModifyChannelData{Name: "chat", UserRateLimit: option.NewNullableUint(10)}),
	"thread delete":        talk.Done(func(a args) error { return client.DeleteChannel(channelID(a, "thread"), "") }),
	"thread join":          talk.Done(func(a args) error { return client.JoinThread(channelID(a, "thread")) }),
	"thread leave":         talk.Done(func(a args) error { return client.LeaveThread(channelID(a, "thread")) }),
	"thread member add":    talk.Done(func(a args) error { return client.AddThreadMember(channelID(a, "thread"), userID(a, "person")) }),
	"thread member remove": talk.Done(func(a args) error { return client.RemoveThreadMember(channelID(a, "thread"), userID(a, "person")) }),
	"thread members": talk.Gives(func(a args) ([]discord.ThreadMember, error) { return client.ThreadMembers(channelID(a, "thread")) },
		func(all []discord.ThreadMember) data {
			return data{"ids": talk.Sorted(all, func(m discord.ThreadMember) string { return m.UserID.String() })}
		}),
	"active threads": talk.Gives(func(a args) (*api.ActiveThreads, error) { return client.ActiveThreads(guildID(a)) }, func(f *api.ActiveThreads) data { return channelNames(f.Threads) }),
	"archived threads": talk.Gives(func(a args) (*api.ArchivedThreads, error) {
		return client.PublicArchivedThreads(channelID(a, "channel"), discord.NewTimestamp(time.Now().Add(time.Hour)), 50)
	}, func(f *api.ArchivedThreads) data { return channelNames(f.Threads) }),
	"private archived threads": talk.Gives(func(a args) (*api.ArchivedThreads, error) {
		return client.PrivateArchivedThreads(channelID(a, "channel"), discord.NewTimestamp(time.Now().Add(time.Hour)), 50)
	}, func(f *api.ArchivedThreads) data { return channelNames(f.Threads) }),
	"thread create event": told(func(a args, e *gateway.ThreadCreateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ThreadCreateEvent) data { return data{"name": e.Name} }),
	"person's thread":     told(func(a args, e *gateway.ThreadCreateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ThreadCreateEvent) data { return data{"name": e.Name, "owner": e.OwnerID} }),
	"thread update event": told(func(a args, e *gateway.ThreadUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ThreadUpdateEvent) data { return data{"archived": e.ThreadMetadata.Archived} }),
	"thread delete event": told(func(a args, e *gateway.ThreadDeleteEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ThreadDeleteEvent) data { return data{"id": e.ID} }),
	"thread members event": told(func(a args, e *gateway.ThreadMembersUpdateEvent) bool {
		return e.GuildID == guildID(a) && len(e.AddedMembers) > 0
	}, func(e *gateway.ThreadMembersUpdateEvent) data { return data{"user": e.AddedMembers[0].UserID} }),

	"text channel": create(func(a args) api.CreateChannelData {
		return api.CreateChannelData{Topic: "tools", CategoryID: channelID(a, "category")}
	}),
	"voice channel": create(func(args) api.CreateChannelData {
		return api.CreateChannelData{Type: discord.GuildVoice, VoiceUserLimit: 5}
	}),
	"category channel":     createType(discord.GuildCategory),
	"announcement channel": createType(discord.GuildAnnouncement),
	"stage channel":        createType(discord.GuildStageVoice),
	"forum channel": create(func(args) api.CreateChannelData {
		return api.CreateChannelData{Type: discord.GuildForum, AvailableTags: []discord.Tag{{Name: "help"}}}
	}),
	"private channel": create(func(a args) api.CreateChannelData {
		return api.CreateChannelData{Overwrites: []discord.Overwrite{
			{ID: talk.ID[discord.Snowflake](a, "guild"), Type: discord.OverwriteRole, Deny: discord.PermissionViewChannel},
			{ID: talk.ID[discord.Snowflake](a, "person"), Type: discord.OverwriteMember, Allow: discord.PermissionViewChannel},
			{ID: talk.ID[discord.Snowflake](a, "inspector"), Type: discord.OverwriteMember, Allow: discord.PermissionViewChannel},
		}}
	}),
	"channel fetch": talk.Gives(func(a args) (*discord.Channel, error) { return client.Client.Channel(channelID(a, "channel")) }, channelOf),
	"channel list":  talk.Gives(func(a args) ([]discord.Channel, error) { return client.Client.Channels(guildID(a)) }, func(all []discord.Channel) data { return data{"count": len(all)} }),
	"channel edit": func(a args, _ ready) (data, error) {
		err := client.ModifyChannel(channelID(a, "channel"), api.ModifyChannelData{Name: "lobby", Topic: option.NewNullableString("talk"), UserRateLimit: option.NewNullableUint(5)})
		return data{"name": "lobby"}, err
	},
	"channel delete": talk.Done(func(a args) error { return client.DeleteChannel(channelID(a, "channel"), "") }),
	"overwrite": talk.Done(func(a args) error {
		return client.EditChannelPermission(channelID(a, "channel"), talk.ID[discord.Snowflake](a, "role"), api.EditChannelPermissionData{Type: discord.OverwriteRole, Deny: discord.PermissionSendMessages})
	}),
	"overwrite delete": talk.Done(func(a args) error {
		return client.DeleteChannelPermission(channelID(a, "channel"), talk.ID[discord.Snowflake](a, "role"), "")
	}),
	"channel order":        change("channel", api.ModifyChannelData{Position: option.NewNullableInt(3)}),
	"channel create event": told(func(a args, e *gateway.ChannelCreateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ChannelCreateEvent) data { return channelOf(&e.Channel) }),
	"channel update event": told(func(a args, e *gateway.ChannelUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ChannelUpdateEvent) data { return channelOf(&e.Channel) }),
	"channel delete event": told(func(a args, e *gateway.ChannelDeleteEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.ChannelDeleteEvent) data { return channelOf(&e.Channel) }),

	"invite create": talk.Gives(func(a args) (*discord.Invite, error) {
		return client.CreateInvite(channelID(a, "channel"), api.CreateInviteData{MaxAge: option.NewUint(3600), MaxUses: 5})
	}, func(i *discord.Invite) data { return data{"code": i.Code} }),
	"invite fetch": talk.Gives(func(a args) (*discord.Invite, error) { return client.InviteWithCounts(a.Text("code")) },
		func(i *discord.Invite) data { return data{"guild": i.Guild.ID, "members": i.ApproximateMembers} }),
	"channel invites":     talk.Gives(func(a args) ([]discord.Invite, error) { return client.ChannelInvites(channelID(a, "channel")) }, inviteCodes),
	"guild invites":       talk.Gives(func(a args) ([]discord.Invite, error) { return client.GuildInvites(guildID(a)) }, inviteCodes),
	"invite delete":       talk.Done(func(a args) error { return talk.Second(client.DeleteInvite(a.Text("code"), "")) }),
	"invite create event": told(func(a args, e *gateway.InviteCreateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.InviteCreateEvent) data { return data{"code": e.Code} }),
	"invite delete event": told(func(a args, e *gateway.InviteDeleteEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.InviteDeleteEvent) data { return data{"code": e.Code} }),

	"webhook create": talk.Gives(func(a args) (*discord.Webhook, error) {
		return client.CreateWebhook(channelID(a, "channel"), api.CreateWebhookData{Name: "herald"})
	}, func(w *discord.Webhook) data { return data{"id": w.ID} }),
	"channel webhooks": talk.Gives(func(a args) ([]discord.Webhook, error) { return client.ChannelWebhooks(channelID(a, "channel")) }, webhookNames),
	"guild webhooks":   talk.Gives(func(a args) ([]discord.Webhook, error) { return client.GuildWebhooks(guildID(a)) }, webhookNames),
	"webhook fetch":    talk.Gives(func(a args) (*discord.Webhook, error) { return hook(a).Get() }, func(w *discord.Webhook) data { return data{"name": w.Name} }),
	"webhook edit": talk.Done(func(a args) error {
		return talk.Second(client.ModifyWebhook(webhookID(a), api.ModifyWebhookData{Name: option.NewString("crier")}))
	}),
	"webhook delete": talk.Done(func(a args) error { return client.DeleteWebhook(webhookID(a)) }),
	"webhook execute": execute(func(args) webhook.ExecuteData {
		return webhook.ExecuteData{Content: "hear", Username: "the crier", Embeds: []discord.Embed{{Title: "Title"}}}
	}),
	"webhook file": execute(func(args) webhook.ExecuteData { return webhook.ExecuteData{Files: file("notes.txt", "some notes")} }),
	"webhook in a thread": execute(func(a args) webhook.ExecuteData {
		return webhook.ExecuteData{Content: "hear", ThreadID: talk.ID[discord.CommandID](a, "thread")}
	}),
	"webhook message fetch": talk.Gives(func(a args) (*discord.Message, error) { return hook(a).Message(messageID(a)) }, sent),
	"webhook message edit": talk.Done(func(a args) error {
		return talk.Second(hook(a).EditMessage(messageID(a), webhook.EditMessageData{Content: option.NewNullableString("changed")}))
	}),
	"webhook message delete": talk.Done(func(a args) error { return hook(a).DeleteMessage(messageID(a)) }),
	"webhooks event":         told(func(a args, e *gateway.WebhooksUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.WebhooksUpdateEvent) data { return data{"channel": e.ChannelID} }),
}
