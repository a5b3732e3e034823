package discordsim

// getGuild is GET /guilds/{guild}.
func (r *restAPI) getGuild(c *restRequest, g *Guild) restResponse {
	out := r.renderGuild(g)
	if counts, _ := parseBool(c.query.Get("with_counts")); counts {
		out["approximate_member_count"], out["approximate_presence_count"] = len(g.Members), r.sim.onlineIn(g)
	}
	return ok200(out)
}

// getGuildPreview is GET /guilds/{guild}/preview.
func (r *restAPI) getGuildPreview(_ *restRequest, g *Guild) restResponse {
	full, out := r.renderGuild(g), map[string]any{}
	for _, name := range []string{"id", "name", "icon", "splash", "discovery_splash", "emojis", "features", "description", "stickers"} {
		out[name] = full[name]
	}
	out["approximate_member_count"], out["approximate_presence_count"] = len(g.Members), r.sim.onlineIn(g)
	return ok200(out)
}

// editGuild is PATCH /guilds/{guild}.
func (r *restAPI) editGuild(c *restRequest, g *Guild) restResponse {
	f := c.form()
	name := g.Name
	if f.has("name") {
		name = f.between("name", 2, 100)
	}
	edited, changes := readSettings(f, guildSettings, 0, g.settings)
	for _, field := range []string{"afk_channel_id", "system_channel_id", "rules_channel_id", "public_updates_channel_id", "safety_alerts_channel_id"} {
		if ch := r.sim.channels[f.id(field)]; f.has(field) && (ch == nil || ch.Guild != g) {
			f.refuse(field, "CHANNEL_INVALID", "Unknown Channel")
		}
	}
	owner := g.OwnerID
	if f.has("owner_id") {
		owner = f.id("owner_id")
	}
	switch {
	case f.errors.any():
		return f.errors.answer()
	case owner != g.OwnerID && g.OwnerID != c.app.Bot.ID:
		return errMissingPermission.answer()
	}
	if name != g.Name {
		changes = append(changes, change{"name", g.Name, name})
	}
	g.Name, g.OwnerID, g.settings = name, owner, edited
	c.emit(func() { r.sim.emit(nil, g, nil, "GUILD_UPDATE", r.renderGuild(g)) })
	r.audit(c, g, auditGuildUpdate, g.ID, nil, changes...)
	return ok200(r.renderGuild(g))
}

// renderGuild is a guild without what only GUILD_CREATE has.
func (r *restAPI) renderGuild(g *Guild) map[string]any {
	out := map[string]any{
		"id": g.ID, "name": g.Name, "owner_id": g.OwnerID, "roles": renderRoles(g), "emojis": r.renderEmojis(g.emojis), "stickers": r.renderGuildStickers(g),
		"region": nil, "home_header": nil, "max_presences": nil, "max_members": 500_000, "max_video_channel_users": 25,
		"max_stage_video_channel_users": 50, "premium_tier": 0, "premium_subscription_count": 0, "nsfw_level": 0, "mfa_level": 0, "application_id": nil,
		"banner": nil, "splash": nil, "discovery_splash": nil, "vanity_url_code": nil, "nsfw": false,
	}
	g.settings.show(out, guildSettings, 0)
	g.pages.show(out)
	return out
}
