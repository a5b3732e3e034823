package logging

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/DeRuina/timberjack"
)

// backups lists the files set aside beside path.
func backups(t *testing.T, path string) []string {
	t.Helper()
	list, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "-*.log")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A folder that is missing is made, for the owner and its group only, and so is
// the file; an older file is gone on with.
func TestFileIsMadeAndContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "logs", "bot.log")
	for _, run := range []string{"first run", "second run"} {
		l, _ := newLogger(t, Options{File: path})
		l.Info(run)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := withoutTime(t, read(t, path)); got != "[INFO] first run\n[INFO] second run\n" {
		t.Errorf("the file holds %q", got)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o007 != 0 {
			t.Errorf("everybody may use %s: %s", p, info.Mode())
		}
	}
}

// A file that is full is set aside, and only so many of those are kept.
func TestFileIsSetAsideBySize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	l, console := newLogger(t, Options{Level: slog.LevelDebug, File: path, MaxSizeMB: 1, MaxBackups: 2})
	line := strings.Repeat("x", 15<<10)
	for n := range 350 { // five files and a bit
		l.Debug(line)
		if n%50 == 0 {
			console.settle() // a disk is slower than this
		}
	}
	if err := l.Close(); err != nil { // waits for the housekeeping
		t.Fatal(err)
	}
	set := backups(t, path)
	if len(set) < 2 || len(set) > 3 { // the last turn may not have been tidied up yet
		t.Errorf("set aside: %q", set)
	}
	for _, p := range append(set, path) {
		if info, err := os.Stat(p); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s: %v %v", p, info.Size(), err)
		}
		withoutTime(t, read(t, p)) // every file holds whole lines
	}
}

// A file is set aside for its age, also when the bot was restarted in between,
// and one set aside long ago is deleted.
func TestFileIsSetAsideByAge(t *testing.T) {
	for _, format := range []Format{Text, JSON} {
		dir := t.TempDir()
		path := filepath.Join(dir, "bot.log")
		synctest.Test(t, func(t *testing.T) {
			o := Options{File: path, MaxAgeDays: 2, Format: format, Console: &bytes.Buffer{}}
			for start := range 6 { // a bot that is restarted once a day
				l, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				l.Info(fmt.Sprint("day ", start))
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
		var days []string
		for _, p := range append(backups(t, path), path) {
			days = append(days, fmt.Sprint(strings.Count(read(t, p), "\n")))
		}
		// The two lines of the first two days were deleted when they had been
		// set aside for two days.
		if got := strings.Join(days, " "); got != "2 2" {
			t.Errorf("%s: the files hold %s lines", format, got)
		}
		l, _ := newLogger(t, Options{File: path, MaxAgeDays: 2, Format: format})
		old := filepath.Join(dir, "bot-1999-12-01T00-00-00.000-age.log")
		if err := os.WriteFile(old, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		l.Info("later")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(backups(t, path), old) {
			t.Error("a file set aside long ago is still there")
		}
	}
}

// Given a path that cannot be a log file, the bot starts, says so once on the
// console and goes on there.
func TestFileThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	occupied := filepath.Join(dir, "occupied")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a folder": dir, "below a file": filepath.Join(occupied, "bot.log"), "a device": os.DevNull} {
		t.Run(name, func(t *testing.T) {
			l, console := newLogger(t, Options{File: path})
			l.Info("one")
			l.Info("two")
			lines := strings.Split(withoutTime(t, console.String()), "\n")
			if len(lines) != 4 || !strings.HasPrefix(lines[0], "[WARNING] Log: The log file cannot be written; the bot goes on without it") ||
				!strings.Contains(lines[0], "LOG_FILE") || lines[1] != "[INFO] one" || lines[2] != "[INFO] two" {
				t.Errorf("the console shows %q", lines)
			}
		})
	}
}

// Given a file that cannot be written for ten minutes, when it can be written
// again, then the log goes on by itself and says how many lines are missing.
func TestFileComesBack(t *testing.T) {
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	if err := os.WriteFile(logs, nil, 0o600); err != nil { // stands where the folder has to be
		t.Fatal(err)
	}
	path := filepath.Join(logs, "bot.log")
	synctest.Test(t, func(t *testing.T) {
		l, console := newLogger(t, Options{File: path})
		for range 10 {
			time.Sleep(time.Minute)
			l.Info("lost")
		}
		console.settle()
		if err := os.Remove(logs); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.Info("kept")
		shown := withoutTime(t, console.String())
		if n := strings.Count(shown, "cannot be written"); n != 2 { // at the start, and ten minutes later
			t.Errorf("%d complaints:\n%s", n, shown)
		}
		if !strings.Contains(shown, "[INFO] Log: The log file can be written again file="+path+" lines_missing=10\n") {
			t.Errorf("the console shows\n%s", shown)
		}
		if got := withoutTime(t, read(t, path)); got != "[INFO] kept\n" {
			t.Errorf("the file holds %q", got)
		}
	})
}

// A file that somebody deletes or moves away is begun anew.
func TestFileMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	l, console := newLogger(t, Options{File: path})
	l.Info("one")
	console.settle()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Info("two")
	console.settle()
	if got := withoutTime(t, read(t, path)); got != "[INFO] two\n" {
		t.Errorf("the file holds %q", got)
	}
	if got := withoutTime(t, console.String()); got != "[INFO] one\n[INFO] two\n" {
		t.Errorf("the console shows %q", got)
	}
}

// Given a disk that is full, every line reaches the console, with one warning
// among them.
func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no device that is always full")
	}
	dir := t.TempDir()
	full := filepath.Join(dir, "full.log")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	l, console := newLogger(t, Options{File: filepath.Join(dir, "bot.log")})
	l.Info("zero")
	console.settle()
	if err := l.file.out.Close(); err != nil {
		t.Fatal(err)
	}
	l.file.out = &timberjack.Logger{Filename: full}
	l.Info("one")
	console.settle()
	l.Info("two")
	shown := withoutTime(t, console.String())
	if strings.Count(shown, "\n") != 4 || !strings.Contains(shown, "[INFO] one\n") || strings.Count(shown, "no space left") != 1 || !strings.HasSuffix(shown, "[INFO] two\n") {
		t.Errorf("the console shows %q", shown)
	}
	// There is nothing to write out to a device at the end.
	if err := l.file.out.Close(); err != nil {
		t.Error(err)
	}
}

