package discordsim

import (
	"cmp"
	"maps"
	"slices"
)

// maxRoles is the number of roles a guild can have.
const maxRoles = 250

// roleFor finds the guild and the role of the path.
func (r *restAPI) roleFor(c *restRequest) (*Guild, *Role, *restResponse) {
	g, refused := r.guildFor(c)
	if refused != nil {
		return nil, nil, refused
	}
	role := g.role(c.id("role"))
	if role == nil {
		return nil, nil, errUnknownRole.refusal()
	}
	return g, role, nil
}

// listRoles is GET /guilds/{guild}/roles.
func (r *restAPI) listRoles(_ *restRequest, g *Guild) restResponse { return ok200(renderRoles(g)) }

// getRole is GET /guilds/{guild}/roles/{role}.
func (r *restAPI) getRole(c *restRequest) restResponse {
	_, role, refused := r.roleFor(c)
	if refused != nil {
		return *refused
	}
	return ok200(renderRole(role))
}

// countRoles is GET /guilds/{guild}/roles/member-counts, which leaves out @everyone.
func (r *restAPI) countRoles(_ *restRequest, g *Guild) restResponse {
	counts := map[string]int{}
	for _, role := range g.Roles[1:] {
		counts[role.ID.String()] = 0
	}
	for _, m := range g.profiles {
		for _, id := range m.Roles {
			counts[id.String()]++
		}
	}
	return ok200(counts)
}

// readRole changes a role as the body says. It lists what changed.
func readRole(f *form, role *Role) (changes []change) {
	before := *role
	if f.has("name") {
		role.Name = f.between("name", 1, 100)
	}
	if f.has("permissions") {
		role.Permissions = f.bits("permissions") & allPermissions
	}
	if f.has("color") {
		role.Color = int(f.numberIn("color", 0, 0xFFFFFF))
	}
	if f.has("colors") {
		role.Color = int(f.sub("colors").numberIn("primary_color", 0, 0xFFFFFF))
	}
	if f.has("hoist") {
		role.Hoist = f.truth("hoist")
	}
	if f.has("mentionable") {
		role.Mentionable = f.truth("mentionable")
	}
	if f.given("unicode_emoji") {
		role.Emoji = f.text("unicode_emoji", 100)
	}
	add := func(key string, from, to any) {
		if from != to {
			changes = append(changes, change{key, from, to})
		}
	}
	add("name", before.Name, role.Name)
	add("permissions", decimal(before.Permissions), decimal(role.Permissions))
	add("color", before.Color, role.Color)
	add("hoist", before.Hoist, role.Hoist)
	add("mentionable", before.Mentionable, role.Mentionable)
	return changes
}

// createRole is POST /guilds/{guild}/roles. The new role stands just above @everyone.
func (r *restAPI) createRole(c *restRequest, g *Guild) restResponse {
	f := c.form()
	role := &Role{ID: r.sim.newID(), Name: "new role", Permissions: g.role(g.ID).Permissions}
	changes := readRole(f, role)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case len(g.Roles) >= maxRoles:
		return errTooManyRoles.answer()
	case !r.mayGrant(c, g, role.Permissions&^g.role(g.ID).Permissions):
		return errMissingPermission.answer()
	}
	c.emit(r.sim.addRole(g, role))
	r.audit(c, g, auditRoleCreate, role.ID, nil, changes...)
	return ok200(renderRole(role))
}

// mayGrant reports whether the bot has the permissions that it wants to give.
func (r *restAPI) mayGrant(c *restRequest, g *Guild, given uint64) bool {
	return given&^r.sim.permissions(g, c.app.Bot.ID) == 0
}

// editRole is PATCH /guilds/{guild}/roles/{role}.
func (r *restAPI) editRole(c *restRequest) restResponse {
	g, role, refused := r.roleFor(c)
	if refused != nil {
		return *refused
	}
	f := c.form()
	edited := *role
	changes := readRole(f, &edited)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case role.ID != g.ID && !g.mayManageRole(c.app.Bot.ID, role), !r.mayGrant(c, g, edited.Permissions&^role.Permissions):
		return errMissingPermission.answer()
	}
	tell := r.sim.noteAccess(g, nil)
	*role = edited
	c.emit(func() { r.sim.emitRole(g, "GUILD_ROLE_UPDATE", role) })
	c.emit(tell)
	r.audit(c, g, auditRoleUpdate, role.ID, nil, changes...)
	return ok200(renderRole(role))
}

// deleteRole is DELETE /guilds/{guild}/roles/{role}. Members and channels lose it.
func (r *restAPI) deleteRole(c *restRequest) restResponse {
	g, role, refused := r.roleFor(c)
	switch {
	case refused != nil:
		return *refused
	case role.Managed, role.ID == g.ID:
		return errInvalidRole.answer()
	case !g.mayManageRole(c.app.Bot.ID, role):
		return errMissingPermission.answer()
	}
	tell := r.sim.noteAccess(g, nil)
	g.removeRole(role.ID)
	var moved []*Role
	if r.cfg.CloseGaps {
		moved = g.sortRoles()
	}
	c.emit(func() {
		r.sim.emit(nil, g, nil, "GUILD_ROLE_DELETE", map[string]any{"guild_id": g.ID, "role_id": role.ID})
		for _, other := range moved {
			r.sim.emitRole(g, "GUILD_ROLE_UPDATE", other)
		}
		tell()
	})
	r.audit(c, g, auditRoleDelete, role.ID, nil, change{"name", role.Name, nil})
	return noContent()
}

// moveRoles is PATCH /guilds/{guild}/roles: new positions, and all roles in return. Roles
// that are not named close the gaps.
func (r *restAPI) moveRoles(c *restRequest, g *Guild) restResponse {
	list, wrong := c.forms(maxRoles)
	wanted := map[*Role]int{}
	for _, f := range list {
		f.require("id")
		role := g.role(f.id("id"))
		switch {
		case role == nil && !wrong.any():
			return errUnknownRole.answer()
		case role == nil:
			continue
		case role.ID == g.ID, !g.mayManageRole(c.app.Bot.ID, role):
			return errMissingPermission.answer()
		}
		if !f.has("position") {
			continue
		}
		wanted[role] = int(f.numberIn("position", 1, maxRoles))
		if c.app.Bot.ID != g.OwnerID && wanted[role] >= g.highestRole(c.app.Bot.ID).Position {
			return errMissingPermission.answer()
		}
	}
	if wrong.any() {
		return wrong.answer()
	}
	before := map[*Role]int{}
	for _, role := range g.Roles {
		before[role] = role.Position
	}
	order := slices.DeleteFunc(slices.Clone(g.Roles), func(role *Role) bool { _, moves := wanted[role]; return moves })
	for _, role := range slices.SortedFunc(maps.Keys(wanted), func(a, b *Role) int { return cmp.Or(wanted[a]-wanted[b], cmp.Compare(b.ID, a.ID)) }) {
		order = slices.Insert(order, min(wanted[role], len(order)), role)
	}
	g.Roles = order
	for i, role := range g.Roles {
		if role.Position = i; before[role] != i {
			c.emit(func() { r.sim.emitRole(g, "GUILD_ROLE_UPDATE", role) })
			r.audit(c, g, auditRoleUpdate, role.ID, nil, change{"position", before[role], i})
		}
	}
	return ok200(renderRoles(g))
}
