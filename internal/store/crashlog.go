package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"evergreen/internal/process/tokenlock"
)

// SetCrashLog has the Go runtime write to a file of the state folder what it has
// to say if it ends this process, over a panic or a fatal error, and returns the
// first line of what it said as the previous process of this bot crashed; empty
// if that did not. The whole of that stays beside the database, as
// evergreen-<bot>.crash.txt, until the next crash. An error means that a crash
// would leave no word.
func SetCrashLog(dir string, of tokenlock.Fingerprint) (said string, err error) {
	path := strings.TrimSuffix(Path(dir, of), ".db") + ".crash"
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if text = bytes.TrimSpace(text); len(text) > 0 {
		line, _, _ := bytes.Cut(text, []byte("\n"))
		said = string(line)
		if err := os.Rename(path, path+".txt"); err != nil {
			return said, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return said, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return said, err
	}
	defer func() { _ = f.Close() }() // the runtime has a copy of its own
	return said, debug.SetCrashOutput(f, debug.CrashOptions{})
}
