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
	return c.params["emoji"], IsEmoji(c.params["emoji"])
}

// IsEmoji reports whether a text can be the emoji of a [Reaction].
func IsEmoji(emoji string) bool {
	if customEmoji.MatchString(emoji) {
		return true
	}
	plain := strings.IndexFunc(emoji, func(r rune) bool { return r > 0x7F }) < 0
	return !plain && len(emoji) <= 64
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
	if i < 0 && len(m.Reactions) >= maxReactions {
		return errTooManyReactions.answer()
	}
	c.emit(r.sim.react(m, c.app.Bot, emoji))
	return noContent()
}

// maxReactions is the number of different emoji under one message.
const maxReactions = 20

// react puts an emoji under a message and returns the function that tells of it.
func (s *Sim) react(m *Message, who User, emoji string) (tell func()) {
	i := m.reaction(emoji)
	if i < 0 {
		m.Reactions = append(m.Reactions, Reaction{Emoji: emoji})
		i = len(m.Reactions) - 1
	}
	if slices.Contains(m.Reactions[i].Users, who.ID) {
		return func() {}
	}
	m.Reactions[i].Users = append(m.Reactions[i].Users, who.ID)
	return func() {
		data := map[string]any{"user_id": who.ID, "emoji": renderEmoji(emoji), "message_author_id": m.Author.ID, "burst": false, "type": 0}
		if g := m.Channel.Guild; g != nil {
			data["member"] = s.guildMember(g, who)
		}
		s.emitReaction(m, "MESSAGE_REACTION_ADD", data)
	}
}

// unreact takes an emoji of a user away and returns the function that tells of it.
func (s *Sim) unreact(m *Message, user ID, emoji string) (tell func()) {
	i := m.reaction(emoji)
	if i < 0 {
		return func() {}
	}
	at := slices.Index(m.Reactions[i].Users, user)
	if at < 0 {
		return func() {}
	}
	if m.Reactions[i].Users = slices.Delete(m.Reactions[i].Users, at, at+1); len(m.Reactions[i].Users) == 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
	return func() {
		s.emitReaction(m, "MESSAGE_REACTION_REMOVE", map[string]any{"user_id": user, "emoji": renderEmoji(emoji), "burst": false, "type": 0})
	}
}

// React lets a person put an emoji under a message, as [Reaction] names it.
func (s *Sim) React(message, user ID, emoji string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[message]; m != nil && !m.Deleted {
		if m.Channel.Guild != nil {
			s.addMember(m.Channel.Guild, s.user(user))
		}
		s.react(m, s.user(user), emoji)()
	}
}

// Unreact lets a person take an emoji away again.
func (s *Sim) Unreact(message, user ID, emoji string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[message]; m != nil && !m.Deleted {
		s.unreact(m, user, emoji)()
	}
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
	switch {
	case user == c.app.Bot.ID:
	case m.Channel.Guild == nil:
		return errNotYourDM.answer()
	case !r.sim.can(c.app, m.Channel, permissionManageMessages):
		return errMissingPermission.answer()
	}
	c.emit(r.sim.unreact(m, user, emoji))
	return noContent()
}

// removeEmoji is DELETE .../reactions/{emoji}: all reactions with it.
func (r *restAPI) removeEmoji(c *restRequest) restResponse {
	m, emoji, refused := r.reactionTarget(c)
	switch {
	case refused != nil:
		return *refused
	case m.Channel.Guild == nil:
		return errNotYourDM.answer()
	case m.reaction(emoji) < 0:
		return errUnknownEmoji.answer()
	}
	m.Reactions = slices.DeleteFunc(m.Reactions, func(one Reaction) bool { return one.Emoji == emoji })
	c.emit(func() {
		r.sim.emitReaction(m, "MESSAGE_REACTION_REMOVE_EMOJI", map[string]any{"emoji": renderEmoji(emoji)})
	})
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
	c.emit(func() { r.sim.emitReaction(m, "MESSAGE_REACTION_REMOVE_ALL", map[string]any{}) })
	return noContent()
}

// reaction is the index of an emoji under the message, -1 for none.
func (m *Message) reaction(emoji string) int {
	return slices.IndexFunc(m.Reactions, func(have Reaction) bool { return have.Emoji == emoji })
}

// emitReaction sends an event about the reactions of a message.
func (s *Sim) emitReaction(m *Message, event string, data map[string]any) {
	data["channel_id"], data["message_id"] = m.Channel.ID, m.ID
	if m.Channel.Guild != nil {
		data["guild_id"] = m.Channel.Guild.ID
	}
	s.emit(nil, m.Channel.Guild, m.Channel, event, data)
}
