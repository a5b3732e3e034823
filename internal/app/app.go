// Package app wires one running bot together: settings in, one error out.
//
// An [App] has a fleet of shards, one or many, with ResearchBot as their handler; the
// REST transport and the identify limiter; and the monitors: tracker, narrator,
// monitor and, if wanted, the HTTP API. It knows in which order these start and stop,
// and nothing of how they work. What survives the process (sessions, the identify
// account) comes in through [Options] and belongs to the caller.
package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/preflight"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/lifecycle"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/api"
)

// Options configures an [App]. Config with a token is required; every other
// zero value means the documented default.
type Options struct {
	Config config.Config
	// Logger takes the lines of all parts, each with its component. Default:
	// none are written.
	Logger *slog.Logger
	// Redact takes secrets out of texts that are kept: what peers and libraries
	// said about an incident. Default: a redactor that knows the token.
	Redact func(string) string
	// Version is told to people and, in the User-Agent, to Discord.
	Version string
	// API serves the HTTP API on Config.APIAddr; Lines holds the last lines of
	// the log for it.
	API   bool
	Lines *logging.Ring
	// Listening is called with the address of the HTTP API before anything else
	// starts. Optional.
	Listening func(net.Addr)

	// Transport makes the REST round trips below the rate limits and retries.
	// Default: over the network, by the proxies of Config.
	Transport http.RoundTripper
	// Dialer opens the gateway's WebSockets. Default: the same way as REST.
	Dialer gateway.Dialer
	// Resolver turns names into addresses. Default: the system's.
	Resolver network.Resolver
	// Gateway is the address tried while REST has told none. Default: Discord's, if
	// Config.APIURL is Discord's.
	Gateway string
	// Machine is watched for memory that runs short. Default: none is.
	Machine *host.Machine
	// Observers see every observation of the shard, after the app's own.
	Observers []gateway.Observer
	// Channels take alerts beside those that Config names.
	Channels []alert.Channel
	// Commands are offered beside [bot.Builtin].
	Commands []bot.Command

	// Timing replaces the timing that Config gives. Default: that of Config.
	Timing *gateway.Timing
	// Rand returns numbers in [0,1) for every jitter; many goroutines call it.
	// Default math/rand/v2.
	Rand func() float64
	// WallClock reads the wall clock, by which shards notice that the host slept.
	// Default time.Now.
	WallClock func() time.Time

	// Sessions knows the session of an earlier run and keeps that of this one,
	// Storage keeps the account of session starts, Journal the incidents, History
	// how the bot has been, and Alerts what people were told.
	// Default: a fresh start, and everything ends with the process.
	Sessions Sessions
	Storage  identify.Storage
	Journal  health.Journal
	History  history.Storage
	Alerts   alert.Storage
	// Downtime is the time since the previous run, as [health.Downtime] makes it. Default:
	// there was none.
	Downtime *health.Incident
	// Conditions returns what is known to be wrong beside the connection: that these
	// are not kept, that another process uses the token. Default: nothing.
	Conditions func() []health.Condition
	// TokenChanged is told of a token that takes the place of the one before.
	TokenChanged func(token string)
}

// Sessions keeps a bot's sessions from one run to the next. A session belongs to
// one shard and to the intents it was started with. A [store.Store] is one.
type Sessions interface {
	// Sessions returns the sessions of shards that identify with these intents.
	Sessions(gateway.Intents) fleet.Sessions
	// Resumable reports whether one of these shards has a session to resume.
	Resumable([]gateway.ShardID, gateway.Intents) bool
	// Shards and Intents are the number of shards and the intents of the sessions
	// that are there to resume, 0 without any.
	Shards() int
	Intents() gateway.Intents
}

// App is one bot. Make it with [New], start it with [App.Run], end it with
// [App.Stop].
type App struct {
	opts     Options
	log      *slog.Logger
	client   *http.Client
	rest     *rest.Transport
	check    *preflight.Client
	limiter  *identify.Limiter
	tracker  *health.Tracker
	monitor  *health.Monitor
	monitors monitors
	token    *token
	network  *network.Network // nil if Options.Transport is used
	memory   *memoryMonitor   // nil without a machine
	server   *api.Server      // nil without the API

	// provisional is open while the number of shards is not known; growing is true
	// while it changes to more because Discord refuses what it has.
	provisional provisionalCount
	growing     atomic.Bool
	// advised is the highest number of shards that was recommended to an operator.
	advised int

	// preflightReport is what Discord answered to the questions before the start.
	preflightReport atomic.Pointer[preflight.Report]
	// preflightDone is closed when the questions before the start have been answered.
	preflightDone chan struct{}
	// runtime is replaced once at most, before the shards run: when Discord's
	// switches allow fewer intents than were wanted.
	runtime atomic.Pointer[runtime]

	mu   sync.Mutex
	work sync.WaitGroup // what runs beside Run; Add only under mu, before the stop

	life     *lifecycle.Lifecycle
	stopOnce sync.Once
	mode     gateway.StopMode // of the first stop; set before life stops
}

