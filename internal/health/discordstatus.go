package health

import (
	"time"

	"evergreen/internal/discord/statuspage"
)

// discordCauses are the causes that may be Discord's doing. Behind the others is
// something on this side of the network, whatever Discord reports.
var discordCauses = map[CauseID]bool{
	Unknown: true, HalfOpen: true, ReconnectLoop: true, ResumeDropped: true, DiscordOutage: true,
	RoutineReconnect: true, ConnectionCut: true, DiscordClosed: true, SessionEnded: true, NetworkDown: true,
}

// SetDiscordStatus takes in what Discord's status page says. An open incident
// that may be Discord's doing is put down to Discord from then on.
func (t *Tracker) SetDiscordStatus(status statuspage.Status) {
	t.mu.Lock()
	at := t.now()
	t.discord = status
	var changed []Incident
	for _, s := range t.shards {
		s.attributeToDiscord(at, status)
		changed = append(changed, t.takeChanged(s)...)
	}
	t.mu.Unlock()
	t.writeJournal(changed)
}

// attributeToDiscord puts the open incident down to Discord, if Discord reports
// trouble and nothing on this side is known to be behind it.
func (s *shard) attributeToDiscord(at time.Time, status statuspage.Status) {
	i := s.open
	if i == nil || !status.Trouble() || i.Cause == DiscordOutage || !discordCauses[i.Cause] || i.Routine() {
		return
	}
	i.Cause = DiscordOutage
	i.Then = NewMessage("status-page", s.sanitize(status.Says()))
	s.recordAction(at, NewMessage("action.status-page"))
	s.queueIncident(i)
}

// NotYou reports whether the bot is not well while Discord reports trouble that
// explains it: nothing on this side can help.
func (s Snapshot) NotYou() bool {
	if !s.Discord.Trouble() || s.Ready && s.Connected {
		return false
	}
	switch s.Status {
	case Online, Stopping, NeedsYou:
		return false
	}
	for _, shard := range s.Shards {
		if shard.Open != nil && !discordCauses[shard.Open.Cause] && !shard.Open.BeganWithPreviousRun {
			return false
		}
	}
	return true
}
