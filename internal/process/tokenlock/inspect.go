package tokenlock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"evergreen/internal/process/host"
	"evergreen/internal/regular"
)

// Inspect returns the process that holds the token with this fingerprint, or nil. It
// does not take the lock and makes no file. The error says why that cannot be known.
func Inspect(dir string, of Fingerprint) (*Holder, error) { return inspect(lockPath(dir, of)) }

// InspectAll returns the processes that hold a token in this folder, whichever bots they
// run, and how many bots have left a lock file there.
func InspectAll(dir string) (holders []Holder, bots int, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, file := range files {
		if name := file.Name(); !strings.HasPrefix(name, lockPrefix) || !strings.HasSuffix(name, lockSuffix) {
			continue
		}
		bots++
		holder, failed := inspect(filepath.Join(dir, file.Name()))
		if holder != nil {
			holders = append(holders, *holder)
		}
		err = errors.Join(err, failed)
	}
	return holders, bots, err
}

func inspect(path string) (*Holder, error) {
	holder := readHolder(path)
	if holder.PID == 0 {
		// The file is empty after a release, and for a moment while a holder starts.
		// Trying the lock could get in the way of the latter.
		holder = awaitHolder(path)
	}
	f, err := regular.Open(path, os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	defer f.Close()
	if holder.PID == 0 {
		return nil, nil // released in order
	}
	free, err := tryLock(f)
	switch {
	case err == nil && !free:
		return &holder, nil
	case err == nil || host.IsUnsupported(err):
		// Where files cannot be locked, or not by all, the socket tells.
		if other, alive := holder.ask(Holder{}); alive && (other.ID == holder.ID || other.ID == "") {
			return &holder, nil
		}
		err = nil
	}
	return nil, err
}
