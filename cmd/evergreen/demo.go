package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"evergreen/internal/demo"
	"evergreen/internal/demo/pingbot"
	"evergreen/internal/preload"
	"evergreen/internal/process/logging"
	"evergreen/internal/process/output"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// demoCommand is evergreen demo.
type demoCommand struct {
	For     duration `name:"for" placeholder:"30s" help:"End by itself after this time, with exit code 0 only if nothing was lost or answered twice and no rule broken. Without it Ctrl+C ends it."`
	Seed    *uint64  `name:"seed" placeholder:"N" help:"Repeat the faults of a run, their order and parameters. Random by default."`
	Rate    float64  `name:"rate" default:"2" help:"Commands a second that people ask (${default})."`
	Pace    duration `name:"pace" default:"2s" help:"Time between the end of one fault and the next (${default})."`
	APIAddr string   `name:"api-addr" default:"127.0.0.1:8000" placeholder:"HOST:PORT" help:"Where to serve the bot's dashboard, on this machine (${default}). The simulated Discord can be looked into on the port behind it. If a port is taken, another one is used and named."`
	NoAPI   bool     `name:"no-api" help:"Serve neither the dashboard nor the control API of the simulated Discord."`
	Verbose bool     `name:"verbose" short:"v" help:"Show the bot's own log lines too."`
	LogFile string   `name:"log-file" placeholder:"FILE" help:"Write the bot's own log to a file."`
	Proxy   bool     `name:"proxy" help:"Show what evergreen proxy is for: a bot in a process of its own is killed, hung and redeployed, and the dot stays green."`

	Command []string `arg:"" optional:"" passthrough:"" help:"With --proxy: your own bot, in any language, such as: evergreen demo --proxy -- python bot.py"`
}

// Validate refuses what cannot work.
func (d *demoCommand) Validate() error {
	if d.Rate == 0 {
		return errors.New("--rate: somebody has to ask something")
	}
	if len(d.Command) > 0 && !d.Proxy {
		return fmt.Errorf("%q is unexpected: a bot of your own needs --proxy, such as: evergreen demo --proxy -- python bot.py", d.Command[0])
	}
	if d.Proxy && len(d.Command) == 0 && d.Rate > demo.MaxPlainRate {
		return fmt.Errorf("--rate: the bot of --proxy answers one thing after the other, at most %d a second", demo.MaxPlainRate)
	}
	if err := checkLoopback(d.APIAddr); err != nil {
		return fmt.Errorf("--api-addr: %w", err)
	}
	return checkRate(d.Rate)
}

// Run runs the demo.
func (d *demoCommand) Run(p *process) error {
	seed := uint64(rand.N(1_000_000))
	if d.Seed != nil {
		seed = *d.Seed
	}
	p.detach()
	var screen interface {
		demo.Screen
		io.Writer
	} = demo.NewPlainScreen(p.stdout)
	if columns, ok := p.terminal(); ok {
		p.detached[0].Tell(nil) // what is missing is drawn anew
		live := demo.NewLiveScreen(p.stdout, columns, p.colour())
		defer live.Close()
		screen = live
	}
	log, closeLog, err := d.logger(screen)
	if err != nil {
		return err
	}
	defer closeLog()

	signals, release := p.signals()
	defer release()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	hurry, endNow := context.WithCancel(context.Background())
	defer endNow()
	over := make(chan struct{})
	defer close(over)
	go func() {
		for _, cancel := range []context.CancelFunc{end, endNow} {
			select {
			case <-signals:
				cancel()
			case <-over:
				return
			}
		}
	}()
	dashboard := d.APIAddr
	if d.NoAPI {
		dashboard = ""
	}
	bot, remove, err := d.bot(p, screen)
	if err != nil {
		return err
	}
	defer remove()
	s, err := demo.Run(ctx, hurry, demo.Options{
		For: time.Duration(d.For), Seed: seed, Rate: d.Rate, Pace: time.Duration(d.Pace),
		Screen: screen, Logger: log, Version: version(), Dashboard: dashboard, Bot: bot,
	})
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil // stopped before there was anything to sum up
	case err != nil:
		return err
	}
	p.deliver(ctx)
	if !s.Passed() {
		return errors.New("the demo has not passed; the lines above say why")
	}
	return nil
}

// bot returns the bot that --proxy puts in a process of its own; nil without it. The demo's
// own is this program again; another one is pointed here by what Python and Node load first.
// remove removes that.
func (d *demoCommand) bot(p *process, screen io.Writer) (bot *demo.Program, remove func(), err error) {
	remove = func() {}
	if !d.Proxy {
		return nil, remove, nil
	}
	command := d.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	bot = &demo.Program{Command: command, Environ: p.environ}
	if d.Verbose {
		bot.Output = screen
	}
	if len(command) == 0 {
		own, err := os.Executable()
		if err != nil {
			return nil, remove, fmt.Errorf("this program cannot be started again as the bot: %w", err)
		}
		bot.Command, bot.Plain = []string{own, "demo-bot"}, true
		return bot, remove, nil
	}
	dir, err := os.MkdirTemp("", "evergreen-demo-")
	if err != nil {
		return nil, remove, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err := preload.Write(dir); err != nil {
		remove()
		return nil, func() {}, err
	}
	bot.Environ = preload.Environ(p.environ, dir)
	return bot, remove, nil
}

// demoBotCommand is the bot of evergreen demo --proxy. People do not use it.
type demoBotCommand struct{}

// Run runs the bot until its standard input ends.
func (demoBotCommand) Run(p *process) error {
	return pingbot.Run(context.Background(), pingbot.Options{
		GatewayURL: p.getenv("EVERGREEN_GATEWAY_URL"), APIURL: p.getenv("EVERGREEN_API_URL"), Token: p.getenv("DISCORD_TOKEN"), Orders: os.Stdin,
	})
}

// checkLoopback refuses an address that others could reach: a demo has no token.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the address %q is not host:port, such as 127.0.0.1:8000", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("the address %q could be reached from other machines; the demo serves this one", addr)
	}
	return nil
}

// logger makes the bot's log, nil if neither --verbose nor --log-file asks for it.
func (d *demoCommand) logger(screen io.Writer) (*slog.Logger, func(), error) {
	if !d.Verbose && d.LogFile == "" {
		return nil, func() {}, nil
	}
	console := io.Discard
	if d.Verbose {
		console = screen
	}
	logger, err := logging.New(logging.Options{Console: console, File: d.LogFile})
	if err != nil {
		return nil, nil, err
	}
	return logger.Logger, func() { _ = logger.Close() }, nil
}

// terminal reports whether the output goes to a terminal that can redraw lines,
// and tells its width.
func (p *process) terminal() (columns func() int, ok bool) { return p.terminalOf(p.stdout) }

// terminalOf is [process.terminal] for another stream.
func (p *process) terminalOf(w io.Writer) (columns func() int, ok bool) {
	f := output.File(w)
	if f == nil || !isatty.IsTerminal(f.Fd()) || p.getenv("TERM") == "dumb" {
		return nil, false
	}
	return func() int {
		columns, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80
		}
		return columns
	}, true
}

// colour reports whether colours are wanted (https://no-color.org).
func (p *process) colour() bool { return p.getenv("NO_COLOR") == "" }
