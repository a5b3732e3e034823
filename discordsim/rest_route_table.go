package discordsim

import (
	"slices"
	"strings"
	"sync"
)

const (
	guildPath       = "/guilds/{guild}"
	memberPath      = guildPath + "/members/{user}"
	channelPath     = "/channels/{channel}"
	messagePath     = channelPath + "/messages/{message}"
	reactionPath    = messagePath + "/reactions/{emoji}"
	appPath         = "/applications/{application}"
	guildAppPath    = appPath + "/guilds/{guild}"
	webhookPath     = "/webhooks/{webhook}/{token}"
	webhookMessage  = webhookPath + "/messages/{message}"
	interactionPath = "/interactions/{interaction}/{token}/callback"
)

// routeTable is the API this simulator serves, made once; everything else is 501.
var routeTable struct {
	once   sync.Once
	list   []*route
	absent []*route
}

// absentRoutes are those of Discord that this simulator lacks although it has the path, or
// one that looks the same.
var absentRoutes = []route{
	{method: "PUT", path: guildAppPath + "/commands/permissions"},
	{method: "PUT", path: memberPath},
	{method: "DELETE", path: guildPath},
	{method: "POST", path: appPath + "/entitlements"},
}

func routes() []*route {
	routeTable.once.Do(func() {
		routeTable.list = slices.Concat(basicRoutes(), channelRoutes(), threadRoutes(), memberRoutes(), commandRoutes(), webhookRoutes(), expressionRoutes(), eventRoutes(),
			voiceStateRoutes(), guildPageRoutes(), templateRoutes(), integrationRoutes())
		for _, r := range absentRoutes {
			routeTable.absent = append(routeTable.absent, &r)
		}
		for _, r := range slices.Concat(routeTable.list, routeTable.absent) {
			r.segments = strings.Split(strings.Trim(r.path, "/"), "/")
		}
		// Words of a path come before its parameters.
		slices.SortStableFunc(routeTable.list, func(a, b *route) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	})
	return routeTable.list
}

// basicRoutes are those that every bot needs.
func basicRoutes() []*route {
	return []*route{
		{method: "GET", path: "/gateway", open: true, handle: (*restAPI).getGateway},
		{method: "GET", path: "/gateway/bot", handle: (*restAPI).getGatewayBot},

		{method: "GET", path: "/users/@me", bucket: "user-me", handle: (*restAPI).getMe},
		{method: "GET", path: "/users/{user}", bucket: "user-read", handle: (*restAPI).getUser},
		{method: "GET", path: "/users/@me/guilds", bucket: "guild-list", handle: (*restAPI).listGuilds},
		{method: "POST", path: "/users/@me/channels", bucket: "dm-open", handle: (*restAPI).openDM},
		{method: "DELETE", path: "/users/@me/guilds/{guild}", bucket: "guild-list", handle: onGuild((*restAPI).leaveGuild)},

		{method: "GET", path: "/applications/@me", bucket: "app-me", handle: (*restAPI).getApplication},
		{method: "GET", path: "/oauth2/applications/@me", bucket: "app-me", handle: (*restAPI).getApplication},
		{method: "PATCH", path: "/applications/@me", bucket: "app-edit", handle: (*restAPI).editApplication},

		{method: "GET", path: channelPath + "/messages", bucket: "message-read", handle: onChannel((*restAPI).listMessages)},
		{method: "POST", path: channelPath + "/messages", bucket: "message-write", handle: onChannel((*restAPI).createMessage)},
		{method: "GET", path: guildPath + "/messages/search", bucket: "message-read", needs: permissionHistory, handle: onGuild((*restAPI).searchMessages)},
		{method: "GET", path: messagePath, bucket: "message-read", needs: permissionHistory, handle: onMessage((*restAPI).getMessage)},
		{method: "PATCH", path: messagePath, bucket: "message-write", handle: onMessage((*restAPI).editMessage)},
		{method: "DELETE", path: messagePath, bucket: "message-delete", handle: onMessage((*restAPI).deleteMessage)},
		{method: "POST", path: channelPath + "/messages/bulk-delete", bucket: "message-bulk", needs: permissionManageMessages, handle: onChannel((*restAPI).deleteMessages)},
		{method: "POST", path: messagePath + "/crosspost", bucket: "crosspost", handle: onMessage((*restAPI).crosspostMessage)},
		{method: "GET", path: channelPath + "/messages/pins", bucket: "pin", needs: permissionHistory, handle: onChannel((*restAPI).listPins)},
		{method: "PUT", path: channelPath + "/messages/pins/{message}", bucket: "pin", needs: permissionPin, handle: onMessage((*restAPI).pinMessage)},
		{method: "DELETE", path: channelPath + "/messages/pins/{message}", bucket: "pin", needs: permissionPin, handle: onMessage((*restAPI).unpinMessage)},
		{method: "GET", path: channelPath + "/pins", bucket: "pin", needs: permissionHistory, handle: onChannel((*restAPI).listPinsOld)},
		{method: "PUT", path: channelPath + "/pins/{message}", bucket: "pin", needs: permissionPin, handle: onMessage((*restAPI).pinMessage)},
		{method: "DELETE", path: channelPath + "/pins/{message}", bucket: "pin", needs: permissionPin, handle: onMessage((*restAPI).unpinMessage)},
		{method: "POST", path: channelPath + "/typing", bucket: "typing", handle: onChannel((*restAPI).startTyping)},

		{method: "PUT", path: reactionPath + "/@me", bucket: "reaction", handle: (*restAPI).addReaction},
		{method: "DELETE", path: reactionPath + "/@me", bucket: "reaction", handle: (*restAPI).removeReaction},
		{method: "DELETE", path: reactionPath + "/{user}", bucket: "reaction", handle: (*restAPI).removeReaction},
		{method: "GET", path: reactionPath, bucket: "reaction", handle: (*restAPI).listReactions},
		{method: "DELETE", path: reactionPath, bucket: "reaction", needs: permissionManageMessages, handle: (*restAPI).removeEmoji},
		{method: "DELETE", path: messagePath + "/reactions", bucket: "reaction", needs: permissionManageMessages, handle: onMessage((*restAPI).clearReactions)},

		{method: "POST", path: interactionPath, open: true, exempt: true, handle: (*restAPI).answerInteraction},

		{method: "POST", path: webhookPath, open: true, bucket: "webhook", handle: (*restAPI).executeWebhook},
		{method: "GET", path: webhookMessage, open: true, bucket: "webhook", handle: on((*restAPI).webhookMessage, (*restAPI).getWebhookMessage)},
		{method: "PATCH", path: webhookMessage, open: true, bucket: "webhook", handle: on((*restAPI).webhookMessage, (*restAPI).editWebhookMessage)},
		{method: "DELETE", path: webhookMessage, open: true, bucket: "webhook", handle: on((*restAPI).webhookMessage, (*restAPI).deleteWebhookMessage)},
	}
}

// commandRoutes are those of application commands, global and of a guild.
func commandRoutes() (table []*route) {
	for _, base := range []string{appPath, guildAppPath} {
		table = append(table,
			&route{method: "GET", path: base + "/commands", bucket: "command-read", handle: on((*restAPI).scopeFor, (*restAPI).listCommands)},
			&route{method: "POST", path: base + "/commands", bucket: "command-write", handle: on((*restAPI).scopeFor, (*restAPI).createCommand)},
			&route{method: "PUT", path: base + "/commands", bucket: "command-write", handle: on((*restAPI).scopeFor, (*restAPI).replaceCommands)},
			&route{method: "GET", path: base + "/commands/{command}", bucket: "command-read", handle: (*restAPI).getCommand},
			&route{method: "PATCH", path: base + "/commands/{command}", bucket: "command-write", handle: (*restAPI).editCommand},
			&route{method: "DELETE", path: base + "/commands/{command}", bucket: "command-write", handle: (*restAPI).deleteCommand},
		)
	}
	return table
}

// memberRoutes are those of members, roles, bans and the audit log.
func memberRoutes() []*route {
	return []*route{
		{method: "GET", path: guildPath + "/members", bucket: "member-list", handle: onGuild((*restAPI).listMembers)},
		{method: "GET", path: guildPath + "/members/search", bucket: "member-list", handle: onGuild((*restAPI).searchMembers)},
		{method: "PATCH", path: guildPath + "/members/@me", bucket: "member-edit", handle: onGuild((*restAPI).editOwnMember)},
		{method: "PATCH", path: guildPath + "/members/@me/nick", bucket: "member-edit", handle: onGuild((*restAPI).editOwnMember)},
		{method: "GET", path: memberPath, bucket: "member-read", handle: onMember((*restAPI).getMember)},
		{method: "PATCH", path: memberPath, bucket: "member-edit", handle: onMember((*restAPI).editMember)},
		{method: "DELETE", path: memberPath, bucket: "member-edit", needs: permissionKick, handle: onMember((*restAPI).kickMember)},
		{method: "PUT", path: memberPath + "/roles/{role}", bucket: "member-role", needs: permissionManageRoles, handle: onMember((*restAPI).giveRole)},
		{method: "DELETE", path: memberPath + "/roles/{role}", bucket: "member-role", needs: permissionManageRoles, handle: onMember((*restAPI).takeRole)},

		{method: "GET", path: guildPath + "/bans", bucket: "ban-read", needs: permissionBan, handle: onGuild((*restAPI).listBans)},
		{method: "GET", path: guildPath + "/bans/{user}", bucket: "ban-read", needs: permissionBan, handle: onGuild((*restAPI).getBan)},
		{method: "PUT", path: guildPath + "/bans/{user}", bucket: "ban-write", needs: permissionBan, handle: onGuild((*restAPI).createBan)},
		{method: "DELETE", path: guildPath + "/bans/{user}", bucket: "ban-write", needs: permissionBan, handle: onGuild((*restAPI).removeBan)},
		{method: "POST", path: guildPath + "/bulk-ban", bucket: "ban-write", needs: permissionBan | permissionManageGuild, handle: onGuild((*restAPI).bulkBan)},

		{method: "GET", path: guildPath + "/roles", bucket: "role-read", handle: onGuild((*restAPI).listRoles)},
		{method: "POST", path: guildPath + "/roles", bucket: "role-write", needs: permissionManageRoles, handle: onGuild((*restAPI).createRole)},
		{method: "PATCH", path: guildPath + "/roles", bucket: "role-write", needs: permissionManageRoles, handle: onGuild((*restAPI).moveRoles)},
		{method: "GET", path: guildPath + "/roles/member-counts", bucket: "role-read", handle: onGuild((*restAPI).countRoles)},
		{method: "GET", path: guildPath + "/roles/{role}", bucket: "role-read", handle: (*restAPI).getRole},
		{method: "PATCH", path: guildPath + "/roles/{role}", bucket: "role-write", needs: permissionManageRoles, handle: (*restAPI).editRole},
		{method: "DELETE", path: guildPath + "/roles/{role}", bucket: "role-write", needs: permissionManageRoles, handle: (*restAPI).deleteRole},

		{method: "GET", path: guildPath + "/audit-logs", bucket: "audit-read", needs: permissionAuditLog, handle: onGuild((*restAPI).getAuditLog)},
	}
}

// channelRoutes are those of channels and guilds.
func channelRoutes() []*route {
	return []*route{
		{method: "GET", path: guildPath, bucket: "guild-read", handle: onGuild((*restAPI).getGuild)},
		{method: "PATCH", path: guildPath, bucket: "guild-edit", needs: permissionManageGuild, handle: onGuild((*restAPI).editGuild)},
		{method: "GET", path: guildPath + "/preview", bucket: "guild-read", handle: onGuild((*restAPI).getGuildPreview)},
		{method: "GET", path: guildPath + "/channels", bucket: "guild-read", handle: onGuild((*restAPI).listChannels)},
		{method: "POST", path: guildPath + "/channels", bucket: "channel-create", needs: permissionManageChannels, handle: onGuild((*restAPI).createChannel)},
		{method: "PATCH", path: guildPath + "/channels", bucket: "channel-create", needs: permissionManageChannels, handle: onGuild((*restAPI).moveChannels)},

		{method: "GET", path: channelPath, bucket: "channel-read", handle: onChannel((*restAPI).getChannel)},
		{method: "PATCH", path: channelPath, bucket: "channel-edit", handle: onChannel((*restAPI).editChannel)},
		{method: "DELETE", path: channelPath, bucket: "channel-edit", handle: onChannel((*restAPI).deleteChannel)},
		{method: "PUT", path: channelPath + "/permissions/{overwrite}", bucket: "channel-edit", needs: permissionManageRoles, handle: onChannel((*restAPI).putOverwrite)},
		{method: "DELETE", path: channelPath + "/permissions/{overwrite}", bucket: "channel-edit", needs: permissionManageRoles, handle: onChannel((*restAPI).deleteOverwrite)},
	}
}

// threadRoutes are those of threads.
func threadRoutes() []*route {
	onThread := func(handle func(*restAPI, *restRequest, *Channel) restResponse) func(*restAPI, *restRequest) restResponse {
		return on((*restAPI).threadFor, handle)
	}
	const archived, members = channelPath + "/threads/archived", channelPath + "/thread-members"
	return []*route{
		{method: "POST", path: channelPath + "/threads", bucket: "thread-create", handle: onChannel((*restAPI).createThread)},
		{method: "POST", path: messagePath + "/threads", bucket: "thread-create", needs: permissionPublicThreads, handle: onMessage((*restAPI).createThreadOfMessage)},
		{method: "GET", path: guildPath + "/threads/active", bucket: "thread-read", handle: onGuild((*restAPI).listActiveThreads)},
		{method: "GET", path: archived + "/public", bucket: "thread-read", needs: permissionHistory, handle: onParent((*restAPI).listPublicArchived)},
		{method: "GET", path: archived + "/private", bucket: "thread-read", needs: permissionHistory | permissionManageThreads, handle: onParent((*restAPI).listPrivateArchived)},
		{method: "GET", path: channelPath + "/users/@me/threads/archived/private", bucket: "thread-read", needs: permissionHistory, handle: onParent((*restAPI).listOwnArchived)},
		{method: "GET", path: members, bucket: "thread-read", handle: onThread((*restAPI).listThreadMembers)},
		{method: "GET", path: members + "/{user}", bucket: "thread-read", handle: onThread((*restAPI).getThreadMember)},
		{method: "PUT", path: members + "/@me", bucket: "thread-edit", handle: onThread((*restAPI).addThreadMember)},
		// Not documented; discord.py has always joined so.
		{method: "POST", path: members + "/@me", bucket: "thread-edit", handle: onThread((*restAPI).addThreadMember)},
		{method: "PUT", path: members + "/{user}", bucket: "thread-edit", handle: onThread((*restAPI).addThreadMember)},
		{method: "DELETE", path: members + "/@me", bucket: "thread-edit", handle: onThread((*restAPI).removeThreadMember)},
		{method: "DELETE", path: members + "/{user}", bucket: "thread-edit", handle: onThread((*restAPI).removeThreadMember)},
	}
}

// webhookRoutes are those of webhooks and invites.
func webhookRoutes() []*route {
	const ownedPath = "/webhooks/{webhook}"
	onOwned := func(handle func(*restAPI, *restRequest, *Webhook) restResponse) func(*restAPI, *restRequest) restResponse {
		return on((*restAPI).ownedWebhook, handle)
	}
	onToken := func(handle func(*restAPI, *restRequest, *Webhook) restResponse) func(*restAPI, *restRequest) restResponse {
		return on((*restAPI).webhookFor, handle)
	}
	return []*route{
		{method: "GET", path: channelPath + "/webhooks", bucket: "webhook-manage", needs: permissionManageWebhooks, handle: onChannel((*restAPI).listWebhooks)},
		{method: "POST", path: channelPath + "/followers", bucket: "webhook-manage", handle: onChannel((*restAPI).followChannel)},
		{method: "POST", path: channelPath + "/webhooks", bucket: "webhook-manage", needs: permissionManageWebhooks, handle: onChannel((*restAPI).createWebhook)},
		{method: "GET", path: guildPath + "/webhooks", bucket: "webhook-manage", needs: permissionManageWebhooks, handle: onGuild((*restAPI).listGuildWebhooks)},
		{method: "GET", path: ownedPath, bucket: "webhook-manage", handle: onOwned((*restAPI).getOwnedWebhook)},
		{method: "PATCH", path: ownedPath, bucket: "webhook-manage", handle: onOwned((*restAPI).editWebhook)},
		{method: "DELETE", path: ownedPath, bucket: "webhook-manage", handle: onOwned((*restAPI).deleteWebhook)},
		{method: "GET", path: webhookPath, open: true, bucket: "webhook", handle: onToken((*restAPI).getOwnedWebhook)},
		{method: "PATCH", path: webhookPath, open: true, bucket: "webhook", handle: onToken((*restAPI).editWebhook)},
		{method: "DELETE", path: webhookPath, open: true, bucket: "webhook", handle: onToken((*restAPI).deleteWebhook)},

		{method: "GET", path: channelPath + "/invites", bucket: "invite", needs: permissionManageChannels, handle: onChannel((*restAPI).listChannelInvites)},
		{method: "POST", path: channelPath + "/invites", bucket: "invite", needs: permissionInvite, handle: onChannel((*restAPI).createInvite)},
		{method: "GET", path: guildPath + "/invites", bucket: "invite", needs: permissionManageGuild, handle: onGuild((*restAPI).listGuildInvites)},
		{method: "GET", path: "/invites/{code}", bucket: "invite", handle: (*restAPI).getInvite},
		{method: "DELETE", path: "/invites/{code}", bucket: "invite", handle: (*restAPI).deleteInvite},
	}
}

// expressionRoutes are those of emojis and stickers.
func expressionRoutes() []*route {
	const emojis, emoji, stickers, sticker = guildPath + "/emojis", guildPath + "/emojis/{emoji_id}", guildPath + "/stickers", guildPath + "/stickers/{sticker}"
	return []*route{
		{method: "GET", path: emojis, bucket: "emoji", handle: onGuild((*restAPI).listEmojis)},
		{method: "POST", path: emojis, bucket: "emoji", needs: permissionCreateExpressions, handle: onGuild((*restAPI).createEmoji)},
		{method: "GET", path: emoji, bucket: "emoji", handle: onEmoji((*restAPI).getEmoji)},
		{method: "PATCH", path: emoji, bucket: "emoji", needs: permissionManageExpressions, handle: onEmoji((*restAPI).editEmoji)},
		{method: "DELETE", path: emoji, bucket: "emoji", needs: permissionManageExpressions, handle: onEmoji((*restAPI).deleteEmoji)},
		{method: "GET", path: appPath + "/emojis", bucket: "emoji", handle: onApp((*restAPI).listAppEmojis)},
		{method: "POST", path: appPath + "/emojis", bucket: "emoji", handle: onApp((*restAPI).createAppEmoji)},
		{method: "GET", path: appPath + "/emojis/{emoji_id}", bucket: "emoji", handle: onApp((*restAPI).getAppEmoji)},
		{method: "PATCH", path: appPath + "/emojis/{emoji_id}", bucket: "emoji", handle: onApp((*restAPI).editAppEmoji)},
		{method: "DELETE", path: appPath + "/emojis/{emoji_id}", bucket: "emoji", handle: onApp((*restAPI).deleteAppEmoji)},

		{method: "GET", path: "/sticker-packs", bucket: "sticker", handle: (*restAPI).listStickerPacks},
		{method: "GET", path: "/stickers/{sticker}", bucket: "sticker", handle: (*restAPI).getSticker},
		{method: "GET", path: stickers, bucket: "sticker", handle: onGuild((*restAPI).listStickers)},
		{method: "POST", path: stickers, bucket: "sticker", needs: permissionCreateExpressions, handle: onGuild((*restAPI).createSticker)},
		{method: "GET", path: sticker, bucket: "sticker", handle: onSticker((*restAPI).getGuildSticker)},
		{method: "PATCH", path: sticker, bucket: "sticker", needs: permissionManageExpressions, handle: onSticker((*restAPI).editSticker)},
		{method: "DELETE", path: sticker, bucket: "sticker", needs: permissionManageExpressions, handle: onSticker((*restAPI).deleteSticker)},
	}
}

// eventRoutes are those of polls, scheduled events, stages, sounds, rules and what is left.
func eventRoutes() []*route {
	const pollPath, stagePath = channelPath + "/polls/{message}", "/stage-instances/{channel}"
	onStage := func(handle func(*restAPI, *restRequest, *stage) restResponse) func(*restAPI, *restRequest) restResponse {
		return on((*restAPI).stageFor, handle)
	}
	return slices.Concat([]*route{
		{method: "GET", path: pollPath + "/answers/{answer}", bucket: "poll", handle: onMessage((*restAPI).listVoters)},
		{method: "POST", path: pollPath + "/expire", bucket: "poll", handle: onMessage((*restAPI).expirePoll)},

		{method: "POST", path: "/stage-instances", bucket: "stage", handle: (*restAPI).createStage},
		{method: "GET", path: stagePath, bucket: "stage", handle: onStage((*restAPI).getStage)},
		{method: "PATCH", path: stagePath, bucket: "stage", needs: stagePermissions, handle: onStage((*restAPI).editStage)},
		{method: "DELETE", path: stagePath, bucket: "stage", needs: stagePermissions, handle: onStage((*restAPI).deleteStage)},

		{method: "GET", path: guildPath + "/scheduled-events/{resource}/users", bucket: "scheduled-event", handle: scheduledEvents.on((*restAPI).listEventUsers)},
		{method: "GET", path: "/soundboard-default-sounds", bucket: "sound", handle: (*restAPI).listDefaultSounds},
		{method: "PATCH", path: "/users/@me", bucket: "user-edit", handle: (*restAPI).editMe},
		{method: "GET", path: "/voice/regions", open: true, bucket: "guild-read", handle: (*restAPI).listVoiceRegions},
		{method: "GET", path: guildPath + "/regions", bucket: "guild-read", handle: onGuild(func(r *restAPI, c *restRequest, _ *Guild) restResponse { return r.listVoiceRegions(c) })},
		{method: "GET", path: appPath + "/skus", bucket: "app-me", handle: onApp((*restAPI).listNothing)},
		{method: "GET", path: appPath + "/entitlements", bucket: "app-me", handle: onApp((*restAPI).listNothing)},
	},
		scheduledEvents.routes(guildPath+"/scheduled-events", "scheduled-event", 0, permissionCreateEvents, permissionManageEvents, plainList),
		autoModeration.routes(guildPath+"/auto-moderation/rules", "automod", permissionManageGuild, permissionManageGuild, permissionManageGuild, plainList),
		soundboard.routes(guildPath+"/soundboard-sounds", "sound", 0, permissionCreateExpressions, permissionManageExpressions, itemList),
	)
}
