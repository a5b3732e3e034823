package verdicts

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Markdown is the page's generated part: how each library did, the verdicts side by side,
// what is only noted, and what shows each broken statement.
func Markdown(r Results) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Judged on %s by `%s`, on %s.\n\n", r.Machine.Date.Format("2 January 2006"), r.Command, strings.TrimSuffix(r.Machine.String(), ", load "+r.Machine.Load+" before"))
	b.WriteString("## How each did\n\n")
	writeSummary(&b, r.Columns)
	writeEnds(&b, r.Columns)
	b.WriteString("\n## Side by side\n\n")
	unasked := writeVerdicts(&b, r.Columns)
	if len(unasked) > 0 {
		fmt.Fprintf(&b, "\nNone of them was put to %s.\n", strings.Join(unasked, ", "))
	}
	b.WriteString("\n## What is only noted\n\nDiscord does not mind it, and no bot fails for it.\n\n")
	writeEvidence(&b, r.Columns, noted)
	b.WriteString("\n## What shows each broken statement\n\nThe first time of each; seconds count from the start of that library's judgement.\n\n")
	writeEvidence(&b, r.Columns, broken)
	return b.String()
}

// writeSummary writes a row for each library.
func writeSummary(b *strings.Builder, columns []Column) {
	b.WriteString("| library | steps reached | kept | broken | noted | not put to it | real time | the judge's timers were late | started again |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, c := range columns {
		r := c.Report
		reached := fmt.Sprintf("%d of %d", r.Played, r.Steps)
		if r.Lost != "" {
			reached += ", lost in " + r.Lost
		}
		version := c.Library + " " + c.Version
		if c.Runtime != "" {
			version += ", " + c.Runtime
		}
		fmt.Fprintf(b, "| %s | %s | %d | %d | %d | %d | %s | %.1f s | %d |\n", version, reached, r.Kept, r.Broken, r.Noted, r.Never,
			time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), r.Late, len(c.Ends))
	}
}

// writeEnds lists the processes that ended by themselves, or hung.
func writeEnds(b *strings.Builder, columns []Column) {
	began := false
	for _, c := range columns {
		for _, e := range c.Ends {
			if !began {
				b.WriteString("\nThe supervisor started a bot again after these ends of its process:\n\n")
				began = true
			}
			fmt.Fprintf(b, "- %s, in the step %q: %s", c.Library, e.Step, e.How)
			if e.Said != "" {
				fmt.Fprintf(b, "; its last line: %s", code(e.Said))
			}
			b.WriteString("\n")
		}
	}
}

// statement is a row of the table.
type statement struct{ id, says string }

// statements lists what was judged with any of the libraries, in order.
func statements(columns []Column) (all []statement) {
	for _, c := range columns {
		for _, f := range c.Report.Findings {
			if !slices.ContainsFunc(all, func(s statement) bool { return s.id == f.Statement }) {
				all = append(all, statement{f.Statement, f.Says})
			}
		}
	}
	slices.SortFunc(all, func(a, b statement) int { return strings.Compare(a.id, b.id) })
	return all
}

var cells = map[string]string{kept: "kept", noted: "noted", broken: "**broken**", never: "-"}

// writeVerdicts writes the verdicts side by side, and returns the statements to which no
// library was put.
func writeVerdicts(b *strings.Builder, columns []Column) (unasked []string) {
	b.WriteString("A dash: it was not put to it.\n\n| statement | |")
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.Library)
	}
	b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for _, s := range statements(columns) {
		row, asked := "", false
		for _, c := range columns {
			f, ok := c.Report.finding(s.id)
			if !ok {
				f.Verdict = never
			}
			asked = asked || f.Verdict != never
			row += " " + cells[f.Verdict] + " |"
		}
		if !asked {
			unasked = append(unasked, s.id)
			continue
		}
		fmt.Fprintf(b, "| %s | %s |%s\n", s.id, s.says, row)
	}
	return unasked
}

// writeEvidence lists what shows a verdict, by statement and library.
func writeEvidence(b *strings.Builder, columns []Column, verdict string) {
	any := false
	for _, s := range statements(columns) {
		began := false
		for _, c := range columns {
			f, ok := c.Report.finding(s.id)
			if !ok || f.Verdict != verdict {
				continue
			}
			if !began {
				fmt.Fprintf(b, "- **%s** %s\n", s.id, s.says)
				began, any = true, true
			}
			fmt.Fprintf(b, "  - %s: %s\n", c.Library, line(f))
		}
	}
	if !any {
		b.WriteString("Nothing.\n")
	}
}

// line is the first evidence of a finding.
func line(f Finding) string {
	if len(f.Evidence) == 0 {
		return "nothing is kept that shows it"
	}
	e := f.Evidence[0]
	where := fmt.Sprintf("at %.1f s", e.At)
	if e.Step != "" {
		where += " (" + e.Step + ")"
	}
	if e.Conn > 0 {
		where += fmt.Sprintf(", connection %d", e.Conn)
	}
	return where + ": " + strings.TrimPrefix(e.What, "note: ")
}

// code is foreign text as code, on one line and not too long.
func code(text string) string {
	const most = 160
	runes := []rune(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == '`' {
			return ' '
		}
		return r
	}, text)), " "))
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	return "`" + string(runes) + "`"
}
