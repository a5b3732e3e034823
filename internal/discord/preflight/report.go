package preflight

import (
	"fmt"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
)

// Report is what was found before the start. Fields that could not be learnt
// are zero.
type Report struct {
	// Reached is whether REST answered everything. If not, Trouble says why; the
	// bot starts nevertheless, because the gateway may work.
	Reached bool
	Trouble error

	User        User
	Application Application
	// Intents is what to ask for: what was wanted, without Dropped, which is
	// switched off and optional.
	Intents, Dropped gateway.Intents

	// URL is the gateway's address, Shards how many Discord recommends, and
	// Limits how many sessions may be started.
	URL    string
	Shards int
	Limits identify.SessionStartLimit

	// Warnings are what an operator should know, one sentence or two each.
	Warnings []string
}

// Exhausted returns when the next session may be started if none may be today
// (G-041), and the zero time otherwise.
func (r Report) Exhausted() time.Time {
	if r.Limits.Total == 0 || r.Limits.Remaining > 0 {
		return time.Time{}
	}
	return r.Limits.At.Add(r.Limits.ResetAfter)
}

// String is one line for the log, without the warnings.
func (r Report) String() string {
	var parts []string
	if r.User.Name != "" {
		parts = append(parts, fmt.Sprintf("the token belongs to %s (%d)", r.User.Name, r.User.ID))
	}
	if r.Application.Guilds > 0 {
		parts = append(parts, fmt.Sprintf("in about %d guilds", r.Application.Guilds))
	}
	if r.Limits.Total > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d session starts are left", r.Limits.Remaining, r.Limits.Total))
	}
	if r.Shards > 0 {
		parts = append(parts, fmt.Sprintf("shards recommended: %d", r.Shards))
	}
	if !r.Reached {
		parts = append(parts, "REST did not answer everything")
	}
	return strings.Join(parts, ", ")
}

func (r *Report) warn(format string, values ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, values...))
}

// droppedWarning warns of optional intents that are switched off.
func droppedWarning(dropped gateway.Intents, a Application) string {
	switches := dropped.Switches()
	verb := "is"
	if len(switches) > 1 {
		verb = "are"
	}
	return fmt.Sprintf("%s %s switched off, so the bot starts without, degraded: %s. Switch on at %s and restart.",
		strings.Join(switches, " and "), verb, missingFeatures(dropped), botPage(a.ID))
}
