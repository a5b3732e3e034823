package discordsim

import (
	"encoding/json"
	"net/http"
)

// integrationRoutes are those of the apps that are in a guild, and of what they have beside
// commands: who may use those, and what roles can be linked to.
func integrationRoutes() []*route {
	const path, metadata = guildPath + "/integrations", appPath + "/role-connections/metadata"
	const permissions = guildAppPath + "/commands/permissions"
	return []*route{
		{method: http.MethodGet, path: path, bucket: "guild-read", needs: permissionManageGuild, handle: onGuild((*restAPI).listIntegrations)},
		{method: http.MethodDelete, path: path + "/{integration}", bucket: "guild-edit", needs: permissionManageGuild, handle: onGuild((*restAPI).deleteIntegration)},

		{method: http.MethodGet, path: permissions, bucket: "command-read", handle: on((*restAPI).scopeFor, (*restAPI).listCommandPermissions)},
		{method: http.MethodGet, path: guildAppPath + "/commands/{command}/permissions", bucket: "command-read", handle: (*restAPI).getCommandPermissions},
		{method: http.MethodPut, path: guildAppPath + "/commands/{command}/permissions", bucket: "command-write", handle: (*restAPI).editCommandPermissions},

		{method: http.MethodGet, path: metadata, bucket: "app-me", handle: onApp((*restAPI).listRoleMetadata)},
		{method: http.MethodPut, path: metadata, bucket: "app-edit", handle: onApp((*restAPI).replaceRoleMetadata)},
	}
}

// renderIntegration is an app in a guild.
func (r *restAPI) renderIntegration(app *App) map[string]any {
	return map[string]any{
		"id": app.ID, "name": app.Name, "type": "discord", "enabled": true, "account": map[string]any{"id": app.ID, "name": app.Name},
		"application": map[string]any{"id": app.ID, "name": app.Name, "icon": nil, "description": "", "summary": "", "bot": r.renderUser(app.Bot)},
		"scopes":      []string{"applications.commands", "bot"}, "user": r.renderUser(r.sim.user(app.Owner)),
	}
}

// listIntegrations is GET /guilds/{guild}/integrations.
func (r *restAPI) listIntegrations(_ *restRequest, g *Guild) restResponse {
	out := []any{}
	for _, app := range r.sim.inGuild[g.ID] {
		out = append(out, r.renderIntegration(app))
	}
	return ok200(out)
}

// deleteIntegration is DELETE /guilds/{guild}/integrations/{integration}: the app leaves.
func (r *restAPI) deleteIntegration(c *restRequest, g *Guild) restResponse {
	for _, app := range r.sim.inGuild[g.ID] {
		if app.ID != c.id("integration") {
			continue
		}
		r.audit(c, g, auditIntegrationDelete, app.ID, nil, change{"name", app.Name, nil})
		c.emit(func() {
			r.sim.emit(nil, g, nil, "INTEGRATION_DELETE", map[string]any{"id": app.ID, "guild_id": g.ID, "application_id": app.ID})
			r.sim.emit(nil, g, nil, "GUILD_INTEGRATIONS_UPDATE", map[string]any{"guild_id": g.ID})
		})
		c.emit(r.sim.removeMember(g, app.Bot.ID))
		return noContent()
	}
	return errUnknownIntegration.answer()
}

// listCommandPermissions is GET /applications/{application}/guilds/{guild}/commands/permissions.
// Only people set them, so there are none.
func (r *restAPI) listCommandPermissions(*restRequest, commandScope) restResponse {
	return ok200([]any{})
}

// getCommandPermissions is GET of the permissions of one command.
func (r *restAPI) getCommandPermissions(c *restRequest) restResponse {
	if _, refused := r.scopeFor(c); refused != nil {
		return *refused
	}
	return errUnknownPermissions.answer()
}

// editCommandPermissions is PUT of the permissions of one command, for which Discord wants the
// token of a person.
func (r *restAPI) editCommandPermissions(*restRequest) restResponse { return errNotForBots.answer() }

// maxRoleMetadata is how many fields of an app roles can be linked to.
const maxRoleMetadata = 5

// listRoleMetadata is GET /applications/{application}/role-connections/metadata.
func (r *restAPI) listRoleMetadata(_ *restRequest, app *App) restResponse {
	return ok200(append([]any{}, app.roleMetadata...))
}

// replaceRoleMetadata is PUT /applications/{application}/role-connections/metadata.
func (r *restAPI) replaceRoleMetadata(c *restRequest, app *App) restResponse {
	var entries []json.RawMessage
	if json.Unmarshal(c.body, &entries) != nil {
		return formError("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	f := newForm(marshal(map[string]any{"": entries}))
	list := []any{}
	for _, one := range f.each("", maxRoleMetadata) {
		one.require("type")
		field := map[string]any{
			"type": one.choice("type", 1, 2, 3, 4, 5, 6, 7, 8), "key": one.between("key", 1, 50), "name": one.between("name", 1, 100), "description": one.between("description", 1, 200),
		}
		for _, name := range []string{"name_localizations", "description_localizations"} {
			if one.has(name) {
				field[name] = one.fields[name]
			}
		}
		list = append(list, field)
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	app.roleMetadata = list
	return ok200(list)
}
