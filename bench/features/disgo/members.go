package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/omit"

	"evergreen/bench/features/talk"
)

var background = context.Background()

func memberIDs(all []discord.Member) data {
	return data{"ids": talk.Sorted(all, func(m discord.Member) string { return m.User.ID.String() })}
}

// chunk asks for members over the gateway.
func chunk(ask func(args) ([]discord.Member, error)) feature { return talk.Gives(ask, memberIDs) }

func editMember(change func(args) discord.MemberUpdate) feature {
	return talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateMember(of(a, "guild"), of(a, "person"), change(a)))
	})
}

func permissions(a args, _ ready) (data, error) {
	may, err := computed(a)
	return data{"permissions": strconv.FormatInt(int64(may), 10)}, err
}

func computed(a args) (discord.Permissions, error) {
	m, err := client.Rest.GetMember(of(a, "guild"), of(a, "person"))
	if err != nil {
		return 0, err
	}
	m.GuildID = of(a, "guild")
	ch, _ := client.Caches.Channel(of(a, "channel"))
	return client.Caches.MemberPermissionsInChannel(ch, *m), nil
}

// inVoice waits for the own voice state after a change.
func inVoice(a args, channel *id, mute bool) (*events.GuildVoiceStateUpdate, error) {
	wait := expect(func(e *events.GuildVoiceStateUpdate) bool {
		return e.VoiceState.GuildID == of(a, "guild") && e.VoiceState.UserID == of(a, "bot") && (e.VoiceState.ChannelID == nil) == (channel == nil)
	})
	if err := client.UpdateVoiceState(background, of(a, "guild"), channel, mute, mute); err != nil {
		return nil, err
	}
	return wait()
}

func join(a args, mute bool) (*events.GuildVoiceStateUpdate, error) {
	return inVoice(a, talk.To(of(a, "voice")), mute)
}

func stageOf(s *discord.StageInstance) data { return data{"id": s.ID, "topic": s.Topic} }

