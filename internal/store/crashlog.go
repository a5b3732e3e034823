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
	"evergreen/internal/regular"
)

// maxCrashRead is how much of the text of a crash is read, in bytes: its first line
// says what it was.
const maxCrashRead = 64 << 10

// SetCrashLog has the Go runtime write the panic or fatal error that ends this process
// into a file of the state folder. It returns the first line of what the previous
// process of this bot left there; empty if it did not crash. The whole text stays
// beside the database, as evergreen-<bot>.crash.txt, until the next crash. After an
// error a crash leaves no text.
func SetCrashLog(dir string, of tokenlock.Fingerprint) (said string, err error) {
	path := strings.TrimSuffix(Path(dir, of), ".db") + ".crash"
	text, _, err := regular.Read(path, maxCrashRead)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if text = bytes.TrimSpace(text); len(text) > 0 {
		line, _, _ := bytes.Cut(text, []byte("\n"))
		said = string(line)
		// On a volume that renames nothing it is copied.
		if os.Rename(path, path+".txt") != nil {
			if err := regular.Write(path+".txt", text, 0o600); err != nil {
				return said, err
			}
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return said, err
	}
	f, err := regular.Open(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return said, err
	}
	defer func() { _ = f.Close() }() // the runtime has a copy of its own
	return said, debug.SetCrashOutput(f, debug.CrashOptions{})
}
