package discordsim

import (
	"slices"
	"time"
)

// dot is what a viewer sees of a bot (S-077).
type dot struct {
	status   string // "" before the first session
	activity string
	history  []DotChange
	since    time.Time
	green    time.Duration
	grey     time.Duration
}

// DotChange is a moment at which a viewer saw the bot change.
type DotChange struct {
	At time.Time
	// Status is online, idle, dnd or offline.
	Status string
	// Activity is the first activity's name, or the state of a custom one.
	Activity string
}

// maxDotHistory bounds what is told of the history; the oldest changes go first.
const maxDotHistory = 5000

// rank orders statuses from the best to none (S-077).
var rank = map[string]int{"online": 4, "dnd": 3, "idle": 2, "offline": 1}

// look recomputes the dot and tells the guilds when it has changed.
func (b *bot) look() {
	status, activity, activities := "offline", "", []any{}
	if shown := b.shown(); shown != nil {
		status, activity, activities = shown.presence.status, shown.presence.line(), shown.presence.activities
	}
	d := &b.dot
	if status == d.status && activity == d.activity {
		return
	}
	now := time.Now()
	if d.status == "" && status == "offline" {
		return
	}
	d.settle(now)
	d.status, d.activity = status, activity
	d.history = append(d.history, DotChange{now, status, activity})
	if len(d.history) >= 2*maxDotHistory {
		d.history = slices.Delete(d.history, 0, len(d.history)-maxDotHistory)
	}
	if b.sim.watchers > 0 {
		for _, g := range b.app.Guilds {
			b.sim.emitLocked(nil, g, nil, "PRESENCE_UPDATE", map[string]any{
				"user": map[string]any{"id": b.app.Bot.ID}, "guild_id": g.ID, "status": status, "activities": activities,
				"client_status": map[string]any{"web": status},
			})
		}
	}
}

// presenceOf is what others see of a user; people are always offline here.
func (s *Sim) presenceOf(user ID) (status string, activities []any) {
	b := s.bots[user]
	if b == nil || b.dot.status == "" {
		return "offline", []any{}
	}
	activities = []any{}
	if shown := b.shown(); shown != nil {
		activities = shown.presence.activities
	}
	return b.dot.status, activities
}

// shown is the session with the best status; nil when none is seen.
func (b *bot) shown() (best *session) {
	top := rank["offline"]
	for _, sess := range b.sessions {
		if r := rank[sess.presence.visible()]; r > top {
			top, best = r, sess
		}
	}
	return best
}

// settle adds the time since the last look to green or grey.
func (d *dot) settle(now time.Time) {
	if d.status != "" {
		if d.status == "offline" {
			d.grey += now.Sub(d.since)
		} else {
			d.green += now.Sub(d.since)
		}
	}
	d.since = now
}

// Dot reports whether a viewer sees the bot online.
func (s *Sim) Dot(app *App) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.bots[app.ID].dot.status
	return status != "" && status != "offline"
}

// DotHistory lists the changes of the dot, oldest first (S-077).
func (s *Sim) DotHistory(app *App) []DotChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	history := s.bots[app.ID].dot.history
	return slices.Clone(history[max(0, len(history)-maxDotHistory):])
}
