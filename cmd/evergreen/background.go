package main

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"

	"evergreen/fleet"
	"evergreen/internal/app"
	"evergreen/internal/health/sdnotify"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/logging"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is how much of the memory limit the Go runtime may use before it
// collects garbage harder. What is left is for what it does not count.
const memoryShare = 0.9

// limitMemory sets the Go runtime's memory limit to that of the control group, if
// there is one and GOMEMLIMIT is not set. The runtime knows the limit on processors
// by itself.
func limitMemory(logger *slog.Logger) {
	log := logging.Component(logger, "Memory")
	var machine host.Machine
	now := machine.Memory()
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(func() (uint64, error) {
		if now.Limit <= 0 {
			return 0, memlimit.ErrNoLimit
		}
		return uint64(now.Limit), nil
	}))
	switch {
	case err != nil:
		log.Warn("The memory limit could not be set", "error", err)
	case now.Limit > 0:
		log.Info("Memory limit set", "in_use", now.String(), "limit", host.Size(limit), "processors", runtime.GOMAXPROCS(0))
	}
}

// startBackground starts what runs beside the bot: the watch over the settings' files,
// the notifications to the service manager, and the progress while many shards start.
// The function it returns ends all of it.
func (p *process) startBackground(from config.Sources, loaded *config.Loaded, bot *app.App, logger *logging.Logger) func() {
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		s := settingsWatch{before: loaded, bot: bot, logger: logger, log: logging.Component(logger.Logger, "Settings")}
		config.Watch(ctx, from, config.WatchEvery, s.changed)
	})
	running.Go(func() { p.showProgress(ctx, func() fleet.Snapshot { return bot.Fleet().Snapshot() }) })
	running.Go(func() {
		// A program that is started after this one may connect at once.
		select {
		case <-bot.Listening():
		case <-ctx.Done():
			return
		}
		sdnotify.New(sdnotify.Options{
			Snapshot: bot.Tracker().Snapshot, Shards: func() []sdnotify.Shard { return notifyShards(bot) },
			Logger: logging.Component(logger.Logger, "Supervision"),
		}).Run(ctx)
	})
	return func() {
		end()
		running.Wait()
	}
}

// notifyShards are the shards the bot has now.
func notifyShards(bot *app.App) []sdnotify.Shard {
	all := bot.Fleet().Shards()
	out := make([]sdnotify.Shard, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}

// reloadable are the settings that take effect while the bot runs.
var reloadable = []string{"DISCORD_TOKEN", "DISCORD_TOKEN_FILE"}

// settingsWatch passes changed settings on to a running bot.
type settingsWatch struct {
	before *config.Loaded
	bot    *app.App
	logger *logging.Logger
	log    *slog.Logger
}

// changed is called with the settings as the files have them now. A new token is used
// at once, other settings wait for the next start, and settings that are wrong change
// nothing.
func (s *settingsWatch) changed(now *config.Loaded, err error) {
	if err != nil {
		s.log.Warn("The changed settings cannot be used, and the bot goes on with those it has", "error", err)
		return
	}
	// Before anything is logged or sent with it.
	s.logger.Redactor.Add(now.Config.Token.Reveal())
	later := slices.DeleteFunc(config.Changes(s.before, now), func(name string) bool { return slices.Contains(reloadable, name) })
	if len(later) > 0 {
		s.log.Info("Settings have changed and take effect at the next start", "settings", strings.Join(later, ", "))
	}
	s.before = now
	s.bot.Reload(now.Config)
}
