package discordsim

import (
	"slices"
	"time"
)

// visible is the status of a bot as other users see it (S-077).
type visible struct {
	status   string // "" before the first session
	activity string
	history  []StatusChange
	since    time.Time
	online   time.Duration
	offline  time.Duration
}

// StatusChange is a change of the bot's status as other users saw it.
type StatusChange struct {
	At time.Time
	// Status is online, idle, dnd or offline.
	Status string
	// Activity is the first activity's name, or the state of a custom one.
	Activity string
}

// maxStatusHistory bounds the history; the oldest changes go first.
const maxStatusHistory = 5000

// statusRank orders statuses from the best to none.
var statusRank = map[string]int{"online": 4, "dnd": 3, "idle": 2, "offline": 1}

// updateVisible recomputes the status and tells the guilds when it has changed.
func (b *bot) updateVisible() {
	status, activity := "offline", ""
	if shown := b.bestSession(); shown != nil {
		status, activity = b.sim.visibleStatus(shown.presence), shown.presence.activityText()
	}
	d := &b.visible
	if status == d.status && activity == d.activity {
		return
	}
	now := time.Now()
	if d.status == "" && status == "offline" {
		return
	}
	d.addTime(now)
	d.status, d.activity = status, activity
	d.history = append(d.history, StatusChange{now, status, activity})
	if len(d.history) >= 2*maxStatusHistory {
		d.history = slices.Delete(d.history, 0, len(d.history)-maxStatusHistory)
	}
	b.sim.emitPresence(b.app.Bot.ID)
}

// bestSession is the session with the best status; nil when none is seen.
func (b *bot) bestSession() (best *session) {
	top := statusRank["offline"]
	for _, sess := range b.sessions {
		if r := statusRank[b.sim.visibleStatus(sess.presence)]; r > top {
			top, best = r, sess
		}
	}
	return best
}

// addTime adds the time since the last change to online or offline.
func (d *visible) addTime(now time.Time) {
	if d.status != "" {
		if d.status == "offline" {
			d.offline += now.Sub(d.since)
		} else {
			d.online += now.Sub(d.since)
		}
	}
	d.since = now
}

// Online reports whether other users see the bot online.
func (s *Sim) Online(app *App) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.bots[app.ID].visible.status
	return status != "" && status != "offline"
}

// StatusHistory lists the changes of the bot's status, oldest first.
func (s *Sim) StatusHistory(app *App) []StatusChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	history := s.bots[app.ID].visible.history
	return slices.Clone(history[max(0, len(history)-maxStatusHistory):])
}
