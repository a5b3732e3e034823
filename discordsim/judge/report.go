package judge

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"evergreen/internal/text"
)

// Verdict is what became of one statement.
type Verdict string

// The verdicts. Noted is what was not kept although Discord does not mind: good
// advice, and no bot fails for it.
const (
	Kept   Verdict = "kept"
	Noted  Verdict = "noted"
	Broken Verdict = "broken"
	Never  Verdict = "never exercised"
)

// Evidence is one thing the bot did that a statement rules out.
type Evidence struct {
	// Conn is the connection's number in the simulator's log; 0 for REST.
	Conn int64 `json:"conn,omitempty"`
	// At is when, since the judgement began; Step what was going on.
	At   time.Duration `json:"at"`
	Step string        `json:"step,omitempty"`
	// Frame is the payload that shows it, if one does.
	Frame string `json:"frame,omitempty"`
	What  string `json:"what"`
}

// String is the evidence as a line.
func (e Evidence) String() string {
	where := fmt.Sprintf("at %.3f s", e.At.Seconds())
	if e.Step != "" {
		where += " (" + e.Step + ")"
	}
	if e.Conn > 0 {
		where += fmt.Sprintf(", connection %d", e.Conn)
	}
	if e.Frame != "" {
		where += ", " + e.Frame
	}
	return where + ": " + e.What
}

// MarshalJSON writes At in seconds.
func (e Evidence) MarshalJSON() ([]byte, error) {
	type plain Evidence
	return json.Marshal(struct {
		plain
		At float64 `json:"at"`
	}{plain(e), e.At.Seconds()})
}

// Finding is the verdict on one statement.
type Finding struct {
	Statement string  `json:"statement"`
	Says      string  `json:"says"`
	Verdict   Verdict `json:"verdict"`
	// Exercised is how often there was an occasion to break it.
	Exercised int `json:"exercised"`
	// Evidence shows how it was broken, or what was noted: the first few times.
	Evidence []Evidence `json:"evidence,omitempty"`
}

// StepTime is when a step was played.
type StepTime struct {
	Step string `json:"step"`
	// At is when it began, since the judgement did, and Took for how long it lasted.
	At   time.Duration `json:"at"`
	Took time.Duration `json:"took"`
}

// MarshalJSON writes the times in seconds.
func (s StepTime) MarshalJSON() ([]byte, error) {
	type plain StepTime
	return json.Marshal(struct {
		plain
		At   float64 `json:"at"`
		Took float64 `json:"took"`
	}{plain(s), s.At.Seconds(), s.Took.Seconds()})
}

// Report is what a judgement came to.
type Report struct {
	Bot  string        `json:"bot"`
	Took time.Duration `json:"-"`
	// Lost names the step the bot never came back from, if there was one; the
	// steps after it were not played.
	Lost string `json:"lost_in,omitempty"`
	// Steps is how many steps the programme had, Played how many of them were begun.
	// What has to do with commands is not played with a bot that answers none.
	Steps  int `json:"steps"`
	Played int `json:"steps_played"`
	// Began is when the judgement did, and Course how it went since then.
	Began  time.Time  `json:"began"`
	Course []StepTime `json:"course"`
	// Late is for how long the judge's own timers were overdue, all taken together: how
	// busy the machine was. Nobody is blamed for it.
	Late     time.Duration `json:"-"`
	Findings []Finding     `json:"findings"`
	// Kept, Noted, Broken and Never count the findings; NotJudged counts the statements
	// that cannot be seen from this end of the wire.
	Kept      int `json:"kept"`
	Noted     int `json:"noted"`
	Broken    int `json:"broken"`
	Never     int `json:"never_exercised"`
	NotJudged int `json:"not_judged"`
}

// ExitCode is 0 when nothing was broken, else 1.
func (r Report) ExitCode() int {
	if r.Broken > 0 || r.Lost != "" {
		return 1
	}
	return 0
}

// count counts the findings.
func (r *Report) count() {
	for _, f := range r.Findings {
		switch f.Verdict {
		case Kept:
			r.Kept++
		case Noted:
			r.Noted++
		case Broken:
			r.Broken++
		default:
			r.Never++
		}
	}
	r.NotJudged = statements - len(r.Findings)
}

// WriteText writes the report for a person: what is broken comes last, where it
// is seen.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s was judged for %s by what it sent.\n", r.Bot, r.Took.Round(time.Second))
	for _, verdict := range []Verdict{Kept, Never, Noted, Broken} {
		n := 0
		for _, f := range r.Findings {
			if f.Verdict != verdict {
				continue
			}
			if n++; n == 1 {
				fmt.Fprintf(&b, "\n%s:\n", strings.ToUpper(string(verdict[:1]))+string(verdict[1:]))
			}
			times := ""
			if verdict == Kept && f.Exercised > 1 {
				times = fmt.Sprintf(" (%d times)", f.Exercised)
			}
			fmt.Fprintf(&b, "  %s  %s%s\n", f.Statement, f.Says, times)
			for _, e := range f.Evidence {
				fmt.Fprintf(&b, "           %s\n", text.OneLine(e.String()))
			}
		}
	}
	noted := ""
	if r.Noted > 0 {
		noted = fmt.Sprintf("noted %d, ", r.Noted)
	}
	fmt.Fprintf(&b, "\nKept %d, %sbroken %d, never exercised %d. %d statements cannot be seen from here.\n", r.Kept, noted, r.Broken, r.Never, r.NotJudged)
	if r.Lost != "" {
		fmt.Fprintf(&b, "The bot never came back from %q; what would have come after it was not played.\n", r.Lost)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the report for a machine.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Report
		Seconds float64 `json:"seconds"`
		Late    float64 `json:"late"`
	}{r, r.Took.Seconds(), r.Late.Seconds()})
}
