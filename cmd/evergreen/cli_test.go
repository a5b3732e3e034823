package main

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// Given a command line that cannot be meant, the command ends with exit code 2,
// says what is wrong and where help is.
func TestUsageErrors(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"no command":      {nil, []string{"expected one of", "evergreen --help"}},
		"unknown command": {[]string{"dance"}, []string{"dance"}},
		"unknown flag":    {[]string{"run", "--bogus"}, []string{"--bogus", "evergreen run --help"}},
		"no time":         {[]string{"demo", "--for", "soon"}, []string{"--for", "90s"}},
		"negative time":   {[]string{"demo", "--for=-3s"}, []string{"--for"}},
		"no requests":     {[]string{"demo", "--rate", "0"}, []string{"--rate"}},
		"too many ask":    {[]string{"demo", "--rate", "500"}, []string{"50 requests a second"}},
		"not a number":    {[]string{"demo", "--rate", "NaN"}, []string{"--rate"}},
		"no guilds":       {[]string{"sim", "--guilds", "0"}, []string{"--guilds"}},
		"odd faults":      {[]string{"sim", "--faults", "some"}, []string{"--faults", "auto"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startCommand(t, nil, c.args...)
			if code := p.code(t); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			for _, want := range c.says {
				if !strings.Contains(p.stderr.String(), want) {
					t.Errorf("%q does not say %q", p.stderr, want)
				}
			}
		})
	}
}

// Given --help, the command explains itself and ends with exit code 0.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"demo", "--help"}, {"sim", "--help"}} {
		p := startCommand(t, nil, args...)
		if code := p.code(t); code != 0 {
			t.Errorf("%v: exit code %d, want 0", args, code)
		}
		if !strings.Contains(p.stdout.String(), "Usage: evergreen") {
			t.Errorf("%v: no usage in %q", args, p.stdout)
		}
	}
}

func TestVersion(t *testing.T) {
	p := startCommand(t, nil, "version")
	if code := p.code(t); code != 0 || !strings.HasPrefix(p.stdout.String(), "evergreen ") {
		t.Errorf("exit code %d, %q", code, p.stdout)
	}
	for want, info := range map[string]*debug.BuildInfo{
		"1.2.0":                   {Main: debug.Module{Version: "v1.2.0"}},
		"devel":                   {Main: debug.Module{Version: "(devel)"}},
		"devel-3f2c1ab9-modified": {Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "3f2c1ab9d4"}, {Key: "vcs.modified", Value: "true"}}},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "2.5": 2500 * time.Millisecond, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "0": 0,
	} {
		var d duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%q: got %s, %v; want %s", text, time.Duration(d), err, want)
		}
	}
	for _, text := range []string{"", "soon", "-3", "-3s", "1e30", "NaN"} {
		var d duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %s, want an error", text, time.Duration(d))
		}
	}
}
