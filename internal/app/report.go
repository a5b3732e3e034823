package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/process/logging"
	"evergreen/internal/text"
)

// Report returns the state of the bot for its status command.
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

// Stats returns the counters of all shards together.
func (a *App) Stats() gateway.Stats { return a.Fleet().Stats() }

// Activity returns what the bot has done with its events.
func (a *App) Activity() health.Activity {
	if a.proxy != nil {
		return health.Activity{Undelivered: a.rest.Undelivered(), Username: a.username(), Guilds: a.proxy.Guilds(), AwaitsBot: !a.proxy.Known().Known}
	}
	b := a.Bot()
	counts := b.Counts()
	return health.Activity{
		Last: b.Activity().Last, Undelivered: a.rest.Undelivered(), Asked: counts.Commands, Answered: counts.Answered, Failed: counts.Failed,
		Guilds: b.Guilds(), Username: a.username(),
	}
}

// Conditions returns what is wrong beside the connection: Options.Conditions, memory that
// runs short, slash commands that are not registered, channels that refuse answers, another
// program with the same token.
func (a *App) Conditions() []health.Condition {
	var list []health.Condition
	if a.opts.Conditions != nil {
		list = a.opts.Conditions()
	}
	if a.memory != nil {
		list = append(list, a.memory.condition())
	}
	if a.proxy != nil {
		list = append(list, a.proxy.Conditions()...)
	} else {
		list = append(list, a.unregistered(), a.refusals())
	}
	known := func(c health.Condition) bool { return c.Cause == health.TwoInstances && c.Trouble != "" }
	if !slices.ContainsFunc(list, known) {
		list = append(list, a.duplicate())
	}
	return list
}

// unregistered returns the condition that the slash commands could not be registered;
// empty while they are.
func (a *App) unregistered() health.Condition {
	since, err := a.Bot().RegistrationTrouble()
	if err == nil {
		return health.Condition{}
	}
	return health.Condition{Cause: health.CommandsUnregistered, Trouble: err.Error(), Since: since}
}

// refusalsNamed is how many channels that refuse answers are named.
const refusalsNamed = 3

// refusals returns the condition that channels refuse the bot's answers; empty while none
// does.
func (a *App) refusals() health.Condition {
	list := a.Bot().Refusals()
	if len(list) == 0 {
		return health.Condition{}
	}
	c := health.Condition{Cause: health.ChannelPermission, Since: list[len(list)-1].Since}
	var named []string
	for _, r := range list[:min(len(list), refusalsNamed)] {
		where := "channel " + r.Channel.String()
		if r.ChannelName != "" {
			where = "#" + text.Clip(text.OneLine(r.ChannelName), 100)
		}
		if r.GuildName != "" {
			where += " (" + text.Clip(text.OneLine(r.GuildName), 100) + ")"
		}
		named = append(named, where+": "+text.Clip(text.OneLine(r.Why), 200))
	}
	c.Trouble = strings.Join(named, "; ")
	if more := len(list) - refusalsNamed; more > 0 {
		c.Trouble += "; and " + text.Count(more, "more channel")
	}
	return c
}

// username returns the name of the bot's user; empty until the preflight has ended.
func (a *App) username() string {
	if known := a.preflightReport.Load(); known != nil {
		return known.User.Name
	}
	return ""
}

// restLevels are the log levels of the events of REST. What is not listed is a warning.
var restLevels = map[rest.Reason]slog.Level{
	rest.ReasonBucket:       slog.LevelDebug,
	rest.ReasonPace:         slog.LevelDebug,
	rest.ReasonShared:       slog.LevelInfo,
	rest.ReasonServer:       slog.LevelDebug, // the caller logs a request that fails for good
	rest.ReasonConnection:   slog.LevelDebug,
	rest.ReasonRecovered:    slog.LevelInfo,
	rest.ReasonUnauthorized: slog.LevelError,
}

// logREST logs an event of the REST transport.
func (a *App) logREST(e rest.Event) {
	level, listed := restLevels[e.Reason]
	if !listed {
		level = slog.LevelWarn
	}
	logging.Component(a.opts.Logger, "REST").LogAttrs(context.Background(), level, e.String(), e.Attrs()...)
}

// warnBudget warns that the session starts of the day run low (G-042).
func (a *App) warnBudget(u identify.Usage) {
	logging.Component(a.opts.Logger, "Identify").Warn("The day's session starts run low",
		"usage", u.String(), "do", "Find out what makes the bot start sessions over and over: the lines before this one say it.")
	if a.services.notifier != nil {
		a.services.notifier.Notify("The day's session starts run low",
			fmt.Sprintf("%s. Something makes the bot start sessions over and over: the log says what", u), health.IdentifyBudget)
	}
}
