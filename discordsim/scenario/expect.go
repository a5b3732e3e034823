package scenario

import (
	"fmt"
	"strings"
	"time"

	"evergreen/discordsim"
)

// outcomeOf compares a bot with what is expected.
func (sc *Scenario) outcomeOf(s *discordsim.Sim, app *discordsim.App, undone []string) BotOutcome {
	b := BotOutcome{Undone: undone, App: app.ID, Name: app.Name, Online: s.Online(app) && s.Attached(app), Verdict: s.Verdict(app)}
	b.Broken = sc.Expect.broken(&b, s.StatusHistory(app))
	return b
}

// broken lists the expectations that a bot has not kept.
func (e *Expectations) broken(b *BotOutcome, history []discordsim.StatusChange) (all []string) {
	v := b.Verdict
	for _, what := range []string{
		atMost(e.Lost, 0, v.Lost, "commands were never answered"),
		atMost(e.Twice, 0, v.Twice, "commands were answered twice"),
		e.undone(b.Undone),
		e.violations(v.Broken()),
		atMost(e.Identifies, anyNumber, v.Identifies, "IDENTIFYs were sent"),
		atMost(e.Dials, anyNumber, v.Dials, "connections were opened"),
		atMost(e.Invalid, anyNumber, v.InvalidRequests, "requests were answered 401, 403 or 429"),
		atLeast(e.Answered, v.Answered, "commands were answered"),
		noLonger(e.Gap, v.LongestGap, "no connection was READY or RESUMED"),
		noLonger(e.Grey, v.Offline, "the dot was grey"),
		e.end(b.Online),
		e.activity(history),
	} {
		if what != "" {
			all = append(all, what)
		}
	}
	return all
}

// anyNumber is no limit.
const anyNumber = -1

// atMost compares a number with its limit, or the default of that.
func atMost(limit *int, otherwise, n int, what string) string {
	switch {
	case limit != nil:
		otherwise = *limit
	case otherwise == anyNumber:
		return ""
	}
	if n <= otherwise {
		return ""
	}
	return fmt.Sprintf("%d %s, at most %d are expected", n, what, otherwise)
}

func atLeast(limit *int, n int, what string) string {
	if limit == nil || n >= *limit {
		return ""
	}
	return fmt.Sprintf("%d %s, at least %d are expected", n, what, *limit)
}

func noLonger(limit *Span, d time.Duration, what string) string {
	if limit == nil || d <= limit.d() {
		return ""
	}
	return fmt.Sprintf("%s for %s, at most %s are expected", what, d.Round(time.Millisecond), *limit)
}

func (e *Expectations) violations(broken []discordsim.Violation) string {
	var all []string
	for _, v := range broken {
		all = append(all, v.Statement+" "+v.What)
	}
	return none(e.Violations, all, "rules of Discord's were broken")
}

func (e *Expectations) undone(undone []string) string {
	return none(e.Undone, undone, "steps of people could not be done")
}

// none expects no more than a limit, of which the default is 0, and names the first.
func none(limit *int, all []string, what string) string {
	if what = atMost(limit, 0, len(all), what); what == "" {
		return ""
	}
	return what + ": " + strings.Join(all[:min(5, len(all))], "; ")
}

func (e *Expectations) end(online bool) string {
	switch {
	case e.Ends == "any", online == (e.Ends != "offline"):
		return ""
	case online:
		return "the bot is online at the end, which cannot be"
	}
	return "the bot is not online at the end"
}

func (e *Expectations) activity(history []discordsim.StatusChange) string {
	if !e.Activity {
		return ""
	}
	var lines []string
	for _, change := range history {
		if change.Status != "offline" {
			lines = append(lines, change.Activity)
		}
	}
	if len(lines) == 0 || lines[0] != lines[len(lines)-1] {
		return fmt.Sprintf("the status line has not stayed what it was: %q", lines)
	}
	return ""
}
