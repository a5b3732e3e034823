package main

import (
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

// notes is the file that is sent.
func notes() []*discordgo.File {
	return []*discordgo.File{{Name: "notes.txt", ContentType: "text/plain", Reader: strings.NewReader("some notes")}}
}

func guildOf(g *discordgo.Guild) data { return data{"id": g.ID, "name": g.Name} }

func roleOf(r *discordgo.Role) data { return data{"id": r.ID, "name": r.Name} }

func editRole(params discordgo.RoleParams, options ...discordgo.RequestOption) feature {
	return talk.Done(func(a args) error {
		_, err := session.GuildRoleEdit(a.Text("guild"), a.Text("role"), &params, options...)
		return err
	})
}

func audit(a args) (*discordgo.AuditLogEntry, error) {
	log, err := session.GuildAuditLog(a.Text("guild"), "", "", 30, 1)
	if err != nil {
		return nil, err
	}
	return log.AuditLogEntries[0], nil
}

var guilds = map[string]feature{
	"guild fetch": talk.Gives(func(a args) (*discordgo.Guild, error) { return session.GuildWithCounts(a.Text("guild")) },
		func(g *discordgo.Guild) data { return data{"name": g.Name, "members": g.ApproximateMemberCount} }),
	"guild list": func(a args, _ ready) (data, error) {
		after := ""
		for {
			page, err := session.UserGuilds(200, "", after, false)
			if err != nil || len(page) == 0 {
				return data{"found": false}, err
			}
			for _, g := range page {
				if g.ID == a.Text("guild") {
					return data{"found": true}, nil
				}
				after = g.ID
			}
		}
	},
	"guild edit": talk.Gives(func(a args) (*discordgo.Guild, error) {
		return session.GuildEdit(a.Text("guild"), &discordgo.GuildParams{Name: "hall", VerificationLevel: talk.To(discordgo.VerificationLevelMedium)})
	}, guildOf),
	"guild icon": talk.Gives(func(a args) (*discordgo.Guild, error) {
		return session.GuildEdit(a.Text("guild"), &discordgo.GuildParams{Icon: a.Text("picture")})
	}, func(g *discordgo.Guild) data { return data{"icon": g.Icon} }),
	"guild preview": talk.Gives(func(a args) (*discordgo.GuildPreview, error) { return session.GuildPreview(a.Text("guild")) },
		func(g *discordgo.GuildPreview) data { return data{"name": g.Name} }),
	"guild update event": told(func(a args, g *discordgo.GuildUpdate) bool { return g.ID == a.Text("guild") }, func(g *discordgo.GuildUpdate) data { return guildOf(g.Guild) }),
	"onboarding": talk.Gives(func(a args) (*discordgo.GuildOnboarding, error) { return session.GuildOnboarding(a.Text("guild")) },
		func(o *discordgo.GuildOnboarding) data { return data{"enabled": *o.Enabled} }),
	"integrations": talk.Gives(func(a args) ([]*discordgo.Integration, error) { return session.GuildIntegrations(a.Text("guild")) },
		func(all []*discordgo.Integration) data {
			return data{"names": talk.Sorted(all, func(i *discordgo.Integration) string { return i.Name })}
		}),
	"prune": func(a args, _ ready) (data, error) {
		count, err := session.GuildPruneCount(a.Text("guild"), 7)
		if err != nil {
			return nil, err
		}
		pruned, err := session.GuildPrune(a.Text("guild"), 7)
		return data{"count": count, "pruned": pruned}, err
	},
	"audit log": talk.Gives(audit, func(e *discordgo.AuditLogEntry) data {
		return data{"action": *e.ActionType, "user": e.UserID, "target": e.TargetID, "reason": e.Reason}
	}),
	"audit log reason": editRole(discordgo.RoleParams{Name: "sculptors"}, discordgo.WithAuditLogReason("art")),
	"audit log event": told(func(a args, e *discordgo.GuildAuditLogEntryCreate) bool { return inGuild(a, e.GuildID) },
		func(e *discordgo.GuildAuditLogEntryCreate) data {
			return data{"action": *e.ActionType, "user": e.UserID}
		}),
	"leave": talk.Done(func(a args) error { return session.GuildLeave(a.Text("guild")) }),

	"role create": talk.Gives(func(a args) (*discordgo.Role, error) {
		return session.GuildRoleCreate(a.Text("guild"), &discordgo.RoleParams{
			Name: "blue", Color: talk.To(0x0000FF), Hoist: talk.To(true), Permissions: talk.To(int64(discordgo.PermissionKickMembers)),
		})
	}, roleOf),
	"role edit":   editRole(discordgo.RoleParams{Name: "sculptors", Mentionable: talk.To(true)}),
	"role delete": talk.Done(func(a args) error { return session.GuildRoleDelete(a.Text("guild"), a.Text("role")) }),
	"role order": talk.Done(func(a args) error {
		_, err := session.GuildRoleReorder(a.Text("guild"), []*discordgo.Role{{ID: a.Text("role"), Position: 2}})
		return err
	}),
	"role list": talk.Gives(func(a args) ([]*discordgo.Role, error) { return session.GuildRoles(a.Text("guild")) },
		func(all []*discordgo.Role) data { return data{"count": len(all)} }),
	"role icon":         editRole(discordgo.RoleParams{UnicodeEmoji: talk.To("🎨")}),
	"role create event": told(func(a args, r *discordgo.GuildRoleCreate) bool { return inGuild(a, r.GuildID) }, func(r *discordgo.GuildRoleCreate) data { return roleOf(r.Role) }),
	"role update event": told(func(a args, r *discordgo.GuildRoleUpdate) bool { return inGuild(a, r.GuildID) }, func(r *discordgo.GuildRoleUpdate) data { return roleOf(r.Role) }),
	"role delete event": told(func(a args, r *discordgo.GuildRoleDelete) bool { return inGuild(a, r.GuildID) }, func(r *discordgo.GuildRoleDelete) data { return data{"id": r.RoleID} }),
}

func emojiNames(all []*discordgo.Emoji) []string {
	return talk.List(all, func(e *discordgo.Emoji) string { return e.Name })
}

var expressions = map[string]feature{
	"emoji create": talk.Gives(func(a args) (*discordgo.Emoji, error) {
		return session.GuildEmojiCreate(a.Text("guild"), &discordgo.EmojiParams{Name: "wave", Image: a.Text("picture")})
	}, func(e *discordgo.Emoji) data { return data{"id": e.ID, "name": e.Name} }),
	"emoji list": talk.Gives(func(a args) ([]*discordgo.Emoji, error) { return session.GuildEmojis(a.Text("guild")) }, func(all []*discordgo.Emoji) data { return data{"names": emojiNames(all)} }),
	"emoji edit": talk.Done(func(a args) error {
		_, err := session.GuildEmojiEdit(a.Text("guild"), a.Text("emoji"), &discordgo.EmojiParams{Name: "grin"})
		return err
	}),
	"emoji delete": talk.Done(func(a args) error { return session.GuildEmojiDelete(a.Text("guild"), a.Text("emoji")) }),
	"emojis event": told(func(a args, e *discordgo.GuildEmojisUpdate) bool { return inGuild(a, e.GuildID) },
		func(e *discordgo.GuildEmojisUpdate) data { return data{"name": e.Emojis[len(e.Emojis)-1].Name} }),
	"application emoji": func(a args, _ ready) (data, error) {
		made, err := session.ApplicationEmojiCreate(a.Text("app"), &discordgo.EmojiParams{Name: "mark", Image: a.Text("picture")})
		if err != nil {
			return nil, err
		}
		all, err := session.ApplicationEmojis(a.Text("app"))
		if err != nil {
			return nil, err
		}
		return data{"id": made.ID, "names": emojiNames(all)}, session.ApplicationEmojiDelete(a.Text("app"), made.ID)
	},
	"sticker send": talk.Gives(func(a args) (*discordgo.Message, error) {
		return send(&discordgo.MessageSend{StickerIDs: []string{a.Text("sticker")}})(a)
	}, sent),
	"stickers event": told(func(a args, s *discordgo.GuildStickersUpdate) bool { return inGuild(a, s.GuildID) },
		func(s *discordgo.GuildStickersUpdate) data { return data{"name": s.Stickers[len(s.Stickers)-1].Name} }),
}

func tomorrow() *time.Time { return talk.To(time.Now().Add(24 * time.Hour)) }

func eventOf(e *discordgo.GuildScheduledEvent) data { return data{"id": e.ID, "name": e.Name} }

func createEvent(params func(args) *discordgo.GuildScheduledEventParams) feature {
	return talk.Gives(func(a args) (*discordgo.GuildScheduledEvent, error) {
		p := params(a)
		p.Name, p.PrivacyLevel, p.ScheduledStartTime = "party", discordgo.GuildScheduledEventPrivacyLevelGuildOnly, tomorrow()
		return session.GuildScheduledEventCreate(a.Text("guild"), p)
	}, eventOf)
}

func editEvent(params discordgo.GuildScheduledEventParams) feature {
	return talk.Done(func(a args) error {
		_, err := session.GuildScheduledEventEdit(a.Text("guild"), a.Text("event"), &params)
		return err
	})
}

func ruleOf(r *discordgo.AutoModerationRule) data { return data{"id": r.ID, "name": r.Name} }

var events = map[string]feature{
	"event create": createEvent(func(args) *discordgo.GuildScheduledEventParams {
		return &discordgo.GuildScheduledEventParams{
			EntityType: discordgo.GuildScheduledEventEntityTypeExternal, EntityMetadata: &discordgo.GuildScheduledEventEntityMetadata{Location: "park"},
			ScheduledEndTime: talk.To(tomorrow().Add(time.Hour)),
		}
	}),
	"event in voice": createEvent(func(a args) *discordgo.GuildScheduledEventParams {
		return &discordgo.GuildScheduledEventParams{EntityType: discordgo.GuildScheduledEventEntityTypeVoice, ChannelID: a.Text("voice")}
	}),
	"event fetch": talk.Gives(func(a args) (*discordgo.GuildScheduledEvent, error) {
		return session.GuildScheduledEvent(a.Text("guild"), a.Text("event"), true)
	}, eventOf),
	"event list": talk.Gives(func(a args) ([]*discordgo.GuildScheduledEvent, error) {
		return session.GuildScheduledEvents(a.Text("guild"), true)
	},
		func(all []*discordgo.GuildScheduledEvent) data {
			return data{"names": talk.List(all, func(e *discordgo.GuildScheduledEvent) string { return e.Name })}
		}),
	"event edit":   editEvent(discordgo.GuildScheduledEventParams{Name: "ball"}),
	"event start":  editEvent(discordgo.GuildScheduledEventParams{Status: discordgo.GuildScheduledEventStatusActive}),
	"event delete": talk.Done(func(a args) error { return session.GuildScheduledEventDelete(a.Text("guild"), a.Text("event")) }),
	"event users": talk.Gives(func(a args) ([]*discordgo.GuildScheduledEventUser, error) {
		return session.GuildScheduledEventUsers(a.Text("guild"), a.Text("event"), 100, false, "", "")
	}, func(all []*discordgo.GuildScheduledEventUser) data {
		return data{"ids": talk.List(all, func(u *discordgo.GuildScheduledEventUser) string { return u.User.ID })}
	}),
	"event create event":      told(func(a args, e *discordgo.GuildScheduledEventCreate) bool { return inGuild(a, e.GuildID) }, func(e *discordgo.GuildScheduledEventCreate) data { return eventOf(e.GuildScheduledEvent) }),
	"event update event":      told(func(a args, e *discordgo.GuildScheduledEventUpdate) bool { return inGuild(a, e.GuildID) }, func(e *discordgo.GuildScheduledEventUpdate) data { return eventOf(e.GuildScheduledEvent) }),
	"event delete event":      told(func(a args, e *discordgo.GuildScheduledEventDelete) bool { return inGuild(a, e.GuildID) }, func(e *discordgo.GuildScheduledEventDelete) data { return eventOf(e.GuildScheduledEvent) }),
	"event user add event":    told(func(a args, e *discordgo.GuildScheduledEventUserAdd) bool { return inGuild(a, e.GuildID) }, func(e *discordgo.GuildScheduledEventUserAdd) data { return data{"user": e.UserID} }),
	"event user remove event": told(func(a args, e *discordgo.GuildScheduledEventUserRemove) bool { return inGuild(a, e.GuildID) }, func(e *discordgo.GuildScheduledEventUserRemove) data { return data{"user": e.UserID} }),

	"rule create": talk.Gives(func(a args) (*discordgo.AutoModerationRule, error) {
		return session.AutoModerationRuleCreate(a.Text("guild"), &discordgo.AutoModerationRule{
			Name: "manners", EventType: discordgo.AutoModerationEventMessageSend, TriggerType: discordgo.AutoModerationEventTriggerKeyword, Enabled: talk.To(true),
			TriggerMetadata: &discordgo.AutoModerationTriggerMetadata{KeywordFilter: []string{"darn"}},
			Actions:         []discordgo.AutoModerationAction{{Type: discordgo.AutoModerationRuleActionBlockMessage}},
		})
	}, ruleOf),
	"rule fetch": talk.Gives(func(a args) (*discordgo.AutoModerationRule, error) {
		return session.AutoModerationRule(a.Text("guild"), a.Text("rule"))
	}, ruleOf),
	"rule list": talk.Gives(func(a args) ([]*discordgo.AutoModerationRule, error) {
		return session.AutoModerationRules(a.Text("guild"))
	},
		func(all []*discordgo.AutoModerationRule) data {
			return data{"names": talk.List(all, func(r *discordgo.AutoModerationRule) string { return r.Name })}
		}),
	"rule edit": talk.Done(func(a args) error {
		_, err := session.AutoModerationRuleEdit(a.Text("guild"), a.Text("rule"), &discordgo.AutoModerationRule{Name: "tone", Enabled: talk.To(false)})
		return err
	}),
	"rule delete":       talk.Done(func(a args) error { return session.AutoModerationRuleDelete(a.Text("guild"), a.Text("rule")) }),
	"rule create event": told(func(a args, r *discordgo.AutoModerationRuleCreate) bool { return inGuild(a, r.GuildID) }, func(r *discordgo.AutoModerationRuleCreate) data { return ruleOf(r.AutoModerationRule) }),
	"rule update event": told(func(a args, r *discordgo.AutoModerationRuleUpdate) bool { return inGuild(a, r.GuildID) }, func(r *discordgo.AutoModerationRuleUpdate) data { return ruleOf(r.AutoModerationRule) }),
	"rule delete event": told(func(a args, r *discordgo.AutoModerationRuleDelete) bool { return inGuild(a, r.GuildID) }, func(r *discordgo.AutoModerationRuleDelete) data { return ruleOf(r.AutoModerationRule) }),
	"rule acts": told(func(a args, e *discordgo.AutoModerationActionExecution) bool { return inGuild(a, e.GuildID) },
		func(e *discordgo.AutoModerationActionExecution) data {
			return data{"rule": e.RuleID, "user": e.UserID, "keyword": e.MatchedKeyword}
		}),
}
