package tokenlock

import (
	"errors"
	"io/fs"
	"os"
)

// Inspect tells who owns the token that has the fingerprint, without becoming its
// owner and without making anything: nil if nobody does. The error says why that
// cannot be found out.
func Inspect(dir string, of Fingerprint) (*Holder, error) {
	path := lockPath(dir, of)
	holder := readHolder(path)
	if holder.PID == 0 {
		// Only an owner that is not there any more, or has begun this very moment,
		// has no name in the file. Trying the lock could get in the way of one that
		// begins.
		holder = awaitHolder(path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
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
	if err != nil || free {
		return nil, err
	}
	return &holder, nil
}