var members = map[string]feature{
	"presence": talk.Done(func(args) error {
		return client.SetPresence(background, gateway.WithOnlineStatus(discord.OnlineStatusDND), gateway.WithPlayingActivity("chess"))
	}),
	"custom status": talk.Done(func(args) error {
		return client.SetPresence(background, gateway.WithOnlineStatus(discord.OnlineStatusIdle), gateway.WithCustomActivity("thinking"))
	}),
	"guild in the cache": func(a args, _ ready) (data, error) {
		g, _ := client.Caches.Guild(of(a, "guild"))
		count := 0
		for ch := range client.Caches.Channels() {
			if _, thread := ch.(discord.GuildThread); ch.GuildID() == g.ID && !thread {
				count++
			}
		}
		return data{"name": g.Name, "channels": count, "owner": g.OwnerID}, nil
	},
	"all members": chunk(func(a args) ([]discord.Member, error) {
		return client.MemberChunkingManager.RequestMembersWithQuery(background, of(a, "guild"), "", 0)
	}),
	"members by name": chunk(func(a args) ([]discord.Member, error) {
		return client.MemberChunkingManager.RequestMembersWithQuery(background, of(a, "guild"), "person", 10)
	}),
	"members by id": chunk(func(a args) ([]discord.Member, error) {
		return client.MemberChunkingManager.RequestMembers(background, of(a, "guild"), of(a, "person"), of(a, "other"))
	}),
	"join a guild":  told(func(args, *events.GuildJoin) bool { return true }, func(e *events.GuildJoin) data { return data{"id": e.Guild.ID, "name": e.Guild.Name} }),
	"leave a guild": told(func(a args, e *events.GuildLeave) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildLeave) data { return data{"id": e.GuildID} }),
	"guild outage": func(a args, ready ready) (data, error) {
		gone := expect(func(e *events.GuildUnavailable) bool { return e.GuildID == of(a, "guild") })
		back := expect(func(e *events.GuildAvailable) bool { return e.GuildID == of(a, "guild") })
		ready(nil)
		if _, err := gone(); err != nil {
			return nil, err
		}
		e, err := back()
		if err != nil {
			return nil, err
		}
		return data{"id": e.GuildID}, nil
	},
	"resume": told(messageIn, func(e *events.MessageCreate) data { return data{"content": e.Message.Content} }),

	"member fetch": talk.Gives(func(a args) (*discord.Member, error) { return client.Rest.GetMember(of(a, "guild"), of(a, "person")) },
		func(m *discord.Member) data { return data{"name": m.User.Username, "joined": m.JoinedAt != nil} }),
	"member list": talk.Gives(func(a args) ([]discord.Member, error) { return client.Rest.GetMembers(of(a, "guild"), 1000, 0) },
		func(all []discord.Member) data { return data{"count": len(all)} }),
	"member search": talk.Gives(func(a args) ([]discord.Member, error) { return client.Rest.SearchMembers(of(a, "guild"), "person", 10) }, memberIDs),
	"nickname":      editMember(func(args) discord.MemberUpdate { return discord.MemberUpdate{Nick: talk.To("Pat")} }),
	"role give":     talk.Done(func(a args) error { return client.Rest.AddMemberRole(of(a, "guild"), of(a, "person"), of(a, "role")) }),
	"role take": talk.Done(func(a args) error {
		return client.Rest.RemoveMemberRole(of(a, "guild"), of(a, "person"), of(a, "role"))
	}),
	"roles set": editMember(func(a args) discord.MemberUpdate { return discord.MemberUpdate{Roles: &[]id{of(a, "role")}} }),
	"timeout": func(a args, _ ready) (data, error) {
		until := time.Now().Add(time.Hour)
		return data{"until": until.Unix()}, talk.Second(client.Rest.UpdateMember(of(a, "guild"), of(a, "person"), discord.MemberUpdate{CommunicationDisabledUntil: omit.NewPtr(until)}))
	},
	"timeout end": editMember(func(args) discord.MemberUpdate {
		return discord.MemberUpdate{CommunicationDisabledUntil: omit.NewNilPtr[time.Time]()}
	}),
	"kick": talk.Done(func(a args) error {
		return client.Rest.RemoveMember(of(a, "guild"), of(a, "person"), rest.WithReason("spam"))
	}),
	"ban": talk.Done(func(a args) error {
		return client.Rest.AddBan(of(a, "guild"), of(a, "person"), time.Hour, rest.WithReason("spam"))
	}),
	"unban": talk.Done(func(a args) error { return client.Rest.DeleteBan(of(a, "guild"), of(a, "person")) }),
	"bulk ban": talk.Gives(func(a args) (*discord.BulkBanResult, error) {
		return client.Rest.BulkBan(of(a, "guild"), discord.BulkBan{UserIDs: []id{of(a, "person"), of(a, "other")}})
	}, func(r *discord.BulkBanResult) data { return data{"banned": r.BannedUsers} }),
	"ban list": talk.Gives(func(a args) ([]discord.Ban, error) { return client.Rest.GetBans(of(a, "guild"), 0, 0, 100) },
		func(all []discord.Ban) data {
			return data{"ids": talk.List(all, func(b discord.Ban) string { return b.User.ID.String() })}
		}),
	"ban fetch": talk.Gives(func(a args) (*discord.Ban, error) { return client.Rest.GetBan(of(a, "guild"), of(a, "person")) }, func(b *discord.Ban) data { return data{"id": b.User.ID} }),
	"own nickname": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateCurrentMember(of(a, "guild"), discord.CurrentMemberUpdate{Nick: talk.To("Robo")}))
	}),
	"own guild profile": talk.Gives(func(a args) (*discord.Member, error) {
		return client.Rest.UpdateCurrentMember(of(a, "guild"), discord.CurrentMemberUpdate{Avatar: omit.New(picture(a)), Bio: talk.To("I paint")})
	}, func(m *discord.Member) data { return data{"avatar": m.Avatar} }),
	"member join event":           told(func(a args, e *events.GuildMemberJoin) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildMemberJoin) data { return data{"name": e.Member.User.Username} }),
	"member leave event":          told(func(a args, e *events.GuildMemberLeave) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildMemberLeave) data { return data{"id": e.User.ID} }),
	"member update event":         told(func(a args, e *events.GuildMemberUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildMemberUpdate) data { return data{"id": e.Member.User.ID, "nick": e.Member.Nick} }),
	"ban event":                   told(func(a args, e *events.GuildBan) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildBan) data { return data{"id": e.User.ID} }),
	"unban event":                 told(func(a args, e *events.GuildUnban) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildUnban) data { return data{"id": e.User.ID} }),
	"permissions of a member":     permissions,
	"permissions while timed out": permissions,

	"voice join": func(a args, _ ready) (data, error) {
		e, err := join(a, true)
		if err != nil {
			return nil, err
		}
		return data{"channel": *e.VoiceState.ChannelID}, nil
	},
	"voice leave": func(a args, _ ready) (data, error) {
		if _, err := join(a, false); err != nil {
			return nil, err
		}
		return nil, talk.Second(inVoice(a, nil, false))
	},
	"voice server event": func(a args, _ ready) (data, error) {
		wait := expect(func(e *events.VoiceServerUpdate) bool { return e.GuildID == of(a, "guild") })
		if _, err := join(a, false); err != nil {
			return nil, err
		}
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"guild": e.GuildID}, nil
	},
	"voice join event": told(func(a args, e *events.GuildVoiceJoin) bool { return e.VoiceState.UserID == of(a, "person") }, func(e *events.GuildVoiceJoin) data {
		return data{"user": e.VoiceState.UserID, "channel": *e.VoiceState.ChannelID}
	}),
	"voice leave event": told(func(a args, e *events.GuildVoiceLeave) bool { return e.VoiceState.UserID == of(a, "person") }, func(e *events.GuildVoiceLeave) data { return data{"user": e.VoiceState.UserID} }),
	"voice states in the cache": func(a args, _ ready) (data, error) {
		return data{"ids": talk.List(slices.Collect(client.Caches.VoiceStates(of(a, "guild"))), func(v discord.VoiceState) string { return v.UserID.String() })}, nil
	},
	"voice state fetch": talk.Gives(func(a args) (*discord.VoiceState, error) {
		return client.Rest.GetUserVoiceState(of(a, "guild"), of(a, "person"))
	},
		func(v *discord.VoiceState) data { return data{"channel": *v.ChannelID} }),
	"voice move":       editMember(func(a args) discord.MemberUpdate { return discord.MemberUpdate{ChannelID: talk.To(of(a, "stage"))} }),
	"voice disconnect": editMember(func(args) discord.MemberUpdate { return discord.MemberUpdate{ChannelID: talk.To(id(0))} }),
	"voice mute":       editMember(func(args) discord.MemberUpdate { return discord.MemberUpdate{Mute: talk.To(true), Deaf: talk.To(true)} }),
	"voice regions":    talk.Gives(func(args) ([]discord.VoiceRegion, error) { return client.Rest.GetVoiceRegions() }, func(all []discord.VoiceRegion) data { return data{"count": len(all)} }),
	"stage create": talk.Gives(func(a args) (*discord.StageInstance, error) {
		return client.Rest.CreateStageInstance(discord.StageInstanceCreate{ChannelID: of(a, "stage"), Topic: "talk"})
	}, stageOf),
	"stage fetch": talk.Gives(func(a args) (*discord.StageInstance, error) { return client.Rest.GetStageInstance(of(a, "stage")) }, stageOf),
	"stage edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateStageInstance(of(a, "stage"), discord.StageInstanceUpdate{Topic: talk.To("music")}))
	}),
	"stage delete": talk.Done(func(a args) error { return client.Rest.DeleteStageInstance(of(a, "stage")) }),
	"stage event":  told(func(a args, e *events.StageInstanceCreate) bool { return e.StageInstance.GuildID == of(a, "guild") }, func(e *events.StageInstanceCreate) data { return stageOf(&e.StageInstance) }),
	"stage speaker": talk.Done(func(a args) error {
		return client.Rest.UpdateUserVoiceState(of(a, "guild"), of(a, "person"), discord.UserVoiceStateUpdate{ChannelID: talk.To(of(a, "stage")), Suppress: talk.To(false)})
	}),
	"play a sound": talk.Done(func(a args) error {
		if _, err := join(a, false); err != nil {
			return err
		}
		return client.Rest.SendSoundboardSound(of(a, "voice"), discord.SendSoundboardSound{SoundID: 1})
	}),
}
