package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Problem is one setting that cannot be used as it stands.
type Problem struct {
	// Name is the variable, or empty when the .env file itself is broken.
	Name string
	// Origin is where the value came from.
	Origin Origin
	// Value is the value as given; empty for secrets.
	Value string
	// Why says what is wrong with it, Allowed what would be right.
	Why     string
	Allowed string
}

// String says everything in one line.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Name == "":
		b.WriteString(p.Origin.String())
	case p.Value == "":
		fmt.Fprintf(&b, "%s (%s)", p.Name, p.Origin)
	default:
		fmt.Fprintf(&b, "%s=%s (%s)", p.Name, quoteValue(p.Value), p.Origin)
	}
	b.WriteString(": " + p.Why + ".")
	if p.Allowed != "" {
		b.WriteString(" Allowed: " + p.Allowed + ".")
	}
	return b.String()
}

// quoteValue quotes a value for an error. A value that looks like a token, put into
// the wrong variable, is not shown, nor is the login in an address.
func quoteValue(value string) string {
	if tokenShape.MatchString(value) {
		return redacted
	}
	if strings.Contains(value, "//") {
		value = WithoutLogin(value)
	}
	const most = 80
	if utf8.RuneCountInString(value) > most {
		value = string([]rune(value)[:most]) + "..."
	}
	return fmt.Sprintf("%q", value)
}

// Error is everything that is wrong with the settings, found in one go.
type Error struct {
	Problems []Problem
	// Missing is set when there is no token although one is needed.
	Missing *MissingTokenError
}

// Error lists all problems, one a line.
func (e *Error) Error() string {
	if len(e.Problems) == 0 && e.Missing != nil {
		return e.Missing.Error()
	}
	var b strings.Builder
	switch n := len(e.Problems); {
	case n == 1:
		b.WriteString("a setting cannot be used:")
	default:
		fmt.Fprintf(&b, "%d settings cannot be used:", n)
	}
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	if e.Missing != nil {
		b.WriteString("\n" + e.Missing.Error())
	}
	return b.String()
}

// Unwrap returns the missing token, so that errors.As finds it.
func (e *Error) Unwrap() error {
	if e.Missing == nil {
		return nil
	}
	return e.Missing
}

// ExitCode is always ExitConfig: only a person can fix settings.
func (e *Error) ExitCode() int { return int(ExitConfig) }
