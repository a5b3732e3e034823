package discordsim

import (
	"net/http"
	"time"
)

// template is the picture of a guild from which others can be made.
type template struct {
	code, name       string
	description      any
	creator          ID
	created, updated time.Time
	guild            map[string]any
}

// templateRoutes are those of guild templates. A guild cannot be made of one: Discord has
// taken that from bots.
func templateRoutes() []*route {
	const path = guildPath + "/templates"
	one := func(method string, handle func(*restAPI, *restRequest, *Guild) restResponse) *route {
		return &route{method: method, path: path + "/{code}", bucket: "template", needs: permissionManageGuild, handle: onGuild(func(r *restAPI, c *restRequest, g *Guild) restResponse {
			if g.template == nil || g.template.code != c.params["code"] {
				return errUnknownTemplate.answer()
			}
			return handle(r, c, g)
		})}
	}
	return []*route{
		{method: http.MethodGet, path: "/guilds/templates/{code}", bucket: "template", handle: (*restAPI).getTemplate},
		{method: http.MethodGet, path: path, bucket: "template", needs: permissionManageGuild, handle: onGuild((*restAPI).listTemplates)},
		{method: http.MethodPost, path: path, bucket: "template", needs: permissionManageGuild, handle: onGuild((*restAPI).createTemplate)},
		one(http.MethodPut, (*restAPI).syncTemplate),
		one(http.MethodPatch, (*restAPI).editTemplate),
		one(http.MethodDelete, (*restAPI).deleteTemplate),
	}
}

// renderTemplate is a template.
func (r *restAPI) renderTemplate(g *Guild) map[string]any {
	t := g.template
	return map[string]any{
		"code": t.code, "name": t.name, "description": t.description, "usage_count": 0, "creator_id": t.creator, "creator": r.renderUser(r.sim.user(t.creator)),
		"created_at": stamp(t.created), "updated_at": stamp(t.updated), "source_guild_id": g.ID, "serialized_source_guild": t.guild, "is_dirty": nil,
	}
}

// serialize is a guild as a template keeps it: ids are small numbers that hold within it.
func (r *restAPI) serialize(g *Guild) map[string]any {
	number := map[ID]int{0: 0}
	roles, channels := []any{}, []any{}
	for i, role := range g.Roles {
		number[role.ID] = i
		shown := renderRole(role)
		object := map[string]any{"id": i}
		for _, name := range []string{"name", "color", "hoist", "mentionable", "permissions", "icon", "unicode_emoji"} {
			object[name] = shown[name]
		}
		if !role.Managed {
			roles = append(roles, object)
		}
	}
	for i, ch := range g.Channels {
		number[ch.ID] = i + 1
	}
	for i, ch := range g.Channels {
		shown := r.renderChannel(ch)
		for _, name := range []string{"guild_id", "last_message_id", "last_pin_timestamp", "flags"} {
			delete(shown, name)
		}
		overwrites := []any{}
		for _, o := range ch.Overwrites {
			if role := g.role(o.ID); role != nil && !role.Managed {
				overwrites = append(overwrites, map[string]any{"id": number[o.ID], "type": o.Type, "allow": decimal(o.Allow), "deny": decimal(o.Deny)})
			}
		}
		shown["id"], shown["parent_id"], shown["permission_overwrites"] = i+1, nil, overwrites
		if ch.Parent != 0 {
			shown["parent_id"] = number[ch.Parent]
		}
		channels = append(channels, shown)
	}
	whole, out := r.renderGuild(g), map[string]any{"roles": roles, "channels": channels, "icon_hash": nil}
	for _, name := range []string{"name", "description", "region", "verification_level", "default_message_notifications", "explicit_content_filter",
		"preferred_locale", "afk_timeout", "system_channel_flags"} {
		out[name] = whole[name]
	}
	for _, name := range []string{"afk_channel_id", "system_channel_id"} {
		out[name] = nil
		if id, set := whole[name].(ID); set && id != 0 {
			out[name] = number[id]
		}
	}
	return out
}

// getTemplate is GET /guilds/templates/{code}.
func (r *restAPI) getTemplate(c *restRequest) restResponse {
	for _, g := range r.sim.guilds {
		if g.template != nil && g.template.code == c.params["code"] {
			return ok200(r.renderTemplate(g))
		}
	}
	return errUnknownTemplate.answer()
}

// listTemplates is GET /guilds/{guild}/templates.
func (r *restAPI) listTemplates(_ *restRequest, g *Guild) restResponse {
	out := []any{}
	if g.template != nil {
		out = append(out, r.renderTemplate(g))
	}
	return ok200(out)
}

// createTemplate is POST /guilds/{guild}/templates; a guild has one at most.
func (r *restAPI) createTemplate(c *restRequest, g *Guild) restResponse {
	f := c.form()
	name, description := f.between("name", 1, 100), orNull(f.text("description", 120))
	switch {
	case f.errors.any():
		return f.errors.answer()
	case g.template != nil:
		return errTemplateExists.answer()
	}
	g.template = &template{
		code: r.sim.newSecret()[:12], name: name, description: description, creator: c.app.Bot.ID, created: c.now, updated: c.now, guild: r.serialize(g),
	}
	return restResponse{status: http.StatusCreated, body: r.renderTemplate(g)}
}

// syncTemplate is PUT /guilds/{guild}/templates/{code}: the template shows the guild of now.
func (r *restAPI) syncTemplate(c *restRequest, g *Guild) restResponse {
	g.template.guild, g.template.updated = r.serialize(g), c.now
	return ok200(r.renderTemplate(g))
}

// editTemplate is PATCH /guilds/{guild}/templates/{code}.
func (r *restAPI) editTemplate(c *restRequest, g *Guild) restResponse {
	f, edited := c.form(), *g.template
	if f.has("name") {
		edited.name = f.between("name", 1, 100)
	}
	if f.given("description") {
		edited.description = orNull(f.text("description", 120))
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	g.template = &edited
	return ok200(r.renderTemplate(g))
}

// deleteTemplate is DELETE /guilds/{guild}/templates/{code}.
func (r *restAPI) deleteTemplate(_ *restRequest, g *Guild) restResponse {
	out := r.renderTemplate(g)
	g.template = nil
	return ok200(out)
}
