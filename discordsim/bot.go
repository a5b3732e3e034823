package discordsim

import (
	"time"
)

// bot is the gateway side of an app: its sessions, its identify budget, its
// dot, and the account of what it did.
type bot struct {
	sim       *Sim
	app       *App
	sessions  []*session
	dms       map[ID]*Channel
	oldTokens map[string]bool
	// identified is when each concurrency key last sent an IDENTIFY (S-026).
	identified map[int]time.Time
	// membersAsked is when all members of a guild were last asked for (S-079).
	membersAsked map[ID]time.Time
	// killed is when the client last ended a session with 1000 or 1001 (G-088).
	killed time.Time

	dot   dot
	tally tally
	asks  []*ask
}

func newBot(s *Sim, app *App) *bot {
	return &bot{
		sim: s, app: app, dms: map[ID]*Channel{}, oldTokens: map[string]bool{}, identified: map[int]time.Time{},
		membersAsked: map[ID]time.Time{}, tally: tally{closeCodes: map[int]int{}},
	}
}

// startLimitLocked is the identify budget of the current window (S-024).
func (s *Sim) startLimitLocked(app *App) (total, remaining int, resetAfter time.Duration) {
	now := time.Now()
	if !app.startsReset.IsZero() && !now.Before(app.startsReset) {
		app.startsUsed, app.startsReset = 0, time.Time{}
	}
	resetAfter = s.cfg.StartsWindow
	if !app.startsReset.IsZero() {
		resetAfter = app.startsReset.Sub(now)
	}
	return app.StartsTotal, max(0, app.StartsTotal-app.startsUsed), resetAfter
}

// spendStart takes one IDENTIFY out of the budget.
func (s *Sim) spendStart(app *App) {
	s.startLimitLocked(app)
	if app.startsReset.IsZero() {
		app.startsReset = time.Now().Add(s.cfg.StartsWindow)
	}
	app.startsUsed++
}

// closeSessionsLocked ends every session of an app with a close code.
func (s *Sim) closeSessionsLocked(app *App, code int) {
	b := s.bots[app.ID]
	for len(b.sessions) > 0 {
		sess := b.sessions[0]
		c := sess.conn
		sess.end(endedByServer)
		if c != nil {
			c.close(code, "", true)
		}
	}
}

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

// maxDotHistory bounds the history; the oldest changes go first.
const maxDotHistory = 5000

// rank orders statuses from the best to none (S-077).
var rank = map[string]int{"online": 4, "dnd": 3, "idle": 2, "offline": 1}

// look recomputes the dot and tells the guilds when it has changed.
func (b *bot) look() {
	status, activity := "offline", ""
	var shown *session
	for _, sess := range b.sessions {
		if s := sess.presence.visible(); rank[s] > rank[status] {
			status, activity, shown = s, sess.presence.line(), sess
		}
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
	if len(d.history) > maxDotHistory {
		d.history = d.history[len(d.history)-maxDotHistory:]
	}
	if b.sim.watchers > 0 {
		activities := []any{}
		if shown != nil {
			activities = shown.presence.activities
		}
		for _, g := range b.app.Guilds {
			b.sim.emitLocked(nil, g, nil, "PRESENCE_UPDATE", map[string]any{
				"user": map[string]any{"id": b.app.Bot.ID}, "guild_id": g.ID, "status": status, "activities": activities,
				"client_status": map[string]any{"web": status},
			})
		}
	}
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
	return append([]DotChange(nil), s.bots[app.ID].dot.history...)
}

// presence is what a session shows (S-031, S-076).
type presence struct {
	status     string
	activities []any
}

// visible is the status as others see it.
func (p presence) visible() string {
	switch p.status {
	case "invisible", "offline":
		return "offline"
	}
	return p.status
}

// line is the text under the bot's name.
func (p presence) line() string {
	for _, a := range p.activities {
		fields, _ := a.(map[string]any)
		name, _ := fields["name"].(string)
		if kind, _ := fields["type"].(float64); kind == 4 {
			name, _ = fields["state"].(string)
		}
		return name
	}
	return ""
}
