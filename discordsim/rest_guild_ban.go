package discordsim

import (
	"maps"
	"slices"
	"time"
)

const (
	// maxBanDelete is the longest span whose messages a ban deletes, in seconds.
	maxBanDelete = 7 * 24 * 3600
	maxBulkBan   = 200
)

// renderBan is one ban of a guild.
func (r *restAPI) renderBan(g *Guild, user ID) map[string]any {
	return map[string]any{"reason": orNull(g.bans[user]), "user": r.renderUser(r.sim.user(user))}
}

// listBans is GET /guilds/{guild}/bans, in the order of ids.
func (r *restAPI) listBans(c *restRequest, g *Guild) restResponse {
	var wrong formErrors
	limit, before, after := c.limitParam(1, maxPage, maxPage, &wrong), c.idParam("before", &wrong), c.idParam("after", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	ids := slices.Sorted(maps.Keys(g.bans))
	ids = slices.DeleteFunc(ids, func(id ID) bool { return id <= after || before != 0 && id >= before })
	if before != 0 {
		ids = ids[max(0, len(ids)-limit):]
	}
	out := []any{}
	for _, id := range ids[:min(limit, len(ids))] {
		out = append(out, r.renderBan(g, id))
	}
	return ok200(out)
}

// getBan is GET /guilds/{guild}/bans/{user}.
func (r *restAPI) getBan(c *restRequest, g *Guild) restResponse {
	if _, banned := g.bans[c.id("user")]; !banned {
		return errUnknownBan.answer()
	}
	return ok200(r.renderBan(g, c.id("user")))
}

// createBan is PUT /guilds/{guild}/bans/{user}; the user need not be a member.
func (r *restAPI) createBan(c *restRequest, g *Guild) restResponse {
	f, user := c.form(), c.id("user")
	span := r.readBanDelete(f)
	// discord.py has always said it in the query.
	query := map[string]any{}
	for _, name := range []string{"delete_message_days", "delete_message_seconds"} {
		if c.query.Has(name) {
			query[name] = c.query.Get(name)
		}
	}
	inQuery := &form{errors: f.errors}
	inQuery.open(marshal(query))
	span = max(span, r.readBanDelete(inQuery))
	_, known := r.sim.users[user]
	switch {
	case f.errors.any():
		return f.errors.answer()
	case !known:
		return errUnknownUser.answer()
	case !g.mayManage(c.app.Bot.ID, user):
		return errMissingPermission.answer()
	}
	r.banUser(c, g, user, span)
	return noContent()
}

// readBanDelete reads whose messages a ban deletes: those of the last seconds.
func (r *restAPI) readBanDelete(f *form) time.Duration {
	days := f.numberIn("delete_message_days", 0, 7)
	span := f.numberIn("delete_message_seconds", 0, maxBanDelete)
	return max(time.Duration(span)*time.Second, time.Duration(days)*24*time.Hour)
}

// banUser bans a user, who leaves, and deletes the messages of the last span.
func (r *restAPI) banUser(c *restRequest, g *Guild, user ID, span time.Duration) {
	if _, already := g.bans[user]; already {
		return
	}
	if g.bans == nil {
		g.bans = map[ID]string{}
	}
	g.bans[user] = c.readReason()
	c.emit(r.sim.removeMember(g, user))
	c.emit(func() {
		r.sim.emit(nil, g, nil, "GUILD_BAN_ADD", map[string]any{"guild_id": g.ID, "user": r.renderUser(r.sim.user(user))})
	})
	r.audit(c, g, auditMemberBanAdd, user, nil)
	for _, ch := range g.Channels {
		var gone []ID
		for _, m := range r.sim.history[ch.ID] {
			if m.Author.ID == user && !m.Deleted && c.now.Sub(m.Timestamp) < span {
				m.markDeleted()
				gone = append(gone, m.ID)
			}
		}
		r.emitBulkDelete(c, ch, gone)
	}
}

// emitBulkDelete sends MESSAGE_DELETE_BULK.
func (r *restAPI) emitBulkDelete(c *restRequest, ch *Channel, gone []ID) {
	if len(gone) > 0 {
		c.emit(func() {
			r.sim.emit(nil, ch.Guild, ch, "MESSAGE_DELETE_BULK", map[string]any{"ids": gone, "channel_id": ch.ID, "guild_id": ch.Guild.ID})
		})
	}
}

// removeBan is DELETE /guilds/{guild}/bans/{user}.
func (r *restAPI) removeBan(c *restRequest, g *Guild) restResponse {
	user := c.id("user")
	if _, banned := g.bans[user]; !banned {
		return errUnknownBan.answer()
	}
	delete(g.bans, user)
	c.emit(func() {
		r.sim.emit(nil, g, nil, "GUILD_BAN_REMOVE", map[string]any{"guild_id": g.ID, "user": r.renderUser(r.sim.user(user))})
	})
	r.audit(c, g, auditMemberBanRemove, user, nil)
	return noContent()
}

// bulkBan is POST /guilds/{guild}/bulk-ban. It bans whom it can, and fails where that is
// nobody.
func (r *restAPI) bulkBan(c *restRequest, g *Guild) restResponse {
	f := c.form()
	f.require("user_ids")
	ids, span := f.ids("user_ids", maxBulkBan), r.readBanDelete(f)
	if f.errors.any() {
		return f.errors.answer()
	}
	banned, failed := []ID{}, []ID{}
	for _, id := range ids {
		_, already := g.bans[id]
		if _, known := r.sim.users[id]; !known || already || id == c.app.Bot.ID || !g.mayManage(c.app.Bot.ID, id) {
			failed = append(failed, id)
			continue
		}
		r.banUser(c, g, id, span)
		banned = append(banned, id)
	}
	if len(banned) == 0 {
		return errBanFailed.answer()
	}
	return ok200(map[string]any{"banned_users": banned, "failed_users": failed})
}
