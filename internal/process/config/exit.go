package config

import "strings"

// Exit is the exit code of the process: what a supervisor may conclude.
type Exit int

// The exit codes. A supervisor must not restart on ExitConfig, because only a
// human can mend it. It has to on ExitUsage: the Go runtime ends with the same
// code when the program crashes, and when a watchdog's SIGABRT ends it.
const (
	ExitOK         Exit = 0  // stopped as asked
	ExitUnexpected Exit = 1  // anything else; a restart may help
	ExitUsage      Exit = 2  // the command line is wrong
	ExitConfig     Exit = 78 // configuration or credentials need a human
)

// Failure is an error that ends the process with a certain code and tells the
// operator what to do next. Commands return it for what is wrong outside the
// settings themselves, such as a refused token.
type Failure struct {
	Code Exit
	// Err is what happened, in one sentence.
	Err error
	// Steps are what to do about it, one line each.
	Steps []string
}

// Error says what happened and, on further lines, what to do.
func (f *Failure) Error() string {
	return strings.Join(append([]string{f.Err.Error()}, f.Steps...), "\n  ")
}

// Unwrap returns what happened.
func (f *Failure) Unwrap() error { return f.Err }

// ExitCode returns Code.
func (f *Failure) ExitCode() int { return int(f.Code) }
