// Package service installs the bot as a systemd unit, a launchd job or a Windows
// service.
//
// A [Plan] says what is to run and where, and returns the text that the operating
// system would get. A [Service] installs it, starts and stops it and returns its
// state. github.com/kardianos/service finds the machine's manager and talks to it.
// The unit and the job are our own text, because exit code 78, which needs a person,
// must not lead to another start, and a stop needs time to leave a session that can
// be resumed.
package service

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kardianos/service"
)

// The managers that are known by name, as [Service.Manager] tells them.
const (
	Systemd = "linux-systemd"
	Launchd = "darwin-launchd"
	Windows = "windows-service"

	sysv = "unix-systemv"
)

// State is how a service is, in one word.
type State string

// The states of a service.
const (
	Running   State = "running"
	Stopped   State = "stopped"
	Absent    State = "not installed"
	Undefined State = "unknown"
)

// Service is one plan in the hands of this machine's service manager.
type Service struct {
	plan    Plan
	manager string
	under   service.Service
}

// New finds this machine's service manager for the plan. It changes nothing.
// The error says what is wrong with the plan, or that there is no manager that
// is known here.
func New(p Plan) (*Service, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	system := service.ChosenSystem()
	if system == nil {
		return nil, errors.New("this machine has no service manager that is known here (systemd, launchd, the Windows service manager, OpenRC, SysV): let whatever starts programs here run \"evergreen run --api\" and start it again unless it ended with 0 or 78")
	}
	return on(system, p)
}

// on puts the plan into the hands of one manager.
func on(system service.System, p Plan) (*Service, error) {
	options := service.KeyValue{"UserService": p.PerUser}
	arguments := p.arguments()
	switch system.String() {
	case Systemd:
		unit, err := p.Unit()
		if err != nil {
			return nil, err
		}
		options["SystemdScript"] = unit
	case Launchd:
		job, err := p.Job()
		if err != nil {
			return nil, err
		}
		options["LaunchdConfig"] = job
		options["RunAtLoad"] = true
	default:
		// These managers cannot choose a folder, so the bot does it itself.
		arguments = append([]string{p.command(), "--dir", p.Dir}, arguments[1:]...)
		options["OnFailure"] = "restart"
		options["OnFailureDelayDuration"] = "2s"
	}
	under, err := system.New(idle{}, &service.Config{
		Name: p.Name, DisplayName: "Evergreen (" + p.Name + ")", Description: description,
		Executable: p.Executable, Arguments: arguments, WorkingDirectory: p.Dir, UserName: p.User, Option: options,
	})
	if err != nil {
		return nil, fmt.Errorf("the service manager %s refuses the service: %w", system, err)
	}
	return &Service{plan: p, manager: system.String(), under: under}, nil
}

// idle is what the library wants of a program that it does not run itself.
type idle struct{}

func (idle) Start(service.Service) error { return nil }
func (idle) Stop(service.Service) error  { return nil }

// Manager names the service manager, such as [Systemd].
func (s *Service) Manager() string { return s.manager }

// Install writes the unit, job or entry and has it started with the machine, or
// with the user's login if the plan is for one user. It does not start it.
func (s *Service) Install() error { return s.explain("install", s.under.Install()) }

// Uninstall stops the service and takes it out again. Settings, state and logs
// stay.
func (s *Service) Uninstall() error {
	if state, _ := s.State(); state == Running {
		if err := s.Stop(); err != nil {
			return err
		}
	}
	return s.explain("uninstall", s.under.Uninstall())
}

// Start starts the service now.
func (s *Service) Start() error { return s.explain("start", s.under.Start()) }

// Stop has the service stop: the session is kept for a start soon after.
func (s *Service) Stop() error { return s.explain("stop", s.under.Stop()) }

// Restart stops and starts the service; the session is resumed.
func (s *Service) Restart() error { return s.explain("restart", s.under.Restart()) }

// State asks the manager how the service is. It says nothing about Discord:
// that is what evergreen status is for.
func (s *Service) State() (State, error) {
	status, err := s.under.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return Absent, nil
	case err != nil && s.manager == sysv && !exists("/etc/init.d/"+s.plan.Name):
		return Absent, nil
	case err != nil:
		return Undefined, s.explain("look at", err)
	case status == service.StatusRunning:
		return Running, nil
	case status == service.StatusStopped:
		return Stopped, nil
	}
	return Undefined, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// explain adds to a refusal what a person can do about it.
func (s *Service) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	remedy := ""
	switch text := strings.ToLower(err.Error()); {
	case errors.Is(err, os.ErrPermission), strings.Contains(text, "permission denied"), strings.Contains(text, "access is denied"),
		strings.Contains(text, "exit status 4"):
		remedy = ": it takes an administrator; run it with sudo (on Windows as administrator), or give --user for a service of your own account"
	case strings.Contains(text, "already exists"):
		remedy = ": it is installed already; evergreen service uninstall first"
	case strings.Contains(text, "exit status 5"), strings.Contains(text, "not installed"), strings.Contains(text, "does not exist"):
		remedy = ": it is not installed; evergreen service install first"
	case s.plan.PerUser && strings.Contains(text, "exit status 1"):
		remedy = ": perhaps this account has no user manager here; log in properly (not through su), or install the service for the whole machine with sudo"
	}
	return fmt.Errorf("could not %s the service %s (%s): %w%s", what, s.plan.Name, s.manager, err, remedy)
}
