package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"evergreen/internal/process/config"
	"evergreen/internal/process/output"
	"evergreen/internal/text"

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	Run        runCommand        `cmd:"" help:"Run the bot. Settings come from flags, the environment and .env."`
	Proxy      proxyCommand      `cmd:"" help:"Keep a bot online that is written in any language: it connects to Evergreen instead of Discord."`
	Status     statusCommand     `cmd:"" help:"Tell how the running bot is: the exit code is 0 only while it is online."`
	Shards     shardsCommand     `cmd:"" help:"Tell how far the shards are; pause, resume, restart or move one; change their number."`
	Demo       demoCommand       `cmd:"" help:"See it work: a simulated Discord, users, faults and the bot in one process. No token needed."`
	DemoBot    demoBotCommand    `cmd:"" name:"demo-bot" hidden:"" help:"The bot of demo --proxy."`
	Sim        simCommand        `cmd:"" help:"Serve a simulated Discord for any bot in any language."`
	Service    serviceCommand    `cmd:"" help:"Have the operating system run the bot: install, start, stop, status, uninstall."`
	Doctor     doctorCommand     `cmd:"" help:"Find out why the bot goes offline: every check with its evidence and the next step."`
	Completion completionCommand `cmd:"" help:"Print what makes a shell complete this program's commands and flags."`
	Man        manualCommand     `cmd:"" help:"Print the manual page."`
	Version    versionCommand    `cmd:"" help:"Tell the version."`
}

// process is the surroundings of a command: the streams, the environment and the
// signals of the real process, or those of a test.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	// signals begins to catch the signals that mean stop; the function ends it.
	signals func() (<-chan os.Signal, func())
	// detached are the streams once [process.detach] has been called; nil before.
	detached []*output.Writer
}

// newProcess returns the real process.
func newProcess() *process {
	return &process{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(),
		signals: func() (<-chan os.Signal, func()) {
			caught := make(chan os.Signal, 2) // the second hurries
			signal.Notify(caught, stopSignals()...)
			return caught, func() { signal.Stop(caught) }
		},
	}
}

// exitCode is the panic that kong's exit becomes, so that only main ends the process.
type exitCode int

// run runs one command and returns the exit code.
func (p *process) run(args []string) (code int) {
	defer p.flush()
	defer func() {
		if r := recover(); r != nil {
			left, ok := r.(exitCode)
			if !ok {
				panic(r)
			}
			code = int(left)
		}
	}()
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("evergreen"),
		kong.Description("Evergreen keeps a Discord bot's dot green. To see it work without a token: evergreen demo"),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(p),
	)
	if err != nil {
		panic("evergreen: the command line is described wrongly: " + err.Error())
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(p.stderr, "evergreen: %s\nTry: evergreen %s--help\n", text.Printable(err.Error()), commandOf(err))
		return int(config.ExitUsage)
	}
	return p.reportError(parsed.Run())
}

// commandOf is the command a wrong command line was about, if one was recognised.
func commandOf(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context != nil && wrong.Context.Command() != "" {
		command, _, _ := strings.Cut(wrong.Context.Command(), " <") // without its arguments
		return command + " "
	}
	return ""
}

// reportError prints why a command ended and returns the exit code.
func (p *process) reportError(err error) int {
	if err == nil {
		return int(config.ExitOK)
	}
	if said := err.Error(); said != "" {
		fmt.Fprintln(p.stderr, "evergreen: "+text.Printable(said))
	}
	coded, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err)
	if !ok {
		return int(config.ExitUnexpected)
	}
	if code := coded.ExitCode(); code != int(config.ExitConfig) || p.getenv("EVERGREEN_SUPERVISOR") != "launchd" {
		return code
	}
	// launchd starts a program again whatever it ended with, except 0.
	return int(config.ExitOK)
}

// getenv reads the process's environment.
func (p *process) getenv(name string) string {
	for _, pair := range p.environ {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}
