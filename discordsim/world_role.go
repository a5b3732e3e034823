package discordsim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Role is a role of a guild. The first one is @everyone, whose id is the guild's.
type Role struct {
	ID          ID
	Name        string
	Permissions uint64
	// Position orders the roles; @everyone is 0. Of two on one position the older one
	// is higher.
	Position           int
	Color              int
	Hoist, Mentionable bool
	// Managed marks a role that Discord has given to the app of Bot.
	Managed bool
	Bot     ID
	// Emoji is the unicode emoji beside the name.
	Emoji string
}

// Member is what a guild knows of one of its members.
type Member struct {
	User   ID
	Nick   string
	Roles  []ID // without @everyone
	Joined time.Time
	// TimedOutUntil is until when the member may not write.
	TimedOutUntil time.Time
	Deaf, Mute    bool
	Flags         int
}

// Overwrite changes permissions in one channel for a role (Type 0) or a member (1).
type Overwrite struct {
	ID          ID
	Type        int
	Allow, Deny uint64
}

// The types of an Overwrite.
const (
	overwriteRole   = 0
	overwriteMember = 1
)

// member is what the guild knows of a user; a member of whom nothing is known has
// been there from the beginning.
func (g *Guild) member(id ID) Member {
	if m := g.profiles[id]; m != nil {
		return *m
	}
	return Member{User: id, Joined: discordEpoch}
}

// editMember is the record of a member, to be changed.
func (g *Guild) editMember(id ID) *Member {
	m := g.profiles[id]
	if m == nil {
		if g.profiles == nil {
			g.profiles = map[ID]*Member{}
		}
		m = &Member{User: id, Joined: discordEpoch}
		g.profiles[id] = m
	}
	return m
}

// indexedMembers is the number of members from which a guild has an index of them.
const indexedMembers = 64

// hasMember reports whether a user is a member.
func (g *Guild) hasMember(id ID) bool {
	if len(g.Members) < indexedMembers {
		return slices.Contains(g.Members, id)
	}
	if len(g.index) != len(g.Members) {
		g.index = make(map[ID]struct{}, len(g.Members))
		for _, member := range g.Members {
			g.index[member] = struct{}{}
		}
	}
	_, is := g.index[id]
	return is
}

// putMember adds a user to the members, and dropMember takes one away; both report
// whether there was something to do.
func (g *Guild) putMember(id ID) bool {
	if g.hasMember(id) {
		return false
	}
	g.Members = append(g.Members, id)
	if g.index != nil {
		g.index[id] = struct{}{}
	}
	return true
}

func (g *Guild) dropMember(id ID) bool {
	i := slices.Index(g.Members, id)
	if i < 0 {
		return false
	}
	g.Members = slices.Delete(g.Members, i, i+1)
	delete(g.index, id)
	delete(g.profiles, id)
	return true
}

// role finds a role; nil if there is none.
func (g *Guild) role(id ID) *Role {
	if i := slices.IndexFunc(g.Roles, func(r *Role) bool { return r.ID == id }); i >= 0 {
		return g.Roles[i]
	}
	return nil
}

// isAbove orders roles as Discord does.
func (r *Role) isAbove(other *Role) bool {
	if r.Position != other.Position {
		return r.Position > other.Position
	}
	return r.ID < other.ID
}

// highestRole is the highest role of a member; @everyone when there is no other.
func (g *Guild) highestRole(user ID) *Role {
	top := g.role(g.ID)
	for _, id := range g.member(user).Roles {
		if r := g.role(id); r != nil && r.isAbove(top) {
			top = r
		}
	}
	return top
}

// mayManage reports whether one member stands above another: moderators act only on
// those below their highest role, and nobody acts on the owner.
func (g *Guild) mayManage(actor, target ID) bool {
	if actor == g.OwnerID {
		return true
	}
	return target != g.OwnerID && g.highestRole(actor).isAbove(g.highestRole(target))
}

// mayManageRole reports whether a role lies below the highest one of a member.
func (g *Guild) mayManageRole(actor ID, r *Role) bool {
	return actor == g.OwnerID || g.highestRole(actor).isAbove(r)
}

// sortRoles keeps the roles in the order of their positions and closes gaps. It lists
// those whose position has changed.
func (g *Guild) sortRoles() (moved []*Role) {
	slices.SortStableFunc(g.Roles, func(a, b *Role) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), -cmp.Compare(a.ID, b.ID))
	})
	for i, r := range g.Roles {
		if r.Position != i {
			r.Position = i
			moved = append(moved, r)
		}
	}
	return moved
}

// insertRole adds a role just above @everyone and lists the others that rise by it.
func (g *Guild) insertRole(r *Role) (moved []*Role) {
	for _, other := range g.Roles {
		if other.Position > 0 {
			other.Position++
			moved = append(moved, other)
		}
	}
	r.Position = 1
	g.Roles = append(g.Roles, r)
	g.sortRoles()
	return moved
}

