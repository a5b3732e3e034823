package bot

import (
	"context"
	"sync"
	"time"

	"evergreen/gateway"
)

// Run does what the bot does without being asked. It refreshes the presence, warns when
// no user talks to the bot, asks Discord who the bot is and registers the slash
// commands. It returns nil when ctx ends or the bot is stopped. Call it once.
func (b *Bot) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { b.keepAlive(ctx) })
	work.Go(func() { b.watchActivity(ctx) })
	work.Go(func() { b.watchUndelivered(ctx) })
	work.Go(func() { b.setUp(ctx) })
	work.Go(func() { b.fetchGuilds(ctx) })
	select {
	case <-ctx.Done():
	case <-b.life.StopContext().Done():
	}
	cancel()
	work.Wait()
	return nil
}

// setUp fetches the application and registers the slash commands. It retries until
// both are done; an application that is refused is given up.
func (b *Bot) setUp(ctx context.Context) {
	_ = b.retryWork(ctx, "Application could not be fetched from Discord", func(ctx context.Context) error {
		app, err := b.fetchApplication(ctx)
		if err == nil {
			b.warnOfEndpoint(app)
		}
		return err
	})
	if !b.options.KeepCommands {
		b.keepRegistering(ctx)
	}
}

// fetchGuilds fetches the list of guilds each time a process that began with a
// RESUME needs it.
func (b *Bot) fetchGuilds(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.guildListNeeded:
		}
		_ = b.retryWork(ctx, "List of guilds could not be fetched", func(ctx context.Context) error {
			list, err := b.api.guilds(ctx)
			if err == nil {
				b.guilds.addFetched(list)
			}
			return err
		})
	}
}

// retryWork repeats work until it succeeds, Discord refuses it for good or ctx ends. It
// waits 5 s, then twice as long each time, at most 30 min. failure is the log line
// of each failure. It returns the last error of work, or that of ctx.
func (b *Bot) retryWork(ctx context.Context, failure string, work func(context.Context) error) error {
	for wait := 5 * time.Second; ; wait = min(2*wait, 30*time.Minute) {
		err := work(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !temporary(err) {
			b.log.Error(failure, "error", err)
			return err
		}
		b.log.Warn(failure, "error", err, "retry_in", wait)
		if err := b.sleepJittered(ctx, wait); err != nil {
			return err
		}
	}
}

// Observe implements [gateway.Observer] for the one observation that the bot logs.
func (b *Bot) Observe(o gateway.Observation) {
	if _, exhausted := o.Event.(gateway.AttemptsExhausted); exhausted {
		b.log.Error("Max reconnection attempts reached")
	}
}

var (
	_ gateway.Handler  = (*Bot)(nil)
	_ gateway.Observer = (*Bot)(nil)
)
