package main

import (
	"context"
	"strconv"
	"time"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/json/option"

	"evergreen/bench/features/talk"
)

var background = context.Background()

// chunk asks for members over the gateway.
func chunk(ask func(args) gateway.RequestGuildMembersCommand) feature {
	return func(a args, _ ready) (data, error) {
		wait := expect(func(e *gateway.GuildMembersChunkEvent) bool { return e.GuildID == guildID(a) })
		command := ask(a)
		command.GuildIDs = []discord.GuildID{guildID(a)}
		if err := client.Gateway().Send(background, &command); err != nil {
			return nil, err
		}
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"ids": talk.Sorted(e.Members, func(m discord.Member) string { return m.User.ID.String() })}, nil
	}
}

func editMember(change func(args) api.ModifyMemberData) feature {
	return talk.Done(func(a args) error { return client.ModifyMember(guildID(a), userID(a, "person"), change(a)) })
}

func computed(a args) (discord.Permissions, error) {
	g, err := client.Client.Guild(guildID(a))
	if err != nil {
		return 0, err
	}
	ch, err := client.Client.Channel(channelID(a, "channel"))
	if err != nil {
		return 0, err
	}
	m, err := client.Client.Member(guildID(a), userID(a, "person"))
	if err != nil {
		return 0, err
	}
	return discord.CalcOverrides(*g, *ch, *m, g.Roles), nil
}

func digits(p discord.Permissions) string { return strconv.FormatUint(uint64(p), 10) }

// inVoice waits for the own voice state after a change.
func inVoice(a args, channel discord.ChannelID, mute bool) (*gateway.VoiceStateUpdateEvent, error) {
	wait := expect(func(e *gateway.VoiceStateUpdateEvent) bool {
		return e.GuildID == guildID(a) && e.UserID == userID(a, "bot") && e.ChannelID.IsValid() == channel.IsValid()
	})
	if err := client.Gateway().Send(background, &gateway.UpdateVoiceStateCommand{GuildID: guildID(a), ChannelID: channel, SelfMute: mute, SelfDeaf: mute}); err != nil {
		return nil, err
	}
	return wait()
}

func join(a args, mute bool) (*gateway.VoiceStateUpdateEvent, error) {
	return inVoice(a, channelID(a, "voice"), mute)
}

func present(status discord.Status, activity discord.Activity) feature {
	return talk.Done(func(args) error {
		return client.Gateway().Send(background, &gateway.UpdatePresenceCommand{Status: status, Activities: []discord.Activity{activity}})
	})
}

