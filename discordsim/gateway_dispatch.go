package discordsim

import (
	"encoding/json"
	"slices"
)

// emit sends an event to every session that gets it: those of one app, or
// of every app in the guild; by shard, by who sees the channel, and by intents.
func (s *Sim) emit(app *App, g *Guild, ch *Channel, typ string, data any) {
	raw, _ := data.(json.RawMessage)
	encoded := func() []byte {
		if raw == nil {
			raw = marshal(data)
		}
		return raw
	}
	if len(s.watches) > 0 {
		s.eventChanged(typ, encoded())
	}
	s.eachSession(app, g, ch, typ, func(sess *session) { sess.dispatch(typ, encoded()) })
}

// eachSession calls do for every session that gets an event.
func (s *Sim) eachSession(app *App, g *Guild, ch *Channel, typ string, do func(*session)) {
	apps := []*App{app}
	switch {
	case app != nil:
	case g != nil:
		apps = slices.Clone(s.inGuild[g.ID])
	case ch != nil && ch.App != nil:
		apps = []*App{ch.App}
	default:
		return
	}
	for _, a := range apps {
		if ch != nil && !s.sees(a, ch) {
			continue
		}
		for _, sess := range slices.Clone(s.bots[a.ID].sessions) {
			if sess.shard.routed(g) && entitled(sess.intents, typ, g != nil) {
				do(sess)
			}
		}
	}
}

// emitMessage sends MESSAGE_CREATE, MESSAGE_UPDATE or MESSAGE_DELETE,
// without the content where a session may not read it (S-069).
func (s *Sim) emitMessage(typ string, m *Message) {
	kind := ChangeMessage
	if typ == "MESSAGE_DELETE" {
		kind = ChangeMessageDelete
	}
	s.messageChanged(kind, m)
	ch := m.Channel
	guild, only := ch.Guild, (*App)(nil)
	if m.Flags&flagEphemeral != 0 {
		// As Discord shows them, if at all: to the app alone, without guild and
		// member, under the intent for direct messages (S-073).
		guild, only = nil, s.apps[m.WebhookID]
	}
	made := map[messageView][]byte{}
	s.eachSession(only, guild, ch, typ, func(sess *session) {
		view := messageView{sess.bot.app, sess.intents&intentContent != 0}
		raw := made[view]
		if raw == nil {
			raw = marshal(s.messageEvent(view, typ, m, guild))
			made[view] = raw
		}
		seq := sess.dispatch(typ, raw)
		if typ == "MESSAGE_CREATE" {
			s.noteDelivered(sess, m.ID, seq)
		}
	})
}

// messageView is what decides how a message looks in an event.
type messageView struct {
	app *App
	all bool // the session has the content intent
}

// messageEvent composes the d of a message event.
func (s *Sim) messageEvent(view messageView, typ string, m *Message, guild *Guild) map[string]any {
	if typ == "MESSAGE_DELETE" {
		out := map[string]any{"id": m.ID, "channel_id": m.Channel.ID}
		if guild != nil {
			out["guild_id"] = guild.ID
		}
		return out
	}
	out := s.rest.renderFor(view.app, m, view.all)
	out["channel_type"] = m.Channel.Type
	if guild != nil {
		out["guild_id"] = guild.ID
		mentions, _ := out["mentions"].([]any)
		for i, id := range m.Pinged {
			if user, ok := mentions[i].(map[string]any); ok && guild.hasMember(id) {
				user["member"] = s.bareMember(guild, id)
			}
		}
		if m.WebhookID == 0 {
			out["member"] = s.bareMember(guild, m.Author.ID)
		}
	}
	return out
}
