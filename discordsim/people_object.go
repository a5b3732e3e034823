package discordsim

import "cmp"

// ask sends an interaction to the bot. A person waits for the answer.
func (s *Sim) ask(a *interaction, text string, data map[string]any) {
	s.expectAnswer(a.id, a.channel, text, true, a.app)
	if a.app.InteractionsURL != "" || !s.reaches(a.app, a.channel) {
		return
	}
	raw := marshal(s.interactionObject(a, data))
	// A bot hears of interactions also in channels that it does not see.
	s.eachSession(a.app, a.channel.Guild, nil, "INTERACTION_CREATE", func(sess *session) {
		s.noteDelivered(sess, a.id, sess.dispatch("INTERACTION_CREATE", raw))
	})
}

// interactionObject is INTERACTION_CREATE.
func (s *Sim) interactionObject(a *interaction, data map[string]any) map[string]any {
	g := a.channel.Guild
	out := map[string]any{
		"id": a.id, "application_id": a.app.ID, "token": a.token, "version": 1, "type": a.kind, "data": data,
		"channel_id": a.channel.ID, "channel": s.partialChannel(a.app, a.channel, a.user.ID),
		"app_permissions": decimal(s.permissionsIn(a.channel, a.app.Bot.ID)), "locale": defaultLocale, "entitlements": []any{},
		"authorizing_integration_owners": a.integrationOwners(), "attachment_size_limit": 10 << 20, "context": contextBotDM,
	}
	if a.source != nil {
		out["message"] = s.rest.renderFor(a.app, a.source, true)
	}
	if g == nil {
		out["user"] = s.rest.renderUser(a.user)
		return out
	}
	member := s.guildMember(g, a.user)
	member["permissions"] = decimal(s.permissionsIn(a.channel, a.user.ID))
	out["guild_id"], out["guild_locale"], out["member"], out["context"] = g.ID, g.locale(), member, contextGuild
	out["guild"] = map[string]any{"id": g.ID, "locale": g.locale(), "features": []any{}}
	return out
}

const defaultLocale = "en-US"

// locale is the guild's preferred locale.
func (g *Guild) locale() string {
	set, _ := g.settings["preferred_locale"].(string)
	return cmp.Or(set, defaultLocale)
}

// integrationOwners says by whose installation of the app an interaction is possible.
func (a *interaction) integrationOwners() map[string]any {
	if a.channel.Guild == nil {
		return map[string]any{"0": "0"}
	}
	return map[string]any{"0": a.channel.Guild.ID}
}

// partialFields are what of a channel comes with an interaction.
var partialFields = []string{
	"id", "name", "type", "recipients", "last_message_id", "last_pin_timestamp", "nsfw", "parent_id", "guild_id", "flags", "rate_limit_per_user", "topic", "position", "thread_metadata",
}

// partialChannel is a channel as an interaction carries it, with what the person and the app
// may do there.
func (s *Sim) partialChannel(app *App, ch *Channel, user ID) map[string]any {
	full := s.rest.renderChannel(ch)
	out := map[string]any{"permissions": decimal(s.permissionsIn(ch, user)), "app_permissions": decimal(s.permissionsIn(ch, app.Bot.ID))}
	for _, name := range partialFields {
		if v, has := full[name]; has {
			out[name] = v
		}
	}
	return out
}
