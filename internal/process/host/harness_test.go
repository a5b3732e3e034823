package host

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeMachine puts files into a folder, as those of a machine. A name that ends with
// a slash is a folder, content that begins with "-> " a link.
func fakeMachine(t *testing.T, files ...map[string]string) Machine {
	t.Helper()
	m := Machine{Root: t.TempDir()}
	for _, set := range files {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			at, content := filepath.Join(m.Root, name), set[name]
			must(t, os.MkdirAll(filepath.Dir(at), 0o755))
			to, link := strings.CutPrefix(content, "-> ")
			switch {
			case strings.HasSuffix(name, "/"):
				must(t, os.MkdirAll(at, 0o755))
			case link:
				must(t, os.Symlink(to, at))
			default:
				must(t, os.WriteFile(at, []byte(content+"\n"), 0o644))
			}
		}
	}
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The mounts of control groups of either version, and of both.
const (
	mountedV2 = "30 22 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
	mountedV1 = "34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
		"35 30 0:32 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
)
