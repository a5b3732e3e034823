package doctor

import (
	"context"
	"fmt"
	"strconv"

	"evergreen/internal/health"
	"evergreen/internal/process/host"
	"evergreen/internal/store"
)

// The shares of the memory limit from which it is tight, and from which the
// kernel may kill at any moment.
const (
	tight  = 0.85
	choked = 0.97
)

// checkMemory compares what is taken with what there is, and looks for kills.
func (v *visit) checkMemory(context.Context) Finding {
	machine, who := v.body()
	m := machine.Memory()
	if _, _, known := m.Bound(); !known {
		return pass("how much memory there is is not told by this system")
	}
	f := pass(m.Of(who))
	if m.Limit > 0 {
		f = f.saw(fmt.Sprintf("limit of the control group %s (version %d): %s", m.Group, m.Version, host.Size(m.Limit)))
	} else {
		f = f.saw("no limit of a control group; the machine has " + host.Size(m.Total))
	}
	if m.Kills >= 0 {
		f = f.saw(fmt.Sprintf("killed for memory: %d in this control group, %s on the machine since it was started", m.Kills, orUnknown(m.HostKills)))
	}
	more := "Give the container or host more memory, or take something away that runs beside the bot; DISCORD_READ_LIMIT bounds the largest payload."
	switch share := m.Share(); {
	case share >= choked:
		f.Level, f.Says, f.Next, f.Cause = Fail, "memory has run out: "+m.Of(who), []string{more}, health.OutOfMemory
	case share >= tight:
		f.worst(Warn)
		f.Says, f.Next, f.Cause = "memory is tight: "+m.Of(who), []string{more}, health.OutOfMemory
	}
	killed := v.holder == nil && v.glance.End == store.EndOutOfMemory // of one that runs the end is not known
	if m.Kills > 0 || killed {
		f.worst(Warn)
		f.Next, f.Cause = []string{more, "See what was killed: journalctl -k | grep -i 'out of memory', or dmesg -T."}, health.OutOfMemory
		if killed {
			f = f.saw("the last run of the bot was killed for memory, at " + moment(v.glance.Last.Alive))
		}
		if f.Level == Warn && m.Share() < tight {
			f.Says = "the kernel has killed for memory: " + m.Of(who)
		}
	}
	return f
}

// body is the machine as the running instance has it, whose limits may be others
// than those of the doctor's shell, where it can be seen from here; else as this
// process has it.
func (v *visit) body() (host.Machine, string) {
	if v.holder != nil && v.holder.PID > 0 {
		its := v.Machine
		its.Process = v.holder.PID
		if its.Memory().RSS > 0 {
			return its, fmt.Sprintf("the running instance (process %d)", v.holder.PID)
		}
	}
	return v.Machine, "this process"
}

func orUnknown(n int64) string {
	if n < 0 {
		return "an unknown number"
	}
	return strconv.FormatInt(n, 10)
}

// What a bot needs of open files: one connection, a spare one, the database and
// its logs, the requests to REST and the clients of the API.
const (
	filesWarn = 1024
	filesFail = 128
)

// checkFiles looks at how many files may be open.
func (v *visit) checkFiles(context.Context) Finding {
	machine, _ := v.body()
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
