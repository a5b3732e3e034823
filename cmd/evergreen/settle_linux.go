package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// settle gives back to the system what only the start or something rare has
// needed: free memory of the heap, and the pages of the program's own code and
// constants, which the kernel maps in large pieces around each touch. Those in
// use come back from the page cache at the next touch, for some microseconds
// each. Nothing is lost when it fails.
func settle() {
	debug.FreeOSMemory()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if from, size, ok := readOnly(lines.Text(), self); ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, size, unix.MADV_DONTNEED)
		}
	}
}

// readOnly reads a line of /proc/self/maps and reports where a part of the
// program lies that cannot be written to: only such a part is the same again
// when it is read anew.
func readOnly(line, self string) (from, size uintptr, ok bool) {
	var to, offset, inode uintptr
	var mode, device string
	n, err := fmt.Sscanf(line, "%x-%x %s %x %s %d", &from, &to, &mode, &offset, &device, &inode)
	if err != nil || n != 6 || strings.Contains(mode, "w") || !strings.HasSuffix(mode, "p") || !strings.HasSuffix(line, " "+self) || to <= from {
		return 0, 0, false
	}
	return from, to - from, true
}
