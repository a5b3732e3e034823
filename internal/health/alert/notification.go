package alert

import (
	"fmt"
	"strings"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/text"
)

// Kind is what a [Notification] is about.
type Kind string

// The kinds of notifications.
const (
	Offline    Kind = "offline"     // away for longer than the threshold
	NeedsYou   Kind = "needs-you"   // only a person can help
	NotWorking Kind = "not-working" // connected, but events are not handled
	NotYou     Kind = "not-you"     // after an alert: Discord reports trouble of its own
	Reminder   Kind = "reminder"    // the trouble goes on
	Resolved   Kind = "resolved"    // the trouble is over
	Notice     Kind = "notice"      // news that needs no Resolved
)

// Notification is one message to a person: in words and as data.
type Notification struct {
	Kind Kind
	// Thread is the same for all messages from one alert to its Resolved.
	Thread string
	// Bot is the bot's name.
	Bot string
	// Title is one line; Text one or more sentences, with all that is known.
	Title, Text string
	// Remedy is what a person has to do; empty when nothing.
	Remedy string
	// Cause is the row of the catalogue, and Link where the runbook explains it;
	// both empty if there is none.
	Cause health.CauseID
	Link  string
	// Incident is its ID, empty if there is none.
	Incident string
	// Since is when the trouble began, At when the message was written, and For
	// how long it had lasted then.
	Since, At time.Time
	For       time.Duration
	// Held is how many messages before this one were held back because there
	// had been too many.
	Held int
}

// Body is the whole message below its title, as plain text.
func (m Notification) Body() string {
	parts := []string{m.Text}
	if m.Remedy != "" {
		parts = append(parts, "What to do: "+m.Remedy)
	}
	if m.Link != "" {
		parts = append(parts, "More about it: "+m.Link)
	}
	switch {
	case m.Held == 1:
		parts = append(parts, "One message before this one was held back because there had been too many.")
	case m.Held > 1:
		parts = append(parts, fmt.Sprintf("%d messages before this one were held back because there had been too many.", m.Held))
	}
	return strings.Join(parts, "\n\n")
}

// titles are the titles by kind; %s is the bot's name.
var titles = map[Kind]string{
	Offline:    "%s is offline",
	NeedsYou:   "%s needs you",
	NotWorking: "%s is connected, but does not work",
	NotYou:     "%s is offline because of Discord, not you",
	Reminder:   "%s is still not well",
	Resolved:   "%s is back online",
	Notice:     "%s was away",
}

// writer writes messages about a snapshot.
type writer struct {
	runbook string
	zone    *time.Location
	redact  func(string) string
}

// write writes a message about a snapshot, with since as the beginning of the
// trouble.
func (w writer) write(kind Kind, s health.Snapshot, since time.Time) Notification {
	m := Notification{Kind: kind, Bot: s.Username, Since: since, At: s.At, For: max(0, s.At.Sub(since)), Remedy: s.Remedy.String()}
	if m.Bot == "" {
		m.Bot = "The bot"
	}
	m.Title = fmt.Sprintf(titles[kind], m.Bot)
	m.Text = text.Capitalize(s.Reason.String()) + "."
	incident := s.Last
	if over := kind == Resolved || kind == Notice; incident != nil && (incident.End.IsZero() == over || over && incident.End.Before(since)) {
		incident = nil // another one
	}
	switch kind {
	case NotYou:
		m.Text = "Discord, not you: " + s.Discord.Says() + ". The bot comes back by itself when Discord does, and no reminders come until then."
		m.Remedy = health.Lookup(health.DiscordOutage).Do
		w.cite(&m, health.DiscordOutage)
	case NotWorking:
		w.cite(&m, s.Work.Cause)
		incident = nil
	case Resolved:
		m.Remedy = ""
		m.Text = "It is well again since " + w.clock(s.At) + "."
	}
	if incident != nil && kind != NotYou {
		m.Text = incident.Sentence(s.At, w.zone)
		m.Incident = incident.ID
		w.cite(&m, incident.Cause)
		if kind == Notice {
			m.Remedy = incident.Remedy().String()
		}
		m.Text = text.Capitalize(m.Text) + " Times are in " + zoneName(s.At, w.zone) + "."
	}
	m.Text, m.Title = w.redact(m.Text), w.redact(m.Title)
	return m
}

// cite sets the cause and the link to where the runbook explains it.
func (w writer) cite(m *Notification, id health.CauseID) {
	if id == "" {
		return
	}
	m.Cause = id
	m.Link = w.runbook + "#" + string(id)
}

func (w writer) clock(t time.Time) string {
	return t.In(w.zone).Format("15:04:05") + " (" + zoneName(t, w.zone) + ")"
}

func zoneName(t time.Time, zone *time.Location) string {
	name, _ := t.In(zone).Zone()
	return name
}
