package features

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Column is what came of all features with one library.
type Column struct {
	Library string            `json:"library"`
	Version string            `json:"version"`
	Results map[string]Result `json:"results"`
}

// Load reads what [Save] has written; nothing where there is no such file.
func Load(path string) (columns []Column, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return columns, json.Unmarshal(raw, &columns)
}

// Save writes columns into a file.
func Save(path string, columns []Column) error {
	raw, err := json.MarshalIndent(columns, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}

// Merge puts a column in the place of the one of the same library, in the order of
// [Libraries]. Results of features that were not tried this time stay.
func Merge(columns []Column, c Column) []Column {
	i := slices.IndexFunc(columns, func(old Column) bool { return old.Library == c.Library })
	if i < 0 {
		columns = append(columns, c)
	} else {
		for name, old := range columns[i].Results {
			if now, again := c.Results[name]; (!again || now.Outcome == Untried) && columns[i].Version == c.Version {
				c.Results[name] = old
			}
		}
		columns[i] = c
	}
	order := func(c Column) int {
		return slices.IndexFunc(Libraries(), func(l *Library) bool { return l.Name == c.Library })
	}
	slices.SortStableFunc(columns, func(a, b Column) int { return order(a) - order(b) })
	return columns
}

// marks are the outcomes in a cell.
var marks = map[string]string{Works: "works", Missing: "not simulated", Cannot: "-", Fails: "**fails**", Untried: "?", OutOfPlay: "", "": "?"}

// Markdown is the table for people: how many features work with each library, and each
// feature by library. A dash is what a library has no call, event or field for.
func Markdown(columns []Column) string {
	var b strings.Builder
	b.WriteString("| |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %s %s |", c.Library, c.Version)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for _, count := range []struct{ title, outcome string }{{"works", Works}, {"the library cannot", Cannot}, {"not simulated", Missing}, {"fails", Fails}, {"not tried", Untried}} {
		fmt.Fprintf(&b, "| %s |", count.title)
		for _, c := range columns {
			n := 0
			for _, f := range All() {
				if r := c.Results[f.Name]; r.Outcome == count.outcome || r.Outcome == "" && count.outcome == Untried {
					n++
				}
			}
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteString("\n")
	}
	group := ""
	for _, f := range All() {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n### %s\n\n| feature | Discord's documentation |", strings.ToUpper(group[:1])+group[1:])
			for _, c := range columns {
				fmt.Fprintf(&b, " %s |", c.Library)
			}
			b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
		}
		fmt.Fprintf(&b, "| %s | %s |", f.Name, f.API)
		for _, c := range columns {
			if f.Needs != "" {
				fmt.Fprintf(&b, " needs %s |", f.Needs)
				continue
			}
			fmt.Fprintf(&b, " %s |", marks[c.Results[f.Name].Outcome])
		}
		b.WriteString("\n")
	}
	return b.String() + reasons(columns)
}

// reasons lists why features do not work, by library.
func reasons(columns []Column) string {
	var b strings.Builder
	for _, c := range columns {
		began := false
		for _, f := range All() {
			r := c.Results[f.Name]
			if r.Outcome != Cannot && r.Outcome != Missing && r.Outcome != Fails {
				continue
			}
			if !began {
				fmt.Fprintf(&b, "\n### What does not work with %s\n\n", c.Library)
				began = true
			}
			fmt.Fprintf(&b, "- %s: %s: %s\n", f.Name, r.Outcome, r.Reason)
		}
	}
	return b.String()
}

// Summary says for a terminal how many features work, and what does not.
func Summary(c Column) string {
	var b strings.Builder
	counts := map[string]int{}
	for _, f := range All() {
		r, tried := c.Results[f.Name]
		if !tried {
			continue
		}
		counts[r.Outcome]++
		if r.Outcome != Works && r.Outcome != OutOfPlay {
			fmt.Fprintf(&b, "%s: %s: %s: %s\n", c.Library, f.Name, r.Outcome, r.Reason)
		}
	}
	fmt.Fprintf(&b, "%s %s:", c.Library, c.Version)
	for _, outcome := range []string{Works, Cannot, Missing, Fails, Untried} {
		fmt.Fprintf(&b, " %d %s;", counts[outcome], outcome)
	}
	return strings.TrimSuffix(b.String(), ";") + "\n"
}
