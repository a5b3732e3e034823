package discordsim

import (
	"encoding/json"
	"slices"
	"time"
)

// ready answers an IDENTIFY: READY, then the guilds one by one (S-027, S-029).
func (c *conn) ready(id identify) {
	s, b := c.sim, c.known
	c.pending = nil
	c.zip = id.compress
	sess := b.newSession(c, id)
	sess.live, sess.started = true, true
	guilds := []any{}
	var mine []*Guild
	for _, g := range id.app.Guilds {
		if sess.routed(g) {
			guilds = append(guilds, unavailableGuild(g))
			mine = append(mine, g)
		}
	}
	data := map[string]any{
		"v": 10, "user": botUser(id.app), "guilds": guilds, "session_id": sess.id, "resume_gateway_url": s.resumeURL(c.link),
		"application": map[string]any{"id": id.app.ID, "flags": id.app.Flags & (1<<31 - 1), "flags_new": decimal(id.app.Flags)},
	}
	if id.sharded {
		data["shard"] = id.shard
	}
	if !s.cfg.PlainReady {
		for k, v := range map[string]any{
			"_trace": []string{`["gateway-prd-sim",{"micros":0.0}]`}, "session_type": "normal", "private_channels": []any{}, "presences": []any{},
			"relationships": []any{}, "user_settings": map[string]any{}, "geo_ordered_rtc_regions": []string{"rotterdam"},
			"guild_join_requests": []any{}, "auth": map[string]any{}, "user_settings_proto": nil,
		} {
			data[k] = v
		}
	}
	sess.dispatch("READY", marshal(data))
	b.attachment()
	b.look()
	sess.periodic()
	if drop := s.strikes("ready-drop", c.place()); drop != nil {
		c.later(drop.Delay, c.cut)
	}
	if id.intents&intentGuilds == 0 {
		return
	}
	at := time.Duration(0)
	for _, g := range mine {
		if s.cfg.GuildSpacing > 0 {
			at += s.span(0, s.cfg.GuildSpacing)
		}
		if at == 0 {
			sess.offer(g)
			continue
		}
		// The session goes on with its guilds also when the connection has
		// changed meanwhile.
		s.after(at, func() { sess.offer(g) })
	}
}

// offer sends one guild of the start-up burst, if the bot is still in it.
func (sess *session) offer(g *Guild) {
	if sess.over || !slices.Contains(sess.bot.app.Guilds, g) {
		return
	}
	if g.Unavailable {
		sess.dispatch("GUILD_DELETE", marshal(unavailableGuild(g)))
		return
	}
	sess.dispatch("GUILD_CREATE", marshal(sess.guildObject(g)))
}

// announceGuild tells the sessions that the bot is in a guild (S-072).
func (s *Sim) announceGuild(app *App, g *Guild) {
	for _, sess := range slices.Clone(s.bots[app.ID].sessions) {
		if sess.started && sess.routed(g) && sess.intents&intentGuilds != 0 {
			sess.offer(g)
		}
	}
}

func unavailableGuild(g *Guild) map[string]any {
	return map[string]any{"id": g.ID, "unavailable": true}
}

// botUser is the bot as READY names it.
func botUser(app *App) map[string]any {
	return map[string]any{
		"id": app.Bot.ID, "username": app.Bot.Username, "global_name": orNull(app.Bot.GlobalName), "discriminator": "0000", "avatar": nil,
		"bot": true, "verified": true, "mfa_enabled": true, "flags": 0, "email": nil,
	}
}

