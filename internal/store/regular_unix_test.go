//go:build unix

package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/internal/process/tokenlock"
	"evergreen/internal/regular"

	"golang.org/x/sys/unix"
)

// oddities make something else than a file at a path.
var oddities = map[string]func(path string) error{
	"pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
	"folder": func(path string) error { return os.MkdirAll(filepath.Join(path, "full"), 0o700) },
	"device": func(path string) error { return os.Symlink("/dev/zero", path) },
}

// Given a pipe, a folder or a device where the text of a crash is expected, then the
// start goes on at once without it, with an error for the log.
func TestWhatIsNoCrashLogIsSkipped(t *testing.T) {
	of := tokenlock.FingerprintOf(token)
	for name, make := range oddities {
		dir := t.TempDir()
		if err := make(strings.TrimSuffix(Path(dir, of), ".db") + ".crash"); err != nil {
			t.Fatal(err)
		}
		said, err := SetCrashLog(dir, of)
		if _, odd := errors.AsType[*regular.NotRegularError](err); said != "" || !odd {
			t.Errorf("%s: said %q, %v", name, said, err)
		}
	}
}

// Given the text of a crash of 64 GiB, then its first line is told.
func TestHugeCrashLogCostsNothing(t *testing.T) {
	of, dir := tokenlock.FingerprintOf(token), t.TempDir()
	path := strings.TrimSuffix(Path(dir, of), ".db") + ".crash"
	if err := os.WriteFile(path, []byte("panic: it was too much\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 64<<30); err != nil {
		t.Skip(err)
	}
	if said, err := SetCrashLog(dir, of); said != "panic: it was too much" || err != nil {
		t.Errorf("said %q, %v", said, err)
	}
}

// Given a pipe, a folder or a device where the database or its log is expected, then
// the bot runs without it at once and the disk's state says what lies there; doctor
// and status, which only look, say so too.
func TestWhatIsNoDatabaseIsNotOpened(t *testing.T) {
	of := tokenlock.FingerprintOf(token)
	for name, make := range oddities {
		for _, suffix := range []string{"", "-wal"} {
			dir := t.TempDir()
			if suffix != "" {
				if err := os.WriteFile(Path(dir, of), bytes.Repeat([]byte("SQLite"), 1000), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := make(Path(dir, of) + suffix); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), Options{Dir: dir, Fingerprint: of})
			if err != nil {
				t.Fatal(err)
			}
			if state := s.State(); state.OK || !strings.Contains(state.Reason, "not a regular file") {
				t.Errorf("%s%s: the state of the disk is %+v", name, suffix, state)
			}
			_ = s.Close(t.Context())
			if _, err := Inspect(t.Context(), dir, of); suffix == "" && (err == nil || !strings.Contains(err.Error(), "not a regular file")) {
				t.Errorf("%s%s: inspected: %v", name, suffix, err)
			}
		}
	}
}
