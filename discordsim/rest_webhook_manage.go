package discordsim

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxWebhooks is the number of webhooks of one channel.
const maxWebhooks = 15

// hooks lists the webhooks that fit, by id.
func (r *restAPI) hooks(fits func(*Webhook, *Channel) bool) (out []*Webhook) {
	for _, hook := range slices.SortedFunc(maps.Values(r.webhooks), func(a, b *Webhook) int { return cmp.Compare(a.ID, b.ID) }) {
		if ch := r.sim.channels[hook.Channel]; ch != nil && fits(hook, ch) {
			out = append(out, hook)
		}
	}
	return out
}

// renderHooks are webhooks as the bot may see them.
func (r *restAPI) renderHooks(c *restRequest, all []*Webhook) []any {
	out := []any{}
	for _, hook := range all {
		out = append(out, r.renderWebhook(c, hook))
	}
	return out
}

// renderWebhook is a webhook. Its token is shown to the app that made it, and for webhooks
// of people; who made it is hidden from a caller that has only the token.
func (r *restAPI) renderWebhook(c *restRequest, hook *Webhook) map[string]any {
	out := map[string]any{"id": hook.ID, "type": 1, "name": hook.Name, "avatar": r.image(imageKey{owner: hook.ID, kind: imageAvatar}), "channel_id": hook.Channel, "guild_id": nil, "application_id": nil}
	if g := r.sim.channels[hook.Channel].Guild; g != nil {
		out["guild_id"] = g.ID
	}
	app := r.sim.apps[hook.Creator]
	if from := r.sim.channels[hook.follows]; hook.follows != 0 {
		out["type"] = 2
		if hook.Creator != 0 {
			out["user"] = r.renderUser(r.sim.user(hook.Creator))
		}
		if from != nil {
			out["source_guild"] = map[string]any{"id": from.Guild.ID, "name": from.Guild.Name, "icon": from.Guild.settings["icon"]}
			out["source_channel"] = map[string]any{"id": from.ID, "name": from.Name}
		}
		return out
	}
	if app != nil {
		out["application_id"] = app.ID
	}
	if app == nil || c.app == app || c.params["token"] != "" {
		out["token"] = hook.Token
		out["url"] = r.sim.siteURL(c.req) + "/api/webhooks/" + hook.ID.String() + "/" + hook.Token
	}
	if hook.Creator != 0 && c.app != nil {
		out["user"] = r.renderUser(r.sim.user(hook.Creator))
	}
	return out
}

// listWebhooks is GET /channels/{channel}/webhooks.
func (r *restAPI) listWebhooks(c *restRequest, ch *Channel) restResponse {
	return ok200(r.renderHooks(c, r.hooks(func(hook *Webhook, _ *Channel) bool { return hook.Channel == ch.ID })))
}

// listGuildWebhooks is GET /guilds/{guild}/webhooks.
func (r *restAPI) listGuildWebhooks(c *restRequest, g *Guild) restResponse {
	return ok200(r.renderHooks(c, r.hooks(func(_ *Webhook, ch *Channel) bool { return ch.Guild == g })))
}

// readHookName reads the name of a webhook, which may not pass for Discord's own.
func readHookName(f *form) string {
	name := f.between("name", 1, 80)
	for _, word := range []string{"clyde", "discord"} {
		if strings.Contains(strings.ToLower(name), word) {
			f.refuse("name", "USERNAME_INVALID_CONTAINS", "Username cannot contain %q", word)
		}
	}
	return name
}

// createWebhook is POST /channels/{channel}/webhooks.
func (r *restAPI) createWebhook(c *restRequest, ch *Channel) restResponse {
	f := c.form()
	hook := &Webhook{ID: r.sim.newID(), Token: r.sim.newSecret(), Channel: ch.ID, Creator: c.app.Bot.ID, Name: readHookName(f)}
	readImageHash(f, "avatar")
	switch {
	case f.errors.any():
		return f.errors.answer()
	case ch.Guild == nil || ch.isThread():
		return errWrongChannelType.answer()
	case len(r.hooks(func(other *Webhook, _ *Channel) bool { return other.Channel == ch.ID })) >= maxWebhooks:
		return errTooManyWebhooks.answer()
	}
	r.webhooks[hook.ID] = hook
	r.setImage(f, imageKey{owner: hook.ID, kind: imageAvatar})
	r.emitWebhooks(c, ch)
	r.audit(c, ch.Guild, auditWebhookCreate, hook.ID, nil, change{"name", nil, hook.Name}, change{"channel_id", nil, ch.ID})
	return ok200(r.renderWebhook(c, hook))
}