// guildObject is GUILD_CREATE (S-030): with the presence intent it lists the
// members, without it only the bot itself.
func (sess *session) guildObject(g *Guild) map[string]any {
	s := sess.bot.sim
	channels := []any{}
	for i, ch := range g.Channels {
		if s.seesLocked(sess.bot.app, ch) {
			channels = append(channels, map[string]any{
				"id": ch.ID, "type": 0, "name": ch.Name, "position": i, "parent_id": nil, "topic": nil, "nsfw": false,
				"permission_overwrites": []any{}, "rate_limit_per_user": 0, "flags": 0, "last_message_id": nil,
			})
		}
	}
	members, presences := []any{}, []any{}
	everybody := sess.intents&intentPresences != 0 && (s.cfg.HugeGuild < 0 || len(g.Members) <= s.cfg.HugeGuild)
	for _, id := range g.Members {
		online := id == sess.bot.app.Bot.ID
		if !everybody && !online {
			continue
		}
		if everybody && !online && len(g.Members) > sess.largeThreshold() {
			continue // offline members of a large guild are left out
		}
		members = append(members, s.memberObject(s.userLocked(id)))
		if everybody && online {
			presences = append(presences, map[string]any{"user": map[string]any{"id": id}, "status": "online", "activities": []any{}, "client_status": map[string]any{"web": "online"}})
		}
	}
	return map[string]any{
		"id": g.ID, "name": g.Name, "owner_id": g.OwnerID, "icon": nil, "features": []any{}, "emojis": []any{}, "stickers": []any{},
		"roles":        []any{map[string]any{"id": g.ID, "name": "@everyone", "permissions": botPermissions, "position": 0, "color": 0, "hoist": false, "managed": false, "mentionable": false, "flags": 0}},
		"member_count": len(g.Members), "large": len(g.Members) > sess.largeThreshold(), "joined_at": stamp(time.Now()), "unavailable": false,
		"channels": channels, "threads": []any{}, "members": members, "presences": presences, "voice_states": []any{},
		"stage_instances": []any{}, "guild_scheduled_events": []any{}, "soundboard_sounds": []any{}, "preferred_locale": "en-US",
		"premium_tier": 0, "nsfw_level": 0, "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
		"mfa_level": 0, "afk_timeout": 300, "afk_channel_id": nil, "system_channel_id": nil, "system_channel_flags": 0,
	}
}

func (sess *session) largeThreshold() int {
	if sess.threshold == 0 {
		return 50
	}
	return min(250, max(50, sess.threshold))
}

// memberObject is a guild member with its user.
func (s *Sim) memberObject(u User) map[string]any {
	m := bareMember()
	m["user"] = s.rest.wireUser(u)
	return m
}

// bareMember is a member as messages carry it: without the user inside.
func bareMember() map[string]any {
	return map[string]any{
		"nick": nil, "avatar": nil, "roles": []any{}, "joined_at": stamp(discordEpoch), "premium_since": nil, "deaf": false, "mute": false,
		"flags": 0, "pending": false, "communication_disabled_until": nil,
	}
}

// interactionObject is INTERACTION_CREATE for a slash command.
func (s *Sim) interactionObject(a *interaction, command string, options []any) map[string]any {
	commandID := ID(1)
	for _, known := range a.app.Commands {
		if known.Name == command {
			commandID = known.ID
		}
	}
	out := map[string]any{
		"id": a.id, "application_id": a.app.ID, "token": a.token, "version": 1, "type": a.kind,
		"data":       map[string]any{"id": commandID, "name": command, "type": 1, "options": optionList(options)},
		"channel_id": a.channel.ID, "channel": map[string]any{"id": a.channel.ID, "type": 0, "name": a.channel.Name, "permissions": botPermissions},
		"app_permissions": botPermissions, "locale": "en-US", "context": 1, "entitlements": []any{},
		"authorizing_integration_owners": map[string]any{}, "attachment_size_limit": 10 << 20,
	}
	if g := a.channel.Guild; g != nil {
		member := s.memberObject(a.user)
		member["permissions"] = botPermissions
		out["guild_id"], out["guild_locale"], out["member"], out["context"] = g.ID, "en-US", member, 0
		out["guild"] = map[string]any{"id": g.ID, "locale": "en-US", "features": []any{}}
	} else {
		out["user"] = s.rest.wireUser(a.user)
	}
	return out
}

// voice is op 4: accepted and not acted upon (S-080).
func (c *conn) voice(json.RawMessage) {}

