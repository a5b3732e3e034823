package alert

import (
	"fmt"

	"evergreen/internal/health"
)

// lookAtDisk tells once that nothing can be saved, when that has lasted, and once
// that it is over. It stands beside the alert about the bot's status: the bot is
// online. The caller holds the lock.
func (n *Notifier) lookAtDisk(s health.Snapshot) {
	j := &n.judge
	said := s.Saving
	var m Message
	switch {
	case said.Trouble != "" && !j.unsaved && s.At.Sub(said.Since) >= max(workless, n.opts.After):
		j.unsaved = true
		m = n.words.write(Notice, s, said.Since)
		m.Title = "nothing of %s can be saved"
		m.Text = capital(said.Trouble) + ". The bot stays online, but a restart now would start a new session."
		m.Remedy = health.Lookup(health.DiskTrouble).Do
	case said.Trouble == "" && j.unsaved:
		j.unsaved = false
		m = n.words.write(Notice, s, s.At)
		m.Title = "what %s knows is being saved again"
		m.Text, m.Remedy = "The disk of the state folder works again, and nothing was lost.", ""
	default:
		return
	}
	m.Title = n.opts.Redact(capital(fmt.Sprintf(m.Title, m.Bot)))
	m.Text, m.Incident = n.opts.Redact(m.Text), ""
	n.words.cite(&m, health.DiskTrouble)
	n.send(m)
}
