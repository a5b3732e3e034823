package discordsim

import "time"

const (
	typeFollowed  = 12
	flagCrosspost = 1 << 1 // a copy of a message that was published elsewhere
)

// followChannel is POST /channels/{channel}/followers: what is published in an announcement
// channel goes to another one too, by a webhook of its own.
func (r *restAPI) followChannel(c *restRequest, ch *Channel) restResponse {
	f := c.form()
	f.require("webhook_channel_id")
	to := r.sim.channels[f.id("webhook_channel_id")]
	switch {
	case f.errors.any():
		return f.errors.answer()
	case ch.Type != channelNews:
		return errWrongChannelType.answer()
	case to == nil:
		return errUnknownChannel.answer()
	case !r.sim.sees(c.app, to):
		return errMissingAccess.answer()
	case to.Guild == nil || to.isThread():
		return errWrongChannelType.answer()
	case !r.sim.can(c.app, to, permissionManageWebhooks):
		return errMissingPermission.answer()
	case len(r.hooks(func(other *Webhook, _ *Channel) bool { return other.Channel == to.ID })) >= maxWebhooks:
		return errTooManyWebhooks.answer()
	}
	hook := &Webhook{ID: r.sim.newID(), Token: r.sim.newSecret(), Channel: to.ID, Creator: c.app.Bot.ID, Name: ch.Guild.Name + " #" + ch.Name, follows: ch.ID}
	r.webhooks[hook.ID] = hook
	r.emitWebhooks(c, to)
	r.audit(c, to.Guild, auditWebhookCreate, hook.ID, nil, change{"name", nil, hook.Name}, change{"channel_id", nil, to.ID}, change{"type", nil, 2})
	r.postSystemMessage(c, to, typeFollowed, hook.Name, map[string]any{"channel_id": ch.ID, "guild_id": ch.Guild.ID, "type": 0})
	return ok200(map[string]any{"channel_id": ch.ID, "webhook_id": hook.ID})
}

// crosspost posts the copies of a published message in the channels that follow.
func (r *restAPI) crosspost(c *restRequest, m *Message) {
	for _, hook := range r.hooks(func(hook *Webhook, _ *Channel) bool { return hook.follows == m.Channel.ID }) {
		to := r.sim.channels[hook.Channel]
		copied := &Message{
			ID: r.sim.newID(), Channel: to, Author: User{ID: hook.ID, Username: hook.Name, Bot: true}, WebhookID: hook.ID, Content: m.Content,
			Timestamp: time.Now(), Flags: m.Flags&^(flagCrossposted|flagHasThread) | flagCrosspost, Extra: m.Extra, embedded: m.embedded,
		}
		copied.setExtra("message_reference", marshal(map[string]any{"type": 0, "message_id": m.ID, "channel_id": m.Channel.ID, "guild_id": m.Channel.Guild.ID}))
		r.publish(c, copied)
	}
}
