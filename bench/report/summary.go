package report

import (
	"fmt"
	"io"
	"strings"

	"evergreen/bench/trial"
)

// WriteSummary writes the table for the README: one column for Evergreen, which
// is the product, and where that cannot be put through a scenario the library.
func (r Run) WriteSummary(w io.Writer) error {
	var b strings.Builder
	var ours, theirs []Peer
	for _, p := range r.ran() {
		if p.Ours {
			ours = append(ours, p)
		} else {
			theirs = append(theirs, p)
		}
	}
	b.WriteString("| time until green, commands lost | Evergreen |")
	for _, p := range theirs {
		fmt.Fprintf(&b, " %s %s |", p.Name, version(p))
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(theirs)+1) + "\n")
	noted := false
	for _, sc := range r.Scenarios {
		if sc.Name == "idle" || sc.Name == "burst of 20,000" {
			continue
		}
		cells := []string{"-"}
		for i, p := range ours {
			if f, ok := r.of(sc.Name, p.Name); ok && f.NotRun == "" {
				cells[0] = short(f)
				if i > 0 {
					cells[0], noted = cells[0]+" ¹", true
				}
				break
			}
		}
		for _, p := range theirs {
			text := "-"
			if f, ok := r.of(sc.Name, p.Name); ok && f.NotRun == "" {
				text = short(f)
			}
			cells = append(cells, text)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", sc.Name, strings.Join(cells, " | "))
	}
	for _, row := range []struct {
		name, scenario string
		cell           func(trial.Figures) string
	}{
		{"CPU time of an event nobody asked for", "burst of 20,000", func(f trial.Figures) string { return fmt.Sprintf("%.1f us", float64(f.PerEvent)/1e3) }},
		{"process start to READY, at best", "idle", func(f trial.Figures) string { return span(r.ready(f.Peer)) }},
		{"memory, idle: all, its own", "idle", func(f trial.Figures) string { return mega(f.RSS) + ", " + mega(f.Own) }},
	} {
		fmt.Fprintf(&b, "| %s |", row.name)
		for _, p := range append(ours[:min(1, len(ours))], theirs...) {
			f, ok := r.of(row.scenario, p.Name)
			if !ok || f.NotRun != "" {
				b.WriteString(" - |")
				continue
			}
			fmt.Fprintf(&b, " %s |", row.cell(f))
		}
		b.WriteString("\n")
	}
	if noted {
		b.WriteString("\n¹ the ping bot on the package `gateway`; the product has no command that blocks or floods.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// short is a cell of the summary.
func short(f trial.Figures) string {
	if f.Scenario == "token revoked" {
		return gone(f)
	}
	text := green(f)
	if missed := f.Lost + f.Waiting + f.Unheard; missed > 0 {
		text += fmt.Sprintf(", %d lost", missed)
	}
	if f.Twice > 0 {
		text += fmt.Sprintf(", %d twice", f.Twice)
	}
	return text
}

// gone says what a bot did whose token is worth nothing any more.
func gone(f trial.Figures) string {
	if !f.Alive {
		return "ends, exit code " + strings.TrimSuffix(f.Exit, ", by itself")
	}
	switch {
	case f.Dials > 3:
		return fmt.Sprintf("dials on, %d times", f.Dials)
	case f.Dials > 0:
		return "stays, offline"
	}
	return "waits to be mended"
}
