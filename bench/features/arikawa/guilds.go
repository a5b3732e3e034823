package main

import (
	"time"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/json/option"

	"evergreen/bench/features/talk"
)

func picture(a args) *api.Image {
	return &api.Image{ContentType: "image/png", Content: a.File("picture")}
}

func roleOf(r *discord.Role) data { return data{"id": r.ID, "name": r.Name} }

func editRole(change api.ModifyRoleData) feature {
	return talk.Done(func(a args) error { return talk.Second(client.ModifyRole(guildID(a), roleID(a), change)) })
}

func eventID(a args) discord.EventID { return talk.ID[discord.EventID](a, "event") }

func eventOf(e *discord.GuildScheduledEvent) data { return data{"id": e.ID, "name": e.Name} }

func createEvent(change func(args, *api.CreateScheduledEventData)) feature {
	return talk.Gives(func(a args) (*discord.GuildScheduledEvent, error) {
		e := api.CreateScheduledEventData{Name: "party", PrivacyLevel: discord.GuildOnly, StartTime: discord.NewTimestamp(time.Now().Add(24 * time.Hour))}
		change(a, &e)
		return client.CreateScheduledEvent(guildID(a), "", e)
	}, eventOf)
}

func editEvent(change api.EditScheduledEventData) feature {
	return talk.Done(func(a args) error { return talk.Second(client.EditScheduledEvent(guildID(a), eventID(a), "", change)) })
}

func ruleID(a args) discord.AutoModerationRuleID {
	return talk.ID[discord.AutoModerationRuleID](a, "rule")
}

