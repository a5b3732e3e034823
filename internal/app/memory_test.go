package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/process/host"
)

// container is a machine in a folder, with a limit of 100 MiB.
func container(t *testing.T) (m host.Machine, use func(mebibytes int)) {
	t.Helper()
	m = host.Machine{Root: t.TempDir()}
	put := func(name, text string) {
		path := filepath.Join(m.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		// In one step: the bot may read it at the same moment of virtual time.
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put("/proc/self/cgroup", "0::/\n")
	put("/proc/self/mountinfo", "30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
	put("/sys/fs/cgroup/cgroup.procs", "1\n")
	put("/sys/fs/cgroup/memory.max", fmt.Sprintln(100<<20))
	use = func(mebibytes int) { put("/sys/fs/cgroup/memory.current", fmt.Sprintln(mebibytes<<20)) }
	use(40)
	return m, use
}

// Given a container with 100 MiB, when 85 of them are in use, then the log warns
// with the number, once, and the bot is degraded over it, with an incident that
// ends when there is enough again; it stays connected all the while.
func TestShortMemoryIsSaid(t *testing.T) {
	run(t, nil, func(s *harness) {
		machine, use := container(t)
		o := s.options()
		o.Machine = &machine
		r := s.start(o).online()
		time.Sleep(time.Minute)
		if s.log.Has("Memory") {
			t.Errorf("there is enough memory, and the log speaks of it:\n%s", s.log)
		}
		use(85)
		s.Until(time.Minute, "degraded", func() bool { return r.Tracker().Snapshot().Status == health.Degraded })
		snap := r.Tracker().Snapshot()
		if !snap.Connected || !strings.Contains(snap.Reason.String(), "85 MiB of 100 MiB (85 %)") || snap.Remedy == (health.Message{}) {
			t.Errorf("%s; remedy %q", snap.Sentence(), snap.Remedy)
		}
		for _, used := range []int{90, 82, 95, 81} { // around the mark: no news
			use(used)
			time.Sleep(20 * time.Second)
			r.Tracker().Snapshot()
		}
		use(79)
		s.Until(time.Minute, "well again", func() bool { return r.Tracker().Snapshot().Status == health.Online })
		if n := strings.Count(s.log.String(), "Memory runs short"); n != 1 || !s.log.Has("85 MiB of 100 MiB") || !s.log.Has("enough memory again") {
			t.Errorf("warned %d times:\n%s", n, s.log)
		}
		time.Sleep(2 * time.Minute)
		r.Tracker().Snapshot()
		all := r.Tracker().Incidents(10)
		if len(all) != 1 || all[0].Cause != health.MemoryShort || all[0].End.IsZero() || !strings.Contains(all[0].What.String(), "85 %") {
			t.Errorf("incidents: %+v", all)
		}
		r.stop(gateway.EndSession)
	})
}

// Given a container whose memory runs short, when the kernel's figure cannot be read for
// a while, then nothing changes: the bot stays degraded and the log says nothing new.
func TestUnreadableMemoryChangesNothing(t *testing.T) {
	run(t, nil, func(s *harness) {
		machine, use := container(t)
		if err := os.WriteFile(filepath.Join(machine.Root, "/proc/self/status"), []byte("VmRSS:\t30720 kB\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := s.options()
		o.Machine = &machine
		r := s.start(o).online()
		use(90)
		s.Until(time.Minute, "degraded", func() bool { return r.Tracker().Snapshot().Status == health.Degraded })
		reason := r.Tracker().Snapshot().Reason
		if err := os.Remove(filepath.Join(machine.Root, "/sys/fs/cgroup/memory.current")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if snap := r.Tracker().Snapshot(); snap.Status != health.Degraded || snap.Reason != reason {
			t.Errorf("the figure is unreadable: %s", snap.Sentence())
		}
		if s.log.Has("enough memory again") {
			t.Errorf("the log says that there is enough:\n%s", s.log)
		}
		use(40)
		s.Until(time.Minute, "well again", func() bool { return r.Tracker().Snapshot().Status == health.Online })
		r.stop(gateway.EndSession)
	})
}
