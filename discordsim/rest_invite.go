package discordsim

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Invite is an invite to a channel of a guild.
type Invite struct {
	Code      string
	Channel   ID
	Inviter   ID
	MaxAge    time.Duration // 0: it never ends
	MaxUses   int           // 0: no limit
	Uses      int
	Temporary bool
	Created   time.Time
}

// isOver reports whether an invite cannot be used any more.
func (i *Invite) isOver(now time.Time) bool {
	return i.MaxAge > 0 && now.Sub(i.Created) >= i.MaxAge || i.MaxUses > 0 && i.Uses >= i.MaxUses
}

// findInvite finds an invite that is still good.
func (s *Sim) findInvite(code string) *Invite {
	i := s.rest.invites[code]
	if i == nil || i.isOver(time.Now()) || s.channels[i.Channel] == nil {
		return nil
	}
	return i
}

// UseInvite lets a person join a guild by an invite; it reports whether there is one.
func (s *Sim) UseInvite(code string, user ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.findInvite(code)
	if i == nil {
		return false
	}
	i.Uses++
	s.addMember(s.channels[i.Channel].Guild, s.user(user))
	return true
}

// renderInvite is an invite as GET /invites/{code} shows it.
func (r *restAPI) renderInvite(i *Invite) map[string]any {
	ch := r.sim.channels[i.Channel]
	g := r.renderGuild(ch.Guild)
	partial := map[string]any{}
	for _, name := range []string{"id", "name", "splash", "banner", "description", "icon", "features", "verification_level", "vanity_url_code", "nsfw_level", "premium_subscription_count"} {
		partial[name] = g[name]
	}
	out := map[string]any{
		"type": 0, "code": i.Code, "guild": partial, "channel": map[string]any{"id": ch.ID, "name": ch.Name, "type": ch.Type},
		"inviter": r.renderUser(r.sim.user(i.Inviter)), "expires_at": nil, "flags": 0,
	}
	if i.MaxAge > 0 {
		out["expires_at"] = stamp(i.Created.Add(i.MaxAge))
	}
	return out
}

// renderInviteMetadata is an invite as those who manage it see it.
func (r *restAPI) renderInviteMetadata(i *Invite) map[string]any {
	out := r.renderInvite(i)
	out["uses"], out["max_uses"], out["max_age"], out["temporary"], out["created_at"] = i.Uses, i.MaxUses, int(i.MaxAge.Seconds()), i.Temporary, stamp(i.Created)
	return out
}

// listInvites lists the good invites that fit, oldest first.
func (r *restAPI) listInvites(fits func(*Channel) bool) restResponse {
	out := []any{}
	for _, i := range slices.SortedFunc(maps.Values(r.invites), func(a, b *Invite) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Code, b.Code))
	}) {
		if ch := r.sim.channels[i.Channel]; r.sim.findInvite(i.Code) != nil && fits(ch) {
			out = append(out, r.renderInviteMetadata(i))
		}
	}
	return ok200(out)
}

// listChannelInvites is GET /channels/{channel}/invites.
func (r *restAPI) listChannelInvites(_ *restRequest, ch *Channel) restResponse {
	return r.listInvites(func(other *Channel) bool { return other == ch })
}

// listGuildInvites is GET /guilds/{guild}/invites.
func (r *restAPI) listGuildInvites(_ *restRequest, g *Guild) restResponse {
	return r.listInvites(func(ch *Channel) bool { return ch.Guild == g })
}

// createInvite is POST /channels/{channel}/invites. Unless the body asks for a unique one,
// the same wishes give the same invite.
func (r *restAPI) createInvite(c *restRequest, ch *Channel) restResponse {
	f := c.form()
	i := &Invite{Channel: ch.ID, Inviter: c.app.Bot.ID, MaxAge: 24 * time.Hour, Created: c.now, Temporary: f.truth("temporary")}
	if f.has("max_age") {
		i.MaxAge = time.Duration(f.numberIn("max_age", 0, 604_800)) * time.Second
	}
	i.MaxUses = int(f.numberIn("max_uses", 0, 100))
	unique := f.truth("unique")
	switch {
	case f.errors.any():
		return f.errors.answer()
	case ch.Guild == nil || ch.isThread():
		return errWrongChannelType.answer()
	}
	if !unique {
		for _, have := range r.invites {
			if have.Channel == i.Channel && have.Inviter == i.Inviter && have.MaxAge == i.MaxAge && have.MaxUses == i.MaxUses && have.Temporary == i.Temporary && r.sim.findInvite(have.Code) != nil {
				return ok200(r.renderInviteMetadata(have))
			}
		}
	}
	i.Code = r.sim.newSecret()[:8]
	r.invites[i.Code] = i
	c.emit(func() {
		data := map[string]any{
			"channel_id": ch.ID, "code": i.Code, "created_at": stamp(i.Created), "guild_id": ch.Guild.ID, "inviter": r.renderUser(c.app.Bot), "max_age": int(i.MaxAge.Seconds()),
			"max_uses": i.MaxUses, "temporary": i.Temporary, "uses": 0, "expires_at": r.renderInvite(i)["expires_at"],
		}
		r.emitInvite(ch, "INVITE_CREATE", data)
	})
	r.audit(c, ch.Guild, auditInviteCreate, 0, nil, change{"code", nil, i.Code}, change{"channel_id", nil, ch.ID})
	return ok200(r.renderInviteMetadata(i))
}

// emitInvite sends an event about an invite to bots with MANAGE_CHANNELS in its channel.
func (r *restAPI) emitInvite(ch *Channel, event string, data any) {
	for _, app := range slices.Clone(r.sim.inGuild[ch.Guild.ID]) {
		if r.sim.can(app, ch, permissionManageChannels) {
			r.sim.emit(app, ch.Guild, ch, event, data)
		}
	}
}

// getInvite is GET /invites/{code}, for which the bot need not be in the guild.
func (r *restAPI) getInvite(c *restRequest) restResponse {
	i := r.sim.findInvite(c.params["code"])
	if i == nil {
		return errUnknownInvite.answer()
	}
	out := r.renderInvite(i)
	if counts, _ := parseBool(c.query.Get("with_counts")); counts {
		g := r.sim.channels[i.Channel].Guild
		out["approximate_member_count"], out["approximate_presence_count"] = len(g.Members), r.sim.onlineIn(g)
	}
	return ok200(out)
}

// deleteInvite is DELETE /invites/{code}. It needs MANAGE_CHANNELS in the channel or
// MANAGE_GUILD.
func (r *restAPI) deleteInvite(c *restRequest) restResponse {
	i := r.sim.findInvite(c.params["code"])
	if i == nil {
		return errUnknownInvite.answer()
	}
	ch := r.sim.channels[i.Channel]
	switch {
	case !slices.Contains(c.app.Guilds, ch.Guild):
		return errMissingAccess.answer()
	case !r.sim.can(c.app, ch, permissionManageChannels) && r.sim.permissions(ch.Guild, c.app.Bot.ID)&permissionManageGuild == 0:
		return errMissingPermission.answer()
	}
	shown := r.renderInvite(i)
	delete(r.invites, i.Code)
	c.emit(func() {
		r.emitInvite(ch, "INVITE_DELETE", map[string]any{"channel_id": ch.ID, "guild_id": ch.Guild.ID, "code": i.Code})
	})
	r.audit(c, ch.Guild, auditInviteDelete, 0, nil, change{"code", i.Code, nil})
	return ok200(shown)
}
