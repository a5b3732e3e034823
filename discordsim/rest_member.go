package discordsim

import (
	"slices"
	"time"
)

const (
	maxNick = 32
	// maxTimeout is the longest time a member can be timed out for.
	maxTimeout = 28 * 24 * time.Hour
	maxPage    = 1000 // of members and of bans
)

// memberFor finds the guild and the member of the path.
func (r *restAPI) memberFor(c *restRequest) (*Guild, ID, *restResponse) {
	g, refused := r.guildFor(c)
	if refused != nil {
		return nil, 0, refused
	}
	id := c.id("user")
	if !g.hasMember(id) {
		return nil, 0, errUnknownMember.refusal()
	}
	return g, id, nil
}

// onMember makes the handler of a route about one member.
func onMember(handle func(*restAPI, *restRequest, *Guild, ID) restResponse) func(*restAPI, *restRequest) restResponse {
	return func(r *restAPI, c *restRequest) restResponse {
		g, id, refused := r.memberFor(c)
		if refused != nil {
			return *refused
		}
		return handle(r, c, g, id)
	}
}

// getMember is GET /guilds/{guild}/members/{user}.
func (r *restAPI) getMember(_ *restRequest, g *Guild, user ID) restResponse {
	return ok200(r.sim.guildMember(g, r.sim.user(user)))
}

// listMembers is GET /guilds/{guild}/members, in the order of ids. It needs the GUILD_MEMBERS
// intent in the application's flags.
func (r *restAPI) listMembers(c *restRequest, g *Guild) restResponse {
	const membersFlags = 1<<14 | 1<<15
	if c.app.Flags&membersFlags == 0 {
		return errMissingAccess.answer()
	}
	var wrong formErrors
	limit, after := c.limitParam(1, maxPage, 1, &wrong), c.idParam("after", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	out := []any{}
	for _, id := range slices.Sorted(slices.Values(g.Members)) {
		if id > after && len(out) < limit {
			out = append(out, r.sim.guildMember(g, r.sim.user(id)))
		}
	}
	return ok200(out)
}

// searchMembers is GET /guilds/{guild}/members/search: those whose user name or nick
// begins with the query.
func (r *restAPI) searchMembers(c *restRequest, g *Guild) restResponse {
	var wrong formErrors
	limit, query := c.limitParam(1, maxPage, 1, &wrong), c.query.Get("query")
	if query == "" {
		wrong.add("query", "BASE_TYPE_REQUIRED", "This field is required")
	}
	if wrong.any() {
		return wrong.answer()
	}
	out := []any{}
	for _, id := range g.Members {
		if len(out) < limit && r.sim.isNamed(g, id, query) {
			out = append(out, r.sim.guildMember(g, r.sim.user(id)))
		}
	}
	return ok200(out)
}

// editMember is PATCH /guilds/{guild}/members/{user}: nick, roles and timeout, each of
// which needs a permission of its own.
func (r *restAPI) editMember(c *restRequest, g *Guild, user ID) restResponse {
	f, before := c.form(), g.member(user)
	edited := before
	var needs uint64
	if f.given("nick") {
		needs |= permissionManageNicknames
		edited.Nick = f.text("nick", maxNick)
	}
	if f.given("roles") {
		needs |= permissionManageRoles
		edited.Roles = f.ids("roles", maxRoles)
	}
	if f.given("mute") {
		needs |= permissionMuteMembers
		edited.Mute = f.truth("mute")
	}
	if f.given("deaf") {
		needs |= permissionDeafenMembers
		edited.Deaf = f.truth("deaf")
	}
	if f.given("channel_id") {
		needs |= permissionMoveMembers
		f.id("channel_id")
	}
	if f.given("communication_disabled_until") {
		needs |= permissionModerate
		if edited.TimedOutUntil = f.timestamp("communication_disabled_until"); edited.TimedOutUntil.After(c.now.Add(maxTimeout)) {
			f.refuse("communication_disabled_until", "DATE_TIME_MAX", "Cannot be more than 28 days in the future.")
		}
	}
	if f.given("flags") {
		needs |= permissionModerate
		edited.Flags = int(f.integer("flags"))
	}
	may := r.sim.permissions(g, c.app.Bot.ID)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case may&needs != needs:
		return errMissingPermission.answer()
	case needs&^permissionManageRoles != 0 && user != c.app.Bot.ID && !g.mayManage(c.app.Bot.ID, user):
		return errMissingPermission.answer()
	case edited.TimedOutUntil.After(c.now) && r.sim.permissions(g, user)&permissionAdministrator != 0:
		return errMissingPermission.answer()
	case f.given("channel_id") && g.voice[user] == nil:
		return errNotInVoice.answer()
	}
	if refused := r.checkRoles(c, g, before.Roles, edited.Roles); refused != nil {
		return refused.answer()
	}
	if f.given("channel_id") {
		if refused := r.moveVoice(c, g, user, f.id("channel_id")); refused != nil {
			return refused.answer()
		}
	}
	r.saveMember(c, g, edited)
	return ok200(r.sim.guildMember(g, r.sim.user(user)))
}

