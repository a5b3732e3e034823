package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kardianos/service"
)

// systemctl puts a program of that name first on the PATH that writes down what
// it was asked and answers as systemd does.
func systemctl(t *testing.T, script string) (asked func() string) {
	t.Helper()
	bin, home := t.TempDir(), t.TempDir()
	log := filepath.Join(bin, "asked")
	text := "#!/bin/sh\necho \"$@\" >> " + log + "\n" + script
	if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("HOME", home)
	return func() string {
		said, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(said)
	}
}

// underSystemd hands the plan to systemd, whether or not it runs here.
func underSystemd(t *testing.T, p Plan) *Service {
	t.Helper()
	for _, system := range service.AvailableSystems() {
		if system.String() == Systemd {
			s, err := on(system, p)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatal("the library does not know systemd")
	return nil
}

// Given an account of one's own, when the service is installed, started, looked
// at and taken out, then the unit lies where systemd looks for it and systemd is
// asked in the right order.
func TestOwnServiceComesAndGoes(t *testing.T) {
	asked := systemctl(t, `[ "$1" = is-active ] && echo active; exit 0`)
	s := underSystemd(t, Plan{Name: "mybot", Executable: "/usr/bin/evergreen", Dir: "/srv/bot", PerUser: true, Run: []string{"--api"}})
	if err := s.Install(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(os.Getenv("HOME"), ".config/systemd/user/mybot.service")
	unit, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(unit), "RestartPreventExitStatus=78\n") {
		t.Fatalf("the unit (%v): %s", err, unit)
	}
	if err := s.Install(); err == nil || !strings.Contains(err.Error(), "installed already") {
		t.Errorf("installed twice: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Error(err)
	}
	if state, err := s.State(); state != Running || err != nil {
		t.Errorf("the state is %s, %v", state, err)
	}
	if err := s.Restart(); err != nil {
		t.Error(err)
	}
	if err := s.Uninstall(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the unit is still there: %v", err)
	}
	order := []string{"enable --user mybot.service", "start --user mybot.service", "restart --user mybot.service", "stop --user mybot.service", "disable --user mybot.service"}
	said, from := asked(), 0
	for _, want := range order {
		at := strings.Index(said[from:], want)
		if at < 0 {
			t.Fatalf("%q was not asked in its turn:\n%s", want, said)
		}
		from += at
	}
}

// Given systemd refuses, then the error says what a person can do.
func TestRefusalSaysWhatToDo(t *testing.T) {
	systemctl(t, `echo "Failed to start mybot.service: Interactive authentication required." >&2; exit 4`)
	s := underSystemd(t, Plan{Name: "mybot", Executable: "/usr/bin/evergreen", Dir: "/srv/bot", PerUser: true})
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "sudo") {
		t.Errorf("the error is %v", err)
	}
	systemctl(t, `echo "Failed to start mybot.service: Unit mybot.service not found." >&2; exit 5`)
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("the error is %v", err)
	}
	systemctl(t, `echo "Failed to connect to bus: No medium found" >&2; exit 1`)
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "no user manager") {
		t.Errorf("the error is %v", err)
	}
}
