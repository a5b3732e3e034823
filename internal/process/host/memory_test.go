package host

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

const mebi = 1 << 20

// Given a machine, or a container on it, of each kind there is, when it is asked
// about its memory, then it says what runs out first and what is taken of it.
func TestMemoryIsThatOfWhatRunsOutFirst(t *testing.T) {
	proc := map[string]string{
		"/proc/meminfo":     "MemTotal:        1048576 kB\nMemFree:  10 kB\nMemAvailable:     786432 kB",
		"/proc/vmstat":      "nr_free_pages 1\noom_kill 4",
		"/proc/self/status": "Name:\tevergreen\nVmRSS:\t   32768 kB",
	}
	tests := []struct {
		name  string
		files map[string]string
		want  Memory
		used  int64
		most  int64
	}{
		{"no control groups", nil, Memory{Kills: -1}, 256 * mebi, 1024 * mebi},
		{"version 2, limited", map[string]string{
			"/proc/self/cgroup": "0::/bot.slice/bot.service", "/proc/self/mountinfo": mountedV2,
			"/sys/fs/cgroup/bot.slice/bot.service/cgroup.procs":   "7",
			"/sys/fs/cgroup/bot.slice/bot.service/memory.max":     "268435456",
			"/sys/fs/cgroup/bot.slice/bot.service/memory.current": "104857600",
			"/sys/fs/cgroup/bot.slice/bot.service/memory.stat":    "anon 5\ninactive_file 10485760\nactive_file 9",
			"/sys/fs/cgroup/bot.slice/bot.service/memory.events":  "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0",
		}, Memory{Limit: 256 * mebi, Used: 90 * mebi, Kills: 2, Group: "/bot.slice/bot.service", Version: 2}, 90 * mebi, 256 * mebi},
		{"version 2, limited further up", map[string]string{
			"/proc/self/cgroup": "0::/bot.slice/bot.service", "/proc/self/mountinfo": mountedV2,
			"/sys/fs/cgroup/bot.slice/bot.service/cgroup.procs":   "7",
			"/sys/fs/cgroup/bot.slice/bot.service/memory.max":     "max",
			"/sys/fs/cgroup/bot.slice/bot.service/memory.current": "104857600",
			"/sys/fs/cgroup/bot.slice/memory.max":                 "134217728",
			"/sys/fs/cgroup/bot.slice/memory.current":             "125829120",
		}, Memory{Limit: 128 * mebi, Used: 120 * mebi, Kills: -1, Group: "/bot.slice/bot.service", Version: 2}, 120 * mebi, 128 * mebi},
		{"version 2, without a limit", map[string]string{
			"/proc/self/cgroup": "0::/user", "/proc/self/mountinfo": mountedV2,
			"/sys/fs/cgroup/user/cgroup.procs": "7", "/sys/fs/cgroup/user/memory.max": "max", "/sys/fs/cgroup/user/memory.current": "1048576",
		}, Memory{Used: mebi, Kills: -1, Group: "/user", Version: 2}, 256 * mebi, 1024 * mebi},
		{"a container that sees its own group as the top", map[string]string{
			"/proc/self/cgroup": "0::/", "/proc/self/mountinfo": mountedV2,
			"/sys/fs/cgroup/cgroup.procs": "1", "/sys/fs/cgroup/memory.max": "67108864", "/sys/fs/cgroup/memory.current": "33554432",
		}, Memory{Limit: 64 * mebi, Used: 32 * mebi, Kills: -1, Group: "/", Version: 2}, 32 * mebi, 64 * mebi},
		{"a container that knows its group by the name outside", map[string]string{
			"/proc/self/cgroup":                  "4:memory:/docker/4711",
			"/proc/self/mountinfo":               "34 30 0:31 /docker/4711 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
			"/sys/fs/cgroup/memory/cgroup.procs": "1", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "67108864",
			"/sys/fs/cgroup/memory/memory.usage_in_bytes": "33554432", "/sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 1048576",
			"/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1",
		}, Memory{Limit: 64 * mebi, Used: 31 * mebi, Kills: 1, Group: "/docker/4711", Version: 1}, 31 * mebi, 64 * mebi},
		{"version 1 beside an empty version 2, without a limit", map[string]string{
			"/proc/self/cgroup":                      "9:name=systemd:/\n4:memory:/bot\n0::/",
			"/proc/self/mountinfo":                   mountedV1 + "\n40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
			"/sys/fs/cgroup/unified/cgroup.procs":    "1",
			"/sys/fs/cgroup/memory/bot/cgroup.procs": "1", "/sys/fs/cgroup/memory/bot/memory.limit_in_bytes": "9223372036854771712",
			"/sys/fs/cgroup/memory/bot/memory.usage_in_bytes": "2097152",
		}, Memory{Used: 2 * mebi, Kills: -1, Group: "/bot", Version: 1}, 256 * mebi, 1024 * mebi},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			want.RSS, want.Total, want.Available, want.HostKills = 32*mebi, 1024*mebi, 768*mebi, 4
			got := fakeMachine(t, proc, test.files).Memory()
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if used, most, ok := got.Bound(); !ok || used != test.used || most != test.most {
				t.Errorf("what runs out first: %d of %d, %t; want %d of %d", used, most, ok, test.used, test.most)
			}
		})
	}
}

// Given a machine that tells nothing, or nonsense, when it is asked, then
// everything is said to be unknown.
func TestWhatIsNotToldIsUnknown(t *testing.T) {
	nonsense := map[string]string{
		"/proc/meminfo": "MemTotal:\nMemAvailable: many kB", "/proc/vmstat": "oom_kill", "/proc/self/status": "VmRSS: x",
		"/proc/self/cgroup": "0::/\n:::\nx\n4:memory:/", "/proc/self/mountinfo": "30 22 0:27 - cgroup2\n - \nx y z - cgroup",
		"/proc/self/limits": "Max open files", "/proc/stat": "btime never", "/sys/power/state": "",
	}
	for name, m := range map[string]Machine{"nothing": fakeMachine(t), "nonsense": fakeMachine(t, nonsense)} {
		t.Run(name, func(t *testing.T) {
			if got := m.Memory(); got != (Memory{Kills: -1, HostKills: -1}) {
				t.Errorf("memory: %+v", got)
			}
			if got := m.Memory(); got.Share() != 0 || !strings.Contains(got.String(), "not known") {
				t.Errorf("memory in words: %s", got)
			}
			if m.CPU() != 0 || m.Files() != (Files{}) || m.Boot() != (Boot{}) {
				t.Errorf("cpu %v, files %+v, boot %+v", m.CPU(), m.Files(), m.Boot())
			}
			if _, ok := m.Slept(); ok {
				t.Error("it knows how long it slept")
			}
			if s := m.Sleep(); s.Able || s.Allowed || s.After != 0 {
				t.Errorf("sleep: %+v", s)
			}
		})
	}
}

func TestMemoryInWords(t *testing.T) {
	m := Memory{Limit: 256 * mebi, Used: 230 * mebi, RSS: 200*mebi + 3}
	if got, want := m.String(), "230 MiB of 256 MiB (90 %); this process takes 200 MiB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for size, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", 10 * mebi: "10 MiB", 5 << 40: "5.0 TiB"} {
		if got := Size(size); got != want {
			t.Errorf("%d: %q, want %q", size, got, want)
		}
	}
}

// The least share of the processors that any group above allows is what counts.
func TestCPUIsTheLeastShare(t *testing.T) {
	v2 := fakeMachine(t, map[string]string{
		"/proc/self/cgroup": "0::/a/b", "/proc/self/mountinfo": mountedV2, "/sys/fs/cgroup/a/b/cgroup.procs": "1",
		"/sys/fs/cgroup/a/b/cpu.max": "max 100000", "/sys/fs/cgroup/a/cpu.max": "50000 100000",
	})
	v1 := fakeMachine(t, map[string]string{
		"/proc/self/cgroup": "1:cpuacct,cpu:/a", "/proc/self/mountinfo": mountedV1, "/sys/fs/cgroup/cpu,cpuacct/a/cgroup.procs": "1",
		"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "150000", "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000",
		"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
	})
	if got := v2.CPU(); got != 0.5 {
		t.Errorf("version 2: %v, want 0.5", got)
	}
	if got := v1.CPU(); got != 1.5 {
		t.Errorf("version 1: %v, want 1.5", got)
	}
}

// This very machine answers without a staged folder.
func TestThisMachineAnswers(t *testing.T) {
	var m Machine
	mem := m.Memory()
	if mem.RSS <= 0 {
		t.Errorf("this process takes no memory: %+v", mem)
	}
	if files := m.Files(); files.Limit == 0 {
		t.Errorf("files: %+v", files)
	}
	if d, err := m.Disk(t.TempDir()); err != nil || d.Total <= 0 || d.Free > d.Total {
		t.Errorf("disk: %+v, %v", d, err)
	}
	if _, err := m.Disk(t.TempDir() + "/none/at/all"); err == nil {
		t.Error("room was found where nothing is")
	}
	if runtime.GOOS != "linux" {
		return
	}
	if _, ok := m.Slept(); !ok {
		t.Error("how long it slept is not known")
	}
	if b := m.Boot(); b.ID == "" || b.Time.IsZero() {
		t.Errorf("boot: %+v", b)
	}
	if used, most, ok := mem.Bound(); !ok || used <= 0 || most < used/2 {
		t.Errorf("memory: %+v", mem)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/fd", os.Getpid())); err == nil && m.Files().Open < 3 {
		t.Errorf("files: %+v, want three at least", m.Files())
	}
}
