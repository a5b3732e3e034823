package features

import "errors"

// channelFeatures are the channels of a guild.
func channelFeatures() []Feature {
	const id, channel = "/channels/$id", "/channels/$channel"
	creates := func(name, kind string, check ...any) Feature {
		return feature(name+" channel", "Create Guild Channel", `makes the `+name+` channel "workshop" in guild`+kind+`; data: id, name`).
			then(said("name", "workshop"), shows(id, check...))
	}
	return in("channels",
		creates("text", ` with the topic "tools", in category`, "type", 0, "topic", "tools", "parent_id", "$category"),
		creates("voice", " with a limit of 5 users", "type", 2, "user_limit", 5),
		creates("category", "", "type", 4),
		creates("announcement", "", "type", 5),
		creates("stage", "", "type", 13),
		creates("forum", ` with the tag "help"`, "type", 15, "available_tags.0.name", "help"),
		feature("private channel", "Create Guild Channel (permission_overwrites)", `makes the text channel "workshop" in guild that @everyone may not see, and person and inspector may; data: id`).
			then(shows(id, "permission_overwrites.#", 3)),
		feature("channel fetch", "Get Channel", "fetches channel from the API; data: name").then(said("name", "general")),
		feature("channel list", "Get Guild Channels", "fetches the channels of guild from the API; data: count").then(said("count", len(guildChannels)+1)),
		feature("channel edit", "Modify Channel", `renames channel to "lobby", with the topic "talk" and a slow mode of 5 seconds, at once; data: name`).
			then(said("name", "lobby"), shows(channel, "name", "lobby", "topic", "talk", "rate_limit_per_user", 5)),
		feature("channel delete", "Delete Channel", "deletes channel; data: none").then(unknown(channel, 10003)),
		feature("overwrite", "Edit Channel Permissions", "forbids role to send messages in channel; data: none").
			then(shows(channel, "permission_overwrites.0.id", "$role", "permission_overwrites.0.deny", "2048")),
		feature("overwrite delete", "Delete Channel Permission", "takes role's overwrite from channel; data: none").
			before(moderator("", "PUT", "/channels/$channel/permissions/$role", `{"type":0,"deny":"2048"}`)).then(shows(channel, "permission_overwrites.#", 0)),
		feature("channel order", "Modify Guild Channel Positions", "moves channel to position 3, or down among the text channels; data: none").then(moved),
		feature("channel create event", "Channel Create", "is ready, waits for the event of a new channel in guild; data: name").
			people(moderator("", "POST", "/guilds/$guild/channels", `{"name":"yard","type":0}`)).then(said("name", "yard")),
		feature("channel update event", "Channel Update", "is ready, waits for the event that channel is changed; data: name").
			people(moderator("", "PATCH", channel, `{"name":"yard"}`)).then(said("name", "yard")),
		feature("channel delete event", "Channel Delete", "is ready, waits for the event that channel is deleted; data: id").
			people(moderator("", "DELETE", channel, "")).then(said("id", "$channel")),
	)
}

// moved checks that channel is no longer the first: libraries count positions in their own ways.
func moved(t *trial) error {
	if shows("/channels/$channel", "position", 0)(t) == nil {
		return errors.New("channel is still at position 0")
	}
	return nil
}

