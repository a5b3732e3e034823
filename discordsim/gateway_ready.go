package discordsim

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// ready answers an IDENTIFY: READY, then the guilds one by one (S-027, S-029).
func (c *conn) ready(id identifyRequest) {
	s, b := c.sim, c.bot
	sess := b.newSession(c, id)
	guilds := []any{}
	var mine []*Guild
	for _, g := range id.app.Guilds {
		if sess.shard.routed(g) {
			guilds = append(guilds, unavailableGuild(g))
			mine = append(mine, g)
		}
	}
	resumeURL := s.resumeURL(c.link)
	if odd := s.strike("ready-url", c.target()); odd != nil {
		resumeURL = cmp.Or(odd.Text, "ws://127.0.0.1:1")
	}
	data := map[string]any{
		"v": 10, "user": botUser(id.app), "guilds": guilds, "session_id": sess.id, "resume_gateway_url": resumeURL,
		"application": map[string]any{"id": id.app.ID, "flags": id.app.Flags & (1<<31 - 1), "flags_new": decimal(id.app.Flags)},
	}
	if id.sharded {
		data["shard"] = []int{id.shard.id, id.shard.count}
	}
	if !s.cfg.Identify.PlainReady {
		for k, v := range map[string]any{
			"_trace": []string{`["gateway-prd-sim",{"micros":0.0}]`}, "session_type": "normal", "private_channels": []any{}, "presences": []any{},
			"relationships": []any{}, "user_settings": map[string]any{}, "geo_ordered_rtc_regions": []string{"rotterdam"},
			"guild_join_requests": []any{}, "auth": map[string]any{}, "user_settings_proto": nil,
		} {
			data[k] = v
		}
	}
	sess.dispatch("READY", marshal(data))
	b.updateVisible()
	if drop := s.strike("ready-drop", c.target()); drop != nil {
		if drop.Delay > 0 {
			c.afterOpen(drop.Delay, c.cut)
		} else {
			c.hangUp()
		}
	}
	if id.intents&intentGuilds != 0 {
		sess.sendGuilds(mine, s.cfg.Identify.spacingOf(len(mine)))
	}
}

// sendGuilds sends the guilds of a new session, spaced at random. It goes on when
// the session's connection has changed meanwhile.
func (sess *session) sendGuilds(guilds []*Guild, spacing time.Duration) {
	s := sess.bot.sim
	for len(guilds) > 0 {
		next := func() {
			sess.sendGuild(guilds[0])
			guilds = guilds[1:]
		}
		if spacing > 0 {
			sess.guildTimer = s.after(between(sess.shardState.rng, 0, spacing), func() {
				next()
				sess.sendGuilds(guilds, spacing)
			})
			return
		}
		next()
	}
}

// sendGuild sends one guild, if the bot is still in it.
func (sess *session) sendGuild(g *Guild) {
	if sess.ended || !slices.Contains(sess.bot.app.Guilds, g) {
		return
	}
	if g.Unavailable {
		sess.dispatch("GUILD_DELETE", marshal(unavailableGuild(g)))
		return
	}
	sess.dispatch("GUILD_CREATE", marshal(sess.guildObject(g)))
}

// announceJoin tells the sessions that the bot has joined a guild: a GUILD_CREATE without
// unavailable, by which libraries know it from the end of an outage (S-072).
func (s *Sim) announceJoin(app *App, g *Guild) {
	s.changed(Change{Kind: ChangeGuild, Guild: g.ID})
	s.eachGuildSession(app, g, func(sess *session) {
		if g.Unavailable {
			sess.sendGuild(g)
			return
		}
		object := sess.guildObject(g)
		delete(object, "unavailable")
		sess.dispatch("GUILD_CREATE", marshal(object))
	})
}

// announceReturn tells the sessions that the outage of a guild is over.
func (s *Sim) announceReturn(app *App, g *Guild) {
	s.changed(Change{Kind: ChangeGuild, Guild: g.ID})
	s.eachGuildSession(app, g, func(sess *session) { sess.sendGuild(g) })
}

