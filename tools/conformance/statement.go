package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// statement is one line of the table.
type statement struct {
	id       string
	evidence string // who says so: D, R, I, P or a standard; empty if none is needed
	planned  string // the part it comes with, if that does not exist yet
	text     string
	tests    []string // that prove it, by package and name
}

// section is a heading of the table and the statements below it.
type section struct {
	title      string
	statements []*statement
}

var statementID = regexp.MustCompile(`^[GS]-\d{3}$`)

// parseStatements reads the table. All mistakes are reported together.
func parseStatements(path, source string) ([]*section, error) {
	var (
		sections []*section
		wrong    []error
		seen     = map[string]bool{}
	)
	for n, line := range strings.Split(strings.TrimSuffix(source, "\n"), "\n") {
		complain := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("%s:%d: %s", path, n+1, fmt.Sprintf(format, args...)))
		}
		if title, ok := strings.CutPrefix(line, "## "); ok {
			sections = append(sections, &section{title: title})
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		switch {
		case len(fields) != 4:
			complain("want 4 columns separated by tabs, got %d", len(fields))
			continue
		case !statementID.MatchString(fields[0]):
			complain("%q is not an id such as G-042", fields[0])
			continue
		case seen[fields[0]]:
			complain("%s stands here twice", fields[0])
			continue
		case len(sections) == 0:
			complain("%s stands before the first section", fields[0])
			continue
		}
		for i, field := range fields {
			if strings.TrimSpace(field) != field || field == "" {
				complain("column %d of %s is empty or has spaces around it", i+1, fields[0])
			}
		}
		seen[fields[0]] = true
		last := sections[len(sections)-1]
		last.statements = append(last.statements, &statement{
			id: fields[0], evidence: optional(fields[1]), planned: optional(fields[2]), text: fields[3],
		})
	}
	return sections, errors.Join(wrong...)
}

func optional(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

// assign adds each claim to its statement. All claims of unknown statements are
// reported together.
func assign(sections []*section, claims []claim) error {
	byID := map[string]*statement{}
	for _, s := range sections {
		for _, st := range s.statements {
			byID[st.id] = st
		}
	}
	var wrong []error
	for _, c := range claims {
		if st := byID[c.id]; st != nil {
			st.tests = append(st.tests, c.test)
			continue
		}
		wrong = append(wrong, fmt.Errorf("%s: %s names %s, which %s does not have", c.at, c.test, c.id, tablePath))
	}
	return errors.Join(wrong...)
}
