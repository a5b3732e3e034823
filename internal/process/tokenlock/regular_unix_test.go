//go:build unix

package tokenlock

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Given a pipe, a folder or a device where the lock is expected, then the bot starts
// at once and says why there is no lock; a look at it does not wait either.
func TestWhatIsNoLockFileIsNotOpened(t *testing.T) {
	of := FingerprintOf(token)
	for name, make := range map[string]func(path string) error{
		"a pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a device": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		dir := t.TempDir()
		if err := make(lockPath(dir, of)); err != nil {
			t.Fatal(err)
		}
		if err := acquire(t, dir, Options{}).Err(); err == nil || !strings.Contains(err.Error(), "it is "+name) {
			t.Errorf("%s: the lock says %v", name, err)
		}
		if holder, err := Inspect(dir, of); holder != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: a look says %v, %v", name, holder, err)
		}
	}
}