// removeRole takes a role away from the guild, its members and its channels. The other roles
// keep their positions.
func (g *Guild) removeRole(id ID) {
	g.Roles = slices.DeleteFunc(g.Roles, func(r *Role) bool { return r.ID == id })
	for _, m := range g.profiles {
		m.Roles = slices.DeleteFunc(slices.Clone(m.Roles), func(have ID) bool { return have == id })
	}
	for _, ch := range g.Channels {
		ch.Overwrites = slices.DeleteFunc(slices.Clone(ch.Overwrites), func(o Overwrite) bool { return o.ID == id })
	}
}

// giveBotRole gives a bot that joins its own role, above all others.
func (g *Guild) giveBotRole(app *App) *Role {
	r := &Role{ID: app.roleIn(g), Name: app.Name, Permissions: app.Permissions, Position: g.Roles[len(g.Roles)-1].Position + 1, Managed: true, Bot: app.ID}
	g.Roles = append(g.Roles, r)
	m := g.editMember(app.Bot.ID)
	m.Roles = append(m.Roles, r.ID)
	return r
}

// roleIn is the role that Discord has given to the app's bot in a guild, as old as the
// guild.
func (a *App) roleIn(g *Guild) ID {
	const low = 1<<22 - 1
	return g.ID&^low | a.ID*2_654_435_761&low
}

// AddRole makes a role in a guild, below all but @everyone.
func (s *Sim) AddRole(g *Guild, name string, permissions uint64) Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &Role{ID: s.newID(), Name: name, Permissions: permissions}
	s.addRole(g, r)()
	return *r
}

// addRole adds a role and returns the function that tells of it and of those that rise
// by it.
func (s *Sim) addRole(g *Guild, r *Role) (tell func()) {
	moved := g.insertRole(r)
	return func() {
		s.emitRole(g, "GUILD_ROLE_CREATE", r)
		for _, other := range moved {
			s.emitRole(g, "GUILD_ROLE_UPDATE", other)
		}
	}
}

// emitRole sends GUILD_ROLE_CREATE or GUILD_ROLE_UPDATE.
func (s *Sim) emitRole(g *Guild, event string, r *Role) {
	s.emit(nil, g, nil, event, map[string]any{"guild_id": g.ID, "role": renderRole(r)})
}

// SetMember changes what a guild knows of a member, as a moderator does: change is
// given the member and edits it. It does nothing for one who is no member.
func (s *Sim) SetMember(g *Guild, user ID, change func(*Member)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.hasMember(user) {
		tell := func() {}
		if s.apps[user] != nil {
			tell = s.noteAccess(g, nil)
		}
		change(g.editMember(user))
		s.emitMember(g, user)
		tell()
	}
}

// emitMember sends GUILD_MEMBER_UPDATE. Of itself a bot hears whatever its intents are.
func (s *Sim) emitMember(g *Guild, user ID) {
	s.changed(Change{Kind: ChangeMember, Guild: g.ID, User: user})
	member := s.guildMember(g, s.user(user))
	member["guild_id"] = g.ID
	raw := marshal(member)
	for _, app := range slices.Clone(s.inGuild[g.ID]) {
		for _, sess := range slices.Clone(s.bots[app.ID].sessions) {
			if sess.shard.routed(g) && (app.Bot.ID == user || entitled(sess.intents, "GUILD_MEMBER_UPDATE", true)) {
				sess.dispatch("GUILD_MEMBER_UPDATE", raw)
			}
		}
	}
}

// renderRole is a role as REST and the gateway show it.
func renderRole(r *Role) map[string]any {
	out := map[string]any{
		"id": r.ID, "name": r.Name, "color": r.Color, "colors": map[string]any{"primary_color": r.Color, "secondary_color": nil, "tertiary_color": nil},
		"hoist": r.Hoist, "icon": nil, "unicode_emoji": orNull(r.Emoji), "position": r.Position, "permissions": decimal(r.Permissions),
		"managed": r.Managed, "mentionable": r.Mentionable, "flags": 0,
	}
	if r.Bot != 0 {
		out["tags"] = map[string]any{"bot_id": r.Bot}
	}
	return out
}

// renderRoles are the roles of a guild.
func renderRoles(g *Guild) []any {
	list := []any{}
	for _, r := range g.Roles {
		list = append(list, renderRole(r))
	}
	return list
}

// displayName is the name a member is known by in a guild.
func (s *Sim) displayName(g *Guild, user ID) string {
	u := s.user(user)
	return cmp.Or(g.member(user).Nick, u.GlobalName, u.Username)
}

// isNamed reports whether a member's name in the guild, or user name, begins with a query.
func (s *Sim) isNamed(g *Guild, user ID, query string) bool {
	begins := func(name string) bool {
		return len(name) >= len(query) && strings.EqualFold(name[:len(query)], query)
	}
	return begins(s.user(user).Username) || begins(s.displayName(g, user))
}