var guilds = map[string]feature{
	"guild fetch": talk.Gives(func(a args) (*discord.Guild, error) { return client.GuildWithCount(guildID(a)) },
		func(g *discord.Guild) data { return data{"name": g.Name, "members": g.ApproximateMembers} }),
	"guild list": talk.Gives(func(a args) (bool, error) {
		all, err := client.AllGuilds()
		for _, g := range all {
			if g.ID == guildID(a) {
				return true, nil
			}
		}
		return false, err
	}, func(found bool) data { return data{"found": found} }),
	"guild edit": talk.Gives(func(a args) (*discord.Guild, error) {
		return client.ModifyGuild(guildID(a), api.ModifyGuildData{Name: "hall", Verification: talk.To(discord.MediumVerification)})
	}, func(g *discord.Guild) data { return data{"name": g.Name} }),
	"guild icon": talk.Gives(func(a args) (*discord.Guild, error) {
		return client.ModifyGuild(guildID(a), api.ModifyGuildData{Icon: picture(a)})
	}, func(g *discord.Guild) data { return data{"icon": g.Icon} }),
	"guild preview":      talk.Gives(func(a args) (*discord.GuildPreview, error) { return client.GuildPreview(guildID(a)) }, func(g *discord.GuildPreview) data { return data{"name": g.Name} }),
	"guild update event": told(func(a args, e *gateway.GuildUpdateEvent) bool { return e.ID == guildID(a) }, func(e *gateway.GuildUpdateEvent) data { return data{"name": e.Name} }),
	"widget": talk.Gives(func(a args) (*discord.GuildWidgetSettings, error) {
		if _, err := client.ModifyGuildWidget(guildID(a), api.ModifyGuildWidgetData{Enabled: option.True, ChannelID: channelID(a, "channel")}); err != nil {
			return nil, err
		}
		return client.GuildWidgetSettings(guildID(a))
	}, func(w *discord.GuildWidgetSettings) data { return data{"enabled": w.Enabled, "channel": w.ChannelID} }),
	"integrations": talk.Gives(func(a args) ([]discord.Integration, error) { return client.Integrations(guildID(a)) },
		func(all []discord.Integration) data {
			return data{"names": talk.Sorted(all, func(i discord.Integration) string { return i.Name })}
		}),
	"prune": func(a args, _ ready) (data, error) {
		count, err := client.PruneCount(guildID(a), api.PruneCountData{Days: 7})
		if err != nil {
			return nil, err
		}
		pruned, err := client.Prune(guildID(a), api.PruneData{Days: 7, ReturnCount: true})
		return data{"count": count, "pruned": pruned}, err
	},
	"audit log": talk.Gives(func(a args) (*discord.AuditLog, error) {
		return client.AuditLog(guildID(a), api.AuditLogData{ActionType: discord.RoleCreate, Limit: 1})
	}, func(log *discord.AuditLog) data {
		e := log.Entries[0]
		return data{"action": e.ActionType, "user": e.UserID, "target": e.TargetID, "reason": e.Reason}
	}),
	"audit log reason": editRole(api.ModifyRoleData{Name: option.NewNullableString("sculptors"), AddRoleData: api.AddRoleData{AuditLogReason: "art"}}),
	"audit log event": told(func(_ args, e *gateway.GuildAuditLogEntryCreateEvent) bool { return e.ActionType == discord.RoleCreate },
		func(e *gateway.GuildAuditLogEntryCreateEvent) data {
			return data{"action": e.ActionType, "user": e.UserID}
		}),
	"leave": talk.Done(func(a args) error { return client.LeaveGuild(guildID(a)) }),

	"role create": talk.Gives(func(a args) (*discord.Role, error) {
		return client.CreateRole(guildID(a), api.CreateRoleData{Name: "blue", Color: 0x0000FF, Hoist: true, Permissions: discord.PermissionKickMembers})
	}, roleOf),
	"role edit":   editRole(api.ModifyRoleData{Name: option.NewNullableString("sculptors"), Mentionable: option.NullableTrue}),
	"role delete": talk.Done(func(a args) error { return client.DeleteRole(guildID(a), roleID(a), "") }),
	"role order": talk.Done(func(a args) error {
		return talk.Second(client.MoveRoles(guildID(a), api.MoveRolesData{Roles: []api.MoveRoleData{{ID: roleID(a), Position: option.NewNullableInt(2)}}}))
	}),
	"role list":         talk.Gives(func(a args) ([]discord.Role, error) { return client.Client.Roles(guildID(a)) }, func(all []discord.Role) data { return data{"count": len(all)} }),
	"role icon":         editRole(api.ModifyRoleData{UnicodeEmoji: option.NewNullableString("🎨")}),
	"role create event": told(func(a args, e *gateway.GuildRoleCreateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildRoleCreateEvent) data { return roleOf(&e.Role) }),
	"role update event": told(func(a args, e *gateway.GuildRoleUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildRoleUpdateEvent) data { return roleOf(&e.Role) }),
	"role delete event": told(func(a args, e *gateway.GuildRoleDeleteEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildRoleDeleteEvent) data { return data{"id": e.RoleID} }),

	"emoji create": talk.Gives(func(a args) (*discord.Emoji, error) {
		return client.CreateEmoji(guildID(a), api.CreateEmojiData{Name: "wave", Image: *picture(a)})
	}, func(e *discord.Emoji) data { return data{"id": e.ID, "name": e.Name} }),
	"emoji list": talk.Gives(func(a args) ([]discord.Emoji, error) { return client.Client.Emojis(guildID(a)) },
		func(all []discord.Emoji) data {
			return data{"names": talk.List(all, func(e discord.Emoji) string { return e.Name })}
		}),
	"emoji edit": talk.Done(func(a args) error {
		return client.ModifyEmoji(guildID(a), talk.ID[discord.EmojiID](a, "emoji"), api.ModifyEmojiData{Name: "grin"})
	}),
	"emoji delete": talk.Done(func(a args) error { return client.DeleteEmoji(guildID(a), talk.ID[discord.EmojiID](a, "emoji"), "") }),
	"emojis event": told(func(a args, e *gateway.GuildEmojisUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildEmojisUpdateEvent) data { return data{"name": e.Emojis[len(e.Emojis)-1].Name} }),

	"event create": createEvent(func(_ args, e *api.CreateScheduledEventData) {
		e.EntityType, e.EntityMetadata, e.EndTime = discord.ExternalEntity, &discord.EntityMetadata{Location: "park"}, talk.To(discord.NewTimestamp(time.Now().Add(25*time.Hour)))
	}),
	"event in voice": createEvent(func(a args, e *api.CreateScheduledEventData) {
		e.EntityType, e.ChannelID = discord.VoiceEntity, channelID(a, "voice")
	}),
	"event fetch": talk.Gives(func(a args) (*discord.GuildScheduledEvent, error) {
		return client.ScheduledEvent(guildID(a), eventID(a), true)
	}, eventOf),
	"event list": talk.Gives(func(a args) ([]discord.GuildScheduledEvent, error) {
		return client.ListScheduledEvents(guildID(a), true)
	},
		func(all []discord.GuildScheduledEvent) data {
			return data{"names": talk.List(all, func(e discord.GuildScheduledEvent) string { return e.Name })}
		}),
	"event edit":   editEvent(api.EditScheduledEventData{Name: option.NewNullableString("ball")}),
	"event start":  editEvent(api.EditScheduledEventData{Status: discord.ActiveEvent}),
	"event delete": talk.Done(func(a args) error { return client.DeleteScheduledEvent(guildID(a), eventID(a)) }),
	"event users": talk.Gives(func(a args) ([]api.GuildScheduledEventUser, error) {
		return client.ListScheduledEventUsers(guildID(a), eventID(a), option.NewNullableInt(100), false, 0, 0)
	}, func(all []api.GuildScheduledEventUser) data {
		return data{"ids": talk.List(all, func(u api.GuildScheduledEventUser) string { return u.User.ID.String() })}
	}),
	"event create event":      told(func(a args, e *gateway.GuildScheduledEventCreateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildScheduledEventCreateEvent) data { return eventOf(&e.GuildScheduledEvent) }),
	"event update event":      told(func(a args, e *gateway.GuildScheduledEventUpdateEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildScheduledEventUpdateEvent) data { return eventOf(&e.GuildScheduledEvent) }),
	"event delete event":      told(func(a args, e *gateway.GuildScheduledEventDeleteEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildScheduledEventDeleteEvent) data { return eventOf(&e.GuildScheduledEvent) }),
	"event user add event":    told(func(a args, e *gateway.GuildScheduledEventUserAddEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildScheduledEventUserAddEvent) data { return data{"user": e.UserID} }),
	"event user remove event": told(func(a args, e *gateway.GuildScheduledEventUserRemoveEvent) bool { return e.GuildID == guildID(a) }, func(e *gateway.GuildScheduledEventUserRemoveEvent) data { return data{"user": e.UserID} }),

	"rule create": talk.Gives(func(a args) (*discord.AutoModerationRule, error) {
		return client.CreateAutoModerationRule(guildID(a), discord.AutoModerationRule{
			Name: "manners", EventType: discord.AutoModerationMessageSend, TriggerType: discord.AutoModerationKeyword, Enabled: true,
			TriggerMetadata: discord.AutoModerationTriggerMetadata{KeywordFilter: []string{"darn"}}, Actions: []discord.AutoModerationAction{{Type: discord.AutoModerationBlockMessage}},
		})
	}, func(r *discord.AutoModerationRule) data { return data{"id": r.ID} }),
	"rule fetch": talk.Gives(func(a args) (discord.AutoModerationRule, error) {
		return client.GetAutoModerationRule(guildID(a), ruleID(a))
	}, func(r discord.AutoModerationRule) data { return data{"name": r.Name} }),
	"rule list": talk.Gives(func(a args) ([]discord.AutoModerationRule, error) { return client.ListAutoModerationRules(guildID(a)) },
		func(all []discord.AutoModerationRule) data {
			return data{"names": talk.List(all, func(r discord.AutoModerationRule) string { return r.Name })}
		}),
	"rule edit": talk.Done(func(a args) error {
		return talk.Second(client.ModifyAutoModerationRule(guildID(a), ruleID(a), api.ModifyAutoModerationRuleData{Name: option.NewString("tone"), Enabled: option.False}))
	}),
	"rule delete": talk.Done(func(a args) error {
		return client.DeleteAutoModerationRule(guildID(a), ruleID(a), api.DeleteAutoModerationRuleData{})
	}),
}
