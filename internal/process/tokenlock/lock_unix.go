//go:build unix

package tokenlock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock that ends with the file's last handle, so with the
// process at the latest; false means another process has it. It belongs to this
// handle: children do not inherit it and other handles of this process do not
// share it.
func tryLock(f *os.File) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		default:
			return false, &os.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
	}
}