// runtime is the shards and their handler: what depends on the intents.
type runtime struct {
	fleet   *fleet.Fleet
	bot     *bot.Bot
	intents gateway.Intents
	// resumes is whether shards begin with the sessions of an earlier run.
	resumes bool
}

// New wires a bot together. Nothing runs and no request is made before [App.Run].
// The error names the first option that cannot work.
func New(o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Redact == nil {
		o.Redact = logging.NewRedactor(o.Config.Token.Reveal()).Redact
	}
	a := &App{
		opts: o, log: logging.Component(o.Logger, "Evergreen"),
		life: lifecycle.New(), preflightDone: make(chan struct{}), provisional: provisionalCount{wake: make(chan struct{}, 1)}, token: &token{used: o.Config.Token.Reveal()},
	}
	err := a.setupNetwork()
	if err != nil {
		return nil, err
	}
	a.rest = rest.New(rest.Options{
		Base: a.opts.Transport, UserAgent: a.userAgent(), TokenRecheck: tokenRecheck, GlobalLimit: o.Config.RESTLimit, Observe: a.logREST, Rand: o.Rand,
	})
	a.client = &http.Client{
		Transport: tokenTransport{next: a.rest, first: o.Config.Token.Reveal(), token: a.token},
		// Discord's API never redirects; a captive portal does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if a.check, err = preflight.New(a.preflightOptions()); err != nil {
		return nil, err
	}
	a.limiter = identify.New(identify.Options{
		Storage: o.Storage, SessionStartLimit: a.check.Limits, HoldUntil: a.preflightDone, Alert: a.warnBudget, Rand: o.Rand,
	})
	if o.Machine != nil {
		a.memory = &memoryMonitor{machine: *o.Machine, log: logging.Component(o.Logger, "Memory")}
	}
	a.tracker = health.NewTracker(health.Options{
		Source: source{a}, Redact: o.Redact, Journal: o.Journal, Downtime: o.Downtime,
	})
	a.monitor = health.NewMonitor(health.MonitorOptions{
		Snapshot: a.tracker.Snapshot, Log: logging.Component(o.Logger, "Monitor"),
		Interval: o.Config.HealthCheckInterval, OfflineAfter: o.Config.OfflineWarningAfter,
	})
	a.monitors = a.newMonitors()
	if o.API {
		if a.server, err = a.newServer(); err != nil {
			return nil, err
		}
	}
	if err = a.build(a.firstIntents()); err != nil {
		return nil, err
	}
	return a, nil
}

// wantedIntents is what the bot wants to ask for.
func (a *App) wantedIntents() gateway.Intents { return bot.Intents(a.opts.Config.PresenceIntent) }

// firstIntents is what the bot asks for until the questions before the start have been
// answered: with a session to resume that was begun without some of the optional
// intents, what that has.
func (a *App) firstIntents() gateway.Intents {
	wanted := a.wantedIntents()
	if a.opts.Sessions == nil {
		return wanted
	}
	left := a.opts.Sessions.Intents()
	if left|a.opts.Config.OptionalIntents&wanted == wanted && left&^wanted == 0 {
		return left
	}
	return wanted
}

// userAgent names this program to Discord in the form it demands.
func (a *App) userAgent() string {
	return "DiscordBot (https://github.com/evergreen, " + cmp.Or(a.opts.Version, "0") + ")"
}

// tokenRecheck is how soon a token that was answered 401 is checked again: the answer
// may have been a mistake, or the operator may have replaced the token. One
// refused request in ten minutes is nothing beside the 10,000 in ten minutes at
// which Discord bans an address, so there is no backoff: it would only
// make the way back longer.
const tokenRecheck = 10 * time.Minute

