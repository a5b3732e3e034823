package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/logging"
)

// runCommand is evergreen run.
type runCommand struct {
	API bool `name:"api" help:"Serve the HTTP API too, on API_ADDR."`
	startFlags
}

// Run keeps the bot online until a signal or its owner stops it.
func (r *runCommand) Run(p *process) error {
	return r.keepOnline(p, r.API, func(*app.Options) {})
}

// startFlags are the flags of commands that keep a bot online.
type startFlags struct {
	Fresh    bool `help:"Begin a new session, even if the last one could be resumed."`
	TakeOver bool `help:"If the bot already runs with this state folder, stop that process, keep its session and go on in its place."`
	Goodbye  bool `help:"When stopped, end the session: the dot turns grey at once. Without this the session is kept for a moment, and a quick restart is not seen by anybody."`

	Dir string `placeholder:"." help:"Work in this folder: .env, the state and the logs are looked for there."`

	config.Flags
}

// keepOnline keeps a bot online until it is stopped. customize may change the options of
// the app.
func (r *startFlags) keepOnline(p *process, serveAPI bool, customize func(*app.Options)) error {
	p.detach()
	loaded, err := r.load(p, serveAPI)
	if err != nil {
		return err
	}
	c := loaded.Config
	// What the dashboard shows begins with the first line.
	lines := logging.NewRing(c.LogLevel, nil)
	sink, err := p.logger(c, lines)
	if err != nil {
		return err
	}
	defer sink.Close()
	logger := sink.Logger
	log := logging.Component(logger, "Evergreen")
	log.Info("Evergreen starts", "version", version())
	for _, warning := range loaded.Warnings {
		log.Warn("A setting needs attention", "warning", warning)
	}
	signals, release := p.signals()
	defer release()
	options := app.Options{
		Config: c, Logger: logger, Redact: sink.Redact, Version: version(), API: serveAPI, Lines: lines, Machine: &host.Machine{},
	}
	customize(&options)
	state, err := openState(context.Background(), options, r.TakeOver, r.Fresh)
	if err != nil {
		return startFailure(err)
	}
	limitMemory(logger)
	state.serve(&options)
	bot, err := app.New(options)
	if err != nil {
		state.release(err, gateway.KeepSession)
		return err
	}
	// A process that takes over stops the bot as a signal would.
	state.handOver(func() { bot.Stop(context.Background(), gateway.KeepSession) })
	defer func() { state.release(err, bot.Mode()) }()
	stopBackground := p.startBackground(r.Sources(p.environ), loaded, bot, sink)
	err = runUntilSignal(signals, bot, r.stopMode(), log)
	stopBackground()
	if err != nil {
		// What to do stands on the console, below; the file shows that it ended.
		log.Error("The bot ends", "error", withoutSteps(err))
	}
	return err
}

// load changes to the folder of --dir and reads the settings.
func (r *startFlags) load(p *process, serveAPI bool) (*config.Loaded, error) {
	if r.Dir != "" {
		dir, err := config.CleanPath(r.Dir)
		if err == nil {
			err = os.Chdir(dir)
		}
		if err != nil {
			return nil, fmt.Errorf("the bot cannot work in the folder of --dir: %w", err)
		}
	}
	loaded, err := config.Load(r.Sources(p.environ))
	if err == nil && serveAPI {
		err = checkAPIAddr(loaded)
	}
	return loaded, err
}

// stopMode returns how a signal stops the bot.
func (r *startFlags) stopMode() gateway.StopMode {
	if r.Goodbye {
		return gateway.EndSession
	}
	return gateway.KeepSession
}

// checkAPIAddr refuses an address of the HTTP API that other machines can reach while
// nothing would keep them out.
func checkAPIAddr(loaded *config.Loaded) error {
	c := loaded.Config
	if !c.APIOpen() {
		return nil
	}
	return &config.Failure{
		Code: config.ExitConfig,
		Err:  fmt.Errorf("API_ADDR (%s): other machines can reach %s, and API_TOKEN is not set", loaded.Origins["API_ADDR"], c.APIAddr),
		Steps: []string{
			"Set API_TOKEN, 16 characters or more: then the probes and badges answer everybody, and all else who shows it.",
			"Or let only this machine reach it: API_ADDR=127.0.0.1:8000.",
		},
	}
}

// withoutSteps is an error without the steps that mend it.
func withoutSteps(err error) error {
	if failure, ok := errors.AsType[*config.Failure](err); ok {
		return failure.Err
	}
	return err
}

// runUntilSignal runs the bot until it ends by itself or a signal stops it. A second
// signal cuts the stop short, unless it is that of a closed terminal, which may send more
// than one.
func runUntilSignal(signals <-chan os.Signal, bot *app.App, mode gateway.StopMode, log *slog.Logger) error {
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(context.Background()) }()
	first, err := awaitSignal(signals, ran)
	if first == nil {
		return err
	}
	if first == syscall.SIGHUP {
		log.Warn("The terminal was closed, and the bot stops with it", "do", "Run it as a service, which needs no terminal: evergreen service install")
	}
	stopCtx, hurry := context.WithCancel(context.Background())
	defer hurry()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		bot.Stop(stopCtx, mode)
	}()
	for {
		select {
		case <-stopped:
			return <-ran
		case next := <-signals:
			if next != syscall.SIGHUP {
				hurry()
			}
		}
	}
}

// settleAfter is when the start is over and the memory that only the start needed is
// returned to the system. Later the runtime does so by itself.
const settleAfter = 5 * time.Second

// awaitSignal waits until a signal comes or the bot ends by itself: then there is none.
func awaitSignal(signals <-chan os.Signal, ran <-chan error) (os.Signal, error) {
	settling := time.NewTimer(settleAfter)
	defer settling.Stop()
	for {
		select {
		case err := <-ran:
			return nil, err
		case caught := <-signals:
			return caught, nil
		case <-settling.C:
			debug.FreeOSMemory()
		}
	}
}

// logger writes to the console and, by default, to logs/bot.log.
func (p *process) logger(c config.Config, lines *logging.Ring) (*logging.Logger, error) {
	return logging.New(logging.Options{
		Level: c.LogLevel, Format: logging.Format(c.LogFormat),
		File: c.LogFile, MaxSizeMB: c.LogMaxSizeMB, MaxBackups: c.LogMaxBackups, MaxAgeDays: c.LogMaxAgeDays,
		Console: p.stderr, Lines: lines, Secrets: c.Secrets(),
	})
}
