package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"evergreen/gateway"
)

// Run does what the bot does without being asked: it keeps the presence alive,
// watches for silence, learns who it is and registers its slash commands. It
// returns nil when ctx ends or the bot is stopped. Call it once.
func (b *Bot) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { b.keepAlive(ctx) })
	work.Go(func() { b.watchSilence(ctx) })
	work.Go(func() { b.settleIn(ctx) })
	work.Go(func() { b.adoptGuilds(ctx) })
	select {
	case <-ctx.Done():
	case <-b.stopping:
	}
	cancel()
	work.Wait()
	return nil
}

// keepAlive refreshes the presence and looks after the connection every
// Options.KeepaliveInterval, give or take five percent.
func (b *Bot) keepAlive(ctx context.Context) {
	every := b.options.KeepaliveInterval
	if every < 0 {
		return
	}
	for pause(ctx, jittered(every, b.options.Rand())) == nil {
		b.keepAliveOnce(time.Now())
	}
}

func jittered(every time.Duration, random float64) time.Duration {
	return every + time.Duration((random-0.5)*0.1*float64(every))
}

func (b *Bot) keepAliveOnce(now time.Time) {
	shard := b.shard()
	state := shard.State()
	if gateway.Online(state) {
		if err := shard.SetPresence(b.options.Presence); err != nil && !errors.Is(err, gateway.ErrStopped) {
			b.log.Warn("the presence could not be refreshed", "error", err)
		}
	} else {
		b.log.Warn("keep-alive found no connection to Discord; the gateway is working on it", "state", state.String())
	}
	latency := "unknown"
	if l := shard.Latency(); l > 0 {
		latency = milliseconds(l)
	}
	b.log.Debug(fmt.Sprintf("Keep-alive ping - Latency: %s, Guilds: %d, Last activity: %ds ago",
		latency, b.guilds.count(), int64(now.Sub(b.activity.last())/time.Second)))
}

// watchSilence warns when nobody has had to do with the bot for long, and no
// more often than that.
func (b *Bot) watchSilence(ctx context.Context) {
	after := b.options.ActivityWarningAfter
	if after < 0 {
		return
	}
	wait := after - time.Since(b.activity.last())
	for pause(ctx, wait) == nil {
		idle := time.Since(b.activity.last())
		if wait = after - idle; wait > 0 {
			continue
		}
		b.log.Warn(fmt.Sprintf("No activity for %.1f minutes", idle.Minutes()))
		wait = after
	}
}

// settleIn learns who the bot is and registers its commands, for as long as that
// takes.
func (b *Bot) settleIn(ctx context.Context) {
	b.untilDone(ctx, "the bot could not learn from Discord who it is", func(ctx context.Context) error {
		app, err := b.introduce(ctx)
		if err == nil {
			b.warnOfEndpoint(app)
		}
		return err
	})
	if !b.options.KeepCommands {
		b.untilDone(ctx, "the slash commands could not be registered", b.register)
	}
}

// adoptGuilds fetches the list of guilds when the run began with a RESUME.
func (b *Bot) adoptGuilds(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.listGuilds:
		}
		b.untilDone(ctx, "the list of guilds could not be fetched", func(ctx context.Context) error {
			list, err := b.api.guilds(ctx)
			if err == nil {
				b.guilds.adopt(list)
			}
			return err
		})
	}
}

// untilDone repeats work that Discord refused for the moment, ever more slowly,
// until it succeeds, is refused for good or ctx ends.
func (b *Bot) untilDone(ctx context.Context, failure string, work func(context.Context) error) {
	for wait := 5 * time.Second; ; wait = min(2*wait, 30*time.Minute) {
		err := work(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !temporary(err) {
			b.log.Error(failure, "error", err)
			return
		}
		b.log.Warn(failure+"; trying again later", "error", err, "in", wait)
		if b.rest(ctx, wait) != nil {
			return
		}
	}
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Observe takes the observations of the gateway that belong into the bot's own
// log.
func (b *Bot) Observe(note gateway.Observation) {
	if _, exhausted := note.Event.(gateway.AttemptsExhausted); exhausted {
		b.log.Error("Max reconnection attempts reached")
	}
}

var (
	_ gateway.Handler  = (*Bot)(nil)
	_ gateway.Observer = (*Bot)(nil)
)