func (a *App) preflightOptions() preflight.Options {
	c := a.opts.Config
	return preflight.Options{
		HTTPClient: a.client, APIURL: c.APIURL, Gateway: a.fallbackGateway(), UserAgent: a.userAgent(), Token: a.token.newest, TokenRecheck: tokenRecheck,
		Running: a.shardCount, Intents: a.wantedIntents(), Optional: c.OptionalIntents, Logger: logging.Component(a.opts.Logger, "Preflight"),
	}
}

// build makes the bot and the shards for the intents.
func (a *App) build(intents gateway.Intents) error {
	c := a.opts.Config
	parts := runtime{intents: intents}
	var err error
	parts.bot, err = bot.New(bot.Options{
		Token: c.Token.Reveal(), HTTPClient: a.client, APIURL: c.APIURL, UserAgent: a.userAgent(), Version: a.opts.Version,
		Prefix: c.CommandPrefix, Commands: append(bot.Builtin(), a.opts.Commands...), KeepCommands: !c.SlashCommands,
		Owners: c.OwnerIDs, Goodbye: func() { a.requestStop(gateway.EndSession) },
		Intents: intents, Presence: c.Presence(),
		KeepaliveInterval: c.KeepaliveInterval, ActivityWarningAfter: c.ActivityWarningAfter,
		Concurrency: c.CommandConcurrency, HandlerTimeout: c.CommandTimeout, Cooldown: c.CommandCooldown,
		Health: a, Logger: logging.Component(a.opts.Logger, "ResearchBot"), Rand: a.opts.Rand,
	})
	if err != nil {
		return fmt.Errorf("the bot cannot be set up: %w", err)
	}
	timing := c.Timing()
	if a.opts.Timing != nil {
		timing = *a.opts.Timing
	}
	presence := c.Presence()
	var sessions fleet.Sessions
	if a.opts.Sessions != nil {
		sessions = a.opts.Sessions.Sessions(intents)
	}
	eventLog := health.NewEventLog(logging.Component(a.opts.Logger, "Gateway"))
	parts.fleet, err = fleet.New(fleet.Options{
		Shard: gateway.Options{
			Credentials: gateway.Credentials{Token: a.token.current(), Intents: intents},
			URLSource:   a, CredentialChecker: a, IdentifyLimiter: a.limiter, Dialer: a.opts.Dialer,
			Observer: a.observers(eventLog, parts.bot),
			Handler:  parts.bot, Events: bot.Events(),
			Presence: &presence, Compression: c.Compression, ReadLimit: c.ReadLimit,
			MaxAttempts: c.MaxReconnectAttempts, Timing: timing, Rand: a.opts.Rand, WallClock: a.opts.WallClock,
		},
		Assigner: fleet.AssignerFunc(a.assignShards), Sessions: sessions,
	})
	if err != nil {
		return err
	}
	if a.shardCount() > 0 { // Discord need not be asked
		if err := a.makeShards(context.Background(), &parts); err != nil {
			return err
		}
		parts.resumes = sessions != nil && a.opts.Sessions.Resumable(parts.fleet.Assignment().Shards(), intents)
	}
	parts.bot.Attach(anyShard{parts.fleet})
	a.runtime.Store(&parts)
	return nil
}

// observers are told of everything, the tracker first: the others ask it.
func (a *App) observers(more ...gateway.Observer) health.Observers {
	all := append(health.Observers{a.tracker, a.monitors.history}, more...)
	if a.server != nil {
		all = append(all, a.server)
	}
	return append(all, a.opts.Observers...)
}

// Fleet is the running shards; until the questions before the start have been
// answered others may take their place.
func (a *App) Fleet() *fleet.Fleet { return a.runtime.Load().fleet }

// Shard is the first of the shards; nil while it is not known which run here.
func (a *App) Shard() *gateway.Shard {
	if all := a.Fleet().Shards(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Bot is the running bot; what is said of [App.Fleet] holds for it too.
func (a *App) Bot() *bot.Bot { return a.runtime.Load().bot }

// Tracker knows how the bot is.
func (a *App) Tracker() *health.Tracker { return a.tracker }

// REST tells how requests to Discord fare.
func (a *App) REST() rest.Stats { return a.rest.Stats() }

// APIAddr is where the HTTP API listens; nil before it does and without it.
func (a *App) APIAddr() net.Addr {
	if a.server == nil {
		return nil
	}
	return a.server.Addr()
}
