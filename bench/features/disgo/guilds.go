package main

import (
	"bytes"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/omit"

	"evergreen/bench/features/talk"
)

func picture(a args) *discord.Icon { return discord.NewIconRaw(discord.IconTypePNG, a.File("picture")) }

func guildOf(g *discord.RestGuild) data { return data{"id": g.ID, "name": g.Name} }

func roleOf(r discord.Role) data { return data{"id": r.ID, "name": r.Name} }

func editRole(change discord.RoleUpdate, options ...rest.RequestOpt) feature {
	return talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateRole(of(a, "guild"), of(a, "role"), change, options...))
	})
}

var guilds = map[string]feature{
	"guild fetch": talk.Gives(func(a args) (*discord.RestGuild, error) { return client.Rest.GetGuild(of(a, "guild"), true) },
		func(g *discord.RestGuild) data { return data{"name": g.Name, "members": g.ApproximateMemberCount} }),
	"guild list": func(a args, _ ready) (data, error) {
		after := id(0)
		for {
			page, err := client.Rest.GetCurrentUserGuilds("", 0, after, 200, false)
			if err != nil || len(page) == 0 {
				return data{"found": false}, err
			}
			for _, g := range page {
				if after = g.ID; g.ID == of(a, "guild") {
					return data{"found": true}, nil
				}
			}
		}
	},
	"guild edit": talk.Gives(func(a args) (*discord.RestGuild, error) {
		return client.Rest.UpdateGuild(of(a, "guild"), discord.GuildUpdate{Name: talk.To("hall"), VerificationLevel: omit.NewPtr(discord.VerificationLevelMedium)})
	}, guildOf),
	"guild icon": talk.Gives(func(a args) (*discord.RestGuild, error) {
		return client.Rest.UpdateGuild(of(a, "guild"), discord.GuildUpdate{Icon: omit.New(picture(a))})
	}, func(g *discord.RestGuild) data { return data{"icon": *g.Icon} }),
	"guild preview": talk.Gives(func(a args) (*discord.GuildPreview, error) { return client.Rest.GetGuildPreview(of(a, "guild")) },
		func(g *discord.GuildPreview) data { return data{"name": g.Name} }),
	"guild update event": told(func(a args, e *events.GuildUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildUpdate) data { return data{"name": e.Guild.Name} }),
	"welcome screen": talk.Gives(func(a args) (*discord.GuildWelcomeScreen, error) {
		_, err := client.Rest.UpdateGuildWelcomeScreen(of(a, "guild"), discord.GuildWelcomeScreenUpdate{Enabled: talk.To(true), Description: talk.To("hello")})
		if err != nil {
			return nil, err
		}
		return client.Rest.GetGuildWelcomeScreen(of(a, "guild"))
	}, func(w *discord.GuildWelcomeScreen) data { return data{"description": *w.Description} }),
	"onboarding": talk.Gives(func(a args) (*discord.GuildOnboarding, error) { return client.Rest.GetGuildOnboarding(of(a, "guild")) },
		func(o *discord.GuildOnboarding) data { return data{"enabled": o.Enabled} }),
	"template": talk.Gives(func(a args) ([]discord.GuildTemplate, error) {
		if _, err := client.Rest.CreateGuildTemplate(of(a, "guild"), discord.GuildTemplateCreate{Name: "plan"}); err != nil {
			return nil, err
		}
		return client.Rest.GetGuildTemplates(of(a, "guild"))
	}, func(all []discord.GuildTemplate) data { return data{"name": all[0].Name} }),
	"prune": func(a args, _ ready) (data, error) {
		count, err := client.Rest.GetGuildPruneCount(of(a, "guild"), 7, nil)
		if err != nil {
			return nil, err
		}
		pruned, err := client.Rest.BeginGuildPrune(of(a, "guild"), discord.GuildPrune{Days: 7, ComputePruneCount: true})
		if err != nil {
			return nil, err
		}
		return data{"count": *count.Pruned, "pruned": *pruned.Pruned}, nil
	},
	"audit log": talk.Gives(func(a args) (*discord.AuditLog, error) {
		return client.Rest.GetAuditLog(of(a, "guild"), 0, discord.AuditLogEventRoleCreate, 0, 0, 1)
	}, func(log *discord.AuditLog) data {
		e := log.AuditLogEntries[0]
		return data{"action": e.ActionType, "user": e.UserID, "target": *e.TargetID, "reason": e.Reason}
	}),
	"audit log reason": editRole(discord.RoleUpdate{Name: talk.To("sculptors")}, rest.WithReason("art")),
	"audit log event": told(func(a args, e *events.GuildAuditLogEntryCreate) bool { return e.GuildID == of(a, "guild") },
		func(e *events.GuildAuditLogEntryCreate) data {
			return data{"action": e.AuditLogEntry.ActionType, "user": e.AuditLogEntry.UserID}
		}),
	"leave": talk.Done(func(a args) error { return client.Rest.LeaveGuild(of(a, "guild")) }),

	"role create": talk.Gives(func(a args) (*discord.Role, error) {
		return client.Rest.CreateRole(of(a, "guild"), discord.RoleCreate{Name: "blue", Color: 0x0000FF, Colors: discord.RoleColors{PrimaryColor: 0x0000FF}, Hoist: true, Permissions: talk.To(discord.PermissionKickMembers)})
	}, func(r *discord.Role) data { return roleOf(*r) }),
	"role gradient": talk.Gives(func(a args) (*discord.Role, error) {
		return client.Rest.CreateRole(of(a, "guild"), discord.RoleCreate{Name: "blue", Colors: discord.RoleColors{PrimaryColor: 0x0000FF}})
	}, func(r *discord.Role) data { return roleOf(*r) }),
	"role edit":   editRole(discord.RoleUpdate{Name: talk.To("sculptors"), Mentionable: talk.To(true)}),
	"role delete": talk.Done(func(a args) error { return client.Rest.DeleteRole(of(a, "guild"), of(a, "role")) }),
	"role order": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateRolePositions(of(a, "guild"), []discord.RolePositionUpdate{{ID: of(a, "role"), Position: talk.To(2)}}))
	}),
	"role list":         talk.Gives(func(a args) ([]discord.Role, error) { return client.Rest.GetRoles(of(a, "guild")) }, func(all []discord.Role) data { return data{"count": len(all)} }),
	"role fetch":        talk.Gives(func(a args) (*discord.Role, error) { return client.Rest.GetRole(of(a, "guild"), of(a, "role")) }, func(r *discord.Role) data { return roleOf(*r) }),
	"role icon":         editRole(discord.RoleUpdate{Emoji: talk.To("🎨")}),
	"role create event": told(func(a args, e *events.RoleCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.RoleCreate) data { return roleOf(e.Role) }),
	"role update event": told(func(a args, e *events.RoleUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.RoleUpdate) data { return roleOf(e.Role) }),
	"role delete event": told(func(a args, e *events.RoleDelete) bool { return e.GuildID == of(a, "guild") }, func(e *events.RoleDelete) data { return data{"id": e.RoleID} }),
}

