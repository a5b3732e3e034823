package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"evergreen/internal/text"
)

var statusCommand = Command{
	Name:    "status",
	Summary: "Says how I am doing",
	Details: "It tells my state in words, how long I have run, the age of my session with Discord, how often the session was resumed or begun anew, and the last incident.",
	Run: func(_ context.Context, r *Request) (Answer, error) {
		report := r.bot.health.Report()
		var b strings.Builder
		fmt.Fprintf(&b, "**%s**\n", report.State)
		fmt.Fprintf(&b, "Uptime: %s\n", text.Elapsed(report.Uptime))
		if report.SessionAge > 0 {
			fmt.Fprintf(&b, "Session: %s old\n", text.Elapsed(report.SessionAge))
		}
		fmt.Fprintf(&b, "Resumes: %d, identifies: %d\n", report.Resumes, report.Identifies)
		fmt.Fprintf(&b, "Guilds: %d\n", r.bot.guilds.count())
		fmt.Fprintf(&b, "Last incident: %s", report.incident(time.Now()))
		return Answer{Text: b.String()}, nil
	},
}

// Health is where the status command gets its report from.
type Health interface {
	Report() Report
}

// Report is the bot's condition at one moment.
type Report struct {
	// State is a short sentence for people, such as "Online".
	State string
	// Uptime is how long the process has run.
	Uptime time.Duration
	// SessionAge is the age of the session with Discord; 0 if there is none or
	// it is not known.
	SessionAge time.Duration
	// Resumes and Identifies count since the process started.
	Resumes, Identifies int64
	// Incident says what the last incident was; empty if there was none.
	Incident string
	// IncidentAt is when it began, IncidentFor how long it lasted; 0 while it
	// goes on.
	IncidentAt  time.Time
	IncidentFor time.Duration
}

// incident describes the last incident.
func (r Report) incident(now time.Time) string {
	if r.Incident == "" {
		return "none"
	}
	words := r.Incident
	if !r.IncidentAt.IsZero() {
		words += ", " + text.Elapsed(now.Sub(r.IncidentAt)) + " ago"
		if r.IncidentFor > 0 {
			words += ", for " + text.Elapsed(r.IncidentFor)
		} else {
			words += ", not over yet"
		}
	}
	return words
}

// ownHealth is the default [Health]: what the shard knows, and the age of the
// session if this process saw its READY.
type ownHealth struct{ bot *Bot }

func (h ownHealth) Report() Report {
	shard := h.bot.shard()
	stats := shard.Stats()
	var age time.Duration
	if began := h.bot.Activity().Ready; !began.IsZero() {
		age = time.Since(began)
	}
	return Report{
		State:      text.Capitalize(shard.State().String()),
		Uptime:     h.bot.uptime(),
		SessionAge: age,
		Resumes:    stats.Resumed,
		Identifies: stats.Identifies,
	}
}
