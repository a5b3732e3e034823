package service

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var somebodys = Plan{
	Name: "evergreen", Executable: "/opt/ever green/evergreen", Dir: "/srv/my bot 100%", Run: []string{"--api"},
	User: "somchai", Writable: []string{"/var/log/bot"},
}

// Given a plan, then its unit says what systemd has to know: an exit code that
// needs a person is not answered with another start, the stop has time, and the
// program may write where it must and nowhere else.
func TestUnitSaysWhatMatters(t *testing.T) {
	unit, err := somebodys.Unit()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Type=notify", "WatchdogSec=60", "Restart=always", "RestartPreventExitStatus=78", "StartLimitIntervalSec=0", "TimeoutStopSec=30",
		`ExecStart="/opt/ever green/evergreen" "run" "--api"`, "WorkingDirectory=/srv/my bot 100%%", "User=somchai",
		`ReadWritePaths="/srv/my bot 100%%" "/var/log/bot"`, "ProtectSystem=strict", "WantedBy=multi-user.target",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit has no line %q:\n%s", line, unit)
		}
	}
	own := somebodys
	own.PerUser, own.User = true, ""
	if unit, err = own.Unit(); err != nil || !strings.Contains(unit, "WantedBy=default.target") || strings.Contains(unit, "ProtectSystem") {
		t.Errorf("the unit of an account's own service (%v):\n%s", err, unit)
	}
}

// Given a machine with systemd's own checker, then it has nothing to say about
// the units.
func TestSystemdAcceptsTheUnits(t *testing.T) {
	checker, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not on this machine")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	here := t.TempDir()
	odd := filepath.Join(here, "$HOME is 100%n ${x}", "evergreen")
	if err := os.Mkdir(filepath.Dir(odd), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(odd, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, plan := range map[string]Plan{
		"machine.service":  {Name: "machine", Executable: program, Dir: here, User: "root", Run: []string{"--api"}},
		"odd.service":      {Name: "odd", Executable: odd, Dir: filepath.Dir(odd), User: "root", Run: []string{"--api"}},
		"packaged.service": {Name: "packaged", Executable: program, Packaged: true, Run: []string{"--api"}},
	} {
		unit, err := plan.Unit()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(here, name)
		if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), checker, "verify", "--man=no", path).CombinedOutput()
		for line := range strings.Lines(string(said)) {
			if strings.Contains(line, name) {
				t.Errorf("%s: %s", name, line)
			}
		}
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			t.Error(err)
		}
	}
}

// Given the unit that packages bring, then the one in the tree is the same.
func TestPackagedUnitIsCurrent(t *testing.T) {
	for name, plan := range map[string]Plan{
		"evergreen.service":       {Name: "evergreen", Executable: "/usr/bin/evergreen", Run: []string{"--api"}, Packaged: true},
		"evergreen-proxy.service": {Name: "evergreen", Executable: "/usr/bin/evergreen", Proxy: true, Packaged: true},
	} {
		unit, err := plan.Unit()
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile("../../../deploy/systemd/" + name)
		if err != nil || string(kept) != unit {
			t.Errorf("deploy/systemd/%s is not what \"evergreen service print --packaged\" prints, with --proxy for that (%v)", name, err)
		}
	}
}

// Given a plan, then its launchd job is well-formed, leaves a bot alone that
// ended with 0, and makes 78 such an end.
func TestJobSaysWhatMatters(t *testing.T) {
	plan := somebodys
	plan.Dir = "/Users/a & b"
	job, err := plan.Job()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(job)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"<string>/Users/a &amp; b</string>", "<key>SuccessfulExit</key>\n\t\t<false/>", "<string>launchd</string>", "<string>--api</string>"} {
		if !strings.Contains(job, want) {
			t.Errorf("the job has no %q:\n%s", want, job)
		}
	}
}

// Given paths that systemd cannot take, then the plan is refused with a way out.
func TestPathsThatSystemdCannotTake(t *testing.T) {
	for _, plan := range []Plan{
		{Name: "b", Executable: `/opt/a "bot"/evergreen`, Dir: "/d"}, {Name: "b", Executable: `/opt/o'neil/evergreen`, Dir: "/d"}, {Name: "b", Executable: `/opt/a\b/evergreen`, Dir: "/d"},
	} {
		if _, err := plan.Unit(); err == nil || !strings.Contains(err.Error(), "--copy-to") {
			t.Errorf("%+v: %v", plan, err)
		}
		if _, err := plan.Job(); err != nil {
			t.Errorf("launchd can: %v", err)
		}
	}
	if _, err := (Plan{Name: "b", Executable: "/e", Dir: "/srv/bot "}).Unit(); err == nil || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("a folder that ends in a space: %v", err)
	}
}

// Given plans that could not start, then each is refused with what is wrong.
func TestPlansThatCannotStart(t *testing.T) {
	for what, plan := range map[string]Plan{
		"cannot be the name":   {Name: "my bot", Executable: "/e", Dir: "/d"},
		"not an absolute path": {Name: "b", Executable: "/e", Dir: "d"},
		"line break":           {Name: "b", Executable: "/e", Dir: "/d\n[Install]"},
		"two braces":           {Name: "b", Executable: "/e", Dir: "/{{d}}"},
		"--run-as":             {Name: "b", Executable: "/e", Dir: "/d", PerUser: true, User: "root"},
	} {
		if _, err := plan.Unit(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v", plan, err)
		}
		if _, err := New(plan); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v", plan, err)
		}
	}
}
