package logging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"
)

// Format says how lines are written.
type Format string

// The formats.
const (
	Text Format = "text" // for people
	JSON Format = "json" // for programs: one object a line
)

// Options configures a [Logger]. The zero value logs text from info upwards to
// the console and to no file.
type Options struct {
	// Level is the least important level that is logged; it is asked for each
	// record, so it may change. Default slog.LevelInfo.
	Level slog.Leveler
	// Format is that of the file and the console. Default [Text].
	Format Format

	// File is the path of the log file; its folder is made when it is missing.
	// Empty: no file.
	File string
	// MaxSizeMB is the size in MiB at which the file is set aside. Default 10.
	MaxSizeMB int
	// MaxBackups is how many files set aside are kept; 0: all.
	MaxBackups int
	// MaxAgeDays is the age in days at which the file is set aside and at which
	// one set aside is deleted; 0: never for its age.
	MaxAgeDays int

	// Console takes the lines for the operator. Default os.Stderr. Colours are
	// used in text on a terminal, unless NO_COLOR is set.
	Console io.Writer
	// Secrets are replaced wherever they turn up; see [Redactor.Add].
	Secrets []string
}

// Logger is a [slog.Logger] with what has to be ended and what others may use.
type Logger struct {
	*slog.Logger
	// Redactor knows the secrets; more may be added at any time.
	Redactor *Redactor
	file     *file // nil without one
}

// New makes a logger. The error is about the options only: a log file that
// cannot be opened is reported on the console and tried again later.
func New(o Options) (*Logger, error) {
	switch {
	case o.Format == "":
		o.Format = Text
	case o.Format != Text && o.Format != JSON:
		return nil, fmt.Errorf("the log format %q is unknown; it can be %q or %q", o.Format, Text, JSON)
	}
	if o.MaxSizeMB < 0 || o.MaxBackups < 0 || o.MaxAgeDays < 0 {
		return nil, errors.New("the size, number and age of log files cannot be negative")
	}
	if o.MaxSizeMB == 0 {
		o.MaxSizeMB = 10
	}
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Console == nil {
		o.Console = os.Stderr
	}

	redactor := NewRedactor(o.Secrets...)
	console := newLineHandler(o.Console, o.Format, wantsColour(o.Console, os.Getenv))
	l := &Logger{Redactor: redactor}
	out := console
	if o.File != "" {
		complaints := slog.New(newRedactHandler(console, o.Level, redactor))
		l.file = openFile(o, Component(complaints, "Log"))
		out = slog.NewMultiHandler(console, newLineHandler(l.file, o.Format, false))
	}
	l.Logger = slog.New(newRedactHandler(out, o.Level, redactor))
	return l, nil
}

// Redact replaces secrets in text that leaves the process by another way than
// the log.
func (l *Logger) Redact(text string) string { return l.Redactor.Redact(text) }

// Close writes out and closes the file and waits for its housekeeping. Lines
// that come later reach the console only. More calls do nothing.
func (l *Logger) Close() error {
	if l.file == nil {
		return nil
	}
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("the log file did not close cleanly, its last lines may be missing: %w", err)
	}
	return nil
}

// ComponentKey is the attribute whose value stands before the message. The
// last one given outside any group counts.
const ComponentKey = "component"

// Component returns a logger whose lines begin with the name of who speaks,
// such as "ResearchBot".
func Component(l *slog.Logger, name string) *slog.Logger {
	return l.With(ComponentKey, name)
}

// always is below every level: the redactHandler alone decides what is logged.
const always = slog.Level(math.MinInt)

// newLineHandler makes the handler that writes guarded records to one destination.
func newLineHandler(w io.Writer, format Format, colours bool) slog.Handler {
	switch {
	case format == JSON:
		return lineHandler{to: &destination{w: w}, write: appendObject}
	case colours:
		return newColourHandler(w)
	}
	return lineHandler{to: &destination{w: w}, write: appendLine}
}

// lineHandler writes records that the redactHandler has made: flat, with plain values.
type lineHandler struct {
	to    *destination
	write func([]byte, slog.Record) []byte
}

// destination writes one line at a time.
type destination struct {
	mu  sync.Mutex
	buf []byte
	w   io.Writer
}

// widest is how much of a line buffer is kept for the next line, in bytes.
const widest = 64 << 10

func (s lineHandler) Handle(_ context.Context, r slog.Record) error {
	s.to.mu.Lock()
	defer s.to.mu.Unlock()
	line := append(s.write(s.to.buf[:0], r), '\n')
	if cap(line) <= widest {
		s.to.buf = line
	}
	_, err := s.to.w.Write(line)
	return err
}

func (s lineHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup are never called: the redactHandler keeps both to itself.
func (s lineHandler) WithAttrs([]slog.Attr) slog.Handler { return s }
func (s lineHandler) WithGroup(string) slog.Handler      { return s }
