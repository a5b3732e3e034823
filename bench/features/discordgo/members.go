package main

import (
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

// chunk asks for members over the gateway.
func chunk(ask func(a args) error) feature {
	return func(a args, _ ready) (data, error) {
		wait := expect(func(c *discordgo.GuildMembersChunk) bool { return inGuild(a, c.GuildID) })
		if err := ask(a); err != nil {
			return nil, err
		}
		c, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"ids": talk.Sorted(c.Members, memberID)}, nil
	}
}

func memberID(m *discordgo.Member) string { return m.User.ID }

func member(a args) (*discordgo.Member, error) {
	return session.GuildMember(a.Text("guild"), a.Text("person"))
}

func editMember(params discordgo.GuildMemberParams) feature {
	return talk.Done(func(a args) error {
		_, err := session.GuildMemberEdit(a.Text("guild"), a.Text("person"), &params)
		return err
	})
}

func permissions(a args, _ ready) (data, error) {
	may, err := session.UserChannelPermissions(a.Text("person"), a.Text("channel"))
	return data{"permissions": strconv.FormatInt(may, 10)}, err
}

// inVoice waits for the own voice state after a change.
func inVoice(a args, channel string, change func() error) (*discordgo.VoiceStateUpdate, error) {
	wait := expect(func(v *discordgo.VoiceStateUpdate) bool {
		return inGuild(a, v.GuildID) && v.UserID == a.Text("bot") && v.ChannelID == channel
	})
	if err := change(); err != nil {
		return nil, err
	}
	return wait()
}

func join(a args, mute, deaf bool) (*discordgo.VoiceStateUpdate, error) {
	return inVoice(a, a.Text("voice"), func() error { return session.ChannelVoiceJoinManual(a.Text("guild"), a.Text("voice"), mute, deaf) })
}

func stageOf(s *discordgo.StageInstance) data { return data{"id": s.ID, "topic": s.Topic} }

