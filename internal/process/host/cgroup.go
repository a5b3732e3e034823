package host

import (
	"path"
	"strings"
)

// groupAt is a control group of the process.
type groupAt struct {
	// name is what the kernel calls it, as in /proc/self/cgroup.
	name string
	// dir is where its files are; top is the highest folder above it that can be
	// seen from here.
	dir, top string
	version  int
}

// group finds the control group that counts what the named controller counts
// (memory, cpu): of version 2 if that is where the controller is, else of
// version 1. ok is false where there is none.
func (m Machine) group(controller string) (g groupAt, ok bool) {
	list, ok := m.read(m.own("cgroup"))
	if !ok {
		return groupAt{}, false
	}
	for line := range strings.Lines(list) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		here := groupAt{name: part[2]}
		switch {
		case part[1] == "" && part[0] == "0":
			here.version = 2
		case contains(part[1], controller):
			here.version = 1
		default:
			continue
		}
		// On a machine with both, a controller named in version 1 is there only.
		if (here.version == 1 || g.version == 0) && m.locate(&here, controller) {
			g = here
		}
	}
	return g, g.version != 0
}

// locate finds the folder of the group among the mounts. In a container the
// name may be the one outside, and the folder the one that is mounted here.
func (m Machine) locate(g *groupAt, controller string) bool {
	mounts, _ := m.read("/proc/self/mountinfo")
	for line := range strings.Lines(mounts) {
		before, after, found := strings.Cut(strings.TrimSpace(line), " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if !found || len(where) < 5 || len(what) < 1 {
			continue
		}
		root, at := where[3], where[4]
		switch {
		case g.version == 2 && what[0] == "cgroup2":
		case g.version == 1 && what[0] == "cgroup" && contains(what[len(what)-1], controller):
		default:
			continue
		}
		g.top, g.dir = at, at
		if inside, found := strings.CutPrefix(g.name, strings.TrimSuffix(root, "/")); found {
			if _, ok := m.read(path.Join(at, inside, "cgroup.procs")); ok {
				g.dir = path.Join(at, inside)
			}
		}
		return true
	}
	return false
}

// up calls look with the group's folder and each one above it, until the top.
func (g groupAt) up(look func(dir string)) {
	for dir := g.dir; ; dir = path.Dir(dir) {
		look(dir)
		if dir == g.top || dir == "/" || dir == "." {
			return
		}
	}
}

// contains reports whether a list with commas has the word.
func contains(list, word string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one == word {
			return true
		}
	}
	return false
}
