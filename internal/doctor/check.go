// Package doctor is at heart a list of questions, each answered with evidence:
// why does this bot go offline, and what helps?
//
// A [Check] is a value: a name, what it depends on, and a function that looks and
// returns a [Finding]. [Examine] asks all of them, side by side as far as they do
// not depend on each other, and tells each [Result] in the order of the list. A
// check whose ground has failed is skipped, so one root cause is one failure and
// not ten. Nobody here knows how a result is drawn: the command line and the
// dashboard show the same ones.
//
// Every check that leaves this machine has a deadline of its own and says in words
// what did not answer, so that a doctor without a network is done in seconds. Only
// one check spends anything: the proof that the bot gets READY takes one session
// start, through the bot's own account and only if that has enough left.
//
// Statement ids such as G-038 refer to the table in docs/conformance.md.
package doctor

import (
	"context"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/config"
)

// Level is how a check came out.
type Level string

// The levels, from well to not asked.
const (
	Pass Level = "pass"
	Warn Level = "warn" // works, but not as it should, or not for long
	Fail Level = "fail"
	Skip Level = "skip" // what it depends on has failed
)

// Finding is what one check has found out.
type Finding struct {
	Level Level `json:"level"`
	// Says is the answer in one line.
	Says string `json:"says"`
	// Evidence is what was seen, one line each.
	Evidence []string `json:"evidence,omitempty"`
	// Next is what to do, one step a line; empty when nothing has to be done.
	Next []string `json:"next,omitempty"`
	// Fixed is what has been mended just now, one line each.
	Fixed []string `json:"fixed,omitempty"`
	// Cause is the row of the catalogue that explains it; empty without one.
	Cause health.CauseID `json:"cause,omitempty"`
	// NeedsYou marks a failure of the settings or the credentials, which no
	// restart can mend.
	NeedsYou bool `json:"needs_you,omitempty"`
}

// Check is one question.
type Check struct {
	// ID names the check for good: it stands in JSON and in the documentation.
	ID string
	// Group is the heading it stands under, Title what it asks.
	Group, Title string
	// Needs names the checks that must not have failed; After those that merely
	// come first, because this one uses what they have learnt. Both name checks
	// further up in the list.
	Needs, After []string
	// Patience is how long it may take. Default 5 s.
	Patience time.Duration
	// Run looks. It must end soon after its context.
	Run func(context.Context) Finding
}

// Result is what came of a check.
type Result struct {
	ID    string `json:"id"`
	Group string `json:"group"`
	Title string `json:"title"`
	Finding
	Took time.Duration `json:"-"`
}

// Report is a whole examination.
type Report struct {
	At      time.Time
	Took    time.Duration
	Results []Result
}

// Count is how many results have the level.
func (r Report) Count(level Level) (n int) {
	for _, each := range r.Results {
		if each.Level == level {
			n++
		}
	}
	return n
}

// Exit is the exit code that sums the report up: 0 when nothing has failed, 78
// when a failure needs a person to mend settings or credentials, else 1.
func (r Report) Exit() config.Exit {
	code := config.ExitOK
	for _, each := range r.Results {
		switch {
		case each.Level != Fail:
		case each.NeedsYou:
			return config.ExitConfig
		default:
			code = config.ExitUnexpected
		}
	}
	return code
}

// Findings are made with these; what else there is to say is added to them.

func pass(says string, evidence ...string) Finding {
	return Finding{Level: Pass, Says: says, Evidence: evidence}
}

func warn(says string, next ...string) Finding {
	return Finding{Level: Warn, Says: says, Next: next}
}

func fail(says string, next ...string) Finding {
	return Finding{Level: Fail, Says: says, Next: next}
}

// needsYou is a failure that only a person can mend.
func needsYou(says string, next ...string) Finding {
	return Finding{Level: Fail, Says: says, Next: next, NeedsYou: true}
}

// saw adds evidence.
func (f Finding) saw(evidence ...string) Finding {
	f.Evidence = append(f.Evidence, evidence...)
	return f
}

// because names the row of the catalogue.
func (f Finding) because(cause health.CauseID) Finding {
	f.Cause = cause
	return f
}

// worst makes the finding at least as bad as a level.
func (f *Finding) worst(level Level) {
	order := map[Level]int{Pass: 0, Warn: 1, Fail: 2}
	if order[level] > order[f.Level] {
		f.Level = level
	}
}
