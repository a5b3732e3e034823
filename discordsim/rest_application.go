package discordsim

// commandBadge is set while the app has global commands.
const commandBadge uint64 = 1 << 23

// getApplication is GET /applications/@me, with both flag fields.
func (r *restAPI) getApplication(c *restRequest) restResponse {
	return ok200(r.renderApplication(c.app))
}

func (r *restAPI) renderApplication(app *App) map[string]any {
	flags := app.Flags
	for _, command := range app.Commands {
		if command.Guild == 0 {
			flags |= commandBadge
		}
	}
	owner, known := r.sim.users[app.Owner]
	if !known {
		owner = User{ID: app.Owner, Username: "owner"}
	}
	out := map[string]any{
		"id": app.ID, "name": app.Name, "summary": "", "bot_public": true, "bot_require_code_grant": false,
		"verify_key": "6ed6baa3dd0ea4c2ae9ed24ed4dd4aa2c2ccd1a1c1b0f0d6a4ac4a5b1a2c3d4e", "team": nil,
		"owner": r.renderUser(owner), "bot": r.renderUser(app.Bot),
		// flags never goes past bit 30; flags_new has all bits.
		"flags": flags & (1<<31 - 1), "flags_new": decimal(flags),
		"approximate_guild_count": len(app.Guilds), "approximate_user_install_count": 0,
		"interactions_endpoint_url": orNull(app.InteractionsURL), "event_webhooks_url": nil, "event_webhooks_status": 1, "redirect_uris": []string{},
	}
	app.settings.show(out, applicationSettings, 0)
	return out
}

// applicationSettings are the plain fields of an application.
var applicationSettings = []setting{
	{name: "description", initial: "", read: readText(0, 400)},
	{name: "tags", initial: []string{}, read: readAny},
	{name: "icon", read: readImageHash},
	{name: "role_connections_verification_url", read: readText(0, 512)},
}

// editApplication is PATCH /applications/@me. Of the flags only the LIMITED
// bits can change, the others are ignored; the number given replaces them all
// (S-088). Taking one away ends the running sessions.
func (r *restAPI) editApplication(c *restRequest) restResponse {
	f := c.form()
	flags := f.integer("flags")
	edited, _ := readSettings(f, applicationSettings, 0, c.app.settings)
	url := f.text("interactions_endpoint_url", 512)
	if flags < 0 {
		f.refuse("flags", "NUMBER_TYPE_MIN", "int value should be greater than or equal to 0.")
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	c.app.settings = edited
	if f.has("flags") {
		r.sim.setFlags(c.app, c.app.Flags&^limitedFlags|uint64(flags)&limitedFlags)
	}
	if f.given("interactions_endpoint_url") {
		c.app.InteractionsURL = url
	}
	return ok200(r.renderApplication(c.app))
}
