package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"evergreen/internal/doctor"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/process/logging"
	"evergreen/internal/text"
)

// doctorCommand is evergreen doctor.
type doctorCommand struct {
	Proxy bool `name:"proxy" help:"Look at evergreen proxy and the bots behind it, also where neither the settings nor the state folder say that it runs here."`
	JSON  bool `name:"json" help:"Print one JSON document at the end instead of lines."`
	Fix   bool `name:"fix" help:"Mend what can be mended without risk: make the state folder, take other users' rights to it away, set a damaged database aside."`

	config.Flags
}

// doctorExit is an error with the doctor's exit code; the report has been printed.
type doctorExit config.Exit

func (v doctorExit) Error() string { return "the checks that have failed are named above" }
func (v doctorExit) ExitCode() int { return int(v) }

// Run runs every check and prints each result as it comes. The exit code is 0 when
// none has failed, 78 when a failure needs a person to mend settings or credentials,
// else 1.
func (d *doctorCommand) Run(p *process) error {
	sources := d.Sources(p.environ)
	sources.TokenOptional = true
	loaded, err := config.Load(sources)
	var secrets []string
	if loaded != nil {
		secrets = loaded.Config.Secrets()
	}
	checks, end := doctor.Checks(doctor.Options{Loaded: loaded, LoadErr: err, Version: version(), Fix: d.Fix, ForProxy: d.Proxy})
	defer end()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals, release := p.signals()
	defer release()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-over:
		}
	}()

	s := &doctorReport{w: p.stdout, redact: logging.NewRedactor(secrets...).Redact, width: 96}
	if columns, ok := p.terminal(); ok {
		s.colour = p.colour()
		if n := columns(); n > 0 { // some terminals do not know
			s.width = min(max(n, 60), 120)
		}
	}
	tell := s.result
	if d.JSON {
		tell = func(doctor.Result) {}
	} else {
		fmt.Fprintf(p.stdout, "evergreen doctor, version %s\n", version())
	}
	report := doctor.Examine(ctx, checks, tell)
	if d.JSON {
		err = printJSON(p.stdout, s.redact, report)
	} else {
		s.total(report)
	}
	if err != nil && d.JSON {
		return err
	}
	if code := report.Exit(); code != config.ExitOK {
		return doctorExit(code)
	}
	return nil
}

// printJSON prints the whole report as one document.
func printJSON(w io.Writer, redact func(string) string, r doctor.Report) error {
	type row struct {
		doctor.Result
		TookMS float64 `json:"took_ms"`
	}
	rows := make([]row, len(r.Results))
	for i, each := range r.Results {
		rows[i] = row{each, float64(each.Took.Microseconds()) / 1000}
	}
	text, err := json.MarshalIndent(map[string]any{
		"version": version(), "at": r.At.UTC().Truncate(time.Millisecond), "took_ms": float64(r.Took.Microseconds()) / 1000,
		"exit": int(r.Exit()), "passed": r.Count(doctor.Pass), "warned": r.Count(doctor.Warn),
		"failed": r.Count(doctor.Fail), "skipped": r.Count(doctor.Skip), "checks": rows,
	}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, redact(string(text)))
	return err
}

// doctorReport is the report for a person.
type doctorReport struct {
	w      io.Writer
	redact func(string) string
	width  int
	colour bool
	group  string
	// skipped are the titles of checks in a row that were skipped for one reason.
	skipped []string
	reason  string
}

// marks are the results of checks as a word of four letters and a colour.
var marks = map[doctor.Level]struct{ word, colour string }{
	doctor.Pass: {"pass", "32"},
	doctor.Warn: {"WARN", "33"},
	doctor.Fail: {"FAIL", "31;1"},
	doctor.Skip: {"skip", "2"},
}

// The columns: the mark, the title, and what is said.
const (
	titleColumn  = 6
	resultColumn = 34
)

// result writes one result. Checks that were skipped for one reason share a line.
func (s *doctorReport) result(r doctor.Result) {
	if len(s.skipped) > 0 && (r.Level != doctor.Skip || r.Group != s.group || r.Says != s.reason) {
		s.skip()
	}
	if r.Group != s.group {
		s.group = r.Group
		fmt.Fprintf(s.w, "\n%s\n", s.paint("1", r.Group))
	}
	if r.Level == doctor.Skip {
		s.skipped, s.reason = append(s.skipped, r.Title), r.Says
		return
	}
	mark := marks[r.Level]
	s.lines(s.paint(mark.colour, mark.word)+"  "+text.PadColumns(r.Title+" ", resultColumn-titleColumn), r.Says, resultColumn, "")
	for _, says := range r.Evidence {
		s.lines(strings.Repeat(" ", titleColumn), says, titleColumn, "2")
	}
	for _, says := range r.Fixed {
		s.lines(strings.Repeat(" ", titleColumn)+s.paint("32", "mended: "), says, titleColumn+8, "")
	}
	for _, says := range r.Next {
		s.lines(strings.Repeat(" ", titleColumn)+s.paint("36", "-> "), says, titleColumn+3, "")
	}
	if r.Cause != "" && r.Level != doctor.Pass {
		s.lines(strings.Repeat(" ", titleColumn), "more: "+health.Lookup(r.Cause).Link(), titleColumn, "2")
	}
}

// skip writes the checks that were skipped for one reason as one.
func (s *doctorReport) skip() {
	mark := marks[doctor.Skip]
	title := s.skipped[0]
	rest := s.reason
	if more := s.skipped[1:]; len(more) > 0 {
		rest += "; nor: " + strings.Join(more, ", ")
	}
	s.lines(s.paint(mark.colour, mark.word)+"  "+text.PadColumns(title+" ", resultColumn-titleColumn), rest, resultColumn, mark.colour)
	s.skipped = nil
}

// lines writes a text after begin, wrapped to the width of the report, with further
// lines indented. What others have said in it is made printable, and secrets are taken out.
func (s *doctorReport) lines(begin, says string, indent int, colour string) {
	for i, line := range text.WrapColumns("", s.redact(text.OneLine(says)), max(s.width-indent, 20)) {
		if i > 0 {
			begin = strings.Repeat(" ", indent)
		}
		fmt.Fprintln(s.w, strings.TrimRight(begin+s.paint(colour, line), " "))
	}
}

// total writes the last line.
func (s *doctorReport) total(r doctor.Report) {
	if len(s.skipped) > 0 {
		s.skip()
	}
	colour := "32"
	for _, level := range []doctor.Level{doctor.Warn, doctor.Fail} {
		if r.Count(level) > 0 {
			colour = marks[level].colour
		}
	}
	fmt.Fprintf(s.w, "\n%s\n", s.paint(colour, fmt.Sprintf("%d passed, %d warned, %d failed, %d skipped, in %.1f s",
		r.Count(doctor.Pass), r.Count(doctor.Warn), r.Count(doctor.Fail), r.Count(doctor.Skip), r.Took.Seconds())))
}

// paint colours a text if this is wanted.
func (s *doctorReport) paint(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
