package health

import "time"

// Elsewhere is what Discord says of itself on its status page. The zero value
// means that nothing is known, which changes nothing.
type Elsewhere struct {
	// Trouble is whether Discord reports trouble that a bot would feel.
	Trouble bool
	// Says is its report in words, such as "Partial System Outage; Gateway:
	// partial outage".
	Says string
	// Incident is the title of what is going on at Discord, empty if it has
	// none; Link leads to it.
	Incident, Link string
	// Indicator is none, minor, major or critical, and Description Discord's own
	// words for the whole.
	Indicator, Description string
	// At is when it was learnt.
	At time.Time
}

// discordsDoing names the causes that may be Discord's doing. Behind the
// others is something on this side of the network, whatever Discord reports.
var discordsDoing = map[CauseID]bool{
	Unknown: true, HalfOpen: true, ReconnectLoop: true, ResumeDropped: true, DiscordOutage: true,
	RoutineReconnect: true, ConnectionCut: true, DiscordClosed: true, SessionEnded: true, NetworkDown: true,
}

// Discord takes in what Discord says of itself. An incident that goes on and
// may be Discord's doing is put down to Discord from then on.
func (t *Tracker) Discord(e Elsewhere) {
	at := wall(t.opts.Now())
	t.mu.Lock()
	t.said = e
	var changed []Incident
	for _, s := range t.shards {
		s.blameDiscord(at, e)
		changed = append(changed, t.takeChanged(s)...)
	}
	t.mu.Unlock()
	t.write(changed)
}

// blameDiscord puts the incident that goes on down to Discord, if Discord
// reports trouble and nothing nearer is known to be behind it.
func (s *shard) blameDiscord(at time.Time, e Elsewhere) {
	i := s.open
	if i == nil || !e.Trouble || i.Cause == DiscordOutage || !discordsDoing[i.Cause] || i.Routine() {
		return
	}
	i.Cause = DiscordOutage
	i.Then = Say("status-page", s.foreign(e.Says))
	s.act(at, Say("action.status-page"))
	s.report(i)
}

// NotYou reports whether the bot is not well while Discord reports trouble
// that explains it: nobody on this side can do anything.
func (s Snapshot) NotYou() bool {
	if !s.Discord.Trouble || s.Ready && s.Connected {
		return false
	}
	switch s.Status {
	case Online, Stopping, NeedsYou:
		return false
	}
	for _, shard := range s.Shards {
		if shard.Open != nil && !discordsDoing[shard.Open.Cause] && !shard.Open.Gap {
			return false
		}
	}
	return true
}
