package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"evergreen/gateway"
	"evergreen/internal/lifecycle"
	"evergreen/internal/process/config"
)

// Run runs the bot until [App.Stop], the shutdown command, or the end of ctx, which
// keeps the session as [gateway.KeepSession] does. Call it once. It returns nil after a
// stop. An error comes from the start. It is a *config.Failure for what only a person
// can fix: the preflight has found it, or API_REQUIRED wants an address that is taken.
func (a *App) Run(ctx context.Context) error {
	switch err := a.life.Start(); err {
	case nil:
	case lifecycle.ErrStopped:
		return nil
	default:
		return fmt.Errorf("app: %w", err)
	}
	defer a.life.Finish()
	defer a.waitBackground()
	defer a.closeConnections()
	release := context.AfterFunc(ctx, func() { a.requestStop(gateway.KeepSession) })
	defer release()

	// The services outlive ctx: they run until the shards have drained.
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer endServing()
	if err := a.startServer(serving, &running); err != nil {
		return err
	}
	a.services.run(serving, &running)
	defer a.services.close()

	checked := make(chan error, 1)
	preflight := func() error { return a.runPreflight(ctx, true) }
	if a.proxy == nil {
		close(a.listening)
	} else {
		defer a.endStartedBot()
		if err := a.startProxy(ctx, serving, &running); err != nil || a.life.Stopping() {
			return err
		}
		preflight = func() error { return a.preflightOfBot(ctx) }
	}
	if a.parts.Load().resumes {
		// A RESUME is free, and Discord keeps the session for a minute or two: the
		// preflight runs meanwhile.
		running.Go(func() { checked <- a.runPreflight(serving, false) })
	} else if err := preflight(); err != nil || a.life.Stopping() {
		return err
	}
	parts := a.parts.Load()
	running.Go(func() { _ = a.healthCheck.Run(serving) })
	running.Go(func() { a.watchDuplicates(serving) })
	if a.memory != nil {
		running.Go(func() { a.memory.run(serving) })
	}
	if a.proxy == nil { // the proxy runs already
		running.Go(func() { _ = parts.program.Run(serving) })
	}

	ran := make(chan error, 1)
	// It returns after parts.fleet.Stop; awaitEnd receives from ran on every path.
	go func() { ran <- a.runShards(context.WithoutCancel(ctx), parts) }()
	return a.awaitEnd(parts, ran, checked)
}

// startServer makes the HTTP API listen, if there is one, and serves it until ctx ends.
// Only an address that API_REQUIRED insists on ends the start.
func (a *App) startServer(ctx context.Context, running *sync.WaitGroup) error {
	if a.server == nil {
		return nil
	}
	listening := a.opts.Listening
	if listening == nil {
		listening = func(net.Addr) {}
	}
	if err := a.server.Listen(ctx); err != nil {
		if a.opts.Config.APIRequired {
			return &config.Failure{Code: config.ExitConfig, Err: err, Steps: []string{
				"Free the address, or set API_ADDR to another one.",
				"Or leave API_REQUIRED out: then the bot runs all the same, and its API listens on another port.",
			}}
		}
		a.log.Error(noServer, "error", err)
		return nil
	}
	listening(a.server.Addr())
	running.Go(func() {
		if err := a.server.Run(ctx); err != nil {
			a.log.Error(noServer, "error", err)
			listening(nil)
		}
	})
	return nil
}

// noServer is the log line of an HTTP API that cannot be served.
const noServer = "The HTTP API has failed; the bot goes on without it"

// runShards makes the shards and runs them until they are stopped.
func (a *App) runShards(ctx context.Context, parts *botParts) error {
	if err := a.makeShards(a.life.StopContext(), parts); err != nil && !a.life.Stopping() {
		return err
	}
	return parts.fleet.Run(ctx)
}

