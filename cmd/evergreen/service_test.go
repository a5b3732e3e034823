package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/internal/process/service"
)

// Given a program that the go command has built to run it once, as that of this test
// itself, then no service is written for it: only for a copy, at a place of the user's
// choice.
func TestServiceOfGoRunGetsACopy(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if service.CheckProgram(own) == nil {
		t.Skip("this test was built to stay")
	}
	for _, verb := range []string{"print", "install"} {
		p := startCommand(t, nil, "service", verb, "--user", "--name", "evergreen-test")
		if code := p.code(t); code != 1 || !strings.Contains(p.stderr.String(), "--copy-to") || p.stdout.String() != "" {
			t.Errorf("%s: exit code %d, %q, %q", verb, code, p.stdout, p.stderr)
		}
	}
	copied := filepath.Join(t.TempDir(), "evergreen")
	unit := outputOf(t, "service", "print", "--user", "--for", "systemd", "--copy-to", copied)
	if want := `ExecStart="` + filepath.ToSlash(copied) + `" "run" "--api"`; !strings.Contains(filepath.ToSlash(unit), want) {
		t.Errorf("no %s in:\n%s", want, unit)
	}
	if _, err := os.Stat(copied); err == nil {
		t.Error("print has copied the program")
	}
}
