//go:build unix

package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// IsWritable reports whether this user may make files in a folder, without making one.
func IsWritable(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }

// probeFile tries to map and to lock a file.
func probeFile(f *os.File) (mapping, lock, fileLock error) {
	fd := int(f.Fd())
	shared, err := unix.Mmap(fd, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err == nil {
		_ = unix.Munmap(shared)
	}
	part := unix.Flock_t{Type: unix.F_WRLCK, Start: 0, Len: 1}
	return err, unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &part), unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
}