var members = map[string]feature{
	"presence":      present(discord.DoNotDisturbStatus, discord.Activity{Name: "chess", Type: discord.GameActivity}),
	"custom status": present(discord.IdleStatus, discord.Activity{Name: "Custom Status", Type: discord.CustomActivity, State: "thinking"}),
	"guild in the cache": func(a args, _ ready) (data, error) {
		g, err := client.Cabinet.Guild(guildID(a))
		if err != nil {
			return nil, err
		}
		all, err := client.Cabinet.Channels(guildID(a))
		count := 0
		for _, ch := range all {
			if ch.Type != discord.GuildPublicThread && ch.Type != discord.GuildPrivateThread && ch.Type != discord.GuildAnnouncementThread {
				count++
			}
		}
		return data{"name": g.Name, "channels": count, "owner": g.OwnerID}, err
	},
	"all members": chunk(func(args) gateway.RequestGuildMembersCommand {
		return gateway.RequestGuildMembersCommand{Query: option.NewString("")}
	}),
	"members by name": chunk(func(args) gateway.RequestGuildMembersCommand {
		return gateway.RequestGuildMembersCommand{Query: option.NewString("person"), Limit: 10}
	}),
	"members by id": chunk(func(a args) gateway.RequestGuildMembersCommand {
		return gateway.RequestGuildMembersCommand{UserIDs: []discord.UserID{userID(a, "person"), userID(a, "other")}}
	}),
	"join a guild":  told(func(args, *gateway.GuildCreateEvent) bool { return true }, func(e *gateway.GuildCreateEvent) data { return data{"id": e.ID, "name": e.Name} }),
	"leave a guild": told(func(a args, e *gateway.GuildDeleteEvent) bool { return e.ID == guildID(a) }, func(e *gateway.GuildDeleteEvent) data { return data{"id": e.ID} }),
	"guild outage": func(a args, ready ready) (data, error) {
		gone := expect(func(e *gateway.GuildDeleteEvent) bool { return e.ID == guildID(a) && e.Unavailable })
		back := expect(func(e *gateway.GuildCreateEvent) bool { return e.ID == guildID(a) })
		ready(nil)
		if _, err := gone(); err != nil {
			return nil, err
		}
		e, err := back()
		if err != nil {
			return nil, err
		}
		return data{"id": e.ID}, nil
	},
	"resume": told(messageIn, func(e *gateway.MessageCreateEvent) data { return data{"content": e.Content} }),

	"member fetch": talk.Gives(func(a args) (*discord.Member, error) { return client.Client.Member(guildID(a), userID(a, "person")) },
		func(m *discord.Member) data { return data{"name": m.User.Username, "joined": m.Joined.IsValid()} }),
	"member list": talk.Gives(func(a args) ([]discord.Member, error) { return client.Client.Members(guildID(a), 1000) }, func(all []discord.Member) data { return data{"count": len(all)} }),
	"nickname":    editMember(func(args) api.ModifyMemberData { return api.ModifyMemberData{Nick: option.NewString("Pat")} }),
	"role give": talk.Done(func(a args) error {
		return client.AddRole(guildID(a), userID(a, "person"), roleID(a), api.AddRoleData{})
	}),
	"role take": talk.Done(func(a args) error { return client.RemoveRole(guildID(a), userID(a, "person"), roleID(a), "") }),
	"roles set": editMember(func(a args) api.ModifyMemberData { return api.ModifyMemberData{Roles: &[]discord.RoleID{roleID(a)}} }),
	"timeout": func(a args, _ ready) (data, error) {
		until := time.Now().Add(time.Hour)
		return data{"until": until.Unix()}, client.ModifyMember(guildID(a), userID(a, "person"), api.ModifyMemberData{CommunicationDisabledUntil: talk.To(discord.NewTimestamp(until))})
	},
	"timeout end": editMember(func(args) api.ModifyMemberData {
		return api.ModifyMemberData{CommunicationDisabledUntil: &discord.Timestamp{}}
	}),
	"kick": talk.Done(func(a args) error { return client.Kick(guildID(a), userID(a, "person"), "spam") }),
	"ban": talk.Done(func(a args) error {
		return client.Ban(guildID(a), userID(a, "person"), api.BanData{DeleteDays: option.NewUint(1), AuditLogReason: "spam"})
	}),
	"unban": talk.Done(func(a args) error { return client.Unban(guildID(a), userID(a, "person"), "") }),
	"ban list": talk.Gives(func(a args) ([]discord.Ban, error) { return client.Bans(guildID(a)) },
		func(all []discord.Ban) data {
			return data{"ids": talk.List(all, func(b discord.Ban) string { return b.User.ID.String() })}
		}),
	"ban fetch":           talk.Gives(func(a args) (*discord.Ban, error) { return client.GetBan(guildID(a), userID(a, "person")) }, func(b *discord.Ban) data { return data{"id": b.User.ID} }),
	"own nickname":        talk.Done(func(a args) error { return client.ModifyCurrentMember(guildID(a), "Robo") }),
	"member join event":   told(func(a args, e *gateway.GuildMemberAddEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildMemberAddEvent) data { return data{"name": e.User.Username} }),
	"member leave event":  told(func(a args, e *gateway.GuildMemberRemoveEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildMemberRemoveEvent) data { return data{"id": e.User.ID} }),
	"member update event": told(func(a args, e *gateway.GuildMemberUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildMemberUpdateEvent) data { return data{"id": e.User.ID, "nick": e.Nick} }),
	"ban event":           told(func(a args, e *gateway.GuildBanAddEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildBanAddEvent) data { return data{"id": e.User.ID} }),
	"unban event":         told(func(a args, e *gateway.GuildBanRemoveEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildBanRemoveEvent) data { return data{"id": e.User.ID} }),
	"permissions of a member": func(a args, _ ready) (data, error) {
		may, err := computed(a)
		return data{"permissions": digits(may)}, err
	},

	"voice join": func(a args, _ ready) (data, error) {
		e, err := join(a, true)
		if err != nil {
			return nil, err
		}
		return data{"channel": e.ChannelID}, nil
	},
	"voice leave": func(a args, _ ready) (data, error) {
		if _, err := join(a, false); err != nil {
			return nil, err
		}
		return nil, talk.Second(inVoice(a, 0, false))
	},
	"voice server event": func(a args, _ ready) (data, error) {
		wait := expect(func(e *gateway.VoiceServerUpdateEvent) bool { return e.GuildID == guildID(a) })
		if _, err := join(a, false); err != nil {
			return nil, err
		}
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"guild": e.GuildID}, nil
	},
	"voice join event": told(func(a args, e *gateway.VoiceStateUpdateEvent) bool {
		return e.UserID == userID(a, "person") && e.ChannelID.IsValid()
	}, func(e *gateway.VoiceStateUpdateEvent) data { return data{"user": e.UserID, "channel": e.ChannelID} }),
	"voice leave event": told(func(a args, e *gateway.VoiceStateUpdateEvent) bool {
		return e.UserID == userID(a, "person") && !e.ChannelID.IsValid()
	}, func(e *gateway.VoiceStateUpdateEvent) data { return data{"user": e.UserID} }),
	"voice states in the cache": talk.Gives(func(a args) ([]discord.VoiceState, error) { return client.VoiceStates(guildID(a)) },
		func(all []discord.VoiceState) data {
			return data{"ids": talk.List(all, func(v discord.VoiceState) string { return v.UserID.String() })}
		}),
	"voice move":       editMember(func(a args) api.ModifyMemberData { return api.ModifyMemberData{VoiceChannel: channelID(a, "stage")} }),
	"voice disconnect": editMember(func(args) api.ModifyMemberData { return api.ModifyMemberData{VoiceChannel: discord.NullChannelID} }),
	"voice regions":    talk.Gives(func(a args) ([]discord.VoiceRegion, error) { return client.VoiceRegionsGuild(guildID(a)) }, func(all []discord.VoiceRegion) data { return data{"count": len(all)} }),
	"voice mute":       editMember(func(args) api.ModifyMemberData { return api.ModifyMemberData{Mute: option.True, Deaf: option.True} }),
	"stage create": talk.Gives(func(a args) (*discord.StageInstance, error) {
		return client.CreateStageInstance(api.CreateStageInstanceData{ChannelID: channelID(a, "stage"), Topic: "talk", PrivacyLevel: discord.GuildOnlyStage})
	}, func(s *discord.StageInstance) data { return data{"id": s.ID} }),
	"stage edit": talk.Done(func(a args) error {
		return client.UpdateStageInstance(channelID(a, "stage"), api.UpdateStageInstanceData{Topic: "music"})
	}),
	"stage delete": talk.Done(func(a args) error { return client.DeleteStageInstance(channelID(a, "stage"), "") }),
}
