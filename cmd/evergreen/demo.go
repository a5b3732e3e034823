package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"evergreen/internal/demo"
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
	APIAddr string   `name:"api-addr" default:"127.0.0.1:8000" placeholder:"HOST:PORT" help:"Where to serve the bot's dashboard, on this machine (${default}). If its port is taken, another one is used and named."`
	NoAPI   bool     `name:"no-api" help:"Do not serve the dashboard."`
	Verbose bool     `name:"verbose" short:"v" help:"Show the bot's own log lines too."`
	LogFile string   `name:"log-file" placeholder:"FILE" help:"Write the bot's own log to a file."`
}

// Validate refuses what cannot work.
func (d *demoCommand) Validate() error {
	if d.Rate == 0 {
		return errors.New("--rate: somebody has to ask something")
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
	s, err := demo.Run(ctx, hurry, demo.Options{
		For: time.Duration(d.For), Seed: seed, Rate: d.Rate, Pace: time.Duration(d.Pace),
		Screen: screen, Logger: log, Version: version(), Dashboard: dashboard,
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
func (p *process) terminal() (columns func() int, ok bool) {
	f := output.File(p.stdout)
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