// emitWebhooks sends WEBHOOKS_UPDATE.
func (r *restAPI) emitWebhooks(c *restRequest, ch *Channel) {
	if ch.Guild != nil {
		c.emit(func() {
			r.sim.emit(nil, ch.Guild, ch, "WEBHOOKS_UPDATE", map[string]any{"guild_id": ch.Guild.ID, "channel_id": ch.ID})
		})
	}
}

// ownedWebhook finds the webhook of a path without its token, for which the bot needs
// MANAGE_WEBHOOKS in its channel.
func (r *restAPI) ownedWebhook(c *restRequest) (*Webhook, *restResponse) {
	hook := r.webhooks[c.id("webhook")]
	if hook == nil || r.sim.channels[hook.Channel] == nil {
		return nil, errUnknownWebhook.refusal()
	}
	if ch := r.sim.channels[hook.Channel]; !r.sim.sees(c.app, ch) || !r.sim.can(c.app, ch, permissionManageWebhooks) {
		return nil, errMissingPermission.refusal()
	}
	return hook, nil
}

// getOwnedWebhook is GET /webhooks/{webhook}.
func (r *restAPI) getOwnedWebhook(c *restRequest, hook *Webhook) restResponse {
	return ok200(r.renderWebhook(c, hook))
}

// editWebhook is PATCH of a webhook; with its token only the name can change.
func (r *restAPI) editWebhook(c *restRequest, hook *Webhook) restResponse {
	f, name, channel := c.form(), hook.Name, hook.Channel
	if f.has("name") {
		name = readHookName(f)
	}
	readImageHash(f, "avatar")
	if f.has("channel_id") && c.params["token"] == "" {
		channel = f.id("channel_id")
		if to := r.sim.channels[channel]; to == nil || to.Guild != r.sim.channels[hook.Channel].Guild || to.isThread() {
			f.refuse("channel_id", "CHANNEL_INVALID", "Unknown Channel")
		}
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	ch := r.sim.channels[hook.Channel]
	if c.app != nil {
		r.audit(c, ch.Guild, auditWebhookUpdate, hook.ID, nil, change{"name", hook.Name, name})
	}
	hook.Name, hook.Channel = name, channel
	r.setImage(f, imageKey{owner: hook.ID, kind: imageAvatar})
	r.emitWebhooks(c, ch)
	return ok200(r.renderWebhook(c, hook))
}

// deleteWebhook is DELETE of a webhook, with or without its token.
func (r *restAPI) deleteWebhook(c *restRequest, hook *Webhook) restResponse {
	ch := r.sim.channels[hook.Channel]
	delete(r.webhooks, hook.ID)
	r.emitWebhooks(c, ch)
	if c.app != nil {
		r.audit(c, ch.Guild, auditWebhookDelete, hook.ID, nil, change{"name", hook.Name, nil})
	}
	return restResponse{status: http.StatusNoContent}
}

// webhookTarget is the channel that a webhook writes in: its own, a thread of it, or a new
// post where it is a forum.
func (r *restAPI) webhookTarget(c *restRequest, f *form, hook *Webhook, thread ID) (*Channel, *restError) {
	ch := r.sim.channels[hook.Channel]
	name := f.lengthIn("thread_name", 1, 100)
	switch {
	case thread != 0 && name != "":
		return nil, &errThreadNamedTwice
	case thread != 0:
		to := r.sim.channels[thread]
		if to == nil || !to.isThread() || to.Parent != ch.ID {
			return nil, &errUnknownChannel
		}
		return to, nil
	case ch.isForum() && name == "":
		return nil, &errThreadNeeded
	case name != "" && !ch.isForum():
		return nil, &errNoThreadHere
	}
	return ch, nil
}
