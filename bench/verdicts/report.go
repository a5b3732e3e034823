package verdicts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"evergreen/bench/report"
)

// Report is what evergreen sim --check --json prints, as far as it is told.
type Report struct {
	Began    time.Time  `json:"began"`
	Seconds  float64    `json:"seconds"`
	Late     float64    `json:"late"` // for how long the judge's timers were overdue, in seconds
	Lost     string     `json:"lost_in,omitempty"`
	Steps    int        `json:"steps"`
	Played   int        `json:"steps_played"`
	Course   []StepTime `json:"course"`
	Findings []Finding  `json:"findings"`
	Kept     int        `json:"kept"`
	Noted    int        `json:"noted"`
	Broken   int        `json:"broken"`
	Never    int        `json:"never_exercised"`
}

// StepTime is when a step was played, in seconds since the judgement began.
type StepTime struct {
	Step string  `json:"step"`
	At   float64 `json:"at"`
	Took float64 `json:"took"`
}

// Finding is the verdict on one statement.
type Finding struct {
	Statement string     `json:"statement"`
	Says      string     `json:"says"`
	Verdict   string     `json:"verdict"`
	Exercised int        `json:"exercised"`
	Evidence  []Evidence `json:"evidence,omitempty"`
}

// The verdicts.
const (
	kept   = "kept"
	noted  = "noted"
	broken = "broken"
	never  = "never exercised"
)

// Evidence shows why a verdict is what it is.
type Evidence struct {
	Conn int64   `json:"conn,omitempty"`
	At   float64 `json:"at"`
	Step string  `json:"step,omitempty"`
	What string  `json:"what"`
}

// finding is the verdict on a statement.
func (r Report) finding(statement string) (Finding, bool) {
	for _, f := range r.Findings {
		if f.Statement == statement {
			return f, true
		}
	}
	return Finding{}, false
}

// stepAt names the step that was played at a time, or the last before it.
func (r Report) stepAt(at time.Time) (name string) {
	for _, s := range r.Course {
		if at.Sub(r.Began).Seconds() >= s.At {
			name = s.Step
		}
	}
	return name
}

// End is the end of a bot's process during a judgement.
type End struct {
	// Step is what was played, How whether it ended by itself, and with what exit code, or hung.
	Step string `json:"step"`
	How  string `json:"how"`
	// Said is the last line it printed.
	Said string `json:"said,omitempty"`
}

// Column is what came of one library.
type Column struct {
	Library string `json:"library"`
	Version string `json:"version"`
	Runtime string `json:"runtime,omitempty"`
	// Ends lists how its process ended by itself; it was started again each time.
	Ends   []End  `json:"ends,omitempty"`
	Report Report `json:"report"`
}

// Results is what came of all libraries.
type Results struct {
	Machine report.Machine `json:"machine"`
	// Tree is the revision that judged, Command what was run.
	Tree    string   `json:"tree"`
	Command string   `json:"command"`
	Columns []Column `json:"columns"`
}

// Load reads what [Save] has written; nothing where there is no such file.
func Load(path string) (r Results, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Save writes results into a file.
func Save(path string, r Results) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}
