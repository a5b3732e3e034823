package doctor

import (
	"context"
	"fmt"
	"strconv"

	"evergreen/internal/health"
	"evergreen/internal/process/host"
	"evergreen/internal/store"
)

// The share of the memory limit in use that is worth a warning, and from which the
// kernel may kill at any moment.
const (
	memoryWarn = 0.85
	memoryFail = 0.97
)

// checkMemory compares the memory in use with the limit, and looks for kills.
func (x *examination) checkMemory(context.Context) Finding {
	machine, who := x.runningMachine()
	m := machine.Memory()
	if _, _, known := m.Bound(); !known {
		return pass("how much memory there is is not told by this system")
	}
	f := pass(m.Of(who))
	if m.Limit > 0 {
		f = f.with(fmt.Sprintf("limit of the control group %s (version %d): %s", m.Group, m.Version, host.Size(m.Limit)))
	} else {
		f = f.with("no limit of a control group; the machine has " + host.Size(m.Total))
	}
	if m.Kills >= 0 {
		f = f.with(fmt.Sprintf("killed for memory: %d in this control group, %s on the machine since it was started", m.Kills, countOrUnknown(m.HostKills)))
	}
	more := "Give the container or host more memory, or take something away that runs beside the bot; DISCORD_READ_LIMIT bounds the largest payload."
	switch share := m.Share(); {
	case share >= memoryFail:
		f.Level, f.Says, f.Next, f.Cause = Fail, "memory has run out: "+m.Of(who), []string{more}, health.OutOfMemory
	case share >= memoryWarn:
		f.raise(Warn)
		f.Says, f.Next, f.Cause = "memory is tight: "+m.Of(who), []string{more}, health.OutOfMemory
	}
	killed := x.holder == nil && x.summary.End == store.EndOutOfMemory // of one that runs the end is not known
	if m.Kills > 0 || killed {
		f.raise(Warn)
		f.Next, f.Cause = []string{more, "See what was killed: journalctl -k | grep -i 'out of memory', or dmesg -T."}, health.OutOfMemory
		if killed {
			f = f.with("the last run of the bot was killed for memory, at " + localTime(x.summary.Last.Alive))
		}
		if f.Level == Warn && m.Share() < memoryWarn {
			f.Says = "the kernel has killed for memory: " + m.Of(who)
		}
	}
	return f
}

// runningMachine returns the machine as the running instance sees it, if that can
// be read, else as this process does: their limits may differ.
func (x *examination) runningMachine() (host.Machine, string) {
	if x.holder != nil && x.holder.PID > 0 {
		its := x.Machine
		its.Process = x.holder.PID
		if its.Memory().RSS > 0 {
			return its, fmt.Sprintf("the running instance (process %d)", x.holder.PID)
		}
	}
	return x.Machine, "this process"
}

func countOrUnknown(n int64) string {
	if n < 0 {
		return "an unknown number"
	}
	return strconv.FormatInt(n, 10)
}

// A bot opens few files: two connections, the database, the log, requests to REST
// and the clients of the API.
const (
	filesWarn = 1024
	filesFail = 128
)

// checkFiles checks how many files may be open.
func (x *examination) checkFiles(context.Context) Finding {
	machine, _ := x.runningMachine()
	files := machine.Files()
	next := "Raise it: LimitNOFILE=65536 in the systemd unit, ulimit -n in a shell, ulimits in a compose file."
	switch {
	case files.Limit < 0:
		return pass("no limit")
	case files.Limit == 0:
		return pass("the limit is not told by this system")
	case files.Limit < filesFail:
		return fail(fmt.Sprintf("%d files and sockets may be open at once: too few", files.Limit), next)
	case files.Limit < filesWarn:
		return warn(fmt.Sprintf("%d files and sockets may be open at once, which is little", files.Limit), next)
	}
	return pass(fmt.Sprintf("%d files and sockets may be open at once", files.Limit))
}
