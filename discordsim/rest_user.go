package discordsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// getGateway is GET /gateway, which needs no token.
func (r *restAPI) getGateway(c *restRequest) restResponse {
	return ok200(map[string]any{"url": r.sim.gatewayURL(c.req)})
}

// getGatewayBot is GET /gateway/bot (S-002): all four numbers follow what the
// app has really used up. reset_after is in milliseconds.
func (r *restAPI) getGatewayBot(c *restRequest) restResponse {
	total, remaining, resetAfter := r.sim.startLimit(c.app)
	answer := map[string]any{
		"url": r.sim.gatewayURL(c.req), "shards": max(1, c.app.Shards),
		"session_start_limit": map[string]any{
			"total": total, "remaining": remaining, "reset_after": resetAfter.Milliseconds(),
			"max_concurrency": max(1, c.app.MaxConcurrency),
		},
	}
	if odd := r.sim.strike("gateway-bot", r.faultTarget(c)); odd != nil {
		var fields map[string]json.RawMessage
		_ = json.Unmarshal([]byte(cmp.Or(odd.Text, `{"shards":1000000000}`)), &fields)
		for name, value := range fields {
			answer[name] = value
		}
	}
	return ok200(answer)
}

// getMe is GET /users/@me, the cheapest check of a token (S-089).
func (r *restAPI) getMe(c *restRequest) restResponse {
	return ok200(r.renderOwnUser(c.app))
}

// renderOwnUser is a bot as it sees itself.
func (r *restAPI) renderOwnUser(app *App) map[string]any {
	u := app.Bot
	return map[string]any{
		"id": u.ID, "username": u.Username, "discriminator": "0000", "global_name": orNull(u.GlobalName), "avatar": r.image(imageKey{owner: u.ID, kind: imageAvatar}), "banner": r.image(imageKey{owner: u.ID, kind: imageBanner}),
		"bot": true, "flags": 0, "public_flags": 0, "mfa_enabled": true, "locale": "en-US", "verified": true, "email": nil,
	}
}

// editMe is PATCH /users/@me: the name of the bot. Its sessions hear of it by USER_UPDATE.
func (r *restAPI) editMe(c *restRequest) restResponse {
	f := c.form()
	name := c.app.Bot.Username
	if f.has("username") {
		name = f.between("username", 2, 32)
	}
	for _, kind := range []imageKind{imageAvatar, imageBanner} {
		readImageHash(f, string(kind))
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	for _, kind := range []imageKind{imageAvatar, imageBanner} {
		r.setImage(f, imageKey{owner: c.app.Bot.ID, kind: kind})
	}
	c.app.Bot.Username = name
	r.sim.users[c.app.Bot.ID] = c.app.Bot
	c.emit(func() { r.sim.emit(c.app, nil, nil, "USER_UPDATE", r.renderOwnUser(c.app)) })
	return ok200(r.renderOwnUser(c.app))
}

// maxAvatarBytes bounds the picture of a user.
const maxAvatarBytes = 10 << 20

// voiceRegions are those of voice channels.
var voiceRegions = []string{"brazil", "hongkong", "india", "japan", "rotterdam", "singapore", "southafrica", "sydney", "us-central", "us-east", "us-south", "us-west"}

// listVoiceRegions is GET /voice/regions, and of a guild.
func (r *restAPI) listVoiceRegions(*restRequest) restResponse {
	out := []any{}
	for _, name := range voiceRegions {
		out = append(out, map[string]any{"id": name, "name": name, "optimal": name == "rotterdam", "deprecated": false, "custom": false})
	}
	return ok200(out)
}

// listNothing answers with an empty list: of SKUs and entitlements there are none.
func (r *restAPI) listNothing(*restRequest, *App) restResponse { return ok200([]any{}) }

// listGuilds is GET /users/@me/guilds, paged by id: bots can be in
// more guilds than one page holds.
func (r *restAPI) listGuilds(c *restRequest) restResponse {
	var wrong formErrors
	limit := c.limitParam(1, 200, 200, &wrong)
	before, after := c.idParam("before", &wrong), c.idParam("after", &wrong)
	counts := c.flagParam("with_counts", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	all := slices.SortedFunc(slices.Values(c.app.Guilds), func(a, b *Guild) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	all = slices.DeleteFunc(all, func(g *Guild) bool { return g.ID <= after || (before != 0 && g.ID >= before) })
	if before != 0 && after == 0 {
		all = all[max(0, len(all)-limit):]
	}
	out := []any{}
	for _, g := range all[:min(limit, len(all))] {
		guild := map[string]any{
			"id": g.ID, "name": g.Name, "icon": g.settings["icon"], "banner": nil, "owner": g.OwnerID == c.app.Bot.ID,
			"permissions": decimal(r.sim.permissions(g, c.app.Bot.ID)), "features": []string{},
		}
		if counts {
			guild["approximate_member_count"] = len(g.Members)
			guild["approximate_presence_count"] = len(g.Members)
		}
		out = append(out, guild)
	}
	return ok200(out)
}

// openDM is POST /users/@me/channels: the same person gives the same channel.
func (r *restAPI) openDM(c *restRequest) restResponse {
	f := c.form()
	f.require("recipient_id")
	id := f.id("recipient_id")
	if f.errors.any() {
		return f.errors.answer()
	}
	user, known := r.sim.users[id]
	switch {
	case !known:
		return errUnknownUser.answer()
	case user.Bot:
		return errCannotMessageUser.answer()
	}
	return ok200(r.renderChannel(r.sim.dm(c.app, id)))
}

// getUser is GET /users/{user}.
func (r *restAPI) getUser(c *restRequest) restResponse {
	u, known := r.sim.users[c.id("user")]
	if !known {
		return errUnknownUser.answer()
	}
	return ok200(r.renderUser(u))
}

// guildFor finds the guild of the path and checks that the app is in it and may do what
// the route needs.
func (r *restAPI) guildFor(c *restRequest) (*Guild, *restResponse) {
	g := r.sim.guilds[c.id("guild")]
	switch {
	case g == nil:
		return nil, errUnknownGuild.refusal()
	case !slices.Contains(r.sim.inGuild[g.ID], c.app):
		return nil, errMissingAccess.refusal()
	case r.sim.permissions(g, c.app.Bot.ID)&c.route.needs != c.route.needs:
		return nil, errMissingPermission.refusal()
	}
	return g, nil
}

// getChannel is GET /channels/{channel}.
func (r *restAPI) getChannel(c *restRequest, ch *Channel) restResponse {
	return ok200(r.renderChannel(ch))
}

// startTyping is POST /channels/{channel}/typing: it shows for ten seconds or
// until a message is sent.
func (r *restAPI) startTyping(c *restRequest, ch *Channel) restResponse {
	if refused := r.sim.refusal(c.app, ch); refused != nil {
		return refused.answer()
	}
	event := r.noteTyping(ch, c.app.Bot, c.now)
	c.emit(func() { r.sim.emit(nil, ch.Guild, ch, "TYPING_START", event) })
	return noContent()
}

const typingFor = 10 * time.Second

// Typing lists who is shown as typing in a channel now.
func (s *Sim) Typing(channel ID) []ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ID
	for user, until := range s.rest.typing[channel] {
		if time.Now().Before(until) {
			out = append(out, user)
		}
	}
	slices.Sort(out)
	return out
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// stamp prints a time as Discord does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }
