package host

import (
	"fmt"
	"path"
	"runtime/metrics"
	"strconv"
)

// Memory is how much memory there is, and how much of it is taken. Sizes are in
// bytes; one that the system does not tell is 0.
type Memory struct {
	// Limit is where the kernel begins to kill: the least of what this control
	// group and those above it may take. 0 if none of them has a limit.
	Limit int64
	// Group is the control group, as the kernel calls it, and Version that of
	// its kind, 1 or 2; 0 without one.
	Group   string
	Version int
	// Used is what the processes of the group take together, without what the
	// kernel could drop at once (unused file cache).
	Used int64
	// RSS is what this process takes.
	RSS int64
	// Total and Available are those of the whole machine.
	Total, Available int64
	// Kills is how many processes the kernel has killed for memory in this group
	// since it was made; HostKills on this machine since it was started. -1 if
	// that is not known.
	Kills, HostKills int64
}

// Bound returns what is taken and what there is of what will run out first: the
// group's limit, or without one the machine's memory. ok is false when neither
// is known.
func (m Memory) Bound() (used, most int64, ok bool) {
	switch {
	case m.Limit > 0 && m.Used > 0:
		return m.Used, m.Limit, true
	case m.Limit > 0 && m.RSS > 0:
		return m.RSS, m.Limit, true
	case m.Limit == 0 && m.Total > 0 && m.Available > 0:
		return m.Total - m.Available, m.Total, true
	}
	return 0, 0, false
}

// Granted is how much memory there is for the group: its limit, or without one the
// machine's memory; 0 if neither is known.
func (m Memory) Granted() int64 {
	if m.Limit > 0 {
		return m.Limit
	}
	return m.Total
}

// Share is how much of the bound is taken, from 0 to 1; 0 when that is not
// known.
func (m Memory) Share() float64 {
	used, most, ok := m.Bound()
	if !ok {
		return 0
	}
	return float64(used) / float64(most)
}

// String says it for a person: "37 MiB of 256 MiB (14 %); this process takes
// 31 MiB".
func (m Memory) String() string { return m.Of("this process") }

// Of says it of the named process: "37 MiB of 256 MiB (14 %); who takes 31 MiB".
func (m Memory) Of(who string) string {
	used, most, ok := m.Bound()
	text := "How much memory is left is not known"
	if ok {
		text = fmt.Sprintf("%s of %s (%.0f %%)", Size(used), Size(most), 100*m.Share())
	}
	if m.RSS > 0 {
		text += "; " + who + " takes " + Size(m.RSS)
	}
	return text
}

// Size writes a number of bytes for a person.
func Size(bytes int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(bytes), 0
	for ; value >= 1024 && unit < len(units)-1; unit++ {
		value /= 1024
	}
	if unit == 0 || value >= 10 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// unlimited is from where on a limit of version 1 means that there is none: it
// writes the largest number of whole pages.
const unlimited = 1 << 60

// groupFiles are where the two versions tell the same.
var groupFiles = map[int]struct{ limit, used, stat, inactive, kills string }{
	1: {"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file", "memory.oom_control"},
	2: {"memory.max", "memory.current", "memory.stat", "inactive_file", "memory.events"},
}

// Memory reads it: on Linux from /proc and the control group. Elsewhere RSS is
// what the Go runtime has taken, and the rest is not known.
func (m Machine) Memory() Memory {
	mem := Memory{Kills: -1, HostKills: -1, RSS: m.rss()}
	if text, ok := m.read("/proc/meminfo"); ok {
		mem.Total, _ = field(text, "MemTotal")
		mem.Available, _ = field(text, "MemAvailable")
		mem.Total, mem.Available = mem.Total*1024, mem.Available*1024
	}
	if text, ok := m.read("/proc/vmstat"); ok {
		if n, ok := field(text, "oom_kill"); ok {
			mem.HostKills = n
		}
	}
	g, ok := m.group("memory")
	if !ok {
		return mem
	}
	mem.Group, mem.Version = g.name, g.version
	file := groupFiles[g.version]
	g.up(func(dir string) {
		if n, ok := m.number(path.Join(dir, file.limit)); ok && n > 0 && n < unlimited && (mem.Limit == 0 || n < mem.Limit) {
			mem.Limit = n
			mem.Used = m.workingSet(dir, file.used, file.stat, file.inactive)
		}
	})
	if mem.Limit == 0 {
		mem.Used = m.workingSet(g.dir, file.used, file.stat, file.inactive)
	}
	if text, ok := m.read(path.Join(g.dir, file.kills)); ok {
		if n, ok := field(text, "oom_kill"); ok {
			mem.Kills = n
		}
	}
	return mem
}

// workingSet is what a group takes without the file cache that is dropped first.
func (m Machine) workingSet(dir, used, stat, inactive string) int64 {
	n, ok := m.number(path.Join(dir, used))
	if !ok {
		return 0
	}
	if text, ok := m.read(path.Join(dir, stat)); ok {
		cache, _ := field(text, inactive)
		n = max(n-cache, 0)
	}
	return n
}

// rss is what this process takes.
func (m Machine) rss() int64 {
	if text, ok := m.read(m.own("status")); ok {
		if kilobytes, ok := field(text, "VmRSS"); ok {
			return kilobytes * 1024
		}
	}
	if m.staged() || m.Process > 0 {
		return 0
	}
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}

// CPU is how many processors' time this process may take; 0 if there is no
// limit below the whole machine, or it is not known.
func (m Machine) CPU() float64 {
	g, ok := m.group("cpu")
	if !ok {
		return 0
	}
	least := 0.0
	g.up(func(dir string) {
		var quota, period float64
		if g.version == 2 {
			text, _ := m.read(path.Join(dir, "cpu.max"))
			_, _ = fmt.Sscan(text, &quota, &period) // "max 100000" leaves zeros
		} else {
			q, _ := m.read(path.Join(dir, "cpu.cfs_quota_us"))
			p, _ := m.read(path.Join(dir, "cpu.cfs_period_us"))
			quota, _ = strconv.ParseFloat(q, 64)
			period, _ = strconv.ParseFloat(p, 64)
		}
		if quota > 0 && period > 0 && (least == 0 || quota/period < least) {
			least = quota / period
		}
	})
	return least
}
