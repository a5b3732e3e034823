package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"evergreen/gateway"
	"evergreen/internal/lifecycle"
)

// Run starts the bot and keeps it until it is told to stop: by [App.Stop], by
// the shutdown command, or by the end of ctx, which means a Pause. It returns
// nil after a stop. What ends it otherwise happens at the start: a
// *config.Failure for what only a human can mend, such as a refused token or a
// switched-off intent, found over REST before an IDENTIFY is spent,
// or an address of the HTTP API that cannot be had. It can be called
// once.
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
	defer func() {
		a.client.CloseIdleConnections()
		if a.network != nil {
			a.network.Close()
		}
	}()
	release := context.AfterFunc(ctx, func() { a.requestStop(gateway.KeepSession) })
	defer release()

	// The services outlive ctx: they serve until the shard has drained.
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	var services sync.WaitGroup
	defer services.Wait()
	defer endServing()
	if a.server != nil {
		if err := a.server.Listen(serving); err != nil {
			return err
		}
		if a.opts.Listening != nil {
			a.opts.Listening(a.server.Addr())
		}
		services.Go(func() {
			if err := a.server.Run(serving); err != nil {
				a.log.Error("The HTTP API has failed; the bot goes on without it", "error", err)
			}
		})
	}
	a.monitors.run(serving, &services)
	defer a.monitors.close()
	parts := a.runtime.Load()
	asked := make(chan error, 1)
	if parts.resumes {
		// A RESUME costs nothing that the questions could save, and the session
		// dies at Discord within a minute or two: they are asked meanwhile.
		services.Go(func() { asked <- a.runPreflight(serving, false) })
	} else {
		if err := a.runPreflight(ctx, true); err != nil || a.life.Stopping() {
			return err
		}
		parts = a.runtime.Load()
	}
	services.Go(func() { _ = a.monitor.Run(serving) })
	services.Go(func() { a.watchDuplicates(serving) })
	if a.memory != nil {
		services.Go(func() { a.memory.run(serving) })
	}
	services.Go(func() { _ = parts.bot.Run(serving) })
	ran := make(chan error, 1)
	// The shards are stopped in order, not by the end of a context.
	go func() {
		if err := a.makeShards(a.life.StopContext(), parts); err != nil && !a.life.Stopping() {
			ran <- err
			return
		}
		ran <- parts.fleet.Run(context.WithoutCancel(ctx))
	}()
	for {
		select {
		case <-a.life.StopContext().Done():
			a.shutdown(parts)
			return <-ran
		case err := <-ran:
			return err
		case err := <-asked:
			if err != nil {
				a.requestStop(gateway.KeepSession)
				a.shutdown(parts)
				return errors.Join(err, <-ran)
			}
		}
	}
}

// runPreflight asks Discord what can be asked before an IDENTIFY is spent, and takes up
// what it says if the shard does not run yet. A stop cuts it short.
func (a *App) runPreflight(ctx context.Context, free bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.life.StopContext(), cancel)()
	found, err := a.check.Check(ctx)
	switch {
	case a.life.Stopping():
		return nil
	case err != nil:
		return err
	}
	a.preflightReport.Store(&found)
	close(a.preflightDone)
	a.log.Info("Preflight: " + found.String())
	for _, warning := range found.Warnings {
		a.log.Warn(warning)
	}
	running := a.runtime.Load().intents
	switch {
	case found.Intents == running:
		return nil
	case free:
		return a.build(found.Intents)
	}
	if more := found.Intents &^ running; more != 0 {
		a.log.Info("An optional intent is switched on again. The resumed session goes on without it; `evergreen run --fresh` begins one with it",
			"intents", more)
	}
	return nil
}

// shutdown is the order of a stop: the shards take nothing new in and drain into
// a bot that still answers, then the bot stops, then everything else. All of it
// ends within the grace. A shard whose handlers are blocked closes after half of
// it (G-092): answers go over REST, and what has none by then stays below the
// session's watermark, so the next start gets it again.
func (a *App) shutdown(parts *runtime) {
	grace := a.opts.Config.ShutdownGrace
	whole, cancel := context.WithTimeout(a.life.AbortContext(), grace)
	defer cancel()
	drain, cancelDrain := context.WithTimeout(whole, grace/2)
	defer cancelDrain()
	if err := parts.fleet.Stop(drain, a.mode); err != nil {
		a.log.Warn("Not every shard stopped cleanly", "error", err)
	}
	if err := parts.bot.Stop(whole); err != nil {
		a.log.Warn("The bot did not stop cleanly", "error", err)
	}
}

// Stop ends the bot for good: with [gateway.KeepSession] the session can be resumed
// and the dot stays green (G-090), with [gateway.EndSession] it turns grey at once
// (G-089). What was begun is finished, within the grace that the settings give
// and until ctx ends. It returns when Run has. The first stop decides the mode;
// later ones wait for the same end. An App that was stopped does not run.
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

// Mode is how the bot was stopped. It counts once [App.Run] has returned; a bot
// that ended by itself has paused.
func (a *App) Mode() gateway.StopMode {
	if !a.life.Stopping() {
		return gateway.KeepSession
	}
	return a.mode
}
