package logging

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	// retryAfter is how long a file that refused a line is left alone.
	retryAfter = 5 * time.Second
	// complainAfter is how long the console is spared after a complaint about
	// the file.
	complainAfter = 10 * time.Minute
	day           = 24 * time.Hour
)

// file is the log file: set aside by size by timberjack, and by age here, when
// a line is written. Timberjack's own rotation by time counts from the start of
// the process, so a bot that is restarted every day would never see it.
//
// Timberjack runs one goroutine, which deletes old files and is started by the
// first write; Close ends it and waits for it.
type file struct {
	path     string
	maxAge   time.Duration // 0: never
	complain *slog.Logger  // writes to the console only

	mu         sync.Mutex
	out        *timberjack.Logger
	begun      time.Time // when the first line of the file was written
	torn       bool      // the last line is not complete
	lost       int       // lines the file has not taken since it failed
	failedAt   time.Time // zero while all is well
	complained time.Time
	closed     bool
}

// openFile makes the file ready. If it cannot be written, the console says so
// and lines are tried again later.
func openFile(o Options, complain *slog.Logger) *file {
	f := &file{
		path: o.File, maxAge: time.Duration(o.MaxAgeDays) * day, complain: complain,
		out: &timberjack.Logger{
			Filename: o.File, MaxSize: o.MaxSizeMB, MaxBackups: o.MaxBackups, MaxAge: o.MaxAgeDays,
		},
	}
	if err := f.prepare(time.Now()); err != nil {
		f.failed(time.Now(), err)
	}
	return f
}

// prepare makes the folder and finds out whether the file can be written and
// when it was begun.
func (f *file) prepare(now time.Time) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
		return err
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.begun = now
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		// Opening a pipe can block for good, and rotation would rename a device.
		return fmt.Errorf("%s is not a regular file", f.path)
	default:
		f.begun = firstLine(f.path, info.ModTime())
	}
	probe, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	return probe.Close()
}

// firstLine returns the time of the first line of a log file, or other if the
// file does not tell it.
func firstLine(path string, other time.Time) time.Time {
	f, err := os.Open(path)
	if err != nil {
		return other
	}
	defer f.Close()
	line, _ := bufio.NewReaderSize(f, 4096).ReadSlice('\n')
	if len(line) >= len(timeLayout) {
		if t, err := time.ParseInLocation(timeLayout, string(line[:len(timeLayout)]), time.Local); err == nil {
			return t
		}
	}
	var object struct{ Time time.Time }
	if json.Unmarshal(line, &object) == nil && !object.Time.IsZero() {
		return object.Time
	}
	return other
}

// Write takes one line. The only error is that of a file that was closed; any
// other trouble is complained about on the console.
func (f *file) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, os.ErrClosed
	}
	now := time.Now()
	if !f.failedAt.IsZero() {
		if wait := now.Sub(f.failedAt); wait >= 0 && wait < retryAfter {
			f.lost++
			return len(line), nil
		}
		if err := f.prepare(now); err != nil {
			f.lost++
			f.failed(now, err)
			return len(line), nil
		}
	}
	if err := f.put(now, line); err != nil {
		f.lost++
		f.failed(now, err)
		return len(line), nil
	}
	if !f.failedAt.IsZero() {
		f.complain.Info("The log file can be written again", "file", f.path, "lines_missing", f.lost)
		f.failedAt, f.complained, f.lost = time.Time{}, time.Time{}, 0
	}
	return len(line), nil
}

// put writes the line, after setting the file aside if it is old enough.
func (f *file) put(now time.Time, line []byte) error {
	if reason := f.outdated(now); reason != "" {
		if err := f.out.RotateWithReason(reason); err != nil {
			return err
		}
		f.begun, f.torn = now, false
	}
	if f.torn {
		if _, err := f.out.Write([]byte("\n")); err != nil {
			return err
		}
		f.torn = false
	}
	n, err := f.out.Write(line)
	if err != nil && n > 0 && n < len(line) {
		f.torn = true
	}
	return err
}

// outdated says why a new file has to be begun; empty if the old one will do.
// Lines in a file that was moved away or deleted would never be seen.
func (f *file) outdated(now time.Time) string {
	if f.maxAge > 0 && now.Sub(f.begun) >= f.maxAge {
		return "age"
	}
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return "gone"
	}
	return ""
}

// failed notes that a line was not taken, and complains now and then.
func (f *file) failed(now time.Time, err error) {
	f.failedAt = now
	if !f.complained.IsZero() && now.Sub(f.complained) < complainAfter {
		return
	}
	f.complained = now
	f.complain.Warn("The log file cannot be written; the bot goes on without it", "file", f.path, "error", err,
		"do", "Check the folder's permissions and the free space, or set LOG_FILE to another path.")
}

// Close writes the file out to the disk, closes it and waits for the goroutine
// that deletes old files.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return errors.Join(f.out.Sync(), f.out.Close())
}
