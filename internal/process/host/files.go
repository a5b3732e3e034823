package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Files is how many files and sockets this process may have open at once.
type Files struct {
	// Limit is the soft limit, which the Go runtime has raised to the hard one
	// where it may. 0 if it is not known; -1 if there is none.
	Limit int64
	// Open is how many there are now; 0 if that is not known.
	Open int64
}

// Files reads it: on Linux from /proc/self, elsewhere from the system.
func (m Machine) Files() Files {
	var f Files
	if text, ok := m.read(m.own("limits")); ok {
		for line := range strings.Lines(text) {
			rest, found := strings.CutPrefix(line, "Max open files")
			words := strings.Fields(rest)
			switch {
			case !found || len(words) == 0:
			case words[0] == "unlimited":
				f.Limit = -1
			default:
				f.Limit, _ = strconv.ParseInt(words[0], 10, 64)
			}
		}
	} else if !m.staged() && m.Process == 0 {
		f.Limit = openFileLimit()
	}
	if open, err := os.ReadDir(filepath.Join(m.Root, m.own("fd"))); err == nil {
		f.Open = int64(len(open))
		if !m.staged() && m.Process == 0 {
			f.Open-- // the one that lists them
		}
	}
	return f
}

// Disk is how much room a file system has, in bytes.
type Disk struct {
	// Free is what this user may still write, Total what there is at all.
	Free, Total int64
	// Inodes is how many more files there may be; -1 if there is no such limit.
	Inodes int64
}

// Disk tells how much room there is where path is. The path is one of this
// machine, also if the rest of the machine is staged.
func (m Machine) Disk(path string) (Disk, error) {
	if m.Space != nil {
		return m.Space(path)
	}
	return space(path)
}