// A line for which there was only half the room does not run into the next one.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	l, console := newLogger(t, Options{File: path})
	l.Info("torn")
	console.settle()
	l.file.torn = true
	l.Info("whole")
	l.Info("whole too")
	console.settle()
	lines := strings.Split(read(t, path), "\n")
	if len(lines) != 5 || lines[1] != "" || !strings.HasSuffix(lines[2], "whole") || !strings.HasSuffix(lines[3], "whole too") {
		t.Errorf("the file holds %q", lines)
	}
}

// rotations are how a program such as logrotate sets a file aside.
var rotations = map[string]func(t *testing.T, path string){
	"move and create": func(t *testing.T, path string) {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o640); err != nil {
			t.Fatal(err)
		}
	},
	"copy and truncate": func(t *testing.T, path string) {
		if err := os.WriteFile(path+".1", []byte(read(t, path)), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	},
}

// Given a log that another program rotates, then the next line is in the file that has
// the name now, also when that already holds something, and none is in the old one.
func TestFileRotatedFromOutside(t *testing.T) {
	for name, rotate := range rotations {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bot.log")
			l, console := newLogger(t, Options{File: path})
			for _, line := range []string{"one", "two", "three"} {
				l.Info(line)
				l.Info(line + " too")
				console.settle()
				if got := withoutTime(t, read(t, path)); got != "[INFO] "+line+"\n[INFO] "+line+" too\n" {
					t.Errorf("the file holds %q", got)
				}
				rotate(t, path)
				if got := withoutTime(t, read(t, path+".1")); got != "[INFO] "+line+"\n[INFO] "+line+" too\n" {
					t.Errorf("the file set aside holds %q", got)
				}
			}
			if set := backups(t, path); len(set) != 0 {
				t.Errorf("it was set aside a second time: %q", set)
			}
			if got := console.String(); strings.Contains(got, "WARNING") {
				t.Errorf("the console complains: %s", got)
			}
		})
	}
}

// A file that was cut by another program counts anew towards its size.
func TestFileCutFromOutsideHasItsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	l, console := newLogger(t, Options{Level: slog.LevelDebug, File: path, MaxSizeMB: 1})
	half := func() {
		for range 50 {
			l.Debug(strings.Repeat("x", 12<<10))
		}
		console.settle()
	}
	half()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	half()
	if set := backups(t, path); len(set) != 0 {
		t.Errorf("set aside before it was full: %q", set)
	}
	half()
	if set := backups(t, path); len(set) != 1 {
		t.Errorf("set aside when it was full: %q", set)
	}
}

// A file that another program exchanges while it is being opened is noticed with the
// next line.
func TestFileExchangedWhileItIsOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	l, console := newLogger(t, Options{File: path})
	if err := l.file.reopen(time.Now()); err != nil {
		t.Fatal(err)
	}
	other, err := os.Create(path + ".other")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other.Name(), path); err != nil {
		t.Fatal(err)
	}
	l.Info("one")
	console.settle()
	if got := withoutTime(t, read(t, path)); got != "[INFO] one\n" {
		t.Errorf("the file holds %q", got)
	}
}
