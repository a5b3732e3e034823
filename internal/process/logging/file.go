package logging

import (
	"bufio"
	"bytes"
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
	// complainAfter is the time between two complaints about the file.
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
	options  Options       // for the sizes and numbers
	maxAge   time.Duration // 0: never
	complain *slog.Logger  // writes everywhere but to the file

	mu         sync.Mutex
	out        *timberjack.Logger // nil until the first write
	held       os.FileInfo        // the file that out writes to; nil while that is not sure
	size       int64              // of held, at least
	begun      time.Time          // when the first line of the file was written
	torn       bool               // the last line is not complete
	lost       int                // lines the file has not taken since it failed
	failedAt   time.Time          // zero while all is well
	complained time.Time
	closed     bool
}

func newFile(o Options, complain *slog.Logger) *file {
	return &file{path: o.File, options: o, maxAge: time.Duration(o.MaxAgeDays) * day, complain: complain}
}

// open makes the file ready. If it cannot be written, it complains, and lines are
// tried again later.
func (f *file) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if _, err := f.prepare(now); err != nil {
		f.failed(now, err)
	}
}

// prepare makes the folder and finds out whether the file can be written, when it
// was begun and which file it is.
func (f *file) prepare(now time.Time) (os.FileInfo, error) {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
		return nil, err
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.begun = now
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		// Opening a pipe can block for good, and rotation would rename a device.
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	default:
		if f.begun = firstLine(f.path, info.ModTime()); f.begun.After(now) {
			f.begun = now // the clock was set back
		}
	}
	probe, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	info, err = probe.Stat()
	return info, errors.Join(err, probe.Close())
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

// Write takes whole lines. The only error is that of a file that was closed; any
// other trouble is complained about.
func (f *file) Write(lines []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, os.ErrClosed
	}
	now := time.Now()
	if !f.failedAt.IsZero() {
		if wait := now.Sub(f.failedAt); wait >= 0 && wait < retryAfter {
			f.lost += bytes.Count(lines, newline)
			return len(lines), nil
		}
	}
	if n, err := f.put(now, lines); err != nil {
		f.lost += bytes.Count(lines[n:], newline)
		f.failed(now, err)
		return len(lines), nil
	}
	if !f.failedAt.IsZero() {
		f.complain.Info("The log file can be written again", "file", f.path, "lines_missing", f.lost)
		f.failedAt, f.complained, f.lost = time.Time{}, time.Time{}, 0
	}
	return len(lines), nil
}

var newline = []byte("\n")

// put writes lines to the file that the path names, after setting it aside if it is
// old enough.
func (f *file) put(now time.Time, lines []byte) (n int, err error) {
	if !f.failedAt.IsZero() || !f.isHeld() {
		if err := f.reopen(now); err != nil {
			return 0, err
		}
		// If the path names another file by the time out has opened it, out may write
		// to either, and is opened anew next time.
		defer func() {
			if !f.isHeld() {
				f.held = nil
			}
		}()
	}
	if f.maxAge > 0 && now.Sub(f.begun) >= f.maxAge {
		if err := f.out.RotateWithReason("age"); err != nil {
			return 0, err
		}
		f.begun, f.torn = now, false
	}
	if f.torn {
		if _, err := f.out.Write(newline); err != nil {
			return 0, err
		}
		f.torn = false
	}
	n, err = f.out.Write(lines)
	f.size += int64(n)
	f.torn = err != nil && n > 0 && n < len(lines)
	return n, err
}

// isHeld reports whether out writes to the file that the path names. Lines in a file
// that was moved away or deleted would never be seen. One that was made shorter, as
// logrotate's copytruncate does, is taken for another, so that its size is known.
func (f *file) isHeld() bool {
	if f.held == nil {
		return false
	}
	info, err := os.Stat(f.path)
	return err == nil && os.SameFile(f.held, info) && info.Size() >= f.size
}

// reopen has out write to the file that the path names now.
func (f *file) reopen(now time.Time) error {
	if f.out != nil {
		_ = f.out.Close() // of a file that is not looked at any more
	}
	before := f.held
	f.held, f.out = nil, &timberjack.Logger{
		Filename: f.path, MaxSize: f.options.MaxSizeMB, MaxBackups: f.options.MaxBackups, MaxAge: f.options.MaxAgeDays,
	}
	info, err := f.prepare(now)
	if err != nil {
		return err
	}
	if before == nil || !os.SameFile(before, info) {
		f.torn = false
	}
	f.held, f.size = info, info.Size()
	return nil
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
	if f.out == nil {
		return nil
	}
	return errors.Join(f.out.Sync(), f.out.Close())
}