// moveVoice moves a member to another voice channel, or out of voice with 0.
func (r *restAPI) moveVoice(c *restRequest, g *Guild, user, channel ID) *restError {
	state, ch := g.voice[user], r.sim.channels[channel]
	switch {
	case channel == 0:
		c.emit(func() { r.sim.leaveVoice(g, user) })
	case ch == nil || ch.Guild != g || !ch.isVoice():
		return &errWrongChannelType
	default:
		moved := *state
		moved.channel = ch
		c.emit(func() { r.sim.enterVoice(user, moved) })
	}
	return nil
}

// checkRoles checks that the bot may give and take the roles in which two lists differ.
func (r *restAPI) checkRoles(c *restRequest, g *Guild, before, after []ID) *restError {
	for _, id := range slices.Concat(before, after) {
		role := g.role(id)
		switch {
		case slices.Contains(before, id) == slices.Contains(after, id):
		case role == nil || role.ID == g.ID:
			return &errUnknownRole
		case role.Managed || !g.mayManageRole(c.app.Bot.ID, role):
			return &errMissingPermission
		}
	}
	return nil
}

// saveMember keeps the changed record of a member, and tells and logs what changed.
func (r *restAPI) saveMember(c *restRequest, g *Guild, edited Member) {
	before, tell := g.member(edited.User), func() {}
	if r.sim.apps[edited.User] != nil {
		tell = r.sim.noteAccess(g, nil)
	}
	*g.editMember(edited.User) = edited
	c.emit(func() {
		r.sim.emitMember(g, edited.User)
		tell()
	})
	var fields, roles []change
	if before.Nick != edited.Nick {
		fields = append(fields, change{"nick", orNull(before.Nick), orNull(edited.Nick)})
	}
	if !before.TimedOutUntil.Equal(edited.TimedOutUntil) {
		fields = append(fields, change{"communication_disabled_until", timeOrNil(before.TimedOutUntil), timeOrNil(edited.TimedOutUntil)})
	}
	diff := func(key string, from, to []ID) {
		list := []any{}
		for _, id := range to {
			if role := g.role(id); role != nil && !slices.Contains(from, id) {
				list = append(list, map[string]any{"id": id, "name": role.Name})
			}
		}
		if len(list) > 0 {
			roles = append(roles, change{key, nil, list})
		}
	}
	diff("$add", before.Roles, edited.Roles)
	diff("$remove", edited.Roles, before.Roles)
	if fields != nil {
		r.audit(c, g, auditMemberUpdate, edited.User, nil, fields...)
	}
	if roles != nil {
		r.audit(c, g, auditMemberRoles, edited.User, nil, roles...)
	}
}

// timeOrNil is a time as JSON; nil for the zero time.
func timeOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// editOwnMember is PATCH /guilds/{guild}/members/@me, and of the older .../@me/nick.
func (r *restAPI) editOwnMember(c *restRequest, g *Guild) restResponse {
	f, edited := c.form(), g.member(c.app.Bot.ID)
	if f.given("nick") {
		edited.Nick = f.text("nick", maxNick)
	}
	switch {
	case f.errors.any():
		return f.errors.answer()
	case f.given("nick") && r.sim.permissions(g, c.app.Bot.ID)&permissionChangeNickname == 0:
		return errMissingPermission.answer()
	}
	r.saveMember(c, g, edited)
	return ok200(r.sim.guildMember(g, c.app.Bot))
}

// giveRole is PUT /guilds/{guild}/members/{user}/roles/{role}.
func (r *restAPI) giveRole(c *restRequest, g *Guild, user ID) restResponse {
	return r.changeRole(c, g, user, true)
}

// takeRole is DELETE /guilds/{guild}/members/{user}/roles/{role}.
func (r *restAPI) takeRole(c *restRequest, g *Guild, user ID) restResponse {
	return r.changeRole(c, g, user, false)
}

func (r *restAPI) changeRole(c *restRequest, g *Guild, user ID, has bool) restResponse {
	edited, role := g.member(user), g.role(c.id("role"))
	switch {
	case role == nil:
		return errUnknownRole.answer()
	case role.ID == g.ID:
		return errInvalidRole.answer()
	case role.Managed, !g.mayManageRole(c.app.Bot.ID, role):
		return errMissingPermission.answer()
	case slices.Contains(edited.Roles, role.ID) == has:
		return noContent()
	}
	edited.Roles = slices.DeleteFunc(slices.Clone(edited.Roles), func(id ID) bool { return id == role.ID })
	if has {
		edited.Roles = append(edited.Roles, role.ID)
	}
	r.saveMember(c, g, edited)
	return noContent()
}

// kickMember is DELETE /guilds/{guild}/members/{user}.
func (r *restAPI) kickMember(c *restRequest, g *Guild, user ID) restResponse {
	if !g.mayManage(c.app.Bot.ID, user) {
		return errMissingPermission.answer()
	}
	c.emit(r.sim.removeMember(g, user))
	r.audit(c, g, auditMemberKick, user, nil)
	return noContent()
}

// leaveGuild is DELETE /users/@me/guilds/{guild}.
func (r *restAPI) leaveGuild(c *restRequest, g *Guild) restResponse {
	c.emit(r.sim.removeMember(g, c.app.Bot.ID))
	return noContent()
}
