package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"

	"evergreen/internal/process/config"
	"evergreen/internal/process/service"
)

// serviceCommand is evergreen service.
type serviceCommand struct {
	Install   serviceInstall   `cmd:"" help:"Have the operating system keep the bot running, from now on and after every boot."`
	Uninstall serviceUninstall `cmd:"" help:"Take the service out again. Settings, state and logs stay."`
	Start     serviceStart     `cmd:"" help:"Start the service."`
	Stop      serviceStop      `cmd:"" help:"Stop the service. The session is kept: a start within a minute or so resumes it."`
	Restart   serviceRestart   `cmd:"" help:"Stop and start the service; the dot stays green."`
	Status    serviceStatus    `cmd:"" help:"Tell whether the service is installed and running."`
	Print     servicePrint     `cmd:"" help:"Show what install would write, and change nothing."`
}

// serviceName has the flags that name a service.
type serviceName struct {
	Name string `default:"evergreen" help:"Name of the service, to tell several bots on one machine apart."`
	User bool   `help:"A service of your own account; needs no administrator."`
}

func (n serviceName) service() (*service.Service, error) {
	plan, err := n.plan()
	if err != nil {
		return nil, err
	}
	return service.New(plan)
}

// plan is enough to find a service that is installed.
func (n serviceName) plan() (service.Plan, error) {
	executable, err := service.Program(os.Args[0])
	if err != nil {
		return service.Plan{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return service.Plan{}, fmt.Errorf("the working directory cannot be found out: %w", err)
	}
	return service.Plan{Name: n.Name, Executable: executable, Dir: dir, PerUser: n.User}, nil
}

// servicePlan has the flags for what the service runs.
type servicePlan struct {
	serviceName
	Dir    string `placeholder:"." help:"Folder to work in: .env, the state and the logs are looked for there."`
	RunAs  string `placeholder:"..." help:"Account to run as. Without it: the one that called sudo, or else the owner of the folder."`
	CopyTo string `placeholder:"FILE" help:"Copy this program to FILE, or into a folder that exists, and have the service run the copy. It is needed where this program does not stay: started by go run, in a folder for temporary files, on a volume that is taken away."`
	API    bool   `name:"api" default:"true" negatable:"" help:"Serve the HTTP API too."`
	Proxy  bool   `help:"Run evergreen proxy, for a bot in another language, which is a service of its own."`
}

func (s servicePlan) plan(p *process) (service.Plan, error) {
	plan, err := s.serviceName.plan()
	if err != nil {
		return plan, err
	}
	if s.Dir != "" {
		if plan.Dir, err = filepath.Abs(s.Dir); err != nil {
			return plan, err
		}
	}
	if s.CopyTo == "" {
		if err := service.CheckProgram(plan.Executable); err != nil {
			return plan, err
		}
	}
	if info, err := os.Stat(plan.Dir); err != nil || !info.IsDir() {
		return plan, fmt.Errorf("%s is no folder that the service could work in", plan.Dir)
	}
	plan.Proxy, plan.Run = s.Proxy, s.apiFlag()
	if !s.serviceName.User {
		plan.User = cmp.Or(s.RunAs, p.getenv("SUDO_USER"), ownerOf(plan.Dir))
	}
	plan.Writable = writable(p, plan.Dir)
	return plan, nil
}

// apiFlag are the arguments that decide whether the HTTP API is served: run does so when
// asked to, proxy unless told not to.
func (s servicePlan) apiFlag() []string {
	switch {
	case s.Proxy && !s.API:
		return []string{"--no-api"}
	case !s.Proxy && s.API:
		return []string{"--api"}
	}
	return nil
}

// writable are the folders outside dir that the settings in dir name for the state and
// the log. Wrong settings are reported when the bot starts.
func writable(p *process, dir string) []string {
	loaded, err := config.Load(config.Sources{Environ: p.environ, Dotenv: filepath.Join(dir, ".env"), TokenOptional: true})
	if err != nil {
		return nil
	}
	var out []string
	for _, place := range []string{loaded.Config.StateDir, filepath.Dir(loaded.Config.LogFile)} {
		if filepath.IsAbs(place) && !strings.HasPrefix(place+"/", dir+"/") {
			out = append(out, place)
		}
	}
	return out
}

type serviceInstall struct{ servicePlan }

// Run installs the service and starts it.
func (s serviceInstall) Run(p *process) error {
	plan, err := s.plan(p)
	if err != nil {
		return err
	}
	from := plan.Executable
	if s.CopyTo != "" {
		plan.Executable = "" // it goes where it was asked to
	}
	if err := plan.CheckPlaces(); err != nil {
		return err
	}
	if plan.Executable = from; s.CopyTo != "" {
		if plan.Executable, err = service.CopyProgram(from, s.CopyTo); err != nil {
			return err
		}
	}
	unit, err := service.New(plan)
	if err != nil {
		return err
	}
	if err := unit.Install(); err != nil {
		return err
	}
	if err := unit.Start(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The service %s is installed and started (%s). It works in %s%s.\n", plan.Name, unit.Manager(), plan.Dir, asUser(plan.User))
	for _, line := range installNotes(unit.Manager(), plan) {
		fmt.Fprintln(p.stdout, line)
	}
	return nil
}

func asUser(user string) string {
	if user == "" {
		return ""
	}
	return " as " + user
}

// installNotes is what a person should know once the service is there.
func installNotes(manager string, plan service.Plan) []string {
	lines := []string{"How the bot is: evergreen status"}
	if manager != service.Systemd {
		return lines
	}
	if plan.PerUser {
		lines = append(lines, "Its console:    journalctl --user -u "+plan.Name)
		if !lingers() {
			lines = append(lines, "It ends when you log out, and does not start with the machine, unless you say once: loginctl enable-linger")
		}
		return lines
	}
	return append(lines, "Its console:    journalctl -u "+plan.Name)
}

// lingers reports whether systemd keeps this account's services without a login.
func lingers() bool {
	account, err := user.Current()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join("/var/lib/systemd/linger", account.Username))
	return err == nil
}

type servicePrint struct {
	servicePlan
	For      string `enum:"systemd,launchd,here" default:"here" help:"Which service manager to write for: systemd, launchd, or that of this machine."`
	Packaged bool   `help:"The systemd unit for a package: an account and folders that systemd makes, the token from /etc."`
}

// Run prints the unit or job.
func (s servicePrint) Run(p *process) error {
	var plan service.Plan
	var err error
	if s.Packaged {
		plan = service.Plan{Name: s.Name, Executable: "/usr/bin/evergreen", Proxy: s.Proxy, Run: s.apiFlag(), Packaged: true}
	} else if plan, err = s.plan(p); err != nil {
		return err
	} else if s.CopyTo != "" {
		if plan.Executable, err = filepath.Abs(s.CopyTo); err != nil {
			return err
		}
	}
	if err := plan.CheckPlaces(); err != nil && !s.Packaged {
		fmt.Fprintln(p.stderr, "Careful:", err)
	}
	write := plan.Unit
	if s.For == "launchd" || s.For == "here" && runtime.GOOS == "darwin" {
		write = plan.Job
	}
	text, err := write()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(p.stdout, text)
	return err
}

type serviceUninstall struct{ serviceName }

// Run stops the service and takes it out.
func (s serviceUninstall) Run(p *process) error {
	return s.do(p, (*service.Service).Uninstall, "is taken out; settings, state and logs are still there")
}

type serviceStart struct{ serviceName }

// Run starts the service.
func (s serviceStart) Run(p *process) error {
	return s.do(p, (*service.Service).Start, "is started")
}

type serviceStop struct{ serviceName }

// Run stops the service.
func (s serviceStop) Run(p *process) error {
	return s.do(p, (*service.Service).Stop, "is stopped; its session is kept for a start soon")
}

type serviceRestart struct{ serviceName }

// Run stops and starts the service.
func (s serviceRestart) Run(p *process) error {
	return s.do(p, (*service.Service).Restart, "is restarted")
}

// do asks the service manager for something and prints that it is done.
func (n serviceName) do(p *process, what func(*service.Service) error, done string) error {
	unit, err := n.service()
	if err != nil {
		return err
	}
	if err := what(unit); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "The service %s %s.\n", n.Name, done)
	return err
}

type serviceStatus struct{ serviceName }

// Run tells how the service is; the exit code is 0 if it runs.
func (s serviceStatus) Run(p *process) error {
	unit, err := s.service()
	if err != nil {
		return err
	}
	state, err := unit.State()
	if err != nil {
		return err
	}
	next := map[service.State]string{
		service.Running: "How the bot is: evergreen status",
		service.Stopped: "To start it: evergreen service start",
		service.Absent:  "To install it: evergreen service install",
	}[state]
	fmt.Fprintf(p.stdout, "The service %s is %s (%s). %s\n", s.Name, state, unit.Manager(), next)
	if state != service.Running {
		return errors.New("the service does not run")
	}
	return nil
}
