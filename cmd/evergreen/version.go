package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// versionCommand is evergreen version.
type versionCommand struct{}

// Run prints the version on one line.
func (versionCommand) Run(p *process) error {
	_, err := fmt.Fprintf(p.stdout, "evergreen %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// stamped is the version that a release was built with:
// -ldflags "-X main.stamped=1.2.0".
var stamped string

// version is the one stamped, or that of the module, or of the commit when it was built from one:
// "1.2.0", "devel-3f2c1ab9" or "devel-3f2c1ab9-modified".
func version() string {
	if stamped != "" {
		return stamped
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	v, tagged := strings.CutPrefix(info.Main.Version, "v")
	if !tagged {
		v = "devel"
		if commit := settings["vcs.revision"]; commit != "" {
			v += "-" + commit[:min(8, len(commit))]
		}
		if settings["vcs.modified"] == "true" {
			v += "-modified"
		}
	}
	return v
}