// members is op 8 (S-078, S-079).
func (c *conn) members(d json.RawMessage) {
	s, sess := c.sim, c.session
	var in struct {
		Guild     ID              `json:"guild_id"`
		Query     *string         `json:"query"`
		Limit     int             `json:"limit"`
		Users     json.RawMessage `json:"user_ids"`
		Presences bool            `json:"presences"`
		Nonce     string          `json:"nonce"`
	}
	if json.Unmarshal(d, &in) != nil || in.Guild == 0 || (in.Query == nil && len(in.Users) == 0) {
		s.violate(c, "S-018", "a request for members is malformed")
		c.close(4001, "Unknown opcode.", true)
		return
	}
	g := s.guilds[in.Guild]
	if g == nil || !slices.Contains(sess.bot.app.Guilds, g) || !sess.routed(g) {
		return
	}
	all := in.Query != nil && *in.Query == "" && in.Limit == 0
	if all && sess.intents&intentMembers == 0 {
		s.violate(c, "S-078", "all members were asked for without the intent")
		if !s.cfg.IgnoreAllMembers {
			c.close(4001, "Unknown opcode.", true)
		}
		return
	}
	if all {
		now := time.Now()
		if last, before := sess.bot.membersAsked[g.ID]; before && now.Sub(last) < s.cfg.MembersWindow {
			meta := map[string]any{"guild_id": g.ID}
			if in.Nonce != "" {
				meta["nonce"] = in.Nonce
			}
			sess.dispatch("RATE_LIMITED", marshal(map[string]any{
				"opcode": opMembers, "retry_after": (s.cfg.MembersWindow - now.Sub(last)).Seconds(), "meta": meta,
			}))
			return
		}
		sess.bot.membersAsked[g.ID] = now
	}
	found, missing := s.findMembers(g, in.Query, in.Limit, in.Users)
	const size = 1000
	count := max(1, (len(found)+size-1)/size)
	for i := range count {
		chunk := map[string]any{
			"guild_id": g.ID, "members": found[min(i*size, len(found)):min((i+1)*size, len(found))], "chunk_index": i, "chunk_count": count,
		}
		if len(missing) > 0 {
			chunk["not_found"] = missing
		}
		if in.Presences && sess.intents&intentPresences != 0 {
			chunk["presences"] = []any{}
		}
		if in.Nonce != "" && len(in.Nonce) <= 32 {
			chunk["nonce"] = in.Nonce
		}
		sess.dispatch("GUILD_MEMBERS_CHUNK", marshal(chunk))
	}
}

// findMembers looks members up by the beginning of their name or by id.
func (s *Sim) findMembers(g *Guild, query *string, limit int, users json.RawMessage) (found []any, missing []any) {
	found = []any{}
	if len(users) > 0 && string(users) != "null" {
		var ids []json.RawMessage
		if json.Unmarshal(users, &ids) != nil {
			ids = []json.RawMessage{users}
		}
		for _, raw := range ids[:min(100, len(ids))] {
			var id ID
			if json.Unmarshal(raw, &id) == nil && slices.Contains(g.Members, id) {
				found = append(found, s.memberObject(s.userLocked(id)))
			} else {
				missing = append(missing, raw)
			}
		}
		return found, missing
	}
	for _, id := range g.Members {
		u := s.userLocked(id)
		if len(u.Username) >= len(*query) && u.Username[:len(*query)] == *query {
			found = append(found, s.memberObject(u))
		}
	}
	if *query != "" {
		limit = min(100, max(1, limit))
	}
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	return found, nil
}

// soundboard is op 31 (S-080).
func (c *conn) soundboard(d json.RawMessage) {
	var in struct {
		Guilds []ID `json:"guild_ids"`
	}
	if json.Unmarshal(d, &in) != nil {
		c.close(4001, "Unknown opcode.", true)
		return
	}
	for _, id := range in.Guilds {
		if c.session != nil && slices.Contains(c.known.app.Guilds, c.sim.guilds[id]) {
			c.session.dispatch("SOUNDBOARD_SOUNDS", marshal(map[string]any{"guild_id": id, "soundboard_sounds": []any{}}))
		}
	}
}

// channelInfo is op 43 (S-080).
func (c *conn) channelInfo(d json.RawMessage) {
	var in struct {
		Guild ID `json:"guild_id"`
	}
	if json.Unmarshal(d, &in) != nil {
		c.close(4001, "Unknown opcode.", true)
		return
	}
	g := c.sim.guilds[in.Guild]
	if g == nil || !slices.Contains(c.known.app.Guilds, g) {
		return
	}
	channels := []any{}
	for _, ch := range g.Channels {
		channels = append(channels, map[string]any{"id": ch.ID, "status": nil})
	}
	c.session.dispatch("CHANNEL_INFO", marshal(map[string]any{"guild_id": g.ID, "channels": channels}))
}
