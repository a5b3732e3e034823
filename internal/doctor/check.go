// Package doctor checks why a bot goes offline, with evidence and the next step.
//
// A [Check] is a value: a name, what it depends on, and a function that returns a
// [Finding]. [Examine] runs all of them, at the same time as far as they do not
// depend on each other, and passes on each [Result] in the order of the list. A
// check that depends on a failed one is skipped, so that one root cause is one
// failure and not ten. How a result is shown is up to the caller.
//
// Each check has a timeout and says in words what did not answer, so that a doctor
// without a network is done in seconds. Only one check spends anything: the proof
// that the bot gets READY takes one session start, through the bot's own identify
// limiter and only if that has enough left.
package doctor

import (
	"context"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/config"
)

// Level is how a check came out.
type Level string

const (
	Pass Level = "pass"
	Warn Level = "warn" // works, but not as it should, or not much longer
	Fail Level = "fail"
	Skip Level = "skip" // what it depends on has failed
)

// Finding is what one check found out.
type Finding struct {
	Level Level `json:"level"`
	// Says is the answer in one line.
	Says string `json:"says"`
	// Evidence is what was seen, one line each.
	Evidence []string `json:"evidence,omitempty"`
	// Next is what to do, one step a line; empty for nothing.
	Next []string `json:"next,omitempty"`
	// Fixed is what this check has mended, one line each.
	Fixed []string `json:"fixed,omitempty"`
	// Cause is the row of the catalogue that explains it; empty without one.
	Cause health.CauseID `json:"cause,omitempty"`
	// NeedsYou marks a failure of the settings or the credentials, which no
	// restart can mend.
	NeedsYou bool `json:"needs_you,omitempty"`
}

// Check is one check.
type Check struct {
	// ID identifies the check in JSON and in the documentation; it never changes.
	ID string
	// Group is the heading it is listed under, Title what it checks.
	Group, Title string
	// Needs are the IDs of the checks that must not have failed; After those that
	// only come first, because this one uses what they found. Both are further up
	// in the list.
	Needs, After []string
	// Timeout is how long it may take. Default 5 s.
	Timeout time.Duration
	// Run must return soon after its context ends.
	Run func(context.Context) Finding
}

// Result is the finding of a check.
type Result struct {
	ID    string `json:"id"`
	Group string `json:"group"`
	Title string `json:"title"`
	Finding
	Took time.Duration `json:"-"`
}

// Report holds the results of all checks.
type Report struct {
	At      time.Time
	Took    time.Duration
	Results []Result
}

// Count returns how many results have the level.
func (r Report) Count(level Level) (n int) {
	for _, each := range r.Results {
		if each.Level == level {
			n++
		}
	}
	return n
}

// Exit returns the exit code: 0 when nothing has failed, 78 when a failure needs a
// person to mend settings or credentials, else 1.
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

func pass(says string, evidence ...string) Finding {
	return Finding{Level: Pass, Says: says, Evidence: evidence}
}

func warn(says string, next ...string) Finding {
	return Finding{Level: Warn, Says: says, Next: next}
}

func fail(says string, next ...string) Finding {
	return Finding{Level: Fail, Says: says, Next: next}
}

// needsYou returns a failure that only a person can mend.
func needsYou(says string, next ...string) Finding {
	return Finding{Level: Fail, Says: says, Next: next, NeedsYou: true}
}

// with returns the finding with more evidence.
func (f Finding) with(evidence ...string) Finding {
	f.Evidence = append(f.Evidence, evidence...)
	return f
}

// withCause returns the finding with a row of the catalogue.
func (f Finding) withCause(cause health.CauseID) Finding {
	f.Cause = cause
	return f
}

// raise makes the level at least as bad as another.
func (f *Finding) raise(level Level) {
	order := map[Level]int{Pass: 0, Warn: 1, Fail: 2}
	if order[level] > order[f.Level] {
		f.Level = level
	}
}
