package discordsim

import "maps"

// What a guild needs before its onboarding can be switched on.
const minDefaultChannels = 7

// getOnboarding is GET /guilds/{guild}/onboarding.
func (r *restAPI) getOnboarding(_ *restRequest, g *Guild) restResponse {
	out := map[string]any{"guild_id": g.ID, "prompts": []any{}, "default_channel_ids": []ID{}, "enabled": false, "mode": 0}
	maps.Copy(out, g.pages.onboarding)
	return ok200(out)
}

// editOnboarding is PUT /guilds/{guild}/onboarding.
func (r *restAPI) editOnboarding(c *restRequest, g *Guild) restResponse {
	f, edited := c.form(), g.pages.onboarding.with("", nil)
	delete(edited, "")
	if f.given("default_channel_ids") {
		ids := idList(f.ids("default_channel_ids", 0))
		for _, id := range ids {
			if ch := r.sim.channels[id]; ch == nil || ch.Guild != g {
				f.refuse("default_channel_ids", "CHANNEL_INVALID", "Unknown Channel")
			}
		}
		edited["default_channel_ids"] = ids
	}
	if f.has("enabled") {
		edited["enabled"] = f.truth("enabled")
	}
	if f.has("mode") {
		edited["mode"] = f.choice("mode", 0, 1)
	}
	if f.given("prompts") {
		edited["prompts"] = r.readPrompts(f, g)
	}
	channels, _ := edited["default_channel_ids"].([]ID)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case edited["enabled"] == true && len(channels) < minDefaultChannels:
		return errOnboarding.answer()
	}
	g.pages.onboarding = edited
	r.audit(c, g, auditOnboardingUpdate, 0, nil)
	return r.getOnboarding(c, g)
}

// readPrompts reads the questions of onboarding. What comes without the id of one that is
// there gets a new id.
func (r *restAPI) readPrompts(f *form, g *Guild) []any {
	list := []any{}
	for _, one := range f.each("prompts", 15) {
		options := []any{}
		for _, o := range one.each("options", 50) {
			option := map[string]any{
				"id": r.idOrNew(o), "title": o.between("title", 1, 50), "description": orNull(o.text("description", 100)),
				"channel_ids": idList(o.ids("channel_ids", 0)), "role_ids": idList(o.ids("role_ids", 0)),
			}
			if o.has("emoji_name") || o.has("emoji_id") {
				option["emoji"] = map[string]any{"id": idOrNil(o.id("emoji_id")), "name": orNull(o.text("emoji_name", 0)), "animated": o.truth("emoji_animated")}
			}
			options = append(options, option)
		}
		list = append(list, map[string]any{
			"id": r.idOrNew(one), "type": one.choice("type", 0, 1), "title": one.between("title", 1, 100), "options": options,
			"single_select": one.truth("single_select"), "required": one.truth("required"), "in_onboarding": one.truth("in_onboarding"),
		})
	}
	return list
}

// idOrNew is the id that an object has, or a new one: clients send small numbers for what
// is not there yet.
func (r *restAPI) idOrNew(f *form) ID {
	if id := f.id("id"); id > 1<<22 {
		return id
	}
	return r.sim.newID()
}
