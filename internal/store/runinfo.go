package store

import (
	"bytes"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"evergreen/clock"
	machine "evergreen/internal/process/host"
)

// hostInfo is what a run records of the machine.
type hostInfo struct {
	pid int
	// boot changes with every start of the machine; empty if it is not known.
	boot string
	// slept reads for how long the machine has been suspended since it booted;
	// negative if that is not known.
	slept func() time.Duration
	// uptime reads for how long the machine has been up, asleep or not; negative if that
	// is not known.
	uptime func() time.Duration
	// oom reads how often the kernel has killed for memory.
	oom func() oomCount
}

// oomCount is how many processes the kernel has killed because memory ran out:
// in this cgroup, and on this machine since it was started. A count is -1 where
// it cannot be read.
type oomCount struct {
	cgroup           string
	ofCgroup, ofHost int64
}

func thisHost() hostInfo {
	return hostInfo{
		pid: os.Getpid(), boot: machine.Machine{}.Boot().ID,
		oom: func() oomCount { return readOOM(os.ReadFile) },
		slept: func() time.Duration {
			if slept, ok := (machine.Machine{}).Slept(); ok {
				return slept
			}
			return -1
		},
		uptime: func() time.Duration {
			if up, ok := clock.SinceBoot(); ok {
				return up
			}
			return -1
		},
	}
}

// noHost returns a hostInfo without facts.
func noHost(pid int) hostInfo {
	return hostInfo{
		pid:    pid,
		oom:    func() oomCount { return oomCount{ofCgroup: -1, ofHost: -1} },
		slept:  func() time.Duration { return -1 },
		uptime: func() time.Duration { return -1 },
	}
}

// readOOM reads the counters of Linux; elsewhere none of the files is there.
func readOOM(read func(string) ([]byte, error)) oomCount {
	c := oomCount{ofCgroup: -1, ofHost: -1}
	if text, err := read("/proc/vmstat"); err == nil {
		c.ofHost = field(text, "oom_kill")
	}
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return c
	}
	for line := range strings.Lines(string(groups)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		file := ""
		switch {
		case part[0] == "0" && part[1] == "":
			file = path.Join("/sys/fs/cgroup", part[2], "memory.events")
		case strings.Contains(part[1], "memory"): // version 1
			file = path.Join("/sys/fs/cgroup/memory", part[2], "memory.oom_control")
		default:
			continue
		}
		if text, err := read(file); err == nil {
			c.cgroup, c.ofCgroup = part[2], field(text, "oom_kill")
			return c
		}
	}
	return c
}

// field returns the number that follows a name, -1 without one.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(name)) {
			continue // there are hundreds
		}
		words := bytes.Fields(line)
		if len(words) == 2 && string(words[0]) == name {
			if n, err := strconv.ParseInt(string(words[1]), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}
