// Package host reads the limits the machine sets to this process: memory, files, disk
// and sleep.
//
// A [Machine] answers at once, from the system's files (/proc, /sys, /etc on Linux) or
// from a system call where there are none. What a system does not tell is unknown and
// never an error, so that no bot stays offline over a number. Nothing is cached or
// watched: for a trend, ask again.
package host

import (
	"bytes"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"evergreen/internal/regular"
)

// Machine is the computer, or container, that this process runs on. The zero
// Machine is the real one. Safe for use by many goroutines.
type Machine struct {
	// Root is put in front of every file that is read, so that another machine
	// can be staged in a folder: Root/proc/self/cgroup and so on. With a Root,
	// the system is asked nothing that is not in a file. Default: this machine.
	Root string
	// Process is whose memory and files [Machine.Memory] and [Machine.Files] tell,
	// by its number; another one only where there is /proc, and only what this
	// process may read of it. 0: this process.
	Process int
	// Space replaces the question to the file system, see [Machine.Disk].
	Space func(path string) (Disk, error)
	// Volumes replaces the trial of what a volume can do, see [Machine.Volume].
	Volumes func(dir string) (Volume, error)
	// System is which settings are looked for, as in runtime.GOOS. Default: those
	// of this system, and with a Root those of Linux.
	System string
	// Tool replaces the system's own tool where settings are not in files
	// (pmset, powercfg), see [Machine.Sleep].
	Tool func(name string, args ...string) ([]byte, error)
}

// staged reports whether the machine is one in a folder.
func (m Machine) staged() bool { return m.Root != "" }

// system is whose settings there are.
func (m Machine) system() string {
	switch {
	case m.System != "":
		return m.System
	case m.staged():
		return "linux"
	}
	return runtime.GOOS
}

// own is a file in which the system tells something of the process.
func (m Machine) own(file string) string {
	if m.Process > 0 {
		return "/proc/" + strconv.Itoa(m.Process) + "/" + file
	}
	return "/proc/self/" + file
}

// read returns a file of the machine without the white space around it; ok is
// false if it cannot be read.
func (m Machine) read(path string) (text string, ok bool) {
	content, _, err := regular.Read(filepath.Join(m.Root, path), maxFile)
	return strings.TrimSpace(string(content)), err == nil
}

// maxFile is how much of a file is read, in bytes.
const maxFile = 1 << 20

// number reads a file that holds one number.
func (m Machine) number(path string) (n int64, ok bool) {
	text, ok := m.read(path)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// field returns the number that follows a name at the beginning of a line;
// a colon after the name and a unit after the number are allowed.
func field(text, name string) (n int64, ok bool) {
	for line := range bytes.Lines([]byte(text)) {
		words := strings.Fields(string(line))
		if len(words) >= 2 && strings.TrimSuffix(words[0], ":") == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
