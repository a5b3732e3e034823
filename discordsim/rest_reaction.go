package discordsim

import (
	"regexp"
	"slices"
	"strings"
)

var customEmoji = regexp.MustCompile(`^[A-Za-z0-9_]{2,32}:[0-9]{1,20}$`)

// emojiOf reads the emoji of the path: custom ones as name:id, others as
// themselves, which are never plain ASCII words.
func emojiOf(c *restRequest) (string, bool) {
	emoji := c.params["emoji"]
	if customEmoji.MatchString(emoji) {
		return emoji, true
	}
	plain := strings.IndexFunc(emoji, func(r rune) bool { return r > 0x7F }) < 0
	return emoji, !plain && len(emoji) <= 64
}

// renderEmoji is the emoji as an object.
func renderEmoji(emoji string) map[string]any {
	if name, id, custom := strings.Cut(emoji, ":"); custom {
		return map[string]any{"id": id, "name": name}
	}
	return map[string]any{"id": nil, "name": emoji}
}

// reactionTarget finds the message and the emoji a request is about.
func (r *restAPI) reactionTarget(c *restRequest) (m *Message, emoji string, refused *restResponse) {
	if m, refused = r.messageFor(c); refused != nil {
		return nil, "", refused
	}
	emoji, good := emojiOf(c)
	if !good {
		unknown := errUnknownEmoji.answer()
		return nil, "", &unknown
	}
	return m, emoji, nil
}

// addReaction is PUT .../reactions/{emoji}/@me; a second time changes nothing.
func (r *restAPI) addReaction(c *restRequest) restResponse {
	m, emoji, refused := r.reactionTarget(c)
	if refused != nil {
		return *refused
	}
	i := m.reaction(emoji)
	if needs := reactionPermission(i); !r.sim.can(c.app, m.Channel, needs) {
		return errMissingPermission.answer()
	}
	if i < 0 {
		m.Reactions = append(m.Reactions, Reaction{Emoji: emoji})
		i = len(m.Reactions) - 1
	}
	me := c.app.Bot.ID
	if !slices.Contains(m.Reactions[i].Users, me) {
		m.Reactions[i].Users = append(m.Reactions[i].Users, me)
		r.emitReaction(c, m, "MESSAGE_REACTION_ADD", map[string]any{
			"user_id": me, "emoji": renderEmoji(emoji), "message_author_id": m.Author.ID, "burst": false, "type": 0,
		})
	}
	return noContent()
}

// reactionPermission is what reacting needs: a new emoji more than one that is there.
func reactionPermission(at int) uint64 {
	if at < 0 {
		return permissionHistory | permissionReact
	}
	return permissionHistory
}

// removeReaction is DELETE of the own reaction or, in a guild, of another's.
func (r *restAPI) removeReaction(c *restRequest) restResponse {
	m, emoji, refused := r.reactionTarget(c)
	if refused != nil {
		return *refused
	}
	user := c.app.Bot.ID
	if c.params["user"] != "" {
		user = c.id("user")
	}
	if user != c.app.Bot.ID && m.Channel.Guild == nil {
		return errNotYourDM.answer()
	}
	i := m.reaction(emoji)
	if i < 0 {
		return noContent()
	}
	at := slices.Index(m.Reactions[i].Users, user)
	if at < 0 {
		return noContent()
	}
	if m.Reactions[i].Users = slices.Delete(m.Reactions[i].Users, at, at+1); len(m.Reactions[i].Users) == 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
	r.emitReaction(c, m, "MESSAGE_REACTION_REMOVE", map[string]any{"user_id": user, "emoji": renderEmoji(emoji), "burst": false, "type": 0})
	return noContent()
}

// listReactions is GET .../reactions/{emoji}: who reacted with it.
func (r *restAPI) listReactions(c *restRequest) restResponse {
	m, emoji, refused := r.reactionTarget(c)
	if refused != nil {
		return *refused
	}
	var wrong formErrors
	limit, after := c.limitParam(1, 100, 25, &wrong), c.idParam("after", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	out := []any{}
	if i := m.reaction(emoji); i >= 0 {
		for _, id := range slices.Sorted(slices.Values(m.Reactions[i].Users)) {
			if id > after && len(out) < limit {
				out = append(out, r.renderUser(r.sim.user(id)))
			}
		}
	}
	return ok200(out)
}

// clearReactions is DELETE .../reactions.
func (r *restAPI) clearReactions(c *restRequest, m *Message) restResponse {
	if m.Channel.Guild == nil {
		return errNotYourDM.answer()
	}
	m.Reactions = nil
	r.emitReaction(c, m, "MESSAGE_REACTION_REMOVE_ALL", map[string]any{})
	return noContent()
}

// reaction is the index of an emoji under the message, -1 for none.
func (m *Message) reaction(emoji string) int {
	return slices.IndexFunc(m.Reactions, func(have Reaction) bool { return have.Emoji == emoji })
}

func (r *restAPI) emitReaction(c *restRequest, m *Message, event string, data map[string]any) {
	data["channel_id"], data["message_id"] = m.Channel.ID, m.ID
	if m.Channel.Guild != nil {
		data["guild_id"] = m.Channel.Guild.ID
		if event == "MESSAGE_REACTION_ADD" {
			data["member"] = r.sim.guildMember(m.Channel.Guild, c.app.Bot)
		}
	}
	c.emit(func() { r.sim.emit(nil, m.Channel.Guild, m.Channel, event, data) })
}
