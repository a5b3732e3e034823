package discordsim

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// GuildView is a guild as it is at one moment, for those who look at it from outside.
type GuildView struct {
	// Guild is the guild itself, for the methods of [Sim] that take one; it changes at
	// any time.
	Guild *Guild
	ID    ID
	Name  string
	// Unavailable marks a guild in an outage.
	Unavailable bool
	// Members is how many there are, bots among them.
	Members int
	// Channels are in their order; threads that are not archived come last.
	Channels []ChannelView
	// Roles are in the order of their positions; @everyone is first.
	Roles []Role
}

// ChannelView is a channel as it is at one moment.
type ChannelView struct {
	ID ID
	// Guild is 0 for a direct message.
	Guild ID
	Name  string
	// Type is Discord's number of the channel's type.
	Type int
	// Parent is the category of a channel, or the channel of a thread; 0 without one.
	Parent ID
	// Position orders the channels of a guild; -1 for a thread.
	Position int
	// Recipient is the person at the other end of a direct message, Bot the bot.
	Recipient, Bot ID
}

// MemberView is a member of a guild as it is at one moment.
type MemberView struct {
	Member
	// Profile is the user.
	Profile User
	// Status is online, idle, dnd or offline.
	Status string
	// Voice is the voice channel the member is in; 0 for none.
	Voice ID
}

// Guilds lists all guilds, by id.
func (s *Sim) Guilds() []GuildView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]GuildView, 0, len(s.guilds))
	for _, id := range slices.Sorted(maps.Keys(s.guilds)) {
		all = append(all, s.guilds[id].view())
	}
	return all
}

// Guild finds one guild.
func (s *Sim) Guild(id ID) (GuildView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[id]
	if g == nil {
		return GuildView{}, false
	}
	return g.view(), true
}

func (g *Guild) view() GuildView {
	v := GuildView{Guild: g, ID: g.ID, Name: g.Name, Unavailable: g.Unavailable, Members: len(g.Members)}
	for _, ch := range g.Channels {
		v.Channels = append(v.Channels, ch.view())
	}
	for _, ch := range g.threads {
		if !ch.thread.archived {
			v.Channels = append(v.Channels, ch.view())
		}
	}
	for _, r := range g.Roles {
		v.Roles = append(v.Roles, *r)
	}
	return v
}

// Channel finds one channel, also a thread or a direct message.
func (s *Sim) Channel(id ID) (ChannelView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[id]
	if ch == nil {
		return ChannelView{}, false
	}
	return ch.view(), true
}

func (ch *Channel) view() ChannelView {
	v := ChannelView{ID: ch.ID, Name: ch.Name, Type: ch.Type, Parent: ch.Parent, Position: -1, Recipient: ch.Recipient}
	if ch.Guild != nil {
		v.Guild, v.Position = ch.Guild.ID, slices.Index(ch.Guild.Channels, ch)
	}
	if ch.App != nil {
		v.Bot = ch.App.Bot.ID
	}
	return v
}

// DirectMessages lists the direct message channels of a bot, by id.
func (s *Sim) DirectMessages(app *App) []ChannelView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []ChannelView{}
	for _, ch := range s.bots[app.ID].dms {
		all = append(all, ch.view())
	}
	slices.SortFunc(all, func(a, b ChannelView) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Users lists the people there are, by id, without bots.
func (s *Sim) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []User{}
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		if u := s.users[id]; !u.Bot {
			all = append(all, u)
		}
	}
	return all
}

// User finds a person or a bot.
func (s *Sim) User(id ID) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, known := s.users[id]
	return u, known
}

// UserObject is a user as Discord's REST shows it; one that is not known is named for its
// id.
func (s *Sim) UserObject(id ID) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return marshal(s.rest.renderUser(s.user(id)))
}

// GuildMembers lists at most limit members of a guild, by id, from the first one above
// after; false if there is no such guild.
func (s *Sim) GuildMembers(guild, after ID, limit int) ([]MemberView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil {
		return nil, false
	}
	ids := slices.Sorted(slices.Values(g.Members))
	at, found := slices.BinarySearch(ids, after)
	if found {
		at++
	}
	page := []MemberView{}
	for _, id := range ids[at:min(len(ids), at+max(0, limit))] {
		page = append(page, s.memberView(g, id))
	}
	return page, true
}

// GuildMember finds one member of a guild.
func (s *Sim) GuildMember(guild, user ID) (MemberView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil || !g.hasMember(user) {
		return MemberView{}, false
	}
	return s.memberView(g, user), true
}

func (s *Sim) memberView(g *Guild, user ID) MemberView {
	v := MemberView{Member: g.member(user), Profile: s.user(user)}
	v.User, v.Roles = user, slices.Clone(v.Roles)
	v.Status, _ = s.presenceOf(user)
	if state := g.voice[user]; state != nil {
		v.Voice = state.channel.ID
	}
	return v
}

// Activities are the activity objects that others see of a user, as a JSON list; empty for
// one who is offline.
func (s *Sim) Activities(user ID) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, activities := s.presenceOf(user)
	return marshal(activities)
}

// PermissionsIn is what a user may do in a channel, as Discord's bits; all in a direct
// message, none where there is no such channel.
func (s *Sim) PermissionsIn(channel, user ID) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return 0
	}
	return s.permissionsIn(ch, user)
}

// MessageObject is a message as Discord's REST shows it to an app that may read all
// content, also one that only one person sees; false for one that is not there or deleted.
func (s *Sim) MessageObject(id ID) (json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[id]
	if m == nil || m.Deleted {
		return nil, false
	}
	return marshal(s.rest.renderMessage(m)), true
}

// MessageObjects lists at most limit messages of a channel as [Sim.MessageObject] shows
// them, oldest first: the first ones after an id, or the last ones before it, or the last
// ones of all where both are 0. It is false if there is no such channel.
func (s *Sim) MessageObjects(channel, after, before ID, limit int) ([]json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[channel] == nil {
		return nil, false
	}
	var all []*Message
	for _, m := range s.history[channel] {
		if !m.Deleted {
			all = append(all, m)
		}
	}
	page := []json.RawMessage{}
	for _, m := range pageOf(all, 0, before, after, max(0, limit)) {
		page = append(page, marshal(s.rest.renderMessage(m)))
	}
	return page, true
}

// CommandObjects lists the commands of an app that can be used in a channel, as Discord's
// REST shows them, by name; false if there is no such channel, or the bot is not in it.
func (s *Sim) CommandObjects(app *App, channel ID) ([]json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil || !s.sees(app, ch) {
		return nil, false
	}
	context := contextGuild
	if ch.Guild == nil {
		context = contextBotDM
	}
	var usable []*Command
	for _, command := range app.commandsIn(ch) {
		if offered(newForm(command.Raw), context) {
			usable = append(usable, command)
		}
	}
	slices.SortStableFunc(usable, func(a, b *Command) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type)) })
	all := []json.RawMessage{}
	for _, command := range usable {
		all = append(all, marshal(renderCommand(command)))
	}
	return all, true
}