// guildFeatures are guilds and their settings.
func guildFeatures() []Feature {
	const guild = "/guilds/$guild"
	return in("guilds",
		feature("guild fetch", "Get Guild", "fetches guild from the API with counts; data: name, members (the approximate count)").then(said("name", "$guild_name", "members", 6)),
		feature("guild list", "Get Current User Guilds", "fetches the guilds that it is in; data: found (whether guild is among them)").then(said("found", true)),
		feature("guild edit", "Modify Guild", `renames guild to "hall", with verification level 2; data: name`).then(said("name", "hall"), shows(guild, "name", "hall", "verification_level", 2)),
		feature("guild icon", "Modify Guild (icon)", "gives guild the icon args.picture (a data URI); data: icon (the hash)").before(aPicture).then(func(t *trial) error {
			return shows(guild, "icon", t.said["icon"])(t)
		}),
		feature("guild preview", "Get Guild Preview", "fetches the preview of guild; data: name").
			before(func(t *trial) error { return nil }).then(said("name", "$guild_name")),
		feature("guild update event", "Guild Update", "is ready, waits for the event that guild is changed; data: name").people(moderator("", "PATCH", guild, `{"name":"tower"}`)).then(said("name", "tower")),
		feature("widget", "Modify Guild Widget", "switches the widget of guild on for channel, fetches its settings; data: enabled, channel (id)").then(said("enabled", true, "channel", "$channel")),
		feature("welcome screen", "Modify Guild Welcome Screen", `sets the description of the welcome screen to "hello" and switches it on, fetches it; data: description`).
			before(moderator("", "PATCH", guild, `{"features":["COMMUNITY"],"verification_level":1,"explicit_content_filter":2,"default_message_notifications":1,"rules_channel_id":"$channel","public_updates_channel_id":"$channel"}`)).
			then(said("description", "hello")),
		feature("onboarding", "Get Guild Onboarding", "fetches the onboarding of guild; data: enabled").then(said("enabled", false)),
		feature("template", "Create Guild Template", `makes the template "plan" of guild, fetches the templates; data: name`).then(said("name", "plan")),
		feature("integrations", "Get Guild Integrations", "fetches the integrations of guild; data: names (sorted)").then(said("names.#", 2, "names.0", "bot", "names.1", "inspector")),
		feature("prune", "Begin Guild Prune", "counts who would be pruned after 7 days, prunes them; data: count, pruned").then(func(t *trial) error { return said("pruned", t.said["count"])(t) }),
		feature("audit log", "Get Guild Audit Log", "fetches the newest entry about a new role (MEMBER_..., action 30) with reason; data: action (number), user, target (ids)").
			before(moderator("made", "POST", "/guilds/$guild/roles", `{"name":"blue"}`)).then(said("action", 30, "user", "$inspector", "target", "$made")),
		feature("audit log reason", "Audit Log Entry (reason)", `renames role to "sculptors" with the reason "art"; data: none`).then(shows("/guilds/$guild/audit-logs?action_type=31", "audit_log_entries.0.reason", "art")),
		feature("audit log event", "Guild Audit Log Entry Create", "is ready, waits for the event of an entry about a new role; data: action (number), user (id)").
			people(moderator("", "POST", "/guilds/$guild/roles", `{"name":"blue"}`)).then(said("action", 30, "user", "$inspector")),
		feature("leave", "Leave Guild", "leaves guild; data: none").then(lacks("/guilds/$guild/members?limit=100", "user.id", "$bot")),
	)
}

// roleFeatures are the roles of a guild.
func roleFeatures() []Feature {
	const list = "/guilds/$guild/roles"
	return in("roles",
		feature("role create", "Create Guild Role", `makes the role "blue" with the colour 0x0000FF, hoisted, with the permission KICK_MEMBERS alone; data: id`).
			then(shows(list+"/$id", "name", "blue", "color", 255, "hoist", true, "permissions", "2")),
		feature("role gradient", "Role Colors", `makes the role "blue" with the primary colour 0x0000FF; data: id`).then(shows(list+"/$id", "colors.primary_color", 255)),
		feature("role edit", "Modify Guild Role", `renames role to "sculptors" and makes it mentionable; data: none`).then(shows(list+"/$role", "name", "sculptors", "mentionable", true)),
		feature("role delete", "Delete Guild Role", "deletes role; data: none").then(unknown(list+"/$role", 10011)),
		feature("role order", "Modify Guild Role Positions", "moves role to position 2, over the role higher; data: none").
			before(moderator("higher", "POST", list, `{"name":"blue"}`), moderator("", "PATCH", list, `[{"id":"$higher","position":2}]`)).then(shows(list+"/$role", "position", 2)),
		feature("role list", "Get Guild Roles", "fetches the roles of guild from the API; data: count").then(said("count", 4)),
		feature("role fetch", "Get Guild Role", "fetches role from the API; data: name").then(said("name", "painters")),
		Feature{Name: "role icon", API: "Modify Guild Role (icon)", Needs: "a payment"},
		feature("role create event", "Guild Role Create", "is ready, waits for the event of a new role in guild; data: name").people(moderator("", "POST", list, `{"name":"blue"}`)).then(said("name", "blue")),
		feature("role update event", "Guild Role Update", "is ready, waits for the event that role is changed; data: name").people(moderator("", "PATCH", list+"/$role", `{"name":"blue"}`)).then(said("name", "blue")),
		feature("role delete event", "Guild Role Delete", "is ready, waits for the event that role is deleted; data: id").people(moderator("", "DELETE", list+"/$role", "")).then(said("id", "$role")),
	)
}