func emojiNames(all []discord.Emoji) []string {
	return talk.List(all, func(e discord.Emoji) string { return e.Name })
}

func stickerOf(s *discord.Sticker) data { return data{"id": s.ID, "name": s.Name} }

func soundNames(all []discord.SoundboardSound) data {
	return data{"names": talk.List(all, func(s discord.SoundboardSound) string { return s.Name })}
}

var expressions = map[string]feature{
	"emoji create": talk.Gives(func(a args) (*discord.Emoji, error) {
		return client.Rest.CreateEmoji(of(a, "guild"), discord.EmojiCreate{Name: "wave", Image: *picture(a)})
	}, func(e *discord.Emoji) data { return data{"id": e.ID, "name": e.Name} }),
	"emoji list": talk.Gives(func(a args) ([]discord.Emoji, error) { return client.Rest.GetEmojis(of(a, "guild")) }, func(all []discord.Emoji) data { return data{"names": emojiNames(all)} }),
	"emoji edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateEmoji(of(a, "guild"), of(a, "emoji"), discord.EmojiUpdate{Name: talk.To("grin")}))
	}),
	"emoji delete": talk.Done(func(a args) error { return client.Rest.DeleteEmoji(of(a, "guild"), of(a, "emoji")) }),
	"emojis event": told(func(a args, e *events.EmojiCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.EmojiCreate) data { return data{"name": e.Emoji.Name} }),
	"application emoji": func(a args, _ ready) (data, error) {
		made, err := client.Rest.CreateApplicationEmoji(of(a, "app"), discord.EmojiCreate{Name: "mark", Image: *picture(a)})
		if err != nil {
			return nil, err
		}
		all, err := client.Rest.GetApplicationEmojis(of(a, "app"))
		if err != nil {
			return nil, err
		}
		return data{"id": made.ID, "names": emojiNames(all)}, client.Rest.DeleteApplicationEmoji(of(a, "app"), made.ID)
	},
	"sticker create": talk.Gives(func(a args) (*discord.Sticker, error) {
		return client.Rest.CreateSticker(of(a, "guild"), discord.StickerCreate{Name: "hello", Description: "waves", Tags: "wave", File: discord.NewFile("hello.png", "", bytes.NewReader(a.File("picture")))})
	}, stickerOf),
	"sticker list": talk.Gives(func(a args) ([]discord.Sticker, error) { return client.Rest.GetStickers(of(a, "guild")) },
		func(all []discord.Sticker) data {
			return data{"names": talk.List(all, func(s discord.Sticker) string { return s.Name })}
		}),
	"sticker edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateSticker(of(a, "guild"), of(a, "sticker"), discord.StickerUpdate{Name: talk.To("bye")}))
	}),
	"sticker delete": talk.Done(func(a args) error { return client.Rest.DeleteSticker(of(a, "guild"), of(a, "sticker")) }),
	"sticker send": talk.Gives(func(a args) (*discord.Message, error) {
		return send(discord.MessageCreate{StickerIDs: []id{of(a, "sticker")}})(a)
	}, sent),
	"sticker packs":  talk.Gives(func(args) ([]discord.StickerPack, error) { return client.Rest.GetNitroStickerPacks() }, func(all []discord.StickerPack) data { return data{"count": len(all)} }),
	"stickers event": told(func(a args, e *events.StickerCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.StickerCreate) data { return data{"name": e.Sticker.Name} }),
	"sound create": talk.Gives(func(a args) (*discord.SoundboardSound, error) {
		return client.Rest.CreateGuildSoundboardSound(of(a, "guild"), discord.SoundboardSoundCreate{Name: "bang", Sound: *discord.NewSoundRaw(discord.SoundTypeMP3, a.File("sound_file"))})
	}, func(s *discord.SoundboardSound) data { return data{"id": s.SoundID} }),
	"sound list": talk.Gives(func(a args) ([]discord.SoundboardSound, error) {
		return client.Rest.GetGuildSoundboardSounds(of(a, "guild"))
	}, soundNames),
	"sound edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateGuildSoundboardSound(of(a, "guild"), of(a, "sound"), discord.SoundboardSoundUpdate{Name: talk.To("puff")}))
	}),
	"sound delete":   talk.Done(func(a args) error { return client.Rest.DeleteGuildSoundboardSound(of(a, "guild"), of(a, "sound")) }),
	"default sounds": talk.Gives(func(args) ([]discord.SoundboardSound, error) { return client.Rest.GetSoundboardDefaultSounds() }, func(all []discord.SoundboardSound) data { return data{"count": len(all)} }),
	"sounds event":   told(func(a args, e *events.GuildSoundboardSoundCreate) bool { return *e.GuildID == of(a, "guild") }, func(e *events.GuildSoundboardSoundCreate) data { return data{"name": e.Name} }),
	"request sounds": func(a args, _ ready) (data, error) {
		wait := expect(func(e *events.SoundboardSounds) bool { return e.GuildID == of(a, "guild") })
		if err := client.RequestSoundboardSounds(background, of(a, "guild")); err != nil {
			return nil, err
		}
		e, err := wait()
		if err != nil {
			return nil, err
		}
		return soundNames(e.SoundboardSounds), nil
	},
}