var members = map[string]feature{
	"presence": talk.Done(func(args) error {
		return session.UpdateStatusComplex(discordgo.UpdateStatusData{Status: "dnd", Activities: []*discordgo.Activity{{Name: "chess", Type: discordgo.ActivityTypeGame}}})
	}),
	"custom status": talk.Done(func(args) error {
		return session.UpdateStatusComplex(discordgo.UpdateStatusData{Status: "idle", Activities: []*discordgo.Activity{{Name: "Custom Status", Type: discordgo.ActivityTypeCustom, State: "thinking"}}})
	}),
	"guild in the cache": talk.Gives(func(a args) (*discordgo.Guild, error) { return session.State.Guild(a.Text("guild")) },
		func(g *discordgo.Guild) data {
			return data{"name": g.Name, "channels": len(g.Channels), "owner": g.OwnerID}
		}),
	"all members":     chunk(func(a args) error { return session.RequestGuildMembers(a.Text("guild"), "", 0, "", false) }),
	"members by name": chunk(func(a args) error { return session.RequestGuildMembers(a.Text("guild"), "person", 10, "", false) }),
	"members by id": chunk(func(a args) error {
		return session.RequestGuildMembersList(a.Text("guild"), []string{a.Text("person"), a.Text("other")}, 0, "", false)
	}),
	"join a guild":  told(func(args, *discordgo.GuildCreate) bool { return true }, func(g *discordgo.GuildCreate) data { return guildOf(g.Guild) }),
	"leave a guild": told(func(a args, g *discordgo.GuildDelete) bool { return g.ID == a.Text("guild") }, func(g *discordgo.GuildDelete) data { return data{"id": g.ID} }),
	"guild outage": func(a args, ready ready) (data, error) {
		gone := expect(func(g *discordgo.GuildDelete) bool { return g.ID == a.Text("guild") && g.Unavailable })
		back := expect(func(g *discordgo.GuildCreate) bool { return g.ID == a.Text("guild") })
		ready(nil)
		if _, err := gone(); err != nil {
			return nil, err
		}
		g, err := back()
		if err != nil {
			return nil, err
		}
		return data{"id": g.ID}, nil
	},
	"resume": told(messageIn, func(m *discordgo.MessageCreate) data { return data{"content": m.Content} }),

	"member fetch": talk.Gives(member, func(m *discordgo.Member) data { return data{"name": m.User.Username, "joined": !m.JoinedAt.IsZero()} }),
	"member list": talk.Gives(func(a args) ([]*discordgo.Member, error) { return session.GuildMembers(a.Text("guild"), "", 1000) },
		func(all []*discordgo.Member) data { return data{"count": len(all)} }),
	"member search": talk.Gives(func(a args) ([]*discordgo.Member, error) {
		return session.GuildMembersSearch(a.Text("guild"), "person", 10)
	},
		func(all []*discordgo.Member) data { return data{"ids": talk.List(all, memberID)} }),
	"nickname": talk.Done(func(a args) error { return session.GuildMemberNickname(a.Text("guild"), a.Text("person"), "Pat") }),
	"role give": talk.Done(func(a args) error {
		return session.GuildMemberRoleAdd(a.Text("guild"), a.Text("person"), a.Text("role"))
	}),
	"role take": talk.Done(func(a args) error {
		return session.GuildMemberRoleRemove(a.Text("guild"), a.Text("person"), a.Text("role"))
	}),
	"roles set": talk.Done(func(a args) error {
		_, err := session.GuildMemberEdit(a.Text("guild"), a.Text("person"), &discordgo.GuildMemberParams{Roles: &[]string{a.Text("role")}})
		return err
	}),
	"timeout": func(a args, _ ready) (data, error) {
		until := time.Now().Add(time.Hour)
		return data{"until": until.Unix()}, session.GuildMemberTimeout(a.Text("guild"), a.Text("person"), &until)
	},
	"timeout end": talk.Done(func(a args) error { return session.GuildMemberTimeout(a.Text("guild"), a.Text("person"), nil) }),
	"kick": talk.Done(func(a args) error {
		return session.GuildMemberDelete(a.Text("guild"), a.Text("person"), discordgo.WithAuditLogReason("spam"))
	}),
	"unban": talk.Done(func(a args) error { return session.GuildBanDelete(a.Text("guild"), a.Text("person")) }),
	"ban": talk.Done(func(a args) error {
		return session.GuildBanCreate(a.Text("guild"), a.Text("person"), 1, discordgo.WithAuditLogReason("spam"))
	}),
	"ban list": talk.Gives(func(a args) ([]*discordgo.GuildBan, error) { return session.GuildBans(a.Text("guild"), 100, "", "") },
		func(all []*discordgo.GuildBan) data {
			return data{"ids": talk.List(all, func(b *discordgo.GuildBan) string { return b.User.ID })}
		}),
	"ban fetch": talk.Gives(func(a args) (*discordgo.GuildBan, error) { return session.GuildBan(a.Text("guild"), a.Text("person")) },
		func(b *discordgo.GuildBan) data { return data{"id": b.User.ID} }),
	"own nickname":            talk.Done(func(a args) error { return session.GuildMemberNickname(a.Text("guild"), "@me", "Robo") }),
	"member join event":       told(func(a args, m *discordgo.GuildMemberAdd) bool { return inGuild(a, m.GuildID) }, func(m *discordgo.GuildMemberAdd) data { return data{"name": m.User.Username} }),
	"member leave event":      told(func(a args, m *discordgo.GuildMemberRemove) bool { return inGuild(a, m.GuildID) }, func(m *discordgo.GuildMemberRemove) data { return data{"id": m.User.ID} }),
	"member update event":     told(func(a args, m *discordgo.GuildMemberUpdate) bool { return inGuild(a, m.GuildID) }, func(m *discordgo.GuildMemberUpdate) data { return data{"id": m.User.ID, "nick": m.Nick} }),
	"ban event":               told(func(a args, b *discordgo.GuildBanAdd) bool { return inGuild(a, b.GuildID) }, func(b *discordgo.GuildBanAdd) data { return data{"id": b.User.ID} }),
	"unban event":             told(func(a args, b *discordgo.GuildBanRemove) bool { return inGuild(a, b.GuildID) }, func(b *discordgo.GuildBanRemove) data { return data{"id": b.User.ID} }),
	"permissions of a member": permissions,

	"voice join": func(a args, _ ready) (data, error) {
		state, err := join(a, true, true)
		if err != nil {
			return nil, err
		}
		return data{"channel": state.ChannelID}, nil
	},
	"voice leave": func(a args, _ ready) (data, error) {
		if _, err := join(a, false, false); err != nil {
			return nil, err
		}
		_, err := inVoice(a, "", func() error { return session.ChannelVoiceJoinManual(a.Text("guild"), "", false, false) })
		return nil, err
	},
	"voice server event": func(a args, _ ready) (data, error) {
		wait := expect(func(v *discordgo.VoiceServerUpdate) bool { return inGuild(a, v.GuildID) })
		if _, err := join(a, false, false); err != nil {
			return nil, err
		}
		v, err := wait()
		if err != nil {
			return nil, err
		}
		return data{"guild": v.GuildID}, nil
	},
	"voice join event": told(func(a args, v *discordgo.VoiceStateUpdate) bool {
		return v.UserID == a.Text("person") && v.ChannelID != ""
	},
		func(v *discordgo.VoiceStateUpdate) data { return data{"user": v.UserID, "channel": v.ChannelID} }),
	"voice leave event": told(func(a args, v *discordgo.VoiceStateUpdate) bool {
		return v.UserID == a.Text("person") && v.ChannelID == ""
	},
		func(v *discordgo.VoiceStateUpdate) data { return data{"user": v.UserID} }),
	"voice states in the cache": talk.Gives(func(a args) (*discordgo.Guild, error) { return session.State.Guild(a.Text("guild")) }, func(g *discordgo.Guild) data {
		return data{"ids": talk.List(g.VoiceStates, func(v *discordgo.VoiceState) string { return v.UserID })}
	}),
	"voice move": talk.Done(func(a args) error {
		return session.GuildMemberMove(a.Text("guild"), a.Text("person"), talk.To(a.Text("stage")))
	}),
	"voice disconnect": talk.Done(func(a args) error { return session.GuildMemberMove(a.Text("guild"), a.Text("person"), nil) }),
	"voice mute":       editMember(discordgo.GuildMemberParams{Mute: talk.To(true), Deaf: talk.To(true)}),
	"voice regions":    talk.Gives(func(args) ([]*discordgo.VoiceRegion, error) { return session.VoiceRegions() }, func(all []*discordgo.VoiceRegion) data { return data{"count": len(all)} }),
	"stage create": talk.Gives(func(a args) (*discordgo.StageInstance, error) {
		return session.StageInstanceCreate(&discordgo.StageInstanceParams{ChannelID: a.Text("stage"), Topic: "talk"})
	}, stageOf),
	"stage fetch": talk.Gives(func(a args) (*discordgo.StageInstance, error) { return session.StageInstance(a.Text("stage")) }, stageOf),
	"stage edit": talk.Done(func(a args) error {
		_, err := session.StageInstanceEdit(a.Text("stage"), &discordgo.StageInstanceParams{Topic: "music"})
		return err
	}),
	"stage delete": talk.Done(func(a args) error { return session.StageInstanceDelete(a.Text("stage")) }),
}
