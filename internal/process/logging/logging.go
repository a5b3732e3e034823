package logging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"evergreen/internal/process/output"
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
	// used in text on a terminal, unless NO_COLOR is set. An [output.Writer] is used
	// as it is, and the caller waits for its last lines.
	Console io.Writer
	// Lines keeps the last lines. Default: none are kept.
	Lines *Ring
	// Secrets are replaced wherever they turn up; see [Redactor.Add].
	Secrets []string
}

// Logger is a [slog.Logger] with what has to be ended and what others may use.
// No output can keep a line waiting, nor the lines of the other outputs; see
// [output.Writer].
type Logger struct {
	*slog.Logger
	// Redactor knows the secrets; more may be added at any time.
	Redactor *Redactor

	fold        *foldHandler
	file        *file          // nil without one
	fileOut     *output.Writer // of file
	console     *output.Writer
	ownsConsole bool
}

// fileLimit is how many bytes wait for the file at most: what a disk may miss that
// hangs for a minute, or is slow while much is logged.
const fileLimit = 4 << 20

// openWait is how long the start waits for the log file, closeWait how long the stop
// does, and consoleWait how long it waits for the console.
const (
	openWait    = time.Second
	closeWait   = 2 * time.Second
	consoleWait = time.Second
)

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

	l := &Logger{Redactor: NewRedactor(o.Secrets...)}
	var given bool
	if l.console, given = o.Console.(*output.Writer); !given {
		l.console, l.ownsConsole = output.New(o.Console, 0), true
	}
	// The file comes first: what the console shows is in it.
	var toFile, toRing []slog.Handler
	toConsole := []slog.Handler{newLineHandler(l.console, o.Format, wantsColour(o.Console, os.Getenv))}
	if o.Lines != nil {
		toRing = append(toRing, o.Lines)
	}
	logger := func(next ...[]slog.Handler) *slog.Logger {
		return slog.New(newRedactHandler(slog.NewMultiHandler(slices.Concat(next...)...), o.Level, l.Redactor))
	}
	if o.File != "" {
		l.file = newFile(o, Component(logger(toRing, toConsole), troubleComponent))
		l.fileOut = output.New(l.file, fileLimit)
		toFile = append(toFile, newLineHandler(l.fileOut, o.Format, false))
	}
	l.fold = newFoldHandler(slog.NewMultiHandler(slices.Concat(toFile, toRing, toConsole)...))
	l.Logger = slog.New(newRedactHandler(l.fold, o.Level, l.Redactor))
	everywhere := Component(logger(toFile, toRing, toConsole), troubleComponent)
	l.console.Tell(consoleTrouble{o.File, Component(logger(toFile, toRing), troubleComponent), everywhere}.tell)
	if l.file != nil {
		l.fileOut.Tell(fileTrouble{o.File, l.file.complain, everywhere}.tell)
		l.openFile()
	}
	return l, nil
}

// openFile opens the log file. A disk that hangs is not waited for.
func (l *Logger) openFile() {
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		l.file.open()
	}()
	limit := time.NewTimer(openWait)
	defer limit.Stop()
	select {
	case <-opened:
	case <-limit.C:
	}
}

// Redact replaces secrets in text that leaves the process by another way than
// the log.
func (l *Logger) Redact(text string) string { return l.Redactor.Redact(text) }

// Close writes out and closes the file and waits for its housekeeping, two seconds at
// most, and then a second at most for a console that is not the caller's. Lines that
// come later reach the console only. More calls do nothing.
func (l *Logger) Close() error {
	l.fold.end()
	err := l.closeFile()
	if l.ownsConsole {
		limited, cancel := context.WithTimeout(context.Background(), consoleWait)
		defer cancel()
		_ = l.console.Wait(limited) // what it does not take is in the file
	}
	if err != nil {
		return fmt.Errorf("the log file did not close cleanly, its last lines may be missing: %w", err)
	}
	return nil
}

func (l *Logger) closeFile() error {
	if l.file == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	err := l.fileOut.Wait(limited)
	l.fileOut.Close()
	if err != nil {
		return err
	}
	closed := make(chan error, 1)
	go func() { closed <- l.file.Close() }()
	select {
	case err := <-closed:
		return err
	case <-limited.Done():
		return limited.Err()
	}
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

// newLineHandler makes the handler that writes guarded records to one output.
func newLineHandler(to *output.Writer, format Format, colours bool) slog.Handler {
	switch {
	case format == JSON:
		return lineHandler{to: &lineBuffer{out: to}, write: appendObject}
	case colours:
		return newColourHandler(to)
	}
	return lineHandler{to: &lineBuffer{out: to}, write: appendLine}
}

// lineHandler writes records that the redactHandler has made: flat, with plain values.
type lineHandler struct {
	to    *lineBuffer
	write func([]byte, slog.Record) []byte
}

// lineBuffer is where one line at a time is made.
type lineBuffer struct {
	mu  sync.Mutex
	buf []byte
	out *output.Writer
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
	if r.Level >= slog.LevelWarn {
		s.to.out.WriteUrgent(line)
		return nil
	}
	_, err := s.to.out.Write(line)
	return err
}

func (s lineHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup are never called: the redactHandler keeps both to itself.
func (s lineHandler) WithAttrs([]slog.Attr) slog.Handler { return s }
func (s lineHandler) WithGroup(string) slog.Handler      { return s }