func eventOf(e *discord.GuildScheduledEvent) data { return data{"id": e.ID, "name": e.Name} }

func editEvent(change discord.GuildScheduledEventUpdate) feature {
	return talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateGuildScheduledEvent(of(a, "guild"), of(a, "event"), change))
	})
}

func createEvent(change func(args, *discord.GuildScheduledEventCreate)) feature {
	return talk.Gives(func(a args) (*discord.GuildScheduledEvent, error) {
		e := discord.GuildScheduledEventCreate{Name: "party", PrivacyLevel: discord.ScheduledEventPrivacyLevelGuildOnly, ScheduledStartTime: time.Now().Add(24 * time.Hour)}
		change(a, &e)
		return client.Rest.CreateGuildScheduledEvent(of(a, "guild"), e)
	}, eventOf)
}

func ruleOf(r *discord.AutoModerationRule) data { return data{"id": r.ID, "name": r.Name} }

var scheduled = map[string]feature{
	"event create": createEvent(func(_ args, e *discord.GuildScheduledEventCreate) {
		e.EntityType, e.EntityMetaData, e.ScheduledEndTime = discord.ScheduledEventEntityTypeExternal, &discord.EntityMetaData{Location: "park"}, talk.To(e.ScheduledStartTime.Add(time.Hour))
	}),
	"event in voice": createEvent(func(a args, e *discord.GuildScheduledEventCreate) {
		e.EntityType, e.ChannelID = discord.ScheduledEventEntityTypeVoice, of(a, "voice")
	}),
	"event fetch": talk.Gives(func(a args) (*discord.GuildScheduledEvent, error) {
		return client.Rest.GetGuildScheduledEvent(of(a, "guild"), of(a, "event"), true)
	}, eventOf),
	"event list": talk.Gives(func(a args) ([]discord.GuildScheduledEvent, error) {
		return client.Rest.GetGuildScheduledEvents(of(a, "guild"), true)
	},
		func(all []discord.GuildScheduledEvent) data {
			return data{"names": talk.List(all, func(e discord.GuildScheduledEvent) string { return e.Name })}
		}),
	"event edit":   editEvent(discord.GuildScheduledEventUpdate{Name: "ball"}),
	"event start":  editEvent(discord.GuildScheduledEventUpdate{Status: talk.To(discord.ScheduledEventStatusActive)}),
	"event delete": talk.Done(func(a args) error { return client.Rest.DeleteGuildScheduledEvent(of(a, "guild"), of(a, "event")) }),
	"event users": talk.Gives(func(a args) ([]discord.GuildScheduledEventUser, error) {
		return client.Rest.GetGuildScheduledEventUsers(of(a, "guild"), of(a, "event"), false, 0, 0, 100)
	}, func(all []discord.GuildScheduledEventUser) data {
		return data{"ids": talk.List(all, func(u discord.GuildScheduledEventUser) string { return u.User.ID.String() })}
	}),
	"event create event": told(func(a args, e *events.GuildScheduledEventCreate) bool {
		return e.GuildScheduled.GuildID == of(a, "guild")
	}, func(e *events.GuildScheduledEventCreate) data { return eventOf(&e.GuildScheduled) }),
	"event update event": told(func(a args, e *events.GuildScheduledEventUpdate) bool {
		return e.GuildScheduled.GuildID == of(a, "guild")
	}, func(e *events.GuildScheduledEventUpdate) data { return eventOf(&e.GuildScheduled) }),
	"event delete event": told(func(a args, e *events.GuildScheduledEventDelete) bool {
		return e.GuildScheduled.GuildID == of(a, "guild")
	}, func(e *events.GuildScheduledEventDelete) data { return eventOf(&e.GuildScheduled) }),
	"event user add event":    told(func(a args, e *events.GuildScheduledEventUserAdd) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildScheduledEventUserAdd) data { return data{"user": e.UserID} }),
	"event user remove event": told(func(a args, e *events.GuildScheduledEventUserRemove) bool { return e.GuildID == of(a, "guild") }, func(e *events.GuildScheduledEventUserRemove) data { return data{"user": e.UserID} }),

	"rule create": talk.Gives(func(a args) (*discord.AutoModerationRule, error) {
		return client.Rest.CreateAutoModerationRule(of(a, "guild"), discord.AutoModerationRuleCreate{
			Name: "manners", EventType: discord.AutoModerationEventTypeMessageSend, TriggerType: discord.AutoModerationTriggerTypeKeyword, Enabled: talk.To(true),
			TriggerMetadata: &discord.AutoModerationTriggerMetadata{KeywordFilter: []string{"darn"}}, Actions: []discord.AutoModerationAction{{Type: discord.AutoModerationActionTypeBlockMessage}},
		})
	}, ruleOf),
	"rule fetch": talk.Gives(func(a args) (*discord.AutoModerationRule, error) {
		return client.Rest.GetAutoModerationRule(of(a, "guild"), of(a, "rule"))
	}, ruleOf),
	"rule list": talk.Gives(func(a args) ([]discord.AutoModerationRule, error) {
		return client.Rest.GetAutoModerationRules(of(a, "guild"))
	},
		func(all []discord.AutoModerationRule) data {
			return data{"names": talk.List(all, func(r discord.AutoModerationRule) string { return r.Name })}
		}),
	"rule edit": talk.Done(func(a args) error {
		return talk.Second(client.Rest.UpdateAutoModerationRule(of(a, "guild"), of(a, "rule"), discord.AutoModerationRuleUpdate{Name: talk.To("tone"), Enabled: talk.To(false)}))
	}),
	"rule delete":       talk.Done(func(a args) error { return client.Rest.DeleteAutoModerationRule(of(a, "guild"), of(a, "rule")) }),
	"rule create event": told(func(a args, e *events.AutoModerationRuleCreate) bool { return e.GuildID == of(a, "guild") }, func(e *events.AutoModerationRuleCreate) data { return ruleOf(&e.AutoModerationRule) }),
	"rule update event": told(func(a args, e *events.AutoModerationRuleUpdate) bool { return e.GuildID == of(a, "guild") }, func(e *events.AutoModerationRuleUpdate) data { return ruleOf(&e.AutoModerationRule) }),
	"rule delete event": told(func(a args, e *events.AutoModerationRuleDelete) bool { return e.GuildID == of(a, "guild") }, func(e *events.AutoModerationRuleDelete) data { return ruleOf(&e.AutoModerationRule) }),
}
