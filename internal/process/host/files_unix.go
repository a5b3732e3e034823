//go:build unix

package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func openFileLimit() int64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	if uint64(limit.Cur) >= unlimited {
		return -1
	}
	return int64(limit.Cur)
}

func space(path string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Disk{}, fmt.Errorf("asking how much room is left at %s: %w", path, err)
	}
	d := Disk{
		Free: int64(s.Bavail) * int64(s.Bsize), Total: int64(s.Blocks) * int64(s.Bsize),
		Inodes: int64(s.Ffree),
	}
	if s.Files == 0 {
		d.Inodes = -1 // made as they are needed
	}
	return d, nil
}
