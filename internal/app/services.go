package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/api"
)

// services are the history, the alerts, the dead man's switch and the poller of Discord's
// status page. They work also while the bot is offline.
type services struct {
	history  *history.History
	notifier *alert.Notifier    // nil without a channel
	deadMan  *alert.DeadMan     // nil without an address
	poller   *statuspage.Poller // nil without an address
	close    func()             // to be called when the shards have stopped
}

func (a *App) newServices() services {
	c, log := a.opts.Config, logging.Component(a.opts.Logger, "Alerts")
	client := alert.NewClient()
	s := services{}
	s.history = history.New(history.Options{
		Snapshot: a.tracker.Summary, Incidents: a.tracker.Incidents, Log: logging.Component(a.opts.Logger, "History"),
		REST:    func() (int64, time.Duration) { st := a.rest.Stats(); return st.Sent, st.RoundTrip.P50 },
		Storage: a.opts.History, LastAlive: a.lastAlive(), Clock: a.opts.Clock,
	})
	s.close = func() {
		s.history.Close()
		client.CloseIdleConnections()
	}
	channels := slices.Clone(a.opts.Channels)
	if !c.AlertWebhookURL.Empty() {
		channels = append(channels, alert.Webhook{URL: c.AlertWebhookURL.Reveal(), Client: client})
	}
	if !c.AlertDiscordURL.Empty() {
		channels = append(channels, alert.Discord{URL: c.AlertDiscordURL.Reveal(), Client: client})
	}
	if !c.AlertNtfyURL.Empty() {
		channels = append(channels, alert.Ntfy{URL: c.AlertNtfyURL.Reveal(), Token: c.AlertNtfyToken.Reveal(), Client: client})
	}
	if len(c.AlertEmailTo) > 0 {
		from := slices.Concat(c.AlertEmailFrom, c.AlertEmailTo)[0]
		channels = append(channels, alert.Email{
			Addr: c.AlertSMTPAddr, User: c.AlertSMTPUser, Password: c.AlertSMTPPassword.Reveal(), From: from, To: c.AlertEmailTo,
		})
	}
	if len(channels) > 0 {
		s.notifier = alert.New(alert.Options{
			Snapshot: a.tracker.Snapshot, Channels: channels, After: c.AlertAfter, RemindEvery: c.AlertRemindEvery,
			MaxPerHour: c.AlertMaxPerHour, Storage: a.opts.Alerts, Runbook: c.AlertRunbookURL, Redact: a.opts.Redact, Log: log, Rand: a.opts.Rand,
		})
	}
	if !c.DeadmanPingURL.Empty() {
		s.deadMan = alert.NewDeadMan(alert.DeadManOptions{
			Snapshot: a.tracker.Snapshot, URL: c.DeadmanPingURL.Reveal(), Client: client, Interval: c.DeadmanPingInterval,
			After: c.AlertAfter, Redact: a.opts.Redact, Log: log,
		})
	}
	if c.DiscordStatusURL != "" {
		s.poller = statuspage.New(statuspage.Options{
			URL: c.DiscordStatusURL, Changed: a.tracker.SetDiscordStatus, UserAgent: a.userAgent(), Log: log, Rand: a.opts.Rand,
		})
	}
	return s
}

// lastAlive returns the last sign of life of the previous run; zero without one.
func (a *App) lastAlive() time.Time {
	if a.opts.PreviousDowntime == nil {
		return time.Time{}
	}
	return a.opts.PreviousDowntime.Start
}

// run starts the services; they end with ctx.
func (s services) run(ctx context.Context, running *sync.WaitGroup) {
	if s.notifier != nil {
		running.Go(func() { _ = s.notifier.Run(ctx) })
	}
	if s.deadMan != nil {
		running.Go(func() { _ = s.deadMan.Run(ctx) })
	}
	if s.poller != nil {
		running.Go(func() { _ = s.poller.Run(ctx) })
	}
}

// newServer makes the HTTP API.
func (a *App) newServer() (*api.Server, error) {
	c := a.opts.Config
	archive, _ := a.opts.Journal.(health.Archive)
	options := api.Options{
		Addr: c.APIAddr, Listen: a.listen("API_ADDR"), Token: c.APIToken.Reveal(), Version: a.opts.Version, Simulator: a.opts.Simulator, StatusPage: c.StatusPage,
		Instance: a.opts.Instance, AddrRequired: c.APIRequired,
		Bot: a, Operator: shardOperator{a}, Archive: archive, Lines: a.opts.Lines, Log: logging.Component(a.opts.Logger, "API"),
		History: struct {
			*history.History
			*health.Tracker // for its Incidents
		}{a.services.history, a.tracker},
	}
	if a.proxy != nil {
		options.Proxy = a.proxy
	}
	return api.New(options)
}

// Snapshot returns the health of the bot.
func (a *App) Snapshot() health.Snapshot { return a.tracker.Snapshot() }

// Check returns the last check of the periodic health check.
func (a *App) Check() health.Check { return a.healthCheck.Last() }

// Presence returns the presence of the settings, or that of the bot behind the proxy.
func (a *App) Presence() gateway.Presence {
	if a.proxy == nil {
		return a.opts.Config.Presence()
	}
	if p := a.proxy.Known().Presence; p != nil {
		return *p
	}
	return gateway.Presence{Status: gateway.StatusOnline}
}

// Budget returns how many IDENTIFYs were sent and are left.
func (a *App) Budget() identify.Usage { return a.limiter.Usage() }

// Handlers returns the run times of each command; none of bots behind the proxy.
func (a *App) Handlers() []bot.HandlerTime {
	if a.proxy != nil {
		return nil
	}
	return a.Bot().Handlers()
}