// eachGuildSession calls a function for each session that hears of a guild.
func (s *Sim) eachGuildSession(app *App, g *Guild, do func(*session)) {
	for _, sess := range slices.Clone(s.bots[app.ID].sessions) {
		if sess.shard.routed(g) && sess.intents&intentGuilds != 0 {
			do(sess)
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
// members, without it only the bot itself and who is in voice.
func (sess *session) guildObject(g *Guild) map[string]any {
	s := sess.bot.sim
	me := sess.bot.app.Bot.ID
	channels := []any{}
	for _, ch := range g.Channels {
		if object := s.channelFor(sess.bot.app, ch); object != nil {
			delete(object, "guild_id")
			channels = append(channels, object)
		}
	}
	threads := []any{}
	for _, ch := range s.activeThreads(sess.bot.app, g) {
		threads = append(threads, s.rest.renderThread(ch, me))
	}
	members, presences := []any{}, []any{}
	for _, id := range sess.listedMembers(g) {
		members = append(members, s.guildMember(g, s.user(id)))
	}
	if sess.listsAll(g) {
		for _, id := range g.Members {
			if shown := s.presenceIn(nil, id); shown != nil {
				presences = append(presences, shown)
			}
		}
	}
	out := s.rest.renderGuild(g)
	for name, value := range map[string]any{
		"member_count": len(g.Members), "large": len(g.Members) > sess.largeThreshold(), "joined_at": stamp(g.member(me).Joined), "unavailable": false, "channels": channels, "threads": threads,
		"members": members, "presences": presences, "voice_states": sess.voiceStates(g), "stage_instances": renderStages(g), "guild_scheduled_events": s.rest.renderResources(scheduledEvents, g),
		"soundboard_sounds": s.rest.renderResources(soundboard, g),
	} {
		out[name] = value
	}
	return out
}

// listsAll reports whether GUILD_CREATE lists more members of a guild than the bot and who
// is in voice: with GUILD_PRESENCES, and unless the guild is huge.
func (sess *session) listsAll(g *Guild) bool {
	huge := sess.bot.sim.cfg.Identify.HugeGuild
	return sess.intents&intentPresences != 0 && (huge < 0 || len(g.Members) <= huge)
}

// listedMembers are the members that GUILD_CREATE lists. Of a large guild these are at most
// those who are online, have a role or a nickname, or are in voice.
func (sess *session) listedMembers(g *Guild) []ID {
	s, me := sess.bot.sim, sess.bot.app.Bot.ID
	if !sess.listsAll(g) {
		listed := []ID{me}
		for _, id := range slices.Sorted(maps.Keys(g.voice)) {
			if id != me {
				listed = append(listed, id)
			}
		}
		return listed
	}
	if len(g.Members) <= sess.largeThreshold() {
		return g.Members
	}
	var listed []ID
	for _, id := range g.Members {
		status, _ := s.presenceOf(id)
		if m := g.profiles[id]; id == me || status != "offline" || g.voice[id] != nil || m != nil && (m.Nick != "" || len(m.Roles) > 0) {
			listed = append(listed, id)
		}
	}
	return listed
}

func (sess *session) largeThreshold() int {
	if sess.threshold == 0 {
		return 50
	}
	return min(250, max(50, sess.threshold))
}

// guildMember is a guild member with its user.
func (s *Sim) guildMember(g *Guild, u User) map[string]any {
	m := s.bareMember(g, u.ID)
	m["user"] = s.rest.renderUser(u)
	return m
}

// bareMember is a member as messages carry it: without the user inside.
func (s *Sim) bareMember(g *Guild, user ID) map[string]any {
	m := g.member(user)
	out := map[string]any{
		"nick": orNull(m.Nick), "avatar": nil, "banner": nil, "roles": idList(m.Roles), "joined_at": stamp(m.Joined), "premium_since": nil,
		"deaf": m.Deaf, "mute": m.Mute, "flags": m.Flags, "pending": false, "communication_disabled_until": nil,
	}
	if time.Now().Before(m.TimedOutUntil) {
		out["communication_disabled_until"] = stamp(m.TimedOutUntil)
	}
	return out
}

// idList is a list of ids that is never null.
func idList(ids []ID) []ID {
	if ids == nil {
		return []ID{}
	}
	return ids
}
