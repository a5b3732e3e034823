package scenario

import (
	"fmt"
	"strings"
	"time"

	"evergreen/discordsim"
)

// outcomeOf compares a bot with what is expected.
func (sc *Scenario) outcomeOf(s *discordsim.Sim, app *discordsim.App) BotOutcome {
	b := BotOutcome{App: app.ID, Name: app.Name, Online: s.Online(app) && s.Attached(app), Verdict: s.Verdict(app)}
	for _, x := range expectations {
		if what := x(&sc.Expect, &b); what != "" {
			b.Broken = append(b.Broken, what)
		}
	}
	if sc.Expect.Activity {
		var lines []string
		for _, change := range s.StatusHistory(app) {
			if change.Status != "offline" {
				lines = append(lines, change.Activity)
			}
		}
		if len(lines) == 0 || lines[0] != lines[len(lines)-1] {
			b.Broken = append(b.Broken, fmt.Sprintf("the status line has not stayed what it was: %q", lines))
		}
	}
	return b
}

// most compares a number with the most that is allowed.
func most(limit *int, otherwise, n int, what string) string {
	if limit != nil {
		otherwise = *limit
	} else if otherwise < 0 {
		return ""
	}
	if n <= otherwise {
		return ""
	}
	return fmt.Sprintf("%d %s, at most %d are expected", n, what, otherwise)
}

func mostSpan(limit *Span, d time.Duration, what string) string {
	if limit == nil || d <= limit.d() {
		return ""
	}
	return fmt.Sprintf("%s for %s, at most %s are expected", what, d.Round(time.Millisecond), *limit)
}

// expectations are the comparisons, each of which says what is broken.
var expectations = []func(*Expectations, *BotOutcome) string{
	func(e *Expectations, b *BotOutcome) string {
		return most(e.Lost, 0, b.Verdict.Lost, "commands were never answered")
	},
	func(e *Expectations, b *BotOutcome) string {
		return most(e.Twice, 0, b.Verdict.Twice, "commands were answered twice")
	},
	func(e *Expectations, b *BotOutcome) string {
		broken := b.Verdict.Broken()
		what := most(e.Violations, 0, len(broken), "rules of Discord's were broken")
		if what == "" {
			return ""
		}
		var said []string
		for _, v := range broken[:min(5, len(broken))] {
			said = append(said, v.Statement+" "+v.What)
		}
		return what + ": " + strings.Join(said, "; ")
	},
	func(e *Expectations, b *BotOutcome) string {
		return most(e.Identifies, -1, b.Verdict.Identifies, "IDENTIFYs were sent")
	},
	func(e *Expectations, b *BotOutcome) string {
		return most(e.Dials, -1, b.Verdict.Dials, "connections were opened")
	},
	func(e *Expectations, b *BotOutcome) string {
		return most(e.Invalid, -1, b.Verdict.InvalidRequests, "requests were answered 401, 403 or 429")
	},
	func(e *Expectations, b *BotOutcome) string {
		if e.Answered == nil || b.Verdict.Answered >= *e.Answered {
			return ""
		}
		return fmt.Sprintf("%d commands were answered, at least %d are expected", b.Verdict.Answered, *e.Answered)
	},
	func(e *Expectations, b *BotOutcome) string {
		return mostSpan(e.Gap, b.Verdict.LongestGap, "no connection was READY or RESUMED")
	},
	func(e *Expectations, b *BotOutcome) string {
		return mostSpan(e.Grey, b.Verdict.Offline, "the dot was grey")
	},
	func(e *Expectations, b *BotOutcome) string {
		switch {
		case e.Ends == "any", b.Online == (e.Ends != "offline"):
			return ""
		case b.Online:
			return "the bot is online at the end, which cannot be"
		}
		return "the bot is not online at the end"
	},
}
