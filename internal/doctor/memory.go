package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"evergreen/internal/health"
	"evergreen/internal/host"
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
	m := v.Machine.Memory()
	_, most, known := m.Bound()
	if !known {
		return pass("how much memory there is is not told by this system")
	}
	f := pass(m.String())
	if m.Limit > 0 {
		f = f.saw(fmt.Sprintf("limit of the control group %s (version %d): %s", m.Group, m.Version, host.Size(m.Limit)))
	} else {
		f = f.saw("no limit of a control group; the machine has " + host.Size(m.Total))
	}
	if m.Kills >= 0 {
		f = f.saw(fmt.Sprintf("killed for memory: %d in this control group, %s on the machine since it was started", m.Kills, orUnknown(m.HostKills)))
	}
	if rss := v.bodyOf(); rss > 0 {
		f = f.saw(fmt.Sprintf("the running instance (process %d) takes %s, %.0f %% of the limit", v.holder.PID, host.Size(rss), 100*float64(rss)/float64(most)))
	}
	more := "Give the container or host more memory, or take something away that runs beside the bot; DISCORD_READ_LIMIT bounds the largest payload."
	switch share := m.Share(); {
	case share >= choked:
		f.Level, f.Says, f.Next, f.Cause = Fail, "memory has run out: "+m.String(), []string{more}, health.OutOfMemory
	case share >= tight:
		f.worst(Warn)
		f.Says, f.Next, f.Cause = "memory is tight: "+m.String(), []string{more}, health.OutOfMemory
	}
	killed := v.holder == nil && v.glance.End == store.EndOutOfMemory // of one that runs the end is not known
	if m.Kills > 0 || killed {
		f.worst(Warn)
		f.Next, f.Cause = []string{more, "See what was killed: journalctl -k | grep -i 'out of memory', or dmesg -T."}, health.OutOfMemory
		if killed {
			f = f.saw("the last run of the bot was killed for memory, at " + moment(v.glance.Last.Alive))
		}
		if f.Level == Warn && m.Share() < tight {
			f.Says = "the kernel has killed for memory: " + m.String()
		}
	}
	return f
}

// bodyOf is the RSS of the running instance in bytes, where it can be seen from
// here; else 0.
func (v *visit) bodyOf() int64 {
	if v.holder == nil || v.holder.PID == 0 {
		return 0
	}
	text, err := os.ReadFile(filepath.Join("/", v.Machine.Root, "proc", strconv.Itoa(v.holder.PID), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
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
	files := v.Machine.Files()
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