// awaitEnd returns when the shards have returned, which is after a stop, an error of
// their own or a preflight that found what only a person can fix.
func (a *App) awaitEnd(parts *botParts, ran, checked <-chan error) error {
	for {
		select {
		case <-a.life.StopContext().Done():
			a.shutdown(parts)
			return <-ran
		case err := <-ran:
			return err
		case err := <-checked:
			if err != nil {
				a.requestStop(gateway.KeepSession)
				a.shutdown(parts)
				return errors.Join(err, <-ran)
			}
		}
	}
}

// closeConnections closes what REST keeps open.
func (a *App) closeConnections() {
	a.client.CloseIdleConnections()
	if a.network != nil {
		a.network.Close()
	}
}

// runPreflight asks Discord what can be asked before an IDENTIFY is spent. With rebuild
// it rebuilds the shards for other intents, which it must not while they run. A stop
// cancels it.
func (a *App) runPreflight(ctx context.Context, rebuild bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.life.StopContext(), cancel)()
	found, err := a.preflight.Check(ctx)
	switch {
	case a.life.Stopping():
		return nil
	case err != nil:
		return err
	case a.proxy != nil && rebuild && found.Dropped&^a.opts.Config.OptionalIntents != 0:
		return &intentsRefused{found.Dropped}
	}
	a.preflightReport.Store(&found)
	close(a.preflightDone)
	a.log.Info("Preflight is complete", "found", found.String())
	for _, warning := range found.Warnings {
		a.log.Warn("The preflight found something that needs attention", "warning", warning)
	}
	running := a.parts.Load().intents
	switch {
	case found.Intents == running:
		return nil
	case rebuild:
		return a.build(found.Intents)
	}
	if more := found.Intents &^ running; more != 0 {
		a.log.Info("An optional intent is switched on again; the resumed session goes on without it",
			"intents", more, "do", "Run `evergreen run --fresh` to begin a session with it.")
	}
	return nil
}

// shutdown stops the shards, which first drain their queues into a bot that still
// answers, and then the bot, all within the grace. A shard whose handlers are blocked
// closes after half of it (G-092). What has no answer by then stays above the session's
// low-water mark, so the next start gets it again.
//
// A bot's program that was started here ends before all of that: it can still say goodbye,
// and has left its session by the time another process may take it up. Then the proxy
// answers the requests of bots while their events still come.
func (a *App) shutdown(parts *botParts) {
	a.endStartedBot()
	grace := a.opts.Config.ShutdownGrace
	whole, cancel := context.WithTimeout(a.life.AbortContext(), grace)
	defer cancel()
	if a.proxy != nil {
		requests, cancelRequests := context.WithTimeout(whole, grace/4)
		a.proxy.Drain(requests)
		cancelRequests()
	}
	drain, cancelDrain := context.WithTimeout(whole, grace/2)
	defer cancelDrain()
	if err := parts.fleet.Stop(drain, a.mode); err != nil {
		a.log.Warn("Not every shard stopped cleanly", "error", err)
	}
	if err := parts.program.Stop(whole); err != nil {
		a.log.Warn("The bot did not stop cleanly", "error", err)
	}
}

// Stop ends the bot for good. With [gateway.KeepSession] the session can be resumed and
// the bot stays online (G-090). With [gateway.EndSession] it is offline at once
// (G-089). Commands that run are finished, within SHUTDOWN_GRACE and until ctx ends.
// Stop returns when Run has returned. The first stop decides the mode.
func (a *App) Stop(ctx context.Context, mode gateway.StopMode) {
	a.requestStop(mode)
	if a.life.Wait(ctx) != nil {
		<-a.life.Done() // what is left is bounded by the shard's close deadline
	}
}

func (a *App) requestStop(mode gateway.StopMode) {
	a.stopOnce.Do(func() {
		a.mode = mode
		a.life.Stop()
	})
}

// Mode returns how the bot was stopped, once [App.Run] has returned; KeepSession for one
// that ended with an error.
func (a *App) Mode() gateway.StopMode {
	if !a.life.Stopping() {
		return gateway.KeepSession
	}
	return a.mode
}
