package discordsim

import (
	"maps"
	"net/http"
	"time"
)

// guildPageRoutes are those of what a guild shows to people outside and to newcomers:
// widget, welcome screen, onboarding; and of pruning and incidents.
func guildPageRoutes() []*route {
	const kickAndManage = permissionKick | permissionManageGuild
	const widget, welcome, onboarding = guildPath + "/widget", guildPath + "/welcome-screen", guildPath + "/onboarding"
	return []*route{
		{method: http.MethodGet, path: widget, bucket: "guild-read", needs: permissionManageGuild, handle: onGuild((*restAPI).getWidget)},
		{method: http.MethodPatch, path: widget, bucket: "guild-edit", needs: permissionManageGuild, handle: onGuild((*restAPI).editWidget)},
		{method: http.MethodGet, path: guildPath + "/widget.json", open: true, bucket: "guild-read", handle: (*restAPI).showWidget},
		{method: http.MethodGet, path: welcome, bucket: "guild-read", handle: onGuild((*restAPI).getWelcome)},
		{method: http.MethodPatch, path: welcome, bucket: "guild-edit", needs: permissionManageGuild, handle: onGuild((*restAPI).editWelcome)},
		{method: http.MethodGet, path: onboarding, bucket: "guild-read", handle: onGuild((*restAPI).getOnboarding)},
		{method: http.MethodPut, path: onboarding, bucket: "guild-edit", needs: permissionManageGuild | permissionManageRoles, handle: onGuild((*restAPI).editOnboarding)},
		{method: http.MethodGet, path: guildPath + "/prune", bucket: "guild-read", needs: kickAndManage, handle: onGuild((*restAPI).countInactive)},
		{method: http.MethodPost, path: guildPath + "/prune", bucket: "guild-edit", needs: kickAndManage, handle: onGuild((*restAPI).prune)},
		{method: http.MethodGet, path: guildPath + "/vanity-url", bucket: "guild-read", needs: permissionManageGuild, handle: onGuild((*restAPI).getVanity)},
		{method: http.MethodPut, path: guildPath + "/incident-actions", bucket: "guild-edit", needs: permissionManageGuild, handle: onGuild((*restAPI).editIncidents)},
	}
}

// guildPages is what a guild shows to people outside and to newcomers.
type guildPages struct {
	widgetOn      bool
	widgetChannel ID
	welcomeOn     bool
	welcome       settings // nil until it is set up
	onboarding    settings
	incidents     settings
}

// change edits the settings of a guild's pages; the copy keeps what is shown elsewhere.
func (now settings) with(name string, value any) settings {
	out := settings{name: value}
	for other, v := range now {
		if other != name {
			out[other] = v
		}
	}
	return out
}

// getWidget is GET /guilds/{guild}/widget.
func (r *restAPI) getWidget(_ *restRequest, g *Guild) restResponse {
	return ok200(map[string]any{"enabled": g.pages.widgetOn, "channel_id": idOrNil(g.pages.widgetChannel)})
}

// idOrNil is an id as JSON; nil for 0.
func idOrNil(id ID) any {
	if id == 0 {
		return nil
	}
	return id
}

