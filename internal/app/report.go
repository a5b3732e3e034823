package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/process/logging"
)

// Report says how the bot is, for its status command. It implements [bot.Health].
func (a *App) Report() bot.Report {
	s := a.tracker.Snapshot()
	out := bot.Report{
		State: s.Sentence(), Uptime: s.At.Sub(s.Started),
		Resumes: s.Counts.Resumed, Identifies: s.Counts.Identifies,
	}
	if !s.SessionSince.IsZero() {
		out.SessionAge = s.At.Sub(s.SessionSince)
	}
	if i := s.Last; i != nil {
		out.Incident, out.IncidentAt = i.Summary(), i.Start
		if i.Outcome != health.OutcomeOpen {
			out.IncidentFor = max(time.Millisecond, i.Duration(s.At)) // 0 would mean that it goes on
		}
	}
	return out
}

// source is the [health.Source] of the tracker.
type source struct{ app *App }

func (s source) Stats() gateway.Stats { return s.app.Fleet().Stats() }

func (s source) Activity() health.Activity {
	b := s.app.Bot()
	counts := b.Counts()
	return health.Activity{
		Last: b.Activity().Last, Asked: counts.Commands, Answered: counts.Answered, Failed: counts.Failed,
		Guilds: b.Guilds(), Username: s.app.username(),
	}
}

func (s source) Conditions() []health.Condition {
	var list []health.Condition
	if s.app.opts.Conditions != nil {
		list = s.app.opts.Conditions()
	}
	if s.app.memory != nil {
		list = append(list, s.app.memory.condition())
	}
	known := func(c health.Condition) bool { return c.Cause == health.TwoInstances && c.Trouble != "" }
	if !slices.ContainsFunc(list, known) {
		list = append(list, s.app.duplicate())
	}
	return list
}

// username is what Discord calls the bot, as REST has told before the start; empty
// if it has not.
func (a *App) username() string {
	if known := a.preflightReport.Load(); known != nil {
		return known.User.Name
	}
	return ""
}

// restLevels says how loudly the log tells of what happens to a request; what
// is not listed is a warning. Limits and retries are the ordinary course of
// things.
var restLevels = map[rest.Reason]slog.Level{
	rest.ReasonBucket:       slog.LevelDebug,
	rest.ReasonPace:         slog.LevelDebug,
	rest.ReasonShared:       slog.LevelInfo,
	rest.ReasonServer:       slog.LevelDebug, // the caller logs it if it fails for good
	rest.ReasonConnection:   slog.LevelDebug,
	rest.ReasonRecovered:    slog.LevelInfo,
	rest.ReasonUnauthorized: slog.LevelError,
}

// logREST logs what happens to requests.
func (a *App) logREST(e rest.Event) {
	level, listed := restLevels[e.Reason]
	if !listed {
		level = slog.LevelWarn
	}
	logging.Component(a.opts.Logger, "REST").Log(context.Background(), level, e.String())
}

// warnBudget logs that the day's session starts run low (G-042).
func (a *App) warnBudget(u identify.Usage) {
	says := fmt.Sprintf("%s. Something makes the bot start sessions over and over: the lines before this one say what", u)
	logging.Component(a.opts.Logger, "Ledger").Warn(says)
	if a.monitors.notifier != nil {
		a.monitors.notifier.Notify("The day's session starts run low", says, health.IdentifyBudget)
	}
}
