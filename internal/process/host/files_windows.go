package host

import (
	"fmt"

	"golang.org/x/sys/windows"
)

func openFileLimit() int64 { return -1 } // there is none worth speaking of

func space(path string) (Disk, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return Disk{}, fmt.Errorf("asking how much room is left at %s: %w", path, err)
	}
	var free, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, &total, &all); err != nil {
		return Disk{}, fmt.Errorf("asking how much room is left at %s: %w", path, err)
	}
	return Disk{Free: int64(free), Total: int64(total), Inodes: -1}, nil
}
