package discordsim

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Permissions of a channel that can be taken from a bot.
const (
	permissionView    = 1 << 10
	permissionSend    = 1 << 11
	permissionHistory = 1 << 16
)

// Hide takes VIEW_CHANNEL of a channel from a bot, or gives it back.
func (s *Sim) Hide(app *App, channel ID, hidden bool) {
	s.permit(app, channel, permissionView, !hidden)
}

// Mute takes SEND_MESSAGES in a channel from a bot, or gives it back: without it messages
// are refused with 50013.
func (s *Sim) Mute(app *App, channel ID, muted bool) { s.permit(app, channel, permissionSend, !muted) }

// permit gives a bot a permission in a channel or takes it; a change is a CHANNEL_UPDATE.
func (s *Sim) permit(app *App, channel ID, permission int, allowed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[channel]; ch != nil {
		s.setPermission(app, ch, permission, allowed)
	}
}

func (s *Sim) setPermission(app *App, ch *Channel, permission int, allowed bool) {
	denied := map[int]*map[ID]bool{permissionView: &ch.Hidden, permissionSend: &ch.ReadOnly, permissionHistory: &ch.NoHistory}[permission]
	if (*denied)[app.ID] == !allowed {
		return
	}
	if *denied == nil {
		*denied = map[ID]bool{}
	}
	(*denied)[app.ID] = !allowed
	if ch.Guild != nil {
		s.emit(app, ch.Guild, nil, "CHANNEL_UPDATE", s.rest.renderChannel(ch))
	}
}

// overwrites are the permission overwrites of a channel: what bots are denied there.
func (ch *Channel) overwrites() []any {
	denied := map[ID]int{}
	for permission, apps := range map[int]map[ID]bool{permissionView: ch.Hidden, permissionSend: ch.ReadOnly, permissionHistory: ch.NoHistory} {
		for app, is := range apps {
			if is {
				denied[app] |= permission
			}
		}
	}
	list := []any{}
	for _, app := range slices.Sorted(maps.Keys(denied)) {
		list = append(list, map[string]any{"id": app, "type": 1, "allow": "0", "deny": strconv.Itoa(denied[app])})
	}
	return list
}

// TimeOut keeps a bot from writing in a guild until some time; the zero time ends it. It is
// a GUILD_MEMBER_UPDATE of the bot.
func (s *Sim) TimeOut(app *App, guild *Guild, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeOut(app, guild, until)
}

func (s *Sim) timeOut(app *App, guild *Guild, until time.Time) {
	if guild.TimedOut == nil {
		guild.TimedOut = map[ID]time.Time{}
	}
	guild.TimedOut[app.Bot.ID] = until
	member := s.guildMember(guild, app.Bot)
	member["guild_id"] = guild.ID
	raw := marshal(member)
	for _, sess := range slices.Clone(s.bots[app.ID].sessions) {
		if sess.shard.routed(guild) { // of itself a bot hears whatever its intents are
			sess.dispatch("GUILD_MEMBER_UPDATE", raw)
		}
	}
}

// guildMember is a member as the guild knows it.
func (s *Sim) guildMember(g *Guild, u User) map[string]any {
	m := s.memberObject(u)
	if until := g.TimedOut[u.ID]; time.Now().Before(until) {
		m["communication_disabled_until"] = stamp(until)
	}
	return m
}

// CloseDMs lets a person take no direct messages of bots, or take them again: they are
// refused with 50007.
func (s *Sim) CloseDMs(user ID, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closedDMs[user] = closed
}

// refusal is why a bot may not write in a channel; nil if it may.
func (s *Sim) refusal(app *App, ch *Channel) *restError {
	switch {
	case ch.Guild == nil && s.closedDMs[ch.Recipient]:
		return &errCannotMessageUser
	case ch.ReadOnly[app.ID]:
		return &errMissingPermission
	case ch.Guild != nil && time.Now().Before(ch.Guild.TimedOut[app.Bot.ID]):
		return &errMissingPermission
	}
	return nil
}

// roles are the roles of a guild: everyone's, and one that Discord has given to each bot.
func (s *Sim) roles(g *Guild) []any {
	role := func(id ID, name string, position int) map[string]any {
		return map[string]any{
			"id": id, "name": name, "color": 0, "colors": map[string]any{"primary_color": 0, "secondary_color": nil, "tertiary_color": nil}, "hoist": false,
			"position": position, "permissions": botPermissions, "managed": position > 0, "mentionable": false, "flags": 0,
		}
	}
	list := []any{role(g.ID, "@everyone", 0)}
	for n, app := range s.inGuild[g.ID] {
		own := role(app.roleIn(g), app.Name, n+1)
		own["tags"] = map[string]any{"bot_id": app.Bot.ID}
		list = append(list, own)
	}
	return list
}

// roleIn is the role that Discord has given to the app's bot in a guild, as old as the
// guild.
func (a *App) roleIn(g *Guild) ID {
	const low = 1<<22 - 1
	return g.ID&^low | a.ID*2_654_435_761&low
}

// getMember is GET /guilds/{guild}/members/{user}.
func (r *restAPI) getMember(c *restRequest, g *Guild) restResponse {
	id := c.id("user")
	if !slices.Contains(g.Members, id) {
		return errUnknownMember.answer()
	}
	return ok200(r.sim.guildMember(g, r.sim.user(id)))
}
