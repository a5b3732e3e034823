package discordsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Activity is what a person is seen doing.
type Activity struct {
	Name string
	// Type is Discord's number: 0 playing, 1 streaming, 2 listening, 3 watching, 4 custom,
	// 5 competing.
	Type int
	// State, Details and URL are left out where they are empty.
	State, Details, URL string
}

// personPresence is what is seen of a person who is not offline.
type personPresence struct {
	status     string
	activities []any
}

// personStatuses are what others can see of a person.
var personStatuses = []string{"online", "idle", "dnd", "offline"}

// SetPresence lets a person come online, go idle, be busy ("dnd") or go offline; people are
// offline at first. The guilds of the person hear of it by PRESENCE_UPDATE, for which
// sessions need GUILD_PRESENCES. What bots show they say themselves.
func (s *Sim) SetPresence(user ID, status string, activities ...Activity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch u, known := s.users[user]; {
	case !known:
		return fmt.Errorf("discordsim: there is no user %s", user)
	case u.Bot:
		return fmt.Errorf("discordsim: %s is a bot, and a bot says itself what it shows", u.Username)
	case !slices.Contains(personStatuses, status):
		return fmt.Errorf("discordsim: a person cannot be %q; there are online, idle, dnd and offline", status)
	}
	shown := []any{}
	for _, a := range activities {
		shown = append(shown, a.render(time.Now()))
	}
	if status == "offline" {
		delete(s.present, user)
	} else {
		s.present[user] = personPresence{status, shown}
	}
	s.emitPresence(user)
	return nil
}

// Presence is what others see of a person or a bot: online, idle, dnd or offline.
func (s *Sim) Presence(user ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, _ := s.presenceOf(user)
	return status
}

// render is an activity as others see it.
func (a Activity) render(now time.Time) map[string]any {
	out := map[string]any{"name": a.Name, "type": a.Type, "created_at": now.UnixMilli()}
	for name, value := range map[string]string{"state": a.State, "details": a.Details, "url": a.URL} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// presenceOf is what others see of a user.
func (s *Sim) presenceOf(user ID) (status string, activities []any) {
	if p, there := s.present[user]; there {
		return p.status, p.activities
	}
	b := s.bots[user]
	if b == nil || b.visible.status == "" {
		return "offline", []any{}
	}
	activities = []any{}
	if shown := b.bestSession(); shown != nil {
		activities = shown.presence.activities
	}
	return b.visible.status, activities
}

// renderPresence is the presence of a user, with the guild unless that is nil.
func (s *Sim) renderPresence(g *Guild, user ID) map[string]any {
	status, activities := s.presenceOf(user)
	out := map[string]any{"user": map[string]any{"id": user}, "status": status, "activities": activities, "client_status": s.clientStatus(user, status)}
	if g != nil {
		out["guild_id"] = g.ID
	}
	return out
}

// clientStatus says by which kind of client a user is seen: people sit at a desk, bots count
// as browsers.
func (s *Sim) clientStatus(user ID, status string) map[string]any {
	switch {
	case status == "offline":
		return map[string]any{}
	case s.bots[user] != nil:
		return map[string]any{"web": status}
	}
	return map[string]any{"desktop": status}
}

// presenceIn is the presence of a member, or nil for one who is offline.
func (s *Sim) presenceIn(g *Guild, user ID) any {
	if status, _ := s.presenceOf(user); status == "offline" {
		return nil
	}
	return s.renderPresence(g, user)
}

// emitPresence tells each guild of a user what is seen now.
func (s *Sim) emitPresence(user ID) {
	s.changed(Change{Kind: ChangePresence, User: user})
	if s.presenceWatchers == 0 {
		return
	}
	apps := slices.SortedFunc(maps.Values(s.apps), func(a, b *App) int { return cmp.Compare(a.ID, b.ID) })
	for _, app := range apps {
		for _, g := range slices.Clone(app.Guilds) {
			if g.hasMember(user) {
				s.emit(app, g, nil, "PRESENCE_UPDATE", s.renderPresence(g, user))
			}
		}
	}
}

// onlineIn counts the members of a guild that are seen online.
func (s *Sim) onlineIn(g *Guild) (n int) {
	for user := range s.present {
		if g.hasMember(user) {
			n++
		}
	}
	for _, app := range s.inGuild[g.ID] {
		if status, _ := s.presenceOf(app.Bot.ID); status != "offline" {
			n++
		}
	}
	return n
}