// editWidget is PATCH /guilds/{guild}/widget.
func (r *restAPI) editWidget(c *restRequest, g *Guild) restResponse {
	f, on, channel := c.form(), g.pages.widgetOn, g.pages.widgetChannel
	if f.has("enabled") {
		on = f.truth("enabled")
	}
	if f.given("channel_id") {
		channel = r.channelOf(f, "channel_id", g)
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	r.audit(c, g, auditGuildUpdate, g.ID, nil, change{"widget_enabled", g.pages.widgetOn, on})
	g.pages.widgetOn, g.pages.widgetChannel = on, channel
	r.emitGuild(c, g)
	return r.getWidget(c, g)
}

// channelOf reads the id of a channel of a guild.
func (r *restAPI) channelOf(f *form, name string, g *Guild) ID {
	id := f.id(name)
	if ch := r.sim.channels[id]; id != 0 && (ch == nil || ch.Guild != g) {
		f.refuse(name, "CHANNEL_INVALID", "Unknown Channel")
	}
	return id
}

// emitGuild sends GUILD_UPDATE.
func (r *restAPI) emitGuild(c *restRequest, g *Guild) {
	c.emit(func() { r.sim.emit(nil, g, nil, "GUILD_UPDATE", r.renderGuild(g)) })
}

// showWidget is GET /guilds/{guild}/widget.json, which needs no token.
func (r *restAPI) showWidget(c *restRequest) restResponse {
	g := r.sim.guilds[c.id("guild")]
	switch {
	case g == nil:
		return errUnknownGuild.answer()
	case !g.pages.widgetOn:
		return errWidgetDisabled.answer()
	}
	channels, members := []any{}, []any{}
	for i, ch := range g.Channels {
		if ch.isVoice() && r.sim.everyoneSees(ch) {
			channels = append(channels, map[string]any{"id": ch.ID, "name": ch.Name, "position": i})
		}
	}
	for _, id := range g.Members {
		if status, _ := r.sim.presenceOf(id); status != "offline" && len(members) < 100 {
			// Who it is is not told: ids are numbers of this list.
			members = append(members, map[string]any{
				"id": decimal(uint64(len(members))), "username": r.sim.displayName(g, id), "discriminator": "0000", "avatar": nil, "status": status, "avatar_url": "",
			})
		}
	}
	return ok200(map[string]any{
		"id": g.ID, "name": g.Name, "instant_invite": nil, "channels": channels, "members": members, "presence_count": r.sim.onlineIn(g),
	})
}

// everyoneSees reports whether @everyone sees a channel.
func (s *Sim) everyoneSees(ch *Channel) bool { return s.permissionsIn(ch, 0)&permissionView != 0 }

// getWelcome is GET /guilds/{guild}/welcome-screen. One that is off is shown to who manages
// the guild.
func (r *restAPI) getWelcome(c *restRequest, g *Guild) restResponse {
	may := r.sim.permissions(g, c.app.Bot.ID)&permissionManageGuild != 0
	if g.pages.welcome == nil || !g.pages.welcomeOn && !may {
		return errUnknownWelcome.answer()
	}
	return ok200(g.pages.showWelcome())
}

func (p guildPages) showWelcome() map[string]any {
	out := map[string]any{"description": nil, "welcome_channels": []any{}}
	maps.Copy(out, p.welcome)
	return out
}

// editWelcome is PATCH /guilds/{guild}/welcome-screen.
func (r *restAPI) editWelcome(c *restRequest, g *Guild) restResponse {
	f, on, edited := c.form(), g.pages.welcomeOn, g.pages.welcome.with("", nil)
	delete(edited, "")
	if f.has("enabled") {
		on = f.truth("enabled")
	}
	if f.given("description") {
		edited["description"] = orNull(f.text("description", 140))
	}
	if f.given("welcome_channels") {
		list := []any{}
		for _, one := range f.each("welcome_channels", 5) {
			one.require("channel_id")
			list = append(list, map[string]any{
				"channel_id": r.channelOf(one, "channel_id", g), "description": one.between("description", 1, 50),
				"emoji_id": idOrNil(one.id("emoji_id")), "emoji_name": orNull(one.text("emoji_name", 0)),
			})
		}
		edited["welcome_channels"] = list
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	g.pages.welcomeOn, g.pages.welcome = on, edited
	r.emitGuild(c, g)
	return ok200(g.pages.showWelcome())
}

// getVanity is GET /guilds/{guild}/vanity-url. Guilds here have none.
func (r *restAPI) getVanity(*restRequest, *Guild) restResponse {
	return ok200(map[string]any{"code": nil, "uses": 0})
}

// editIncidents is PUT /guilds/{guild}/incident-actions: invites and direct messages can be
// stopped for a day.
func (r *restAPI) editIncidents(c *restRequest, g *Guild) restResponse {
	f, edited := c.form(), g.pages.incidents.with("", nil)
	delete(edited, "")
	for _, name := range []string{"invites_disabled_until", "dms_disabled_until"} {
		if !f.given(name) {
			continue
		}
		until := f.timestamp(name)
		if until.After(c.now.Add(24 * time.Hour)) {
			f.refuse(name, "DATE_TIME_MAX", "Cannot be more than 24 hours in the future.")
		}
		edited[name] = timeOrNil(until)
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	g.pages.incidents = edited
	r.emitGuild(c, g)
	return ok200(g.pages.showIncidents())
}

// showIncidents is incidents_data; nil where nothing was ever stopped.
func (p guildPages) showIncidents() any {
	if p.incidents == nil {
		return nil
	}
	out := map[string]any{"invites_disabled_until": nil, "dms_disabled_until": nil}
	maps.Copy(out, p.incidents)
	return out
}

// show adds to a guild what its pages change of it.
func (p guildPages) show(out map[string]any) {
	out["widget_enabled"], out["widget_channel_id"], out["incidents_data"] = p.widgetOn, idOrNil(p.widgetChannel), p.showIncidents()
}
